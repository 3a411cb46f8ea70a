-- A failed inspection is an order to correct, given on the spot.
SELECT CAST(CAST(Inspection_ID AS DOUBLE) AS BIGINT) AS row_id, Inspection_Date AS recorded_on, 0 AS retracted,
    CAST(CAST(Inspection_ID AS DOUBLE) AS BIGINT) AS inspection, CAST(NULL AS INTEGER) AS violation, 'order' AS act,
    Inspection_Date AS decided_on, CAST(NULL AS INTEGER) AS grave, CAST(NULL AS DATE) AS complied_on
FROM csv('${DATA}/chicago/inspections.csv.gz')
WHERE Results = 'Fail'
ORDER BY row_id
