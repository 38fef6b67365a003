-- Dossier figures of a closing, as stored, in their order; of one agency or of all. Called by
-- store/oversight/closings.py.
SELECT
    agency_code,
    procedure_code,
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
FROM audit.closing_dossiers
WHERE closing_no = %(closing_no)s AND (%(agency_code)s::text IS NULL OR agency_code = %(agency_code)s)
ORDER BY agency_code, procedure_code
