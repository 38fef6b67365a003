-- All agencies with their settings and aliases. Called by store/agencies.py.
SELECT
    agency_code,
    name,
    short_name,
    province,
    enabled_from,
    accented,
    same_day_excluded,
    kinds_off,
    result_hold,
    ARRAY(
        SELECT a.alias FROM motcua.agency_aliases AS a
        WHERE a.agency_code = g.agency_code
        ORDER BY a.alias
    ) AS aliases
FROM motcua.agencies AS g
ORDER BY agency_code
