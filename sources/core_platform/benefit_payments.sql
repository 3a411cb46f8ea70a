-- What entitlements (AC61 by item, JC_BENEFIT) paid: each month from AAE041 to AAE042, taken as paid and known on its last day.
-- A later version of an entitlement corrects the months it repeats and takes back the months it no longer holds.
-- Where AC61 names no person, it is whom AC60 named by the day of the payment, or else, from the day on which it did, the first.
WITH pensioners AS (
    SELECT as_id(AAZ257) AS pension, date_of(AAE036) AS named, arg_max(as_id(AAC001), n) AS person
    FROM AC60 WHERE date_of(AAE036) IS NOT NULL GROUP BY ALL
), entitlements AS (
    SELECT 'AC61' AS origin, as_id(AAZ257) || '/' || coalesce(plain(AAA036), '') AS claim, as_id(AAC001) AS worker, as_id(AAZ257) AS pension, n,
        AAE041, AAE042, AAE019, AAE036
    FROM AC61
    UNION ALL
    SELECT 'JC_BENEFIT', coalesce(as_id(SLBH), 'JC' || as_id(AAC001) || '-' || date_of(AJC090)), as_id(AAC001), NULL, n, AAE041, AAE042, AAE019,
        AAE036
    FROM JC_BENEFIT WHERE NOT is_none(AAE041)
), dated AS (
    SELECT *, date_of(AAE036) AS known, month_of(AAE041) AS since,
        CASE WHEN is_open(AAE042) THEN DATE '9999-12-01' ELSE month_of(AAE042) END AS own_until,
        -- an end once told stands against later versions from the same month that tell of none
        CASE WHEN known IS NULL OR since IS NULL OR own_until IS NULL THEN own_until
            ELSE coalesce(arg_max(own_until, (known, n)) FILTER (NOT is_open(AAE042)) OVER (
                PARTITION BY claim, since ORDER BY known), own_until) END AS until
    FROM entitlements
), versions AS (
    SELECT *, lead(known) OVER next AS next_known, lead(since) OVER next AS next_since, lead(until) OVER next AS next_until
    FROM dated WHERE known IS NOT NULL AND since IS NOT NULL AND until IS NOT NULL
    WINDOW next AS (PARTITION BY claim ORDER BY known, n)
), months AS (
    SELECT *, CAST(unnest(generate_series(since, least(until, complete_to()), INTERVAL 1 MONTH)) AS DATE) AS month FROM versions
), due AS (
    SELECT *, unnest(CASE WHEN worker IS NULL AND first_named > first_day THEN [first_day, first_named] ELSE [first_day] END) AS day
    FROM (SELECT *, greatest(known, last_day(month)) AS first_day FROM months)
    LEFT JOIN (SELECT pension, min(named) AS first_named FROM pensioners GROUP BY ALL) USING (pension)
), paid AS (
    SELECT due.* REPLACE (coalesce(worker, person) AS worker)
    FROM due ASOF LEFT JOIN pensioners ON due.pension = pensioners.pension AND due.day >= pensioners.named
)
SELECT origin AS raw_table, n AS raw_row, claim || ':' || month || '@' || day || '#' || n AS row_id, CAST(day AS VARCHAR) AS recorded_on, '0' AS retracted, claim, worker,
    CAST(month AS VARCHAR) AS month, as_fen('AAE019', AAE019) AS amount, CAST(last_day(month) AS VARCHAR) AS paid_on
FROM paid WHERE day <= complete_to() AND (next_known IS NULL OR day < next_known)
UNION ALL
SELECT origin, n, claim || ':' || month || '@' || next_known || '#' || n || ' back', CAST(next_known AS VARCHAR), '1', claim, worker,
    CAST(month AS VARCHAR), NULL, NULL
FROM paid WHERE day = first_day AND day < next_known AND (month < next_since OR month > next_until)
UNION ALL
SELECT origin, n, claim || '#' || n, coalesce(as_day('AAE036', AAE036), '! AAE036 is missing'),
    CASE WHEN known IS NULL THEN '0' ELSE '! AAE041 and AAE042 should be months such as 201506' END, claim, worker, NULL, NULL, NULL
FROM dated WHERE known IS NULL OR since IS NULL OR until IS NULL
