-- What inspections found, by type.
SELECT 'JCWF' AS raw_table, n AS raw_row, as_id(AJBH) || ':' || coalesce(plain(WFLX), '') || tail(AAE036, n) AS row_id, as_day('AAE036', AAE036) AS recorded_on,
    coalesce(rounded('AJBH', AJBH), as_retracted('AAE100', AAE100)) AS retracted, as_id(AJBH) AS inspection, as_whole(WFLX) AS violation,
    as_whole(WFRS) AS workers_in_violation, as_whole(ZRS) AS workers_total, as_fen('JE', JE) AS amount
FROM JCWF
