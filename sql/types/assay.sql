-- assay: mass fraction of each rare earth element in a material.

CREATE TYPE retrack.assay;

CREATE FUNCTION retrack.assay_in(cstring) RETURNS retrack.assay
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retrack.assay_in(cstring) IS
  'reads "Nd=29.5%,Dy=3.15%±0.05%" (also +/-; %, ppm, ppb or plain fractions; elements or oxides of trade) or a JSON object; rounds half away from zero at 1 ppb of the element; 22P02 if malformed, 22003 if negative, RTT01 if above 100 %';

CREATE FUNCTION retrack.assay_out(retrack.assay) RETURNS cstring
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retrack.assay_out(retrack.assay) IS 'prints per cent of each element by atomic number, and standard deviations that are not 0; exact';

CREATE FUNCTION retrack.assay_recv(internal) RETURNS retrack.assay
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retrack.assay_recv(internal) IS
  'reads the binary form in 32-bit words: elements present by bit (bit 31: deviations follow), fractions in ppb, deviations in ppb; 22P03 if malformed, RTT01 if above 100 %';

CREATE FUNCTION retrack.assay_send(retrack.assay) RETURNS bytea
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retrack.assay_send(retrack.assay) IS 'writes the binary form that assay_recv reads';

CREATE TYPE retrack.assay (
  INPUT = retrack.assay_in, OUTPUT = retrack.assay_out,
  RECEIVE = retrack.assay_recv, SEND = retrack.assay_send,
  INTERNALLENGTH = VARIABLE, ALIGNMENT = int4, STORAGE = main);
COMMENT ON TYPE retrack.assay IS
  'composition of a material: mass fraction of each rare earth element in ppb, with optional standard deviation: "Nd=29.5%,Dy=3.15%±0.05%"; at least one element, at most 100 % together';

CREATE FUNCTION retrack.assay_lt(retrack.assay, retrack.assay) RETURNS boolean
  LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'MODULE_PATHNAME', 'assay_lt';
COMMENT ON FUNCTION retrack.assay_lt(retrack.assay, retrack.assay) IS 'less than';

CREATE FUNCTION retrack.assay_le(retrack.assay, retrack.assay) RETURNS boolean
  LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'MODULE_PATHNAME', 'assay_le';
COMMENT ON FUNCTION retrack.assay_le(retrack.assay, retrack.assay) IS 'less than or equal';

CREATE FUNCTION retrack.assay_eq(retrack.assay, retrack.assay) RETURNS boolean
  LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'MODULE_PATHNAME', 'assay_eq';
COMMENT ON FUNCTION retrack.assay_eq(retrack.assay, retrack.assay) IS 'equal';

CREATE FUNCTION retrack.assay_ne(retrack.assay, retrack.assay) RETURNS boolean
  LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'MODULE_PATHNAME', 'assay_ne';
COMMENT ON FUNCTION retrack.assay_ne(retrack.assay, retrack.assay) IS 'not equal';

CREATE FUNCTION retrack.assay_ge(retrack.assay, retrack.assay) RETURNS boolean
  LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'MODULE_PATHNAME', 'assay_ge';
COMMENT ON FUNCTION retrack.assay_ge(retrack.assay, retrack.assay) IS 'greater than or equal';

CREATE FUNCTION retrack.assay_gt(retrack.assay, retrack.assay) RETURNS boolean
  LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'MODULE_PATHNAME', 'assay_gt';
COMMENT ON FUNCTION retrack.assay_gt(retrack.assay, retrack.assay) IS 'greater than';

CREATE FUNCTION retrack.assay_cmp(retrack.assay, retrack.assay) RETURNS integer
  LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'MODULE_PATHNAME', 'assay_cmp';
COMMENT ON FUNCTION retrack.assay_cmp(retrack.assay, retrack.assay) IS 'less, equal, greater: -1, 0, 1';

CREATE FUNCTION retrack.assay_sortsupport(internal) RETURNS void
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'assay_sortsupport';
COMMENT ON FUNCTION retrack.assay_sortsupport(internal) IS 'sorts by abbreviated keys: elements present and the first two fractions';

CREATE FUNCTION retrack.assay_hash(retrack.assay) RETURNS integer
  LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'MODULE_PATHNAME', 'assay_hash';
COMMENT ON FUNCTION retrack.assay_hash(retrack.assay) IS 'hash';

CREATE FUNCTION retrack.assay_hash_extended(retrack.assay, bigint) RETURNS bigint
  LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'MODULE_PATHNAME', 'assay_hash_extended';
COMMENT ON FUNCTION retrack.assay_hash_extended(retrack.assay, bigint) IS '64-bit hash with a seed';

CREATE OPERATOR retrack.< (
  LEFTARG = retrack.assay, RIGHTARG = retrack.assay, FUNCTION = retrack.assay_lt,
  COMMUTATOR = OPERATOR(retrack.>), NEGATOR = OPERATOR(retrack.>=),
  RESTRICT = scalarltsel, JOIN = scalarltjoinsel);
COMMENT ON OPERATOR retrack.< (retrack.assay, retrack.assay) IS 'less than';

CREATE OPERATOR retrack.<= (
  LEFTARG = retrack.assay, RIGHTARG = retrack.assay, FUNCTION = retrack.assay_le,
  COMMUTATOR = OPERATOR(retrack.>=), NEGATOR = OPERATOR(retrack.>),
  RESTRICT = scalarlesel, JOIN = scalarlejoinsel);
COMMENT ON OPERATOR retrack.<= (retrack.assay, retrack.assay) IS 'less than or equal';

CREATE OPERATOR retrack.= (
  LEFTARG = retrack.assay, RIGHTARG = retrack.assay, FUNCTION = retrack.assay_eq,
  COMMUTATOR = OPERATOR(retrack.=), NEGATOR = OPERATOR(retrack.<>),
  RESTRICT = eqsel, JOIN = eqjoinsel,
  HASHES, MERGES);
COMMENT ON OPERATOR retrack.= (retrack.assay, retrack.assay) IS 'equal';

CREATE OPERATOR retrack.<> (
  LEFTARG = retrack.assay, RIGHTARG = retrack.assay, FUNCTION = retrack.assay_ne,
  COMMUTATOR = OPERATOR(retrack.<>), NEGATOR = OPERATOR(retrack.=),
  RESTRICT = neqsel, JOIN = neqjoinsel);
COMMENT ON OPERATOR retrack.<> (retrack.assay, retrack.assay) IS 'not equal';

CREATE OPERATOR retrack.>= (
  LEFTARG = retrack.assay, RIGHTARG = retrack.assay, FUNCTION = retrack.assay_ge,
  COMMUTATOR = OPERATOR(retrack.<=), NEGATOR = OPERATOR(retrack.<),
  RESTRICT = scalargesel, JOIN = scalargejoinsel);
COMMENT ON OPERATOR retrack.>= (retrack.assay, retrack.assay) IS 'greater than or equal';

CREATE OPERATOR retrack.> (
  LEFTARG = retrack.assay, RIGHTARG = retrack.assay, FUNCTION = retrack.assay_gt,
  COMMUTATOR = OPERATOR(retrack.<), NEGATOR = OPERATOR(retrack.<=),
  RESTRICT = scalargtsel, JOIN = scalargtjoinsel);
COMMENT ON OPERATOR retrack.> (retrack.assay, retrack.assay) IS 'greater than';

CREATE OPERATOR CLASS retrack.assay_ops DEFAULT FOR TYPE retrack.assay USING btree AS
  OPERATOR 1 retrack.<,
  OPERATOR 2 retrack.<=,
  OPERATOR 3 retrack.=,
  OPERATOR 4 retrack.>=,
  OPERATOR 5 retrack.>,
  FUNCTION 1 retrack.assay_cmp(retrack.assay, retrack.assay),
  FUNCTION 2 retrack.assay_sortsupport(internal),
  FUNCTION 4 pg_catalog.btequalimage(oid);
COMMENT ON OPERATOR CLASS retrack.assay_ops USING btree IS 'order by elements present, then fractions, then deviations';
COMMENT ON OPERATOR FAMILY retrack.assay_ops USING btree IS 'order by elements present, then fractions, then deviations';

CREATE OPERATOR CLASS retrack.assay_ops DEFAULT FOR TYPE retrack.assay USING hash AS
  OPERATOR 1 retrack.=,
  FUNCTION 1 retrack.assay_hash(retrack.assay),
  FUNCTION 2 retrack.assay_hash_extended(retrack.assay, bigint);
COMMENT ON OPERATOR CLASS retrack.assay_ops USING hash IS 'equality of assay';
COMMENT ON OPERATOR FAMILY retrack.assay_ops USING hash IS 'equality of assay';

CREATE OPERATOR CLASS retrack.assay_minmax_ops DEFAULT FOR TYPE retrack.assay USING brin AS
  OPERATOR 1 retrack.<,
  OPERATOR 2 retrack.<=,
  OPERATOR 3 retrack.=,
  OPERATOR 4 retrack.>=,
  OPERATOR 5 retrack.>,
  FUNCTION 1 pg_catalog.brin_minmax_opcinfo(internal),
  FUNCTION 2 pg_catalog.brin_minmax_add_value(internal, internal, internal, internal),
  FUNCTION 3 pg_catalog.brin_minmax_consistent(internal, internal, internal),
  FUNCTION 4 pg_catalog.brin_minmax_union(internal, internal, internal);
COMMENT ON OPERATOR CLASS retrack.assay_minmax_ops USING brin IS 'least and greatest assay of a block range';
COMMENT ON OPERATOR FAMILY retrack.assay_minmax_ops USING brin IS 'least and greatest assay of a block range';

CREATE FUNCTION retrack.assay_smaller(retrack.assay, retrack.assay) RETURNS retrack.assay
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'assay_smaller';
COMMENT ON FUNCTION retrack.assay_smaller(retrack.assay, retrack.assay) IS 'the smaller of two';
CREATE AGGREGATE retrack.min(retrack.assay) (
  SFUNC = retrack.assay_smaller, STYPE = retrack.assay, COMBINEFUNC = retrack.assay_smaller,
  SORTOP = OPERATOR(retrack.<), PARALLEL = SAFE);
COMMENT ON AGGREGATE retrack.min(retrack.assay) IS 'least assay of all rows that are not NULL';

CREATE FUNCTION retrack.assay_larger(retrack.assay, retrack.assay) RETURNS retrack.assay
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'assay_larger';
COMMENT ON FUNCTION retrack.assay_larger(retrack.assay, retrack.assay) IS 'the larger of two';
CREATE AGGREGATE retrack.max(retrack.assay) (
  SFUNC = retrack.assay_larger, STYPE = retrack.assay, COMBINEFUNC = retrack.assay_larger,
  SORTOP = OPERATOR(retrack.>), PARALLEL = SAFE);
COMMENT ON AGGREGATE retrack.max(retrack.assay) IS 'greatest assay of all rows that are not NULL';

CREATE FUNCTION retrack.fraction(retrack.assay, retrack.element) RETURNS numeric
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retrack.fraction(retrack.assay, retrack.element) IS
  'mass fraction (0 to 1, nine decimals) of an element; 0 if the assay does not name it';

CREATE FUNCTION retrack.element_mass(retrack.mass, retrack.assay, retrack.element) RETURNS retrack.mass
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retrack.element_mass(retrack.mass, retrack.assay, retrack.element) IS
  'mass of the element in so much of the material, rounded half away from zero at 1 mg';

CREATE FUNCTION retrack.reo_mass(retrack.mass, retrack.assay) RETURNS retrack.mass
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retrack.reo_mass(retrack.mass, retrack.assay) IS
  'rare earth oxide (REO) equivalent: sum over the elements of mass x fraction x oxide factor, exact from the standard atomic weights, rounded once, half away from zero at 1 mg; 22003 if out of range';
