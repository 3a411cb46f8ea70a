-- Sex, for the group audit alone.
WITH dated AS (
    SELECT PolicyNumber, Sex, CAST(Year AS INTEGER) AS year, CAST(WeekOfMonthClaimed AS INTEGER) AS week,
        list_position(['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'], MonthClaimed) AS month
    FROM csv('${DATA}/carclaims.csv.gz')
)
SELECT PolicyNumber AS row_id, CASE WHEN month > 0
    THEN least(last_day(make_date(year, month, 1)), make_date(year, month, 1) + (7 * week - 1)) END AS recorded_on, 0 AS retracted,
    PolicyNumber AS worker, lower(Sex) AS sex, CAST(NULL AS VARCHAR) AS ethnicity
FROM dated
ORDER BY length(PolicyNumber), PolicyNumber
