-- A unit's attributes from each day on which any of them changed, as known: AB01 says all of them, each row of AB05 one.
-- A closing (CAB009) is on AAE124 if that is a day, else on AAE035, the day of the change. A change back to the state
-- that the unit's first closing names as the one before (1 in `1, 2`) opens it again, and so does an end taken away.
WITH dated AS (
    SELECT *, as_id(AAB001) AS unit, upper(AAE155) AS item, date_of(AAE036) AS known,
        coalesce(date_of(AAE035), CASE WHEN upper(AAE155) = 'CAB009' THEN date_of(AAE124) END) AS since
    FROM AB05
), valued AS (
    SELECT *,
        coalesce(min(since) OVER (PARTITION BY unit, item ORDER BY known, n ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
            <= since, false) AS again,
        CASE WHEN item = 'CAB009' THEN closing_of(AAE123, AAE124, since, again) ELSE AAE124 END AS value
    FROM dated
), changes AS (
    SELECT *, CASE WHEN known IS NULL THEN coalesce(told(as_day('AAE036', AAE036)), '! AAE036 is missing')
            WHEN since IS NULL THEN coalesce(as_day('AAE035', AAE035), '! AAE035 is missing')
            WHEN code.ours IS NULL THEN coalesce(unknown('AAE155', AAE155), '! AAE155 is missing')
            WHEN item = 'CAB009' AND value <> '' THEN told(as_end('AAE124', value)) END AS strange
    FROM valued LEFT JOIN codes AS code ON code.list = 'AAE155' AND code.code = plain(AAE155)
), events AS (
    SELECT as_id(AAB001) AS unit, coalesce(CASE WHEN NOT no_day(AAE047) THEN date_of(AAE047) END, date_of(AAE036)) AS since,
        date_of(AAE036) AS known,
        n, unnest([{'item': 'AAB019', 'value': AAB019}, {'item': 'AAB020', 'value': AAB020}, {'item': 'AAB022', 'value': AAB022},
            {'item': 'WGBH', 'value': WGBH}, {'item': 'AAE006', 'value': AAE006}, {'item': 'AAB013', 'value': AAB013},
            {'item': 'AAC301', 'value': AAC301}, {'item': 'AAE047', 'value': AAE047}, {'item': 'ZJG', 'value': ZJG},
            {'item': 'JD', 'value': JD}, {'item': 'WD', 'value': WD}, {'item': 'JFZH', 'value': JFZH}], recursive := true)
    FROM AB01 WHERE date_of(AAE036) IS NOT NULL AND (no_day(AAE047) OR date_of(AAE047) IS NOT NULL)
    UNION ALL
    SELECT unit, since, known, 1000000000000 + n, item, value FROM changes WHERE strange IS NULL
    UNION ALL
    SELECT unit, since, known, 1000000000000 + n,
        unnest([{'item': 'BEFORE', 'value': plain(AAE123)}, {'item': 'AFTER', 'value': plain(AAE124)}], recursive := true)
    FROM changes WHERE strange IS NULL AND item = 'CAB009'
), days AS (
    SELECT unit, since, min(known) AS first_known FROM events GROUP BY ALL
), steps AS (
    SELECT unit, since, known, max(n) AS n FROM events GROUP BY ALL
), points AS (
    SELECT days.unit, days.since, steps.known, max(n) AS cause
    FROM days JOIN steps ON steps.unit = days.unit AND steps.since <= days.since AND steps.known >= days.first_known
    GROUP BY ALL
), states AS (
    SELECT p.unit, p.since, p.known, p.cause,
        arg_max(coalesce(value, ''), (e.since, e.known, n)) FILTER (item = 'AAB019') AS AAB019,
        arg_max(coalesce(value, ''), (e.since, e.known, n)) FILTER (item = 'AAB020') AS AAB020,
        arg_max(coalesce(value, ''), (e.since, e.known, n)) FILTER (item = 'AAB022') AS AAB022,
        arg_max(coalesce(value, ''), (e.since, e.known, n)) FILTER (item = 'WGBH') AS WGBH,
        arg_max(coalesce(value, ''), (e.since, e.known, n)) FILTER (item = 'AAE006') AS AAE006,
        arg_max(coalesce(value, ''), (e.since, e.known, n)) FILTER (item = 'AAB013') AS AAB013,
        arg_max(coalesce(value, ''), (e.since, e.known, n)) FILTER (item = 'AAC301') AS AAC301,
        arg_max(coalesce(value, ''), (e.since, e.known, n)) FILTER (item = 'AAE047') AS AAE047,
        arg_max(coalesce(value, ''), (e.since, e.known, n)) FILTER (item = 'CAB009') AS CAB009,
        arg_max(coalesce(value, ''), (e.since, e.known, n)) FILTER (item = 'ZJG') AS ZJG,
        arg_max(coalesce(value, ''), (e.since, e.known, n)) FILTER (item = 'JD') AS JD,
        arg_max(coalesce(value, ''), (e.since, e.known, n)) FILTER (item = 'WD') AS WD,
        arg_max(coalesce(value, ''), (e.since, e.known, n)) FILTER (item = 'JFZH') AS JFZH,
        arg_min(coalesce(value, ''), (e.since, e.known, n)) FILTER (item = 'BEFORE') AS first_state,
        arg_max(coalesce(value, ''), (e.since, e.known, n)) FILTER (item = 'AFTER') AS state
    FROM points AS p JOIN events AS e ON e.unit = p.unit AND e.since <= p.since AND e.known <= p.known
    GROUP BY ALL
), given AS (
    SELECT * REPLACE (CASE WHEN state = first_state AND date_of(state) IS NULL THEN NULL ELSE CAB009 END AS CAB009)
    FROM (SELECT unit, since, known, cause, nullif(COLUMNS(* EXCLUDE (unit, since, known, cause)), '') AS '\0' FROM states)
), versions AS (
    SELECT *, row(AAB019, AAB020, AAB022, WGBH, AAE006, AAB013, AAC301, AAE047, CAB009, ZJG, JD, WD, JFZH) AS attributes
    FROM given
    WINDOW of_day AS (PARTITION BY unit, since ORDER BY known)
    QUALIFY attributes IS DISTINCT FROM lag(attributes) OVER of_day OR lag(known) OVER of_day IS NULL
)
SELECT CASE WHEN cause > 1000000000000 THEN 'AB05' ELSE 'AB01' END AS raw_table, cause % 1000000000000 AS raw_row,
    unit || ':' || since || '@' || known AS row_id, CAST(known AS VARCHAR) AS recorded_on,
    CASE WHEN unit NOT IN (SELECT as_id(AAB001) FROM AB01 WHERE AAB001 IS NOT NULL)
            THEN '! AB05 changes a unit that AB01 does not hold'
        WHEN rounded('AAB001', unit) IS NOT NULL THEN rounded('AAB001', unit)
        WHEN AAB022 IS NULL OR regexp_full_match(upper(AAB022), '[A-T]([0-9]{2,4})?|[0-9]{2,4}') THEN '0'
        ELSE unknown('AAB022', AAB022) END AS retracted,
    unit AS enterprise, CAST(since AS VARCHAR) AS since, as_code('AAB019', AAB019, kind.ours) AS kind, as_id(ZJG) AS head_office,
    as_day('AAE047', AAE047) AS registered, as_end('CAB009', CAB009) AS closed,
    nullif(regexp_extract(upper(AAB022), '^[A-T]'), '') AS section,
    nullif(regexp_extract(AAB022, '[0-9]{2}'), '') AS division,
    as_code('AAB020', AAB020, ownership.ours) AS ownership, as_id(WGBH) AS cell, as_address(AAE006) AS address,
    as_whole(JD) AS longitude, as_whole(WD) AS latitude, as_whole(AAC301) AS rural, as_id(AAB013) AS representative,
    as_id(JFZH) AS account
FROM versions
LEFT JOIN codes AS kind ON kind.list = 'AAB019' AND kind.code = plain(AAB019)
LEFT JOIN codes AS ownership ON ownership.list = 'AAB020' AND ownership.code = plain(AAB020)
UNION ALL
SELECT 'AB01', n, 'AB01#' || n, coalesce(as_day('AAE036', AAE036), '! AAE036 is missing'), coalesce(as_day('AAE047', AAE047), '0'),
    as_id(AAB001), coalesce(as_day('AAE047', AAE047), ''), NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
    NULL, NULL
FROM AB01 WHERE date_of(AAE036) IS NULL OR (NOT no_day(AAE047) AND date_of(AAE047) IS NULL)
UNION ALL
SELECT 'AB05', n, 'AB05#' || n, as_day('AAE036', AAE036), strange, unit, CAST(since AS VARCHAR), NULL, NULL, NULL, NULL, NULL, NULL,
    NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
FROM changes WHERE strange IS NOT NULL
