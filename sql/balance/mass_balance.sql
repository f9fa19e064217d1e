-- mass_balance
CREATE FUNCTION retrack.mass_balance_accum(pg_catalog.internal, retrack.flow, retrack.mass, retrack.assay) RETURNS pg_catalog.internal
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retrack.mass_balance_accum(pg_catalog.internal, retrack.flow, retrack.mass, retrack.assay) IS
  'transition function of mass_balance';

CREATE FUNCTION retrack.mass_balance_moving_accum(pg_catalog.internal, retrack.flow, retrack.mass, retrack.assay) RETURNS pg_catalog.internal
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retrack.mass_balance_moving_accum(pg_catalog.internal, retrack.flow, retrack.mass, retrack.assay) IS
  'moving transition function of mass_balance';

CREATE FUNCTION retrack.mass_balance_moving_inverse(pg_catalog.internal, retrack.flow, retrack.mass, retrack.assay) RETURNS pg_catalog.internal
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retrack.mass_balance_moving_inverse(pg_catalog.internal, retrack.flow, retrack.mass, retrack.assay) IS
  'inverse transition function of mass_balance';

CREATE FUNCTION retrack.mass_balance_errors_accum(pg_catalog.internal, retrack.flow, retrack.mass, retrack.assay, pg_catalog.float8, pg_catalog.float8, pg_catalog.text) RETURNS pg_catalog.internal
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retrack.mass_balance_errors_accum(pg_catalog.internal, retrack.flow, retrack.mass, retrack.assay, pg_catalog.float8, pg_catalog.float8, pg_catalog.text) IS
  'transition function of mass_balance with errors';

CREATE FUNCTION retrack.mass_balance_errors_moving_accum(pg_catalog.internal, retrack.flow, retrack.mass, retrack.assay, pg_catalog.float8, pg_catalog.float8, pg_catalog.text) RETURNS pg_catalog.internal
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retrack.mass_balance_errors_moving_accum(pg_catalog.internal, retrack.flow, retrack.mass, retrack.assay, pg_catalog.float8, pg_catalog.float8, pg_catalog.text) IS
  'moving transition function of mass_balance with errors';

CREATE FUNCTION retrack.mass_balance_errors_moving_inverse(pg_catalog.internal, retrack.flow, retrack.mass, retrack.assay, pg_catalog.float8, pg_catalog.float8, pg_catalog.text) RETURNS pg_catalog.internal
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retrack.mass_balance_errors_moving_inverse(pg_catalog.internal, retrack.flow, retrack.mass, retrack.assay, pg_catalog.float8, pg_catalog.float8, pg_catalog.text) IS
  'inverse transition function of mass_balance with errors';

CREATE FUNCTION retrack.mass_balance_final(pg_catalog.internal) RETURNS retrack.balance
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 20 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retrack.mass_balance_final(pg_catalog.internal) IS
  'final function of mass_balance and sum(balance)';

CREATE FUNCTION retrack.mass_balance_combine(pg_catalog.internal, pg_catalog.internal) RETURNS pg_catalog.internal
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 20 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retrack.mass_balance_combine(pg_catalog.internal, pg_catalog.internal) IS
  'combines the states of parallel workers';

CREATE FUNCTION retrack.mass_balance_serialize(pg_catalog.internal) RETURNS pg_catalog.bytea
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 20 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retrack.mass_balance_serialize(pg_catalog.internal) IS
  'serialises a state for another process';

CREATE FUNCTION retrack.mass_balance_deserialize(pg_catalog.bytea, pg_catalog.internal) RETURNS pg_catalog.internal
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 20 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retrack.mass_balance_deserialize(pg_catalog.bytea, pg_catalog.internal) IS
  'reads a serialised state; anything malformed is error 22P03 or 08P01';

CREATE FUNCTION retrack.balance_sum_accum(pg_catalog.internal, retrack.balance) RETURNS pg_catalog.internal
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retrack.balance_sum_accum(pg_catalog.internal, retrack.balance) IS
  'transition function of sum(balance)';

CREATE FUNCTION retrack.balance_sum_moving_accum(pg_catalog.internal, retrack.balance) RETURNS pg_catalog.internal
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retrack.balance_sum_moving_accum(pg_catalog.internal, retrack.balance) IS
  'moving transition function of sum(balance)';

CREATE FUNCTION retrack.balance_sum_moving_inverse(pg_catalog.internal, retrack.balance) RETURNS pg_catalog.internal
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retrack.balance_sum_moving_inverse(pg_catalog.internal, retrack.balance) IS
  'inverse transition function of sum(balance)';

CREATE AGGREGATE retrack.mass_balance(flow retrack.flow, mass retrack.mass, assay retrack.assay) (
  SFUNC = retrack.mass_balance_accum,
  STYPE = pg_catalog.internal,
  SSPACE = 1024,
  FINALFUNC = retrack.mass_balance_final,
  COMBINEFUNC = retrack.mass_balance_combine,
  SERIALFUNC = retrack.mass_balance_serialize,
  DESERIALFUNC = retrack.mass_balance_deserialize,
  MSFUNC = retrack.mass_balance_moving_accum,
  MINVFUNC = retrack.mass_balance_moving_inverse,
  MSTYPE = pg_catalog.internal,
  MSSPACE = 1024,
  MFINALFUNC = retrack.mass_balance_final,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE retrack.mass_balance(retrack.flow, retrack.mass, retrack.assay) IS
  'exact mass balance per element of movements: flow, mass of material, its assay. MUF = opening + receipts - shipments - losses - closing (IAEA practice). The assay''s standard deviations enter sigma; other errors count as 0. A negative mass takes back its original. A row with NULL flow, mass or assay is ignored, a group without other rows is NULL; error 22003 if a sum outgrows 128 bits of mg x ppb';

CREATE AGGREGATE retrack.mass_balance(flow retrack.flow, mass retrack.mass, assay retrack.assay, random_rsd pg_catalog.float8, systematic_rsd pg_catalog.float8, instrument pg_catalog.text) (
  SFUNC = retrack.mass_balance_errors_accum,
  STYPE = pg_catalog.internal,
  SSPACE = 1024,
  FINALFUNC = retrack.mass_balance_final,
  COMBINEFUNC = retrack.mass_balance_combine,
  SERIALFUNC = retrack.mass_balance_serialize,
  DESERIALFUNC = retrack.mass_balance_deserialize,
  MSFUNC = retrack.mass_balance_errors_moving_accum,
  MINVFUNC = retrack.mass_balance_errors_moving_inverse,
  MSTYPE = pg_catalog.internal,
  MSSPACE = 1024,
  MFINALFUNC = retrack.mass_balance_final,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE retrack.mass_balance(retrack.flow, retrack.mass, retrack.assay, pg_catalog.float8, pg_catalog.float8, pg_catalog.text) IS
  'exact mass balance with sigma(MUF): measured = true x (1 + r + s), r independent per row with relative standard deviation random_rsd, s one bias per instrument shared by all its rows, scaled by systematic_rsd. Per element, with x = mass x fraction: var(MUF) = sum of (x random_rsd)^2 + sum of (mass x assay deviation)^2 + over instruments (signed sum of x systematic_rsd)^2, sign + for opening and receipt, - for the others. A row without instrument shares its bias with no other. Deviations are shares (0.003 is 0.3 %), kept to 1 ppb, NULL is 0; outside 0 to 1 or NaN is error RTB01. A negative mass takes back sum and variance of its original; sigma is NULL where that leaves a variance below 0. A row with NULL flow, mass or assay is ignored, a group without other rows is NULL; instruments are told apart by the bytes of their names, a recalibrated one is a new name. Error 22003 if an accumulator overflows (sums 128 bits, systematic sums 192, variances 320). A group takes some 24 kB whatever its rows, and below 2 kB for each instrument (4 kB with more than 8 elements)';

CREATE AGGREGATE retrack.sum(balance retrack.balance) (
  SFUNC = retrack.balance_sum_accum,
  STYPE = pg_catalog.internal,
  SSPACE = 1024,
  FINALFUNC = retrack.mass_balance_final,
  COMBINEFUNC = retrack.mass_balance_combine,
  SERIALFUNC = retrack.mass_balance_serialize,
  DESERIALFUNC = retrack.mass_balance_deserialize,
  MSFUNC = retrack.balance_sum_moving_accum,
  MINVFUNC = retrack.balance_sum_moving_inverse,
  MSTYPE = pg_catalog.internal,
  MSSPACE = 1024,
  MFINALFUNC = retrack.mass_balance_final,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE retrack.sum(retrack.balance) IS
  'sum of balances, the same bits as mass_balance over all their movements. Of neighbouring periods of one facility it gives the right MUF but too large a sigma, since the inventories between count twice: use cumuf there. NULL balances are ignored; error 22003 if an accumulator overflows';

