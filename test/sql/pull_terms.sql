-- Protects: the ledgers follow what is pulled: corrections that change licence, withdrawals, licences that come later;
-- from views and into partitions, by a role with no more rights than it needs; and a pull says where it went on from.
SET client_min_messages = error;
CALL retrack.create_registry('pull_l');
CREATE SCHEMA pull_l_api;
INSERT INTO pull_l.party (party_id, name, kind) VALUES ('P1', 'One', 'producer'), ('P2', 'Two', 'producer');
INSERT INTO pull_l.licence (licence, kind, holder, valid, status)
  SELECT ('25-AA-00000' || n)::retrack.licence_id, 'general', 'P1', '[2025-01-01,2026-01-01)', 'issued' FROM generate_series(1, 2) AS n;
INSERT INTO pull_l.licence_item (licence, line, control_code, form, granted)
  SELECT ('25-AA-00000' || n)::retrack.licence_id, 1, '1C905.a', 'magnet', '100 kg' FROM generate_series(1, 2) AS n;
CREATE TABLE pull_l_api.filed AS SELECT 'S' || n AS shipment_id, 1 AS version, date '2025-05-01' AS shipped_on, 'P1' AS exporter, 'DE' AS destination,
  '25-AA-000001'::retrack.licence_id AS licence, '1C905.a' AS control_code, 'magnet'::retrack.form AS form, 'Dy=2%'::retrack.assay AS assay,
  '10 kg'::retrack.mass AS net_mass, timestamptz '2025-06-01 00:00+00' + n * interval '1 min' AS updated_at, false AS withdrawn FROM generate_series(1, 12) AS n;
-- a view that renames nothing but could, and a materialized one
CREATE VIEW pull_l_api.shipment AS SELECT * FROM pull_l_api.filed;

-- Twelve times 10 kg of 100: two wait.
CALL retrack.pull('pull_l_api.shipment', 'pull_l.shipment');
SELECT row_key, sqlstate FROM pull_l.pull_reject WHERE resolved_at IS NULL ORDER BY row_key;
-- Corrections move three to the other licence, so the two fit.
UPDATE pull_l_api.filed SET version = 2, licence = '25-AA-000002', updated_at = '2025-07-01' WHERE shipment_id IN ('S1', 'S2', 'S3');
CALL retrack.pull('pull_l_api.shipment', 'pull_l.shipment');
SELECT count(*) FROM pull_l.pull_reject WHERE resolved_at IS NULL;
SELECT licence, drawn FROM pull_l.licence_item ORDER BY licence;
-- A correction that no licence allows stays out, with the version before it in; taken back, the row goes.
UPDATE pull_l_api.filed SET version = 3, net_mass = '95 kg', updated_at = '2025-07-02' WHERE shipment_id = 'S1';
CALL retrack.pull('pull_l_api.shipment', 'pull_l.shipment');
SELECT version, net_mass FROM pull_l.shipment WHERE shipment_id = 'S1';
SELECT row_key, row_version, sqlstate FROM pull_l.pull_reject WHERE resolved_at IS NULL;
UPDATE pull_l_api.filed SET version = 4, withdrawn = true, updated_at = '2025-07-03' WHERE shipment_id IN ('S1', 'S4');
CALL retrack.pull('pull_l_api.shipment', 'pull_l.shipment');
SELECT licence, drawn FROM pull_l.licence_item ORDER BY licence;
SELECT count(*) FROM pull_l.pull_reject WHERE resolved_at IS NULL;
-- A licence that comes later.
INSERT INTO pull_l_api.filed SELECT 'N1', 1, shipped_on, exporter, destination, '25-AA-000003', control_code, form, assay, net_mass, '2025-08-01', false FROM pull_l_api.filed WHERE shipment_id = 'S5';
CALL retrack.pull('pull_l_api.shipment', 'pull_l.shipment');
SELECT row_key, sqlstate FROM pull_l.pull_reject WHERE resolved_at IS NULL;
INSERT INTO pull_l.licence (licence, kind, holder, valid, status) VALUES ('25-AA-000003', 'general', 'P1', '[2025-01-01,2026-01-01)', 'issued');
INSERT INTO pull_l.licence_item (licence, line, control_code, form, granted) VALUES ('25-AA-000003', 1, '1C905.a', 'magnet', '100 kg');
SELECT * FROM retrack.retry_rejects('pull_l');
SELECT count(*) FROM retrack.verify_ledger('pull_l');

-- Into partitions, from a materialized view: a row for which there is none waits until there is one.
CREATE TABLE pull_l.export (shipment_id text, version int NOT NULL, shipped_on date NOT NULL, exporter text, consignee text, end_user text, destination text,
  licence retrack.licence_id, control_code text, hs_code text, form retrack.form, assay retrack.assay, net_mass retrack.mass, updated_at timestamptz,
  withdrawn boolean NOT NULL DEFAULT false, PRIMARY KEY (shipment_id, shipped_on)) PARTITION BY RANGE (shipped_on);
CREATE TABLE pull_l.export_1 PARTITION OF pull_l.export FOR VALUES FROM ('2025-01-01') TO ('2025-07-01');
SELECT retrack.attach_triggers('pull_l.export', 'licence', 'registry=pull_l');
CREATE MATERIALIZED VIEW pull_l_api.export AS SELECT 'E' || n AS shipment_id, 1 AS version, date '2025-05-01' + n AS shipped_on, 'P1' AS exporter, 'DE' AS destination,
  '25-AA-000003'::retrack.licence_id AS licence, '1C905.a' AS control_code, 'magnet'::retrack.form AS form, 'Dy=2%'::retrack.assay AS assay,
  '100 g'::retrack.mass AS net_mass, timestamptz '2025-06-01 00:00+00' + n * interval '1 min' AS updated_at FROM generate_series(1, 200) AS n;
CALL retrack.pull('pull_l_api.export', 'pull_l.export');
SELECT count(*) FROM pull_l.export;
SELECT sqlstate, count(*) FROM pull_l.pull_reject WHERE target = 'pull_l.export' GROUP BY sqlstate;
CREATE TABLE pull_l.export_2 PARTITION OF pull_l.export FOR VALUES FROM ('2025-07-01') TO ('2026-01-01');
SELECT retrack.attach_triggers('pull_l.export', 'licence', 'registry=pull_l');
SELECT * FROM retrack.retry_rejects('pull_l.export');
CALL retrack.pull('pull_l_api.export', 'pull_l.export', mode => 'full');
SELECT tableoid::regclass, count(*) FROM pull_l.export GROUP BY tableoid ORDER BY 1;
SELECT licence, drawn FROM pull_l.licence_item WHERE licence::text = '25-AA-000003-J';
SELECT count(*) FROM retrack.verify_ledger('pull_l');

-- A role that may write one table and the books of pulls, and no ledger.
CREATE ROLE pull_l_clerk;
GRANT USAGE ON SCHEMA pull_l, pull_l_api TO pull_l_clerk;
GRANT SELECT ON pull_l_api.shipment TO pull_l_clerk;
GRANT SELECT, INSERT, UPDATE ON pull_l.shipment, pull_l.pull_state, pull_l.pull_reject TO pull_l_clerk;
CALL retrack.grant_registry('pull_l', 'pull_l_clerk', 'producer', 'P1');
INSERT INTO pull_l_api.filed SELECT v.id, 1, shipped_on, v.exporter, destination, v.licence::retrack.licence_id, control_code, form, assay, net_mass, '2025-09-01', false
  FROM pull_l_api.filed, (VALUES ('C1', 'P1', '25-AA-000003'), ('C2', 'P2', '25-AA-000003'), ('C3', 'P1', '25-AA-000009')) AS v(id, exporter, licence) WHERE shipment_id = 'S5';
SET ROLE pull_l_clerk;
CALL retrack.pull('pull_l_api.shipment', 'pull_l.shipment');
SELECT shipment_id FROM pull_l.shipment WHERE shipment_id ~ '^C' ORDER BY 1;
SELECT row_key, sqlstate FROM pull_l.pull_reject WHERE resolved_at IS NULL ORDER BY row_key;
\set VERBOSITY sqlstate
UPDATE pull_l.licence_item SET drawn = '0';
\set VERBOSITY default
RESET ROLE;
SELECT licence, drawn FROM pull_l.licence_item WHERE licence::text = '25-AA-000003-J';
SELECT count(*) FROM retrack.verify_ledger('pull_l');

-- Cut off by what is no row's fault, after two batches; then said where it went on from, and no more after that.
CREATE TABLE pull_l_api.party AS SELECT 'R' || lpad(n::text, 2, '0') AS party_id, 1 AS version, 'R' AS name, timestamptz '2025-06-01 00:00+00' + n * interval '1 min' AS updated_at FROM generate_series(1, 30) AS n;
CREATE FUNCTION pull_l.stop() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  IF NEW.party_id = 'R25' THEN RAISE EXCEPTION 'the disk is full' USING ERRCODE = 'disk_full'; END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER stop BEFORE INSERT ON pull_l.party FOR EACH ROW EXECUTE FUNCTION pull_l.stop();
\set VERBOSITY sqlstate
CALL retrack.pull('pull_l_api.party', 'pull_l.party', batch_size => 10, overlap => '0');
\set VERBOSITY default
SELECT high_water, running, resumed_from FROM pull_l.pull_state WHERE target = 'pull_l.party';
DROP TRIGGER stop ON pull_l.party;
SET client_min_messages = notice;
CALL retrack.pull('pull_l_api.party', 'pull_l.party', batch_size => 10, overlap => '0');
SELECT high_water, running, resumed_from, batches FROM pull_l.pull_state WHERE target = 'pull_l.party';
SELECT count(*) FROM pull_l.party WHERE name = 'R';
CALL retrack.pull('pull_l_api.party', 'pull_l.party', overlap => '0');
SET client_min_messages = error;
SELECT running, resumed_from FROM pull_l.pull_state WHERE target = 'pull_l.party';

-- Names that need quotes, of the registry, the schema of sources and a table: written as they are, or as in SQL.
CALL retrack.create_registry('Pull "l''s');
CREATE SCHEMA "Api ""l's";
CREATE TABLE "Api ""l's".party AS SELECT 'p' AS party_id, 1 AS version, 'P' AS name, 'Nowhere' AS country, timestamptz '2025-06-01' AS updated_at;
CALL retrack.pull_all('Pull "l''s', 'Api "l''s');
ALTER TABLE "Pull ""l's".party DROP CONSTRAINT party_country_check;
SELECT * FROM retrack.retry_rejects('"Pull ""l''s".party');
SELECT * FROM retrack.retry_rejects('Pull "l''s');
SELECT party_id, country FROM "Pull ""l's".party;
\set VERBOSITY sqlstate
SELECT * FROM retrack.retry_rejects('no "such');
SELECT * FROM retrack.retry_rejects('no such', 'pull_l');
SELECT * FROM retrack.retry_rejects('a.b.c.d');
\set VERBOSITY default
DROP SCHEMA "Pull ""l's", "Api ""l's" CASCADE;

DROP SCHEMA pull_l, pull_l_api CASCADE;
DROP ROLE pull_l_clerk;
