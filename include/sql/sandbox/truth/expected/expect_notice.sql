-- A dossier has entered the condition of a notice, and its source shows it. Called by sandbox/world/clockwork.py.
INSERT INTO truth.expected_notices (
    kind, source, agency_code, dossier_code, occasion, occurred_at, transition_id, committed_at,
    plannable_at, obstacle, truthful, phone_kind, owner_number
)
VALUES (
    %(kind)s, %(source)s, %(agency_code)s, %(dossier_code)s, %(occasion)s, %(occurred_at)s,
    %(transition_id)s, %(now)s, CASE WHEN %(obstacle)s::text IS NULL THEN %(now)s END, %(obstacle)s,
    %(truthful)s, %(phone_kind)s, %(owner_number)s
)
