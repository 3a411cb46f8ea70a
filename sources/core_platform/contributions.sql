-- A contribution as booked (AAE036), and as paid from the day it arrived (AAB191) where that is later.
-- Amounts of a refund are negative whichever sign the platform gives them.
WITH versions AS (
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
)
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
