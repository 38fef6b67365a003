-- Messages that a run made, moved or tried, the newest first, as they stand now; of a run of before their numbers were
-- kept those that it tried. Of some agencies only, where these are listed. Each is looked up by itself, until there are
-- enough, however many there ever were. Called by store/browsing/runs.py.
WITH touched AS MATERIALIZED (
    SELECT h.message_id FROM motcua.message_history AS h
    WHERE h.run_no = %(run_no)s
    UNION
    SELECT a.message_id FROM motcua.attempts AS a
    WHERE %(run_no)s::bigint IS NULL AND a.run_id = %(run_id)s
)

SELECT
    m.message_id,
    m.agency_code,
    d.dossier_code,
    m.kind,
    m.state,
    m.reason
FROM (SELECT t.message_id FROM touched AS t ORDER BY t.message_id DESC OFFSET 0) AS r
INNER JOIN LATERAL (
    SELECT o.message_id, o.agency_code, o.dossier_id, o.kind, o.state, o.reason FROM motcua.messages AS o
    WHERE
        o.message_id = r.message_id
        AND (%(agencies)s::text[] IS NULL OR o.agency_code = any(%(agencies)s::text[]))
    OFFSET 0  -- noqa: AM09
) AS m ON TRUE
LEFT JOIN motcua.dossiers AS d ON m.dossier_id = d.dossier_id
ORDER BY r.message_id DESC
LIMIT %(limit)s
