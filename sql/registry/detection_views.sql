-- The views that look for what should not be: each answers one question, in its comment.
CREATE FUNCTION retrack.create_registry_detection(registry name) RETURNS void
LANGUAGE plpgsql VOLATILE STRICT SET search_path = pg_catalog, retrack, pg_temp AS $fn$
BEGIN
  -- What of an export is controlled on its day. A code names an element; where with_elements are
  -- added the element itself must be there. The guard band moves the fraction by the assay's own
  -- standard deviation.
  EXECUTE format($ddl$
CREATE VIEW %1$I.every_export AS
SELECT s.shipment_id, s.shipped_on, s.exporter, s.consignee, s.end_user, s.client_name, s.destination, s.licence, s.control_code,
       s.hs_code, s.form, s.assay, s.net_mass, s.value, s.currency, NULL::text AS refused
FROM %1$I.shipment s
WHERE NOT s.withdrawn
UNION ALL
-- what a pull could not land because it broke a rule was exported all the same
SELECT s.shipment_id, s.shipped_on, s.exporter, s.consignee, s.end_user, s.client_name, s.destination, s.licence, s.control_code,
       s.hs_code, s.form, s.assay, s.net_mass, s.value, s.currency, r.sqlstate
FROM %1$I.pull_reject r
CROSS JOIN LATERAL jsonb_populate_record(NULL::%1$I.shipment, r.row_values) s
WHERE r.target = (SELECT format('%%I.%%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                  WHERE c.oid = %2$L::regclass)  -- by the object, so that the view follows a renamed schema
  AND r.resolved_at IS NULL AND r.sqlstate ~ '^RT(L|001)' AND s.withdrawn IS NOT TRUE;

CREATE VIEW %1$I.every_controlled_export AS
SELECT s.shipment_id, s.exporter, s.shipped_on, c.code, c.element, s.form, c.fraction, c.threshold, s.net_mass,
       retrack.element_mass(s.net_mass, s.assay, c.element) AS element_mass, s.licence, s.control_code,
       s.destination, s.client_name, s.value, s.currency, c.source, s.refused
FROM %1$I.every_export s
CROSS JOIN LATERAL (
  SELECT l.code, l.element, l.threshold, l.source, f.fraction
  FROM %1$I.control_list l
  CROSS JOIN LATERAL (SELECT sum(retrack.fraction(s.assay, e)) AS fraction,
                             sqrt(sum(retrack.fraction_sd(s.assay, e) * retrack.fraction_sd(s.assay, e))) AS sd
                      FROM (SELECT l.element UNION SELECT unnest(l.with_elements)) AS u(e)) f
  WHERE l.form = s.form AND l.valid @> s.shipped_on AND NOT l.suspended @> s.shipped_on
    AND retrack.fraction(s.assay, l.element) > 0 AND f.fraction + l.guard * f.sd > l.threshold
) c;

CREATE VIEW %1$I.controlled_export WITH (security_barrier) AS
SELECT c.shipment_id, c.exporter, c.shipped_on, c.code, c.element, c.form, c.fraction, c.threshold, c.net_mass, c.element_mass,
       c.licence, c.control_code, c.destination, c.client_name, c.value, c.currency, c.source
FROM %1$I.every_controlled_export c
WHERE c.refused IS NULL AND c.exporter IN (SELECT v.party_id FROM %1$I.visible_party v);

CREATE VIEW %1$I.unlicensed_export WITH (security_barrier) AS
SELECT s.shipment_id, s.exporter, s.shipped_on, s.destination, s.form, s.net_mass, s.licence, s.control_code,
       coalesce(c.codes, '{}') AS controlled_as, w.reason, s.refused
FROM %1$I.every_export s
LEFT JOIN (SELECT shipment_id, refused IS NULL AS landed, array_agg(DISTINCT code ORDER BY code) AS codes
           FROM %1$I.every_controlled_export GROUP BY 1, 2) c
  ON c.shipment_id = s.shipment_id AND c.landed = (s.refused IS NULL)
LEFT JOIN %1$I.licence l ON l.licence = s.licence AND NOT l.withdrawn
LEFT JOIN %1$I.licence_history h ON h.licence = l.licence AND h.during @> s.shipped_on
CROSS JOIN LATERAL (
  SELECT CASE
    WHEN s.licence IS NULL THEN 'no licence'
    WHEN l.licence IS NULL THEN 'licence unknown'
    WHEN h.status <> 'issued' THEN 'licence ' || h.status
    WHEN NOT l.valid @> s.shipped_on THEN CASE WHEN s.shipped_on < lower(l.valid) THEN 'licence not yet valid' ELSE 'licence expired' END
    WHEN l.holder <> s.exporter THEN 'licence of another'
    WHEN NOT EXISTS (SELECT FROM %1$I.licence_item i WHERE i.licence = s.licence AND i.form = s.form AND NOT i.withdrawn
                     AND (i.control_code = s.control_code OR starts_with(s.control_code, i.control_code || '.'))
                     AND coalesce(i.hs_code = s.hs_code, true))
      THEN 'item not licensed'
    WHEN cardinality(l.destinations) > 0 AND s.destination <> ALL (l.destinations) THEN 'destination not licensed'
    ELSE (SELECT replace(min(p.role), '_', ' ') || ' not licensed'
          FROM %1$I.licence_party p
          WHERE p.licence = s.licence AND NOT p.withdrawn
            AND NOT EXISTS (SELECT FROM %1$I.licence_party n WHERE n.licence = s.licence AND n.role = p.role AND NOT n.withdrawn
                            AND n.party_id = CASE p.role WHEN 'consignee' THEN s.consignee ELSE s.end_user END))
    END AS reason) w
WHERE w.reason IS NOT NULL
  AND (c.shipment_id IS NOT NULL OR s.licence IS NOT NULL OR s.control_code IS NOT NULL)
  AND (s.exporter IN (SELECT v.party_id FROM %1$I.visible_party v) OR (SELECT v.yes FROM %1$I.visible_all v));

CREATE VIEW %1$I.licence_splitting WITH (security_barrier) AS
WITH limits AS (
  SELECT coalesce(max(value) FILTER (WHERE name = 'licence_splitting.days'), 0)::integer AS days,
         coalesce(max(value) FILTER (WHERE name = 'licence_splitting.count'), 2) AS least,
         coalesce(max(value) FILTER (WHERE name = 'licence_splitting.near'), 1) AS near
  FROM %1$I.setting
), near AS (
  -- exports without licence that stay just below a threshold of the control list
  SELECT DISTINCT ON (s.exporter, client, s.shipment_id) s.exporter, retrack.normal_name(s.client_name) AS client,
         s.shipment_id, s.shipped_on, s.form, s.net_mass, c.code, f.fraction, c.threshold
  FROM %1$I.shipment s
  CROSS JOIN limits t
  JOIN %1$I.control_list c ON c.form = s.form AND c.valid @> s.shipped_on AND NOT c.suspended @> s.shipped_on
  CROSS JOIN LATERAL (SELECT sum(retrack.fraction(s.assay, e)) AS fraction
                      FROM (SELECT c.element UNION SELECT unnest(c.with_elements)) AS u(e)) f
  WHERE NOT s.withdrawn AND s.licence IS NULL AND c.threshold > 0 AND isfinite(s.shipped_on)
    AND retrack.fraction(s.assay, c.element) > 0
    AND f.fraction BETWEEN t.near * c.threshold AND c.threshold
    AND NOT EXISTS (SELECT FROM %1$I.every_controlled_export x WHERE x.shipment_id = s.shipment_id AND x.refused IS NULL)
  ORDER BY s.exporter, client, s.shipment_id, f.fraction / c.threshold DESC, c.code
), counted AS (
  SELECT n.*, count(*) OVER (PARTITION BY n.exporter, n.client ORDER BY n.shipped_on
           RANGE BETWEEN CURRENT ROW AND (SELECT make_interval(days => t.days) FROM limits t) FOLLOWING) AS ahead
  FROM near n
), kept AS (
  -- those that some window of so many days holds together with enough others
  SELECT m.*, m.shipped_on - lag(m.shipped_on) OVER (PARTITION BY m.exporter, m.client
                                                     ORDER BY m.shipped_on, m.shipment_id) AS gap
  FROM (SELECT c.*, max(c.ahead) OVER (PARTITION BY c.exporter, c.client ORDER BY c.shipped_on
                 RANGE BETWEEN (SELECT make_interval(days => t.days) FROM limits t) PRECEDING AND CURRENT ROW) AS most
        FROM counted c) m
  WHERE m.most >= (SELECT t.least FROM limits t)
), islands AS (
  SELECT k.*, count(*) FILTER (WHERE k.gap > (SELECT t.days FROM limits t))
                OVER (PARTITION BY k.exporter, k.client ORDER BY k.shipped_on, k.shipment_id) AS island
  FROM kept k
)
SELECT i.exporter, i.client, min(i.shipped_on) AS first_on, max(i.shipped_on) AS last_on, count(*) AS shipments,
       sum(i.net_mass) AS net_mass, min(i.fraction) AS least_fraction, max(i.fraction) AS most_fraction,
       max(i.threshold) AS threshold, array_agg(i.shipment_id ORDER BY i.shipped_on, i.shipment_id) AS shipment_ids
FROM islands i
WHERE i.exporter IN (SELECT v.party_id FROM %1$I.visible_party v)
GROUP BY i.exporter, i.client, i.island;
$ddl$, registry, format('%I.shipment', registry));

  EXECUTE format($ddl$
CREATE VIEW %1$I.vat_gap WITH (security_barrier) AS
SELECT g.kind, g.record, g.delivery_id, g.seller, g.buyer, g.delivered_on, g.delivered, g.billed,
       g.billed::numeric - g.delivered::numeric AS difference_kg, g.invoice_ids
FROM (
  SELECT CASE WHEN d.delivery_id IS NULL THEN 'nothing delivered'
              WHEN b.record IS NULL THEN CASE WHEN d.delivered_on + t.days <= retrack.as_of()::date THEN 'not billed' END
              WHEN 100 * (d.mass::numeric - b.mass::numeric) > t.percent * d.mass::numeric THEN 'billed less'
              WHEN 100 * (b.mass::numeric - d.mass::numeric) > t.percent * d.mass::numeric THEN 'billed more'
              WHEN d.seller <> ANY (b.sellers) THEN 'other seller'
              WHEN d.buyer <> ANY (b.buyers) THEN 'other buyer' END AS kind,
         coalesce(d.record, b.record) AS record, coalesce(d.delivery_id, b.delivery_id) AS delivery_id,
         coalesce(d.seller, b.sellers[1]) AS seller, coalesce(d.buyer, b.buyers[1]) AS buyer, d.delivered_on,
         d.mass AS delivered, b.mass AS billed, b.invoice_ids
  FROM (
    -- one row a delivery, in the seller's words where he reported it
    (SELECT DISTINCT ON (transfer_id) 'transfer' AS record, transfer_id AS delivery_id, shipper AS seller, receiver AS buyer,
            transferred_on AS delivered_on, mass
     FROM %1$I.transfer WHERE NOT withdrawn AND shipper <> receiver
     ORDER BY transfer_id, reported_by = shipper DESC)
    UNION ALL
    SELECT 'shipment', shipment_id, exporter, consignee, shipped_on, net_mass FROM %1$I.shipment WHERE NOT withdrawn
  ) d
  FULL JOIN (
    SELECT CASE WHEN transfer_id IS NOT NULL THEN 'transfer' WHEN shipment_id IS NOT NULL THEN 'shipment' ELSE 'invoice' END AS record,
           coalesce(transfer_id, shipment_id, invoice_id) AS delivery_id, sum(mass) AS mass,
           array_agg(DISTINCT seller) AS sellers, array_agg(DISTINCT buyer) FILTER (WHERE buyer IS NOT NULL) AS buyers,
           array_agg(invoice_id ORDER BY issued_on, invoice_id) AS invoice_ids
    FROM %1$I.invoice WHERE NOT withdrawn
    GROUP BY 1, 2
  ) b ON b.record = d.record AND b.delivery_id = d.delivery_id
  CROSS JOIN (SELECT coalesce(max(value) FILTER (WHERE name = 'vat_gap.percent'), 0) AS percent,
                     coalesce(max(value) FILTER (WHERE name = 'vat_gap.days'), 0)::integer AS days
              FROM %1$I.setting) t
) g
WHERE g.kind IS NOT NULL
  AND (g.seller IN (SELECT v.party_id FROM %1$I.visible_party v) OR (SELECT v.yes FROM %1$I.visible_all v));

CREATE VIEW %1$I.customs_gap WITH (security_barrier) AS
SELECT g.kind, g.shipment_id, g.exporter, g.shipped_on, g.reported, g.declared_on, g.declared,
       g.declared::numeric - g.reported::numeric AS difference_kg, g.reported_value, g.declared_value, g.currency,
       g.destination, g.declared_destination, g.declaration_ids
FROM (
  SELECT m.*, CASE
      WHEN m.reported IS NULL THEN 'not reported'
      WHEN m.declared IS NULL THEN 'not declared'
      WHEN m.exporter <> ANY (m.declarants) THEN 'other exporter'
      WHEN m.destination <> ANY (m.declared_destinations) THEN 'other destination'
      WHEN 100 * (m.reported::numeric - m.declared::numeric) > t.percent * m.reported::numeric THEN 'declared less'
      WHEN 100 * (m.declared::numeric - m.reported::numeric) > t.percent * m.reported::numeric THEN 'declared more'
      WHEN m.declared_currency = m.currency
       AND 100 * abs(m.declared_value - m.reported_value) > t.percent * m.reported_value THEN 'other value' END AS kind,
    t.days
  FROM (
    SELECT coalesce(s.shipment_id, d.shipment_id) AS shipment_id, coalesce(s.exporter, d.declarants[1]) AS exporter, d.declarants,
           s.shipped_on, s.net_mass AS reported, d.declared_on, d.net_mass AS declared, s.value AS reported_value,
           d.value AS declared_value, coalesce(s.currency, d.currency) AS currency, d.currency AS declared_currency,
           s.destination, d.destinations AS declared_destinations, d.declaration_ids,
           -- of several, one that is not the reported one
           coalesce((SELECT min(o) FROM unnest(d.destinations) o WHERE o <> s.destination), d.destinations[1]) AS declared_destination
    FROM (SELECT * FROM %1$I.shipment WHERE NOT withdrawn) s
    FULL JOIN (
      -- declarations without a shipment's number stay by themselves
      SELECT shipment_id, coalesce(shipment_id, declaration_id) AS key, array_agg(DISTINCT declarant) AS declarants, min(declared_on) AS declared_on,
             sum(net_mass) AS net_mass, sum(value) AS value,
             CASE WHEN count(DISTINCT currency) = 1 THEN min(currency) END AS currency, array_agg(DISTINCT destination) FILTER (WHERE destination IS NOT NULL) AS destinations,
             array_agg(declaration_id ORDER BY declared_on, declaration_id) AS declaration_ids
      FROM %1$I.customs_declaration WHERE NOT withdrawn
      GROUP BY shipment_id, coalesce(shipment_id, declaration_id)
    ) d ON d.shipment_id = s.shipment_id
  ) m
  CROSS JOIN (SELECT coalesce(max(value) FILTER (WHERE name = 'customs_gap.percent'), 0) AS percent,
                     coalesce(max(value) FILTER (WHERE name = 'customs_gap.days'), 0)::integer AS days
              FROM %1$I.setting) t
) g
WHERE g.kind IS NOT NULL
  AND (g.kind <> 'not declared' OR g.shipped_on + g.days <= retrack.as_of()::date)
  AND (g.exporter IN (SELECT v.party_id FROM %1$I.visible_party v) OR (SELECT v.yes FROM %1$I.visible_all v));

CREATE VIEW %1$I.licence_lead_time WITH (security_barrier) AS
SELECT a.kind, a.control_code, count(*) AS applications,
       count(*) FILTER (WHERE a.decided) AS decided,
       count(*) FILTER (WHERE a.decided AND a.outcome = 'granted') AS granted,
       count(*) FILTER (WHERE a.decided AND a.outcome = 'refused') AS refused,
       count(*) FILTER (WHERE NOT a.decided) AS backlog,
       percentile_disc(0.5) WITHIN GROUP (ORDER BY a.days) FILTER (WHERE a.decided) AS median_days,
       percentile_disc(0.9) WITHIN GROUP (ORDER BY a.days) FILTER (WHERE a.decided) AS p90_days,
       max(a.days) FILTER (WHERE a.decided) AS longest_days,
       max(a.days) FILTER (WHERE NOT a.decided) AS oldest_pending_days,
       count(*) FILTER (WHERE a.working_days > t.working_days) AS past_limit
FROM (
  SELECT l.kind, l.control_code, l.outcome, x.decided, x.until - l.applied_on AS days,
         -- Mondays to Fridays after the day of application, up to and with the day of decision: whole
         -- weeks of five, then the rest day by day; holidays are not known here
         (x.until - l.applied_on) / 7 * 5
         + (SELECT count(*) FROM generate_series(1, (x.until - l.applied_on) %% 7) n
            WHERE extract(isodow FROM x.until - n + 1) < 6) AS working_days
  FROM %1$I.licence_application l
  CROSS JOIN (SELECT retrack.as_of()::date AS day) t
  CROSS JOIN LATERAL (SELECT coalesce(l.decided_on <= t.day, false) AS decided) d
  CROSS JOIN LATERAL (SELECT d.decided, CASE WHEN d.decided THEN l.decided_on ELSE t.day END AS until) x
  WHERE NOT l.withdrawn AND l.applied_on <= t.day AND isfinite(l.applied_on)
    AND l.applicant IN (SELECT v.party_id FROM %1$I.aggregated_party v)
) a
CROSS JOIN (SELECT max(value) AS working_days FROM %1$I.setting WHERE name = 'licence_lead_time.working_days') t
GROUP BY a.kind, a.control_code;

CREATE VIEW %1$I.export_recovery WITH (security_barrier) AS
WITH control AS (
  -- the first day the control binds, suspensions aside; where an entry was replaced by a later one, each
  -- decides from its first day to the next one's, and the first one of what was exported before, too
  SELECT c.code, c.element, c.form, c.threshold, c.with_elements,
         min(lower(datemultirange(c.valid) - c.suspended)) OVER (PARTITION BY c.code, c.element, c.form) AS starts_on,
         daterange(CASE WHEN row_number() OVER entry > 1 THEN lower(c.valid) END, lead(lower(c.valid)) OVER entry) AS decides
  FROM %1$I.control_list c
  WINDOW entry AS (PARTITION BY c.code, c.element, c.form ORDER BY lower(c.valid) NULLS FIRST)
), export AS (
  SELECT c.code, c.element, c.form, c.starts_on, date_trunc('month', s.shipped_on::timestamp)::date AS month,
         count(*) AS shipments, sum(s.net_mass) AS net_mass,
         sum(retrack.element_mass(s.net_mass, s.assay, c.element)) AS element_mass
  FROM control c
  JOIN %1$I.shipment s ON s.form = c.form AND c.decides @> s.shipped_on AND NOT s.withdrawn
  CROSS JOIN LATERAL (SELECT sum(retrack.fraction(s.assay, e)) AS fraction
                      FROM (SELECT c.element UNION SELECT unnest(c.with_elements)) AS u(e)) f
  WHERE c.starts_on <= retrack.as_of()::date AND s.shipped_on <= retrack.as_of()::date
    AND retrack.fraction(s.assay, c.element) > 0 AND f.fraction > c.threshold
    AND s.exporter IN (SELECT v.party_id FROM %1$I.aggregated_party v)
  GROUP BY c.code, c.element, c.form, c.starts_on, date_trunc('month', s.shipped_on::timestamp)
), goods AS (
  SELECT DISTINCT code, element, form, starts_on FROM export
), span AS (
  SELECT date_trunc('month', (min(shipped_on) FILTER (WHERE shipped_on >= '1900-01-01' AND isfinite(shipped_on)))::timestamp) AS first, date_trunc('month', retrack.as_of() AT TIME ZONE 'UTC') AS last
  FROM %1$I.shipment WHERE NOT withdrawn
), month AS (
  SELECT g.*, m.month::date AS month,
         (extract(year FROM m.month) * 12 + extract(month FROM m.month)
          - extract(year FROM g.starts_on) * 12 - extract(month FROM g.starts_on))::integer AS months_after
  FROM goods g CROSS JOIN span CROSS JOIN LATERAL generate_series(span.first, span.last, interval '1 month') m(month)
), filled AS (
  SELECT m.*, coalesce(e.shipments, 0) AS shipments, coalesce(e.net_mass, '0 kg') AS net_mass,
         coalesce(e.element_mass, '0 kg') AS element_mass,
         (SELECT count(*) FROM %1$I.licence_application a
          WHERE a.outcome = 'granted' AND NOT a.withdrawn AND a.decided_on >= m.month
            AND a.decided_on < m.month + interval '1 month'
            AND (a.control_code = m.code OR starts_with(m.code, a.control_code || '.'))) AS licences_granted
  FROM month m
  LEFT JOIN export e ON e.code = m.code AND e.element = m.element AND e.form = m.form AND e.month = m.month
)
SELECT f.code, f.element, f.form, f.starts_on, daterange(f.month, (f.month + interval '1 month')::date) AS period,
       f.months_after, f.shipments, f.net_mass, f.element_mass, b.monthly AS before_element_mass,
       round(f.element_mass::numeric / nullif(b.monthly::numeric, 0), 4) AS recovery, f.licences_granted
FROM filled f
LEFT JOIN (SELECT code, element, form, avg(element_mass) AS monthly FROM filled
           WHERE months_after BETWEEN -12 AND -1 GROUP BY code, element, form) b
  ON b.code = f.code AND b.element = f.element AND b.form = f.form;
$ddl$, registry);

  -- Where a lot's material entered the books, and whether anything accounts for it there.
  EXECUTE format($ddl$
CREATE VIEW %1$I.suspect_origin WITH (security_barrier) AS
WITH RECURSIVE above(party_id, ancestor) AS (
  SELECT party_id, party_id FROM %1$I.party
  UNION
  SELECT a.party_id, p.parent FROM above a JOIN %1$I.party p ON p.party_id = a.ancestor WHERE p.parent IS NOT NULL
), origin AS (
  SELECT l.lot_id,
    CASE WHEN l.origin IN ('imported', 'by_product', 'recycled') OR f.stage = 'recycling' THEN NULL
         WHEN bool_or(m.accounted) THEN NULL
         WHEN count(m.production_id) = 0 THEN 'no production reported'
         ELSE 'no quota' END AS reason
  FROM %1$I.lot l
  LEFT JOIN %1$I.facility f USING (facility_id)
  LEFT JOIN LATERAL (
    SELECT p.production_id, p.stage = 'recycling' OR p.ore_class IN ('imported', 'by_product')
           OR EXISTS (SELECT FROM above a JOIN %1$I.quota q ON q.holder = a.ancestor
                      WHERE a.party_id = f.party_id AND NOT q.withdrawn AND q.granted > '0 kg' AND q.stage = p.stage
                        AND q.ore_class IN (p.ore_class, 'any') AND q.period @> p.produced_on) AS accounted
    FROM %1$I.production p WHERE p.lot_id = l.lot_id AND NOT p.withdrawn
  ) m ON true
  WHERE NOT l.withdrawn
    AND NOT EXISTS (SELECT FROM %1$I.lot_edge e WHERE e.output_lot = l.lot_id AND NOT e.withdrawn)
  GROUP BY l.lot_id, l.origin, f.stage
), suspect AS (
  -- an origin that is in the books and has inputs is one of a pool of lots that only feed each other
  SELECT s.lot, s.share, s.mass, s.origin,
         coalesce(o.reason, CASE WHEN EXISTS (SELECT FROM %1$I.lot l WHERE l.lot_id = s.origin AND NOT l.withdrawn)
                                 THEN 'circular' ELSE 'lot not reported' END) AS reason
  -- by the object, so that the view follows a renamed schema; as one value, since a join could be
  -- planned so that the function is asked for every schema there is
  FROM retrack.origin_shares((SELECT n.nspname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                              WHERE c.oid = %2$L::regclass), NULL, 'lot') s
  LEFT JOIN origin o ON o.lot_id = s.origin
  WHERE o.lot_id IS NULL OR o.reason IS NOT NULL
)
SELECT l.lot_id, l.facility_id, l.form, l.created_on, sum(s.share) AS share, sum(s.mass) AS mass,
       array_agg(s.origin ORDER BY s.share DESC, s.origin) AS origins, array_agg(s.reason ORDER BY s.share DESC, s.origin) AS reasons
FROM suspect s
JOIN %1$I.lot l ON l.lot_id = s.lot
WHERE l.facility_id IN (SELECT v.facility_id FROM %1$I.visible_facility v)
GROUP BY l.lot_id, l.facility_id, l.form, l.created_on
HAVING sum(s.share) >= (SELECT coalesce(max(value), 0) FROM %1$I.setting WHERE name = 'suspect_origin.share');
$ddl$, registry, format('%I.lot', registry));
END $fn$;
