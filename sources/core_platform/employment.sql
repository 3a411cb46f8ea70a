-- Employment as far as the platform tells of it: the pension relation (AC20) with its kind of work (AAC013).
SELECT as_id(AAZ159) || tail(AAE036, n) AS row_id, as_day('AAE036', AAE036) AS recorded_on,
    coalesce(rounded('AAC001', AAC001), rounded('AAB001', AAB001), rounded('AAZ159', AAZ159), as_retracted('AAE100', AAE100)) AS retracted, as_id(AAC001) AS worker, as_id(AAB001) AS enterprise, started, ended,
    as_code('AAC013', AAC013, kind.ours) AS kind, CAST(NULL AS VARCHAR) AS contract_registered
FROM relations LEFT JOIN codes AS kind ON kind.list = 'AAC013' AND kind.code = plain(AAC013)
WHERE scheme = 'pension'
