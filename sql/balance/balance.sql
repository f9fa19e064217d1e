-- balance
CREATE TYPE retrack.balance;

CREATE FUNCTION retrack.balance_in(pg_catalog.cstring) RETURNS retrack.balance
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME';
CREATE FUNCTION retrack.balance_out(retrack.balance) RETURNS pg_catalog.cstring
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME';
CREATE FUNCTION retrack.balance_recv(pg_catalog.internal) RETURNS retrack.balance
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME';
CREATE FUNCTION retrack.balance_send(retrack.balance) RETURNS pg_catalog.bytea
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retrack.balance_in(pg_catalog.cstring) IS
  'reads a balance as balance_out prints it, exactly; the words before the first bar are derived: they may be missing, a muf that contradicts the terms is error 22P02, a number beyond its accumulator 22003';
COMMENT ON FUNCTION retrack.balance_out(retrack.balance) IS
  'a line per element: verdict (ok, OFF beyond 3 sigma or without known error at any difference, ? where the variance is negative), muf in kg, sigma to the milligram, z; then the five terms in kg, the variances of opening, between and closing in kg^2, each instrument''s signed systematic sum in kg, all exact';
COMMENT ON FUNCTION retrack.balance_recv(pg_catalog.internal) IS
  'binary input of balance; anything malformed is error 22P03 or 08P01';
COMMENT ON FUNCTION retrack.balance_send(retrack.balance) IS 'binary output of balance';

CREATE TYPE retrack.balance (
  INPUT = retrack.balance_in,
  OUTPUT = retrack.balance_out,
  RECEIVE = retrack.balance_recv,
  SEND = retrack.balance_send,
  INTERNALLENGTH = VARIABLE,
  ALIGNMENT = int4,
  STORAGE = extended
);
COMMENT ON TYPE retrack.balance IS
  'mass balance per element: exact sums of opening, receipts, shipments, losses and closing, with variances, and systematic sums by instrument, of opening, closing and what moved between; what mass_balance returns';

CREATE FUNCTION retrack.balance_eq(retrack.balance, retrack.balance) RETURNS pg_catalog.bool
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME';
CREATE FUNCTION retrack.balance_ne(retrack.balance, retrack.balance) RETURNS pg_catalog.bool
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME';
CREATE FUNCTION retrack.balance_lt(retrack.balance, retrack.balance) RETURNS pg_catalog.bool
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME';
CREATE FUNCTION retrack.balance_le(retrack.balance, retrack.balance) RETURNS pg_catalog.bool
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME';
CREATE FUNCTION retrack.balance_gt(retrack.balance, retrack.balance) RETURNS pg_catalog.bool
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME';
CREATE FUNCTION retrack.balance_ge(retrack.balance, retrack.balance) RETURNS pg_catalog.bool
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME';
CREATE FUNCTION retrack.balance_cmp(retrack.balance, retrack.balance) RETURNS pg_catalog.int4
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME';
CREATE FUNCTION retrack.balance_hash(retrack.balance) RETURNS pg_catalog.int4
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME';
CREATE FUNCTION retrack.balance_hash_extended(retrack.balance, pg_catalog.int8) RETURNS pg_catalog.int8
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retrack.balance_eq(retrack.balance, retrack.balance) IS
  'implementation of = operator: the same elements, sums, variances and systematic sums, to the last digit';
COMMENT ON FUNCTION retrack.balance_ne(retrack.balance, retrack.balance) IS 'implementation of <> operator';
COMMENT ON FUNCTION retrack.balance_lt(retrack.balance, retrack.balance) IS 'implementation of < operator';
COMMENT ON FUNCTION retrack.balance_le(retrack.balance, retrack.balance) IS 'implementation of <= operator';
COMMENT ON FUNCTION retrack.balance_gt(retrack.balance, retrack.balance) IS 'implementation of > operator';
COMMENT ON FUNCTION retrack.balance_ge(retrack.balance, retrack.balance) IS 'implementation of >= operator';
COMMENT ON FUNCTION retrack.balance_cmp(retrack.balance, retrack.balance) IS
  'btree comparison: a fixed order without meaning, for DISTINCT, GROUP BY and merge joins';
COMMENT ON FUNCTION retrack.balance_hash(retrack.balance) IS 'hash';
COMMENT ON FUNCTION retrack.balance_hash_extended(retrack.balance, pg_catalog.int8) IS 'hash with a seed';

CREATE OPERATOR retrack.= (FUNCTION = retrack.balance_eq, LEFTARG = retrack.balance, RIGHTARG = retrack.balance,
  COMMUTATOR = OPERATOR(retrack.=), NEGATOR = OPERATOR(retrack.<>), RESTRICT = eqsel, JOIN = eqjoinsel, HASHES, MERGES);
CREATE OPERATOR retrack.<> (FUNCTION = retrack.balance_ne, LEFTARG = retrack.balance, RIGHTARG = retrack.balance,
  COMMUTATOR = OPERATOR(retrack.<>), NEGATOR = OPERATOR(retrack.=), RESTRICT = neqsel, JOIN = neqjoinsel);
CREATE OPERATOR retrack.< (FUNCTION = retrack.balance_lt, LEFTARG = retrack.balance, RIGHTARG = retrack.balance,
  COMMUTATOR = OPERATOR(retrack.>), NEGATOR = OPERATOR(retrack.>=), RESTRICT = scalarltsel, JOIN = scalarltjoinsel);
CREATE OPERATOR retrack.<= (FUNCTION = retrack.balance_le, LEFTARG = retrack.balance, RIGHTARG = retrack.balance,
  COMMUTATOR = OPERATOR(retrack.>=), NEGATOR = OPERATOR(retrack.>), RESTRICT = scalarlesel, JOIN = scalarlejoinsel);
CREATE OPERATOR retrack.> (FUNCTION = retrack.balance_gt, LEFTARG = retrack.balance, RIGHTARG = retrack.balance,
  COMMUTATOR = OPERATOR(retrack.<), NEGATOR = OPERATOR(retrack.<=), RESTRICT = scalargtsel, JOIN = scalargtjoinsel);
CREATE OPERATOR retrack.>= (FUNCTION = retrack.balance_ge, LEFTARG = retrack.balance, RIGHTARG = retrack.balance,
  COMMUTATOR = OPERATOR(retrack.<=), NEGATOR = OPERATOR(retrack.<), RESTRICT = scalargesel, JOIN = scalargejoinsel);
COMMENT ON OPERATOR retrack.= (retrack.balance, retrack.balance) IS 'equal to the last digit';
COMMENT ON OPERATOR retrack.<> (retrack.balance, retrack.balance) IS 'not equal';
COMMENT ON OPERATOR retrack.< (retrack.balance, retrack.balance) IS 'before, in an order without meaning';
COMMENT ON OPERATOR retrack.<= (retrack.balance, retrack.balance) IS 'before or equal';
COMMENT ON OPERATOR retrack.> (retrack.balance, retrack.balance) IS 'after';
COMMENT ON OPERATOR retrack.>= (retrack.balance, retrack.balance) IS 'after or equal';

CREATE OPERATOR CLASS retrack.balance_ops DEFAULT FOR TYPE retrack.balance USING btree AS
  OPERATOR 1 retrack.<, OPERATOR 2 retrack.<=, OPERATOR 3 retrack.=, OPERATOR 4 retrack.>=, OPERATOR 5 retrack.>,
  FUNCTION 1 retrack.balance_cmp(retrack.balance, retrack.balance);
COMMENT ON OPERATOR CLASS retrack.balance_ops USING btree IS 'a fixed order without meaning, for DISTINCT and GROUP BY';
COMMENT ON OPERATOR FAMILY retrack.balance_ops USING btree IS 'a fixed order without meaning, for DISTINCT and GROUP BY';
CREATE OPERATOR CLASS retrack.balance_ops DEFAULT FOR TYPE retrack.balance USING hash AS
  OPERATOR 1 retrack.=,
  FUNCTION 1 retrack.balance_hash(retrack.balance),
  FUNCTION 2 retrack.balance_hash_extended(retrack.balance, pg_catalog.int8);
COMMENT ON OPERATOR CLASS retrack.balance_ops USING hash IS 'equality of balances';
COMMENT ON OPERATOR FAMILY retrack.balance_ops USING hash IS 'equality of balances';

CREATE FUNCTION retrack.balance_pl(retrack.balance, retrack.balance) RETURNS retrack.balance
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 20 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retrack.balance_pl(retrack.balance, retrack.balance) IS
  'the balance of both sets of movements, the same bits as mass_balance over all of them; for neighbouring periods of one facility use cumuf: here the inventory between them counts twice in sigma. Error 22003 beyond an accumulator; NULL gives NULL';
CREATE OPERATOR retrack.+ (FUNCTION = retrack.balance_pl, LEFTARG = retrack.balance, RIGHTARG = retrack.balance,
  COMMUTATOR = OPERATOR(retrack.+));
COMMENT ON OPERATOR retrack.+ (retrack.balance, retrack.balance) IS 'balance of both sets of movements';

