-- Nights billed in a month above all that the approved beds allow. The month's highest approved number counts; the day of
-- discharge is not a night.
period AS (SELECT * FROM months WHERE month_last <= {day} AND month_last > {day} - 31 * {months}),
approved AS (
  SELECT p.provider, m.month, max(p.beds) AS beds, max(p.known) AS known, min_by(p.row_id, (-p.beds, p.row_id)) AS bed_row
  FROM (SELECT *, lead(since, 1, 2147483647) OVER (PARTITION BY provider ORDER BY since) AS until FROM live_providers) p
  JOIN period m ON p.since <= m.month_last AND p.until > m.month_first
  WHERE p.beds IS NOT NULL GROUP BY p.provider, m.month),
stays AS (
  SELECT c.provider, c.row_id, c.known, m.month, m.month_first, m.month_last,
         least(c.discharged, m.month_last + 1) - greatest(c.admitted, m.month_first) AS nights
  FROM live_claims c JOIN period m ON c.admitted <= m.month_last AND c.discharged > m.month_first
  WHERE c.inpatient = 1 AND c.provider IS NOT NULL),
billed AS (
  SELECT provider, month, month_first, month_last, sum(nights) AS nights, max(known) AS known, count(*) AS n
  FROM stays GROUP BY ALL),
beyond AS (
  SELECT b.*, a.beds, a.bed_row, greatest(a.known, b.known) AS last_known, a.beds * (b.month_last - b.month_first + 1) AS room
  FROM billed b JOIN approved a USING (provider, month)
  WHERE b.nights * 100 > a.beds * (b.month_last - b.month_first + 1) * (100 + {share})),
matched AS (
  SELECT NULL::INTEGER AS enterprise, NULL::INTEGER AS worker, b.provider, NULL::INTEGER AS claim, b.month_first AS first_day,
         b.month_last AS last_day, any_value(b.last_known) AS known, any_value(b.nights) AS measured,
         any_value(b.room) AS expected, list_concat([{'table': 'providers', 'row_id': any_value(b.bed_row)}],
           list({'table': 'claims', 'row_id': s.row_id} ORDER BY s.row_id)[1:{named}]) AS rows, any_value(b.n) + 1 AS n_rows
  FROM beyond b JOIN stays s ON s.provider = b.provider AND s.month = b.month
  GROUP BY b.provider, b.month_first, b.month_last)
