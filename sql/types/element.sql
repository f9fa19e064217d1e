-- element: one of the 17 rare earths, one byte.

CREATE TYPE retrack.element;

CREATE FUNCTION retrack.element_in(cstring) RETURNS retrack.element
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retrack.element_in(cstring) IS
  'reads symbol or English name (any case), Chinese character or atomic number; else 22P02';

CREATE FUNCTION retrack.element_out(retrack.element) RETURNS cstring
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retrack.element_out(retrack.element) IS 'prints the symbol';

CREATE FUNCTION retrack.element_recv(internal) RETURNS retrack.element
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retrack.element_recv(internal) IS 'reads the binary form, one byte: the atomic number; else 22P03';

CREATE FUNCTION retrack.element_send(retrack.element) RETURNS bytea
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retrack.element_send(retrack.element) IS 'writes the binary form, one byte: the atomic number';

CREATE TYPE retrack.element (
  INPUT = retrack.element_in, OUTPUT = retrack.element_out,
  RECEIVE = retrack.element_recv, SEND = retrack.element_send,
  INTERNALLENGTH = 1, PASSEDBYVALUE, ALIGNMENT = char);
COMMENT ON TYPE retrack.element IS
  'rare earth element: reads symbol, English name, Chinese character or atomic number, prints the symbol; ordered by atomic number';

CREATE FUNCTION retrack.element_lt(retrack.element, retrack.element) RETURNS boolean
  LANGUAGE internal IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'charlt';
COMMENT ON FUNCTION retrack.element_lt(retrack.element, retrack.element) IS 'less than';

CREATE FUNCTION retrack.element_le(retrack.element, retrack.element) RETURNS boolean
  LANGUAGE internal IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'charle';
COMMENT ON FUNCTION retrack.element_le(retrack.element, retrack.element) IS 'less than or equal';

CREATE FUNCTION retrack.element_eq(retrack.element, retrack.element) RETURNS boolean
  LANGUAGE internal IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'chareq';
COMMENT ON FUNCTION retrack.element_eq(retrack.element, retrack.element) IS 'equal';

CREATE FUNCTION retrack.element_ne(retrack.element, retrack.element) RETURNS boolean
  LANGUAGE internal IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'charne';
COMMENT ON FUNCTION retrack.element_ne(retrack.element, retrack.element) IS 'not equal';

CREATE FUNCTION retrack.element_ge(retrack.element, retrack.element) RETURNS boolean
  LANGUAGE internal IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'charge';
COMMENT ON FUNCTION retrack.element_ge(retrack.element, retrack.element) IS 'greater than or equal';

CREATE FUNCTION retrack.element_gt(retrack.element, retrack.element) RETURNS boolean
  LANGUAGE internal IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'chargt';
COMMENT ON FUNCTION retrack.element_gt(retrack.element, retrack.element) IS 'greater than';

CREATE FUNCTION retrack.element_cmp(retrack.element, retrack.element) RETURNS integer
  LANGUAGE internal IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'btcharcmp';
COMMENT ON FUNCTION retrack.element_cmp(retrack.element, retrack.element) IS 'less, equal, greater: -1, 0, 1';

CREATE FUNCTION retrack.element_sortsupport(internal) RETURNS void
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'element_sortsupport';
COMMENT ON FUNCTION retrack.element_sortsupport(internal) IS 'sorts as plain integers';

CREATE FUNCTION retrack.element_hash(retrack.element) RETURNS integer
  LANGUAGE internal IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'hashchar';
COMMENT ON FUNCTION retrack.element_hash(retrack.element) IS 'hash';

CREATE FUNCTION retrack.element_hash_extended(retrack.element, bigint) RETURNS bigint
  LANGUAGE internal IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'hashcharextended';
COMMENT ON FUNCTION retrack.element_hash_extended(retrack.element, bigint) IS '64-bit hash with a seed';

CREATE OPERATOR retrack.< (
  LEFTARG = retrack.element, RIGHTARG = retrack.element, FUNCTION = retrack.element_lt,
  COMMUTATOR = OPERATOR(retrack.>), NEGATOR = OPERATOR(retrack.>=),
  RESTRICT = scalarltsel, JOIN = scalarltjoinsel);
COMMENT ON OPERATOR retrack.< (retrack.element, retrack.element) IS 'less than';

CREATE OPERATOR retrack.<= (
  LEFTARG = retrack.element, RIGHTARG = retrack.element, FUNCTION = retrack.element_le,
  COMMUTATOR = OPERATOR(retrack.>=), NEGATOR = OPERATOR(retrack.>),
  RESTRICT = scalarlesel, JOIN = scalarlejoinsel);
COMMENT ON OPERATOR retrack.<= (retrack.element, retrack.element) IS 'less than or equal';

CREATE OPERATOR retrack.= (
  LEFTARG = retrack.element, RIGHTARG = retrack.element, FUNCTION = retrack.element_eq,
  COMMUTATOR = OPERATOR(retrack.=), NEGATOR = OPERATOR(retrack.<>),
  RESTRICT = eqsel, JOIN = eqjoinsel,
  HASHES, MERGES);
COMMENT ON OPERATOR retrack.= (retrack.element, retrack.element) IS 'equal';

CREATE OPERATOR retrack.<> (
  LEFTARG = retrack.element, RIGHTARG = retrack.element, FUNCTION = retrack.element_ne,
  COMMUTATOR = OPERATOR(retrack.<>), NEGATOR = OPERATOR(retrack.=),
  RESTRICT = neqsel, JOIN = neqjoinsel);
COMMENT ON OPERATOR retrack.<> (retrack.element, retrack.element) IS 'not equal';

CREATE OPERATOR retrack.>= (
  LEFTARG = retrack.element, RIGHTARG = retrack.element, FUNCTION = retrack.element_ge,
  COMMUTATOR = OPERATOR(retrack.<=), NEGATOR = OPERATOR(retrack.<),
  RESTRICT = scalargesel, JOIN = scalargejoinsel);
COMMENT ON OPERATOR retrack.>= (retrack.element, retrack.element) IS 'greater than or equal';

CREATE OPERATOR retrack.> (
  LEFTARG = retrack.element, RIGHTARG = retrack.element, FUNCTION = retrack.element_gt,
  COMMUTATOR = OPERATOR(retrack.<), NEGATOR = OPERATOR(retrack.<=),
  RESTRICT = scalargtsel, JOIN = scalargtjoinsel);
COMMENT ON OPERATOR retrack.> (retrack.element, retrack.element) IS 'greater than';

CREATE OPERATOR CLASS retrack.element_ops DEFAULT FOR TYPE retrack.element USING btree AS
  OPERATOR 1 retrack.<,
  OPERATOR 2 retrack.<=,
  OPERATOR 3 retrack.=,
  OPERATOR 4 retrack.>=,
  OPERATOR 5 retrack.>,
  FUNCTION 1 retrack.element_cmp(retrack.element, retrack.element),
  FUNCTION 2 retrack.element_sortsupport(internal),
  FUNCTION 4 pg_catalog.btequalimage(oid);
COMMENT ON OPERATOR CLASS retrack.element_ops USING btree IS 'order by atomic number';
COMMENT ON OPERATOR FAMILY retrack.element_ops USING btree IS 'order by atomic number';

CREATE OPERATOR CLASS retrack.element_ops DEFAULT FOR TYPE retrack.element USING hash AS
  OPERATOR 1 retrack.=,
  FUNCTION 1 retrack.element_hash(retrack.element),
  FUNCTION 2 retrack.element_hash_extended(retrack.element, bigint);
COMMENT ON OPERATOR CLASS retrack.element_ops USING hash IS 'equality of element';
COMMENT ON OPERATOR FAMILY retrack.element_ops USING hash IS 'equality of element';

CREATE OPERATOR CLASS retrack.element_minmax_ops DEFAULT FOR TYPE retrack.element USING brin AS
  OPERATOR 1 retrack.<,
  OPERATOR 2 retrack.<=,
  OPERATOR 3 retrack.=,
  OPERATOR 4 retrack.>=,
  OPERATOR 5 retrack.>,
  FUNCTION 1 pg_catalog.brin_minmax_opcinfo(internal),
  FUNCTION 2 pg_catalog.brin_minmax_add_value(internal, internal, internal, internal),
  FUNCTION 3 pg_catalog.brin_minmax_consistent(internal, internal, internal),
  FUNCTION 4 pg_catalog.brin_minmax_union(internal, internal, internal);
COMMENT ON OPERATOR CLASS retrack.element_minmax_ops USING brin IS 'least and greatest element of a block range';
COMMENT ON OPERATOR FAMILY retrack.element_minmax_ops USING brin IS 'least and greatest element of a block range';

CREATE FUNCTION retrack.element_smaller(retrack.element, retrack.element) RETURNS retrack.element
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'element_smaller';
COMMENT ON FUNCTION retrack.element_smaller(retrack.element, retrack.element) IS 'the smaller of two';
CREATE AGGREGATE retrack.min(retrack.element) (
  SFUNC = retrack.element_smaller, STYPE = retrack.element, COMBINEFUNC = retrack.element_smaller,
  SORTOP = OPERATOR(retrack.<), PARALLEL = SAFE);
COMMENT ON AGGREGATE retrack.min(retrack.element) IS 'least element of all rows that are not NULL';

CREATE FUNCTION retrack.element_larger(retrack.element, retrack.element) RETURNS retrack.element
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'element_larger';
COMMENT ON FUNCTION retrack.element_larger(retrack.element, retrack.element) IS 'the larger of two';
CREATE AGGREGATE retrack.max(retrack.element) (
  SFUNC = retrack.element_larger, STYPE = retrack.element, COMBINEFUNC = retrack.element_larger,
  SORTOP = OPERATOR(retrack.>), PARALLEL = SAFE);
COMMENT ON AGGREGATE retrack.max(retrack.element) IS 'greatest element of all rows that are not NULL';

CREATE FUNCTION retrack.atomic_number(retrack.element) RETURNS integer
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retrack.atomic_number(retrack.element) IS 'atomic number: 21, 39 or 57 to 71';

CREATE FUNCTION retrack.element_from_number(integer) RETURNS retrack.element
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retrack.element_from_number(integer) IS 'element of an atomic number; 22003 if that is no rare earth';

CREATE CAST (retrack.element AS integer) WITH FUNCTION retrack.atomic_number(retrack.element);
COMMENT ON CAST (retrack.element AS integer) IS 'atomic number';
CREATE CAST (integer AS retrack.element) WITH FUNCTION retrack.element_from_number(integer);
COMMENT ON CAST (integer AS retrack.element) IS 'element of an atomic number; 22003 if that is no rare earth';

CREATE FUNCTION retrack.element_name(retrack.element) RETURNS text
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retrack.element_name(retrack.element) IS 'English name, lower case';

CREATE FUNCTION retrack.element_chinese(retrack.element) RETURNS text
  LANGUAGE C STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retrack.element_chinese(retrack.element) IS
  'Chinese character; NULL if the database''s encoding does not have it';

CREATE FUNCTION retrack.oxide(retrack.element) RETURNS text
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retrack.oxide(retrack.element) IS
  'formula of the oxide of trade: CeO2, Pr6O11, Tb4O7, every other one RE2O3';

CREATE FUNCTION retrack.standard_weight(retrack.element) RETURNS numeric
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retrack.standard_weight(retrack.element) IS
  'standard atomic weight (IUPAC, CIAAW); RTT03 for promethium, which has none';

CREATE FUNCTION retrack.oxide_factor(retrack.element) RETURNS numeric
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retrack.oxide_factor(retrack.element) IS
  'mass of the oxide of trade per mass of the element, rounded to 15 decimals: (n A + k 15.999) / (n A) for the oxide with n atoms of weight A and k of oxygen; promethium with its mass number 145';

CREATE FUNCTION retrack.elements(
    OUT element retrack.element, OUT number integer, OUT symbol text, OUT name text, OUT chinese text,
    OUT weight numeric, OUT oxide text, OUT factor numeric)
  RETURNS SETOF record
  LANGUAGE C STABLE STRICT PARALLEL SAFE ROWS 17 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retrack.elements() IS
  'the 17 rare earths by atomic number: symbol, English name, Chinese character (NULL if the database''s encoding does not have it), standard atomic weight (NULL for promethium), oxide of trade, oxide factor';
