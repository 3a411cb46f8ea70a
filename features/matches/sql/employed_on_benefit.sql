-- Full-time or agency work while unemployment benefit runs, beyond the month in which a new job ends it.
both_at_once AS (
  SELECT u.claim, u.worker, e.enterprise, greatest(u.started, e.started) AS first_day,
         least(coalesce(u.ended, {day}), coalesce(e.ended, {day}), {day}) AS last_day, greatest(u.known, e.known) AS known,
         u.row_id AS benefit_row, e.row_id AS spell_row
  FROM live_unemployment_spells u JOIN live_employment e ON e.worker = u.worker
  WHERE e.kind IN ([employment.kind:regular], [employment.kind:dispatched])),
matched AS (
  SELECT enterprise, worker, NULL::INTEGER AS provider, claim, first_day, last_day, known,
         last_day - first_day + 1 AS measured, 0 AS expected,
         [{'table': 'unemployment_spells', 'row_id': benefit_row}, {'table': 'employment', 'row_id': spell_row}] AS rows,
         2 AS n_rows
  FROM both_at_once WHERE last_day - first_day + 1 > {days})
