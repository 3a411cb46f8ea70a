-- A person as AC01 has it; residence has no urban/rural split in the family 51/52.
SELECT 'AC01' AS raw_table, n AS raw_row, as_id(AAC001) || tail(AAE036, n) AS row_id, as_day('AAE036', AAE036) AS recorded_on,
    coalesce(rounded('AAC001', AAC001), as_retracted('AAE100', AAE100)) AS retracted, as_id(AAC001) AS worker,
    CASE WHEN is_none(AAC006) THEN NULL WHEN regexp_full_match(digits(AAC006), '[0-9]{4}|[0-9]{6}|[0-9]{8}') THEN digits(AAC006)[1:4]
        ELSE coalesce(CAST(year(date_of(AAC006)) AS VARCHAR), '! AAC006 should be a day such as 19800101') END AS birth_year,
    as_code('AAC009', AAC009, residence.ours) AS residence
FROM AC01 LEFT JOIN codes AS residence ON residence.list = 'AAC009' AND residence.code = plain(AAC009)
