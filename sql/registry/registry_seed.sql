-- Reference data every registry begins with. Rows, not code: a DBA corrects and extends them.
CREATE FUNCTION retrack.create_registry_seed(registry name) RETURNS void
LANGUAGE plpgsql VOLATILE STRICT SET search_path = pg_catalog, retrack, pg_temp AS $fn$
DECLARE
  a18 CONSTANT text := 'Announcement 18 of 2025';
  a57 CONSTANT text := 'Announcement 57 of 2025';
BEGIN
  -- Metals, listed alloys and targets are .a, oxides .b, compounds .c. The announcements give no
  -- threshold; the trade reads 0.1 % by mass (of Dy and Tb together in magnets) as free.
  EXECUTE format($sql$
    INSERT INTO %1$I.control_list (code, element, form, threshold, valid, suspended, source)
    SELECT e.code || f.item, e.element::retrack.element, f.form::retrack.form, 0.001,
           e.valid::daterange, e.suspended::datemultirange, e.source
    FROM (VALUES
      ('1C902', 'Sm', '[2025-04-04,)', '{}', %2$L),
      ('1C903', 'Gd', '[2025-04-04,)', '{}', %2$L),
      ('1C904', 'Tb', '[2025-04-04,)', '{}', %2$L),
      ('1C905', 'Dy', '[2025-04-04,)', '{}', %2$L),
      ('1C906', 'Lu', '[2025-04-04,)', '{}', %2$L),
      ('1C907', 'Sc', '[2025-04-04,)', '{}', %2$L),
      ('1C908', 'Y',  '[2025-04-04,)', '{}', %2$L),
      ('1C909', 'Ho', '[2025-11-08,)', '{[2025-11-07,2026-11-10]}', %3$L),
      ('1C910', 'Er', '[2025-11-08,)', '{[2025-11-07,2026-11-10]}', %3$L),
      ('1C911', 'Tm', '[2025-11-08,)', '{[2025-11-07,2026-11-10]}', %3$L),
      ('1C912', 'Eu', '[2025-11-08,)', '{[2025-11-07,2026-11-10]}', %3$L),
      ('1C913', 'Yb', '[2025-11-08,)', '{[2025-11-07,2026-11-10]}', %3$L)
    ) AS e(code, element, valid, suspended, source),
    (VALUES ('.a', 'metal'), ('.a', 'alloy'), ('.a', 'target'), ('.b', 'oxide'), ('.c', 'compound'))
      AS f(item, form)$sql$, registry, a18, a57);
  EXECUTE format($sql$
    INSERT INTO %1$I.control_list (code, element, form, threshold, with_elements, valid, source)
    VALUES
      ('1C902.a.4', 'Sm', 'magnet', 0.001, '{}', '[2025-04-04,)', %2$L),
      ('1C904.a.4', 'Tb', 'magnet', 0.001, '{Dy}', '[2025-04-04,)', %2$L),
      ('1C905.a', 'Dy', 'magnet', 0.001, '{Tb}', '[2025-04-04,)', %2$L)$sql$, registry, a18);
  EXECUTE format($sql$
    INSERT INTO %1$I.hs_code (hs_code, form, elements, source)
    SELECT v.hs_code, v.form::retrack.form, v.elements::retrack.element[], 'customs tariff of China'
    FROM (VALUES
      ('2805301100', 'metal', '{Nd}'), ('2805301200', 'metal', '{Dy}'), ('2805301300', 'metal', '{Tb}'),
      ('2805301400', 'metal', '{La}'), ('2805301600', 'metal', '{Pr}'), ('2805301700', 'metal', '{Y}'),
      ('2805301800', 'metal', '{Sc}'), ('2805301910', 'metal', '{Sm,Gd,Lu}'),
      ('2846901940', 'oxide', '{Sm}'), ('2846901930', 'oxide', '{Gd}'),
      ('3824999922', 'target', '{}'), ('8486909110', 'target', '{}'), ('8505111000', 'magnet', '{}')
    ) AS v(hs_code, form, elements)$sql$, registry);
  EXECUTE format($sql$
    INSERT INTO %1$I.reporting_deadline (valid, months_after, day_of_month, time_zone, source)
    VALUES ('[2024-10-01,)', 1, 10, 'Asia/Shanghai',
            'Order 71 of 2025: before the 10th of the next month; duty to report since Order 785, 2024-10-01')
    $sql$, registry);
  EXECUTE format($sql$
    INSERT INTO %1$I.setting (name, value, unit, note) VALUES
      ('transfer_difference.kg', 1, 'kg', 'differences up to this mass are never shown'),
      ('transfer_difference.percent', 0.5, '%%', 'differences up to this share of the larger mass are never shown'),
      ('transfer_difference.sigma', 3, 'sigma', 'differences up to this many standard deviations of the two measurements are never shown'),
      ('licence_usage.nearly', 0.9, 'fraction', 'share of a licence item or of its uses from which it is nearly used'),
      ('quota_usage.nearly', 0.9, 'fraction', 'share of a quota from which it is nearly used'),
      ('facility_balance.sigma', 3, 'sigma', 'a balance is off when |MUF| passes this many standard deviations'),
      ('licence_splitting.days', 30, 'days', 'window in which shipments to one end user are added up'),
      ('licence_splitting.count', 3, 'shipments', 'fewest shipments that count as splitting'),
      ('licence_splitting.near', 0.9, 'fraction', 'share of a threshold from which an export without licence counts as sized to stay below it'),
      ('vat_gap.days', 45, 'days', 'a delivery without invoice is shown this many days after it'),
      ('customs_gap.days', 30, 'days', 'an export without declaration is shown this many days after it'),
      ('licence_lead_time.working_days', 45, 'days', 'time an authority has to decide'),
      ('vat_gap.percent', 1, '%%', 'a delivery billed for this much less or more mass is not shown'),
      ('customs_gap.percent', 1, '%%', 'an export declared with this much less or more mass is not shown'),
      ('suspect_origin.share', 0, 'fraction', 'smallest share of unaccounted origin that is shown; blending thins a share out but never ends it')
    $sql$, registry);
END $fn$;
