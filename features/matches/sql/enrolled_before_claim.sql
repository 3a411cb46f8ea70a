-- A maternity or inpatient claim soon after an enrolment, with no employment at that enterprise from a month before the
-- enrolment to the claim, and no cover of the scheme shortly before: who only changes employer is covered throughout.
soon AS (
  SELECT c.claim, c.worker, c.provider, c.filed_on, c.row_id AS claim_row, e.enterprise, e.started, e.scheme,
         e.row_id AS enrolment_row, greatest(c.known, e.known) AS known
  FROM live_claims c JOIN live_enrolments e ON e.worker = c.worker
  WHERE ((c.scheme = [claims.scheme:maternity] AND e.scheme = [enrolments.scheme:maternity])
      OR (c.scheme = [claims.scheme:medical] AND e.scheme = [enrolments.scheme:medical] AND c.inpatient = 1))
    AND c.filed_on >= e.started AND c.filed_on - e.started < {days} AND (e.ended IS NULL OR e.ended >= c.filed_on)),
bare AS (
  SELECT * FROM soon s WHERE NOT EXISTS (
    SELECT 1 FROM live_employment w WHERE w.worker = s.worker AND w.enterprise = s.enterprise
      AND w.started <= s.filed_on AND (w.ended IS NULL OR w.ended >= s.started - 31))
  AND NOT EXISTS (
    SELECT 1 FROM live_enrolments o WHERE o.worker = s.worker AND o.scheme = s.scheme AND o.started < s.started
      AND (o.ended IS NULL OR o.ended >= s.started - {gap}))),
matched AS (
  SELECT enterprise, worker, provider, claim, started AS first_day, filed_on AS last_day, known,
         filed_on - started AS measured, {days} AS expected,
         [{'table': 'enrolments', 'row_id': enrolment_row}, {'table': 'claims', 'row_id': claim_row}] AS rows, 2 AS n_rows
  FROM bare)
