-- Dossier figures of a closing by agency. Called by store/browsing/closings.py.
SELECT
    c.agency_code,
    '' AS procedure_code,
    sum(c.carried_over) AS carried_over,
    sum(c.received) AS received,
    sum(c.received_online) AS received_online,
    sum(c.received_postal) AS received_postal,
    sum(c.resolved_early) AS resolved_early,
    sum(c.resolved_on_time) AS resolved_on_time,
    sum(c.resolved_late) AS resolved_late,
    sum(c.resolved_without_due) AS resolved_without_due,
    sum(c.withdrawn) AS withdrawn,
    sum(c.open_in_time) AS open_in_time,
    sum(c.open_late) AS open_late,
    sum(c.paused_in_time) AS paused_in_time,
    sum(c.paused_late) AS paused_late,
    sum(c.due) AS due,
    sum(c.handed_over) AS handed_over
FROM audit.closing_dossiers AS c
WHERE c.closing_no = %(closing_no)s
GROUP BY c.agency_code
ORDER BY c.agency_code
