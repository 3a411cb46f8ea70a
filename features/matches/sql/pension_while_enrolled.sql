-- A pension paid for whole months through which pension insurance ran as for an active worker. Re-hired retired staff have
-- work injury cover alone, and the month of retirement may have both.
both_at_once AS (
  SELECT p.claim, e.worker, e.enterprise, b.month, m.month_first, m.month_last, b.row_id AS paid_row, p.row_id AS pension_row,
         e.row_id AS enrolment_row, greatest(p.known, b.known, e.known) AS known
  FROM live_pensions p JOIN live_benefit_payments b ON b.claim = p.claim JOIN months m ON m.month = b.month
  JOIN live_enrolments e ON e.worker = coalesce(b.worker, p.worker) AND e.scheme = [enrolments.scheme:pension]
  WHERE e.started <= m.month_first AND (e.ended IS NULL OR e.ended >= m.month_last) AND m.month_first > p.started),
matched AS (
  SELECT enterprise, worker, NULL::INTEGER AS provider, claim, min(month_first) AS first_day, max(month_last) AS last_day,
         max(known) AS known, count(*) AS measured, 0 AS expected,
         list_concat([{'table': 'pensions', 'row_id': any_value(pension_row)}, {'table': 'enrolments', 'row_id': enrolment_row}],
           list({'table': 'benefit_payments', 'row_id': paid_row} ORDER BY month, paid_row)[1:{named}]) AS rows,
         2 + count(*) AS n_rows
  FROM both_at_once GROUP BY enterprise, worker, claim, enrolment_row HAVING count(*) >= {months})
