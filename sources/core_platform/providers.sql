-- Providers under contract; attributes hold from SXRQ (ours), else from the beginning of the contract.
SELECT as_id(fixmedins_code) || tail(crte_time, n) AS row_id, as_day('crte_time', crte_time) AS recorded_on,
    coalesce(rounded('fixmedins_code', fixmedins_code), as_retracted('vali_flag', vali_flag)) AS retracted, as_id(fixmedins_code) AS provider,
    coalesce(as_day('SXRQ', SXRQ), as_day('begntime', begntime), as_day('crte_time', crte_time)) AS since,
    as_code('fixmedins_type', fixmedins_type, kind.ours) AS kind, as_code('hosp_lv', hosp_lv, level.ours) AS level,
    as_whole(aprv_bed_cnt) AS beds, as_whole(RYS) AS staff, as_day('begntime', begntime) AS started, as_end('endtime', endtime) AS ended,
    as_whole(ZDS) AS terminals, as_id(WGBH) AS cell
FROM FIXMEDINS_B
LEFT JOIN codes AS kind ON kind.list = 'fixmedins_type' AND kind.code = plain(fixmedins_type)
LEFT JOIN codes AS level ON level.list = 'hosp_lv' AND level.code = plain(hosp_lv)
