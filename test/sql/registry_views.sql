-- Protects: the registry's views give the answers worked out by hand from a small set of books.
SET jit = off;
SET retrack.as_of = '2025-05-20 00:00+08';
CALL retrack.create_registry('reg_views');
SET search_path = reg_views;
-- The books are written as they stand, past the rules: what is tested here is what the views make of them.
SET session_replication_role = replica;
INSERT INTO party (party_id, name, kind, country, reporting) VALUES
  ('P1', 'Northern Mine', 'producer', 'CN', NULL), ('P2', 'Southern Magnets', 'producer', 'CN', '[2025-03-01,)'),
  ('P3', 'Closed Works', 'producer', 'CN', '[2025-01-01,2025-03-01)'), ('T1', 'Trader', 'trader', 'CN', NULL);
INSERT INTO facility (facility_id, party_id, stage) VALUES ('F1', 'P1', 'mining'), ('F2', 'P2', 'magnet_making');
INSERT INTO instrument (instrument, facility_id, random_rsd, systematic_rsd) VALUES
  ('scale1', 'F1', 0.003, 0), ('scale2', 'F2', 0.004, 0), ('belt', 'F1', 0.1, 0.2);

-- licence_usage ------------------------------------------------------------------------------------
INSERT INTO licence (licence, kind, holder, valid, status, max_uses, uses) VALUES
  ('25-AA-000001', 'general', 'P1', '[2025-01-01,2026-01-01)', 'issued', 12, 1),
  ('25-AA-000002', 'individual', 'P1', '[2025-01-01,2025-05-20)', 'issued', 1, 0),
  ('25-AA-000003', 'individual', 'P2', '[2025-01-01,2025-05-21)', 'issued', 1, 1),
  ('25-AA-000004', 'individual', 'P2', '[2025-06-01,2025-07-01)', 'issued', NULL, 0),
  ('25-AA-000005', 'general', 'P2', '[2025-01-01,2026-01-01)', 'suspended', NULL, 0);
INSERT INTO licence_item (licence, line, control_code, form, granted, drawn, tolerance) VALUES
  ('25-AA-000001', 1, '1C905.a', 'magnet', '1 t', '899.999999 kg', 0), ('25-AA-000001', 2, '1C905.b', 'oxide', '1 t', '900 kg', 0),
  ('25-AA-000001', 3, '1C904.b', 'oxide', '1 t', '1 t', 0.05), ('25-AA-000001', 4, '1C904.a', 'metal', '1 t', '1050.000001 kg', 0.05),
  ('25-AA-000002', 1, '1C905.a', 'magnet', '10 kg', '0 kg', 0), ('25-AA-000003', 1, '1C905.a', 'magnet', '10 kg', '5 kg', 0),
  ('25-AA-000004', 1, '1C905.a', 'magnet', '0 kg', '0 kg', 0), ('25-AA-000005', 1, '1C905.a', 'magnet', '10 kg', '1 kg', 0);
-- as_of is 2025-05-19 16:00 UTC: the day is a matter of the session's time zone
SET timezone = 'Asia/Shanghai';
SELECT retrack.document_number(licence) AS licence, line, remaining, share, uses_left, days_left, verdict
FROM licence_usage ORDER BY 1, 2;

-- the status is that of the day: a licence suspended in March and given back in May; one granted late; one never changed
INSERT INTO licence_status (licence, since, status) VALUES ('25-AA-000001', '2025-03-01', 'suspended'), ('25-AA-000001', '2025-05-21', 'issued'),
  ('25-AA-000004', '2025-05-20', 'issued');
SELECT retrack.document_number(licence) AS licence, status, during FROM licence_history ORDER BY 1, during;
SELECT DISTINCT retrack.document_number(licence) AS licence, verdict FROM licence_usage ORDER BY 1;
SELECT d::date, retrack.document_number(l.licence) AS licence, l.status, l.in_force
FROM unnest('{2025-02-28,2025-03-01,2025-05-20,2025-05-21,2026-01-01}'::date[]) AS d, retrack.licence_on('reg_views', d, '25-AA-000001') l ORDER BY 1;
SELECT count(*), count(*) FILTER (WHERE in_force) AS in_force FROM retrack.licence_on('reg_views', '2025-06-01');
SELECT count(*) FROM retrack.licence_on('reg_views', NULL);

-- quota_usage ---------------------------------------------------------------------------------------
INSERT INTO quota (quota_id, holder, stage, ore_class, period, granted, drawn) VALUES
  ('Q1', 'P1', 'mining', 'rock', '[2025-01-01,2026-01-01)', '100 t', '90 t'),
  ('Q2', 'P1', 'mining', 'ionic', '[2025-05-20,2025-05-30)', '3 t', '1 t'),
  ('Q3', 'P2', 'mining', 'rock', '[2024-01-01,2025-01-01)', '1 t', '1 t'),
  ('Q4', 'P2', 'mining', 'ionic', '[2026-01-01,2027-01-01)', '0 kg', '0 kg'),
  ('Q5', 'P2', 'separation', 'any', '[2025-01-01,2026-01-01)', '1 t', '1000.000001 kg');
SELECT quota_id, remaining, share, elapsed, verdict FROM quota_usage ORDER BY 1;
SELECT round(140.0 / 365, 4) AS elapsed_of_q1, round(1.0 / 10, 4) AS elapsed_of_q2;
RESET timezone;

-- overdue_submission --------------------------------------------------------------------------------
-- Reports on January are due before 2025-02-10 00:00 in Shanghai, 2025-02-09 16:00 UTC.
INSERT INTO submission (submission_id, version, producer, period, submitted_at, withdrawn) VALUES
  ('P1-01', 1, 'P1', '[2025-01-01,2025-02-01)', '2025-02-09 23:59:59.999999+08', false),
  ('P1-01', 2, 'P1', '[2025-01-01,2025-02-01)', '2025-06-01 00:00+08', false),      -- a correction is not late
  ('P1-02', 1, 'P1', '[2025-02-01,2025-03-01)', '2025-03-10 00:00+08', false),      -- by nothing: late
  ('P1-03', 2, 'P1', '[2025-03-01,2025-04-01)', '2025-04-30 00:00+08', false),      -- the first version is not in the books
  ('P1-04', 1, 'P1', '[2025-04-01,2025-05-01)', '2025-05-25 00:00+08', false),      -- after as_of: still missing then
  ('P2-03', 1, 'P2', '[2025-03-01,2025-04-01)', '2025-04-01 00:00+08', false),
  ('P2-03', 2, 'P2', '[2025-03-01,2025-04-01)', '2025-04-02 00:00+08', true),       -- withdrawn: missing
  ('P2-04', 1, 'P2', '[2025-04-01,2025-05-01)', '2025-05-01 00:00+08', false),
  ('P3-02', 1, 'P3', '[2025-02-01,2025-03-01)', '2025-03-12 12:00+08', false);      -- January missing, February late; March not owed
SET timezone = 'UTC';
SELECT producer, period, due_before, status, days_late FROM overdue_submission ORDER BY 1, 3;
-- a month later May has come due
SET retrack.as_of = '2025-06-10 00:00+08';
SELECT producer, period, status, days_late FROM overdue_submission WHERE lower(period) >= '2025-04-01' ORDER BY 1, 2;
SET retrack.as_of = '2025-06-09 23:59+08';
SELECT count(*) FROM overdue_submission WHERE lower(period) = '2025-05-01';
-- another deadline is data
UPDATE reporting_deadline SET day_of_month = 20, time_zone = 'UTC';
SET retrack.as_of = '2025-05-20 00:00+00';
SELECT producer, period, due_before, status FROM overdue_submission ORDER BY 1, 3;
UPDATE reporting_deadline SET day_of_month = 10, time_zone = 'Asia/Shanghai';
SET retrack.as_of = '2025-05-20 00:00+08';

-- what was submitted by a moment: the version in force then, and none that was withdrawn by then
SELECT m, submission_id, version, versions FROM unnest('{2025-04-01 12:00+08,2025-04-02 12:00+08,2025-06-02 00:00+08}'::timestamptz[]) AS m,
  retrack.submissions_on('reg_views', m) WHERE submission_id IN ('P1-01', 'P2-03') ORDER BY 1, 2;

-- transfer_difference: shown beyond 1 kg, 0.5 % and 3 sigma, all three -----------------------------
-- sigma of 1000 kg against 985 kg on scale1, scale2: sqrt((1000 * 0.003)^2 + (985 * 0.004)^2)
SELECT round(sqrt(3.0 * 3.0 + 3.94 * 3.94), 6) AS sigma_by_hand;
INSERT INTO transfer (transfer_id, reported_by, shipper, receiver, from_facility, to_facility, transferred_on, form, mass, instrument, withdrawn) VALUES
  ('same', 'P1', 'P1', 'P2', 'F1', 'F2', '2025-03-05', 'oxide', '1 t', 'scale1', false),
  ('same', 'P2', 'P1', 'P2', 'F1', 'F2', '2025-03-05', 'oxide', '1 t', 'scale2', false),
  ('within 3 sigma', 'P1', 'P1', 'P2', 'F1', 'F2', '2025-03-05', 'oxide', '1 t', 'scale1', false),
  ('within 3 sigma', 'P2', 'P1', 'P2', 'F1', 'F2', '2025-03-05', 'oxide', '985.2 kg', 'scale2', false),
  ('beyond 3 sigma', 'P1', 'P1', 'P2', 'F1', 'F2', '2025-03-05', 'oxide', '1 t', 'scale1', false),
  ('beyond 3 sigma', 'P2', 'P1', 'P2', 'F1', 'F2', '2025-03-05', 'oxide', '985 kg', 'scale2', false),
  ('more arrived', 'P1', 'P1', 'P2', 'F1', 'F2', '2025-03-05', 'oxide', '1 t', NULL, false),
  ('more arrived', 'P2', 'P1', 'P2', 'F1', 'F2', '2025-03-05', 'oxide', '1005.03 kg', NULL, false),
  ('under a kilogram', 'P1', 'P1', 'P2', 'F1', 'F2', '2025-03-05', 'oxide', '10 kg', NULL, false),
  ('under a kilogram', 'P2', 'P1', 'P2', 'F1', 'F2', '2025-03-05', 'oxide', '9 kg', NULL, false),
  ('under half a percent', 'P1', 'P1', 'P2', 'F1', 'F2', '2025-03-05', 'oxide', '1 t', NULL, false),
  ('under half a percent', 'P2', 'P1', 'P2', 'F1', 'F2', '2025-03-05', 'oxide', '995 kg', NULL, false),
  ('one belt, its bias cancels', 'P1', 'P1', 'P2', 'F1', 'F2', '2025-03-05', 'oxide', '100 kg', 'belt', false),
  ('one belt, its bias cancels', 'P2', 'P1', 'P2', 'F1', 'F2', '2025-03-05', 'oxide', '50 kg', 'belt', false),
  ('receiver silent', 'P1', 'P1', 'P2', 'F1', 'F2', '2025-03-05', 'oxide', '1 t', NULL, false),
  ('receiver withdrew', 'P1', 'P1', 'P2', 'F1', 'F2', '2025-03-05', 'oxide', '1 t', NULL, false),
  ('receiver withdrew', 'P2', 'P1', 'P2', 'F1', 'F2', '2025-03-05', 'oxide', '1 t', NULL, true),
  ('shipper silent', 'P2', 'P1', 'P2', 'F1', 'F2', '2025-04-30', 'oxide', '1 t', NULL, false),
  ('not yet due', 'P1', 'P1', 'P2', 'F1', 'F2', '2025-05-01', 'oxide', '1 t', NULL, false),
  ('to another', 'P1', 'P1', 'P3', 'F1', NULL, '2025-05-01', 'oxide', '1 t', NULL, false),
  ('to another', 'P2', 'P1', 'P2', 'F1', 'F2', '2025-05-01', 'oxide', '1 t', NULL, false),
  ('another form', 'P1', 'P1', 'P2', 'F1', 'F2', '2025-05-01', 'oxide', '1 t', NULL, false),
  ('another form', 'P2', 'P1', 'P2', 'F1', 'F2', '2025-05-01', 'metal', '1 t', NULL, false),
  ('within one party', 'P1', 'P1', 'P1', 'F1', 'F1', '2025-03-05', 'oxide', '1 t', NULL, false);
SELECT transfer_id, shipped, received, difference_kg, sigma_kg, percent, kind FROM transfer_difference ORDER BY 1;
SELECT round(100 * sqrt(power(100 * 0.1, 2) + power(50 * 0.1, 2) + power(50 * 0.2, 2)) / 100, 6) AS sigma_of_the_belt;
TRUNCATE transfer;

-- client_volume ---------------------------------------------------------------------------------------
INSERT INTO shipment (shipment_id, shipped_on, exporter, client_name, destination, form, net_mass, value, currency, withdrawn) VALUES
  ('S1', '2025-03-01', 'P1', 'Hitachi Metals, Ltd.', 'JP', 'magnet', '10 kg', 100, 'USD', false),
  ('S2', '2025-03-31', 'P1', 'HITACHI METALS LTD', 'JP', 'magnet', '20 kg', 200, 'USD', false),
  ('S3', '2025-03-15', 'P1', 'Ｈｉｔａｃｈｉ　Ｍｅｔａｌｓ', 'JP', 'magnet', '12 kg', 50, 'USD', false),
  ('S4', '2025-04-01', 'P1', 'Hitachi Metals', 'JP', 'magnet', '1 kg', 5, 'USD', false),
  ('S5', '2025-03-15', 'P1', 'Hitachi Metals', 'JP', 'magnet', '7 kg', 5, 'USD', true),
  ('S6', '2025-03-15', 'P2', NULL, 'JP', 'magnet', '7 kg', 5, 'USD', false);
INSERT INTO transfer (transfer_id, reported_by, shipper, receiver, transferred_on, form, mass, client_name) VALUES
  ('T1', 'P1', 'P1', 'P2', '2025-03-05', 'oxide', '1 t', 'Southern Magnets Co., Ltd.'),
  ('T1', 'P2', 'P1', 'P2', '2025-03-05', 'oxide', '1 t', 'Northern Mine');
SELECT reported_by, client, spellings, kind, destination, period, form, deliveries, mass, value FROM client_volume ORDER BY 1, 2, 6;

-- facility_balance -------------------------------------------------------------------------------------
-- F1, March: 100 t concentrate in stock, 50 t mined, 30 t delivered, 1 t lost, 119 t left; F2 gets what F1 sent.
-- F1, April: nothing moves, 10 t gone. Assay Nd 10 % on F1, no deviation; scale1 0.3 % each.
TRUNCATE transfer, shipment;
INSERT INTO inventory (inventory_id, facility_id, period, form, assay, mass, instrument) VALUES
  ('I1', 'F1', '[2025-02-01,2025-03-01)', 'concentrate', 'Nd=10%', '100 t', 'scale1'),
  ('I2', 'F1', '[2025-03-01,2025-04-01)', 'concentrate', 'Nd=10%', '119 t', 'scale1'),
  ('I3', 'F1', '[2025-04-01,2025-05-01)', 'concentrate', 'Nd=10%', '109 t', 'scale1'),
  ('I4', 'F2', '[2025-02-01,2025-03-01)', 'concentrate', 'Nd=10%', '1 t', NULL),
  ('I5', 'F2', '[2025-03-01,2025-04-01)', 'concentrate', 'Nd=10%,Dy=1%', '31 t', NULL);
INSERT INTO production (production_id, facility_id, produced_on, stage, ore_class, form, assay, mass, instrument) VALUES
  ('R1', 'F1', '2025-03-31', 'mining', 'rock', 'concentrate', 'Nd=10%', '50 t', 'scale1'),
  ('R2', 'F2', '2025-03-31', 'separation', 'rock', 'oxide', 'Nd=80%', '5 t', NULL);          -- inside: no boundary crossed
INSERT INTO transfer (transfer_id, reported_by, shipper, receiver, from_facility, to_facility, transferred_on, form, assay, mass, instrument) VALUES
  ('T1', 'P1', 'P1', 'P2', 'F1', 'F2', '2025-03-05', 'concentrate', 'Nd=10%', '30 t', 'scale1'),
  ('T1', 'P2', 'P1', 'P2', 'F1', 'F2', '2025-03-05', 'concentrate', 'Nd=10%', '30 t', NULL);
INSERT INTO loss (loss_id, facility_id, lost_on, form, assay, mass) VALUES ('L1', 'F1', '2025-03-10', 'concentrate', 'Nd=10%', '1 t');
SELECT facility_id, period, element, opening, receipts, shipments, losses, closing, muf, round(sigma, 6) AS sigma, round(z, 4) AS z, verdict
FROM facility_balance ORDER BY 1, 2, 3;
-- sigma by hand: 0.3 % of each term of F1's Nd, added in quadrature
SELECT round(0.003 * sqrt(10000^2 + 5000^2 + 3000^2 + 11900^2)::numeric, 6) AS march,
       round(0.003 * sqrt(11900^2 + 10900^2)::numeric, 6) AS april;
-- the gain: F2 holds Dy that nothing brought, without any deviation to explain it
SELECT facility_id, period, element, gain_kg, sigma_kg FROM unexplained_gain ORDER BY 1, 2;
-- what was not analysed may explain a difference: nobody is accused for it, unless it makes the difference larger; nothing (0 kg) needs no assay
INSERT INTO inventory (inventory_id, facility_id, period, form, assay, mass, instrument)
SELECT format('U%s %s', n, m), 'F1', daterange(m, (m + interval '1 month')::date), 'concentrate', a::retrack.assay, '100 t', 'scale1'
FROM (VALUES (1, date '2030-01-01', 'Nd=10%'), (2, '2030-02-01', NULL), (3, '2030-03-01', 'Nd=10%'), (4, '2030-04-01', 'Nd=9%'), (5, '2030-05-01', 'Nd=10%'), (6, '2030-06-01', 'Nd=9%')) AS v(n, m, a);
INSERT INTO inventory (inventory_id, facility_id, period, form, mass) VALUES ('U7', 'F1', '[2030-06-01,2030-07-01)', 'scrap', '0 kg');
INSERT INTO loss (loss_id, facility_id, lost_on, form, mass) VALUES ('U1', 'F1', '2030-04-10', 'scrap', '1 t'), ('U2', 'F1', '2030-05-10', 'scrap', '1 t');
SELECT to_char(lower(period), 'Mon') AS month, muf, verdict FROM facility_balance WHERE facility_id = 'F1' AND period && '[2030-02-01,2030-07-01)' ORDER BY period;
-- a quarter's stock closes its last month, and is judged by the instrument of its last day
INSERT INTO instrument (instrument, facility_id, random_rsd, systematic_rsd, valid) VALUES ('scale of September', 'F1', 0.001, 0, '[2030-09-01,)');
INSERT INTO inventory (inventory_id, facility_id, period, form, assay, mass, instrument) VALUES ('Q3', 'F1', '[2030-07-01,2030-10-01)', 'concentrate', 'Nd=10%', '90 t', 'scale of September');
SELECT to_char(lower(period), 'Mon') AS month, opening, closing, round(sigma, 3) AS sigma, verdict FROM facility_balance WHERE facility_id = 'F1' AND period && '[2030-07-01,2030-12-01)' ORDER BY period;
-- an instrument nobody knows, or not on that day, has errors that sigma lacks: what is beyond it is not judged, what is within it is; no instrument has none
INSERT INTO instrument (instrument, facility_id, random_rsd, systematic_rsd, valid) VALUES ('scale until May', 'F1', 0.001, 0, '[2031-01-01,2031-05-01)');
INSERT INTO inventory (inventory_id, facility_id, period, form, assay, mass, instrument)
SELECT 'E' || m, 'F1', daterange(m, (m + interval '1 month')::date), 'concentrate', 'Nd=10%', mass, 'scale1'
FROM (VALUES (date '2031-01-01', '100 t'::retrack.mass), ('2031-02-01', '90 t'), ('2031-03-01', '90 t'), ('2031-04-01', '80 t'), ('2031-05-01', '70 t'), ('2031-06-01', '80 t'), ('2031-07-01', '70 t')) AS v(m, mass);
INSERT INTO loss (loss_id, facility_id, lost_on, form, assay, mass, instrument) VALUES
  ('E2', 'F1', '2031-02-10', 'scrap', 'Nd=10%', '1 kg', 'unheard of'), ('E3', 'F1', '2031-03-10', 'scrap', 'Nd=10%', '1 kg', 'unheard of'),
  ('E4', 'F1', '2031-04-10', 'scrap', 'Nd=10%', '1 kg', 'scale until May'), ('E5', 'F1', '2031-05-10', 'scrap', 'Nd=10%', '1 kg', 'scale until May'),
  ('E6', 'F1', '2031-06-10', 'scrap', 'Nd=10%', '1 kg', 'scale until May'), ('E6b', 'F1', '2031-06-10', 'scrap', 'Nd=10%', '2 kg', 'unheard of'),
  ('E7', 'F1', '2031-07-10', 'scrap', 'Nd=10%', '1 kg', NULL), ('E7b', 'F1', '2031-07-10', 'scrap', 'Nd=10%', '0 kg', 'unheard of');
SELECT to_char(lower(period), 'Mon') AS month, round(z, 1) AS z, verdict, unknown_instruments FROM facility_balance WHERE facility_id = 'F1' AND period && '[2031-02-01,2031-08-01)' ORDER BY period;
SELECT count(*) FROM unexplained_gain WHERE facility_id = 'F1' AND period && '[2031-02-01,2031-08-01)';
-- a facility of which months are missing is as many sequences, and no error in a question about all of them
INSERT INTO inventory (inventory_id, facility_id, period, form, assay, mass, instrument)
SELECT format('G%s %s', f, m), f, daterange(m::date, (m + interval '1 month')::date), 'concentrate', 'Nd=10%', format('%s t', tons)::retrack.mass, 'scale1'
FROM (VALUES ('F1', 5, 1), ('F2', 10, 0)) AS v(f, missing, growth), generate_series(timestamp '2032-01-01', '2032-12-01', '1 month') AS m,
  LATERAL (SELECT 100 + growth * extract(month FROM m) AS tons) AS t WHERE extract(month FROM m) <> missing;
SELECT facility_id, since, (c).periods, (c).muf, round((c).sigma, 6) AS sigma, (g).periods AS tested
FROM (SELECT facility_id, since, retrack.cumuf(balance, 'Nd' ORDER BY period) AS c, retrack.gemuf(balance, 'Nd' ORDER BY period) AS g
      FROM facility_sequence WHERE period && '[2032-01-01,2033-01-01)' GROUP BY 1, 2) AS s ORDER BY 1, 2;
\set VERBOSITY sqlstate
SELECT facility_id, retrack.cumuf(balance, 'Nd' ORDER BY period) FROM facility_period WHERE opened AND closed AND period && '[2032-01-01,2033-01-01)' GROUP BY 1;
\set VERBOSITY default
DELETE FROM instrument WHERE instrument = 'scale until May';
DELETE FROM inventory WHERE lower(period) >= '2030-01-01';
DELETE FROM loss WHERE lost_on >= '2030-01-01';
DELETE FROM instrument WHERE instrument = 'scale of September';

-- Odd dates: one row neither hangs nor breaks what everybody else sees ----------------------------------------
SET statement_timeout = '20s';
INSERT INTO submission (submission_id, producer, period, submitted_at) VALUES ('old', 'P1', '[-infinity,2025-01-01)', '2025-05-01'),
  ('older', 'P1', '[0044-03-15 BC,2025-01-01)', '2025-05-01'), ('all', 'P1', '(,)', '2025-05-01');
INSERT INTO party (party_id, name, kind, reporting) VALUES ('P4', 'Ancient Mine', 'producer', '[-infinity,2025-02-01)');
INSERT INTO facility (facility_id, party_id, stage) VALUES ('F4', 'P4', 'mining');
SELECT producer, period, status FROM overdue_submission WHERE producer = 'P4';
-- one report on everything to come is none on what had not begun when it was sent
INSERT INTO submission (submission_id, producer, period, submitted_at) VALUES ('for ever', 'P4', '(,)', '2024-12-31 23:59+08');
SELECT producer, period, status FROM overdue_submission WHERE producer = 'P4';
UPDATE submission SET submitted_at = '2025-02-01 00:00+08' WHERE submission_id = 'for ever';
SELECT count(*) FROM overdue_submission WHERE producer = 'P4';
INSERT INTO control_list (code, element, form, threshold, valid, source) VALUES ('odd', 'Dy', 'ore', 0.001, '(,)', 'test');
INSERT INTO shipment (shipment_id, shipped_on, exporter, client_name, destination, form, assay, net_mass)
SELECT d || n, d::date, 'P1', 'Odd', 'DE', f::retrack.form, f2::retrack.assay, '1 kg'
FROM unnest('{-infinity,infinity,0044-03-15 BC,2025-05-01}'::text[]) d, generate_series(1, 2) n,
     (VALUES ('ore', 'Dy=0.095%'), ('oxide', 'Dy=80%')) v(f, f2) WHERE (n = 1) = (f = 'ore');
SELECT count(*), min(lower(period)) FROM export_recovery WHERE code = '1C905.b';
SELECT count(*) FROM licence_splitting;
INSERT INTO licence_application (application_id, applicant, applied_on) VALUES ('odd', 'P1', '-infinity');
SELECT count(*) FROM licence_lead_time;
SELECT destination, sum(deliveries) FROM trade_volume GROUP BY destination;
INSERT INTO quota (quota_id, holder, stage, ore_class, period, granted) VALUES ('endless', 'P1', 'recycling', 'any', '[-infinity,infinity]', '1 t'), ('open', 'P2', 'recycling', 'any', '(,)', '1 t');
SELECT quota_id, elapsed, verdict FROM quota_usage WHERE quota_id IN ('endless', 'open') ORDER BY 1;
INSERT INTO licence (licence, kind, holder, valid, status) VALUES ('25-AA-000008', 'general', 'P1', '[2025-01-01,infinity]', 'issued'), ('25-AA-000009', 'general', 'P1', '(,)', 'issued');
INSERT INTO licence_item (licence, line, control_code, form, granted) VALUES ('25-AA-000008', 1, '1C905.a', 'magnet', '1 t'), ('25-AA-000009', 1, '1C905.a', 'magnet', '1 t');
SELECT retrack.document_number(licence) AS licence, days_left, verdict FROM licence_usage WHERE days_left IS NULL ORDER BY 1;
-- Masses and values that no delivery has: no two reports, by slip or on purpose, leave the views without their sums
\set VERBOSITY sqlstate
INSERT INTO shipment (shipment_id, shipped_on, exporter, destination, form, net_mass) VALUES ('heavy', '2025-05-01', 'P1', 'DE', 'oxide', '10000000.001 t');
INSERT INTO transfer (transfer_id, reported_by, shipper, receiver, transferred_on, form, mass) VALUES ('heavy', 'P1', 'P1', 'P2', '2025-05-01', 'oxide', '9223372036854775807 mg');
INSERT INTO invoice (invoice_id, seller, issued_on, mass) VALUES ('heavy', 'P1', '2025-05-01', '9223372036854775807 mg');
INSERT INTO customs_declaration (declaration_id, declared_on, declarant, net_mass) VALUES ('heavy', '2025-05-01', 'P1', '9223372036854775807 mg');
INSERT INTO shipment (shipment_id, shipped_on, exporter, destination, form, net_mass, value) VALUES ('nan', '2025-05-01', 'P1', 'DE', 'oxide', '1 kg', 'NaN');
INSERT INTO invoice (invoice_id, seller, issued_on, mass, vat) VALUES ('inf', 'P1', '2025-05-01', '1 kg', 'Infinity');
INSERT INTO customs_declaration (declaration_id, declared_on, declarant, net_mass, value) VALUES ('nan', '2025-05-01', 'P1', '1 kg', 'NaN');
\set VERBOSITY sqlstate
INSERT INTO shipment (shipment_id, shipped_on, exporter, destination, form, net_mass) VALUES ('slip', '20255-05-01', 'P1', 'DE', 'oxide', '1 kg');
INSERT INTO inventory (facility_id, period, form, mass) VALUES ('F1', '[20255-05-01,20255-06-01)', 'oxide', '1 kg');
INSERT INTO submission (submission_id, producer, period, submitted_at) VALUES ('slip', 'P1', '[20255-05-01,)', '2025-05-01');
\set VERBOSITY default
RESET statement_timeout;

RESET session_replication_role;
RESET search_path;
SET client_min_messages = warning;
DROP SCHEMA reg_views CASCADE;
