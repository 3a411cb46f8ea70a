-- A claim is filed at the end of the week that the file names; `Year` is taken as the year of that week.
-- The seasons of two years cannot be learned: month and weekday say when a claim came and nothing else.
-- The 16 representatives of the insurer are no providers: counts of their claims mostly tell the season.
-- Grades are written as their lower bound. Sex stands in `protected`, age in `workers`; marital status is not read.
WITH raw AS (
    SELECT *, list_position(['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'], MonthClaimed)
        AS month_number
    FROM csv('${DATA}/carclaims.csv.gz')
), dated AS (
    SELECT *, CASE WHEN month_number > 0 THEN least(last_day(make_date(CAST(Year AS INTEGER), month_number, 1)),
        make_date(CAST(Year AS INTEGER), month_number, 1) + CAST(7 * CAST(WeekOfMonthClaimed AS INTEGER) - 1 AS INTEGER)) END
        AS filed_on
    FROM raw
)
SELECT PolicyNumber AS row_id, filed_on AS recorded_on, 0 AS retracted,
    PolicyNumber AS claim, PolicyNumber AS worker, CAST(NULL AS VARCHAR) AS provider, CAST(NULL AS VARCHAR) AS enterprise,
    'other' AS scheme, filed_on, CAST(NULL AS BIGINT) AS amount, 'filed' AS state, CAST(NULL AS INTEGER) AS inpatient,
    CAST(NULL AS DATE) AS admitted, CAST(NULL AS DATE) AS discharged,
    Make AS make, Fault AS fault, PolicyType AS policy, VehicleCategory AS vehicle, AgentType AS agent, BasePolicy AS cover,
    CAST(AccidentArea = 'Rural' AS INTEGER) AS rural_accident, CAST(PoliceReportFiled = 'Yes' AS INTEGER) AS police_report,
    CAST(WitnessPresent = 'Yes' AS INTEGER) AS witness, CAST(Deductible AS INTEGER) AS deductible,
    CAST(DriverRating AS INTEGER) AS driver_rating,
    CASE VehiclePrice WHEN 'less than 20000' THEN 0 WHEN '20000 to 29000' THEN 20000 WHEN '30000 to 39000' THEN 30000
        WHEN '40000 to 59000' THEN 40000 WHEN '60000 to 69000' THEN 60000 WHEN 'more than 69000' THEN 70000 END AS vehicle_price,
    CASE AgeOfVehicle WHEN 'new' THEN 0 WHEN 'more than 7' THEN 8 ELSE TRY_CAST(left(AgeOfVehicle, 1) AS INTEGER) END
        AS vehicle_age,
    CASE Days_Policy_Accident WHEN 'none' THEN 0 WHEN '1 to 7' THEN 1 WHEN '8 to 15' THEN 8 WHEN '15 to 30' THEN 16
        WHEN 'more than 30' THEN 31 END AS policy_to_accident,
    CASE Days_Policy_Claim WHEN 'none' THEN 0 WHEN '8 to 15' THEN 8 WHEN '15 to 30' THEN 16 WHEN 'more than 30' THEN 31 END
        AS policy_to_claim,
    CASE PastNumberOfClaims WHEN 'none' THEN 0 WHEN '1' THEN 1 WHEN '2 to 4' THEN 2 WHEN 'more than 4' THEN 5 END AS past_claims,
    CASE NumberOfSuppliments WHEN 'none' THEN 0 WHEN '1 to 2' THEN 1 WHEN '3 to 5' THEN 3 WHEN 'more than 5' THEN 6 END
        AS supplements,
    CASE AddressChange_Claim WHEN 'no change' THEN 9 WHEN '4 to 8 years' THEN 4 WHEN '2 to 3 years' THEN 2 WHEN '1 year' THEN 1
        WHEN 'under 6 months' THEN 0 END AS address_years,
    CASE NumberOfCars WHEN '1 vehicle' THEN 1 WHEN '2 vehicles' THEN 2 WHEN '3 to 4' THEN 3 WHEN '5 to 8' THEN 5
        WHEN 'more than 8' THEN 9 END AS cars,
    CASE AgeOfPolicyHolder WHEN '16 to 17' THEN 16 WHEN '18 to 20' THEN 18 WHEN '21 to 25' THEN 21 WHEN '26 to 30' THEN 26
        WHEN '31 to 35' THEN 31 WHEN '36 to 40' THEN 36 WHEN '41 to 50' THEN 41 WHEN '51 to 65' THEN 51 WHEN 'over 65' THEN 66 END
        AS holder_age
FROM dated
ORDER BY length(PolicyNumber), PolicyNumber
