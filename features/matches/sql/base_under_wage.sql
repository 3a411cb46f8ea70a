-- The mean pension base of the last months against the mean wage filed for the same months, wages above the cap as the cap.
-- A base may rest on last year's wage, hence the share that passes. Months long before the period are left out early.
period AS (SELECT * FROM months WHERE month_last <= {day} AND month_last > {day} - 31 * ({months} + 1)),
filed AS (
  SELECT t.enterprise, t.month, t.payroll, t.employees, t.known, t.row_id, m.month_first, m.month_last
  FROM live_tax_payroll t JOIN period m ON m.month = t.month WHERE t.payroll IS NOT NULL AND t.employees > 0
  QUALIFY row_number() OVER (PARTITION BY t.enterprise ORDER BY t.month DESC) <= {months}),
booked AS (
  SELECT c.enterprise, c.month, sum(c.base) AS bases, count(*) AS n, max(c.known) AS known
  FROM live_contributions c JOIN filed f ON f.enterprise = c.enterprise AND f.month = c.month
  WHERE c.month > {month} - 2 * ({months} + 1) AND c.scheme = [contributions.scheme:pension]
    AND c.kind = [contributions.kind:normal] AND c.base IS NOT NULL
  GROUP BY c.enterprise, c.month),
compared AS (
  SELECT f.enterprise, min(f.month_first) AS first_day, max(f.month_last) AS last_day,
         max(greatest(f.known, b.known)) AS known, CAST(sum(b.bases) // sum(b.n) AS BIGINT) AS measured,
         CAST(least(sum(f.payroll) // sum(f.employees), {cap}) AS BIGINT) AS expected, CAST(sum(b.n) AS BIGINT) AS n,
         count(*) AS filings, list({'table': 'tax_payroll', 'row_id': f.row_id} ORDER BY f.month) AS ids
  FROM filed f JOIN booked b USING (enterprise, month) GROUP BY f.enterprise),
under AS (SELECT * FROM compared WHERE n >= {rows} AND measured * 100 < expected * (100 - {share})),
evidence AS (
  SELECT c.enterprise, list({'table': 'contributions', 'row_id': c.row_id} ORDER BY c.base, c.row_id)[1:{named}] AS ids
  FROM live_contributions c JOIN under u ON u.enterprise = c.enterprise
  JOIN filed f ON f.enterprise = c.enterprise AND f.month = c.month
  WHERE c.month > {month} - 2 * ({months} + 1) AND c.scheme = [contributions.scheme:pension]
    AND c.kind = [contributions.kind:normal] AND c.base IS NOT NULL
  GROUP BY c.enterprise),
matched AS (
  SELECT u.enterprise, NULL::INTEGER AS worker, NULL::INTEGER AS provider, NULL::INTEGER AS claim, u.first_day, u.last_day,
         u.known, u.measured, u.expected, list_concat(u.ids, e.ids) AS rows, u.n + u.filings AS n_rows
  FROM under u JOIN evidence e USING (enterprise))
