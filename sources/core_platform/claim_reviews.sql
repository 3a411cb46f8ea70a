-- Reviews of claims: the labels of fraudulent_claim.
SELECT as_id(setl_id) || tail(AAE036, n) AS row_id, as_day('AAE036', AAE036) AS recorded_on, coalesce(rounded('setl_id', setl_id), as_retracted('AAE100', AAE100)) AS retracted,
    as_id(setl_id) AS claim, as_code('AJLY', AJLY, origin.ours) AS chosen, GL AS inclusion_probability,
    as_whole(FZ) AS minutes, as_end('JARQ', JARQ) AS closed_on, as_code('JG', JG, outcome.ours) AS outcome,
    as_fen('JE', JE) AS amount
FROM JCJL
LEFT JOIN codes AS origin ON origin.list = 'AJLY' AND origin.code = plain(AJLY)
LEFT JOIN codes AS outcome ON outcome.list = 'JG' AND outcome.code = plain(JG)
