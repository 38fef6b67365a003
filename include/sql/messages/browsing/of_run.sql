-- Of the messages that one run made, moved or tried, before a place in the list, the newest first: those that are
-- wanted, up to so many. Runs of before their numbers were kept are found by name alone. Costs what the run did,
-- each message looked up by itself (OFFSET 0). Called by store/browsing/messages.py.
WITH found AS MATERIALIZED (
    SELECT r.run_no FROM motcua.runs AS r
    WHERE r.run_id = %(run_id)s AND (%(dag_id)s::text IS NULL OR r.dag_id = %(dag_id)s)
),

touched AS MATERIALIZED (
    SELECT h.message_id FROM motcua.message_history AS h
    WHERE h.run_no = any(array(SELECT f.run_no FROM found AS f))
    UNION
    SELECT a.message_id FROM motcua.attempts AS a
    WHERE
        a.run_id = %(run_id)s
        AND (a.run_no IS NULL OR a.run_no = any(array(SELECT f.run_no FROM found AS f)))
)

SELECT
    m.recorded_at AS listed_at,
    m.message_id AS listed_id,
    TRUE AS is_wanted,
    FALSE AS is_last
FROM touched AS t
INNER JOIN LATERAL (
    SELECT r.message_id, r.recorded_at, r.agency_code, r.kind, r.state, r.reason, r.procedure_code
    FROM motcua.messages AS r
    WHERE r.message_id = t.message_id
    OFFSET 0  -- noqa: AM09
) AS m ON TRUE
WHERE
    (%(agencies)s::text[] IS NULL OR m.agency_code = any(%(agencies)s))
    AND (NOT %(of_no_agency)s OR m.agency_code IS NULL)
    AND (%(kind)s::text IS NULL OR m.kind = %(kind)s)
    AND (%(state)s::text IS NULL OR m.state = %(state)s)
    AND (%(reason)s::text IS NULL OR m.reason = %(reason)s)
    AND (%(procedure_codes)s::text[] IS NULL OR m.procedure_code = any(%(procedure_codes)s))
    AND m.recorded_at >= coalesce(%(begins)s::timestamptz, '-infinity')
    AND m.recorded_at < coalesce(%(ends)s::timestamptz, 'infinity')
    AND (m.recorded_at, m.message_id)
    < (coalesce(%(before_at)s::timestamptz, 'infinity'), coalesce(%(before_id)s::bigint, 0))
ORDER BY m.recorded_at DESC, m.message_id DESC
LIMIT %(most)s
