-- A case that ended in something known: a decision (known on its day), or a payment (known on the snapshot's day alone).
-- A decided case that was paid though nothing was assessed gets a second version on the snapshot's day.
WITH cases AS (
    SELECT "case" AS inspection, enterprise_id, docket_date AS opened, oda_date AS decided,
        TRY_CAST(assessed AS DOUBLE) AS assessed, TRY_CAST(paid AS DOUBLE) AS paid
    FROM csv('${DATA}/ca_wage_claims.csv.gz')
    WHERE enterprise_id IS NOT NULL AND docket_date IS NOT NULL
), versions AS (
    SELECT inspection, enterprise_id, opened, decided, decided AS recorded_on, assessed > 0 AS substantiated
    FROM cases WHERE decided IS NOT NULL
    UNION ALL
    SELECT inspection, enterprise_id, opened, decided, '2022-08-02', true
    FROM cases WHERE paid > 0 AND (decided IS NULL OR assessed = 0)
)
SELECT inspection || ':' || recorded_on AS row_id, recorded_on, 0 AS retracted,
    inspection, enterprise_id AS enterprise, CAST(NULL AS VARCHAR) AS provider, 'complaint' AS kind,
    CAST(NULL AS INTEGER) AS planned_minutes, CAST(NULL AS INTEGER) AS spent_minutes, opened, decided AS closed_on,
    1 AS examined_1, 0 AS examined_2, 0 AS examined_3, 0 AS examined_4, 0 AS examined_5,
    CAST(NULL AS INTEGER) AS staff_on_site, CAST(NULL AS VARCHAR) AS draw, CAST(NULL AS DOUBLE) AS inclusion_probability,
    substantiated
FROM versions
ORDER BY inspection, recorded_on
