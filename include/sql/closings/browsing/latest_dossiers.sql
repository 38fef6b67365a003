-- Dossier figures of a closing by agency and procedure, the most late ones first, up to a limit, each with how many
-- there are. In the order in which a publication tells them, reports/publication/data.py.
-- Called by store/browsing/closings.py.
SELECT
    c.agency_code,
    c.procedure_code,
    c.carried_over,
    c.received,
    c.received_online,
    c.received_postal,
    c.resolved_early,
    c.resolved_on_time,
    c.resolved_late,
    c.resolved_without_due,
    c.withdrawn,
    c.open_in_time,
    c.open_late,
    c.paused_in_time,
    c.paused_late,
    c.due,
    c.handed_over,
    (SELECT sum(n.cells) FROM audit.closing_dossier_sums AS n WHERE n.closing_no = %(closing_no)s) AS all_rows
FROM audit.closing_dossiers AS c
WHERE c.closing_no = %(closing_no)s
ORDER BY
    c.resolved_late + c.open_late DESC,
    c.received DESC,
    c.agency_code COLLATE "C",  -- noqa: RF03
    c.procedure_code COLLATE "C"  -- noqa: RF03
LIMIT %(limit)s
