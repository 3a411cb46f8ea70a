-- Inspections as opened and, in a later row, as closed; JCSX names the types examined.
WITH cases AS (
    SELECT *, list_transform(list_filter(regexp_split_to_array(coalesce(JCSX, ''), '[^0-9A-Za-z.]+'), lambda x: x <> ''),
        lambda x: plain(x)) AS types
    FROM JCAJ
), named AS (
    SELECT *, list_filter(types, lambda x: x NOT IN ('1', '2', '3', '4', '5'))[1] AS strange FROM cases
)
SELECT as_id(AJBH) || tail(AAE036, n) AS row_id, as_day('AAE036', AAE036) AS recorded_on,
    CASE WHEN strange IS NOT NULL THEN unknown('JCSX', strange) ELSE coalesce(rounded('AJBH', AJBH), rounded('AAB001', AAB001), as_retracted('AAE100', AAE100)) END AS retracted,
    as_id(AJBH) AS inspection, as_id(AAB001) AS enterprise, as_id(fixmedins_code) AS provider,
    as_code('AJLY', AJLY, origin.ours) AS kind, as_whole(JHFZ) AS planned_minutes, as_whole(FZ) AS spent_minutes,
    as_day('LARQ', LARQ) AS opened, as_end('JARQ', JARQ) AS closed_on,
    CAST(CAST(list_contains(types, '1') AS INTEGER) AS VARCHAR) AS examined_1,
    CAST(CAST(list_contains(types, '2') AS INTEGER) AS VARCHAR) AS examined_2,
    CAST(CAST(list_contains(types, '3') AS INTEGER) AS VARCHAR) AS examined_3,
    CAST(CAST(list_contains(types, '4') AS INTEGER) AS VARCHAR) AS examined_4,
    CAST(CAST(list_contains(types, '5') AS INTEGER) AS VARCHAR) AS examined_5,
    as_whole(XCRS) AS staff_on_site, as_id(CQBH) AS draw, GL AS inclusion_probability
FROM named LEFT JOIN codes AS origin ON origin.list = 'AJLY' AND origin.code = plain(AJLY)
