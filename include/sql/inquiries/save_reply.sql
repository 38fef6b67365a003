-- The reply to an inquiry, which is handed over in the answer to the gateway's own request.
-- Called by store/notices/inquiries.py.
INSERT INTO motcua.messages (
    kind, dossier_id, agency_code, procedure_code, occasion, state, msisdn, text, template_id, template_version,
    parameters, accented, segments, occurred_at, recorded_at, planned_at, useful_until, next_attempt_at, accepted_at,
    changed_at
)
VALUES (
    'reply', %(dossier_id)s, %(agency_code)s, %(procedure_code)s, %(occasion)s, 'accepted', %(phone)s, %(reply)s,
    %(template_id)s, %(template_version)s, %(parameters)s, %(accented)s, %(segments)s, %(received_at)s,
    %(received_at)s, %(received_at)s, %(received_at)s, %(received_at)s, %(received_at)s, %(received_at)s
)
RETURNING message_id
