-- Protects: masses read, print and compute exactly, and never wrap.
SET search_path = retrack, public;
SELECT '12.5 kg'::mass, '3t'::mass, '7mg'::mass, '1.25'::mass;
SELECT sum(m), avg(m), min(m), max(m) FROM (VALUES ('1 kg'::mass), ('2 kg'), ('2 mg')) v(m);
