-- Messages by reason of a closing, by agency and kind. Called by store/browsing/closings.py.
SELECT
    s.agency_code,
    '' AS procedure_code,
    s.kind,
    s.state,
    s.reason,
    s.messages
FROM audit.closing_reason_sums AS s
WHERE s.closing_no = %(closing_no)s
ORDER BY s.agency_code, s.kind, s.state, s.reason
