-- sequences of balances: cumuf, sitmuf, gemuf, page_test
CREATE TYPE retrack.cumuf_result AS
  (periods pg_catalog.int4, muf pg_catalog.numeric, sigma pg_catalog.numeric, z pg_catalog.numeric, p_value pg_catalog.float8);
COMMENT ON TYPE retrack.cumuf_result IS
  'what cumuf(balance, element) returns: number of periods, cumulated muf and its sigma in kg, z, two-sided probability of a |z| as large with nothing missing (without any deviation 1 where muf is 0, else 0)';
CREATE TYPE retrack.gemuf_result AS
  (periods pg_catalog.int4, gemuf pg_catalog.float8, p_value pg_catalog.float8);
COMMENT ON TYPE retrack.gemuf_result IS
  'what gemuf returns: number of periods with a sitmuf (the degrees of freedom), the statistic, probability of one as large with nothing missing';
CREATE TYPE retrack.page_result AS
  (upper pg_catalog.float8, lower pg_catalog.float8, alarm pg_catalog.bool);
COMMENT ON TYPE retrack.page_result IS
  'what page_test returns: both sides of Page''s test after the last value (upper: missing, lower: too much), and whether one is above h';

CREATE FUNCTION retrack.cumuf_accum(pg_catalog.internal, retrack.balance) RETURNS pg_catalog.internal
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retrack.cumuf_accum(pg_catalog.internal, retrack.balance) IS 'transition function of cumuf(balance)';
CREATE FUNCTION retrack.cumuf_final(pg_catalog.internal) RETURNS retrack.balance
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retrack.cumuf_final(pg_catalog.internal) IS 'final function of cumuf(balance)';
CREATE FUNCTION retrack.cumuf_element_accum(pg_catalog.internal, retrack.balance, retrack.element) RETURNS pg_catalog.internal
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retrack.cumuf_element_accum(pg_catalog.internal, retrack.balance, retrack.element) IS 'transition function of cumuf(balance, element)';
CREATE FUNCTION retrack.cumuf_element_final(pg_catalog.internal) RETURNS retrack.cumuf_result
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retrack.cumuf_element_final(pg_catalog.internal) IS 'final function of cumuf(balance, element)';
CREATE FUNCTION retrack.sitmuf_accum(pg_catalog.internal, retrack.balance, retrack.element) RETURNS pg_catalog.internal
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retrack.sitmuf_accum(pg_catalog.internal, retrack.balance, retrack.element) IS 'transition function of sitmuf and gemuf';
CREATE FUNCTION retrack.sitmuf_final(pg_catalog.internal) RETURNS pg_catalog.float8
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retrack.sitmuf_final(pg_catalog.internal) IS 'final function of sitmuf';
CREATE FUNCTION retrack.gemuf_final(pg_catalog.internal) RETURNS retrack.gemuf_result
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retrack.gemuf_final(pg_catalog.internal) IS 'final function of gemuf';
CREATE FUNCTION retrack.page_test_accum(pg_catalog.internal, retrack.balance, retrack.element, pg_catalog.float8, pg_catalog.float8) RETURNS pg_catalog.internal
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retrack.page_test_accum(pg_catalog.internal, retrack.balance, retrack.element, pg_catalog.float8, pg_catalog.float8) IS 'transition function of page_test over balances';
CREATE FUNCTION retrack.page_test_final(pg_catalog.internal) RETURNS retrack.page_result
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retrack.page_test_final(pg_catalog.internal) IS 'final function of page_test over balances';
CREATE FUNCTION retrack.page_test_value_accum(pg_catalog.internal, pg_catalog.float8, pg_catalog.float8, pg_catalog.float8) RETURNS pg_catalog.internal
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retrack.page_test_value_accum(pg_catalog.internal, pg_catalog.float8, pg_catalog.float8, pg_catalog.float8) IS 'transition function of page_test over numbers';
CREATE FUNCTION retrack.page_test_value_final(pg_catalog.internal) RETURNS retrack.page_result
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retrack.page_test_value_final(pg_catalog.internal) IS 'final function of page_test over numbers';

CREATE FUNCTION retrack.continues(before retrack.balance, balance retrack.balance) RETURNS pg_catalog.bool
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'balance_continues';
COMMENT ON FUNCTION retrack.continues(retrack.balance, retrack.balance) IS
  'whether a balance opens, in every element, with what the balance before it closed with: the same sums, variances and instruments'' biases, as cumuf, sitmuf, gemuf and page_test demand. With before = lag(balance) OVER (PARTITION BY facility ORDER BY period) it is false where a facility''s sequence breaks. NULL gives NULL';

CREATE AGGREGATE retrack.cumuf(balance retrack.balance) (
  SFUNC = retrack.cumuf_accum,
  STYPE = pg_catalog.internal,
  SSPACE = 1024,
  FINALFUNC = retrack.cumuf_final,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE retrack.cumuf(retrack.balance) IS
  'the balance over consecutive periods of one facility: opening of the first, closing of the last, all that moved between; the inventories between count once, so sigma is right where that of sum(balance) is too large. Balances in order of periods: aggregate with ORDER BY, or as a window function with OVER (ORDER BY period), which gives each period''s running value. NULL balances are ignored, no balance gives NULL; an opening that differs from the closing before it, in sum, variance or instruments, is error RTB02: continues tells where';

CREATE AGGREGATE retrack.cumuf(balance retrack.balance, element retrack.element) (
  SFUNC = retrack.cumuf_element_accum,
  STYPE = pg_catalog.internal,
  SSPACE = 1024,
  FINALFUNC = retrack.cumuf_element_final,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE retrack.cumuf(retrack.balance, retrack.element) IS
  'cumulated MUF of an element over consecutive periods, with its exact variance: var = opening of the first + what moved + closing of the last + over instruments (sum of signed systematic terms)^2. p_value below the chosen false-alarm rate is an alarm. Balances in order of periods: aggregate with ORDER BY, or as a window function with OVER (ORDER BY period), which gives each period''s running value. NULL balances are ignored, no balance gives NULL; an opening that differs from the closing before it, in sum, variance or instruments, is error RTB02: continues tells where';

CREATE AGGREGATE retrack.sitmuf(balance retrack.balance, element retrack.element) (
  SFUNC = retrack.sitmuf_accum,
  STYPE = pg_catalog.internal,
  SSPACE = 1024,
  FINALFUNC = retrack.sitmuf_final,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE retrack.sitmuf(retrack.balance, retrack.element) IS
  'standardised independent MUF of the last period: component of L^-1 MUF, with L L^T the covariance of the MUF sequence, cov(t, t+1) = -var(closing of t) + sum over instruments of S_k(t) S_k(t+1), cov(t, t+n) = sum over instruments of S_k(t) S_k(t+n) (MAPIT''s theory pages); standard normal if nothing is missing, normal_p_value gives its probability. NULL where the period''s MUF is certain and as it must be, infinite where it is certain and another. At most 4096 instruments (54000). Balances in order of periods: aggregate with ORDER BY, or as a window function with OVER (ORDER BY period), which gives each period''s running value. NULL balances are ignored, no balance gives NULL; an opening that differs from the closing before it, in sum, variance or instruments, is error RTB02: continues tells where';

CREATE AGGREGATE retrack.gemuf(balance retrack.balance, element retrack.element) (
  SFUNC = retrack.sitmuf_accum,
  STYPE = pg_catalog.internal,
  SSPACE = 1024,
  FINALFUNC = retrack.gemuf_final,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE retrack.gemuf(retrack.balance, retrack.element) IS
  'GEMUF = MUF^T C^-1 MUF, C the covariance of the MUF sequence (see sitmuf): chi-square distributed if nothing is missing, with as many degrees of freedom as periods with a sitmuf. p_value below the chosen false-alarm rate is an alarm; 0, gemuf infinite, if a period contradicts an exact measurement; both NULL if a variance is negative. Balances in order of periods: aggregate with ORDER BY, or as a window function with OVER (ORDER BY period), which gives each period''s running value. NULL balances are ignored, no balance gives NULL; an opening that differs from the closing before it, in sum, variance or instruments, is error RTB02: continues tells where';

CREATE AGGREGATE retrack.page_test(balance retrack.balance, element retrack.element, k pg_catalog.float8, h pg_catalog.float8) (
  SFUNC = retrack.page_test_accum,
  STYPE = pg_catalog.internal,
  SSPACE = 1024,
  FINALFUNC = retrack.page_test_final,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE retrack.page_test(retrack.balance, retrack.element, pg_catalog.float8, pg_catalog.float8) IS
  'Page''s test (CUSUM) on the sitmuf values y of an element: upper = max(0, upper + y - k), lower = max(0, lower - y - k), from 0; alarm while one is above h, for ever once a period contradicts an exact measurement; all NULL if a variance is negative. k is usually 0.5; page_threshold gives the h for a false-alarm rate. k or h negative, NaN or changing is error 22023. Balances in order of periods: aggregate with ORDER BY, or as a window function with OVER (ORDER BY period), which gives each period''s running value. NULL balances are ignored, no balance gives NULL; an opening that differs from the closing before it, in sum, variance or instruments, is error RTB02: continues tells where';

CREATE AGGREGATE retrack.page_test(value pg_catalog.float8, k pg_catalog.float8, h pg_catalog.float8) (
  SFUNC = retrack.page_test_value_accum,
  STYPE = pg_catalog.internal,
  SSPACE = 64,
  FINALFUNC = retrack.page_test_value_final,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE retrack.page_test(pg_catalog.float8, pg_catalog.float8, pg_catalog.float8) IS
  'Page''s test (CUSUM) on values measured from their target: upper = max(0, upper + y - k), lower = max(0, lower - y - k), from 0; alarm while one is above h (Montgomery and Runger, Applied Statistics and Probability for Engineers, section 16-6). NULL values are ignored, none gives NULL; an infinite one is an alarm for ever; NaN, or k or h negative or changing, is error 22023';

CREATE FUNCTION retrack.page_false_alarm(k pg_catalog.float8, h pg_catalog.float8, periods pg_catalog.int4) RETURNS pg_catalog.float8
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10000 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retrack.page_false_alarm(pg_catalog.float8, pg_catalog.float8, pg_catalog.int4) IS
  'probability, at most, that Page''s two-sided test on standard normal values alarms within so many periods though nothing is missing: twice that of one side, which is computed as a Markov chain (Brook and Evans, Biometrika 59, 1972). good to a hundredth of it, and to 10^-4 of it up to an h of 20. k from 0 to 10, h from 0 to 100, periods from 1 to 1000000, else error 22023; NULL gives NULL';
CREATE FUNCTION retrack.page_threshold(k pg_catalog.float8, periods pg_catalog.int4, false_alarm_rate pg_catalog.float8) RETURNS pg_catalog.float8
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100000 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retrack.page_threshold(pg_catalog.float8, pg_catalog.int4, pg_catalog.float8) IS
  'the h with which page_test alarms within so many periods with at most that probability though nothing is missing: the inverse of page_false_alarm. k from 0 to 10, periods from 1 to 1000000, rate from 1e-9 to below 1, else error 22023, as where it would be above 100 (a k near 0 over very many periods); NULL gives NULL';
CREATE FUNCTION retrack.normal_p_value(z pg_catalog.float8) RETURNS pg_catalog.float8
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION retrack.normal_p_value(pg_catalog.float8) IS
  'two-sided probability of a standard normal value as far from 0 as z: the verdict of a z or sitmuf is an alarm where it is below the chosen false-alarm rate. NULL gives NULL';

