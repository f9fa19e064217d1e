-- The part of create_registry that belongs to the rules: their own tables and columns, and the
-- triggers on everything that rules read or keep.
CREATE FUNCTION retrack.create_registry_rules(registry name) RETURNS void
LANGUAGE plpgsql VOLATILE STRICT SET search_path = pg_catalog, retrack, pg_temp AS $fn$
BEGIN
  EXECUTE format($ddl$
ALTER TABLE %1$I.licence_item ADD COLUMN terms bigint NOT NULL DEFAULT 0;
COMMENT ON COLUMN %1$I.licence_item.terms IS
  'a new random number whenever the licence, its items, parties or status change: what sessions remember of the licence holds while this is the same';

CREATE TABLE %1$I.licence_status (
  licence retrack.licence_id NOT NULL REFERENCES %1$I.licence,
  since date NOT NULL CHECK (isfinite(since)),
  status text NOT NULL CHECK (status IN ('pending', 'issued', 'suspended', 'revoked', 'surrendered')),
  reason text,
  PRIMARY KEY (licence, since)
);
COMMENT ON TABLE %1$I.licence_status IS
  'changes of a licence''s status, each in force from its date on; before the first one the licence was issued, or pending if that change issues it. A licence without any has licence.status for all dates';
COMMENT ON COLUMN %1$I.licence_status.licence IS 'the licence whose status changed';
COMMENT ON COLUMN %1$I.licence_status.since IS 'first day on which the status holds';
COMMENT ON COLUMN %1$I.licence_status.status IS 'the status from that day on: only an issued licence may be used';
COMMENT ON COLUMN %1$I.licence_status.reason IS 'why, as the authority gave it';

ALTER TABLE %1$I.violation ADD COLUMN IF NOT EXISTS party_id text, ADD COLUMN IF NOT EXISTS resolved_at timestamptz;
COMMENT ON COLUMN %1$I.violation.party_id IS 'the exporter or producer whose row it is';
COMMENT ON COLUMN %1$I.violation.resolved_at IS
  'when the row was changed or removed, or found right by retrack.rebook_ledger; a row with an open violation draws on no ledger';
CREATE INDEX violation_open_idx ON %1$I.violation (relation, row_key) WHERE resolved_at IS NULL;
$ddl$, registry);
  PERFORM retrack.create_registry_journal(registry);
  PERFORM retrack.attach_licence_triggers(registry);
  PERFORM retrack.attach_triggers(format('%I.shipment', registry)::regclass, 'licence');
  PERFORM retrack.attach_triggers(format('%I.production', registry)::regclass, 'quota');
END $fn$;
COMMENT ON FUNCTION retrack.create_registry_rules(name) IS
  'step of create_registry: tables, columns and triggers of the rules';
