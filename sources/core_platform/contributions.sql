-- A contribution as booked (AAE036), and as paid from the day it arrived (AAB191) where that is later.
-- Amounts of a refund are negative whichever sign the platform gives them. Refunds alike in person, unit, scheme and months but
-- of different AAZ083 are several payments: what stands is their sum, as known.
WITH alike AS MATERIALIZED (
    SELECT as_id(AAC001) AS worker, as_id(AAB001) AS enterprise, scheme.ours AS scheme, month_of(AAE003) AS month,
        month_of(AAE002) AS booked
    FROM AC43 JOIN codes AS kind ON kind.list = 'AAA115' AND kind.ours = 'refund' AND kind.code = plain(AAA115)
    JOIN codes AS scheme ON scheme.list = 'AAE140' AND scheme.code = plain(AAE140)
    GROUP BY ALL HAVING count(DISTINCT coalesce(as_id(AAZ083), 'AC43#' || n)) > 1
), versions AS (
    SELECT r.*, scheme.ours AS scheme, kind.ours AS declared, arrival.ours AS arrival,
        unnest(CASE WHEN date_of(AAB191) > date_of(AAE036) THEN [false, true] ELSE [true] END) AS arrived
    FROM (SELECT * REPLACE (CASE WHEN NOT is_open(AAB191) THEN AAB191 END AS AAB191) FROM AC43) AS r
    LEFT JOIN codes AS scheme ON scheme.list = 'AAE140' AND scheme.code = plain(r.AAE140)
    LEFT JOIN codes AS kind ON kind.list = 'AAA115' AND kind.code = plain(r.AAA115)
    LEFT JOIN codes AS arrival ON arrival.list = 'AAE078' AND arrival.code = plain(r.AAE078)
), known AS (
    SELECT *, declared IS NOT DISTINCT FROM 'refund' AS back,
        CASE WHEN no_day(AAE036) OR date_of(AAE036) IS NOT NULL
            THEN CAST(CASE WHEN arrived THEN greatest(date_of(AAE036), date_of(AAB191)) ELSE date_of(AAE036) END AS VARCHAR)
            ELSE as_day('AAE036', AAE036) END AS day
    FROM versions
), read AS (
SELECT 'AC43' AS raw_table, n AS raw_row, coalesce(as_id(AAZ083), 'AC43#' || n) || '@' || coalesce(day, '') AS row_id, day AS recorded_on,
    coalesce(rounded('AAC001', AAC001), rounded('AAB001', AAB001), rounded('AAZ083', AAZ083), as_retracted('AAE100', AAE100)) AS retracted, as_id(AAC001) AS worker, as_id(AAB001) AS enterprise,
    as_code('AAE140', AAE140, scheme) AS scheme, as_month('AAE003', AAE003) AS month, as_month('AAE002', AAE002) AS booked,
    CASE WHEN plain(AAA115) IS NULL OR declared = 'normal'
        THEN CASE WHEN month_of(AAE003) < month_of(AAE002) THEN 'back' ELSE 'normal' END
        ELSE as_code('AAA115', AAA115, declared) END AS kind,
    as_fen('AAE180', CASE WHEN back THEN ltrim(amount(AAE180), '+-') ELSE AAE180 END) AS base,
    as_fen('AAE020', CASE WHEN back THEN minus(AAE020) ELSE AAE020 END) AS due_unit,
    as_fen('AAE022', CASE WHEN back THEN minus(AAE022) ELSE AAE022 END) AS due_person,
    CASE WHEN NOT arrived OR (arrival = 'way' AND AAB191 IS NULL) THEN '0'
        ELSE as_fen('AAE080', CASE WHEN back THEN minus(AAE080) WHEN arrival = 'full' THEN coalesce(AAE080, AAE020)
            ELSE AAE080 END) END AS paid_unit,
    CASE WHEN NOT arrived OR (arrival = 'way' AND AAB191 IS NULL) THEN '0'
        ELSE as_fen('AAE082', CASE WHEN back THEN minus(AAE082) WHEN arrival = 'full' THEN coalesce(AAE082, AAE022)
            ELSE AAE082 END) END AS paid_person,
    CASE WHEN plain(AAE078) IS NOT NULL AND arrival IS NULL THEN unknown('AAE078', AAE078) WHEN NOT arrived THEN NULL
        WHEN AAB191 IS NOT NULL THEN as_day('AAB191', AAB191) WHEN arrival = 'full' THEN as_day('AAE036', AAE036) END AS paid_on
FROM known
), one_by_one AS (
    SELECT read.*, split_part(row_id, '@', 1) AS payment, alike.worker IS NOT NULL AS several,
        CASE WHEN several THEN is_sound(TRY_CAST(recorded_on AS DATE),
            [retracted, base, due_unit, due_person, paid_unit, paid_person, paid_on]) ELSE false END AS sound
    FROM read LEFT JOIN alike ON read.kind = 'refund' AND alike.worker = read.worker AND alike.enterprise = read.enterprise
        AND alike.scheme = read.scheme AND CAST(alike.month AS VARCHAR) = read.month
        AND CAST(alike.booked AS VARCHAR) = read.booked
), latest AS (                         -- of each of the payments alike, as last known when a row of one of them was
    SELECT r.row_id AS of_row, v.*
    FROM one_by_one AS r JOIN one_by_one AS v ON v.several AND v.sound AND v.worker = r.worker
        AND v.enterprise = r.enterprise AND v.scheme = r.scheme AND v.month = r.month AND v.booked = r.booked
        AND v.recorded_on <= r.recorded_on
    WHERE r.several AND r.sound
    QUALIFY row_number() OVER (PARTITION BY r.row_id, v.payment ORDER BY v.recorded_on DESC, v.raw_row DESC) = 1
), sums AS (
    SELECT of_row, count(*) FILTER (retracted = '0') AS payments, max(base) FILTER (retracted = '0') AS base,
        sum(CAST(due_unit AS BIGINT)) FILTER (retracted = '0') AS due_unit,
        sum(CAST(due_person AS BIGINT)) FILTER (retracted = '0') AS due_person,
        sum(CAST(paid_unit AS BIGINT)) FILTER (retracted = '0') AS paid_unit,
        sum(CAST(paid_person AS BIGINT)) FILTER (retracted = '0') AS paid_person,
        max(paid_on) FILTER (retracted = '0') AS paid_on
    FROM latest GROUP BY of_row
)
SELECT * EXCLUDE (payment, several, sound) FROM one_by_one WHERE NOT (several AND sound)
UNION ALL
SELECT r.* EXCLUDE (payment, several, sound) REPLACE (CASE WHEN payments > 0 THEN '0' ELSE '1' END AS retracted, s.base AS base,
    CAST(s.due_unit AS VARCHAR) AS due_unit, CAST(s.due_person AS VARCHAR) AS due_person,
    CAST(s.paid_unit AS VARCHAR) AS paid_unit, CAST(s.paid_person AS VARCHAR) AS paid_person, s.paid_on AS paid_on)
FROM one_by_one AS r JOIN sums AS s ON s.of_row = r.row_id WHERE r.several AND r.sound
