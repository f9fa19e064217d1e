-- Protects: a report is late from the first moment of its deadline in the authority's time zone and not before, in every month, leap years
-- and changes of clocks included; a holiday, or another rule from a day on, is rows.
SET client_min_messages = warning;
SET timezone = 'UTC';
CALL retrack.create_registry('reg_due');
INSERT INTO reg_due.party (party_id, name, kind, reporting) VALUES ('P1', 'One', 'producer', '[2024-10-01,)');
-- every month's deadline, against the calendar's own arithmetic
SET retrack.as_of = '2032-03-09 23:59:59+00';
CREATE FUNCTION pg_temp.deadlines(zone text, after int, day int) RETURNS TABLE (months bigint, wrong bigint, first_due timestamptz, last_due timestamptz) LANGUAGE plpgsql AS $$
BEGIN
  UPDATE reg_due.reporting_deadline SET time_zone = zone, months_after = after, day_of_month = day;
  RETURN QUERY
    SELECT count(*), count(*) FILTER (WHERE o.due_before IS DISTINCT FROM make_timestamptz(extract(year FROM e.month)::int, extract(month FROM e.month)::int, day, 0, 0, 0, zone)
                                      OR o.status <> 'missing' OR o.days_late <> ceil(extract(epoch FROM retrack.as_of() - o.due_before) / 86400)), min(o.due_before), max(o.due_before)
    FROM reg_due.overdue_submission AS o CROSS JOIN LATERAL (SELECT lower(o.period) + make_interval(months => after)) AS e(month);
END $$;
SELECT z AS zone, a AS months_after, d AS day, x.* FROM (VALUES ('Asia/Shanghai', 1, 10), ('UTC', 1, 10), ('America/New_York', 1, 10), ('Pacific/Kiritimati', 1, 1), ('Pacific/Pago_Pago', 1, 28),
  ('Asia/Kathmandu', 2, 15), ('Asia/Shanghai', 0, 28)) AS v(z, a, d), pg_temp.deadlines(z, a, d) AS x;
UPDATE reg_due.reporting_deadline SET time_zone = 'Asia/Shanghai', months_after = 1, day_of_month = 10;

-- February of a leap year ends on the 29th; its report is due before 10 March all the same. The last microsecond is in time, the next is late.
INSERT INTO reg_due.party (party_id, name, kind, reporting) SELECT 'L' || n, 'Leap', 'producer', '[2028-02-01,2028-03-01)' FROM generate_series(1, 4) AS n;
INSERT INTO reg_due.submission (submission_id, producer, period, submitted_at) VALUES
  ('L1', 'L1', '[2028-02-01,2028-03-01)', '2028-03-09 23:59:59.999999+08'), ('L2', 'L2', '[2028-02-01,2028-03-01)', '2028-03-10 00:00+08'),
  -- a day short of the month is no report on it; one on the quarter is
  ('L3', 'L3', '[2028-02-01,2028-02-29)', '2028-03-05 00:00+08'), ('L4', 'L4', '[2028-01-01,2028-04-01)', '2028-03-05 00:00+08');
SELECT producer, period, due_before, status, days_late FROM reg_due.overdue_submission WHERE producer ~ '^L' ORDER BY 1;

-- The holidays of October 2025: September's reports are due before the 15th. The rule of the other months stays.
UPDATE reg_due.reporting_deadline SET valid = '[2024-10-01,2025-09-01)';
INSERT INTO reg_due.reporting_deadline (valid, months_after, day_of_month, time_zone, source) VALUES ('[2025-09-01,2025-10-01)', 1, 15, 'Asia/Shanghai', 'holidays of October 2025'),
  ('[2025-10-01,)', 1, 10, 'Asia/Shanghai', 'Order 71 of 2025');
SELECT period, due_before FROM reg_due.overdue_submission WHERE producer = 'P1' AND lower(period) BETWEEN '2025-08-01' AND '2025-10-31' ORDER BY 1;
SET retrack.as_of = '2025-10-14 23:59:59+08';
SELECT max(lower(period)) FROM reg_due.overdue_submission WHERE producer = 'P1';
SET retrack.as_of = '2025-10-15 00:00+08';
SELECT max(lower(period)) FROM reg_due.overdue_submission WHERE producer = 'P1';
-- silent sides of deliveries follow the same deadline
INSERT INTO reg_due.transfer (transfer_id, reported_by, shipper, receiver, transferred_on, form, mass) VALUES ('T', 'P1', 'P1', 'L1', '2025-09-30', 'oxide', '1 t');
SELECT kind FROM reg_due.transfer_difference;
SET retrack.as_of = '2025-10-14 23:59:59+08';
SELECT count(*) FROM reg_due.transfer_difference;
-- an authority that asks for nothing of a month is owed nothing
DELETE FROM reg_due.reporting_deadline WHERE valid @> date '2025-09-15';
SET retrack.as_of = '2026-01-01 00:00+08';
SELECT count(*) FROM reg_due.overdue_submission WHERE producer = 'P1' AND lower(period) = '2025-09-01';
DROP SCHEMA reg_due CASCADE;
