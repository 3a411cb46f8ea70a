-- Inspections as opened and as closed; JCSX names the types examined. A row that tells of the closing outranks one that
-- does not.
WITH cases AS (
    SELECT *, list_transform(list_filter(regexp_split_to_array(coalesce(JCSX, ''), '[^0-9A-Za-z.]+'), lambda x: x <> ''),
        lambda x: plain(x)) AS types
    FROM JCAJ
), named AS (
    SELECT *, list_filter(types, lambda x: x NOT IN ('1', '2', '3', '4', '5'))[1] AS strange FROM cases
), typed AS (
    SELECT as_id(AJBH) || tail(AAE036, n) AS row_id, n,
        as_day('AAE036', AAE036) AS recorded_on, date_of(AAE036) AS known,
        CASE WHEN strange IS NOT NULL THEN unknown('JCSX', strange)
            ELSE coalesce(rounded('AJBH', AJBH), rounded('AAB001', AAB001), as_retracted('AAE100', AAE100)) END AS retracted,
        as_id(AJBH) AS inspection,
        as_id(AAB001) AS enterprise,
        as_id(fixmedins_code) AS provider,
        as_code('AJLY', AJLY, origin.ours) AS kind,
        as_whole(JHFZ) AS planned_minutes,
        as_whole(FZ) AS spent_minutes,
        as_day('LARQ', LARQ) AS opened,
        as_end('JARQ', JARQ) AS closed_on,
        examines(types, '1') AS examined_1,
        examines(types, '2') AS examined_2,
        examines(types, '3') AS examined_3,
        examines(types, '4') AS examined_4,
        examines(types, '5') AS examined_5,
        as_whole(XCRS) AS staff_on_site,
        as_id(CQBH) AS draw,
        GL AS inclusion_probability
    FROM named
    LEFT JOIN codes AS origin ON origin.list = 'AJLY' AND origin.code = plain(AJLY)
), keyed AS (
    SELECT *, inspection AS key,
        is_sound(known, [retracted, inspection, enterprise, provider, kind, planned_minutes,
            spent_minutes, opened, closed_on, examined_1, examined_2, examined_3,
            examined_4, examined_5, staff_on_site, draw, inclusion_probability]) AS sound
    FROM typed
), ranked AS (
    SELECT *, era_of(key, retracted, known, n) AS era,
        rank_of(sound, closed_on IS NOT NULL, known, n) AS rank
    FROM keyed
)
SELECT 'JCAJ' AS raw_table, n AS raw_row, row_id, recorded_on, retracted, inspection,
    stands(enterprise, key, era, known, rank) AS enterprise,
    stands(provider, key, era, known, rank) AS provider,
    stands(kind, key, era, known, rank) AS kind,
    stands(planned_minutes, key, era, known, rank) AS planned_minutes,
    stands(spent_minutes, key, era, known, rank) AS spent_minutes,
    stands(opened, key, era, known, rank) AS opened,
    stands(closed_on, key, era, known, rank) AS closed_on,
    coalesce(stands(examined_1, key, era, known, rank), '0') AS examined_1,
    coalesce(stands(examined_2, key, era, known, rank), '0') AS examined_2,
    coalesce(stands(examined_3, key, era, known, rank), '0') AS examined_3,
    coalesce(stands(examined_4, key, era, known, rank), '0') AS examined_4,
    coalesce(stands(examined_5, key, era, known, rank), '0') AS examined_5,
    stands(staff_on_site, key, era, known, rank) AS staff_on_site,
    stands(draw, key, era, known, rank) AS draw,
    stands(inclusion_probability, key, era, known, rank) AS inclusion_probability
FROM ranked
