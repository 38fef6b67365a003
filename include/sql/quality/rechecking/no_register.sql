-- The desk's register for a dossier that is judged by itself: it is read by a whole run alone. The columns are those of
-- quality.desk_register. Called by store/rechecks.py.
SELECT
    NULL::smallint AS source_id,
    NULL::text AS agency_code
WHERE FALSE
