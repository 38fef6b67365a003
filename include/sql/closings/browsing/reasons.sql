-- Messages by reason of a closing, by agency and kind. Called by store/browsing/closings.py.
SELECT
    c.agency_code,
    '' AS procedure_code,
    c.kind,
    c.state,
    c.reason,
    sum(c.messages) AS messages
FROM audit.closing_reasons AS c
WHERE c.closing_no = %(closing_no)s
GROUP BY c.agency_code, c.kind, c.state, c.reason
ORDER BY c.agency_code, c.kind, c.state, c.reason
