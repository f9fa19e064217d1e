-- What codes of countries, currencies and tariff lines are made of, for CHECK constraints.
CREATE FUNCTION retrack.is_capitals(code text, length integer) RETURNS boolean
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME', 'is_capitals';
COMMENT ON FUNCTION retrack.is_capitals(text, integer) IS
'whether the text is that many letters from A to Z, as codes of countries (2) and currencies (3) are. NULL: NULL';

CREATE FUNCTION retrack.is_digits(code text, min_length integer, max_length integer) RETURNS boolean
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME', 'is_digits';
COMMENT ON FUNCTION retrack.is_digits(text, integer, integer) IS
'whether the text is digits from 0 to 9, at least and at most that many, as HS codes (6 to 10) are. NULL: NULL';

