-- Spells of cover (AC20); a pause ends one, and a later opening begins another.
SELECT 'AC20' AS raw_table, n AS raw_row, row_id, day AS recorded_on,
    coalesce(rounded('AAC001', AAC001), rounded('AAB001', AAB001), rounded('AAZ159', AAZ159), retracted) AS retracted,
    as_id(AAC001) AS worker, as_id(AAB001) AS enterprise, as_code('AAE140', AAE140, scheme) AS scheme, started, ended
FROM relations
