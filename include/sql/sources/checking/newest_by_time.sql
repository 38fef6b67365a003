-- The transitions recorded last, and those without a time: the newest ones, whatever their numbers. Times that Python
-- cannot hold come as NULL. Called by sources/checking.py.
SELECT
    t.transition_id,
    t.agency_code,
    t.dossier_code,
    left(t.from_step, 2000) AS from_step,
    left(t.to_step, 2000) AS to_step,
    t.status_code,
    t.at_one_stop_desk,
    CASE WHEN t.occurred_at BETWEEN timestamptz '1900-01-01' AND timestamptz '9000-01-01' THEN t.occurred_at END
        AS occurred_at,
    CASE WHEN t.recorded_at BETWEEN timestamptz '1900-01-01' AND timestamptz '9000-01-01' THEN t.recorded_at END
        AS recorded_at,
    left(t.actor, 2000) AS actor,
    left(t.note, 2000) AS note
FROM source_transitions AS t
ORDER BY t.recorded_at DESC
LIMIT %(most)s
