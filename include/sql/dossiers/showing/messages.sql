-- A dossier's messages, the newest first, with what sending would see of each at this moment, as sending_conditions
-- tells it: what the others told is found once for all of them, since a dossier may have hundreds. Replies to inquiries
-- are among the inquiries. Called by store/dossiers.py.
WITH theirs AS MATERIALIZED (
    SELECT
        n.*,
        (SELECT max(a.started_at) FROM motcua.attempts AS a WHERE a.message_id = n.message_id) AS attempted_at
    FROM motcua.messages AS n
    WHERE n.dossier_id = %(dossier_id)s AND n.kind <> 'reply'
),

beside_others AS MATERIALIZED (
    SELECT
        n.*,
        max(n.accepted_at) FILTER (WHERE n.state IN ('accepted', 'delivered', 'unconfirmed')) OVER others AS told_at,
        max(n.attempted_at) FILTER (WHERE n.state IN ('sending', 'unknown')) OVER others AS unsettled_since,
        coalesce(bool_or(n.state IN ('accepted', 'delivered', 'unconfirmed')) OVER others, FALSE) AS is_told,
        coalesce(bool_or(n.state IN ('sending', 'unknown')) OVER others, FALSE) AS is_unsettled
    FROM theirs AS n
    WINDOW
        others AS (
            PARTITION BY n.kind ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING EXCLUDE CURRENT ROW
        )
    ORDER BY n.message_id DESC
    LIMIT %(limit)s
)

SELECT
    m.message_id,
    m.kind,
    m.state,
    m.reason,
    m.occurred_at,
    m.useful_until,
    m.next_attempt_at,
    m.accepted_at,
    m.attempted_at,
    motcua.stopped_until(m.kind, m.agency_code, %(now)s) AS stopped_until,
    coalesce(m.msisdn = c.msisdn, FALSE) AS went_to_present_number,
    c.phone_refusal,
    c.returned_at,
    c.kind_off,
    c.occasion_holds,
    m.told_at,
    m.unsettled_since,
    c.gone,
    c.waits_until,
    c.waits_for_row,
    m.is_told
    AND coalesce(
        motcua.is_told_of(c.dossier_id, m.transition_id, m.kind, '{accepted, delivered, unconfirmed}'), FALSE
    ) AS told_of_this,
    m.is_unsettled
    AND coalesce(motcua.is_told_of(c.dossier_id, m.transition_id, m.kind, '{sending, unknown}'), FALSE)
        AS unsettled_of_this
FROM beside_others AS m
INNER JOIN motcua.occasion_conditions AS c ON m.message_id = c.message_id
ORDER BY m.message_id DESC
