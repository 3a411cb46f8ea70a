-- Providers under contract; attributes hold from SXRQ (ours), else from the beginning of the contract. The end of a
-- contract, once told, is that of all its attributes, from the day on which it was told.
WITH typed AS (
    SELECT n, as_id(fixmedins_code) AS provider, as_day('crte_time', crte_time) AS recorded_on,
        date_of(crte_time) AS known,
        coalesce(rounded('fixmedins_code', fixmedins_code), as_retracted('vali_flag', vali_flag)) AS retracted,
        coalesce(as_day('SXRQ', SXRQ), as_day('begntime', begntime), as_day('crte_time', crte_time)) AS since,
        as_code('fixmedins_type', fixmedins_type, kind.ours) AS kind, as_code('hosp_lv', hosp_lv, grade.ours) AS level,
        as_whole(aprv_bed_cnt) AS beds, as_whole(RYS) AS staff, as_day('begntime', begntime) AS started,
        as_end('endtime', endtime) AS ended, as_whole(ZDS) AS terminals, as_id(WGBH) AS cell
    FROM FIXMEDINS_B
    LEFT JOIN codes AS kind ON kind.list = 'fixmedins_type' AND kind.code = plain(fixmedins_type)
    LEFT JOIN codes AS grade ON grade.list = 'hosp_lv' AND grade.code = plain(hosp_lv)
), keyed AS (
    SELECT *, is_sound(known, [retracted, provider, since, kind, level, beds, staff, started, ended, terminals, cell])
        AS sound
    FROM typed
), steps AS (
    SELECT provider, known AS step, max(n) AS cause FROM keyed WHERE sound GROUP BY ALL
), undone AS (
    SELECT r.n, min(taker.known) AS undone_on
    FROM keyed AS taker JOIN keyed AS r ON r.provider = taker.provider AND r.since = taker.since
    WHERE taker.sound AND taker.retracted = '1' AND r.retracted = '0' AND (taker.known, taker.n) > (r.known, r.n)
    GROUP BY ALL
), standing AS MATERIALIZED (
    SELECT step, cause, keyed.*, row(ended IS NOT NULL, known, n) AS rank
    FROM steps JOIN keyed ON keyed.provider = steps.provider AND known <= step LEFT JOIN undone USING (n)
    WHERE sound AND retracted = '0' AND (undone_on IS NULL OR undone_on > step)
), ends AS (
    SELECT provider, started, step, arg_max(ended, rank) AS ended FROM standing WHERE ended IS NOT NULL GROUP BY ALL
), held AS (
    SELECT provider, since, step, arg_max(kind, rank) AS kind, arg_max(level, rank) AS level, arg_max(beds, rank) AS beds,
        arg_max(staff, rank) AS staff, arg_max(started, rank) AS started, arg_max(terminals, rank) AS terminals,
        arg_max(cell, rank) AS cell
    FROM standing GROUP BY ALL
), ended AS (
    SELECT held.*, ends.ended FROM held LEFT JOIN ends ON ends.provider = held.provider AND ends.step = held.step
        AND ends.started IS NOT DISTINCT FROM held.started
), days AS (
    SELECT steps.*, firsts.since
    FROM steps JOIN (SELECT provider, since, min(step) AS first_step FROM held GROUP BY ALL) AS firsts
        ON firsts.provider = steps.provider AND step >= first_step
), states AS (
    SELECT days.*, e.* EXCLUDE (provider, since, step), e.provider IS NULL AS gone,
        row(gone, kind, level, beds, staff, started, terminals, cell, ended) AS attributes
    FROM days LEFT JOIN ended AS e ON e.provider = days.provider AND e.since = days.since AND e.step = days.step
), changes AS (
    SELECT * FROM states
    WINDOW by_step AS (PARTITION BY provider, since ORDER BY step)
    QUALIFY attributes IS DISTINCT FROM lag(attributes) OVER by_step OR lag(step) OVER by_step IS NULL
)
SELECT 'FIXMEDINS_B' AS raw_table, cause AS raw_row, provider || ':' || since || '@' || step || '#' || cause AS row_id, CAST(step AS VARCHAR) AS recorded_on,
    CAST(CAST(gone AS INTEGER) AS VARCHAR) AS retracted, provider, since, kind, level, beds, staff, started, ended, terminals,
    cell
FROM changes
UNION ALL
SELECT 'FIXMEDINS_B', n, provider || tail(recorded_on, n), recorded_on, retracted, provider, since, kind, level, beds, staff, started, ended,
    terminals, cell
FROM keyed ANTI JOIN changes ON sound AND changes.provider = keyed.provider AND changes.since = keyed.since AND step = known
WHERE NOT sound OR retracted = '1'
