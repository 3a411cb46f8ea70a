-- The claimant stands for the worker; an age of 0 is no age. Known when the claim is.
WITH dated AS (
    SELECT PolicyNumber, Age, CAST(Year AS INTEGER) AS year, CAST(WeekOfMonthClaimed AS INTEGER) AS week,
        list_position(['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'], MonthClaimed) AS month
    FROM csv('${DATA}/carclaims.csv.gz')
)
SELECT PolicyNumber AS row_id, CASE WHEN month > 0
    THEN least(last_day(make_date(year, month, 1)), make_date(year, month, 1) + (7 * week - 1)) END AS recorded_on, 0 AS retracted,
    PolicyNumber AS worker, year - nullif(CAST(Age AS INTEGER), 0) AS birth_year, CAST(NULL AS VARCHAR) AS residence
FROM dated
ORDER BY length(PolicyNumber), PolicyNumber
