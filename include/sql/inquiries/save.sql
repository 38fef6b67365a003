-- An inquiry, once: a repeat waits for the first one's end and then writes nothing. Called by
-- store/notices/inquiries.py.
INSERT INTO motcua.inquiries (
    gateway, gateway_message_id, dedupe_key, received_at, msisdn, text, asked_code, outcome, dossier_id, agency_code,
    as_of, told_result, fee, message_id
)
VALUES (
    %(gateway)s, left(%(gateway_message_id)s, 200), %(dedupe_key)s, %(received_at)s, %(phone)s, left(%(text)s, 1000),
    left(%(asked_code)s, 80), %(outcome)s, %(dossier_id)s, %(agency_code)s, %(as_of)s, %(told_result)s, %(fee)s,
    %(message_id)s
)
ON CONFLICT (gateway, dedupe_key) DO NOTHING
RETURNING inquiry_id
