-- What entitlements (AC61 by item, JC_BENEFIT) paid: each month from AAE041 to AAE042, taken as paid and known on its last day.
-- A later version of an entitlement corrects the months it repeats and takes back the months it no longer holds.
WITH pensioners AS (
    SELECT as_id(AAZ257) AS pension, any_value(as_id(AAC001)) AS person FROM AC60 GROUP BY ALL
), entitlements AS (
    SELECT as_id(AAZ257) || '/' || coalesce(plain(AAA036), '') AS claim, coalesce(as_id(AAC001), person) AS worker, n,
        AAE041, AAE042, AAE019, AAE036
    FROM AC61 LEFT JOIN pensioners ON pension = as_id(AAZ257)
    UNION ALL
    SELECT coalesce(as_id(SLBH), 'JC' || as_id(AAC001) || '-' || date_of(AJC090)), as_id(AAC001), n, AAE041, AAE042, AAE019, AAE036
    FROM JC_BENEFIT WHERE NOT is_none(AAE041)
), dated AS (
    SELECT *, date_of(AAE036) AS known, month_of(AAE041) AS since,
        CASE WHEN is_open(AAE042) THEN DATE '9999-12-01' ELSE month_of(AAE042) END AS until
    FROM entitlements
), versions AS (
    SELECT *, lead(known) OVER next AS next_known, lead(since) OVER next AS next_since, lead(until) OVER next AS next_until
    FROM dated WHERE known IS NOT NULL AND since IS NOT NULL AND until IS NOT NULL
    WINDOW next AS (PARTITION BY claim ORDER BY known, n)
), months AS (
    SELECT *, CAST(unnest(generate_series(since, least(until, complete_to()), INTERVAL 1 MONTH)) AS DATE) AS month FROM versions
), paid AS (
    SELECT *, greatest(known, last_day(month)) AS day FROM months
)
SELECT claim || ':' || month || '@' || day || '#' || n AS row_id, CAST(day AS VARCHAR) AS recorded_on, '0' AS retracted, claim, worker,
    CAST(month AS VARCHAR) AS month, as_fen('AAE019', AAE019) AS amount, CAST(last_day(month) AS VARCHAR) AS paid_on
FROM paid WHERE day <= complete_to() AND (next_known IS NULL OR day < next_known)
UNION ALL
SELECT claim || ':' || month || '@' || next_known || '#' || n || ' back', CAST(next_known AS VARCHAR), '1', claim, worker,
    CAST(month AS VARCHAR), NULL, NULL
FROM paid WHERE day < next_known AND (month < next_since OR month > next_until)
UNION ALL
SELECT claim || '#' || n, coalesce(as_day('AAE036', AAE036), '! AAE036 is missing'),
    CASE WHEN known IS NULL THEN '0' ELSE '! AAE041 and AAE042 should be months such as 201506' END, claim, worker, NULL, NULL, NULL
FROM dated WHERE known IS NULL OR since IS NULL OR until IS NULL
