-- Protects: mass_balance gives the textbook MUF and sigma, whatever is NULL, negative or out of range.
SET search_path = pg_catalog, retrack, public;
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
