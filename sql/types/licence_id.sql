-- licence_id: number of an export licence, eight bytes.

CREATE TYPE retrack.licence_id;

CREATE FUNCTION retrack.licence_id_in(cstring) RETURNS retrack.licence_id
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retrack.licence_id_in(cstring) IS
  'reads YY-AA-NNNNNN with or without a check character; 22P02 if malformed, RTT02 if the check character is wrong';

CREATE FUNCTION retrack.licence_id_out(retrack.licence_id) RETURNS cstring
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retrack.licence_id_out(retrack.licence_id) IS 'prints YY-AA-NNNNNN-C, with the check character';

CREATE FUNCTION retrack.licence_id_recv(internal) RETURNS retrack.licence_id
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retrack.licence_id_recv(internal) IS 'reads the binary form, eight bytes; 22P03 if out of range';

CREATE FUNCTION retrack.licence_id_send(retrack.licence_id) RETURNS bytea
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retrack.licence_id_send(retrack.licence_id) IS 'writes the binary form, eight bytes';

CREATE TYPE retrack.licence_id (
  INPUT = retrack.licence_id_in, OUTPUT = retrack.licence_id_out,
  RECEIVE = retrack.licence_id_recv, SEND = retrack.licence_id_send,
  INTERNALLENGTH = 8, PASSEDBYVALUE, ALIGNMENT = double);
COMMENT ON TYPE retrack.licence_id IS
  'licence number YY-AA-NNNNNN: year 2000 to 2099, issuing office, serial; printed with its check character (ISO 7064 MOD 37,36), read with or without; ordered by year, office, serial';

CREATE FUNCTION retrack.licence_id_lt(retrack.licence_id, retrack.licence_id) RETURNS boolean
  LANGUAGE internal IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'int8lt';
COMMENT ON FUNCTION retrack.licence_id_lt(retrack.licence_id, retrack.licence_id) IS 'less than';

CREATE FUNCTION retrack.licence_id_le(retrack.licence_id, retrack.licence_id) RETURNS boolean
  LANGUAGE internal IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'int8le';
COMMENT ON FUNCTION retrack.licence_id_le(retrack.licence_id, retrack.licence_id) IS 'less than or equal';

CREATE FUNCTION retrack.licence_id_eq(retrack.licence_id, retrack.licence_id) RETURNS boolean
  LANGUAGE internal IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'int8eq';
COMMENT ON FUNCTION retrack.licence_id_eq(retrack.licence_id, retrack.licence_id) IS 'equal';

CREATE FUNCTION retrack.licence_id_ne(retrack.licence_id, retrack.licence_id) RETURNS boolean
  LANGUAGE internal IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'int8ne';
COMMENT ON FUNCTION retrack.licence_id_ne(retrack.licence_id, retrack.licence_id) IS 'not equal';

CREATE FUNCTION retrack.licence_id_ge(retrack.licence_id, retrack.licence_id) RETURNS boolean
  LANGUAGE internal IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'int8ge';
COMMENT ON FUNCTION retrack.licence_id_ge(retrack.licence_id, retrack.licence_id) IS 'greater than or equal';

CREATE FUNCTION retrack.licence_id_gt(retrack.licence_id, retrack.licence_id) RETURNS boolean
  LANGUAGE internal IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'int8gt';
COMMENT ON FUNCTION retrack.licence_id_gt(retrack.licence_id, retrack.licence_id) IS 'greater than';

CREATE FUNCTION retrack.licence_id_cmp(retrack.licence_id, retrack.licence_id) RETURNS integer
  LANGUAGE internal IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'btint8cmp';
COMMENT ON FUNCTION retrack.licence_id_cmp(retrack.licence_id, retrack.licence_id) IS 'less, equal, greater: -1, 0, 1';

CREATE FUNCTION retrack.licence_id_sortsupport(internal) RETURNS void
  LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE AS 'btint8sortsupport';
COMMENT ON FUNCTION retrack.licence_id_sortsupport(internal) IS 'sorts as bigint does';

CREATE FUNCTION retrack.licence_id_hash(retrack.licence_id) RETURNS integer
  LANGUAGE internal IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'hashint8';
COMMENT ON FUNCTION retrack.licence_id_hash(retrack.licence_id) IS 'hash';

CREATE FUNCTION retrack.licence_id_hash_extended(retrack.licence_id, bigint) RETURNS bigint
  LANGUAGE internal IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'hashint8extended';
COMMENT ON FUNCTION retrack.licence_id_hash_extended(retrack.licence_id, bigint) IS '64-bit hash with a seed';

CREATE OPERATOR retrack.< (
  LEFTARG = retrack.licence_id, RIGHTARG = retrack.licence_id, FUNCTION = retrack.licence_id_lt,
  COMMUTATOR = OPERATOR(retrack.>), NEGATOR = OPERATOR(retrack.>=),
  RESTRICT = scalarltsel, JOIN = scalarltjoinsel);
COMMENT ON OPERATOR retrack.< (retrack.licence_id, retrack.licence_id) IS 'less than';

CREATE OPERATOR retrack.<= (
  LEFTARG = retrack.licence_id, RIGHTARG = retrack.licence_id, FUNCTION = retrack.licence_id_le,
  COMMUTATOR = OPERATOR(retrack.>=), NEGATOR = OPERATOR(retrack.>),
  RESTRICT = scalarlesel, JOIN = scalarlejoinsel);
COMMENT ON OPERATOR retrack.<= (retrack.licence_id, retrack.licence_id) IS 'less than or equal';

CREATE OPERATOR retrack.= (
  LEFTARG = retrack.licence_id, RIGHTARG = retrack.licence_id, FUNCTION = retrack.licence_id_eq,
  COMMUTATOR = OPERATOR(retrack.=), NEGATOR = OPERATOR(retrack.<>),
  RESTRICT = eqsel, JOIN = eqjoinsel,
  HASHES, MERGES);
COMMENT ON OPERATOR retrack.= (retrack.licence_id, retrack.licence_id) IS 'equal';

CREATE OPERATOR retrack.<> (
  LEFTARG = retrack.licence_id, RIGHTARG = retrack.licence_id, FUNCTION = retrack.licence_id_ne,
  COMMUTATOR = OPERATOR(retrack.<>), NEGATOR = OPERATOR(retrack.=),
  RESTRICT = neqsel, JOIN = neqjoinsel);
COMMENT ON OPERATOR retrack.<> (retrack.licence_id, retrack.licence_id) IS 'not equal';

CREATE OPERATOR retrack.>= (
  LEFTARG = retrack.licence_id, RIGHTARG = retrack.licence_id, FUNCTION = retrack.licence_id_ge,
  COMMUTATOR = OPERATOR(retrack.<=), NEGATOR = OPERATOR(retrack.<),
  RESTRICT = scalargesel, JOIN = scalargejoinsel);
COMMENT ON OPERATOR retrack.>= (retrack.licence_id, retrack.licence_id) IS 'greater than or equal';

CREATE OPERATOR retrack.> (
  LEFTARG = retrack.licence_id, RIGHTARG = retrack.licence_id, FUNCTION = retrack.licence_id_gt,
  COMMUTATOR = OPERATOR(retrack.<), NEGATOR = OPERATOR(retrack.<=),
  RESTRICT = scalargtsel, JOIN = scalargtjoinsel);
COMMENT ON OPERATOR retrack.> (retrack.licence_id, retrack.licence_id) IS 'greater than';

CREATE OPERATOR CLASS retrack.licence_id_ops DEFAULT FOR TYPE retrack.licence_id USING btree AS
  OPERATOR 1 retrack.<,
  OPERATOR 2 retrack.<=,
  OPERATOR 3 retrack.=,
  OPERATOR 4 retrack.>=,
  OPERATOR 5 retrack.>,
  FUNCTION 1 retrack.licence_id_cmp(retrack.licence_id, retrack.licence_id),
  FUNCTION 2 retrack.licence_id_sortsupport(internal),
  FUNCTION 4 pg_catalog.btequalimage(oid);
COMMENT ON OPERATOR CLASS retrack.licence_id_ops USING btree IS 'order by year, office, serial';
COMMENT ON OPERATOR FAMILY retrack.licence_id_ops USING btree IS 'order by year, office, serial';

CREATE OPERATOR CLASS retrack.licence_id_ops DEFAULT FOR TYPE retrack.licence_id USING hash AS
  OPERATOR 1 retrack.=,
  FUNCTION 1 retrack.licence_id_hash(retrack.licence_id),
  FUNCTION 2 retrack.licence_id_hash_extended(retrack.licence_id, bigint);
COMMENT ON OPERATOR CLASS retrack.licence_id_ops USING hash IS 'equality of licence_id';
COMMENT ON OPERATOR FAMILY retrack.licence_id_ops USING hash IS 'equality of licence_id';

CREATE OPERATOR CLASS retrack.licence_id_minmax_ops DEFAULT FOR TYPE retrack.licence_id USING brin AS
  OPERATOR 1 retrack.<,
  OPERATOR 2 retrack.<=,
  OPERATOR 3 retrack.=,
  OPERATOR 4 retrack.>=,
  OPERATOR 5 retrack.>,
  FUNCTION 1 pg_catalog.brin_minmax_opcinfo(internal),
  FUNCTION 2 pg_catalog.brin_minmax_add_value(internal, internal, internal, internal),
  FUNCTION 3 pg_catalog.brin_minmax_consistent(internal, internal, internal),
  FUNCTION 4 pg_catalog.brin_minmax_union(internal, internal, internal);
COMMENT ON OPERATOR CLASS retrack.licence_id_minmax_ops USING brin IS 'least and greatest licence_id of a block range';
COMMENT ON OPERATOR FAMILY retrack.licence_id_minmax_ops USING brin IS 'least and greatest licence_id of a block range';

CREATE FUNCTION retrack.licence_id_smaller(retrack.licence_id, retrack.licence_id) RETURNS retrack.licence_id
  LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE AS 'int8smaller';
COMMENT ON FUNCTION retrack.licence_id_smaller(retrack.licence_id, retrack.licence_id) IS 'the smaller of two';
CREATE AGGREGATE retrack.min(retrack.licence_id) (
  SFUNC = retrack.licence_id_smaller, STYPE = retrack.licence_id, COMBINEFUNC = retrack.licence_id_smaller,
  SORTOP = OPERATOR(retrack.<), PARALLEL = SAFE);
COMMENT ON AGGREGATE retrack.min(retrack.licence_id) IS 'least licence_id of all rows that are not NULL';

CREATE FUNCTION retrack.licence_id_larger(retrack.licence_id, retrack.licence_id) RETURNS retrack.licence_id
  LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE AS 'int8larger';
COMMENT ON FUNCTION retrack.licence_id_larger(retrack.licence_id, retrack.licence_id) IS 'the larger of two';
CREATE AGGREGATE retrack.max(retrack.licence_id) (
  SFUNC = retrack.licence_id_larger, STYPE = retrack.licence_id, COMBINEFUNC = retrack.licence_id_larger,
  SORTOP = OPERATOR(retrack.>), PARALLEL = SAFE);
COMMENT ON AGGREGATE retrack.max(retrack.licence_id) IS 'greatest licence_id of all rows that are not NULL';

CREATE FUNCTION retrack.document_number(retrack.licence_id) RETURNS text
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retrack.document_number(retrack.licence_id) IS
  'the number as the document carries it, without check character: 06-AA-204966';

CREATE FUNCTION retrack.licence_year(retrack.licence_id) RETURNS integer
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retrack.licence_year(retrack.licence_id) IS 'year of the number, 2000 to 2099';

CREATE FUNCTION retrack.licence_office(retrack.licence_id) RETURNS text
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retrack.licence_office(retrack.licence_id) IS 'issuing office, two characters';

CREATE FUNCTION retrack.licence_serial(retrack.licence_id) RETURNS text
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retrack.licence_serial(retrack.licence_id) IS 'serial, six characters';

CREATE FUNCTION retrack.check_character(retrack.licence_id) RETURNS text
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'check_character_licence_id';
COMMENT ON FUNCTION retrack.check_character(retrack.licence_id) IS
  'check character of a licence number, ISO 7064 MOD 37,36 over its ten characters';

CREATE FUNCTION retrack.check_character(text) RETURNS text
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'check_character_text';
COMMENT ON FUNCTION retrack.check_character(text) IS
  'ISO 7064 MOD 37,36 check character of a text of 0-9 and A-Z, hyphens and blanks ignored; 22023 on any other character';

CREATE FUNCTION retrack.make_licence_id(year integer, office text, serial text) RETURNS retrack.licence_id
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retrack.make_licence_id(integer, text, text) IS
  'licence number of a year (2000 to 2099, else 22003), an office (two characters) and a serial (six; else 22023)';
