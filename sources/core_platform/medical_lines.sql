-- Fee lines of a settlement: the one they name, else the first of their visit. A line that names init_feedetl_sn takes it back.
WITH visits AS (
    SELECT as_id(mdtrt_id) AS visit, arg_min(as_id(setl_id), (date_of(crte_time), n)) AS claim
    FROM SETL_D WHERE init_setl_id IS NULL AND mdtrt_id IS NOT NULL GROUP BY ALL
), lines AS (
    SELECT f.*, coalesce(as_id(f.setl_id), visits.claim) AS claim,
        coalesce(as_day('crte_time', f.crte_time), as_day('fee_ocur_time', f.fee_ocur_time)) AS day,
        init_feedetl_sn IS NOT NULL AND as_id(init_feedetl_sn) IS DISTINCT FROM as_id(feedetl_sn) AS reverses
    FROM FEE_LIST_D AS f LEFT JOIN visits ON visits.visit = as_id(f.mdtrt_id)
)
SELECT 'FEE_LIST_D' AS raw_table, n AS raw_row, CASE WHEN reverses THEN as_id(init_feedetl_sn) || ' by ' || as_id(feedetl_sn) ELSE as_id(feedetl_sn) END || '@' || coalesce(day, '')
        AS row_id, day AS recorded_on, CASE WHEN reverses THEN '1' ELSE as_retracted('vali_flag', vali_flag) END AS retracted,
    CASE WHEN reverses THEN as_id(init_feedetl_sn) ELSE as_id(feedetl_sn) END AS line, claim,
    coalesce(as_id(XMLB), upper(left(med_list_codg, 1))) AS item_group,
    CASE WHEN NOT reverses AND (number_of(cnt) IS NULL OR number_of(cnt) % 1 = 0)
        THEN digits(cnt) END AS quantity,
    CASE WHEN NOT reverses AND (number_of(amount(pric)) IS NULL OR as_fen('pric', pric) NOT LIKE '! %')
        THEN as_fen('pric', pric) END AS price,
    CASE WHEN NOT reverses THEN as_fen('det_item_fee_sumamt', det_item_fee_sumamt) END AS amount,
    as_day('fee_ocur_time', fee_ocur_time) AS used_on, as_id(WGBH) AS cell
FROM lines
