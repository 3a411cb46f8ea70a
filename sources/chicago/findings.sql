-- Critical violations stand for type 1, serious ones for type 2, minor ones for type 5.
WITH counts AS (
    SELECT CAST(CAST(Inspection_ID AS DOUBLE) AS BIGINT) AS inspection, Inspection_Date AS found_on,
        unnest([1, 2, 5]) AS violation,
        unnest([CAST(criticalCount AS DOUBLE), CAST(seriousCount AS DOUBLE), CAST(minorCount AS DOUBLE)]) AS found
    FROM csv('${DATA}/chicago/inspections.csv.gz')
)
SELECT printf('%d:%d', inspection, violation) AS row_id, found_on AS recorded_on, 0 AS retracted,
    inspection, violation, CAST(NULL AS INTEGER) AS workers_in_violation, CAST(NULL AS INTEGER) AS workers_total,
    CAST(NULL AS BIGINT) AS amount
FROM counts WHERE found > 0
ORDER BY inspection, violation
