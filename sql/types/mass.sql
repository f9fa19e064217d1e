-- mass: int8 milligrams.

CREATE TYPE retrack.mass;

CREATE FUNCTION retrack.mass_in(cstring) RETURNS retrack.mass
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retrack.mass_in(cstring) IS
  'reads a number and t, kg, g or mg (none: kg), rounding half away from zero at 1 mg; 22P02 if malformed, 22003 if out of range';

CREATE FUNCTION retrack.mass_out(retrack.mass) RETURNS cstring
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retrack.mass_out(retrack.mass) IS
  'prints in the largest of t, kg, g, mg that is not above the mass; exact';

CREATE FUNCTION retrack.mass_recv(internal) RETURNS retrack.mass
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retrack.mass_recv(internal) IS 'reads the binary form: eight bytes, milligrams';

CREATE FUNCTION retrack.mass_send(retrack.mass) RETURNS bytea
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retrack.mass_send(retrack.mass) IS 'writes the binary form: eight bytes, milligrams';

CREATE TYPE retrack.mass (
  INPUT = retrack.mass_in, OUTPUT = retrack.mass_out,
  RECEIVE = retrack.mass_recv, SEND = retrack.mass_send,
  INTERNALLENGTH = 8, PASSEDBYVALUE, ALIGNMENT = double);
COMMENT ON TYPE retrack.mass IS
  'mass in whole milligrams, up to 9223372036.854775807 t either way: reads t, kg, g, mg (no unit: kg); overflow is an error';

CREATE FUNCTION retrack.mass_lt(retrack.mass, retrack.mass) RETURNS boolean
  LANGUAGE internal IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'int8lt';
COMMENT ON FUNCTION retrack.mass_lt(retrack.mass, retrack.mass) IS 'less than';

CREATE FUNCTION retrack.mass_le(retrack.mass, retrack.mass) RETURNS boolean
  LANGUAGE internal IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'int8le';
COMMENT ON FUNCTION retrack.mass_le(retrack.mass, retrack.mass) IS 'less than or equal';

CREATE FUNCTION retrack.mass_eq(retrack.mass, retrack.mass) RETURNS boolean
  LANGUAGE internal IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'int8eq';
COMMENT ON FUNCTION retrack.mass_eq(retrack.mass, retrack.mass) IS 'equal';

CREATE FUNCTION retrack.mass_ne(retrack.mass, retrack.mass) RETURNS boolean
  LANGUAGE internal IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'int8ne';
COMMENT ON FUNCTION retrack.mass_ne(retrack.mass, retrack.mass) IS 'not equal';

CREATE FUNCTION retrack.mass_ge(retrack.mass, retrack.mass) RETURNS boolean
  LANGUAGE internal IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'int8ge';
COMMENT ON FUNCTION retrack.mass_ge(retrack.mass, retrack.mass) IS 'greater than or equal';

CREATE FUNCTION retrack.mass_gt(retrack.mass, retrack.mass) RETURNS boolean
  LANGUAGE internal IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'int8gt';
COMMENT ON FUNCTION retrack.mass_gt(retrack.mass, retrack.mass) IS 'greater than';

CREATE FUNCTION retrack.mass_cmp(retrack.mass, retrack.mass) RETURNS integer
  LANGUAGE internal IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'btint8cmp';
COMMENT ON FUNCTION retrack.mass_cmp(retrack.mass, retrack.mass) IS 'less, equal, greater: -1, 0, 1';

CREATE FUNCTION retrack.mass_sortsupport(internal) RETURNS void
  LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE AS 'btint8sortsupport';
COMMENT ON FUNCTION retrack.mass_sortsupport(internal) IS 'sorts as bigint does';

CREATE FUNCTION retrack.mass_hash(retrack.mass) RETURNS integer
  LANGUAGE internal IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'hashint8';
COMMENT ON FUNCTION retrack.mass_hash(retrack.mass) IS 'hash';

CREATE FUNCTION retrack.mass_hash_extended(retrack.mass, bigint) RETURNS bigint
  LANGUAGE internal IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'hashint8extended';
COMMENT ON FUNCTION retrack.mass_hash_extended(retrack.mass, bigint) IS '64-bit hash with a seed';

CREATE OPERATOR retrack.< (
  LEFTARG = retrack.mass, RIGHTARG = retrack.mass, FUNCTION = retrack.mass_lt,
  COMMUTATOR = OPERATOR(retrack.>), NEGATOR = OPERATOR(retrack.>=),
  RESTRICT = scalarltsel, JOIN = scalarltjoinsel);
COMMENT ON OPERATOR retrack.< (retrack.mass, retrack.mass) IS 'less than';

CREATE OPERATOR retrack.<= (
  LEFTARG = retrack.mass, RIGHTARG = retrack.mass, FUNCTION = retrack.mass_le,
  COMMUTATOR = OPERATOR(retrack.>=), NEGATOR = OPERATOR(retrack.>),
  RESTRICT = scalarlesel, JOIN = scalarlejoinsel);
COMMENT ON OPERATOR retrack.<= (retrack.mass, retrack.mass) IS 'less than or equal';

CREATE OPERATOR retrack.= (
  LEFTARG = retrack.mass, RIGHTARG = retrack.mass, FUNCTION = retrack.mass_eq,
  COMMUTATOR = OPERATOR(retrack.=), NEGATOR = OPERATOR(retrack.<>),
  RESTRICT = eqsel, JOIN = eqjoinsel,
  HASHES, MERGES);
COMMENT ON OPERATOR retrack.= (retrack.mass, retrack.mass) IS 'equal';

CREATE OPERATOR retrack.<> (
  LEFTARG = retrack.mass, RIGHTARG = retrack.mass, FUNCTION = retrack.mass_ne,
  COMMUTATOR = OPERATOR(retrack.<>), NEGATOR = OPERATOR(retrack.=),
  RESTRICT = neqsel, JOIN = neqjoinsel);
COMMENT ON OPERATOR retrack.<> (retrack.mass, retrack.mass) IS 'not equal';

CREATE OPERATOR retrack.>= (
  LEFTARG = retrack.mass, RIGHTARG = retrack.mass, FUNCTION = retrack.mass_ge,
  COMMUTATOR = OPERATOR(retrack.<=), NEGATOR = OPERATOR(retrack.<),
  RESTRICT = scalargesel, JOIN = scalargejoinsel);
COMMENT ON OPERATOR retrack.>= (retrack.mass, retrack.mass) IS 'greater than or equal';

CREATE OPERATOR retrack.> (
  LEFTARG = retrack.mass, RIGHTARG = retrack.mass, FUNCTION = retrack.mass_gt,
  COMMUTATOR = OPERATOR(retrack.<), NEGATOR = OPERATOR(retrack.<=),
  RESTRICT = scalargtsel, JOIN = scalargtjoinsel);
COMMENT ON OPERATOR retrack.> (retrack.mass, retrack.mass) IS 'greater than';

CREATE FUNCTION retrack.in_range(val retrack.mass, base retrack.mass, "offset" retrack.mass, sub boolean, less boolean) RETURNS boolean
  LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE AS 'in_range_int8_int8';
COMMENT ON FUNCTION retrack.in_range(retrack.mass, retrack.mass, retrack.mass, boolean, boolean) IS
  'window frames by mass: ORDER BY mass RANGE BETWEEN ''1 kg'' PRECEDING AND ''1 kg'' FOLLOWING; 22013 on a negative offset';

CREATE OPERATOR CLASS retrack.mass_ops DEFAULT FOR TYPE retrack.mass USING btree AS
  OPERATOR 1 retrack.<,
  OPERATOR 2 retrack.<=,
  OPERATOR 3 retrack.=,
  OPERATOR 4 retrack.>=,
  OPERATOR 5 retrack.>,
  FUNCTION 1 retrack.mass_cmp(retrack.mass, retrack.mass),
  FUNCTION 2 retrack.mass_sortsupport(internal),
  FUNCTION 3 retrack.in_range(retrack.mass, retrack.mass, retrack.mass, boolean, boolean),
  FUNCTION 4 pg_catalog.btequalimage(oid);
COMMENT ON OPERATOR CLASS retrack.mass_ops USING btree IS 'order by mass';
COMMENT ON OPERATOR FAMILY retrack.mass_ops USING btree IS 'order by mass';

CREATE OPERATOR CLASS retrack.mass_ops DEFAULT FOR TYPE retrack.mass USING hash AS
  OPERATOR 1 retrack.=,
  FUNCTION 1 retrack.mass_hash(retrack.mass),
  FUNCTION 2 retrack.mass_hash_extended(retrack.mass, bigint);
COMMENT ON OPERATOR CLASS retrack.mass_ops USING hash IS 'equality of mass';
COMMENT ON OPERATOR FAMILY retrack.mass_ops USING hash IS 'equality of mass';

CREATE OPERATOR CLASS retrack.mass_minmax_ops DEFAULT FOR TYPE retrack.mass USING brin AS
  OPERATOR 1 retrack.<,
  OPERATOR 2 retrack.<=,
  OPERATOR 3 retrack.=,
  OPERATOR 4 retrack.>=,
  OPERATOR 5 retrack.>,
  FUNCTION 1 pg_catalog.brin_minmax_opcinfo(internal),
  FUNCTION 2 pg_catalog.brin_minmax_add_value(internal, internal, internal, internal),
  FUNCTION 3 pg_catalog.brin_minmax_consistent(internal, internal, internal),
  FUNCTION 4 pg_catalog.brin_minmax_union(internal, internal, internal);
COMMENT ON OPERATOR CLASS retrack.mass_minmax_ops USING brin IS 'least and greatest mass of a block range';
COMMENT ON OPERATOR FAMILY retrack.mass_minmax_ops USING brin IS 'least and greatest mass of a block range';

CREATE FUNCTION retrack.mass_smaller(retrack.mass, retrack.mass) RETURNS retrack.mass
  LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE AS 'int8smaller';
COMMENT ON FUNCTION retrack.mass_smaller(retrack.mass, retrack.mass) IS 'the smaller of two';
CREATE AGGREGATE retrack.min(retrack.mass) (
  SFUNC = retrack.mass_smaller, STYPE = retrack.mass, COMBINEFUNC = retrack.mass_smaller,
  SORTOP = OPERATOR(retrack.<), PARALLEL = SAFE);
COMMENT ON AGGREGATE retrack.min(retrack.mass) IS 'least mass of all rows that are not NULL';

CREATE FUNCTION retrack.mass_larger(retrack.mass, retrack.mass) RETURNS retrack.mass
  LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE AS 'int8larger';
COMMENT ON FUNCTION retrack.mass_larger(retrack.mass, retrack.mass) IS 'the larger of two';
CREATE AGGREGATE retrack.max(retrack.mass) (
  SFUNC = retrack.mass_larger, STYPE = retrack.mass, COMBINEFUNC = retrack.mass_larger,
  SORTOP = OPERATOR(retrack.>), PARALLEL = SAFE);
COMMENT ON AGGREGATE retrack.max(retrack.mass) IS 'greatest mass of all rows that are not NULL';

-- Casts: plain numbers are kilograms.

CREATE FUNCTION retrack.kilograms(retrack.mass) RETURNS numeric
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retrack.kilograms(retrack.mass) IS 'kilograms, exact, six decimals';

CREATE FUNCTION retrack.mass_from_numeric(numeric) RETURNS retrack.mass
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retrack.mass_from_numeric(numeric) IS
  'mass of so many kilograms, rounded half away from zero at 1 mg; 22003 if out of range, NaN or infinite';

CREATE FUNCTION retrack.mass_from_bigint(bigint) RETURNS retrack.mass
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retrack.mass_from_bigint(bigint) IS 'mass of so many kilograms; 22003 if out of range';

CREATE FUNCTION retrack.milligrams(retrack.mass) RETURNS bigint
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retrack.milligrams(retrack.mass) IS 'milligrams, exact';

CREATE FUNCTION retrack.mass_from_milligrams(bigint) RETURNS retrack.mass
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retrack.mass_from_milligrams(bigint) IS 'mass of so many milligrams';

CREATE CAST (retrack.mass AS numeric) WITH FUNCTION retrack.kilograms(retrack.mass);
COMMENT ON CAST (retrack.mass AS numeric) IS 'kilograms, exact';
CREATE CAST (numeric AS retrack.mass) WITH FUNCTION retrack.mass_from_numeric(numeric) AS ASSIGNMENT;
COMMENT ON CAST (numeric AS retrack.mass) IS 'kilograms, rounded half away from zero at 1 mg';
CREATE FUNCTION retrack.mass_from_integer(integer) RETURNS retrack.mass
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retrack.mass_from_integer(integer) IS 'mass of so many kilograms';
CREATE CAST (integer AS retrack.mass) WITH FUNCTION retrack.mass_from_integer(integer) AS ASSIGNMENT;
COMMENT ON CAST (integer AS retrack.mass) IS 'kilograms';
CREATE CAST (bigint AS retrack.mass) WITH FUNCTION retrack.mass_from_bigint(bigint) AS ASSIGNMENT;
COMMENT ON CAST (bigint AS retrack.mass) IS 'kilograms';
CREATE FUNCTION retrack.mass_from_smallint(smallint) RETURNS retrack.mass
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retrack.mass_from_smallint(smallint) IS 'mass of so many kilograms';
CREATE CAST (smallint AS retrack.mass) WITH FUNCTION retrack.mass_from_smallint(smallint) AS ASSIGNMENT;
COMMENT ON CAST (smallint AS retrack.mass) IS 'kilograms';

CREATE FUNCTION retrack.mass_from_double(double precision) RETURNS retrack.mass
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retrack.mass_from_double(double precision) IS
  'mass of so many kilograms: of the shortest decimal number that reads back as the same double, rounded half away from zero at 1 mg; 22003 if out of range, NaN or infinite';
CREATE CAST (double precision AS retrack.mass) WITH FUNCTION retrack.mass_from_double(double precision) AS ASSIGNMENT;
COMMENT ON CAST (double precision AS retrack.mass) IS 'kilograms, rounded half away from zero at 1 mg';
CREATE FUNCTION retrack.mass_to_double(retrack.mass) RETURNS double precision
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retrack.mass_to_double(retrack.mass) IS 'kilograms, the nearest double';
CREATE CAST (retrack.mass AS double precision) WITH FUNCTION retrack.mass_to_double(retrack.mass);
COMMENT ON CAST (retrack.mass AS double precision) IS 'kilograms, the nearest double';

-- Arithmetic

CREATE FUNCTION retrack.mass_add(retrack.mass, retrack.mass) RETURNS retrack.mass
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retrack.mass_add(retrack.mass, retrack.mass) IS 'sum; 22003 if out of range';
CREATE OPERATOR retrack.+ (
  LEFTARG = retrack.mass, RIGHTARG = retrack.mass, FUNCTION = retrack.mass_add, COMMUTATOR = OPERATOR(retrack.+));
COMMENT ON OPERATOR retrack.+ (retrack.mass, retrack.mass) IS 'sum; 22003 if out of range';

CREATE FUNCTION retrack.mass_sub(retrack.mass, retrack.mass) RETURNS retrack.mass
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retrack.mass_sub(retrack.mass, retrack.mass) IS 'difference; 22003 if out of range';
CREATE OPERATOR retrack.- (LEFTARG = retrack.mass, RIGHTARG = retrack.mass, FUNCTION = retrack.mass_sub);
COMMENT ON OPERATOR retrack.- (retrack.mass, retrack.mass) IS 'difference; 22003 if out of range';

CREATE FUNCTION retrack.mass_uminus(retrack.mass) RETURNS retrack.mass
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retrack.mass_uminus(retrack.mass) IS 'negated; 22003 if out of range';
CREATE OPERATOR retrack.- (RIGHTARG = retrack.mass, FUNCTION = retrack.mass_uminus);
COMMENT ON OPERATOR retrack.- (NONE, retrack.mass) IS 'negated; 22003 if out of range';

CREATE FUNCTION retrack.mass_uplus(retrack.mass) RETURNS retrack.mass
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retrack.mass_uplus(retrack.mass) IS 'the mass itself';
CREATE OPERATOR retrack.+ (RIGHTARG = retrack.mass, FUNCTION = retrack.mass_uplus);
COMMENT ON OPERATOR retrack.+ (NONE, retrack.mass) IS 'the mass itself';

CREATE FUNCTION retrack.abs(retrack.mass) RETURNS retrack.mass
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'mass_abs';
COMMENT ON FUNCTION retrack.abs(retrack.mass) IS 'absolute value; 22003 if out of range';

CREATE FUNCTION retrack.sign(retrack.mass) RETURNS integer
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'mass_sign';
COMMENT ON FUNCTION retrack.sign(retrack.mass) IS 'sign: -1, 0 or 1';

CREATE FUNCTION retrack.mass_mul_numeric(retrack.mass, numeric) RETURNS retrack.mass
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retrack.mass_mul_numeric(retrack.mass, numeric) IS
  'product, rounded half away from zero at 1 mg; 22003 if out of range, NaN or infinite';
CREATE FUNCTION retrack.numeric_mul_mass(numeric, retrack.mass) RETURNS retrack.mass
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retrack.numeric_mul_mass(numeric, retrack.mass) IS
  'product, rounded half away from zero at 1 mg; 22003 if out of range, NaN or infinite';
CREATE OPERATOR retrack.* (
  LEFTARG = retrack.mass, RIGHTARG = numeric, FUNCTION = retrack.mass_mul_numeric, COMMUTATOR = OPERATOR(retrack.*));
COMMENT ON OPERATOR retrack.* (retrack.mass, numeric) IS 'product, rounded half away from zero at 1 mg';
CREATE OPERATOR retrack.* (
  LEFTARG = numeric, RIGHTARG = retrack.mass, FUNCTION = retrack.numeric_mul_mass, COMMUTATOR = OPERATOR(retrack.*));
COMMENT ON OPERATOR retrack.* (numeric, retrack.mass) IS 'product, rounded half away from zero at 1 mg';

CREATE FUNCTION retrack.mass_div_numeric(retrack.mass, numeric) RETURNS retrack.mass
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retrack.mass_div_numeric(retrack.mass, numeric) IS
  'quotient, rounded half away from zero at 1 mg; 22012 on division by zero, 22003 if out of range or NaN';
CREATE OPERATOR retrack./ (LEFTARG = retrack.mass, RIGHTARG = numeric, FUNCTION = retrack.mass_div_numeric);
COMMENT ON OPERATOR retrack./ (retrack.mass, numeric) IS 'quotient, rounded half away from zero at 1 mg';

CREATE FUNCTION retrack.mass_div(retrack.mass, retrack.mass) RETURNS numeric
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retrack.mass_div(retrack.mass, retrack.mass) IS 'ratio of two masses; 22012 on division by zero';
CREATE OPERATOR retrack./ (LEFTARG = retrack.mass, RIGHTARG = retrack.mass, FUNCTION = retrack.mass_div);
COMMENT ON OPERATOR retrack./ (retrack.mass, retrack.mass) IS 'ratio of two masses';

-- Aggregates: exact in 128 bits; NULLs are ignored, no rows give NULL.

CREATE FUNCTION retrack.mass_accum(internal, retrack.mass) RETURNS internal
  LANGUAGE C IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retrack.mass_accum(internal, retrack.mass) IS 'aggregate transition function';
CREATE FUNCTION retrack.mass_accum_inv(internal, retrack.mass) RETURNS internal
  LANGUAGE C IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retrack.mass_accum_inv(internal, retrack.mass) IS 'aggregate inverse transition function';
CREATE FUNCTION retrack.mass_sum_combine(internal, internal) RETURNS internal
  LANGUAGE C IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retrack.mass_sum_combine(internal, internal) IS 'aggregate combine function';
CREATE FUNCTION retrack.mass_sum_serial(internal) RETURNS bytea
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retrack.mass_sum_serial(internal) IS 'aggregate serial function';
CREATE FUNCTION retrack.mass_sum_deserial(bytea, internal) RETURNS internal
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retrack.mass_sum_deserial(bytea, internal) IS 'aggregate deserial function';
CREATE FUNCTION retrack.mass_sum_final(internal) RETURNS retrack.mass
  LANGUAGE C IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retrack.mass_sum_final(internal) IS 'aggregate final function';
CREATE FUNCTION retrack.mass_avg_final(internal) RETURNS retrack.mass
  LANGUAGE C IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retrack.mass_avg_final(internal) IS 'aggregate final function';

CREATE AGGREGATE retrack.sum(retrack.mass) (
  SFUNC = retrack.mass_accum, STYPE = internal, SSPACE = 32, FINALFUNC = retrack.mass_sum_final,
  COMBINEFUNC = retrack.mass_sum_combine, SERIALFUNC = retrack.mass_sum_serial, DESERIALFUNC = retrack.mass_sum_deserial,
  MSFUNC = retrack.mass_accum, MINVFUNC = retrack.mass_accum_inv, MSTYPE = internal, MSSPACE = 32,
  MFINALFUNC = retrack.mass_sum_final, PARALLEL = SAFE);
COMMENT ON AGGREGATE retrack.sum(retrack.mass) IS
  'total mass, exact; 22003 if the total (not a part of it on the way) is out of range; NULL without rows';

CREATE AGGREGATE retrack.avg(retrack.mass) (
  SFUNC = retrack.mass_accum, STYPE = internal, SSPACE = 32, FINALFUNC = retrack.mass_avg_final,
  COMBINEFUNC = retrack.mass_sum_combine, SERIALFUNC = retrack.mass_sum_serial, DESERIALFUNC = retrack.mass_sum_deserial,
  MSFUNC = retrack.mass_accum, MINVFUNC = retrack.mass_accum_inv, MSTYPE = internal, MSSPACE = 32,
  MFINALFUNC = retrack.mass_avg_final, PARALLEL = SAFE);
COMMENT ON AGGREGATE retrack.avg(retrack.mass) IS
  'mean mass, rounded half away from zero at 1 mg; NULL without rows';

CREATE FUNCTION retrack.tonnes(retrack.mass) RETURNS numeric
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retrack.tonnes(retrack.mass) IS 'tonnes, exact, nine decimals';

CREATE FUNCTION retrack.generate_series(start retrack.mass, stop retrack.mass, step retrack.mass) RETURNS SETOF retrack.mass
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE ROWS 1000 AS 'MODULE_PATHNAME', 'mass_generate_series';
COMMENT ON FUNCTION retrack.generate_series(retrack.mass, retrack.mass, retrack.mass) IS
  'masses from start to stop, stop included if met, by step; 22023 if the step is 0';
