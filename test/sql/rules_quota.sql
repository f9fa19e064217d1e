-- Protects: every quota rule, each with its own SQLSTATE, REO arithmetic, and the quota ledger of producer and group.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CALL retrack.create_registry('rq');
SET search_path = rq, retrack, public;

-- A group with two members, of which one has an allotment; a firm on its own.
INSERT INTO party (party_id, name, kind, parent) VALUES
  ('G', 'Group', 'group', NULL), ('A', 'Member with allotment', 'producer', 'G'),
  ('B', 'Member without', 'producer', 'G'), ('C', 'Firm without quota', 'producer', NULL);
INSERT INTO facility (facility_id, party_id, stage) VALUES
  ('fa', 'A', 'mining'), ('fb', 'B', 'mining'), ('fc', 'C', 'mining');
INSERT INTO quota (quota_id, holder, stage, ore_class, period, granted) VALUES
  ('G-ionic', 'G', 'mining', 'ionic', '[2025-01-01,2026-01-01)', '100 kg'),
  ('G-sep', 'G', 'separation', 'any', '[2025-01-01,2026-01-01)', '50 kg'),
  ('A-ionic', 'A', 'mining', 'ionic', '[2025-01-01,2026-01-01)', '60 kg');

CREATE FUNCTION produce(id text, facility text, kg text, assay text DEFAULT 'Nd=85.7346%', "on" date DEFAULT '2025-06-01',
  stage retrack.stage DEFAULT 'mining', class text DEFAULT 'ionic')
RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  message text; tab text; col text;
BEGIN
  INSERT INTO rq.production (production_id, facility_id, produced_on, stage, ore_class, form, assay, mass)
  VALUES (id, facility, "on", stage, class, 'concentrate', assay::retrack.assay, kg::retrack.mass);
  RETURN 'ok';
EXCEPTION WHEN OTHERS THEN
  GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, tab = TABLE_NAME, col = COLUMN_NAME;
  RETURN concat_ws(' ', SQLSTATE, message, '@', concat_ws('.', nullif(tab, ''), nullif(col, '')));
END $$;

SELECT c.what, produce(c.what, c.facility, c.kg, c.assay, c.on::date, c.stage::retrack.stage, c.class)
FROM (VALUES
 ('own and group', 'fa', '10 kg', 'Nd=50%', '2025-06-01', 'mining', 'ionic'),
 ('group alone',   'fb', '10 kg', 'Nd=50%', '2025-06-01', 'mining', 'ionic'),
 ('any class',     'fb', '10 kg', 'La=20%,Ce=30%', '2025-06-01', 'separation', 'imported'),
 ('no class',      'fb', '10 kg', 'La=20%,Ce=30%', '2025-06-01', 'separation', NULL),
 ('no quota',      'fc', '10 kg', 'Nd=50%', '2025-06-01', 'mining', 'ionic'),
 ('other class',   'fa', '10 kg', 'Nd=50%', '2025-06-01', 'mining', 'rock'),
 ('other period',  'fa', '10 kg', 'Nd=50%', '2026-01-01', 'mining', 'ionic'),
 ('first day',     'fa', '1 kg', 'Nd=50%', '2025-01-01', 'mining', 'ionic'),
 ('last day',      'fa', '1 kg', 'Nd=50%', '2025-12-31', 'mining', 'ionic'),
 ('own full',      'fa', '90 kg', 'Nd=50%', '2025-06-01', 'mining', 'ionic'),
 ('group full',    'fb', '170 kg', 'Nd=50%', '2025-06-01', 'mining', 'ionic'),
 ('both full',     'fa', '200 kg', 'Nd=50%', '2025-06-01', 'mining', 'ionic'),
 ('other stage',   'fc', '10 kg', 'Nd=50%', '2025-06-01', 'smelting', NULL),
 ('no assay',      'fa', '10 kg', NULL, '2025-06-01', 'mining', 'ionic'),
 ('zero mass',     'fa', '0 kg', 'Nd=50%', '2025-06-01', 'mining', 'ionic'),
 ('infinite',      'fa', '1 kg', 'Nd=50%', '-infinity', 'mining', 'ionic')
) AS c(what, facility, kg, assay, "on", stage, class);
-- Rare earth oxide by hand: Nd2O3 / 2 Nd = (2 x 144.242 + 3 x 15.999) / (2 x 144.242), and so on, each row rounded to 1 mg.
SELECT quota_id, drawn FROM quota ORDER BY 1;
SELECT round(10 * 0.5 * (2 * 144.242 + 3 * 15.999) / (2 * 144.242), 6) AS ten_kg_of_half_neodymium,
       round(10 * (0.2 * (2 * 138.90547 + 3 * 15.999) / (2 * 138.90547) + 0.3 * (140.116 + 2 * 15.999) / 140.116), 6) AS lanthanum_cerium;
SELECT * FROM retrack.verify_ledger('rq');

-- Exactly what is left fits, and then not a milligram: 441.36 g of Nd are 514.792 g of oxide.
SELECT produce('exact', 'fa', '0.44136 kg', 'Nd=100%'), produce('more', 'fa', '1 mg', 'Nd=100%');
SELECT quota_id, granted - drawn AS left FROM quota ORDER BY 1;

-- Corrections, withdrawals and deletions give back along the whole path; an update may move between members.
UPDATE production SET facility_id = 'fb' WHERE production_id = 'own and group';
UPDATE production SET withdrawn = true WHERE production_id = 'exact';
DELETE FROM production WHERE production_id LIKE '% day';
SELECT quota_id, drawn FROM quota ORDER BY 1;
SELECT * FROM retrack.verify_ledger('rq');
-- Rows of several members in one statement: reported together, in order, and nothing is kept.
INSERT INTO production (production_id, facility_id, produced_on, stage, ore_class, form, assay, mass) VALUES
  ('x1', 'fa', '2025-06-01', 'mining', 'ionic', 'ore', 'Nd=100%', '50 kg'),
  ('x2', 'fb', '2025-06-01', 'mining', 'ionic', 'ore', 'Nd=100%', '50 kg'),
  ('x3', 'fa', '2025-06-01', 'mining', 'ionic', 'ore', 'Nd=100%', '2 kg'),
  ('x4', 'fc', '2025-06-01', 'mining', 'ionic', 'ore', 'Nd=100%', '2 kg');
TRUNCATE production;
SELECT * FROM retrack.verify_ledger('rq');
SELECT quota_id, drawn FROM quota ORDER BY 1;

-- Moves that would leave production without any quota, and the end of an own quota that production needs.
CREATE FUNCTION try(statement text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE statement;
  RETURN 'ok';
EXCEPTION WHEN OTHERS THEN
  RETURN SQLSTATE;
END $$;
CALL retrack.create_registry('rq2');
SET search_path = rq2, retrack, public;
INSERT INTO party (party_id, name, kind, parent) VALUES ('G', 'Group', 'group', NULL), ('H', 'Group without quota', 'group', NULL), ('M', 'Member', 'producer', 'G'), ('N', 'Other', 'producer', 'H');
INSERT INTO facility (facility_id, party_id, stage) VALUES ('m', 'M', 'mining'), ('n', 'N', 'mining');
INSERT INTO quota (quota_id, holder, stage, ore_class, period, granted) VALUES ('G', 'G', 'mining', 'any', '[2025-01-01,2026-01-01)', '100 kg');
INSERT INTO production (production_id, facility_id, produced_on, stage, ore_class, form, assay, mass) VALUES ('p', 'm', '2025-06-01', 'mining', 'ionic', 'ore', formula_assay('Nd2O3'), '50 kg');
SELECT s, rq.try(s) FROM unnest(ARRAY[$$UPDATE rq2.party SET parent = 'H' WHERE party_id = 'M'$$, $$UPDATE rq2.facility SET party_id = 'N' WHERE facility_id = 'm'$$,
  $$UPDATE rq2.party SET parent = 'H' WHERE party_id = 'G'$$, $$UPDATE rq2.facility SET party_id = 'M' WHERE facility_id = 'n'$$]) s;
-- so do those that are deleted and inserted by one statement, which their foreign keys do not notice
SELECT rq.try(s) FROM unnest(ARRAY[
  $$WITH d AS (DELETE FROM rq2.party WHERE party_id = 'M' RETURNING *) INSERT INTO rq2.party (party_id, name, kind, parent) SELECT party_id, name, kind, 'H' FROM d$$,
  $$WITH d AS (DELETE FROM rq2.facility WHERE facility_id = 'm' RETURNING *) INSERT INTO rq2.facility (facility_id, party_id, stage) SELECT facility_id, 'N', stage FROM d$$,
  $$WITH d AS (DELETE FROM rq2.facility WHERE facility_id = 'm' RETURNING *) INSERT INTO rq2.facility (facility_id, party_id, stage) SELECT facility_id, party_id, stage FROM d$$]) s;
SELECT * FROM verify_ledger('rq2');
INSERT INTO quota (quota_id, holder, stage, ore_class, period, granted) VALUES ('M', 'M', 'mining', 'ionic', '[2025-01-01,2026-01-01)', '60 kg');
SELECT attach_triggers('production', 'quota', 'allotment=required');
SELECT s, rq.try(s) FROM unnest(ARRAY[$$DELETE FROM rq2.quota WHERE quota_id = 'M'$$, $$UPDATE rq2.quota SET period = '[2025-01-01,2025-03-01)' WHERE quota_id = 'M'$$,
  $$UPDATE rq2.quota SET withdrawn = true WHERE quota_id = 'M'$$]) s;
SELECT quota_id, drawn FROM quota ORDER BY 1;
SELECT * FROM verify_ledger('rq2');
-- Recorded, the change stands, and what the rows no longer draw is taken off the group's quota too.
SELECT attach_licence_triggers('rq2', 'record');
DELETE FROM quota WHERE quota_id = 'M';
SELECT rule, relation, row_key, message FROM violation ORDER BY violation_id;
SELECT quota_id, drawn FROM quota ORDER BY 1;
SELECT * FROM verify_ledger('rq2');
DROP SCHEMA rq2 CASCADE;

-- Tables with arguments of their own: each table's rows count by its own stages and allotment.
CALL retrack.create_registry('rq3');
SET search_path = rq3, retrack, public;
INSERT INTO party (party_id, name, kind, parent) VALUES ('G', 'Group', 'group', NULL), ('M', 'Member', 'producer', 'G');
INSERT INTO facility (facility_id, party_id, stage) VALUES ('m', 'M', 'mining');
INSERT INTO quota (quota_id, holder, stage, ore_class, period, granted) VALUES
  ('Gm', 'G', 'mining', 'any', '[2025-01-01,2026-01-01)', '100 kg'), ('Gs', 'G', 'smelting', 'any', '[2025-01-01,2026-01-01)', '100 kg'), ('Ms', 'M', 'smelting', 'any', '[2025-01-01,2026-01-01)', '50 kg');
CREATE TABLE smelted (LIKE production INCLUDING ALL);
SELECT attach_triggers('smelted', 'quota', 'stages=smelting', 'allotment=required');
INSERT INTO production (production_id, facility_id, produced_on, stage, ore_class, form, assay, mass) VALUES
  ('a', 'm', '2025-06-01', 'mining', 'ionic', 'ore', formula_assay('Nd2O3'), '10 kg'), ('b', 'm', '2025-06-01', 'smelting', 'ionic', 'ore', formula_assay('Nd2O3'), '1 t');
INSERT INTO smelted (production_id, facility_id, produced_on, stage, ore_class, form, assay, mass) VALUES
  ('a', 'm', '2025-06-01', 'mining', 'ionic', 'ore', formula_assay('Nd2O3'), '1 t'), ('b', 'm', '2025-06-01', 'smelting', 'ionic', 'ore', formula_assay('Nd2O3'), '20 kg');
SELECT quota_id, drawn FROM quota ORDER BY 1;
SELECT * FROM verify_ledger('rq3');
-- mining needs no quota of the member's own, smelting does
UPDATE quota SET period = '[2025-02-01,2026-01-01)';
SELECT q, rq.try(format('DELETE FROM rq3.quota WHERE quota_id = %L', q)) FROM unnest(ARRAY['Ms', 'Gs', 'Gm']) q;
SELECT rebook_ledger('rq3');
SELECT quota_id, drawn FROM quota ORDER BY 1;
DROP SCHEMA rq3 CASCADE;

RESET search_path;
DROP SCHEMA rq CASCADE;
