-- Protects: mass_balance gives the textbook MUF and sigma, whatever is NULL, negative or out of range.
SET search_path = public, retrack;
SET extra_float_digits = 0;

-- MUFCalc, a training tool's exercise: MUF +13.5, sigma^2 3422.49, sigma 58.50, ratio 0.23
CREATE TEMP TABLE mufcalc (flow flow, kg numeric, sd float8);
INSERT INTO mufcalc VALUES
  ('opening', 12450, 37.35), ('receipt', 3200, 9.6), ('receipt', 2800, 8.4), ('shipment', 4100, 12.3),
  ('shipment', 1580, 15.8), ('loss', 2.5, 0.075), ('closing', 12754, 38.26);
SELECT l.*, round(l.sigma, 2) AS sigma_2, round(l.z, 2) AS ratio
FROM (SELECT mass_balance(flow, kg::mass, 'Nd=100%', sd / kg::float8, NULL, NULL) AS b FROM mufcalc) AS s,
  LATERAL balance_lines(s.b) AS l;

-- one line per element, those off marked; the elements of all rows appear, in order of atomic number
CREATE TEMP TABLE movement (flow flow, mass mass, assay assay);
INSERT INTO movement VALUES
  ('opening', '100 kg', 'Nd=30%,Dy=3%±0.05%'), ('receipt', '10 kg', 'Nd=25%,Tb=1%'),
  ('shipment', '40 kg', 'Nd=30%,Dy=3%±0.05%'), ('loss', '1 kg', 'Nd=50%'), ('closing', '60 kg', 'Nd=32%,Dy=1%,Y=0%'),
  (NULL, '5 kg', 'La=1%'), ('receipt', NULL, 'La=1%'), ('receipt', '5 kg', NULL);
SELECT mass_balance(flow, mass, assay) AS balance FROM movement;
SELECT element, opening, receipts, shipments, losses, closing, muf, sigma, z
FROM balance_lines((SELECT mass_balance(flow, mass, assay) FROM movement));

-- nothing counted is no balance
SELECT mass_balance(flow, mass, assay) AS none FROM movement WHERE flow IS NULL OR mass IS NULL OR assay IS NULL;
SELECT mass_balance(flow, mass, assay, -1, 'NaN', 'x') AS ignored_rows_are_not_judged FROM movement WHERE flow IS NULL OR mass IS NULL OR assay IS NULL;
SELECT mass_balance(flow, mass, assay) AS none, count(*) FROM movement WHERE false;

-- sigma, term by term; x is 30 kg of Nd, the assay's deviation 0.6 kg of it
SELECT what, variance(b, CASE WHEN what ~ '^13' THEN 'Pm' ELSE 'Nd' END::element) AS variance, b FROM (
  SELECT what, mass_balance(flow::flow, kg::numeric::mass, assay::assay, r, s, i) AS b FROM (VALUES
    ('1 random', 'closing', 100, 'Nd=30%', 0.01, NULL::float8, NULL),
    ('2 systematic, no instrument', 'closing', 100, 'Nd=30%', NULL, 0.01, NULL),
    ('3 systematic', 'closing', 100, 'Nd=30%', NULL, 0.01, 'scale'),
    ('4 assay', 'closing', 100, 'Nd=30%±0.6%', NULL, NULL, NULL),
    ('5 all', 'closing', 100, 'Nd=30%±0.6%', 0.01, 0.01, 'scale'),
    ('6 two rows, one instrument', 'receipt', 100, 'Nd=30%', 0, 0.01, 'scale'), ('6 two rows, one instrument', 'receipt', 100, 'Nd=30%', 0, 0.01, 'scale'),
    ('7 two rows, no instrument', 'receipt', 100, 'Nd=30%', 0, 0.01, NULL), ('7 two rows, no instrument', 'receipt', 100, 'Nd=30%', 0, 0.01, NULL),
    ('8 two instruments', 'receipt', 100, 'Nd=30%', 0, 0.01, 'scale'), ('8 two instruments', 'receipt', 100, 'Nd=30%', 0, 0.01, 'other'),
    ('9 stock that only stays', 'opening', 100, 'Nd=30%', 0, 0.01, 'scale'), ('9 stock that only stays', 'closing', 100, 'Nd=30%', 0, 0.01, 'scale'),
    ('10 kept to 1 ppb', 'loss', 100, 'Nd=100%', 0.0000000014, 0.0000000016, NULL),
    ('11 nothing known', 'loss', 100, 'Nd=100%', NULL, NULL, 'scale'),
    ('12 stock that stays, the scale recalibrated', 'opening', 100, 'Nd=30%', 0, 0.01, 'scale'), ('12 stock that stays, the scale recalibrated', 'closing', 100, 'Nd=30%', 0, 0.01, 'scale, from May'),
    ('13 an element without standard weight', 'receipt', 100, 'Pm=30%', 0.01, NULL, NULL)) AS v(what, flow, kg, assay, r, s, i) GROUP BY what) AS t ORDER BY length(split_part(what, ' ', 1)), what;

-- a reversal takes back sum and variances alike, to the last bit; taken back alone, the variance is negative
CREATE TEMP TABLE reversal AS SELECT * FROM (VALUES
  ('receipt'::flow, '100 kg'::mass, 'Nd=30%±0.1%,Dy=2%'::assay, 0.003, 0.002, 'scale'), ('closing', '90 kg', 'Nd=30%', 0.004, 0.001, NULL),
  ('receipt', '7 kg', 'Nd=28%±0.3%,Dy=1%±0.01%', 0.005, 0.001, 'other'), ('receipt', '-7 kg', 'Nd=28%±0.3%,Dy=1%±0.01%', 0.005, 0.001, 'other'),
  ('closing', '5 kg', 'Nd=28%', 0.005, 0.001, NULL), ('closing', '-5 kg', 'Nd=28%', 0.005, 0.001, NULL)) AS v(flow, mass, assay, r, s, i);
SELECT mass_balance(flow, mass, assay, r, s, i) = mass_balance(flow, mass, assay, r, s, i) FILTER (WHERE mass > '50 kg'::mass) AS taken_back FROM reversal;
SELECT sigma(b, 'Nd'), z(b, 'Nd'), variance(b, 'Nd'), b FROM (SELECT mass_balance(flow, mass, assay, r, s, i) AS b FROM reversal WHERE mass < '0 kg'::mass) AS t;

-- instruments are told apart by the bytes of their names, whatever a collation holds for equal (where the server has ICU)
DO $$
DECLARE equal bigint; same boolean;
BEGIN
  EXECUTE $c$ CREATE COLLATION pg_temp.any_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false) $c$;
  EXECUTE $q$ SELECT count(DISTINCT i COLLATE pg_temp.any_case), mass_balance('receipt', '1 kg', 'Nd=1%', 0, 0.01, i COLLATE pg_temp.any_case) = mass_balance('receipt', '1 kg', 'Nd=1%', 0, 0.01, i COLLATE "C")
      AND variance(mass_balance('receipt', '1 kg', 'Nd=1%', 0, 0.01, i COLLATE pg_temp.any_case), 'Nd') = 2 * variance(mass_balance('receipt', '1 kg', 'Nd=1%', 0, 0.01, i) FILTER (WHERE i = 'scale'), 'Nd')
    FROM unnest('{scale,SCALE}'::text[]) AS i $q$ INTO equal, same;
  IF equal <> 1 OR NOT same THEN RAISE INFO 'equal to the collation: %, apart in the balance: %', equal, same; END IF;
EXCEPTION WHEN feature_not_supported OR undefined_object THEN NULL;
END $$;

-- the largest masses: no sum and no variance overflows
SELECT muf(b, 'Nd'), variance(b, 'Nd') FROM (SELECT mass_balance('opening', '9223372036854775807 mg', 'Nd=100%', 1, 1, 'scale') AS b FROM generate_series(1, 100000)) AS t;
SELECT muf(b, 'Nd'), variance(b, 'Nd') FROM (SELECT mass_balance('closing', '-9223372036854775808 mg', 'Nd=50%±100%', 1, 1, NULL) AS b FROM generate_series(1, 100000)) AS t;

-- deviations outside 0 to 1
SELECT mass_balance('receipt', '1 kg', 'Nd=1%', -0.1, 0, NULL);
\set VERBOSITY sqlstate
SELECT mass_balance('receipt', '1 kg', 'Nd=1%', -1e-300, 0, NULL);
SELECT mass_balance('receipt', '1 kg', 'Nd=1%', 0, 1.0000000000000002, NULL);
SELECT mass_balance('receipt', '1 kg', 'Nd=1%', 'NaN', 0, NULL);
SELECT mass_balance('receipt', '1 kg', 'Nd=1%', 0, 'Infinity', 'x');
SELECT mass_balance('receipt', '1 kg', 'Nd=1%', 1, 1, 'x') IS NOT NULL AS limits_are_legal;
-- what the types refuse: element, assay above 100 %, flow, mass
SELECT mass_balance('receipt', '1 kg', 'Xx=1%');
SELECT mass_balance('receipt', '1 kg', 'Nd=130%');
SELECT mass_balance('return', '1 kg', 'Nd=1%');
SELECT mass_balance('receipt', '1e20 kg', 'Nd=1%');
SELECT muf('Nd', 'Xx');
