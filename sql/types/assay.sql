-- assay: mass fraction of each rare earth element in a material.

CREATE TYPE retrack.assay;

CREATE FUNCTION retrack.assay_in(cstring) RETURNS retrack.assay
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retrack.assay_in(cstring) IS
  'reads "Nd=29.5%,Dy=3.15%+/-0.05%" (or with the plus-minus sign; %, ppm, ppb or plain fractions; elements or oxides of trade) or a JSON object; rounds half away from zero at 1 ppb of the element; 22P02 if malformed, 22003 if negative, RTT01 if above 100 %';

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

CREATE FUNCTION retrack.assay_typanalyze(internal) RETURNS boolean
  LANGUAGE C STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retrack.assay_typanalyze(internal) IS
  'statistics of assay columns: besides the standard ones, how often each element is named (most_common_elems in pg_stats)';

CREATE TYPE retrack.assay (
  INPUT = retrack.assay_in, OUTPUT = retrack.assay_out,
  RECEIVE = retrack.assay_recv, SEND = retrack.assay_send,
  ANALYZE = retrack.assay_typanalyze,
  INTERNALLENGTH = VARIABLE, ALIGNMENT = int4, STORAGE = main);
COMMENT ON TYPE retrack.assay IS
  'composition of a material: mass fraction of each rare earth element in ppb, with optional standard deviation: "Nd=29.5%,Dy=3.15%+/-0.05%"; at least one element, at most 100 % together';

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

CREATE FUNCTION retrack.fraction_sd(retrack.assay, retrack.element) RETURNS numeric
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retrack.fraction_sd(retrack.assay, retrack.element) IS
  'standard deviation of an element''s mass fraction (0 to 1, nine decimals); 0 if none is stated';

CREATE FUNCTION retrack.total_fraction(retrack.assay) RETURNS numeric
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retrack.total_fraction(retrack.assay) IS
  'mass fraction of all rare earth elements together (0 to 1, nine decimals)';

CREATE FUNCTION retrack.assay_get(retrack.assay, retrack.element) RETURNS numeric
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retrack.assay_get(retrack.assay, retrack.element) IS
  'mass fraction (0 to 1, nine decimals) of an element; NULL if the assay does not name it';
CREATE OPERATOR retrack.-> (LEFTARG = retrack.assay, RIGHTARG = retrack.element, FUNCTION = retrack.assay_get);
COMMENT ON OPERATOR retrack.-> (retrack.assay, retrack.element) IS
  'mass fraction of an element; NULL if the assay does not name it';

-- Estimates from the elements' frequencies

CREATE FUNCTION retrack.assay_has_sel(internal, oid, internal, integer) RETURNS double precision
  LANGUAGE C STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retrack.assay_has_sel(internal, oid, internal, integer) IS 'restriction selectivity of ? on assay';

CREATE FUNCTION retrack.assay_has_any_sel(internal, oid, internal, integer) RETURNS double precision
  LANGUAGE C STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retrack.assay_has_any_sel(internal, oid, internal, integer) IS 'restriction selectivity of ?| on assay';

CREATE FUNCTION retrack.assay_has_all_sel(internal, oid, internal, integer) RETURNS double precision
  LANGUAGE C STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retrack.assay_has_all_sel(internal, oid, internal, integer) IS 'restriction selectivity of ?& on assay';

CREATE FUNCTION retrack.assay_contains_sel(internal, oid, internal, integer) RETURNS double precision
  LANGUAGE C STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retrack.assay_contains_sel(internal, oid, internal, integer) IS 'restriction selectivity of @> on assay';

CREATE FUNCTION retrack.assay_contained_sel(internal, oid, internal, integer) RETURNS double precision
  LANGUAGE C STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retrack.assay_contained_sel(internal, oid, internal, integer) IS 'restriction selectivity of <@ on assay';

CREATE FUNCTION retrack.assay_has(retrack.assay, retrack.element) RETURNS boolean
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retrack.assay_has(retrack.assay, retrack.element) IS
  'does the assay name the element? (It may do so with 0 %: measured, none found.)';
CREATE OPERATOR retrack.? (
  LEFTARG = retrack.assay, RIGHTARG = retrack.element, FUNCTION = retrack.assay_has,
  RESTRICT = retrack.assay_has_sel, JOIN = contjoinsel);
COMMENT ON OPERATOR retrack.? (retrack.assay, retrack.element) IS 'does the assay name the element?';

CREATE FUNCTION retrack.assay_has_any(retrack.assay, retrack.element[]) RETURNS boolean
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retrack.assay_has_any(retrack.assay, retrack.element[]) IS
  'does the assay name any of the elements? NULLs in the array are ignored';
CREATE OPERATOR retrack.?| (
  LEFTARG = retrack.assay, RIGHTARG = retrack.element[], FUNCTION = retrack.assay_has_any,
  RESTRICT = retrack.assay_has_any_sel, JOIN = contjoinsel);
COMMENT ON OPERATOR retrack.?| (retrack.assay, retrack.element[]) IS 'does the assay name any of the elements?';

CREATE FUNCTION retrack.assay_has_all(retrack.assay, retrack.element[]) RETURNS boolean
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retrack.assay_has_all(retrack.assay, retrack.element[]) IS
  'does the assay name all of the elements? NULLs in the array are ignored';
CREATE OPERATOR retrack.?& (
  LEFTARG = retrack.assay, RIGHTARG = retrack.element[], FUNCTION = retrack.assay_has_all,
  RESTRICT = retrack.assay_has_all_sel, JOIN = contjoinsel);
COMMENT ON OPERATOR retrack.?& (retrack.assay, retrack.element[]) IS 'does the assay name all of the elements?';

CREATE FUNCTION retrack.assay_contains(retrack.assay, retrack.assay) RETURNS boolean
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retrack.assay_contains(retrack.assay, retrack.assay) IS
  'does the first name every element of the second, with at least its fraction? Deviations do not count';
CREATE FUNCTION retrack.assay_contained(retrack.assay, retrack.assay) RETURNS boolean
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retrack.assay_contained(retrack.assay, retrack.assay) IS
  'does the second name every element of the first, with at least its fraction? Deviations do not count';
CREATE OPERATOR retrack.@> (
  LEFTARG = retrack.assay, RIGHTARG = retrack.assay, FUNCTION = retrack.assay_contains,
  COMMUTATOR = OPERATOR(retrack.<@), RESTRICT = retrack.assay_contains_sel, JOIN = contjoinsel);
COMMENT ON OPERATOR retrack.@> (retrack.assay, retrack.assay) IS
  'holds at least: every element of the right side, with at least its fraction';
CREATE OPERATOR retrack.<@ (
  LEFTARG = retrack.assay, RIGHTARG = retrack.assay, FUNCTION = retrack.assay_contained,
  COMMUTATOR = OPERATOR(retrack.@>), RESTRICT = retrack.assay_contained_sel, JOIN = contjoinsel);
COMMENT ON OPERATOR retrack.<@ (retrack.assay, retrack.assay) IS
  'is held by: every element of the left side is in the right one, with at least the left''s fraction';

CREATE FUNCTION retrack.assay_gin_extract_value(retrack.assay, internal) RETURNS internal
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retrack.assay_gin_extract_value(retrack.assay, internal) IS 'GIN support';
CREATE FUNCTION retrack.assay_gin_extract_query(retrack.assay, internal, smallint, internal, internal, internal, internal) RETURNS internal
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retrack.assay_gin_extract_query(retrack.assay, internal, smallint, internal, internal, internal, internal) IS 'GIN support';
CREATE FUNCTION retrack.assay_gin_consistent(internal, smallint, retrack.assay, integer, internal, internal, internal, internal) RETURNS boolean
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retrack.assay_gin_consistent(internal, smallint, retrack.assay, integer, internal, internal, internal, internal) IS 'GIN support';
CREATE FUNCTION retrack.assay_gin_triconsistent(internal, smallint, retrack.assay, integer, internal, internal, internal) RETURNS "char"
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retrack.assay_gin_triconsistent(internal, smallint, retrack.assay, integer, internal, internal, internal) IS 'GIN support';

CREATE OPERATOR CLASS retrack.assay_gin_ops DEFAULT FOR TYPE retrack.assay USING gin AS
  OPERATOR 7 retrack.@>,
  OPERATOR 9 retrack.? (retrack.assay, retrack.element),
  OPERATOR 10 retrack.?| (retrack.assay, retrack.element[]),
  OPERATOR 11 retrack.?& (retrack.assay, retrack.element[]),
  FUNCTION 1 retrack.element_cmp(retrack.element, retrack.element),
  FUNCTION 2 retrack.assay_gin_extract_value(retrack.assay, internal),
  FUNCTION 3 retrack.assay_gin_extract_query(retrack.assay, internal, smallint, internal, internal, internal, internal),
  FUNCTION 4 retrack.assay_gin_consistent(internal, smallint, retrack.assay, integer, internal, internal, internal, internal),
  FUNCTION 6 retrack.assay_gin_triconsistent(internal, smallint, retrack.assay, integer, internal, internal, internal),
  STORAGE retrack.element;
COMMENT ON OPERATOR CLASS retrack.assay_gin_ops USING gin IS 'the elements an assay names: ?, ?|, ?& exactly, @> with a look at the row';
COMMENT ON OPERATOR FAMILY retrack.assay_gin_ops USING gin IS 'the elements an assay names: ?, ?|, ?& exactly, @> with a look at the row';

CREATE FUNCTION retrack.elements(retrack.assay) RETURNS retrack.element[]
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'elements_of_assay';
COMMENT ON FUNCTION retrack.elements(retrack.assay) IS 'the elements an assay names, by atomic number';

CREATE FUNCTION retrack.assay_elements(retrack.assay,
    OUT element retrack.element, OUT fraction numeric, OUT sd numeric)
  RETURNS SETOF record
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE ROWS 4 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retrack.assay_elements(retrack.assay) IS
  'one row for each element named, by atomic number: mass fraction and its standard deviation (NULL if none is stated)';

CREATE FUNCTION retrack.make_assay(elements retrack.element[], fractions numeric[]) RETURNS retrack.assay
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retrack.make_assay(retrack.element[], numeric[]) IS
  'assay of elements and their mass fractions (0 to 1), rounded half away from zero at 1 ppb; 2202E if the arrays differ in length, 22004 on NULL in them, 22023 on an element named twice or none, 22003 out of range, RTT01 above 100 %';

CREATE FUNCTION retrack.make_assay(elements retrack.element[], fractions numeric[], sds numeric[]) RETURNS retrack.assay
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retrack.make_assay(retrack.element[], numeric[], numeric[]) IS
  'the same, with standard deviations of the fractions; NULL among them: none stated';

CREATE FUNCTION retrack.jsonb(retrack.assay) RETURNS jsonb
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'assay_to_jsonb';
COMMENT ON FUNCTION retrack.jsonb(retrack.assay) IS
  'object of fractions: {"Nd": 0.295}; with a standard deviation {"Dy": {"fraction": 0.0315, "sd": 0.0005}}';
CREATE FUNCTION retrack.assay(jsonb) RETURNS retrack.assay
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'jsonb_to_assay';
COMMENT ON FUNCTION retrack.assay(jsonb) IS
  'assay of an object {"Nd": 0.295, "Dy": "1.1%"} or of a string with the text form; errors as assay_in, 22023 on any other JSON value';
CREATE CAST (retrack.assay AS jsonb) WITH FUNCTION retrack.jsonb(retrack.assay);
COMMENT ON CAST (retrack.assay AS jsonb) IS 'object of fractions by symbol';
CREATE CAST (jsonb AS retrack.assay) WITH FUNCTION retrack.assay(jsonb) AS ASSIGNMENT;
COMMENT ON CAST (jsonb AS retrack.assay) IS 'object of fractions by element or oxide';

-- Stoichiometry

CREATE FUNCTION retrack.formula_fraction(formula text, element retrack.element) RETURNS numeric
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retrack.formula_fraction(text, retrack.element) IS
  'mass fraction (0 to 1, nine decimals) of an element in a compound or alloy of a formula like Nd2Fe14B, (Nd0.9Dy0.1)2Fe14B or La2(CO3)3*8H2O, from the standard atomic weights (IUPAC, CIAAW 2021; conventional ones for intervals); 22023 if it cannot be read, 22003 if its numbers are out of range';

CREATE FUNCTION retrack.formula_assay(formula text) RETURNS retrack.assay
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retrack.formula_assay(text) IS
  'assay of the rare earths in a compound or alloy of a formula; 22023 if there is none or the formula cannot be read, 22003 if its numbers are out of range';
