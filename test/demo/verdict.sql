-- Compares what the books found with what the generator planted: every planted case must be found
-- under its id, and nothing else may be refused or flagged.
\pset footer off
\pset border 0
SET search_path = trade, retrack, public;
SET retrack.as_of = '2026-02-01';

CREATE TEMP VIEW found AS
  SELECT sqlstate::text AS finding, row_key AS id, '-' AS month FROM pull_reject WHERE resolved_at IS NULL
  UNION SELECT 'transfer_difference', transfer_id, '-' FROM transfer_difference
  UNION SELECT 'unlicensed_export', shipment_id, '-' FROM unlicensed_export
  UNION SELECT 'vat_gap', delivery_id, '-' FROM vat_gap
  UNION SELECT 'customs_gap', coalesce(shipment_id, declaration_ids[1]), '-' FROM customs_gap
  UNION SELECT 'unexplained_gain', facility_id, to_char(lower(period), 'YYYY-MM') FROM unexplained_gain
  UNION SELECT 'facility_balance', facility_id, to_char(lower(period), 'YYYY-MM') FROM facility_balance WHERE verdict IN ('missing', 'gain')
  UNION SELECT 'overdue_submission', producer, to_char(lower(period), 'YYYY-MM') FROM overdue_submission
  UNION SELECT 'licence_splitting', unnest(shipment_ids), '-' FROM licence_splitting
  UNION SELECT 'suspect_origin', lot_id, '-' FROM suspect_origin
  UNION SELECT 'client_volume', 'C-DE-01', '-' FROM client_volume WHERE client = retrack.normal_name('Bavaria Motion GmbH')
    GROUP BY client HAVING count(DISTINCT spellings) > 1;

CREATE TEMP VIEW wanted AS
  SELECT w.finding,
         CASE WHEN w.finding = 'overdue_submission' THEN p.party ELSE p.id END AS id,
         CASE WHEN w.finding IN ('unexplained_gain', 'facility_balance', 'overdue_submission') THEN p.period ELSE '-' END AS month
  FROM planted AS p CROSS JOIN LATERAL (VALUES (p.expected), (p.also)) AS w(finding)
  WHERE w.finding <> '-';

CREATE TEMP TABLE verdict AS
  SELECT CASE WHEN f.id IS NULL THEN 'missed' WHEN w.id IS NULL THEN 'wrongly found' ELSE 'found' END AS verdict,
         finding, id, month
  FROM (SELECT DISTINCT * FROM wanted) AS w FULL JOIN found AS f USING (finding, id, month);

SELECT finding, count(*) FILTER (WHERE verdict = 'found') AS "planted and found",
       count(*) FILTER (WHERE verdict = 'missed') AS missed, count(*) FILTER (WHERE verdict = 'wrongly found') AS "wrongly found"
FROM verdict GROUP BY finding ORDER BY finding;
SELECT count(*) AS planted FROM verdict WHERE verdict <> 'wrongly found' \gset
SELECT count(*) > 0 AS off FROM verdict WHERE verdict <> 'found' \gset
\if :off
SELECT * FROM verdict WHERE verdict <> 'found' ORDER BY verdict, finding, id LIMIT 40;
\else
\echo 'All' :planted 'planted findings were made, and nothing honest was found fault with.'
\endif

\set verdict_file :out '/verdict.txt'
\pset format unaligned
\pset tuples_only on
\o :verdict_file
SELECT verdict, finding, id, month FROM verdict ORDER BY 1, 2, 3, 4;
\o
