-- Employment as far as the platform tells of it: the pension relation (AC20) with its kind of work (AAC013).
SELECT 'AC20' AS raw_table, n AS raw_row, row_id, day AS recorded_on,
    coalesce(rounded('AAC001', AAC001), rounded('AAB001', AAB001), rounded('AAZ159', AAZ159), retracted) AS retracted,
    as_id(AAC001) AS worker, as_id(AAB001) AS enterprise, started, ended, as_code('AAC013', work, kind.ours) AS kind,
    CAST(NULL AS VARCHAR) AS contract_registered
FROM relations LEFT JOIN codes AS kind ON kind.list = 'AAC013' AND kind.code = plain(work)
WHERE scheme = 'pension'
