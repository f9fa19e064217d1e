-- Protects: text, binary and jsonb forms give every value back, extremes included; corrupt binary input
-- is refused or becomes a legal value, and never crashes.
SET search_path = retrack, public;
SELECT setseed(0.4711) IS NOT NULL AS seed_is_04711;
CREATE TABLE types_trip (i serial, el element, li licence_id, ma mass, asy assay);
INSERT INTO types_trip (ma, li) SELECT mass_from_milligrams(m), l::licence_id FROM unnest(
  ARRAY[0, 1, -1, 9, 10, 999, 1000, 1001, 999999, 1000000, 999999999, 1000000000, 1000000001, -1000, 9223372036854775807, -9223372036854775808, -9223372036854775807, 9223372036854775806],
  ARRAY['00-00-000000', '99-ZZ-ZZZZZZ', '00-00-000001', '99-ZZ-ZZZZZY', '00-ZZ-ZZZZZZ', '01-00-000000']) v(m, l);
INSERT INTO types_trip (ma) SELECT mass_from_milligrams((s * (2::numeric ^ p + d))::bigint) FROM generate_series(0, 62) p, unnest(ARRAY[-1, 1]) s, unnest(ARRAY[-1, 0, 1]) d WHERE 2::numeric ^ p + d <= 9223372036854775807;
INSERT INTO types_trip (ma, li, el, asy)
SELECT mass_from_milligrams(((random() - 0.5) * 2 * 10 ^ (random() * 18.96))::numeric::bigint), make_licence_id(2000 + (random() * 99)::int, substr(md5(random()::text), 1, 2), substr(upper(md5(random()::text)), 1, 6)),
  (SELECT element FROM elements() WHERE i = i ORDER BY random() LIMIT 1),
  (SELECT make_assay(array_agg(element), array_agg(f), array_agg(CASE WHEN i % 2 = 0 THEN sd END)) FROM (
    SELECT element, CASE WHEN i % 7 = 0 THEN 0 ELSE floor(random() * 1e9 / 17) / 1e9 END::numeric AS f, floor(random() * 10 ^ (random() * 9.0))::numeric / 1e9 AS sd FROM elements() WHERE random() < (1 + i % 17) / 17.0 OR element = 'Dy') x)
FROM generate_series(1, 1000) i;
INSERT INTO types_trip (asy) VALUES ('Nd=100%±100%'), ('Nd=0%'), ('Lu=100%,Sc=0%±0.0000001%');
INSERT INTO types_trip (asy) SELECT make_assay(array_agg(element), array_agg(0.058823529), array_agg(1.0)) FROM elements();

SELECT count(*) AS rows, count(*) FILTER (WHERE el::text::element <> el) AS el, count(*) FILTER (WHERE li::text::licence_id <> li OR document_number(li)::licence_id <> li) AS li,
  count(*) FILTER (WHERE ma::text::mass <> ma OR milligrams(ma::text::mass) <> milligrams(ma)) AS ma, count(*) FILTER (WHERE ma::numeric::mass <> ma OR (tonnes(ma) || ' t')::mass <> ma) AS ma_numeric,
  count(*) FILTER (WHERE asy::text::assay <> asy) AS asy, count(*) FILTER (WHERE asy::jsonb::assay <> asy OR (asy::jsonb)::text::assay <> asy) AS asy_json,
  count(*) FILTER (WHERE asy <> (SELECT make_assay(array_agg(element), array_agg(fraction), array_agg(sd)) FROM assay_elements(asy))) AS asy_rows,
  count(*) FILTER (WHERE total_fraction(asy) <> (SELECT sum(fraction) FROM assay_elements(asy)) OR NOT asy @> asy OR NOT asy ?& elements(asy)) AS asy_parts FROM types_trip;

-- Binary: COPY out and in again.
CREATE FUNCTION pg_temp.file(OUT text) LANGUAGE sql AS $$ SELECT current_setting('data_directory') || '/types_roundtrip.bin' $$;
CREATE TABLE types_back (LIKE types_trip);
DO $$ BEGIN EXECUTE format('COPY types_trip TO %L (FORMAT binary)', pg_temp.file()); EXECUTE format('COPY types_back FROM %L (FORMAT binary)', pg_temp.file()); END $$;
SELECT count(*) AS rows, count(*) FILTER (WHERE a IS DISTINCT FROM b) AS wrong FROM types_trip a FULL JOIN types_back b USING (i);
-- The forms that are promised: one byte; eight bytes; eight bytes of milligrams; 32-bit words.
SELECT element_send('Dy'), licence_id_send('00-00-00000Z'), mass_send('1 kg'), mass_send('-1 mg'), assay_send('Sc=0.0000001%,Dy=0.0000002%'), assay_send('Sc=0.0000001%,Dy=0.0000002%±0.0000003%');

-- Corrupt binary input. One row of COPY BINARY: signature, flags, extension length, field count, field length, field, trailer.
CREATE TEMP TABLE received (element element, licence_id licence_id, mass mass, assay assay);
CREATE FUNCTION pg_temp.receive(type text, field bytea, OUT result text) LANGUAGE plpgsql AS $$
DECLARE large oid := lo_from_bytea(0, '\x5047434f50590aff0d0a00'::bytea || '\x00000000'::bytea || '\x00000000'::bytea || '\x0001'::bytea || int4send(length(field)) || field || '\xffff'::bytea);
BEGIN
  PERFORM lo_export(large, pg_temp.file()), lo_unlink(large);
  EXECUTE format('COPY received (%I) FROM %L (FORMAT binary)', type, pg_temp.file());
  DELETE FROM received RETURNING coalesce(element::text, licence_id::text, mass::text, assay::text) INTO result;
EXCEPTION WHEN OTHERS THEN result := SQLSTATE || ': ' || SQLERRM;
END $$;
SET client_min_messages = warning;
SELECT type, field, pg_temp.receive(type, field) FROM (VALUES ('element', '\x42'::bytea), ('element', '\x00'), ('element', '\x14'), ('element', '\x48'), ('element', '\xff'), ('element', ''), ('element', '\x4242'),
  ('licence_id', int8send(2821109907456 * 100 - 1)), ('licence_id', int8send(2821109907456 * 100)), ('licence_id', int8send(-1)), ('licence_id', '\x00'), ('mass', int8send(-9223372036854775808)), ('mass', '\x0000000000000f'), ('mass', '\x000000000000000001'),
  ('assay', '\x00008000000186a0'), ('assay', ''), ('assay', '\x00000000'), ('assay', '\x80000000'), ('assay', '\x00020000'), ('assay', '\x00020000000186a0'), ('assay', '\x40000001000186a0'), ('assay', '\x00000001'), ('assay', '\x00000001000186'),
  ('assay', '\x000000013b9aca00'), ('assay', '\x000000013b9aca01'), ('assay', '\x00000001ffffffff'), ('assay', '\x000000033b9aca0000000001'), ('assay', '\x80000001000186a000000000'), ('assay', '\x80000001000186a03b9aca00'),
  ('assay', '\x80000001000186a03b9aca01'), ('assay', '\x80000001000186a0'), ('assay', '\x00000001000186a000000000')) v(type, field);
-- Bits flipped, bytes cut and added: whatever is accepted reads back as itself.
CREATE TEMP TABLE fuzzed AS
SELECT type, pg_temp.receive(type, CASE op WHEN 0 THEN set_bit(field, bit, 1 - get_bit(field, bit)) WHEN 1 THEN substr(field, 1, length(field) - 1 - bit % length(field)) WHEN 2 THEN field || substr(field, 1, 1 + bit % 4)
  ELSE overlay(field PLACING decode(lpad(to_hex((random() * 65535)::int), 4, '0'), 'hex') FROM 1 + bit / 8) END) AS got
FROM (SELECT t.type, t.field, n % 4 AS op, floor(random() * length(t.field) * 8)::int AS bit FROM generate_series(1, 48) n,
  LATERAL (SELECT 'assay' AS type, assay_send(asy) AS field FROM types_trip WHERE asy IS NOT NULL AND i % 200 = n % 200 UNION ALL SELECT 'element', element_send(el) FROM types_trip WHERE el IS NOT NULL AND i % 200 = n % 200
    UNION ALL SELECT 'licence_id', licence_id_send(li) FROM types_trip WHERE li IS NOT NULL AND i % 200 = n % 200) t WHERE n % 3 = 0 OR t.type = 'assay') x;
SELECT count(*) > 250 AS enough, count(*) FILTER (WHERE got ~ '^(22P03|RTT01|22003|22023|08P01|22P04): ') > 60 AS refused, count(*) FILTER (WHERE got !~ '^[0-9A-Z]{5}: ') > 60 AS taken,
  count(*) FILTER (WHERE got ~ '^[0-9A-Z]{5}: ' AND got !~ '^(22P03|RTT01|22003|22023|08P01|22P04): ') AS other_errors FROM fuzzed;
SELECT count(*) FILTER (WHERE CASE type WHEN 'assay' THEN got::assay::text WHEN 'element' THEN got::element::text ELSE got::licence_id::text END <> got) AS wrong FROM fuzzed WHERE got !~ '^[0-9A-Z]{5}: ';
-- Every length, and every value of every byte: an error of a known kind, or a value that is sent as the same bytes and reads back.
CREATE TEMP TABLE swept AS
SELECT type, field, pg_temp.receive(type, field) AS got FROM (
  WITH v(type, field) AS (VALUES ('element', element_send('Dy')), ('licence_id', licence_id_send('25-AA-001234')), ('mass', mass_send('-12.5 kg')),
    ('assay', assay_send('Nd=29.5%,Dy=3.15%±0.05%')), ('assay', assay_send('Nd=29.5%,Dy=70.5%')))
  SELECT type, set_byte(field, place, byte) AS field FROM v, generate_series(0, length(field) - 1) place, generate_series(0, 255) byte
  UNION ALL SELECT type, substr(field || field, 1, n) FROM v, generate_series(0, 2 * length(field)) n) x;
SELECT type, count(*), count(*) FILTER (WHERE got ~ '^(22P03|RTT01|22003|08P01): ') AS refused, count(*) FILTER (WHERE got ~ '^[0-9A-Z]{5}: ' AND got !~ '^(22P03|RTT01|22003|08P01): ') AS other_errors FROM swept GROUP BY type ORDER BY type;
SELECT count(*) FILTER (WHERE CASE type WHEN 'element' THEN element_send(got::element) WHEN 'licence_id' THEN licence_id_send(got::licence_id) WHEN 'mass' THEN mass_send(got::mass) ELSE assay_send(got::assay) END <> field) AS wrong
FROM swept WHERE got !~ '^[0-9A-Z]{5}: ';
DROP TABLE types_trip, types_back;
