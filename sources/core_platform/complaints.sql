-- Complaints; the cell (WGBH) stands where no unit is named.
SELECT 'TSJB' AS raw_table, n AS raw_row, as_id(TSBH) || tail(AAE036, n) AS row_id, as_day('AAE036', AAE036) AS recorded_on, coalesce(rounded('TSBH', TSBH), rounded('AAB001', AAB001), as_retracted('AAE100', AAE100)) AS retracted,
    as_id(TSBH) AS complaint, as_id(AAB001) AS enterprise, as_id(WGBH) AS cell, as_day('TSRQ', TSRQ) AS lodged,
    as_code('TSSX', TSSX, topic.ours) AS topic, as_code('TSQD', TSQD, channel.ours) AS channel
FROM TSJB
LEFT JOIN codes AS topic ON topic.list = 'TSSX' AND topic.code = plain(TSSX)
LEFT JOIN codes AS channel ON channel.list = 'TSQD' AND channel.code = plain(TSQD)
