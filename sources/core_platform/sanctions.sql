-- Orders, fines and referrals.
SELECT as_id(AJBH) || ':' || coalesce(plain(CLLX), '') || tail(AAE036, n) AS row_id, as_day('AAE036', AAE036) AS recorded_on,
    coalesce(rounded('AJBH', AJBH), as_retracted('AAE100', AAE100)) AS retracted, as_id(AJBH) AS inspection, as_whole(WFLX) AS violation,
    as_code('CLLX', CLLX, act.ours) AS act, as_day('CLRQ', CLRQ) AS decided_on, as_whole(ZDSJ) AS grave,
    as_end('LXRQ', LXRQ) AS complied_on
FROM JCCL LEFT JOIN codes AS act ON act.list = 'CLLX' AND act.code = plain(CLLX)
