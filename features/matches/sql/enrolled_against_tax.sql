-- The newest month filed with tax whose grace for enrolment has passed. Who was enrolled in pension insurance at any time
-- from the month's first day to the end of the grace counts as enrolled; agency workers and the part-time workers who are not
-- enrolled are taken out. Without dispatch agreements no agency worker is.
filed AS (
  SELECT t.*, m.month_first, m.month_last FROM live_tax_payroll t JOIN months m ON m.month = t.month
  WHERE m.month_last + {grace} <= {day} AND m.month_last + {grace} > {day} - 31 * {months}
  QUALIFY row_number() OVER (PARTITION BY t.enterprise ORDER BY t.month DESC) = 1),
covered AS (
  SELECT f.enterprise, e.worker, e.known, e.row_id
  FROM filed f JOIN live_enrolments e ON e.enterprise = f.enterprise
  WHERE e.scheme = [enrolments.scheme:pension] AND e.started <= f.month_last + {grace}
    AND (e.ended IS NULL OR e.ended >= f.month_first)),
enrolled AS (
  SELECT enterprise, count(DISTINCT worker) AS persons, max(known) AS known, count(*) AS n,
         list(row_id ORDER BY row_id) AS ids
  FROM covered GROUP BY enterprise),
agency AS (
  SELECT f.enterprise, sum(d.workers) AS persons, max(d.known) AS known, count(*) AS n,
         list(d.row_id ORDER BY d.row_id) AS ids
  FROM filed f JOIN live_dispatch d ON d.enterprise = f.enterprise
  WHERE d.started <= f.month_last AND (d.ended IS NULL OR d.ended >= f.month_first)
  GROUP BY f.enterprise),
part_time AS (
  SELECT f.enterprise, count(DISTINCT s.worker) AS persons, max(s.known) AS known
  FROM filed f JOIN live_employment s ON s.enterprise = f.enterprise
  ANTI JOIN covered c ON c.enterprise = s.enterprise AND c.worker = s.worker
  WHERE s.kind = [employment.kind:part_time] AND s.started <= f.month_last AND (s.ended IS NULL OR s.ended >= f.month_first)
  GROUP BY f.enterprise),
compared AS (
  SELECT f.*, coalesce(e.persons, 0) + coalesce(a.persons, 0) + coalesce(p.persons, 0) AS expected,
         greatest(f.known, coalesce(e.known, 0), coalesce(a.known, 0), coalesce(p.known, 0)) AS last_known,
         list_concat([{'table': 'tax_payroll', 'row_id': f.row_id}],
           list_transform(coalesce(a.ids, [])[1:{named}], lambda i : {'table': 'dispatch', 'row_id': i}),
           list_transform(coalesce(e.ids, [])[1:{named}], lambda i : {'table': 'enrolments', 'row_id': i})) AS ids,
         1 + coalesce(e.n, 0) + coalesce(a.n, 0) AS n
  FROM filed f LEFT JOIN enrolled e USING (enterprise) LEFT JOIN agency a USING (enterprise)
  LEFT JOIN part_time p USING (enterprise)),
matched AS (
  SELECT enterprise, NULL::INTEGER AS worker, NULL::INTEGER AS provider, NULL::INTEGER AS claim, month_first AS first_day,
         month_last AS last_day, last_known AS known, employees AS measured, expected, ids AS rows, n AS n_rows
  FROM compared WHERE employees - expected >= {persons} AND (employees - expected) * 100 >= {share} * employees)
