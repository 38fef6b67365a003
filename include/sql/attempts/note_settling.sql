-- Attempts that are being asked about or repeated: not again before their time. Called by store/notices/attempts.py.
UPDATE motcua.attempts AS a
SET settle_at = r.settle_at, settlings = a.settlings + 1
FROM jsonb_to_recordset(%(rows)s::jsonb) AS r (attempt_id bigint, settle_at timestamptz)
WHERE a.attempt_id = r.attempt_id
