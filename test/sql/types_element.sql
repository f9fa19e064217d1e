-- Protects: every spelling of an element is one value, and the physics of FACTS: weights and oxide factors.
SET search_path = retrack, public;
SELECT 'Dy'::element, '镝'::element, '66'::element, 'DYSPROSIUM'::element, ' dy '::element;
SELECT * FROM elements();
