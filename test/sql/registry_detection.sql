-- Protects: each detection view shows exactly the cases planted in a small set of books, boundaries included.
SET jit = off;
SET retrack.as_of = '2025-12-31 12:00+00';
SET timezone = 'UTC';
CALL retrack.create_registry('reg_detection');
SET search_path = reg_detection;
SET session_replication_role = replica;
INSERT INTO party (party_id, name, kind, country) VALUES
  ('P1', 'Magnet Works', 'producer', 'CN'), ('P2', 'Oxide Works', 'producer', 'CN'), ('C1', 'Client', 'client', 'DE');

-- unlicensed_export: what is controlled is a matter of day, form, element and threshold ---------------
INSERT INTO licence (licence, kind, holder, valid, status, destinations) VALUES
  ('25-AA-000001', 'general', 'P1', '[2025-04-01,2025-10-01)', 'issued', '{DE,JP}'),
  ('25-AA-000002', 'general', 'P1', '[2025-04-01,2025-10-01)', 'revoked', '{}');
INSERT INTO licence_item (licence, line, control_code, form, granted) VALUES
  ('25-AA-000001', 1, '1C905.a', 'magnet', '1 t'), ('25-AA-000001', 2, '1C904', 'oxide', '1 t'), ('25-AA-000002', 1, '1C905.a', 'magnet', '1 t');
INSERT INTO shipment (shipment_id, shipped_on, exporter, destination, form, assay, net_mass, licence, control_code) VALUES
  ('01 licensed',           '2025-04-04', 'P1', 'DE', 'magnet', 'Nd=29%,Dy=1%', '10 kg', '25-AA-000001', '1C905.a'),
  ('02 a part of the code', '2025-04-04', 'P1', 'DE', 'oxide', 'Tb=85%', '10 kg', '25-AA-000001', '1C904.b'),
  ('03 before the control', '2025-04-03', 'P1', 'DE', 'magnet', 'Nd=29%,Dy=1%', '10 kg', NULL, NULL),
  ('04 first day',          '2025-04-04', 'P1', 'DE', 'magnet', 'Nd=29%,Dy=1%', '10 kg', NULL, NULL),
  ('05 at the threshold',   '2025-05-01', 'P1', 'DE', 'magnet', 'Nd=29%,Dy=0.1%', '10 kg', NULL, NULL),
  ('06 one ppb above',      '2025-05-01', 'P1', 'DE', 'magnet', 'Nd=29%,Dy=0.1000001%', '10 kg', NULL, NULL),
  ('07 Dy and Tb together', '2025-05-01', 'P1', 'DE', 'magnet', 'Nd=29%,Dy=0.06%,Tb=0.05%', '10 kg', NULL, NULL),
  ('08 not controlled',     '2025-05-01', 'P1', 'DE', 'metal', 'Nd=75%,Pr=25%', '10 kg', NULL, NULL),
  ('09 Gd in a magnet',     '2025-05-01', 'P1', 'DE', 'magnet', 'Nd=29%,Gd=1%', '10 kg', NULL, NULL),
  ('10 Ho is suspended',    '2025-11-20', 'P1', 'DE', 'oxide', 'Ho=87%', '10 kg', NULL, NULL),
  ('11 not yet valid',      '2025-03-31', 'P1', 'DE', 'magnet', 'Nd=29%,Dy=1%', '10 kg', '25-AA-000001', '1C905.a'),
  ('12 last day',           '2025-09-30', 'P1', 'DE', 'magnet', 'Nd=29%,Dy=1%', '10 kg', '25-AA-000001', '1C905.a'),
  ('13 expired',            '2025-10-01', 'P1', 'DE', 'magnet', 'Nd=29%,Dy=1%', '10 kg', '25-AA-000001', '1C905.a'),
  ('14 of another',         '2025-05-01', 'P2', 'DE', 'magnet', 'Nd=29%,Dy=1%', '10 kg', '25-AA-000001', '1C905.a'),
  ('15 another item',       '2025-05-01', 'P1', 'DE', 'magnet', 'Sm=33%', '10 kg', '25-AA-000001', '1C902.a.4'),
  ('16 another country',    '2025-05-01', 'P1', 'US', 'magnet', 'Nd=29%,Dy=1%', '10 kg', '25-AA-000001', '1C905.a'),
  ('17 unknown',            '2025-05-01', 'P1', 'US', 'magnet', 'Nd=29%,Dy=1%', '10 kg', '25-AA-000009', '1C905.a'),
  ('18 revoked',            '2025-05-01', 'P1', 'US', 'magnet', 'Nd=29%,Dy=1%', '10 kg', '25-AA-000002', '1C905.a'),
  ('19 no assay, a code',   '2025-05-01', 'P1', 'US', 'magnet', NULL, '10 kg', NULL, '1C905.a'),
  ('20 no assay, no code',  '2025-05-01', 'P1', 'US', 'magnet', NULL, '10 kg', NULL, NULL),
  ('21 other sub-code',     '2025-05-01', 'P1', 'DE', 'oxide', 'Dy=85%', '10 kg', '25-AA-000001', '1C9045.b');
INSERT INTO shipment (shipment_id, shipped_on, exporter, destination, form, assay, net_mass, withdrawn)
  VALUES ('22 withdrawn', '2025-05-01', 'P1', 'US', 'magnet', 'Nd=29%,Dy=1%', '10 kg', true);
SELECT shipment_id, controlled_as, reason FROM unlicensed_export ORDER BY 1;
SELECT shipment_id, code, element, fraction, element_mass FROM controlled_export WHERE shipment_id ~ '^0[67]' ORDER BY 1, 2;
-- consignee and end user, where the licence names any; and what a pull refused is shown beside what landed
INSERT INTO licence (licence, kind, holder, valid, status) VALUES ('25-AA-000003', 'individual', 'P1', '[2025-04-01,2025-10-01)', 'issued');
INSERT INTO licence_item (licence, line, control_code, hs_code, form, granted) VALUES ('25-AA-000003', 1, '1C905.a', '8505111000', 'magnet', '1 t');
INSERT INTO licence_party (licence, party_id, role) VALUES ('25-AA-000003', 'C1', 'consignee'), ('25-AA-000003', 'C2', 'consignee'), ('25-AA-000003', 'C3', 'end_user');
INSERT INTO shipment (shipment_id, shipped_on, exporter, consignee, end_user, destination, form, assay, net_mass, licence, control_code, hs_code) VALUES
  ('30 both named', '2025-05-01', 'P1', 'C2', 'C3', 'DE', 'magnet', 'Dy=1%', '1 kg', '25-AA-000003', '1C905.a', '8505111000'),
  ('31 consignee', '2025-05-01', 'P1', 'C3', 'C3', 'DE', 'magnet', 'Dy=1%', '1 kg', '25-AA-000003', '1C905.a', NULL),
  ('32 end user', '2025-05-01', 'P1', 'C1', NULL, 'DE', 'magnet', 'Dy=1%', '1 kg', '25-AA-000003', '1C905.a', '8505111000'),
  ('33 other tariff code', '2025-05-01', 'P1', 'C1', 'C3', 'DE', 'magnet', 'Dy=1%', '1 kg', '25-AA-000003', '1C905.a', '8505119000');
INSERT INTO pull_reject (target, sqlstate, message, row_values, resolved_at) VALUES
  ('reg_detection.shipment', 'RTL11', 'm', '{"shipment_id": "40 refused", "shipped_on": "2025-05-01", "exporter": "P1", "destination": "DE", "form": "magnet", "assay": "Dy=1%", "net_mass": "2 kg"}', NULL),
  ('reg_detection.shipment', 'RTL11', 'm', '{"shipment_id": "41 resolved", "shipped_on": "2025-05-01", "exporter": "P1", "destination": "DE", "form": "magnet", "assay": "Dy=1%", "net_mass": "2 kg"}', now()),
  ('reg_detection.shipment', '22P02', 'm', '{"shipment_id": "42 malformed", "shipped_on": "never", "net_mass": "2 stone"}', NULL),
  ('reg_detection.production', 'RTQ01', 'm', '{"production_id": "43 another table"}', NULL);
SELECT shipment_id, controlled_as, reason, refused FROM unlicensed_export WHERE shipment_id ~ '^[34]' ORDER BY 1;
SELECT count(*) FROM controlled_export WHERE shipment_id ~ '^4';
-- the guard band: three standard deviations above, or below, decide near the threshold
INSERT INTO shipment (shipment_id, shipped_on, exporter, destination, form, assay, net_mass) VALUES
  ('23 doubtful, below', '2025-05-01', 'P1', 'DE', 'magnet', 'Nd=29%,Dy=0.095%±0.002%', '10 kg'),
  ('24 doubtful, above', '2025-05-01', 'P1', 'DE', 'magnet', 'Nd=29%,Dy=0.105%±0.002%', '10 kg');
SELECT shipment_id FROM controlled_export WHERE shipment_id ~ '^2[34]';
UPDATE control_list SET guard = 3;
SELECT shipment_id FROM controlled_export WHERE shipment_id ~ '^2[34]' ORDER BY 1;
UPDATE control_list SET guard = -3;
SELECT shipment_id FROM controlled_export WHERE shipment_id ~ '^2[34]';
UPDATE control_list SET guard = 0;
-- the day the suspension is lifted is data, and history stays
UPDATE control_list SET suspended = '{}' WHERE source = 'Announcement 57 of 2025';
SELECT shipment_id, controlled_as FROM unlicensed_export WHERE shipment_id ~ '^10';
TRUNCATE shipment, licence_item, licence, licence_party, licence_status;

-- licence_splitting: three or more within 30 days, at 90 to 100 % of the threshold ---------------------
INSERT INTO shipment (shipment_id, shipped_on, exporter, client_name, destination, form, assay, net_mass, licence) VALUES
  ('a1', '2025-05-01', 'P1', 'Smith GmbH', 'DE', 'magnet', 'Nd=29%,Dy=0.1%', '10 kg', NULL),
  ('a2', '2025-05-16', 'P1', 'SMITH G.m.b.H.', 'DE', 'magnet', 'Nd=29%,Dy=0.09%', '10 kg', NULL),
  ('a3', '2025-05-31', 'P1', 'Smith', 'DE', 'magnet', 'Nd=29%,Dy=0.05%,Tb=0.045%', '10 kg', NULL),
  ('a4', '2025-06-30', 'P1', 'Smith', 'DE', 'magnet', 'Nd=29%,Dy=0.099%', '10 kg', NULL),       -- alone in its 30 days with a3 only
  ('b1', '2025-05-01', 'P1', 'Brown', 'DE', 'magnet', 'Nd=29%,Dy=0.099%', '10 kg', NULL),       -- 31 days
  ('b2', '2025-05-16', 'P1', 'Brown', 'DE', 'magnet', 'Nd=29%,Dy=0.099%', '10 kg', NULL),
  ('b3', '2025-06-01', 'P1', 'Brown', 'DE', 'magnet', 'Nd=29%,Dy=0.099%', '10 kg', NULL),
  ('c1', '2025-05-01', 'P1', 'Jones', 'DE', 'magnet', 'Nd=29%,Dy=0.0899999%', '10 kg', NULL),   -- well below
  ('c2', '2025-05-02', 'P1', 'Jones', 'DE', 'magnet', 'Nd=29%,Dy=0.099%', '10 kg', NULL),
  ('c3', '2025-05-03', 'P1', 'Jones', 'DE', 'magnet', 'Nd=29%,Dy=0.099%', '10 kg', NULL),
  ('d1', '2025-03-01', 'P1', 'Clark', 'DE', 'magnet', 'Nd=29%,Dy=0.099%', '10 kg', NULL),       -- before the control
  ('d2', '2025-03-02', 'P1', 'Clark', 'DE', 'magnet', 'Nd=29%,Dy=0.099%', '10 kg', NULL),
  ('d3', '2025-03-03', 'P1', 'Clark', 'DE', 'magnet', 'Nd=29%,Dy=0.099%', '10 kg', NULL),
  ('e1', '2025-05-01', 'P2', 'Smith', 'DE', 'magnet', 'Nd=29%,Dy=0.099%', '10 kg', NULL),       -- another exporter
  ('f1', '2025-05-01', 'P2', 'Evans', 'DE', 'magnet', 'Nd=29%,Dy=0.099%', '10 kg', NULL),       -- two runs, half a year apart, one day each
  ('f2', '2025-05-01', 'P2', 'Evans', 'DE', 'magnet', 'Nd=29%,Dy=0.099%', '10 kg', NULL),
  ('f3', '2025-05-01', 'P2', 'Evans', 'DE', 'magnet', 'Nd=29%,Dy=0.099%', '10 kg', NULL),
  ('f4', '2025-11-01', 'P2', 'Evans', 'DE', 'magnet', 'Nd=29%,Dy=0.099%', '10 kg', NULL),
  ('f5', '2025-11-01', 'P2', 'Evans', 'DE', 'magnet', 'Nd=29%,Dy=0.099%', '10 kg', NULL),
  ('f6', '2025-11-01', 'P2', 'Evans', 'DE', 'magnet', 'Nd=29%,Dy=0.099%', '10 kg', NULL),
  ('g1', '2025-05-01', 'P2', 'Green', 'DE', 'magnet', 'Nd=29%,Dy=0.099%', '10 kg', '25-AA-000001'),  -- under licence
  ('g2', '2025-05-01', 'P2', 'Green', 'DE', 'magnet', 'Nd=29%,Dy=0.099%', '10 kg', '25-AA-000001'),
  ('g3', '2025-05-01', 'P2', 'Green', 'DE', 'magnet', 'Nd=29%,Dy=0.099%', '10 kg', NULL);
SELECT exporter, client, first_on, last_on, shipments, net_mass, least_fraction, most_fraction, shipment_ids
FROM licence_splitting ORDER BY 1, 2, 3;
UPDATE setting SET value = 31 WHERE name = 'licence_splitting.days';
SELECT client, shipment_ids FROM licence_splitting WHERE client IN ('brown', 'smith') ORDER BY 1, 2;
TRUNCATE shipment;

-- vat_gap: beyond 1 %, or nothing 45 days after ----------------------------------------------------------
INSERT INTO transfer (transfer_id, reported_by, shipper, receiver, transferred_on, form, mass) VALUES
  ('t1', 'P1', 'P1', 'P2', '2025-06-01', 'oxide', '100 kg'), ('t1', 'P2', 'P1', 'P2', '2025-06-01', 'oxide', '50 kg'),  -- billed as shipped
  ('t2', 'P1', 'P1', 'P2', '2025-06-01', 'oxide', '100 kg'), ('t3', 'P1', 'P1', 'P2', '2025-06-01', 'oxide', '100 kg'),
  ('t4', 'P1', 'P1', 'P2', '2025-06-01', 'oxide', '100 kg'), ('t5', 'P1', 'P1', 'P2', '2025-11-16', 'oxide', '100 kg'),
  ('t6', 'P1', 'P1', 'P2', '2025-11-17', 'oxide', '100 kg'), ('t7', 'P1', 'P1', 'P1', '2025-06-01', 'oxide', '100 kg'),
  ('t8', 'P2', 'P1', 'P2', '2025-06-01', 'oxide', '100 kg');                                     -- only the receiver reported
INSERT INTO shipment (shipment_id, shipped_on, exporter, destination, form, net_mass) VALUES
  ('s1', '2025-06-01', 'P1', 'DE', 'oxide', '100 kg'), ('s2', '2025-06-01', 'P1', 'DE', 'oxide', '100 kg');
INSERT INTO invoice (invoice_id, seller, buyer, issued_on, transfer_id, shipment_id, mass, withdrawn) VALUES
  ('v1', 'P1', 'P2', '2025-06-01', 't1', NULL, '60 kg', false), ('v2', 'P1', 'P2', '2025-06-02', 't1', NULL, '40 kg', false),
  ('v3', 'P1', 'P2', '2025-06-01', 't2', NULL, '99 kg', false), ('v4', 'P1', 'P2', '2025-06-01', 't3', NULL, '98.999999 kg', false),
  ('v5', 'P1', 'P2', '2025-06-01', 't4', NULL, '101.000001 kg', false), ('v6', 'P1', 'P2', '2025-06-01', 't8', NULL, '100 kg', true),
  ('v7', 'P1', 'C1', '2025-06-01', NULL, 's1', '100 kg', false), ('v8', 'P1', 'C1', '2025-06-01', 't9', NULL, '7 kg', false),
  ('v9', 'P1', 'C1', '2025-06-01', NULL, NULL, '8 kg', false);
SELECT kind, record, delivery_id, delivered, billed, difference_kg, invoice_ids FROM vat_gap ORDER BY 3, 1;
-- the mass is right, but another billed it, or one of two invoices went to another
INSERT INTO transfer (transfer_id, reported_by, shipper, receiver, transferred_on, form, mass) VALUES
  ('u1', 'P1', 'P1', 'P2', '2025-06-01', 'oxide', '100 kg'), ('u2', 'P1', 'P1', 'P2', '2025-06-01', 'oxide', '100 kg'), ('u3', 'P1', 'P1', 'P2', '2025-06-01', 'oxide', '100 kg'),
  ('u4', 'P1', 'P1', 'P2', '2025-06-01', 'oxide', '100 kg');
INSERT INTO invoice (invoice_id, seller, buyer, issued_on, transfer_id, mass) VALUES ('y1', 'shell', 'P2', '2025-06-01', 'u1', '100 kg'), ('y2', 'P1', 'P2', '2025-06-01', 'u2', '60 kg'),
  ('y3', 'P1', 'C1', '2025-06-01', 'u2', '40 kg'), ('y4', 'P1', NULL, '2025-06-01', 'u3', '100 kg'), ('y5', 'shell', 'P2', '2025-06-01', 'u4', '1 kg');
SELECT kind, delivery_id, seller, buyer, invoice_ids FROM vat_gap WHERE delivery_id ~ '^u' ORDER BY 2;
TRUNCATE shipment, transfer, invoice;

-- customs_gap: beyond 1 %, or nothing 30 days after --------------------------------------------------------
INSERT INTO shipment (shipment_id, shipped_on, exporter, destination, form, net_mass, value, currency, withdrawn) VALUES
  ('s1', '2025-06-01', 'P1', 'DE', 'magnet', '100 kg', 1000, 'USD', false), ('s2', '2025-06-01', 'P1', 'DE', 'magnet', '100 kg', 1000, 'USD', false),
  ('s3', '2025-06-01', 'P1', 'DE', 'magnet', '100 kg', 1000, 'USD', false), ('s4', '2025-06-01', 'P1', 'DE', 'magnet', '100 kg', 1000, 'USD', false),
  ('s5', '2025-06-01', 'P1', 'DE', 'magnet', '100 kg', 1000, 'USD', false), ('s6', '2025-06-01', 'P1', 'DE', 'magnet', '100 kg', 1000, 'USD', false),
  ('s7', '2025-12-01', 'P1', 'DE', 'magnet', '100 kg', 1000, 'USD', false), ('s8', '2025-12-02', 'P1', 'DE', 'magnet', '100 kg', 1000, 'USD', false),
  ('s9', '2025-06-01', 'P1', 'DE', 'magnet', '100 kg', 1000, 'USD', true);
INSERT INTO customs_declaration (declaration_id, declared_on, declarant, shipment_id, destination, net_mass, value, currency) VALUES
  ('d1', '2025-06-01', 'P1', 's1', 'DE', '40 kg', 400, 'USD'), ('d1b', '2025-06-02', 'P1', 's1', 'DE', '60 kg', 600, 'USD'),
  ('d2', '2025-06-01', 'P1', 's2', 'DE', '98.9 kg', 1000, 'USD'), ('d3', '2025-06-01', 'P1', 's3', 'DE', '101.1 kg', 1000, 'USD'),
  ('d4', '2025-06-01', 'P2', 's4', 'DE', '100 kg', 1000, 'USD'), ('d5', '2025-06-01', 'P1', 's5', 'US', '100 kg', 1000, 'USD'),
  ('d6', '2025-06-01', 'P1', 's6', 'DE', '100 kg', 500, 'USD'), ('d9', '2025-06-01', 'P1', 's9', 'DE', '100 kg', 1000, 'USD'),
  ('d10', '2025-06-01', 'P1', NULL, 'DE', '1 kg', 1, 'USD'), ('d11', '2025-06-01', 'smuggler', NULL, 'DE', '2 kg', 1, 'USD');
SELECT kind, shipment_id, exporter, reported, declared, difference_kg, declaration_ids FROM customs_gap ORDER BY declaration_ids, 2;
-- declared in parts, one of them by another exporter, one to another country: the part that is right does not hide it
INSERT INTO shipment (shipment_id, shipped_on, exporter, destination, form, net_mass) VALUES
  ('q1', '2025-06-01', 'P2', 'JP', 'magnet', '100 kg'), ('q2', '2025-06-01', 'P2', 'JP', 'magnet', '100 kg'), ('q3', '2025-06-01', 'P2', 'DE', 'magnet', '100 kg');
INSERT INTO customs_declaration (declaration_id, declared_on, declarant, shipment_id, destination, net_mass) VALUES
  ('q1a', '2025-06-01', 'P2', 'q1', 'JP', '40 kg'), ('q1b', '2025-06-01', 'P3', 'q1', 'JP', '60 kg'),
  ('q2a', '2025-06-01', 'P2', 'q2', 'JP', '40 kg'), ('q2b', '2025-06-01', 'P2', 'q2', 'US', '60 kg'),
  ('q3a', '2025-06-01', 'P2', 'q3', 'DE', '40 kg'), ('q3b', '2025-06-01', 'P2', 'q3', NULL, '60 kg');
SELECT kind, shipment_id, exporter, destination, declared_destination, declaration_ids FROM customs_gap WHERE shipment_id ~ '^q' ORDER BY 2;
TRUNCATE shipment, customs_declaration;

-- licence_lead_time ------------------------------------------------------------------------------------------
INSERT INTO licence_application (application_id, applicant, kind, control_code, applied_on, decided_on, outcome)
SELECT 'A' || n, 'P1', 'individual', '1C905.a', date '2025-06-02', date '2025-06-02' + n, CASE n WHEN 3 THEN 'refused' ELSE 'granted' END
FROM generate_series(1, 10) n;
INSERT INTO licence_application (application_id, applicant, kind, control_code, applied_on, decided_on, outcome) VALUES
  ('B1', 'P1', 'general', '1C905.a', '2025-10-01', NULL, NULL), ('B2', 'P1', 'general', '1C905.a', '2025-12-31', NULL, NULL),
  ('B3', 'P1', 'general', '1C905.a', '2025-12-01', '2026-01-15', 'granted'), ('B4', 'P1', 'general', '1C905.a', '2026-01-01', NULL, NULL),
  -- Monday 2025-06-02 and 45 working days: Monday 2025-08-04; a day later is past it
  ('C1', 'P1', 'certificate', '1C905.a', '2025-06-02', '2025-08-04', 'granted'), ('C2', 'P1', 'certificate', '1C905.a', '2025-06-02', '2025-08-05', 'granted'),
  -- Friday to Monday is one working day
  ('C3', 'P1', 'certificate', '1C905.a', '2025-06-06', '2025-06-09', 'granted');
SELECT * FROM licence_lead_time ORDER BY kind;
UPDATE setting SET value = 0 WHERE name = 'licence_lead_time.working_days';
INSERT INTO licence_application (application_id, applicant, kind, control_code, applied_on, decided_on, outcome) VALUES
  ('D1', 'P1', 'individual', 'weekend', '2025-06-07', '2025-06-08', 'granted'), ('D2', 'P1', 'individual', 'weekend', '2025-06-06', '2025-06-08', 'granted'),
  ('D3', 'P1', 'individual', 'weekend', '2025-06-08', '2025-06-09', 'granted');
SELECT control_code, past_limit FROM licence_lead_time WHERE control_code = 'weekend';

-- export_recovery ----------------------------------------------------------------------------------------------
-- 100 kg of 85 % Dy oxide in each month of the quarter before April, nothing in April, half of it in May
INSERT INTO shipment (shipment_id, shipped_on, exporter, destination, form, assay, net_mass) VALUES
  ('j', '2025-01-10', 'P1', 'DE', 'oxide', 'Dy=85%', '100 kg'), ('f', '2025-02-10', 'P1', 'DE', 'oxide', 'Dy=85%', '100 kg'),
  ('m', '2025-03-10', 'P1', 'DE', 'oxide', 'Dy=85%', '100 kg'), ('x', '2025-05-10', 'P1', 'DE', 'oxide', 'Dy=85%', '50 kg'),
  ('free', '2025-05-10', 'P1', 'DE', 'oxide', 'La=85%,Dy=0.1%', '50 kg');
UPDATE licence_application SET withdrawn = true;
INSERT INTO licence_application (application_id, applicant, control_code, applied_on, decided_on, outcome)
  VALUES ('E1', 'P1', '1C905.b', '2025-04-10', '2025-05-02', 'granted'), ('E2', 'P1', '1C905', '2025-04-10', '2025-05-31', 'granted'),
         ('E3', 'P1', '1C904.b', '2025-04-10', '2025-05-31', 'granted'), ('E4', 'P1', '1C905.b', '2025-04-10', '2025-05-31', 'refused');
SET retrack.as_of = '2025-06-15 00:00+00';
SELECT code, element, form, lower(period) AS month, months_after, shipments, element_mass, before_element_mass, recovery, licences_granted
FROM export_recovery ORDER BY 1, 4;
-- from May on the entry has a higher threshold, in a row of its own as history is kept: still one row a month, and what the
-- new threshold lets go no longer counts
UPDATE control_list SET valid = '[2025-04-04,2025-05-01)' WHERE code = '1C905.b';
INSERT INTO control_list (code, element, form, threshold, valid, source) VALUES ('1C905.b', 'Dy', 'oxide', 0.5, '[2025-05-01,)', 'a later announcement');
INSERT INTO shipment (shipment_id, shipped_on, exporter, destination, form, assay, net_mass) VALUES
  ('poor', '2025-05-11', 'P1', 'DE', 'oxide', 'La=40%,Dy=40%', '50 kg'), ('poor before', '2025-03-11', 'P1', 'DE', 'oxide', 'La=40%,Dy=40%', '150 kg');
SELECT starts_on, lower(period) AS month, months_after, shipments, element_mass, before_element_mass, recovery, licences_granted
FROM export_recovery WHERE code = '1C905.b' ORDER BY 2;

-- suspect_origin ------------------------------------------------------------------------------------------------
-- P2 has no quota of its own but its group has; P3 has none anywhere. Lots: m1 mined under the group's quota, m2 by P3,
-- m3 by P2 the day the quota has ended, i1 imported, r1 scrap at a recycler, u1 appeared out of nothing.
INSERT INTO party (party_id, name, kind, parent) VALUES ('G', 'Group', 'group', NULL), ('P3', 'Hill Mine', 'producer', NULL);
UPDATE party SET parent = 'G' WHERE party_id = 'P2';
INSERT INTO facility (facility_id, party_id, stage) VALUES ('F1', 'P1', 'separation'), ('F2', 'P2', 'mining'), ('F3', 'P3', 'mining'), ('FR', 'P1', 'recycling');
INSERT INTO quota (quota_id, holder, stage, ore_class, period, granted) VALUES
  ('Q', 'G', 'mining', 'rock', '[2025-01-01,2025-07-01)', '100 t'), ('Q3', 'P3', 'mining', 'ionic', '[2025-01-01,2026-01-01)', '0 kg');
INSERT INTO lot (lot_id, facility_id, form, assay, mass, created_on, origin) VALUES
  ('m1', 'F2', 'ore', 'Nd=1%', '10 t', '2025-06-30', NULL), ('m2', 'F3', 'ore', 'Nd=1%', '10 t', '2025-06-30', NULL),
  ('m3', 'F2', 'ore', 'Nd=1%', '10 t', '2025-07-01', NULL), ('i1', 'F1', 'ore', 'Nd=1%', '10 t', '2025-06-30', 'imported'),
  ('r1', 'FR', 'scrap', 'Nd=30%', '1 t', '2025-06-30', NULL), ('u1', 'F1', 'oxide', 'Nd=80%', '1 t', '2025-06-30', NULL),
  ('x1', 'F1', 'oxide', 'Nd=80%', '1 t', '2025-07-02', 'processed'), ('x2', 'F1', 'oxide', 'Nd=80%', '1 t', '2025-07-02', 'processed'),
  ('x3', 'F1', 'oxide', 'Nd=80%', '1 t', '2025-07-03', 'processed'), ('x4', 'F1', 'oxide', 'Nd=80%', '1 t', '2025-07-03', 'processed');
INSERT INTO production (production_id, facility_id, produced_on, stage, ore_class, form, assay, mass, lot_id) VALUES
  ('p1', 'F2', '2025-06-30', 'mining', 'rock', 'ore', 'Nd=1%', '10 t', 'm1'), ('p2', 'F3', '2025-06-30', 'mining', 'ionic', 'ore', 'Nd=1%', '10 t', 'm2'),
  ('p3', 'F2', '2025-07-01', 'mining', 'rock', 'ore', 'Nd=1%', '10 t', 'm3');
INSERT INTO lot_edge (input_lot, output_lot, mass) VALUES
  ('m1', 'x1', '9 t'), ('m2', 'x1', '1 t'),                       -- one tenth without quota
  ('m1', 'x2', '1 t'), ('i1', 'x2', '10 t'), ('r1', 'x2', '1 t'), -- all accounted for
  ('x1', 'x3', '500 kg'), ('u1', 'x3', '500 kg'),                 -- one twentieth through x1, a half of u1
  ('x2', 'x4', '999 kg'), ('ghost', 'x4', '1 kg');                -- a thousandth of a lot nobody reported
SELECT lot_id, form, round(share, 6) AS share, mass, origins, reasons FROM suspect_origin ORDER BY 1;
SELECT lot_id, share = 1 AS whole FROM suspect_origin WHERE lot_id = 'm2';
-- two lots that are made of each other come from nowhere
INSERT INTO lot_edge (input_lot, output_lot, mass) VALUES ('m1', 'u1', '1 kg'), ('x4', 'm2', '1 kg'), ('m2', 'x4', '1 kg');
DELETE FROM lot_edge WHERE input_lot IN ('x2', 'ghost');
SELECT lot_id, reasons FROM suspect_origin WHERE lot_id IN ('m2', 'x4') ORDER BY 1;
UPDATE setting SET value = 0.0011 WHERE name = 'suspect_origin.share';
SELECT count(*) FROM suspect_origin WHERE lot_id = 'x4';

RESET session_replication_role;
RESET search_path;
SET client_min_messages = warning;
DROP SCHEMA reg_detection CASCADE;
