-- Adds up the reasons of a closing, once they are all there. Called by store/oversight/closings.py.
INSERT INTO motcua.closing_reason_sums (
    closing_no,
    agency_code,
    kind,
    state,
    reason,
    messages
)
SELECT
    s.closing_no,
    s.agency_code,
    s.kind,
    s.state,
    s.reason,
    s.messages
FROM audit.closing_reason_sums AS s
WHERE s.closing_no = %(closing_no)s
