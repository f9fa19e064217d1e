-- balance_lines and accessors
CREATE FUNCTION retrack.balance_lines(balance retrack.balance,
    OUT element retrack.element, OUT opening pg_catalog.numeric, OUT receipts pg_catalog.numeric,
    OUT shipments pg_catalog.numeric, OUT losses pg_catalog.numeric, OUT closing pg_catalog.numeric,
    OUT muf pg_catalog.numeric, OUT sigma pg_catalog.numeric, OUT z pg_catalog.numeric)
  RETURNS SETOF pg_catalog.record
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 50 ROWS 4 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retrack.balance_lines(retrack.balance) IS
  'a row per element, in order of atomic number: the five terms and muf in kg, exact (multiples of 10^-15 kg); sigma of muf in kg, rounded half away from zero at 10^-15, NULL where the variance is negative; z = muf / sigma of unrounded values, rounded at 10^-6, NULL where the variance is not positive. muf > 0 means missing. NULL gives no rows';

CREATE FUNCTION retrack.opening(retrack.balance, retrack.element) RETURNS pg_catalog.numeric
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'balance_opening';
COMMENT ON FUNCTION retrack.opening(retrack.balance, retrack.element) IS
  'opening inventory of an element in kg, exact; 0 if the balance does not name it. NULL gives NULL';

CREATE FUNCTION retrack.receipts(retrack.balance, retrack.element) RETURNS pg_catalog.numeric
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'balance_receipts';
COMMENT ON FUNCTION retrack.receipts(retrack.balance, retrack.element) IS
  'receipts of an element in kg, exact; 0 if the balance does not name it. NULL gives NULL';

CREATE FUNCTION retrack.shipments(retrack.balance, retrack.element) RETURNS pg_catalog.numeric
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'balance_shipments';
COMMENT ON FUNCTION retrack.shipments(retrack.balance, retrack.element) IS
  'shipments of an element in kg, exact; 0 if the balance does not name it. NULL gives NULL';

CREATE FUNCTION retrack.losses(retrack.balance, retrack.element) RETURNS pg_catalog.numeric
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'balance_losses';
COMMENT ON FUNCTION retrack.losses(retrack.balance, retrack.element) IS
  'declared losses of an element in kg, exact; 0 if the balance does not name it. NULL gives NULL';

CREATE FUNCTION retrack.closing(retrack.balance, retrack.element) RETURNS pg_catalog.numeric
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'balance_closing';
COMMENT ON FUNCTION retrack.closing(retrack.balance, retrack.element) IS
  'closing inventory of an element in kg, exact; 0 if the balance does not name it. NULL gives NULL';

CREATE FUNCTION retrack.muf(retrack.balance, retrack.element) RETURNS pg_catalog.numeric
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'balance_muf';
COMMENT ON FUNCTION retrack.muf(retrack.balance, retrack.element) IS
  'material unaccounted for: opening + receipts - shipments - losses - closing in kg, exact; > 0 means missing; 0 if the balance does not name the element. NULL gives NULL';

CREATE FUNCTION retrack.variance(retrack.balance, retrack.element) RETURNS pg_catalog.numeric
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'balance_variance';
COMMENT ON FUNCTION retrack.variance(retrack.balance, retrack.element) IS
  'variance of muf in kg^2, exact: random, assay and systematic parts; negative if more was taken back than was added. NULL gives NULL';

CREATE FUNCTION retrack.sigma(retrack.balance, retrack.element) RETURNS pg_catalog.numeric
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'balance_sigma';
COMMENT ON FUNCTION retrack.sigma(retrack.balance, retrack.element) IS
  'standard deviation of muf in kg, rounded half away from zero at 10^-15; NULL if the variance is negative. NULL gives NULL';

CREATE FUNCTION retrack.z(retrack.balance, retrack.element) RETURNS pg_catalog.numeric
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'balance_z';
COMMENT ON FUNCTION retrack.z(retrack.balance, retrack.element) IS
  'muf / sigma, of unrounded values, rounded half away from zero at 10^-6; NULL if the variance is not positive. NULL gives NULL';

CREATE FUNCTION retrack.elements(retrack.balance) RETURNS retrack.element[]
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'balance_elements';
COMMENT ON FUNCTION retrack.elements(retrack.balance) IS
  'the elements a balance names, by atomic number. NULL gives NULL';

