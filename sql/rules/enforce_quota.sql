CREATE FUNCTION retrack.enforce_quota() RETURNS trigger
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retrack.enforce_quota() IS
  'statement trigger of a table of production: checks its rows against the quotas of the producer and its group, in rare earth oxide, and draws on them (RTQ01 to RTQ04, RT001 for several rules); attach it with retrack.attach_triggers. Arguments ''keyword=value'': registry, mode (reject, record), key, stages (default mining,separation), allotment (optional, required), and the columns date, facility, stage, ore_class, assay, mass, withdrawn';
