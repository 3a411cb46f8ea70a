-- A canvass is a routine visit, opened, closed and known on its day. Who inspected is not read.
SELECT CAST(CAST(i.Inspection_ID AS DOUBLE) AS BIGINT) AS row_id, i.Inspection_Date AS recorded_on, 0 AS retracted,
    CAST(CAST(i.Inspection_ID AS DOUBLE) AS BIGINT) AS inspection, CAST(CAST(i.License AS DOUBLE) AS BIGINT) AS enterprise,
    CAST(NULL AS VARCHAR) AS provider, 'routine' AS kind, CAST(NULL AS INTEGER) AS planned_minutes,
    CAST(NULL AS INTEGER) AS spent_minutes, i.Inspection_Date AS opened, i.Inspection_Date AS closed_on,
    1 AS examined_1, 1 AS examined_2, 0 AS examined_3, 0 AS examined_4, 1 AS examined_5,
    CAST(NULL AS INTEGER) AS staff_on_site, CAST(NULL AS VARCHAR) AS draw, CAST(NULL AS DOUBLE) AS inclusion_probability,
    CAST(m.Inspection_ID IS NOT NULL AS INTEGER) AS published
FROM csv('${DATA}/chicago/inspections.csv.gz') AS i
LEFT JOIN csv('${DATA}/chicago/model_table.csv.gz') AS m USING (Inspection_ID)
ORDER BY row_id
