-- What a case established: the sum assessed in a decision, or else the sum paid, known on the snapshot's day alone.
-- On a case without a decision `assessed` is what was claimed, carried over: it is never read.
SELECT "case" || ':1' AS row_id,
    CASE WHEN oda_date IS NOT NULL AND TRY_CAST(assessed AS DOUBLE) > 0 THEN oda_date ELSE '2022-08-02' END AS recorded_on,
    0 AS retracted, "case" AS inspection, 1 AS violation,
    CAST(NULL AS INTEGER) AS workers_in_violation, CAST(NULL AS INTEGER) AS workers_total,
    CAST(round(100 * CASE WHEN oda_date IS NOT NULL AND TRY_CAST(assessed AS DOUBLE) > 0 THEN TRY_CAST(assessed AS DOUBLE)
        ELSE TRY_CAST(paid AS DOUBLE) END) AS BIGINT) AS amount
FROM csv('${DATA}/ca_wage_claims.csv.gz')
WHERE enterprise_id IS NOT NULL AND docket_date IS NOT NULL
    AND (TRY_CAST(paid AS DOUBLE) > 0 OR (oda_date IS NOT NULL AND TRY_CAST(assessed AS DOUBLE) > 0))
