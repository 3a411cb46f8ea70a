-- Spells on unemployment benefit; a last month ends with its last day, 999999 and 999912 are open.
-- A row that tells of the end outranks one that does not.
WITH typed AS (
    SELECT as_id(AAC001) || tail(AAE036, n) AS row_id, n,
        as_day('AAE036', AAE036) AS recorded_on, date_of(AAE036) AS known,
        coalesce(rounded('AAC001', AAC001), rounded('SLBH', SLBH), as_retracted('AAE100', AAE100)) AS retracted,
        coalesce(as_id(SLBH), 'JC' || as_id(AAC001) || '-' || date_of(AJC090)) AS claim,
        as_id(AAC001) AS worker,
        as_day('AJC090', AJC090) AS started,
        CASE WHEN is_open(AAE042) THEN NULL WHEN regexp_full_match(digits(AAE042), '[0-9]{6}')
            THEN coalesce(CAST(last_day(month_of(AAE042)) AS VARCHAR), '! AAE042 should be a month such as 201506')
            ELSE as_end('AAE042', AAE042) END AS ended
    FROM JC_BENEFIT
), keyed AS (
    SELECT *, claim AS key,
        is_sound(known, [retracted, claim, worker, started, ended]) AS sound
    FROM typed
), ranked AS (
    SELECT *, era_of(key, retracted, known, n) AS era,
        rank_of(sound, ended IS NOT NULL, known, n) AS rank
    FROM keyed
)
SELECT 'JC_BENEFIT' AS raw_table, n AS raw_row, row_id, recorded_on, retracted, claim,
    stands(worker, key, era, known, rank) AS worker,
    stands(started, key, era, known, rank) AS started,
    stands(ended, key, era, known, rank) AS ended
FROM ranked
