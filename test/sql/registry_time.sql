-- Protects: what held on a day, and what the books said on a day, stay askable after corrections and deletions: of the control list,
-- of licences with their items, parties and status, of quotas, and of submissions.
SET client_min_messages = warning;
SET timezone = 'UTC';
SET datestyle = 'ISO, YMD';
CALL retrack.create_registry('reg_time');
SET search_path = reg_time, retrack, public;
INSERT INTO party (party_id, name, kind) VALUES ('P1', 'One', 'producer'), ('P2', 'Two', 'producer');
INSERT INTO licence (licence, kind, holder, valid, status, destinations) VALUES ('25-AA-000001', 'general', 'P1', '[2025-01-01,2026-01-01)', 'issued', '{DE,JP}'), ('25-AA-000002', 'general', 'P2', '[2025-01-01,2026-01-01)', 'issued', '{}');
INSERT INTO licence_item (licence, line, control_code, form, granted) VALUES ('25-AA-000001', 1, '1C905.a', 'magnet', '100 kg'), ('25-AA-000002', 1, '1C905.a', 'magnet', '1 t');
INSERT INTO licence_party (licence, party_id, role) VALUES ('25-AA-000001', 'P2', 'consignee');
INSERT INTO quota (quota_id, holder, stage, ore_class, period, granted) VALUES ('Q', 'P1', 'mining', 'rock', '[2025-01-01,2026-01-01)', '100 t');
INSERT INTO submission (submission_id, producer, period, submitted_at) VALUES ('U1', 'P1', '[2025-01-01,2025-02-01)', '2025-02-05'), ('U2', 'P1', '[2025-02-01,2025-03-01)', '2025-03-05');
-- what every registry begins with is no change of anybody's
SELECT count(*) FROM journal WHERE relation = 'reg_time.control_list';
SELECT clock_timestamp() AS first \gset

-- Corrections: a licence cut, suspended and its item raised; a threshold that was wrong, a code that was forgotten, a suspension prolonged; a report corrected.
UPDATE licence SET version = 2, valid = '[2025-01-01,2025-10-01)', destinations = '{DE}' WHERE licence = '25-AA-000001';
UPDATE licence_item SET version = 2, granted = '250 kg' WHERE licence = '25-AA-000001';
INSERT INTO licence_status (licence, since, status) VALUES ('25-AA-000001', '2025-06-01', 'suspended'), ('25-AA-000001', '2025-07-01', 'issued');
UPDATE control_list SET threshold = 0.002 WHERE code = '1C905.a' AND form = 'magnet';
INSERT INTO control_list (code, element, form, valid, source) VALUES ('1C999.a', 'La', 'metal', '[2025-04-04,)', 'test');
UPDATE control_list SET suspended = suspended + '{[2026-11-10,2027-11-10]}' WHERE code = '1C909.b';
UPDATE quota SET granted = '120 t' WHERE quota_id = 'Q';
INSERT INTO submission (submission_id, version, producer, period, submitted_at) VALUES ('U1', 2, 'P1', '[2025-01-01,2025-02-01)', '2025-04-05');
SELECT clock_timestamp() AS second \gset
-- Deletions.
DELETE FROM licence_party;
DELETE FROM licence_item WHERE licence = '25-AA-000002';
DELETE FROM licence WHERE licence = '25-AA-000002';
DELETE FROM control_list WHERE element = 'Sm';
DELETE FROM submission WHERE submission_id = 'U2';
SELECT clock_timestamp() AS third \gset

-- What held on a day, by what is known now.
SELECT d::date AS day, l.status, l.in_force FROM unnest('{2025-05-31,2025-06-01,2025-06-30,2025-07-01,2025-09-30,2025-10-01}'::date[]) AS d, licence_on('reg_time', d, '25-AA-000001') AS l ORDER BY 1;
SELECT count(*) AS of_a_licence_that_is_gone FROM licence_on('reg_time', '2025-05-01', '25-AA-000002');
SELECT d::date AS day, count(*) FILTER (WHERE element = 'Sm') AS sm, count(*) FILTER (WHERE code = '1C909.b') AS ho, max(threshold) AS threshold
FROM unnest('{2025-04-03,2025-04-04,2026-11-11,2027-11-11}'::date[]) AS d LEFT JOIN LATERAL controlled_on('reg_time', d) ON true GROUP BY 1 ORDER BY 1;
SELECT m::date AS moment, submission_id, version FROM unnest('{2025-03-06,2025-04-06}'::timestamptz[]) AS m, submissions_on('reg_time', m) ORDER BY 1, 2;

-- What the books said then, at each of the three moments.
CREATE FUNCTION pg_temp.said(at timestamptz) RETURNS TABLE (books text, rows bigint, words text) LANGUAGE sql AS $$
  SELECT 'licence', count(*), string_agg(concat_ws(' ', licence, version, valid, destinations), '; ' ORDER BY licence) FROM rows_as_of(NULL::licence, at)
  UNION ALL SELECT 'licence_item', count(*), string_agg(concat_ws(' ', licence, line, granted), '; ' ORDER BY licence) FROM rows_as_of(NULL::licence_item, at)
  UNION ALL SELECT 'licence_party', count(*), string_agg(party_id, '; ') FROM rows_as_of(NULL::licence_party, at)
  UNION ALL SELECT 'licence_status', count(*), string_agg(concat_ws(' ', since, status), '; ' ORDER BY since) FROM rows_as_of(NULL::licence_status, at)
  UNION ALL SELECT 'quota', count(*), string_agg(granted::text, '; ') FROM rows_as_of(NULL::quota, at)
  UNION ALL SELECT 'control_list', count(*), string_agg(concat_ws(' ', code, threshold, suspended), '; ' ORDER BY code) FILTER (WHERE code IN ('1C999.a', '1C909.b', '1C902.a.4') OR code = '1C905.a' AND form = 'magnet') FROM rows_as_of(NULL::control_list, at)
  UNION ALL SELECT 'submission', count(*), string_agg(concat_ws(' ', submission_id, version), '; ' ORDER BY submission_id, version) FROM rows_as_of(NULL::submission, at)
$$;
SELECT * FROM pg_temp.said(:'first');
SELECT * FROM pg_temp.said(:'second');
SELECT * FROM pg_temp.said(:'third');
-- was this controlled, by the list as it stood then
SELECT l.code, l.threshold FROM rows_as_of(NULL::control_list, :'first') AS l
WHERE l.form = 'magnet' AND l.valid @> date '2025-05-01' AND NOT l.suspended @> date '2025-05-01' AND fraction('Dy=0.15%', l.element) > l.threshold;
-- the same, by what is known now: 0.15 % lies below the corrected threshold
SELECT count(*) FROM controlled_on('reg_time', '2025-05-01', 'magnet', 'Dy=0.15%');
SELECT * FROM verify_journal('reg_time');
SELECT * FROM check_triggers('reg_time');
-- the rules' own draws are no changes of a licence
SELECT count(*) AS before FROM journal WHERE party = '' \gset
INSERT INTO shipment (shipment_id, shipped_on, exporter, destination, form, assay, net_mass, licence, control_code) VALUES ('S', '2025-05-01', 'P1', 'DE', 'magnet', 'Dy=1%', '1 kg', '25-AA-000001', '1C905.a');
SELECT count(*) - :before AS entries FROM journal WHERE party = '';
-- A renamed registry's past is its past; a new one of the old name has none of it; a table elsewhere that is called the same has its own.
CREATE TABLE public.licence_party (LIKE licence_party INCLUDING ALL);
SELECT attach_triggers('public.licence_party', 'journal', 'registry=reg_time');
INSERT INTO public.licence_party (licence, party_id, role) VALUES ('25-AA-000001', 'P2', 'end_user');
SELECT count(*) AS here, (SELECT count(*) FROM rows_as_of(NULL::public.licence_party, :'second')) AS there FROM rows_as_of(NULL::reg_time.licence_party, :'second');
DROP TABLE public.licence_party;
RESET search_path;
ALTER SCHEMA reg_time RENAME TO reg_past;
CALL retrack.create_registry('reg_time');
SELECT count(*) FROM retrack.rows_as_of(NULL::reg_past.licence, :'second');
SELECT valid FROM retrack.rows_as_of(NULL::reg_past.licence, :'first') WHERE holder = 'P1';
SELECT count(*) FROM retrack.rows_as_of(NULL::reg_time.licence, :'second');
-- what a pull refuses under the new name is an export all the same
INSERT INTO reg_past.pull_reject (target, sqlstate, message, row_values) VALUES
  ('reg_past.shipment', 'RTL11', 'm', '{"shipment_id": "refused", "shipped_on": "2025-05-01", "exporter": "P1", "destination": "DE", "form": "magnet", "assay": "Dy=1%", "net_mass": "2 kg"}');
SELECT shipment_id, refused FROM reg_past.unlicensed_export WHERE refused IS NOT NULL;
DROP SCHEMA reg_time, reg_past CASCADE;
