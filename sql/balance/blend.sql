-- blend: the assay of materials put together
CREATE FUNCTION retrack.blend_accum(pg_catalog.internal, retrack.mass, retrack.assay) RETURNS pg_catalog.internal
  LANGUAGE C IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retrack.blend_accum(pg_catalog.internal, retrack.mass, retrack.assay) IS 'transition function of blend';

CREATE FUNCTION retrack.blend_accum_inv(pg_catalog.internal, retrack.mass, retrack.assay) RETURNS pg_catalog.internal
  LANGUAGE C IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retrack.blend_accum_inv(pg_catalog.internal, retrack.mass, retrack.assay) IS 'inverse transition function of blend';

CREATE FUNCTION retrack.blend_combine(pg_catalog.internal, pg_catalog.internal) RETURNS pg_catalog.internal
  LANGUAGE C IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retrack.blend_combine(pg_catalog.internal, pg_catalog.internal) IS 'combines the states of parallel workers';

CREATE FUNCTION retrack.blend_serial(pg_catalog.internal) RETURNS pg_catalog.bytea
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retrack.blend_serial(pg_catalog.internal) IS 'serialises a state for another process';

CREATE FUNCTION retrack.blend_deserial(pg_catalog.bytea, pg_catalog.internal) RETURNS pg_catalog.internal
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retrack.blend_deserial(pg_catalog.bytea, pg_catalog.internal) IS 'reads a serialised state; anything malformed is error 08P01';

CREATE FUNCTION retrack.blend_final(pg_catalog.internal) RETURNS retrack.assay
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 20 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retrack.blend_final(pg_catalog.internal) IS 'final function of blend';

CREATE AGGREGATE retrack.blend(mass retrack.mass, assay retrack.assay) (
  SFUNC = retrack.blend_accum, STYPE = internal, SSPACE = 1200, FINALFUNC = retrack.blend_final,
  COMBINEFUNC = retrack.blend_combine, SERIALFUNC = retrack.blend_serial, DESERIALFUNC = retrack.blend_deserial,
  MSFUNC = retrack.blend_accum, MINVFUNC = retrack.blend_accum_inv, MSTYPE = internal, MSSPACE = 1200,
  MFINALFUNC = retrack.blend_final, PARALLEL = SAFE);
COMMENT ON AGGREGATE retrack.blend(retrack.mass, retrack.assay) IS
  'assay of so much of each material put together: fractions weighted by mass, an element that a row does not name counting as 0, rounded half away from zero at 1 ppb; standard deviation sqrt(sum((mass x sd)^2)) / total mass, the rows'' errors taken as independent and their masses as exact; a negative mass takes back what its original added, a variance that leaves below 0 states no deviation; rows with a NULL are ignored; NULL without rows or with a total mass of 0 or less; 22003 if an element ends below 0 or above 100 % or the masses pass 10^29 mg, RTT01 if all end above 100 %';
