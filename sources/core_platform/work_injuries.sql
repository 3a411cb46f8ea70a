-- Accidents at work and their recognition; a row that tells of a decision outranks one that does not.
WITH typed AS (
    SELECT as_id(AAZ127) || tail(AAE036, n) AS row_id, n,
        as_day('AAE036', AAE036) AS recorded_on, date_of(AAE036) AS known,
        coalesce(rounded('AAC001', AAC001), rounded('AAZ127', AAZ127), as_retracted('AAE100', AAE100)) AS retracted,
        as_id(AAZ127) AS claim,
        as_id(AAC001) AS worker,
        as_day('ALC020', ALC020) AS happened_on,
        as_end('ALC031', ALC031) AS recognised_on,
        as_code('ALA015', ALA015, decision.ours) AS recognised,
        as_code('ALA040', ALA040, degree.ours) AS grade
    FROM LC31
    LEFT JOIN codes AS decision ON decision.list = 'ALA015' AND decision.code = plain(ALA015)
    LEFT JOIN codes AS degree ON degree.list = 'ALA040' AND degree.code = plain(ALA040)
), keyed AS (
    SELECT *, claim AS key,
        is_sound(known, [retracted, claim, worker, happened_on, recognised_on, recognised, grade]) AS sound
    FROM typed
), ranked AS (
    SELECT *, era_of(key, retracted, known, n) AS era,
        rank_of(sound, coalesce(recognised_on, recognised) IS NOT NULL, known, n) AS rank
    FROM keyed
)
SELECT 'LC31' AS raw_table, n AS raw_row, row_id, recorded_on, retracted, claim,
    stands(worker, key, era, known, rank) AS worker,
    stands(happened_on, key, era, known, rank) AS happened_on,
    stands(recognised_on, key, era, known, rank) AS recognised_on,
    stands(recognised, key, era, known, rank) AS recognised,
    stands(grade, key, era, known, rank) AS grade
FROM ranked
