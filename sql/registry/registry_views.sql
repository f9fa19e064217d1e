-- The views that answer how things stand: licences, quotas, material, submissions, deliveries.
CREATE FUNCTION retrack.create_registry_views(registry name) RETURNS void
LANGUAGE plpgsql VOLATILE STRICT SET search_path = pg_catalog, retrack, pg_temp AS $fn$
BEGIN
  EXECUTE format($ddl$
CREATE VIEW %1$I.licence_history WITH (security_barrier) AS
SELECT l.licence, l.holder, h.status, h.during
FROM %1$I.licence l
CROSS JOIN LATERAL (
  SELECT s.status, daterange(s.since, lead(s.since) OVER (ORDER BY s.since)) AS during
  FROM %1$I.licence_status s WHERE s.licence = l.licence
  UNION ALL
  -- before the first change the licence was what that change implies
  (SELECT CASE s.status WHEN 'issued' THEN 'pending' ELSE 'issued' END, daterange(NULL, s.since)
   FROM %1$I.licence_status s WHERE s.licence = l.licence ORDER BY s.since LIMIT 1)
  UNION ALL
  SELECT l.status, '(,)' WHERE NOT EXISTS (SELECT FROM %1$I.licence_status s WHERE s.licence = l.licence)
) h
WHERE l.holder IN (SELECT v.party_id FROM %1$I.visible_party v);

CREATE VIEW %1$I.licence_usage WITH (security_barrier) AS
SELECT l.licence, l.holder, l.kind, h.status, l.valid, i.line, i.control_code, i.form,
       i.granted, i.drawn, i.granted - i.drawn AS remaining,
       round(i.drawn::numeric / nullif(i.granted::numeric, 0), 4) AS share,
       l.max_uses, l.uses, l.max_uses - l.uses AS uses_left,
       CASE WHEN isfinite(upper(l.valid)) THEN upper(l.valid) - t.day END AS days_left,
       CASE WHEN i.drawn::numeric > i.granted::numeric * (1 + i.tolerance) OR l.uses > l.max_uses THEN 'overdrawn'
            WHEN h.status <> 'issued' THEN h.status
            WHEN NOT l.valid @> t.day THEN CASE WHEN t.day < lower(l.valid) THEN 'not yet valid' ELSE 'expired' END
            WHEN i.drawn >= i.granted OR l.uses >= l.max_uses THEN 'used up'
            WHEN i.drawn::numeric >= n.share * i.granted::numeric OR l.uses >= n.share * l.max_uses THEN 'nearly used'
            ELSE 'in use' END AS verdict
FROM %1$I.licence l
JOIN %1$I.licence_item i ON i.licence = l.licence
CROSS JOIN (SELECT retrack.as_of()::date AS day) t
JOIN %1$I.licence_history h ON h.licence = l.licence AND h.during @> t.day
CROSS JOIN (SELECT coalesce(max(value), 1) AS share FROM %1$I.setting WHERE name = 'licence_usage.nearly') n
WHERE NOT l.withdrawn AND NOT i.withdrawn
  AND l.holder IN (SELECT v.party_id FROM %1$I.visible_party v);

CREATE VIEW %1$I.quota_usage WITH (security_barrier) AS
SELECT q.quota_id, q.holder, p.name, q.stage, q.ore_class, q.period, q.granted, q.drawn,
       q.granted - q.drawn AS remaining,
       round(q.drawn::numeric / nullif(q.granted::numeric, 0), 4) AS share,
       CASE WHEN isfinite(lower(q.period)) AND isfinite(upper(q.period)) THEN
         round(least(1, greatest(0, (t.day + 1 - lower(q.period))::numeric / (upper(q.period) - lower(q.period)))), 4) END AS elapsed,
       CASE WHEN q.drawn > q.granted THEN 'overdrawn'
            WHEN q.drawn = q.granted AND q.granted::numeric > 0 THEN 'used up'
            WHEN q.drawn::numeric >= n.share * q.granted::numeric AND q.granted::numeric > 0 THEN 'nearly used'
            ELSE 'in use' END AS verdict
FROM %1$I.quota q
JOIN %1$I.party p ON p.party_id = q.holder
CROSS JOIN (SELECT retrack.as_of()::date AS day) t
CROSS JOIN (SELECT coalesce(max(value), 1) AS share FROM %1$I.setting WHERE name = 'quota_usage.nearly') n
WHERE NOT q.withdrawn
  AND q.holder IN (SELECT v.party_id FROM %1$I.aggregated_party v);

CREATE VIEW %1$I.every_movement AS
SELECT m.facility_id, daterange(m.month, (m.month + interval '1 month')::date) AS period,
       m.flow, m.form, m.mass, m.assay, i.random_rsd, i.systematic_rsd, m.instrument, m.relation, m.row_id
FROM (
  SELECT facility_id, upper(period) AS month, upper(period) - 1 AS day, 'opening'::retrack.flow AS flow, form, mass, assay,
         instrument, 'inventory' AS relation, inventory_id AS row_id
  FROM %1$I.inventory WHERE NOT withdrawn
  UNION ALL
  -- what was in stock at the period's end closes its last month, be it a month or a quarter; timestamps begin where dates do
  SELECT facility_id, CASE WHEN upper(period) > '1900-01-01' THEN (upper(period) - interval '1 month')::date ELSE lower(period) END,
         upper(period) - 1, 'closing', form, mass, assay, instrument, 'inventory', inventory_id
  FROM %1$I.inventory WHERE NOT withdrawn
  UNION ALL
  SELECT to_facility, date_trunc('month', transferred_on::timestamp)::date, transferred_on, 'receipt', form, mass, assay,
         instrument, 'transfer', transfer_id
  FROM %1$I.transfer WHERE reported_by = receiver AND to_facility IS NOT NULL AND NOT withdrawn
  UNION ALL
  SELECT facility_id, date_trunc('month', produced_on::timestamp)::date, produced_on, 'receipt', form, mass, assay,
         instrument, 'production', production_id
  FROM %1$I.production WHERE stage = 'mining' AND NOT withdrawn
  UNION ALL
  SELECT from_facility, date_trunc('month', transferred_on::timestamp)::date, transferred_on, 'shipment', form, mass, assay,
         instrument, 'transfer', transfer_id
  FROM %1$I.transfer WHERE reported_by = shipper AND from_facility IS NOT NULL AND NOT withdrawn
  UNION ALL
  SELECT facility_id, date_trunc('month', shipped_on::timestamp)::date, shipped_on, 'shipment', form, net_mass, assay,
         instrument, 'shipment', shipment_id
  FROM %1$I.shipment WHERE facility_id IS NOT NULL AND NOT withdrawn
  UNION ALL
  SELECT facility_id, date_trunc('month', lost_on::timestamp)::date, lost_on, 'loss', form, mass, assay,
         instrument, 'loss', loss_id
  FROM %1$I.loss WHERE NOT withdrawn
) m
LEFT JOIN %1$I.instrument i ON i.instrument = m.instrument AND i.valid @> m.day AND NOT i.withdrawn;

CREATE VIEW %1$I.facility_movement WITH (security_barrier) AS
SELECT m.* FROM %1$I.every_movement m
WHERE m.facility_id IN (SELECT v.facility_id FROM %1$I.visible_facility v);

CREATE VIEW %1$I.facility_period WITH (security_barrier) AS
SELECT m.facility_id, m.period,
       retrack.mass_balance(m.flow, m.mass, m.assay, m.random_rsd, m.systematic_rsd, m.instrument) AS balance,
       bool_or(m.flow = 'opening') AS opened, bool_or(m.flow = 'closing') AS closed,
       bool_or(m.assay IS NULL AND m.mass <> '0' AND m.flow IN ('opening', 'receipt')) AS unanalysed_in,
       bool_or(m.assay IS NULL AND m.mass <> '0' AND m.flow IN ('shipment', 'loss', 'closing')) AS unanalysed_out,
       count(*) FILTER (WHERE m.instrument IS NOT NULL AND m.random_rsd IS NULL AND m.mass <> '0') AS unknown_instruments
FROM %1$I.every_movement m
JOIN %1$I.facility f USING (facility_id)
WHERE f.party_id IN (SELECT v.party_id FROM %1$I.aggregated_party v)
GROUP BY m.facility_id, m.period;

CREATE VIEW %1$I.facility_balance WITH (security_barrier) AS
SELECT b.facility_id, f.party_id, f.stage, b.period, l.element, l.opening, l.receipts, l.shipments, l.losses, l.closing,
       l.muf, l.sigma, l.z,
       CASE WHEN NOT b.closed THEN 'no closing inventory'
            WHEN NOT b.opened THEN 'no opening inventory'
            WHEN l.sigma IS NULL THEN 'no sigma'
            -- what was not analysed can only explain what is missing if it left or was there, a gain if it came
            WHEN l.muf > t.sigma * l.sigma AND NOT b.unanalysed_out THEN CASE WHEN b.unknown_instruments > 0 THEN 'no instrument' ELSE 'missing' END
            WHEN l.muf < -t.sigma * l.sigma AND NOT b.unanalysed_in THEN CASE WHEN b.unknown_instruments > 0 THEN 'no instrument' ELSE 'gain' END
            WHEN b.unanalysed_in OR b.unanalysed_out THEN 'no assay'
            ELSE 'balanced' END AS verdict,
       b.unknown_instruments
FROM %1$I.facility_period b
JOIN %1$I.facility f USING (facility_id)
CROSS JOIN LATERAL retrack.balance_lines(b.balance) l
CROSS JOIN (SELECT coalesce(max(value), 0) AS sigma FROM %1$I.setting WHERE name = 'facility_balance.sigma') t;

CREATE VIEW %1$I.facility_sequence WITH (security_barrier) AS
SELECT s.facility_id, max(lower(s.period)) FILTER (WHERE s.begins) OVER (PARTITION BY s.facility_id ORDER BY s.period) AS since,
       s.period, s.balance, s.unanalysed_in, s.unanalysed_out, s.unknown_instruments
FROM (
  SELECT b.*, lag(b.period) OVER w IS NULL OR upper(lag(b.period) OVER w) <> lower(b.period)
              OR NOT retrack.continues(lag(b.balance) OVER w, b.balance) AS begins
  FROM %1$I.facility_period b
  WHERE b.opened AND b.closed AND b.balance IS NOT NULL
  WINDOW w AS (PARTITION BY b.facility_id ORDER BY b.period)
) s;

CREATE VIEW %1$I.unexplained_gain WITH (security_barrier) AS
SELECT b.facility_id, b.party_id, b.stage, b.period, b.element, -b.muf AS gain_kg, b.sigma AS sigma_kg, -b.z AS z
FROM %1$I.facility_balance b
WHERE b.verdict = 'gain';

CREATE VIEW %1$I.overdue_submission WITH (security_barrier) AS
SELECT d.producer, d.name, d.period, d.due_before, s.first_submitted_at,
       CASE WHEN s.first_version IS NULL OR s.gone THEN 'missing'
            WHEN s.first_version > 1 THEN 'first version unknown'
            ELSE 'late' END AS status,
       ceil(extract(epoch FROM CASE WHEN s.first_version IS NULL OR s.gone THEN t.moment ELSE s.first_submitted_at END
                    - d.due_before) / 86400)::integer AS days_late
FROM (SELECT retrack.as_of() AS moment) t
CROSS JOIN LATERAL (
  SELECT p.party_id AS producer, p.name, daterange(m.month::date, (m.month + interval '1 month')::date) AS period,
         m.month AT TIME ZONE l.time_zone AS begins,
         (m.month + make_interval(months => l.months_after, days => l.day_of_month - 1)) AT TIME ZONE l.time_zone AS due_before
  FROM %1$I.party p
  -- a report on an endless past, or on antiquity, is no day to begin at
  CROSS JOIN (SELECT min(lower(period)) FILTER (WHERE lower(period) >= '1900-01-01') AS day FROM %1$I.submission) b
  CROSS JOIN LATERAL generate_series(
    date_trunc('month', coalesce(nullif(lower(p.reporting), '-infinity'), b.day)::timestamp),
    least(t.moment AT TIME ZONE 'UTC', (upper(p.reporting) - 1)::timestamp), interval '1 month') m(month)
  JOIN %1$I.reporting_deadline l ON l.valid @> m.month::date
  WHERE NOT p.withdrawn
    AND (p.kind = 'producer' OR p.kind NOT IN ('group', 'trader', 'consumer', 'client', 'authority')
                                AND EXISTS (SELECT FROM %1$I.facility f WHERE f.party_id = p.party_id AND NOT f.withdrawn))
    AND p.party_id IN (SELECT v.party_id FROM %1$I.visible_party v)
) d
LEFT JOIN LATERAL (
  SELECT (array_agg(s.submitted_at ORDER BY s.version))[1] AS first_submitted_at, min(s.version) AS first_version,
         (array_agg(s.withdrawn ORDER BY s.version DESC))[1] AS gone
  FROM %1$I.submission s
  -- what was sent before the month began is no report on it, whatever period it names
  WHERE s.producer = d.producer AND s.period @> d.period AND s.submitted_at BETWEEN d.begins AND t.moment
) s ON true
WHERE d.due_before <= t.moment
  AND (s.first_version IS NULL OR s.gone OR s.first_submitted_at >= d.due_before);

CREATE VIEW %1$I.transfer_difference WITH (security_barrier) AS
SELECT d.transfer_id, d.shipper, d.receiver, d.transferred_on, d.form, d.shipped, d.received,
       d.difference AS difference_kg, round(d.sigma, 6) AS sigma_kg,
       round(100 * d.difference / nullif(greatest(d.shipped::numeric, d.received::numeric), 0), 4) AS percent,
       d.kind
FROM (
  SELECT coalesce(s.transfer_id, r.transfer_id) AS transfer_id, coalesce(s.shipper, r.shipper) AS shipper,
         coalesce(r.receiver, s.receiver) AS receiver, coalesce(s.transferred_on, r.transferred_on) AS transferred_on,
         coalesce(s.form, r.form) AS form, s.mass AS shipped, r.mass AS received,
         s.mass::numeric - r.mass::numeric AS difference,
         sqrt(power(s.mass::numeric * coalesce(si.random_rsd, 0)::numeric, 2) + power(r.mass::numeric * coalesce(ri.random_rsd, 0)::numeric, 2)
              + CASE WHEN s.instrument = r.instrument
                     THEN power((s.mass::numeric - r.mass::numeric) * coalesce(si.systematic_rsd, 0)::numeric, 2)
                     ELSE power(s.mass::numeric * coalesce(si.systematic_rsd, 0)::numeric, 2)
                          + power(r.mass::numeric * coalesce(ri.systematic_rsd, 0)::numeric, 2) END) AS sigma,
         CASE WHEN s.transfer_id IS NULL THEN 'shipper silent'
              WHEN r.transfer_id IS NULL THEN 'receiver silent'
              WHEN s.receiver <> r.receiver OR s.shipper <> r.shipper THEN 'parties differ'
              WHEN s.form <> r.form THEN 'form differs'
              ELSE 'mass differs' END AS kind
  FROM (SELECT * FROM %1$I.transfer WHERE reported_by = shipper AND NOT withdrawn) s
  FULL JOIN (SELECT * FROM %1$I.transfer WHERE reported_by = receiver AND NOT withdrawn) r ON r.transfer_id = s.transfer_id
  LEFT JOIN %1$I.instrument si ON si.instrument = s.instrument AND si.valid @> s.transferred_on AND NOT si.withdrawn
  LEFT JOIN %1$I.instrument ri ON ri.instrument = r.instrument AND ri.valid @> r.transferred_on AND NOT ri.withdrawn
) d
CROSS JOIN (SELECT coalesce(max(value) FILTER (WHERE name = 'transfer_difference.kg'), 0) AS kg,
                   coalesce(max(value) FILTER (WHERE name = 'transfer_difference.percent'), 0) AS percent,
                   coalesce(max(value) FILTER (WHERE name = 'transfer_difference.sigma'), 0) AS sigma
            FROM %1$I.setting) t
LEFT JOIN %1$I.reporting_deadline l ON l.valid @> date_trunc('month', d.transferred_on::timestamp)::date
WHERE CASE d.kind
        WHEN 'mass differs' THEN
          abs(d.difference) > t.kg AND abs(d.difference) > t.sigma * d.sigma
          AND 100 * abs(d.difference) > t.percent * greatest(d.shipped::numeric, d.received::numeric)
        WHEN 'parties differ' THEN true
        WHEN 'form differs' THEN true
        -- one side has until its deadline to report
        ELSE coalesce((date_trunc('month', d.transferred_on::timestamp)
                       + make_interval(months => l.months_after, days => l.day_of_month - 1)) AT TIME ZONE l.time_zone
                      <= retrack.as_of(), true)
      END
  AND (d.shipper IN (SELECT v.party_id FROM %1$I.visible_party v)
       OR d.receiver IN (SELECT v.party_id FROM %1$I.visible_party v)
       OR (SELECT v.yes FROM %1$I.visible_all v));

CREATE VIEW %1$I.client_volume WITH (security_barrier) AS
SELECT d.reported_by, retrack.normal_name(d.client_name) AS client,
       array_agg(DISTINCT d.client_name ORDER BY d.client_name) FILTER (WHERE d.client_name IS NOT NULL) AS spellings,
       d.kind, d.destination, daterange(d.month, (d.month + interval '1 month')::date) AS period, d.form,
       count(*) AS deliveries, sum(d.mass) AS mass, sum(d.value) AS value, d.currency
FROM (
  SELECT exporter AS reported_by, client_name, 'export' AS kind, destination,
         date_trunc('month', shipped_on::timestamp)::date AS month, form, net_mass AS mass, value, currency
  FROM %1$I.shipment WHERE NOT withdrawn
  UNION ALL
  SELECT shipper, client_name, 'domestic', NULL, date_trunc('month', transferred_on::timestamp)::date, form, mass, NULL, NULL
  FROM %1$I.transfer WHERE reported_by = shipper AND NOT withdrawn
) d
WHERE d.reported_by IN (SELECT v.party_id FROM %1$I.visible_party v)
GROUP BY d.reported_by, retrack.normal_name(d.client_name), d.kind, d.destination, d.month, d.form, d.currency;

CREATE VIEW %1$I.trade_volume WITH (security_barrier) AS
SELECT d.reported_by, d.kind, d.destination, daterange(d.month, (d.month + interval '1 month')::date) AS period, d.form,
       count(*) AS deliveries, sum(d.mass) AS mass, sum(retrack.reo_mass(d.mass, d.assay)) AS reo, sum(d.value) AS value, d.currency
FROM (
  SELECT exporter AS reported_by, 'export' AS kind, destination, date_trunc('month', shipped_on::timestamp)::date AS month,
         form, net_mass AS mass, assay, value, currency
  FROM %1$I.shipment WHERE NOT withdrawn
  UNION ALL
  SELECT shipper, 'domestic', NULL, date_trunc('month', transferred_on::timestamp)::date, form, mass, assay, NULL, NULL
  FROM %1$I.transfer WHERE reported_by = shipper AND NOT withdrawn
) d
WHERE d.reported_by IN (SELECT v.party_id FROM %1$I.aggregated_party v)
GROUP BY d.reported_by, d.kind, d.destination, d.month, d.form, d.currency;
$ddl$, registry);
END $fn$;
