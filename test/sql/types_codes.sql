-- Protects: is_capitals and is_digits say what the regular expressions they stand for say.
CREATE TEMPORARY TABLE code AS
SELECT c FROM unnest(ARRAY['', 'D', 'DE', 'DEU', 'De', 'dE', 'D1', '1D', 'D ', ' DE', E'DE\n', E'\nDE', '@A', '[A', 'AZ', 'ZA', 'ÄA', 'ÄÖ', 'DЕ', '12345', '123456', '1234567890', '12345678901',
  '12345a', '/12345', ':12345', '１２３４５６', '123456' || E'\n', '٠١٢٣٤٥', NULL]) AS c;
SELECT c, retrack.is_capitals(c, 2) AS capitals, retrack.is_digits(c, 6, 10) AS digits FROM code WHERE retrack.is_capitals(c, 2) OR retrack.is_digits(c, 6, 10) OR c IS NULL ORDER BY c COLLATE "C" LIMIT 4;
-- chance differs between servers: counted, not shown
INSERT INTO code SELECT string_agg(chr(1 + (random() * 126)::int), '') FROM (SELECT setseed(0.7)) s, generate_series(1, 2000) i, generate_series(1, 1 + i % 7) j GROUP BY i;
INSERT INTO code SELECT string_agg(chr(47 + (random() * 11)::int), '') FROM generate_series(1, 500) i, generate_series(1, 5 + i % 7) j GROUP BY i;
SELECT count(*) FILTER (WHERE retrack.is_capitals(c, 2) IS DISTINCT FROM c ~ '^[A-Z]{2}$') AS two, count(*) FILTER (WHERE retrack.is_capitals(c, 3) IS DISTINCT FROM c ~ '^[A-Z]{3}$') AS three,
  count(*) FILTER (WHERE retrack.is_digits(c, 6, 10) IS DISTINCT FROM c ~ '^[0-9]{6,10}$') AS digits, count(*) FILTER (WHERE retrack.is_digits(c, 6, 10)) > 20 AS some_digits FROM code;
SELECT retrack.is_capitals('', 0), retrack.is_capitals('A', -1), retrack.is_digits('1', 2, 1), retrack.is_digits('', 0, 5), retrack.is_digits(repeat('1', 100000), 1, 200000);
