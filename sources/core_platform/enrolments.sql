-- One row an event of AC20; a pause ends the cover, and a later opening begins it again.
SELECT as_id(AAZ159) || tail(AAE036, n) AS row_id, as_day('AAE036', AAE036) AS recorded_on,
    coalesce(rounded('AAC001', AAC001), rounded('AAB001', AAB001), rounded('AAZ159', AAZ159), as_retracted('AAE100', AAE100)) AS retracted, as_id(AAC001) AS worker, as_id(AAB001) AS enterprise,
    as_code('AAE140', AAE140, scheme) AS scheme, started, ended
FROM relations
