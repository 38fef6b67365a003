-- Old steps of a source whose row was asked for and did not come, or names no status: asked for again later, and after
-- a week no more. Called by store/notices/old_steps.py.
UPDATE motcua.old_steps
SET ask_at = CASE WHEN marked_at > %(now)s - interval '7 days' THEN %(now)s + interval '5 minutes' END
WHERE source_id = %(source_id)s AND ask_at <= %(now)s
