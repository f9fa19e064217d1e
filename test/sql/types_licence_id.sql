-- Protects: licence numbers: what documents carry is read, misread ones are caught, the printed form reads back.
SET search_path = retrack, public;
CREATE FUNCTION pg_temp.outcome(sql text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE result text;
BEGIN EXECUTE sql INTO result; RETURN result; EXCEPTION WHEN OTHERS THEN RETURN SQLSTATE || ': ' || SQLERRM; END $$;

-- Published examples of ISO 7064 MOD 37,36.
SELECT check_character('123AB') = 'X' AS iso, check_character('A12425GABC1234002') = 'M' AS grid, check_character('a1-2425g-abc1234002 ') = 'M' AS punctuated;
SELECT '06-AA-204966'::licence_id, '06-aa-204966-y'::licence_id, ' 06-AA-204966-Y '::licence_id, check_character('06-AA-204966'::licence_id),
  document_number('06-AA-204966'), licence_year('06-AA-204966'), licence_office('06-AA-204966'), licence_serial('06-AA-204966');
SELECT '00-00-000000'::licence_id, '99-ZZ-ZZZZZZ'::licence_id, make_licence_id(2025, 'aa', '001234');

SELECT s, pg_temp.outcome(format('SELECT %L::retrack.licence_id', s))
FROM unnest(ARRAY['', '06-AA-204966-X', '06-AA-204966-', '06-AA-204966Y', '06AA204966', '-6-AA-204966', '6-AA-204966', 'A6-AA-204966', '06-A-204966', '06-AAA-20496',
  '06-AA-20496', '06-AA-2049666', '06-AA-20496!', '06_AA_204966', '06-AA-204966-YY', '06-AA-2049-66', '06-ÄA-204966', '06-AA-204966-Ÿ']) s;
SELECT e, pg_temp.outcome('SELECT ' || e) FROM unnest(ARRAY['retrack.make_licence_id(1999, ''AA'', ''000001'')', 'retrack.make_licence_id(2100, ''AA'', ''000001'')',
  'retrack.make_licence_id(2025, ''A'', ''000001'')', 'retrack.make_licence_id(2025, ''AA'', ''00001'')', 'retrack.make_licence_id(2025, ''A-'', ''000001'')',
  'retrack.check_character('''')', 'retrack.check_character(''- -'')', 'retrack.check_character(''A_1'')']) e;

-- Every misreading of a single character is caught, and so is every swap of neighbours in this number.
WITH number AS (SELECT '06AA204966' AS ten), bad AS (
  SELECT left(ten, i - 1) || c || substr(ten, i + 1) AS ten FROM number, generate_series(1, 10) i, regexp_split_to_table('0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ', '') c
  WHERE substr(ten, i, 1) <> c AND (i > 2 OR c BETWEEN '0' AND '9'))
SELECT count(*), count(*) FILTER (WHERE pg_temp.outcome(format('SELECT %L::retrack.licence_id', left(ten, 2) || '-' || substr(ten, 3, 2) || '-' || substr(ten, 5) || '-Y')) LIKE 'RTT02: %') AS caught FROM bad;
WITH number AS (SELECT '25AB7K92QX' AS ten), bad AS (
  SELECT overlay(ten PLACING substr(ten, i + 1, 1) || substr(ten, i, 1) FROM i FOR 2) AS ten, ten AS good FROM number, generate_series(3, 9) i)
SELECT count(*), count(*) FILTER (WHERE check_character(ten) <> check_character(good)) AS caught FROM bad;

-- The check character by the standard's recursion, computed here in SQL, over random numbers; parts; order; text form.
SELECT setseed(0.7064) IS NOT NULL AS seed_is_07064;
CREATE TABLE types_licence AS
SELECT lpad(floor(random() * 100)::int::text, 2, '0') || string_agg(substr('0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ', 1 + floor(random() * 36 + i * 0)::int, 1), '') AS ten
FROM generate_series(1, 2000) n, generate_series(1, 8) i GROUP BY n;
ALTER TABLE types_licence ADD id licence_id;
UPDATE types_licence SET id = (left(ten, 2) || '-' || substr(ten, 3, 2) || '-' || substr(ten, 5))::licence_id;
WITH RECURSIVE r(ten, id, i, p) AS (
  SELECT ten, id, 1, 36 FROM types_licence
  UNION ALL
  SELECT ten, id, i + 1, ((coalesce(nullif((p + strpos('0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ', substr(ten, i, 1)) - 1) % 36, 0), 36)) * 2) % 37 FROM r WHERE i <= 10)
SELECT count(*), count(*) FILTER (WHERE check_character(id) = substr('0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ', 1 + (37 - p) % 36, 1)) AS right FROM r WHERE i = 11;
SELECT count(*) FILTER (WHERE id::text::licence_id = id AND document_number(id)::licence_id = id AND replace(document_number(id), '-', '') = ten
  AND make_licence_id(licence_year(id), licence_office(id), licence_serial(id)) = id AND right(id::text, 1) = check_character(id)) AS right FROM types_licence;
SELECT array_agg(ten ORDER BY id) = array_agg(ten ORDER BY ten COLLATE "C") AS order_of_the_characters FROM types_licence;
SELECT min(id)::text = (SELECT id::text FROM types_licence ORDER BY ten COLLATE "C" LIMIT 1) AS least FROM types_licence;
DROP TABLE types_licence;
