-- Attempts, committed before their HTTP calls. Called by store/notices/attempts.py.
INSERT INTO motcua.attempts (message_id, gateway, reference, sender_id, run_id, msisdn, segments, started_at)
SELECT r.message_id, %(gateway)s, r.reference, %(sender_id)s, %(run_id)s, r.msisdn, r.segments, %(now)s
FROM jsonb_to_recordset(%(rows)s::jsonb) AS r (message_id bigint, reference text, msisdn text, segments smallint)
