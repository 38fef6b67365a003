-- Through which settings each of these changes keeps messages from citizens: the rule by which the history says it too.
-- Called by store/agencies.py.
SELECT
    r.agency_code,
    motcua.silenced_by(r.before, r.after) AS silences
FROM jsonb_to_recordset(%(rows)s::jsonb) AS r (agency_code text, before jsonb, after jsonb)
