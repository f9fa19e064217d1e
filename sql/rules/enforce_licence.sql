CREATE FUNCTION retrack.enforce_licence() RETURNS trigger
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retrack.enforce_licence() IS
  'statement trigger of a table of exports: checks its rows against the licences of a registry and draws on their ledgers (RTL01 to RTL12, RT001 for several rules); attach it with retrack.attach_triggers. Arguments ''keyword=value'': registry, mode (reject, record), key, and the columns date, exporter, consignee, end_user, destination, licence, control_code, hs_code, form, assay, mass, withdrawn';
