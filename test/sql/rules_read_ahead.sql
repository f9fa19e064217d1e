-- Protects: licences that are read ahead are read whole and right: each of 400 refuses what it must from the first row on,
-- whether its terms were read for it, or with another licence.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CALL retrack.create_registry('ra');
SET search_path = ra, retrack, public;
INSERT INTO party (party_id, name, kind) SELECT p || i, p || i, k
FROM generate_series(0, 400) i, (VALUES ('H', 'producer'), ('C', 'client'), ('E', 'client')) v (p, k);
CREATE TABLE made AS SELECT k, ('25-RA-' || lpad(k::text, 6, '0'))::licence_id AS licence FROM generate_series(0, 399) k;
INSERT INTO licence (licence, kind, holder, valid, status, destinations)
SELECT licence, 'general', 'H' || k, daterange('2025-01-02'::date + k % 100, '2026-01-01'), 'issued', ARRAY['A' || chr(65 + k % 26), 'B' || chr(65 + k % 25)] FROM made;
-- Every eleventh has no items; the others have one to three.
INSERT INTO licence_item (licence, line, control_code, form, granted)
SELECT licence, line, '1C905.' || chr(96 + line), 'magnet', '1 kg' FROM made, generate_series(1, 1 + k % 3) line WHERE k % 11 <> 0;
INSERT INTO licence_party (licence, party_id, role) SELECT licence, 'C' || k, 'consignee' FROM made;
INSERT INTO licence_party (licence, party_id, role) SELECT licence, 'E' || k, 'end_user' FROM made;
INSERT INTO licence_party (licence, party_id, role, withdrawn) SELECT licence, 'C' || k - 1, 'consignee', true FROM made WHERE k > 0;
-- Some have more rows than are read ahead.
INSERT INTO licence_party (licence, party_id, role) SELECT licence, 'E' || i, 'end_user' FROM made, generate_series(0, 390) i WHERE k IN (5, 6, 7, 200, 201, 202, 203) AND i <> k;
INSERT INTO licence_status (licence, since, status)
SELECT licence, since, status FROM made, (VALUES (date '2025-01-01', 'issued'), ('2025-08-01', 'suspended'), ('2025-09-01', 'issued')) v (since, status) WHERE k % 3 = 0;
CREATE TABLE export (id serial PRIMARY KEY, shipped_on date, exporter text, consignee text, end_user text, destination text,
  licence licence_id, control_code text, form form DEFAULT 'magnet', assay assay DEFAULT 'Dy=2%', net_mass mass);
SELECT attach_triggers('export', 'licence');

CREATE FUNCTION try(k int, d date, holder text, consignee text, end_user text, destination text, code text, m mass) RETURNS text LANGUAGE plpgsql
SET search_path = retrack, pg_catalog AS $$
BEGIN
  INSERT INTO ra.export (shipped_on, exporter, consignee, end_user, destination, licence, control_code, net_mass)
  SELECT d, holder, consignee, end_user, destination, g.licence, code, m FROM ra.made g WHERE g.k = try.k;
  RETURN 'ok';
EXCEPTION WHEN OTHERS THEN
  RETURN SQLSTATE;
END $$;
-- One wrong row and one right row of each licence, what is wrong being another thing for each; those that turned out otherwise.
CREATE FUNCTION wrong(step int, which int) RETURNS TABLE (k int, wrong text, "right" text) LANGUAGE plpgsql
SET search_path = retrack, pg_catalog AS $$
DECLARE
  n int;
  items int;
  d date;
BEGIN
  FOR n IN SELECT (i * step) % 400 FROM generate_series(0, 399) i LOOP
    k := n;
    items := CASE WHEN n % 11 = 0 THEN 0 ELSE 1 + n % 3 END;
    d := date '2025-01-02' + n % 100;
    wrong := CASE (n + which) % 7
      WHEN 0 THEN 'RTL03 ' || ra.try(n, d - 1, 'H' || n, 'C' || n, 'E' || n, 'A' || chr(65 + n % 26), '1C905.a', '1 g')
      WHEN 1 THEN 'RTL04 ' || ra.try(n, d, 'H' || n + 1, 'C' || n, 'E' || n, 'A' || chr(65 + n % 26), '1C905.a', '1 g')
      WHEN 2 THEN 'RTL07 ' || ra.try(n, d, 'H' || n, 'C' || n - 1, 'E' || n, 'A' || chr(65 + n % 26), '1C905.a', '1 g')
      WHEN 3 THEN 'RTL08 ' || ra.try(n, d, 'H' || n, 'C' || n, 'E400', 'A' || chr(65 + n % 26), '1C905.a', '1 g')
      WHEN 4 THEN 'RTL06 ' || ra.try(n, d, 'H' || n, 'C' || n, 'E' || n, 'B' || chr(65 + (n + 1) % 25), '1C905.a', '1 g')
      WHEN 5 THEN 'RTL05 ' || ra.try(n, d, 'H' || n, 'C' || n, 'E' || n, 'A' || chr(65 + n % 26), '1C905.' || chr(97 + items), '1 g')
      ELSE CASE WHEN n % 3 = 0 THEN 'RTL02 ' ELSE 'ok ' END || ra.try(n, '2025-08-15', 'H' || n, 'C' || n, 'E' || n, 'A' || chr(65 + n % 26), '1C905.a', '1 g')
    END;
    "right" := ra.try(n, d, 'H' || n, 'C' || n, 'E' || n, 'B' || chr(65 + n % 25), '1C905.' || chr(96 + greatest(items, 1)), '1 g');
    IF split_part(wrong, ' ', 1) <> split_part(wrong, ' ', 2) OR "right" <> 'ok' THEN
      RETURN NEXT;
    END IF;
  END LOOP;
END $$;
-- In order, in a jump that leaves gaps, backwards; each in a connection that has read nothing. A licence without items covers nothing.
\c -
SELECT "right", wrong, count(*) FROM ra.wrong(1, 0) WHERE k % 11 <> 0 GROUP BY 1, 2;
\c -
SELECT "right", wrong, count(*) FROM ra.wrong(37, 1) WHERE k % 11 <> 0 GROUP BY 1, 2;
\c -
SELECT "right", wrong, count(*) FROM ra.wrong(399, 2) WHERE k % 11 <> 0 GROUP BY 1, 2;
\c -
SELECT "right", wrong, count(*) FROM ra.wrong(37, 3) WHERE k % 11 <> 0 GROUP BY 1, 2;
\c -
SELECT "right", wrong, count(*) FROM ra.wrong(1, 4) WHERE k % 11 <> 0 GROUP BY 1, 2;
\c -
SELECT "right", wrong, count(*) FROM ra.wrong(7, 5) WHERE k % 11 <> 0 GROUP BY 1, 2;
\c -
SELECT "right", wrong, count(*) FROM ra.wrong(37, 6) WHERE k % 11 <> 0 GROUP BY 1, 2;
SELECT "right", count(*) FROM ra.wrong(37, 6) WHERE k % 11 = 0 GROUP BY 1;

-- What changes after it was read ahead, and what a transaction that is rolled back changed.
\c -
SET client_min_messages = warning;
SET search_path = ra, retrack, public;
SELECT count(*) FROM wrong(1, 6) WHERE k % 11 <> 0;
BEGIN;
UPDATE licence SET destinations = destinations || '{ZZ}' WHERE licence = (SELECT licence FROM made WHERE k = 301);
SELECT try(301, '2025-06-01', 'H301', 'C301', 'E301', 'ZZ', '1C905.a', '1 g');
SELECT try(301, '2025-06-01', 'H301', 'C301', 'E301', 'A' || chr(65 + 301 % 26), '1C905.a', '1 g');
ROLLBACK;
SELECT try(301, '2025-06-01', 'H301', 'C301', 'E301', 'ZZ', '1C905.a', '1 g');
SELECT try(301, '2025-06-01', 'H301', 'C301', 'E301', 'A' || chr(65 + 301 % 26), '1C905.a', '1 g');
SELECT count(*), sum(net_mass) = (SELECT sum(drawn) FROM licence_item) AS drawn FROM export;
SELECT * FROM verify_ledger('ra');

\c -
SET client_min_messages = warning;
DROP SCHEMA ra CASCADE;
