-- A wage claim is a complaint, lodged and known on the day it was docketed.
SELECT "case" AS row_id, docket_date AS recorded_on, 0 AS retracted,
    "case" AS complaint, enterprise_id AS enterprise, CAST(NULL AS VARCHAR) AS cell, docket_date AS lodged,
    'wages' AS topic, 'other' AS channel
FROM csv('${DATA}/ca_wage_claims.csv.gz')
