-- The tables of the rules' bench, and its opponents: what one would write without the extension. They
-- check the same facts of a licensed row (not the control list and the assay, which ours does besides).
CALL retrack.create_registry('bench');
SET search_path = bench, retrack, public;
INSERT INTO party (party_id, name, kind) SELECT 'exp' || i, 'Exporter ' || i, 'producer' FROM generate_series(0, 39) i;
INSERT INTO party (party_id, name, kind) SELECT 'cli' || i, 'Client ' || i, 'client' FROM generate_series(0, 99) i;
INSERT INTO licence (licence, kind, holder, valid, status, destinations)
SELECT format('25-AA-%s', lpad(i::text, 6, '0'))::licence_id, 'general', 'exp' || i % 40, '[2025-01-01,2026-01-01)', 'issued', '{DE,JP,US}'
FROM generate_series(1, :licences) i;
INSERT INTO licence_item (licence, line, control_code, form, granted)
SELECT licence, line, code, form::form, '1000 t' FROM licence, (VALUES (1, '1C905.a', 'magnet'), (2, '1C905.b', 'oxide')) v (line, code, form);
INSERT INTO licence_party (licence, party_id, role)
SELECT l.licence, 'cli' || (l.n * 7 + k) % 100, r FROM (SELECT licence, row_number() OVER (ORDER BY licence) AS n FROM licence) l,
  generate_series(1, 3) k, (VALUES ('consignee'), ('end_user')) v (r);

-- Exports in random order over all licences, all of them in order.
CREATE TABLE load AS
SELECT 'S' || lpad(i::text, 8, '0') AS shipment_id, date '2025-02-01' + (i % 300)::int AS shipped_on, l.holder AS exporter,
  'cli' || (l.n * 7 + 1 + i % 3) % 100 AS consignee, 'cli' || (l.n * 7 + 1 + i % 3) % 100 AS end_user,
  (ARRAY['DE', 'JP', 'US'])[1 + i % 3] AS destination, l.licence, (ARRAY['1C905.a', '1C905.b'])[1 + i % 2] AS control_code,
  NULL::text AS hs_code, (ARRAY['magnet', 'oxide'])[1 + i % 2]::form AS form, 'Nd=29.5%,Dy=2.1%'::assay AS assay, '12.5 kg'::mass AS net_mass
FROM (SELECT setseed(0.42)) seed, generate_series(1, :shipments) i,
  LATERAL (SELECT 1 + (hashint4(i::int) & 2147483647) % :licences AS k) pick
  JOIN (SELECT licence, holder, row_number() OVER (ORDER BY licence) AS n FROM licence) l ON l.n = pick.k
ORDER BY hashint4(i::int + 1);

CREATE TABLE ship_none (LIKE load, PRIMARY KEY (shipment_id));
CREATE TABLE ship_fk (LIKE ship_none INCLUDING INDEXES, FOREIGN KEY (licence) REFERENCES licence);
CREATE TABLE ship_ours (LIKE ship_none INCLUDING INDEXES);
CREATE TABLE ship_row (LIKE ship_none INCLUDING INDEXES);
CREATE TABLE ship_set (LIKE ship_none INCLUDING INDEXES);
SELECT attach_triggers('ship_ours', 'licence', 'registry=bench');

-- Opponent 1: a row trigger that locks the item, checks, and updates it.
CREATE FUNCTION check_row() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  l bench.licence; i bench.licence_item;
BEGIN
  SELECT * INTO l FROM bench.licence WHERE licence = NEW.licence;
  IF NOT FOUND THEN RAISE EXCEPTION 'no licence'; END IF;
  IF l.status <> 'issued' THEN RAISE EXCEPTION 'status'; END IF;
  IF NOT l.valid @> NEW.shipped_on THEN RAISE EXCEPTION 'date'; END IF;
  IF l.holder <> NEW.exporter THEN RAISE EXCEPTION 'holder'; END IF;
  IF cardinality(l.destinations) > 0 AND NEW.destination <> ALL (l.destinations) THEN RAISE EXCEPTION 'destination'; END IF;
  PERFORM 1 FROM bench.licence_party p WHERE p.licence = NEW.licence AND p.role = 'consignee' AND p.party_id = NEW.consignee;
  IF NOT FOUND THEN RAISE EXCEPTION 'consignee'; END IF;
  PERFORM 1 FROM bench.licence_party p WHERE p.licence = NEW.licence AND p.role = 'end_user' AND p.party_id = NEW.end_user;
  IF NOT FOUND THEN RAISE EXCEPTION 'end user'; END IF;
  SELECT * INTO i FROM bench.licence_item t WHERE t.licence = NEW.licence AND t.form = NEW.form
    AND (t.control_code = NEW.control_code OR starts_with(NEW.control_code, t.control_code || '.')) ORDER BY t.line LIMIT 1 FOR UPDATE;
  IF NOT FOUND THEN RAISE EXCEPTION 'item'; END IF;
  IF (i.granted - i.drawn) < NEW.net_mass THEN RAISE EXCEPTION 'quantity'; END IF;
  UPDATE bench.licence_item t SET drawn = t.drawn + NEW.net_mass WHERE t.licence = i.licence AND t.line = i.line;
  RETURN NULL;
END $$;
CREATE TRIGGER check_row AFTER INSERT ON ship_row FOR EACH ROW EXECUTE FUNCTION check_row();

-- Opponent 2: the best set-based trigger we could write: one join that finds what is wrong, one ordered
-- lock of the items, one update.
CREATE FUNCTION check_set() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  wrong bigint;
BEGIN
  SELECT count(*) INTO wrong FROM new_rows n
  LEFT JOIN bench.licence l ON l.licence = n.licence
  WHERE l.licence IS NULL OR l.status <> 'issued' OR NOT l.valid @> n.shipped_on OR l.holder <> n.exporter
     OR (cardinality(l.destinations) > 0 AND n.destination <> ALL (l.destinations));
  IF wrong > 0 THEN RAISE EXCEPTION 'licence'; END IF;
  SELECT count(*) INTO wrong FROM (SELECT DISTINCT licence, consignee, end_user FROM new_rows) n
  WHERE NOT EXISTS (SELECT FROM bench.licence_party p WHERE p.licence = n.licence AND p.role = 'consignee' AND p.party_id = n.consignee)
     OR NOT EXISTS (SELECT FROM bench.licence_party p WHERE p.licence = n.licence AND p.role = 'end_user' AND p.party_id = n.end_user);
  IF wrong > 0 THEN RAISE EXCEPTION 'party'; END IF;
  CREATE TEMP TABLE IF NOT EXISTS due (licence retrack.licence_id, line int, mass retrack.mass) ON COMMIT DELETE ROWS;
  DELETE FROM due;
  INSERT INTO due
  SELECT n.licence, (SELECT t.line FROM bench.licence_item t WHERE t.licence = n.licence AND t.form = n.form
    AND (t.control_code = n.control_code OR starts_with(n.control_code, t.control_code || '.')) ORDER BY t.line LIMIT 1), n.mass
  FROM (SELECT licence, form, control_code, sum(net_mass) AS mass FROM new_rows GROUP BY 1, 2, 3) n;
  IF EXISTS (SELECT FROM due WHERE line IS NULL) THEN RAISE EXCEPTION 'item'; END IF;
  PERFORM 1 FROM bench.licence_item t WHERE (t.licence, t.line) IN (SELECT licence, line FROM due) ORDER BY t.licence, t.line FOR UPDATE;
  WITH changed AS (
    UPDATE bench.licence_item t SET drawn = t.drawn + d.mass
    FROM (SELECT licence, line, sum(mass) AS mass FROM due GROUP BY 1, 2) d
    WHERE t.licence = d.licence AND t.line = d.line RETURNING t.drawn, t.granted)
  SELECT count(*) INTO wrong FROM changed WHERE drawn > granted;
  IF wrong > 0 THEN RAISE EXCEPTION 'quantity'; END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER check_set AFTER INSERT ON ship_set REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION check_set();

-- The opponents write the ledger by ordinary updates, which the guard would refuse and the journal would write down.
ALTER TABLE licence_item DISABLE TRIGGER USER;
ANALYZE;

CREATE PROCEDURE reset_bench() LANGUAGE plpgsql AS $$
BEGIN
  SET LOCAL session_replication_role = replica;
  TRUNCATE bench.ship_none, bench.ship_fk, bench.ship_ours, bench.ship_row, bench.ship_set;
  UPDATE bench.licence_item SET drawn = '0 kg' WHERE drawn::numeric <> 0;
END $$;
