-- New messages, at most one for each (dossier, kind, occasion), forever. Called by store/notices/messages.py.
INSERT INTO motcua.messages (
    kind, dossier_id, agency_code, procedure_code, occasion, transition_id, state, reason, msisdn, text, template_id,
    template_version,
    parameters,
    accented,
    segments,
    occurred_at,
    recorded_at,
    planned_at,
    useful_until,
    next_attempt_at,
    carrier,
    changed_at
)
SELECT
    r.kind,
    r.dossier_id,
    r.agency_code,
    r.procedure_code,
    r.occasion,
    r.transition_id,
    r.state,
    r.reason,
    r.msisdn,
    r.text,
    r.template_id, r.template_version, r.parameters, r.accented, r.segments, r.occurred_at, r.recorded_at, %(now)s,
    r.useful_until, r.next_attempt_at, r.carrier, %(now)s
FROM
    jsonb_to_recordset(%(rows)s::jsonb) AS r (
        kind text, dossier_id bigint, agency_code text, procedure_code text, occasion text, transition_id bigint,
        state text, reason text, msisdn text, text text, template_id text, template_version smallint,
        parameters text[], accented boolean, segments smallint, occurred_at timestamptz, recorded_at timestamptz,
        useful_until timestamptz, next_attempt_at timestamptz, carrier text
    )
ON CONFLICT (dossier_id, kind, occasion) DO NOTHING
RETURNING state, reason
