-- One row an employer and day on which its trade, as its cases tell it, first appears or changes.
-- A case without a NAICS code leaves what was known; of two trades on one day the larger code holds.
WITH cases AS (
    SELECT enterprise_id, CAST(docket_date AS DATE) AS docketed, max(naics) AS naics
    FROM csv('${DATA}/ca_wage_claims.csv.gz')
    WHERE enterprise_id IS NOT NULL AND docket_date IS NOT NULL
    GROUP BY ALL
), known AS (
    SELECT enterprise_id, docketed,
        last_value(naics IGNORE NULLS) OVER (PARTITION BY enterprise_id ORDER BY docketed) AS naics
    FROM cases
), coded AS (
    SELECT enterprise_id, docketed,
        CASE left(naics, 2) WHEN '31' THEN '31-33' WHEN '32' THEN '31-33' WHEN '33' THEN '31-33'
            WHEN '44' THEN '44-45' WHEN '45' THEN '44-45' WHEN '48' THEN '48-49' WHEN '49' THEN '48-49'
            ELSE left(naics, 2) END AS section,
        CASE WHEN length(naics) >= 3 THEN left(naics, 3) END AS division
    FROM known
)
SELECT enterprise_id || ':' || docketed AS row_id, docketed AS recorded_on, 0 AS retracted,
    enterprise_id AS enterprise, docketed AS since, CAST(NULL AS VARCHAR) AS kind, CAST(NULL AS VARCHAR) AS head_office,
    CAST(NULL AS DATE) AS registered, CAST(NULL AS DATE) AS closed, section, division,
    CAST(NULL AS VARCHAR) AS ownership, CAST(NULL AS VARCHAR) AS cell, CAST(NULL AS VARCHAR) AS address,
    CAST(NULL AS INTEGER) AS longitude, CAST(NULL AS INTEGER) AS latitude, CAST(NULL AS INTEGER) AS rural,
    CAST(NULL AS VARCHAR) AS representative, CAST(NULL AS VARCHAR) AS account
FROM coded
WINDOW employer AS (PARTITION BY enterprise_id ORDER BY docketed)
QUALIFY lag(docketed) OVER employer IS NULL OR (section, division) IS DISTINCT FROM lag((section, division)) OVER employer
ORDER BY enterprise, since
