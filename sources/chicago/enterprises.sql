-- What the city knew of a licence, on each day on which it learned something: a term of the licence begins, or a visit
-- writes down what it saw. A visit's own facts are known from its day on, so the case of that visit, seen from the eve,
-- does not have them.
WITH terms AS (
    SELECT DISTINCT CAST(CAST(LICENSE_NUMBER AS DOUBLE) AS BIGINT) AS enterprise, CAST(LICENSE_TERM_START_DATE AS DATE) AS since,
        CAST(minDate AS DATE) AS registered, BUSINESS_ACTIVITY AS activity, LICENSE_DESCRIPTION AS licence,
        TRY_CAST(LATITUDE AS DOUBLE) AS latitude, TRY_CAST(LONGITUDE AS DOUBLE) AS longitude
    FROM read_csv('${DATA}/chicago/business_at_inspection.csv.gz', header = true, all_varchar = true)
    WHERE LICENSE_NUMBER IS NOT NULL
), visits AS (
    SELECT CAST(CAST(i.License AS DOUBLE) AS BIGINT) AS enterprise, CAST(i.Inspection_Date AS DATE) AS since,
        lower(trim(i.Facility_Type)) AS facility, i.Risk[6:6] AS risk,
        TRY_CAST(i.Latitude AS DOUBLE) AS latitude, TRY_CAST(i.Longitude AS DOUBLE) AS longitude,
        b.consumption_on_premises_incidental_activity AS on_premises, b.tobacco, b.package_goods, b.outdoor_patio,
        b.limited_business_license AS limited_business, b.tavern, b.caterers_liquor_license AS caterers_liquor,
        b.public_place_of_amusement AS amusement, b.filling_station, b.childrens_services_facility_license AS children
    FROM read_csv('${DATA}/chicago/inspections.csv.gz', header = true, all_varchar = true) AS i
    JOIN read_csv('${DATA}/chicago/business_at_inspection.csv.gz', header = true, all_varchar = true) AS b USING (Inspection_ID)
), days AS (
    SELECT enterprise, since, max(registered) AS registered, max(activity) AS activity, max(licence) AS licence,
        max(facility) AS facility, max(risk) AS risk, max(latitude) AS latitude, max(longitude) AS longitude,
        max(on_premises) AS on_premises, max(tobacco) AS tobacco, max(package_goods) AS package_goods,
        max(outdoor_patio) AS outdoor_patio, max(limited_business) AS limited_business, max(tavern) AS tavern,
        max(caterers_liquor) AS caterers_liquor, max(amusement) AS amusement, max(filling_station) AS filling_station,
        max(children) AS children
    FROM (SELECT * FROM terms UNION ALL BY NAME SELECT * FROM visits)
    GROUP BY enterprise, since
), known AS (
    SELECT enterprise, since,
        last_value(COLUMNS(* EXCLUDE (enterprise, since)) IGNORE NULLS) OVER (PARTITION BY enterprise ORDER BY since)
    FROM days
)
SELECT printf('%d:%s', enterprise, CAST(since AS VARCHAR)) AS row_id, since AS recorded_on, 0 AS retracted,
    enterprise, since, CAST(NULL AS VARCHAR) AS kind, CAST(NULL AS VARCHAR) AS head_office, registered,
    CAST(NULL AS DATE) AS closed, CAST(NULL AS VARCHAR) AS section, CAST(NULL AS VARCHAR) AS division,
    CAST(NULL AS VARCHAR) AS ownership,
    printf('%d_%d', CAST(floor(latitude * 100) AS INTEGER), CAST(floor(longitude * 100) AS INTEGER)) AS cell,
    CAST(NULL AS VARCHAR) AS address, CAST(round(longitude * 1e6) AS INTEGER) AS longitude,
    CAST(round(latitude * 1e6) AS INTEGER) AS latitude, CAST(NULL AS INTEGER) AS rural,
    CAST(NULL AS VARCHAR) AS representative, CAST(NULL AS VARCHAR) AS account,
    activity, licence, facility, risk, CAST(CAST(on_premises AS DOUBLE) AS INTEGER) AS on_premises,
    CAST(CAST(tobacco AS DOUBLE) AS INTEGER) AS tobacco, CAST(CAST(package_goods AS DOUBLE) AS INTEGER) AS package_goods,
    CAST(CAST(outdoor_patio AS DOUBLE) AS INTEGER) AS outdoor_patio,
    CAST(CAST(limited_business AS DOUBLE) AS INTEGER) AS limited_business, CAST(CAST(tavern AS DOUBLE) AS INTEGER) AS tavern,
    CAST(CAST(caterers_liquor AS DOUBLE) AS INTEGER) AS caterers_liquor,
    CAST(CAST(amusement AS DOUBLE) AS INTEGER) AS amusement,
    CAST(CAST(filling_station AS DOUBLE) AS INTEGER) AS filling_station, CAST(CAST(children AS DOUBLE) AS INTEGER) AS children
FROM known
ORDER BY enterprise, since
