-- Orders, fines and referrals; a row that tells of compliance outranks one that does not.
WITH typed AS (
    SELECT as_id(AJBH) || ':' || coalesce(plain(CLLX), '') || tail(AAE036, n) AS row_id, n,
        as_day('AAE036', AAE036) AS recorded_on, date_of(AAE036) AS known,
        coalesce(rounded('AJBH', AJBH), as_retracted('AAE100', AAE100)) AS retracted,
        as_id(AJBH) AS inspection,
        as_whole(WFLX) AS violation,
        as_code('CLLX', CLLX, measure.ours) AS act,
        as_day('CLRQ', CLRQ) AS decided_on,
        as_whole(ZDSJ) AS grave,
        as_end('LXRQ', LXRQ) AS complied_on
    FROM JCCL
    LEFT JOIN codes AS measure ON measure.list = 'CLLX' AND measure.code = plain(CLLX)
), keyed AS (
    SELECT *, row(inspection, act, decided_on) AS key,
        is_sound(known, [retracted, inspection, violation, act, decided_on, grave, complied_on]) AS sound
    FROM typed
), ranked AS (
    SELECT *, era_of(key, retracted, known, n) AS era,
        rank_of(sound, complied_on IS NOT NULL, known, n) AS rank
    FROM keyed
)
SELECT 'JCCL' AS raw_table, n AS raw_row, row_id, recorded_on, retracted, inspection,
    stands(violation, key, era, known, rank) AS violation,
    act,
    decided_on,
    stands(grave, key, era, known, rank) AS grave,
    stands(complied_on, key, era, known, rank) AS complied_on
FROM ranked
