-- Benefits for whole months after the death; what is paid late for months before, or for the month itself, is due.
paid AS (
  SELECT p.*, d.died_on, d.row_id AS death_row, d.known AS death_known, m.month_first, m.month_last
  FROM live_benefit_payments p JOIN live_deaths d ON d.worker = p.worker JOIN months m ON m.month = p.month
  WHERE m.month_first > d.died_on),
matched AS (
  SELECT NULL::INTEGER AS enterprise, worker, NULL::INTEGER AS provider, claim, min(month_first) AS first_day,
         max(month_last) AS last_day, max(greatest(known, death_known)) AS known, count(*) AS measured, 0 AS expected,
         list_concat([{'table': 'deaths', 'row_id': any_value(death_row)}],
           list({'table': 'benefit_payments', 'row_id': row_id} ORDER BY month, row_id)[1:{named}]) AS rows, 1 + count(*) AS n_rows
  FROM paid GROUP BY worker, claim HAVING count(*) > {months})
