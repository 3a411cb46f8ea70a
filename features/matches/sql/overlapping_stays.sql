-- Two inpatient stays of one person at two providers that share more nights than a transfer explains.
stays AS (
  SELECT claim, worker, provider, enterprise, admitted, discharged, known, row_id FROM live_claims
  WHERE inpatient = 1 AND worker IS NOT NULL AND provider IS NOT NULL AND admitted IS NOT NULL AND discharged IS NOT NULL
  QUALIFY count(*) OVER (PARTITION BY worker) > 1),
pairs AS (
  SELECT b.enterprise, b.worker, b.provider, b.claim, greatest(a.admitted, b.admitted) AS first_day,
         least(a.discharged, b.discharged) AS last_day, greatest(a.known, b.known) AS known,
         a.row_id AS first_row, b.row_id AS second_row
  FROM stays a JOIN stays b ON a.worker = b.worker AND a.provider <> b.provider
    AND (a.admitted < b.admitted OR (a.admitted = b.admitted AND a.row_id < b.row_id))),
matched AS (
  SELECT enterprise, worker, provider, claim, first_day, last_day, known, last_day - first_day AS measured, 0 AS expected,
         [{'table': 'claims', 'row_id': first_row}, {'table': 'claims', 'row_id': second_row}] AS rows, 2 AS n_rows
  FROM pairs WHERE last_day - first_day > {days})
