-- Protects: the types as columns: every operator class, every kind of index, join, grouping, partition key,
-- foreign key, array and domain gives what the values themselves give.
SET search_path = retrack, public;

-- amvalidate over every operator class of the extension, and a class of each kind for each type.
SELECT c.opcname, am.amname, amvalidate(c.oid) FROM pg_opclass c JOIN pg_am am ON am.oid = c.opcmethod JOIN pg_namespace n ON n.oid = c.opcnamespace
WHERE n.nspname = 'retrack' AND c.opcname ~ '^(element|licence_id|mass|assay)_' ORDER BY 1, 2;
SELECT count(*) AS classes_not_valid FROM pg_opclass c JOIN pg_namespace n ON n.oid = c.opcnamespace WHERE n.nspname = 'retrack' AND NOT amvalidate(c.oid);
-- Operators: those that commute or negate know it, = can hash and merge, each has an estimator, each function is documented.
SELECT o.oprname, o.oprleft::regtype, o.oprright::regtype FROM pg_operator o JOIN pg_namespace n ON n.oid = o.oprnamespace
WHERE n.nspname = 'retrack' AND o.oprresult = 'boolean'::regtype AND (o.oprrest = 0 OR o.oprjoin = 0
  OR (o.oprname IN ('=', '<>', '<', '<=', '>', '>=') AND o.oprleft = o.oprright AND (o.oprcom = 0 OR o.oprnegate = 0)) OR (o.oprname = '=' AND o.oprleft = o.oprright AND o.oprleft::regtype::text IN ('element', 'licence_id', 'mass', 'assay') AND NOT (o.oprcanmerge AND o.oprcanhash)));

CREATE TABLE types_index AS
SELECT i, (ARRAY['Sc','Y','La','Ce','Pr','Nd','Sm','Eu','Gd','Tb','Dy','Ho','Er','Tm','Yb','Lu'])[1 + i % 16]::element AS el,
  make_licence_id(2000 + i % 100, chr(65 + i % 26) || chr(65 + i % 7), lpad((i % 977)::text, 6, '0')) AS li,
  mass_from_milligrams((((i * 7919) % 3001 - 1500) * 10::numeric ^ (i % 12))::bigint) AS ma,
  make_assay(ARRAY[(ARRAY['La','Ce','Pr','Nd'])[1 + i % 4], 'Dy']::element[], ARRAY[(i % 13) / 20.0, (i % 11) / 50.0], ARRAY[(i % 3) / 100.0, 0]) AS asy
FROM generate_series(0, 4999) i;
INSERT INTO types_index VALUES (-1, NULL, NULL, NULL, NULL);
ANALYZE types_index;

-- One query per column and strategy: by sequential scan, then by each index.
CREATE FUNCTION pg_temp.answers(OUT text) LANGUAGE sql SET search_path = retrack, public AS $$
  SELECT concat_ws(' ', (SELECT count(*) FROM types_index WHERE el < 'Nd'), (SELECT count(*) FROM types_index WHERE el <= 'Nd'), (SELECT count(*) FROM types_index WHERE el = 'Nd'),
    (SELECT count(*) FROM types_index WHERE el >= 'Nd'), (SELECT count(*) FROM types_index WHERE el > 'Nd'), (SELECT count(*) FROM types_index WHERE el = ANY ('{Nd,Dy}')),
    (SELECT count(*) FROM types_index WHERE li < '25-ZD-000025'), (SELECT count(*) FROM types_index WHERE li BETWEEN '10-AA-000000' AND '19-ZZ-ZZZZZZ'), (SELECT count(*) FROM types_index WHERE li = '25-ZE-000025'), (SELECT count(*) FROM types_index WHERE li > '90-AA-000000'),
    (SELECT count(*) FROM types_index WHERE ma < '-1 kg'), (SELECT count(*) FROM types_index WHERE ma <= '0'), (SELECT count(*) FROM types_index WHERE ma = '0'), (SELECT count(*) FROM types_index WHERE ma >= '1 t'), (SELECT count(*) FROM types_index WHERE ma > '1 mg'),
    (SELECT count(*) FROM types_index WHERE asy < 'Nd=30%,Dy=1%'), (SELECT count(*) FROM types_index WHERE asy = 'Nd=55%,Dy=0%'), (SELECT count(*) FROM types_index WHERE asy >= 'Ce=30%,Dy=1%')) $$;
CREATE TEMP TABLE plain AS SELECT pg_temp.answers() AS a;
SELECT a FROM plain;
DO $$ DECLARE kind text; BEGIN
  SET LOCAL enable_seqscan = off;
  FOREACH kind IN ARRAY ARRAY['btree', 'hash', 'brin'] LOOP
    FOR i IN 1 .. 4 LOOP
      EXECUTE format('CREATE INDEX types_index_%s ON types_index USING %s (%s)', i, kind, (ARRAY['el', 'li', 'ma', 'asy'])[i]);
    END LOOP;
    RAISE INFO '% gives the same: %', kind, (SELECT pg_temp.answers() = a FROM plain);
    FOR i IN 1 .. 4 LOOP EXECUTE format('DROP INDEX types_index_%s', i); END LOOP;
  END LOOP;
END $$;
-- Questions at random, by each index and by sequential scan; the rows lie in order of licences, so that BRIN passes over some.
SELECT setseed(0.62) IS NOT NULL AS seed_is_062;
CREATE TABLE types_asked AS SELECT * FROM types_index ORDER BY li;
CREATE FUNCTION pg_temp.ask(kind text, place int) RETURNS text LANGUAGE plpgsql AS $$
DECLARE c text := (ARRAY['el', 'li', 'ma', 'asy'])[place]; v text[]; op text; query text; by_index numeric[]; by_scan numeric[]; line text; used boolean := false;
BEGIN
  EXECUTE format('SELECT array_agg(quote_literal(v)) FROM (SELECT %I::text AS v FROM types_asked WHERE %1$I IS NOT NULL ORDER BY random() LIMIT 3) x', c) INTO v;
  op := (CASE kind WHEN 'hash' THEN '{"= %1$s"}' ELSE '{"< %1$s","<= %1$s","= %1$s",">= %1$s","> %1$s","BETWEEN %1$s AND %2$s","IN (%1$s, %2$s, %3$s)","IS NULL"}' END::text[])[CASE kind WHEN 'hash' THEN 1 ELSE 1 + floor(random() * 8)::int END];
  query := format('SELECT ARRAY[count(*), coalesce(sum(i), 0), coalesce(sum(i::numeric * i), 0)] FROM types_asked WHERE %I %s', c, format(op, v[1], v[2], v[3]));
  SET LOCAL enable_seqscan = off; EXECUTE query INTO by_index;
  FOR line IN EXECUTE 'EXPLAIN ' || query LOOP used := used OR line LIKE '%types_asked_index%'; END LOOP;
  SET LOCAL enable_seqscan = on; SET LOCAL enable_bitmapscan = off; SET LOCAL enable_indexscan = off; SET LOCAL enable_indexonlyscan = off; EXECUTE query INTO by_scan;
  SET LOCAL enable_bitmapscan = on; SET LOCAL enable_indexscan = on; SET LOCAL enable_indexonlyscan = on;
  RETURN CASE WHEN by_index <> by_scan THEN 'differs: ' || query WHEN NOT used THEN 'index not used: ' || query END;
END $$;
DO $$ DECLARE kind text; fault text; BEGIN
  FOREACH kind IN ARRAY ARRAY['btree', 'hash', 'brin'] LOOP
    FOR i IN 1 .. 4 LOOP
      EXECUTE format('CREATE INDEX types_asked_index ON types_asked USING %s (%s)%s', kind, (ARRAY['el', 'li', 'ma', 'asy'])[i], CASE kind WHEN 'brin' THEN ' WITH (pages_per_range = 2)' END);
      FOR n IN 1 .. 25 LOOP
        fault := pg_temp.ask(kind, i);
        IF fault IS NOT NULL THEN RAISE INFO '%: %', kind, fault; END IF;
      END LOOP;
      DROP INDEX types_asked_index;
    END LOOP;
  END LOOP;
END $$;
DROP TABLE types_asked;
CREATE INDEX types_index_multi ON types_index (el, li DESC, ma);
CREATE INDEX types_index_include ON types_index (ma) INCLUDE (asy);
SET enable_seqscan = off; SET enable_bitmapscan = off;
EXPLAIN (COSTS OFF) SELECT el, li FROM types_index WHERE el = 'Nd' ORDER BY li DESC LIMIT 3;
DO $$ DECLARE line text; BEGIN -- the plan's other lines differ between server versions
  FOR line IN EXPLAIN (COSTS OFF) SELECT max(ma) FROM types_index LOOP
    IF line LIKE '%Index Only Scan%' THEN RAISE INFO '%', ltrim(line, ' ->'); END IF; END LOOP; END $$;
SELECT pg_temp.answers() = a FROM plain;
SELECT max(ma), min(ma) FROM types_index;
RESET enable_seqscan; RESET enable_bitmapscan;

-- Joins and grouping by every method.
CREATE FUNCTION pg_temp.joined(OUT text) LANGUAGE sql SET search_path = retrack, public AS $$
  SELECT concat_ws(' ', (SELECT count(*) FROM types_index a JOIN types_index b USING (li)), (SELECT count(*) FROM types_index a JOIN types_index b ON a.el = b.el AND a.ma = b.ma),
    (SELECT count(*) FROM types_index a JOIN types_index b ON a.asy = b.asy AND a.i % 5 = 0), (SELECT count(*) FROM (SELECT el, asy FROM types_index GROUP BY 1, 2) x),
    (SELECT count(DISTINCT asy) FROM types_index), (SELECT count(*) FROM (SELECT DISTINCT li, ma FROM types_index) x)) $$;
SELECT pg_temp.joined();
DO $$ DECLARE off text; first text := pg_temp.joined(); BEGIN
  FOREACH off IN ARRAY ARRAY['enable_hashjoin', 'enable_mergejoin', 'enable_hashagg', 'enable_sort'] LOOP
    PERFORM set_config(off, 'off', true); RAISE INFO 'without %: %', off, pg_temp.joined() = first; END LOOP;
END $$;
-- Sorting agrees with comparison, abbreviated keys included.
SELECT count(*) FILTER (WHERE NOT coalesce(el >= pe, true)), count(*) FILTER (WHERE NOT coalesce(li >= pl, true)), count(*) FILTER (WHERE NOT coalesce(ma >= pm, true)), count(*) FILTER (WHERE NOT coalesce(asy >= pa, true)) FROM (
  SELECT el, lag(el) OVER (ORDER BY el) pe, li, lag(li) OVER (ORDER BY li) pl, ma, lag(ma) OVER (ORDER BY ma) pm, asy, lag(asy) OVER (ORDER BY asy) pa FROM types_index) x;
-- assay_cmp is a total order, as its operators and = say.
WITH s AS (SELECT DISTINCT asy FROM types_index WHERE i % 50 < 9 AND i >= 0)
SELECT count(*) > 10000 AS enough, count(*) FILTER (WHERE (a.asy < b.asy)::int + (a.asy = b.asy)::int + (a.asy > b.asy)::int <> 1 OR (a.asy < b.asy) <> (b.asy > a.asy) OR (a.asy <= b.asy) <> NOT (a.asy > b.asy)
  OR (a.asy >= b.asy) <> NOT (a.asy < b.asy) OR (a.asy <> b.asy) = (a.asy = b.asy) OR (a.asy = b.asy) <> (a.asy::text = b.asy::text) OR sign(assay_cmp(a.asy, b.asy)) <> -sign(assay_cmp(b.asy, a.asy))) AS wrong FROM s a, s b;
-- The extended hash with seed 0 begins with the plain one, as hash partitions and hash joins may mix them.
SELECT count(*) FILTER (WHERE element_hash(el) <> right(element_hash_extended(el, 0)::bit(64)::text, 32)::bit(32)::int OR licence_id_hash(li) <> right(licence_id_hash_extended(li, 0)::bit(64)::text, 32)::bit(32)::int
  OR mass_hash(ma) <> right(mass_hash_extended(ma, 0)::bit(64)::text, 32)::bit(32)::int OR assay_hash(asy) <> right(assay_hash_extended(asy, 0)::bit(64)::text, 32)::bit(32)::int) AS wrong FROM types_index;
SELECT count(*) FILTER (WHERE assay_hash(asy) <> assay_hash(asy::text::assay) OR assay_hash_extended(asy, 42) <> assay_hash_extended(asy::text::assay, 42)) AS wrong FROM types_index;

-- GIN: exact for the elements, rechecked for fractions.
SET enable_seqscan = off;
CREATE INDEX types_index_gin ON types_index USING gin (asy);
CREATE FUNCTION pg_temp.held(OUT text) LANGUAGE sql SET search_path = retrack, public AS $$
  SELECT concat_ws(' ', (SELECT count(*) FROM types_index WHERE asy ? 'Nd'), (SELECT count(*) FROM types_index WHERE asy ? 'Tb'), (SELECT count(*) FROM types_index WHERE asy ?| '{Nd,Tb}'), (SELECT count(*) FROM types_index WHERE asy ?| '{}'),
    (SELECT count(*) FROM types_index WHERE asy ?& '{Nd,Dy}'), (SELECT count(*) FROM types_index WHERE asy ?& '{}'), (SELECT count(*) FROM types_index WHERE asy @> 'Nd=30%'), (SELECT count(*) FROM types_index WHERE asy @> 'Nd=30%,Dy=19%'),
    (SELECT count(*) FROM types_index WHERE asy @> 'Tb=0%'), (SELECT count(*) FROM types_index WHERE asy ? 'Nd' AND asy @> 'Dy=1%')) $$;
SELECT pg_temp.held();
EXPLAIN (COSTS OFF) SELECT count(*) FROM types_index WHERE asy ? 'Nd' AND asy @> 'Dy=1%';
CREATE TEMP TABLE by_gin AS SELECT pg_temp.held() AS a;
DROP INDEX types_index_gin; RESET enable_seqscan;
SELECT pg_temp.held() = a AS same_without_index FROM by_gin;
DROP TABLE types_index;

-- GIN against a sequential scan on random assays and questions: empty arrays, NULLs in them, elements twice, pages that got lossy, the pending list.
SELECT setseed(0.61) IS NOT NULL AS seed_is_061;
CREATE TABLE types_gin AS
SELECT i, CASE WHEN i % 19 <> 0 THEN (SELECT make_assay(array_agg(element), array_agg(f)) FROM (
  SELECT element, round((random() / 17)::numeric, (random() * 9)::int) AS f FROM elements() WHERE random() < (i % 10) / 10.0 OR number = 57 + i % 15) x) END AS a FROM generate_series(1, 6000) i;
CREATE INDEX types_gin_index ON types_gin USING gin (a);
INSERT INTO types_gin SELECT i + 6000, a FROM types_gin WHERE i % 9 = 0;
CREATE FUNCTION pg_temp.differs(condition text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE by_index numeric[]; by_scan numeric[]; query text := 'SELECT ARRAY[count(*), coalesce(sum(i), 0), coalesce(sum(i::numeric * i), 0)] FROM types_gin WHERE a ' || condition; line text; used boolean := false;
BEGIN
  SET LOCAL enable_seqscan = off; EXECUTE query INTO by_index;
  FOR line IN EXECUTE 'EXPLAIN ' || query LOOP used := used OR line LIKE '%types_gin_index%'; END LOOP;
  SET LOCAL enable_seqscan = on; SET LOCAL enable_bitmapscan = off; EXECUTE query INTO by_scan;
  SET LOCAL enable_bitmapscan = on;
  RETURN by_index <> by_scan OR NOT used;
END $$;
SET work_mem = '64kB';
CREATE TEMP TABLE questions AS
SELECT i, (SELECT format('{%s}', string_agg(CASE WHEN random() < 0.1 THEN 'NULL' ELSE element::text END, ',')) FROM elements(), generate_series(1, 1 + (i % 2)) WHERE random() < 0.08) AS array_text,
  (SELECT element FROM elements() WHERE i > 0 ORDER BY random() LIMIT 1) AS one, (SELECT a FROM types_gin t WHERE t.i = 1 + q.i * 37 % 6000) AS part FROM generate_series(1, 60) q(i);
SELECT count(*), count(*) FILTER (WHERE pg_temp.differs(format('? %L', one))) AS has, count(*) FILTER (WHERE pg_temp.differs(format('?| %L', array_text))) AS has_any,
  count(*) FILTER (WHERE pg_temp.differs(format('?& %L', array_text))) AS has_all, count(*) FILTER (WHERE part IS NOT NULL AND pg_temp.differs(format('@> %L', part))) AS contains,
  count(*) FILTER (WHERE array_text = '{}') > 3 AS some_empty, count(*) FILTER (WHERE array_text LIKE '%NULL%') > 3 AS some_nulls FROM questions;
RESET work_mem;
DROP TABLE types_gin;

-- Partition keys of every method, pruned; foreign keys; arrays; domains.
CREATE TABLE types_part (li licence_id, el element, ma mass, asy assay) PARTITION BY LIST (el);
CREATE TABLE types_part_heavy PARTITION OF types_part FOR VALUES IN ('Dy', 'Tb') PARTITION BY RANGE (li);
CREATE TABLE types_part_heavy25 PARTITION OF types_part_heavy FOR VALUES FROM ('25-00-000000') TO ('26-00-000000') PARTITION BY HASH (asy);
CREATE TABLE types_part_h0 PARTITION OF types_part_heavy25 FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE types_part_h1 PARTITION OF types_part_heavy25 FOR VALUES WITH (MODULUS 2, REMAINDER 1);
CREATE TABLE types_part_light PARTITION OF types_part DEFAULT PARTITION BY HASH (li, ma);
CREATE TABLE types_part_l0 PARTITION OF types_part_light FOR VALUES WITH (MODULUS 1, REMAINDER 0);
INSERT INTO types_part SELECT ('25-AA-' || lpad(i::text, 6, '0'))::licence_id, (ARRAY['Dy','Tb','Nd','La'])[1 + i % 4]::element, i::mass, make_assay('{Dy}', ARRAY[i / 1000.0]) FROM generate_series(1, 1000) i;
SELECT count(*) FILTER (WHERE tableoid = 'types_part_l0'::regclass) AS light, count(*) FILTER (WHERE tableoid <> 'types_part_l0'::regclass) AS heavy,
  count(*) FILTER (WHERE tableoid = 'types_part_h0'::regclass) BETWEEN 150 AND 350 AS spread FROM types_part;
EXPLAIN (COSTS OFF) SELECT * FROM types_part WHERE el = 'Dy' AND li = '25-AA-000004' AND asy = 'Dy=0.4%';
INSERT INTO types_part VALUES ('26-AA-000001', 'Dy', '1 kg', 'Dy=1%');

CREATE TABLE types_licence (li licence_id PRIMARY KEY, el element NOT NULL UNIQUE);
CREATE TABLE types_use (li licence_id REFERENCES types_licence ON UPDATE CASCADE, el element REFERENCES types_licence (el));
INSERT INTO types_licence VALUES ('25-AA-000001', 'Dy'), ('25-AA-000002', 'Nd');
INSERT INTO types_use VALUES ('25-AA-000001', 'Nd'), (NULL, NULL);
INSERT INTO types_use VALUES ('25-AA-000003', 'Nd');
INSERT INTO types_licence VALUES ('25-aa-000001-n', 'La');
UPDATE types_licence SET li = '25-AA-000009' WHERE el = 'Dy';
TABLE types_use;
DELETE FROM types_licence WHERE el = 'Nd';
DROP TABLE types_use;
INSERT INTO types_licence VALUES ('25-AA-000002', 'Nd') ON CONFLICT (li) DO UPDATE SET el = 'Pr' RETURNING *;

-- Range and list keys of the other types; generated columns and indexes on expressions; core's GiST through text_range.
CREATE TABLE types_range (ma mass, li licence_id) PARTITION BY RANGE (ma);
CREATE TABLE types_range_small PARTITION OF types_range FOR VALUES FROM (MINVALUE) TO ('1 kg');
CREATE TABLE types_range_large PARTITION OF types_range FOR VALUES FROM ('1 kg') TO (MAXVALUE) PARTITION BY LIST (li);
CREATE TABLE types_range_one PARTITION OF types_range_large FOR VALUES IN ('25-AA-000001', NULL);
INSERT INTO types_range VALUES ('999.999999 g', NULL), ('1000 g', '25-aa-000001-n'), ('9223372036.854775807 t', NULL), ('-9223372036.854775808 t', NULL);
SELECT tableoid::regclass, count(*) FROM types_range GROUP BY 1 ORDER BY 1;
CREATE TABLE types_generated (ma mass CHECK (ma >= '0'), asy assay, kg numeric GENERATED ALWAYS AS (kilograms(ma)) STORED, dy mass GENERATED ALWAYS AS (element_mass(ma, asy, 'Dy')) STORED);
CREATE INDEX ON types_generated (fraction(asy, 'Dy'), reo_mass(ma, asy));
INSERT INTO types_generated VALUES ('1 t', 'Dy=3%') RETURNING *;
CREATE TABLE types_exclude (li licence_id, valid daterange, EXCLUDE USING gist (text_range(document_number(li), document_number(li), '[]') WITH &&, valid WITH &&));
INSERT INTO types_exclude VALUES ('25-AA-000001', '[2025-01-01,2026-01-01)'), ('25-AA-000002', '[2025-01-01,2026-01-01)');
DO $$ BEGIN INSERT INTO types_exclude VALUES ('25-AA-000001', '[2025-06-01,2027-01-01)'); EXCEPTION WHEN exclusion_violation THEN RAISE INFO '%', SQLSTATE; END $$;
DROP TABLE types_range, types_generated, types_exclude;

CREATE DOMAIN types_heavy AS element CHECK (VALUE >= 'Gd');
CREATE DOMAIN types_shipped AS mass CHECK (VALUE > '0') NOT NULL;
SELECT 'Dy'::types_heavy, '3 kg'::types_shipped;
SELECT 'Nd'::types_heavy;
SELECT '0 kg'::types_shipped;
SELECT '{Dy,镝,66}'::element[], '{"1 kg",2t}'::mass[], '{25-AA-000001}'::licence_id[], ARRAY['Nd=1%,Dy=2%']::assay[], array_agg(m ORDER BY m) FROM (VALUES ('1 t'::mass), ('2 kg')) v(m);
SELECT '{Dy,Nd}'::element[] @> '{Nd}', 'Dy' = ANY ('{Nd,Dy}'::element[]), array_position('{Nd,Dy}'::element[], 'Dy'), '{1 kg,2 kg}'::mass[] < '{1 kg,3 kg}', ('Dy'::element, '1 kg'::mass) = ('Dy', '1000 g'), hash_array('{Nd}'::element[]) IS NOT NULL;
DROP TABLE types_part, types_licence; DROP DOMAIN types_heavy, types_shipped;
