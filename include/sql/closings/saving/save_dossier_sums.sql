-- Adds up the dossier figures of a closing, once they are all there. Called by store/oversight/closings.py.
INSERT INTO motcua.closing_dossier_sums (
    closing_no,
    agency_code,
    cells,
    carried_over,
    received,
    received_online,
    received_postal,
    resolved_early,
    resolved_on_time,
    resolved_late,
    resolved_without_due,
    withdrawn,
    open_in_time,
    open_late,
    paused_in_time,
    paused_late,
    due,
    handed_over
)
SELECT
    s.closing_no,
    s.agency_code,
    s.cells,
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
