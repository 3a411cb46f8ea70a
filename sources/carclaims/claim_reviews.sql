-- The file gives a verdict without a day: it is taken as known 30 days after the claim was filed.
WITH dated AS (
    SELECT PolicyNumber, FraudFound_P, CAST(Year AS INTEGER) AS year, CAST(WeekOfMonthClaimed AS INTEGER) AS week,
        list_position(['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'], MonthClaimed) AS month
    FROM csv('${DATA}/carclaims.csv.gz')
), closed AS (
    SELECT PolicyNumber, FraudFound_P, CASE WHEN month > 0
        THEN least(last_day(make_date(year, month, 1)), make_date(year, month, 1) + (7 * week - 1)) + 30 END AS closed_on
    FROM dated
)
SELECT PolicyNumber AS row_id, closed_on AS recorded_on, 0 AS retracted, PolicyNumber AS claim,
    CAST(NULL AS VARCHAR) AS chosen, CAST(NULL AS DOUBLE) AS inclusion_probability, CAST(NULL AS INTEGER) AS minutes, closed_on,
    CASE FraudFound_P WHEN '1' THEN 'fraud' ELSE 'clean' END AS outcome, CAST(NULL AS BIGINT) AS amount
FROM closed
ORDER BY length(PolicyNumber), PolicyNumber
