-- Dossier figures of a closing by agency. Called by store/browsing/closings.py.
SELECT
    s.agency_code,
    '' AS procedure_code,
    s.carried_over,
    s.received,
    s.received_online,
    s.received_postal,
    s.resolved_early,
    s.resolved_on_time,
    s.resolved_late,
    s.resolved_without_due,
    s.withdrawn,
    s.open_in_time,
    s.open_late,
    s.paused_in_time,
    s.paused_late,
    s.due,
    s.handed_over
FROM audit.closing_dossier_sums AS s
WHERE s.closing_no = %(closing_no)s
ORDER BY s.agency_code
