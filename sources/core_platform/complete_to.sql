-- The closed day where neither source.toml nor the dump's dump.toml names one: the latest day on which anything became known,
-- and the column that tells of it. Days more than a year after all others are slips of the pen where they are fewer than one row
-- in a thousand: those rows are refused, as later than the closed day.
WITH told AS (
    SELECT 'AB01.AAE036' AS origin, date_of(AAE036) AS known FROM AB01 WHERE NOT is_open(AAE036)
    UNION ALL SELECT 'AB05.AAE036' AS origin, date_of(AAE036) AS known FROM AB05 WHERE NOT is_open(AAE036)
    UNION ALL SELECT 'AC01.AAE036' AS origin, date_of(AAE036) AS known FROM AC01 WHERE NOT is_open(AAE036)
    UNION ALL SELECT 'AC20.AAE036' AS origin, date_of(AAE036) AS known FROM AC20 WHERE NOT is_open(AAE036)
    UNION ALL SELECT 'AC43.AAE036' AS origin, date_of(AAE036) AS known FROM AC43 WHERE NOT is_open(AAE036)
    UNION ALL SELECT 'AC43.AAB191' AS origin, date_of(AAB191) AS known FROM AC43 WHERE NOT is_open(AAB191)
    UNION ALL SELECT 'AC60.AAE036' AS origin, date_of(AAE036) AS known FROM AC60 WHERE NOT is_open(AAE036)
    UNION ALL SELECT 'AC61.AAE036' AS origin, date_of(AAE036) AS known FROM AC61 WHERE NOT is_open(AAE036)
    UNION ALL SELECT 'JC_BENEFIT.AAE036' AS origin, date_of(AAE036) AS known FROM JC_BENEFIT WHERE NOT is_open(AAE036)
    UNION ALL SELECT 'LC31.AAE036' AS origin, date_of(AAE036) AS known FROM LC31 WHERE NOT is_open(AAE036)
    UNION ALL SELECT 'DYSL.AAE036' AS origin, date_of(AAE036) AS known FROM DYSL WHERE NOT is_open(AAE036)
    UNION ALL SELECT 'FIXMEDINS_B.crte_time' AS origin, date_of(crte_time) AS known FROM FIXMEDINS_B WHERE NOT is_open(crte_time)
    UNION ALL SELECT 'SETL_D.crte_time' AS origin, date_of(crte_time) AS known FROM SETL_D WHERE NOT is_open(crte_time)
    UNION ALL SELECT 'FEE_LIST_D.crte_time' AS origin, date_of(crte_time) AS known FROM FEE_LIST_D WHERE NOT is_open(crte_time)
    UNION ALL SELECT 'TAX_PAYROLL.AAE036' AS origin, date_of(AAE036) AS known FROM TAX_PAYROLL WHERE NOT is_open(AAE036)
    UNION ALL SELECT 'POWER.AAE036' AS origin, date_of(AAE036) AS known FROM POWER WHERE NOT is_open(AAE036)
    UNION ALL SELECT 'TSJB.AAE036' AS origin, date_of(AAE036) AS known FROM TSJB WHERE NOT is_open(AAE036)
    UNION ALL SELECT 'JCAJ.AAE036' AS origin, date_of(AAE036) AS known FROM JCAJ WHERE NOT is_open(AAE036)
    UNION ALL SELECT 'JCWF.AAE036' AS origin, date_of(AAE036) AS known FROM JCWF WHERE NOT is_open(AAE036)
    UNION ALL SELECT 'JCCL.AAE036' AS origin, date_of(AAE036) AS known FROM JCCL WHERE NOT is_open(AAE036)
    UNION ALL SELECT 'JCJL.AAE036' AS origin, date_of(AAE036) AS known FROM JCJL WHERE NOT is_open(AAE036)
), days AS (
    SELECT known, origin, count(*) AS size FROM told WHERE known IS NOT NULL GROUP BY ALL
), apart AS (
    SELECT *, CAST(coalesce(known - lag(known) OVER by_day > 366, false) AS INTEGER) AS gap FROM days
    WINDOW by_day AS (ORDER BY known, origin)
), runs AS (
    SELECT *, sum(gap) OVER (ORDER BY known, origin) AS run FROM apart
)
SELECT known, origin FROM runs
QUALIFY sum(size) OVER (PARTITION BY run) * 1000 >= sum(size) OVER ()
ORDER BY known DESC, origin LIMIT 1
