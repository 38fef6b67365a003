-- Differences of a closing, unexplained ones first. Called by store/oversight/closings.py.
SELECT
    d.side,
    d.reason,
    d.agency_code,
    d.procedure_code,
    d.kind,
    d.dossier_code,
    s.name AS source,
    d.source_transition_id,
    d.transition_id,
    d.message_id,
    d.occurred_at
FROM audit.closing_differences AS d
LEFT JOIN audit.sources AS s ON d.source_id = s.source_id
WHERE d.closing_no = %(closing_no)s
ORDER BY d.explained, d.side, d.reason, d.agency_code, d.kind, d.occurred_at, d.difference_no
