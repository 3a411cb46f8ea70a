-- What the city knew of a licence, on each day on which it learned something: a term of the licence begins, or a visit
-- writes down what it saw. What a visit wrote (facility, risk) is known from its day on: its own case, seen from the eve,
-- does not have it. Further licences, read off the register at a visit, count from that day too; those at the first visit
-- of a term, from the beginning of the term (assumed).
WITH terms AS (
    SELECT DISTINCT CAST(CAST(LICENSE_NUMBER AS DOUBLE) AS BIGINT) AS enterprise, CAST(LICENSE_TERM_START_DATE AS DATE) AS since,
        CAST(minDate AS DATE) AS registered, BUSINESS_ACTIVITY AS activity, LICENSE_DESCRIPTION AS licence,
        TRY_CAST(LATITUDE AS DOUBLE) AS latitude, TRY_CAST(LONGITUDE AS DOUBLE) AS longitude
    FROM csv('${DATA}/chicago/business_at_inspection.csv.gz')
    WHERE LICENSE_NUMBER IS NOT NULL
), visits AS (
    SELECT CAST(CAST(i.License AS DOUBLE) AS BIGINT) AS enterprise, CAST(i.Inspection_Date AS DATE) AS since,
        lower(trim(i.Facility_Type)) AS facility, i.Risk[6:6] AS risk,
        TRY_CAST(i.Latitude AS DOUBLE) AS seen_latitude, TRY_CAST(i.Longitude AS DOUBLE) AS seen_longitude,
        b.consumption_on_premises_incidental_activity AS on_premises, b.tobacco, b.package_goods, b.outdoor_patio,
        b.limited_business_license AS limited_business, b.tavern, b.caterers_liquor_license AS caterers_liquor,
        b.public_place_of_amusement AS amusement, b.filling_station, b.childrens_services_facility_license AS children,
        CAST(b.LICENSE_TERM_START_DATE AS DATE) AS term
    FROM csv('${DATA}/chicago/inspections.csv.gz') AS i
    JOIN csv('${DATA}/chicago/business_at_inspection.csv.gz') AS b USING (Inspection_ID)
), held AS (
    SELECT enterprise, term AS since, on_premises, tobacco, package_goods, outdoor_patio, limited_business, tavern,
        caterers_liquor, amusement, filling_station, children
    FROM visits WHERE term < since
    QUALIFY row_number() OVER (PARTITION BY enterprise, term ORDER BY visits.since) = 1
), days AS (
    SELECT enterprise, since, max(registered) AS registered, max(activity) AS activity, max(licence) AS licence,
        max(facility) AS facility, max(risk) AS risk, max(latitude) AS latitude, max(longitude) AS longitude,
        max(seen_latitude) AS seen_latitude, max(seen_longitude) AS seen_longitude,
        max(on_premises) AS on_premises, max(tobacco) AS tobacco, max(package_goods) AS package_goods,
        max(outdoor_patio) AS outdoor_patio, max(limited_business) AS limited_business, max(tavern) AS tavern,
        max(caterers_liquor) AS caterers_liquor, max(amusement) AS amusement, max(filling_station) AS filling_station,
        max(children) AS children
    FROM (SELECT * FROM terms UNION ALL BY NAME SELECT * EXCLUDE (term) FROM visits UNION ALL BY NAME SELECT * FROM held)
    GROUP BY enterprise, since
), known AS (
    SELECT enterprise, since,
        last_value(COLUMNS(* EXCLUDE (enterprise, since)) IGNORE NULLS) OVER (PARTITION BY enterprise ORDER BY since)
    FROM days
), changed AS (
    SELECT * REPLACE (coalesce(latitude, seen_latitude) AS latitude, coalesce(longitude, seen_longitude) AS longitude),
        row(registered, activity, licence, facility, risk, on_premises, tobacco, package_goods, outdoor_patio,
            limited_business, tavern, caterers_liquor, amusement, filling_station, children) AS held
    FROM known
    WINDOW licensee AS (PARTITION BY enterprise ORDER BY since)
    QUALIFY lag(since) OVER licensee IS NULL OR held IS DISTINCT FROM lag(held) OVER licensee
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
FROM changed
ORDER BY enterprise, since
