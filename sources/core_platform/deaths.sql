-- Deaths as the reason for which a relation ended; a reason that codes.csv does not know is refused here.
SELECT 'AC20' AS raw_table, n AS raw_row, as_id(AAZ159) || tail(AAE036, n) AS row_id, day AS recorded_on,
    CASE WHEN reason.ours IS NULL THEN unknown('AAE160', AAE160)
        ELSE coalesce(rounded('AAC001', AAC001), retracted) END AS retracted,
    as_id(AAC001) AS worker, as_day('AAE031', AAE031) AS died_on
FROM relation_events LEFT JOIN codes AS reason ON reason.list = 'AAE160' AND reason.code = plain(AAE160)
WHERE plain(AAE160) IS NOT NULL AND coalesce(reason.ours, 'died') = 'died'
