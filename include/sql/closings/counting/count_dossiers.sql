-- Dossiers by agency and procedure in [start, end), as they had been read by the cut-off. Received, resolved (result
-- released, handed over or withdrawn) and handed over go by their dates; the appointed day, and whether the clock runs,
-- are those of the dossier's row at the end of the period. Days are days of Vietnam. What makes a dossier count is
-- audit.dossiers_in_period's to say. Called by store/oversight/closings.py.
SELECT
    d.agency_code,
    d.procedure_code,
    count(*) FILTER (WHERE d.carried_over) AS carried_over,
    count(*) FILTER (WHERE d.received) AS received,
    count(*) FILTER (WHERE d.received_online) AS received_online,
    count(*) FILTER (WHERE d.received_postal) AS received_postal,
    count(*) FILTER (WHERE d.resolved_early) AS resolved_early,
    count(*) FILTER (WHERE d.resolved_on_time) AS resolved_on_time,
    count(*) FILTER (WHERE d.resolved_late) AS resolved_late,
    count(*) FILTER (WHERE d.resolved_without_due) AS resolved_without_due,
    count(*) FILTER (WHERE d.withdrawn) AS withdrawn,
    count(*) FILTER (WHERE d.open_in_time) AS open_in_time,
    count(*) FILTER (WHERE d.open_late) AS open_late,
    count(*) FILTER (WHERE d.paused_in_time) AS paused_in_time,
    count(*) FILTER (WHERE d.paused_late) AS paused_late,
    count(*) FILTER (WHERE d.due) AS due,
    count(*) FILTER (WHERE d.handed_over) AS handed_over
FROM audit.dossiers_in_period(%(known_version)s, %(start)s, %(end)s) AS d
GROUP BY d.agency_code, d.procedure_code
ORDER BY d.agency_code, d.procedure_code
