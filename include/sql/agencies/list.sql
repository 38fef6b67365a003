-- All agencies with their settings, other codes and former names. Called by store/agencies.py.
SELECT
    agency_code,
    name,
    short_name,
    province,
    enabled_from,
    accented,
    same_day_excluded,
    same_day_procedures,
    same_day_reason,
    kinds_off,
    kinds_off_reason,
    result_hold,
    apology_day,
    report_recipients,
    retention,
    valid_from,
    valid_until,
    successor_code,
    array(
        SELECT a.alias FROM motcua.agency_aliases AS a
        WHERE a.agency_code = g.agency_code
        ORDER BY a.alias
    ) AS aliases,
    array(
        SELECT jsonb_build_object('name', n.name, 'short_name', n.short_name, 'until', n.valid_until)
        FROM motcua.agency_names AS n
        WHERE n.agency_code = g.agency_code
        ORDER BY n.valid_until
    ) AS former_names
FROM motcua.agencies AS g
ORDER BY agency_code
