-- Care that began after the death, or an outpatient or unemployment claim filed well after it. What heirs claim after a
-- death (funeral grants, survivors' and injury benefits) and stays that began before it are due.
late AS (
  SELECT c.*, d.died_on, d.row_id AS death_row, d.known AS death_known, coalesce(c.admitted, c.filed_on) - d.died_on AS after
  FROM live_claims c JOIN live_deaths d ON d.worker = c.worker
  WHERE c.scheme IN ([claims.scheme:medical], [claims.scheme:unemployment])
    AND (c.admitted > d.died_on OR (c.admitted IS NULL AND c.filed_on > d.died_on + {days}))),
matched AS (
  SELECT enterprise, worker, provider, claim, died_on AS first_day, died_on + after AS last_day,
         greatest(known, death_known) AS known, after AS measured, 0 AS expected,
         [{'table': 'deaths', 'row_id': death_row}, {'table': 'claims', 'row_id': row_id}] AS rows, 2 AS n_rows
  FROM late)
