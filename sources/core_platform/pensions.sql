-- Pensions from their first month (or day).
SELECT 'AC60' AS raw_table, n AS raw_row, as_id(AAZ257) || tail(AAE036, n) AS row_id, as_day('AAE036', AAE036) AS recorded_on,
    coalesce(rounded('AAC001', AAC001), rounded('AAZ257', AAZ257), as_retracted('AAE100', AAE100)) AS retracted, as_id(AAZ257) AS claim, as_id(AAC001) AS worker,
    CASE WHEN regexp_full_match(digits(AAE210), '[0-9]{6}') THEN as_month('AAE210', AAE210) ELSE as_day('AAE210', AAE210) END AS started,
    as_id(JFGZ) AS rule
FROM AC60
