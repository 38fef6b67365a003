-- Differences of a closing. Called by store/oversight/closings.py.
INSERT INTO motcua.closing_differences (
    closing_no, side, reason, agency_code, procedure_code, kind, dossier_code, source_id, source_transition_id,
    transition_id, message_id, occurred_at
)
SELECT
    %(closing_no)s,
    r.side,
    r.reason,
    r.agency_code,
    r.procedure_code,
    r.kind,
    r.dossier_code,
    s.source_id,
    r.source_transition_id,
    r.transition_id,
    r.message_id,
    r.occurred_at
FROM
    jsonb_to_recordset(%(rows)s::jsonb) AS r (
        side text, reason text, agency_code text, procedure_code text, kind text, dossier_code text, source text,
        source_transition_id bigint, transition_id bigint, message_id bigint, occurred_at timestamptz
    )
LEFT JOIN motcua.sources AS s ON r.source = s.name
