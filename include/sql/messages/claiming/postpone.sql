-- Claimed messages that must wait, each until its time, with the reason, the carrier of its present number and the
-- gateways that it is not for. Called by store/notices/messages.py.
UPDATE motcua.messages AS m
SET
    next_attempt_at = r.until,
    reason = coalesce(r.reason, m.reason),
    carrier = coalesce(r.carrier, m.carrier),
    avoid = coalesce(r.avoid, m.avoid)
FROM
    jsonb_to_recordset(%(rows)s::jsonb) AS r (
        message_id bigint, until timestamptz, reason text, carrier text, avoid text[]
    )
WHERE m.message_id = r.message_id
