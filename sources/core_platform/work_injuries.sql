-- Accidents at work and their recognition.
SELECT as_id(AAZ127) || tail(AAE036, n) AS row_id, as_day('AAE036', AAE036) AS recorded_on,
    coalesce(rounded('AAC001', AAC001), rounded('AAZ127', AAZ127), as_retracted('AAE100', AAE100)) AS retracted, as_id(AAZ127) AS claim, as_id(AAC001) AS worker,
    as_day('ALC020', ALC020) AS happened_on, as_end('ALC031', ALC031) AS recognised_on,
    as_code('ALA015', ALA015, recognised.ours) AS recognised, as_code('ALA040', ALA040, grade.ours) AS grade
FROM LC31
LEFT JOIN codes AS recognised ON recognised.list = 'ALA015' AND recognised.code = plain(ALA015)
LEFT JOIN codes AS grade ON grade.list = 'ALA040' AND grade.code = plain(ALA040)
