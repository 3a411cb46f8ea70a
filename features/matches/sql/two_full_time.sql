-- Full-time work at two employers at once within the period, beyond the month in which one changes jobs. A branch and its
-- head office are one employer, and so are two branches of one.
house AS (
  SELECT enterprise, coalesce(head_office, enterprise) AS head FROM live_enterprises WHERE since <= {day}
  QUALIFY row_number() OVER (PARTITION BY enterprise ORDER BY since DESC) = 1),
recent AS (
  SELECT worker, enterprise, started, least(coalesce(ended, {day}), {day}) AS until, known, row_id FROM live_employment
  WHERE kind = [employment.kind:regular] AND started <= {day} AND coalesce(ended, {day}) > {day} - {period}
  QUALIFY count(*) OVER (PARTITION BY worker) > 1),
placed AS (SELECT r.*, coalesce(h.head, r.enterprise) AS head FROM recent r LEFT JOIN house h USING (enterprise)),
pairs AS (
  SELECT a.worker, b.enterprise, greatest(a.started, b.started) AS first_day, least(a.until, b.until) AS last_day,
         greatest(a.known, b.known) AS known, a.row_id AS first_row, b.row_id AS second_row
  FROM placed a JOIN placed b ON a.worker = b.worker AND a.head <> b.head
    AND (a.started < b.started OR (a.started = b.started AND a.row_id < b.row_id))),
matched AS (
  SELECT enterprise, worker, NULL::INTEGER AS provider, NULL::INTEGER AS claim, first_day, last_day, known,
         last_day - first_day + 1 AS measured, 0 AS expected,
         [{'table': 'employment', 'row_id': first_row}, {'table': 'employment', 'row_id': second_row}] AS rows, 2 AS n_rows
  FROM pairs WHERE last_day - first_day + 1 > {days})
