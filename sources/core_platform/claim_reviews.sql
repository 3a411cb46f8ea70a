-- Reviews of claims: the labels of fraudulent_claim. A row that tells of the outcome outranks one that does not.
WITH typed AS (
    SELECT as_id(setl_id) || tail(AAE036, n) AS row_id, n,
        as_day('AAE036', AAE036) AS recorded_on, date_of(AAE036) AS known,
        coalesce(rounded('setl_id', setl_id), as_retracted('AAE100', AAE100)) AS retracted,
        as_id(setl_id) AS claim,
        as_code('AJLY', AJLY, origin.ours) AS chosen,
        GL AS inclusion_probability,
        as_whole(FZ) AS minutes,
        as_end('JARQ', JARQ) AS closed_on,
        as_code('JG', JG, verdict.ours) AS outcome,
        as_fen('JE', JE) AS amount
    FROM JCJL
    LEFT JOIN codes AS origin ON origin.list = 'AJLY' AND origin.code = plain(AJLY)
    LEFT JOIN codes AS verdict ON verdict.list = 'JG' AND verdict.code = plain(JG)
), keyed AS (
    SELECT *, claim AS key,
        is_sound(known, [retracted, claim, chosen, inclusion_probability, minutes, closed_on, outcome,
            amount]) AS sound
    FROM typed
), ranked AS (
    SELECT *, era_of(key, retracted, known, n) AS era,
        rank_of(sound, coalesce(closed_on, outcome) IS NOT NULL, known, n) AS rank
    FROM keyed
)
SELECT 'JCJL' AS raw_table, n AS raw_row, row_id, recorded_on, retracted, claim,
    stands(chosen, key, era, known, rank) AS chosen,
    stands(inclusion_probability, key, era, known, rank) AS inclusion_probability,
    stands(minutes, key, era, known, rank) AS minutes,
    stands(closed_on, key, era, known, rank) AS closed_on,
    stands(outcome, key, era, known, rank) AS outcome,
    stands(amount, key, era, known, rank) AS amount
FROM ranked
