-- What landed, what was refused and why, what the books show.
\pset border 0
\pset footer off
SET search_path = trade, retrack, public;
-- days and deadlines are those of the authority
SET timezone = 'Asia/Shanghai';
SET retrack.as_of = '2026-02-01';

\echo
\echo '==== What landed'
SELECT s.target AS "table", s.landed AS rows, s.rejected AS refused FROM pull_state AS s ORDER BY s.started_at;

\echo '==== What was refused, and why'
SELECT sqlstate, row_key AS record, left(CASE sqlstate WHEN '23503' THEN detail ELSE message END, 110) AS reason FROM pull_reject WHERE resolved_at IS NULL ORDER BY sqlstate, target, row_key;

\echo '==== Ledgers agree with the rows they were drawn by (no line: they do)'
SELECT * FROM retrack.verify_ledger('trade');

\echo '==== Quotas of the groups (tonnes REO)'
SELECT name, stage, ore_class, round(granted::numeric / 1000) AS granted, round(drawn::numeric / 1000, 1) AS drawn,
       round(100 * share, 1) AS "% used", verdict
FROM quota_usage WHERE holder IN (SELECT party_id FROM party WHERE kind = 'group') ORDER BY name, stage, ore_class;

\echo '==== Quotas of members nearly used'
SELECT name, stage, ore_class, granted, drawn, round(100 * share, 1) AS "% used" FROM quota_usage
WHERE holder NOT IN (SELECT party_id FROM party WHERE kind = 'group') ORDER BY share DESC NULLS LAST LIMIT 5;

\echo '==== Licences used most'
SELECT licence, holder, control_code, form, granted, drawn, round(100 * share, 1) AS "% used", uses, max_uses, verdict
FROM licence_usage WHERE drawn > '0' ORDER BY share DESC, licence LIMIT 8;

\echo '==== Facilities whose material does not add up (kilograms of element, |MUF| > 3 sigma)'
SELECT facility_id, lower(period) AS month, element, round(muf, 3) AS muf, round(sigma, 3) AS sigma, round(z, 1) AS z, verdict
FROM facility_balance WHERE verdict IN ('missing', 'gain') ORDER BY facility_id, period, abs(z) DESC;

\echo '==== One facility, one month, as the aggregate prints it'
SELECT facility_id, lower(period) AS month, balance FROM facility_period
WHERE (facility_id, lower(period)) IN (SELECT facility_id, lower(period) FROM unexplained_gain ORDER BY z DESC LIMIT 1);

\echo '==== Deliveries the two sides report differently'
SELECT transfer_id, shipper, receiver, shipped, received, percent, kind FROM transfer_difference ORDER BY transfer_id;

\echo '==== Reports late or missing'
SELECT producer, lower(period) AS month, due_before::date, first_submitted_at::date AS submitted, status, days_late
FROM overdue_submission ORDER BY producer, period;

\echo '==== Exports sized to stay below the threshold'
SELECT exporter, client, first_on, last_on, shipments, net_mass, round(100 * least_fraction, 4) AS "least %", round(100 * most_fraction, 4) AS "most %"
FROM licence_splitting;

\echo '==== Deliveries and invoices that differ'
SELECT kind, delivery_id, seller, delivered, billed FROM vat_gap ORDER BY kind, delivery_id;

\echo '==== Exports and customs declarations that differ'
SELECT kind, coalesce(shipment_id, declaration_ids[1]) AS record, exporter, reported, declared FROM customs_gap ORDER BY 1, 2;

\echo '==== Lots with material no quota accounts for (the ten largest shares)'
SELECT lot_id, form, round(100 * share, 3) AS "% suspect", mass, origins[1] AS origin, reasons[1] AS reason
FROM suspect_origin ORDER BY share DESC, lot_id LIMIT 10;

\echo '==== One client, several spellings'
SELECT client, array_agg(DISTINCT spelling) AS spellings, sum(mass) AS mass
FROM (SELECT client, unnest(spellings) AS spelling, mass FROM client_volume) AS v
GROUP BY client HAVING count(DISTINCT spelling) > 1;

\echo '==== Months of dysprosium magnet exports around the day the control began'
SELECT lower(period) AS month, months_after, shipments, element_mass AS "Dy exported", round(100 * recovery, 1) AS "% of before", licences_granted
FROM export_recovery WHERE code = '1C905.a' AND form = 'magnet' AND period && '[2025-01-01,2026-01-01)' ORDER BY period;

\echo '==== How long licences take'
SELECT kind, control_code, applications, granted, refused, backlog, median_days, p90_days, longest_days
FROM licence_lead_time ORDER BY applications DESC, control_code LIMIT 5;

SELECT s.lot_id AS traced FROM shipment AS s JOIN suspect_origin AS o USING (lot_id)
WHERE s.form = 'magnet' AND retrack.fraction(s.assay, 'Dy') > 0 ORDER BY o.share DESC, s.lot_id LIMIT 1
\gset
\echo '==== Where the magnets of an exported lot come from:' :traced
SELECT t.origin, l.facility_id, f.name, round(100 * t.share, 3) AS "% of mass", t.mass
FROM retrack.trace_origin('trade', :'traced') AS t LEFT JOIN lot AS l ON l.lot_id = t.origin LEFT JOIN facility AS f USING (facility_id)
ORDER BY t.share DESC, t.origin LIMIT 8;
\echo '==== ... and its dysprosium'
SELECT t.origin, f.name, round(100 * t.share, 3) AS "% of Dy", t.mass
FROM retrack.trace_origin('trade', :'traced', 'Dy') AS t LEFT JOIN lot AS l ON l.lot_id = t.origin LEFT JOIN facility AS f USING (facility_id)
ORDER BY t.share DESC, t.origin LIMIT 5;
