-- Medical settlements (SETL_D), and claims of the other schemes: from DYSL (ours) where the dump has it, else as far as
-- JC_BENEFIT, LC31 and AC60 tell of them. A settlement that names init_setl_id takes that claim back,
-- from the day on which both were known. What was decided of a claim (JSZT, ours) is not undone by a row handled later
-- that only says it was filed.
WITH states AS MATERIALIZED (
    SELECT 'SETL_D' AS origin, n, as_id(setl_id) AS claim, date_of(crte_time) AS known, ours AS state,
        as_retracted('vali_flag', vali_flag) = '1' AS back
    FROM SETL_D JOIN codes ON list = 'JSZT' AND code = plain(JSZT)
    UNION ALL
    SELECT 'DYSL', n, as_id(SLBH), date_of(AAE036), ours, as_retracted('AAE100', AAE100) = '1'
    FROM DYSL JOIN codes ON list = 'JSZT' AND code = plain(JSZT)
), decided AS (
    SELECT f.origin, f.n, arg_max(d.state, (d.known, d.n)) AS state
    FROM states AS f JOIN states AS d ON d.origin = f.origin AND d.claim = f.claim AND d.known <= f.known
    LEFT JOIN states AS b ON b.back AND b.origin = f.origin AND b.claim = f.claim AND b.known <= f.known
        AND (b.known, b.n) > (d.known, d.n)
    WHERE f.state = 'filed' AND d.state <> 'filed' AND NOT d.back AND b.n IS NULL
    GROUP BY ALL
), originals AS (
    SELECT as_id(setl_id) AS settlement, min(date_of(crte_time)) AS known, bool_and(reverses(init_setl_id, setl_id)) AS again
    FROM SETL_D WHERE as_id(setl_id) IN (SELECT as_id(init_setl_id) FROM SETL_D) GROUP BY ALL
), settled AS (
    SELECT s.*, reverses(init_setl_id, setl_id) AS reverses, CASE WHEN NOT reverses(init_setl_id, setl_id) THEN NULL
            WHEN first.settlement IS NULL THEN '! SETL_D takes back a settlement that the dump does not hold'
            WHEN first.again THEN '! SETL_D takes back a settlement that itself takes one back' END AS strange,
        CASE WHEN date_of(crte_time) < first.known THEN CAST(first.known AS VARCHAR)
            ELSE coalesce(as_day('crte_time', crte_time), as_day('setl_time', setl_time)) END AS day,
        as_code('insutype', insutype, scheme.ours) AS scheme, as_code('med_type', med_type, stay.ours) AS inpatient,
        coalesce(decided.state, as_code('JSZT', JSZT, state.ours)) AS state
    FROM SETL_D AS s
    LEFT JOIN decided ON decided.origin = 'SETL_D' AND decided.n = s.n
    LEFT JOIN originals AS first ON reverses(s.init_setl_id, s.setl_id) AND first.settlement = as_id(s.init_setl_id)
    LEFT JOIN codes AS scheme ON scheme.list = 'insutype' AND scheme.code = plain(s.insutype)
    LEFT JOIN codes AS stay ON stay.list = 'med_type' AND stay.code = plain(s.med_type)
    LEFT JOIN codes AS state ON state.list = 'JSZT' AND state.code = plain(s.JSZT)
), other AS (
    SELECT 'DYSL' AS origin, as_id(SLBH) AS claim, DYSL.n, AAE036, AAE100, as_id(AAC001) AS worker, as_id(AAB001) AS enterprise,
        as_code('DYSL.AAE140', AAE140, scheme.ours) AS scheme, SLRQ AS filed, SLJE AS amount,
        coalesce(decided.state, as_code('JSZT', JSZT, state.ours)) AS state
    FROM DYSL
    LEFT JOIN decided ON decided.origin = 'DYSL' AND decided.n = DYSL.n
    LEFT JOIN codes AS scheme ON scheme.list = 'DYSL.AAE140' AND scheme.code = plain(AAE140)
    LEFT JOIN codes AS state ON state.list = 'JSZT' AND state.code = plain(JSZT)
    UNION ALL
    SELECT 'JC_BENEFIT', coalesce(as_id(SLBH), 'JC' || as_id(AAC001) || '-' || date_of(AJC090)), n, AAE036, AAE100, as_id(AAC001), NULL,
        'unemployment', AAE036, AAE019, 'paid'
    FROM JC_BENEFIT WHERE (SELECT count(*) FROM DYSL) = 0
    UNION ALL
    SELECT 'LC31', as_id(AAZ127), n, AAE036, AAE100, as_id(AAC001), as_id(AAB001), 'injury', AAE036, NULL, 'filed'
    FROM LC31 WHERE (SELECT count(*) FROM DYSL) = 0
    UNION ALL
    SELECT 'AC60', as_id(AAZ257), n, AAE036, AAE100, as_id(AAC001), NULL, 'pension', AAE036, NULL, 'paid'
    FROM AC60 WHERE (SELECT count(*) FROM DYSL) = 0
)
SELECT 'SETL_D' AS raw_table, n AS raw_row, CASE WHEN reverses THEN as_id(init_setl_id) || ' by ' || as_id(setl_id) ELSE as_id(setl_id) END || '@' || coalesce(day, '')
        AS row_id, day AS recorded_on, 
    CASE WHEN reverses THEN coalesce(strange, '1')
        ELSE coalesce(rounded('setl_id', setl_id), rounded('psn_no', psn_no), as_retracted('vali_flag', vali_flag)) END AS retracted,
    CASE WHEN reverses THEN as_id(init_setl_id) ELSE as_id(setl_id) END AS claim, as_id(psn_no) AS worker,
    as_id(fixmedins_code) AS provider, as_id(emp_no) AS enterprise, CASE WHEN NOT reverses THEN scheme END AS scheme,
    coalesce(as_day('setl_time', setl_time), day) AS filed_on,
    CASE WHEN NOT reverses THEN as_fen('medfee_sumamt', coalesce(medfee_sumamt, fund_pay_sumamt)) END AS amount,
    CASE WHEN NOT reverses THEN coalesce(state, 'paid') END AS state, CASE WHEN NOT reverses THEN inpatient END AS inpatient,
    CASE WHEN inpatient = '1' THEN as_day('begntime', begntime) END AS admitted,
    CASE WHEN inpatient = '1' THEN as_end('endtime', endtime) END AS discharged
FROM settled
UNION ALL
SELECT origin, n, claim || tail(AAE036, n), as_day('AAE036', AAE036), coalesce(rounded('SLBH', claim), rounded('AAC001', worker), as_retracted('AAE100', AAE100)),
    claim, worker, NULL, enterprise, scheme, as_day('SLRQ', filed), as_fen('SLJE', amount), state, NULL, NULL, NULL
FROM other
