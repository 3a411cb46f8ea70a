-- Sex and ethnicity, for the group audit alone.
SELECT 'AC01' AS raw_table, n AS raw_row, as_id(AAC001) || tail(AAE036, n) AS row_id, as_day('AAE036', AAE036) AS recorded_on,
    coalesce(rounded('AAC001', AAC001), as_retracted('AAE100', AAE100)) AS retracted, as_id(AAC001) AS worker, as_code('AAC004', AAC004, sex.ours) AS sex,
    as_id(AAC005) AS ethnicity
FROM AC01 LEFT JOIN codes AS sex ON sex.list = 'AAC004' AND sex.code = plain(AAC004)
