-- A sanitation complaint names no licence: it lies in a cell of .01 degree. A request closed several times is one complaint.
SELECT DISTINCT ON (Service_Request_Number)
    Service_Request_Number AS row_id, Creation_Date AS recorded_on, 0 AS retracted,
    Service_Request_Number AS complaint, CAST(NULL AS VARCHAR) AS enterprise,
    printf('%d_%d', CAST(floor(TRY_CAST(Latitude AS DOUBLE) * 100) AS INTEGER),
        CAST(floor(TRY_CAST(Longitude AS DOUBLE) * 100) AS INTEGER)) AS cell,
    Creation_Date AS lodged, 'other' AS topic, 'hotline' AS channel
FROM csv('${DATA}/chicago/sanitation_complaints.csv.gz')
ORDER BY Service_Request_Number
