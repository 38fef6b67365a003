-- What a message looks like just before its call: phone and agency as they are now, why its occasion is over and until
-- when it waits for the row, and what citizens were told of the very same state, parted from it by nothing but old
-- steps that do not count. And what it is called outside the ledger, in words that a restored one knows, too.
CREATE OR REPLACE VIEW motcua.sending_conditions AS
SELECT
    m.message_id,
    d.msisdn,
    -- Emptied: until the row is read anew there is no number.
    coalesce(d.phone_refusal, CASE WHEN d.msisdn IS NULL THEN 'missing' END) AS phone_refusal,
    d.returned_at,
    m.kind = any(g.kinds_off) AS kind_off,
    CASE m.kind WHEN 'apology' THEN motcua.apology_holds(m.dossier_id, m.occasion) ELSE w.gone IS NULL END
        AS occasion_holds,
    others.told_at,
    others.unsettled_since,
    s.picked_up_at AS source_read_at,
    w.gone,
    nullif(w.waits_until, 'infinity') AS waits_until,
    coalesce(w.waits_until = 'infinity', FALSE) AS waits_for_row,
    coalesce(others.told_of_this, FALSE) AS told_of_this,
    coalesce(others.unsettled_of_this, FALSE) AS unsettled_of_this,
    s.name AS source,
    d.agency_code,
    d.dossier_code,
    CASE
        WHEN m.kind = 'apology' THEN m.occasion
        ELSE coalesce(
            (
                SELECT 'number ' || t.source_transition_id FROM motcua.transitions AS t
                WHERE t.transition_id = m.transition_id
            ), 'row'
        )
    END AS known_elsewhere_as
FROM motcua.messages AS m
INNER JOIN motcua.dossiers AS d ON m.dossier_id = d.dossier_id
INNER JOIN motcua.agencies AS g ON d.agency_code = g.agency_code
INNER JOIN motcua.sources AS s ON d.source_id = s.source_id
LEFT JOIN LATERAL motcua.occasion_standing(m.dossier_id, m.transition_id, m.kind) AS w ON m.kind <> 'apology'
CROSS JOIN LATERAL (
    SELECT
        max(o.accepted_at) FILTER (WHERE o.state IN ('accepted', 'delivered', 'unconfirmed')) AS told_at,
        max((SELECT max(a.started_at) FROM motcua.attempts AS a WHERE a.message_id = o.message_id))
        FILTER (WHERE o.state IN ('sending', 'unknown')) AS unsettled_since,
        bool_or(o.is_of_this) FILTER (WHERE o.state IN ('accepted', 'delivered', 'unconfirmed')) AS told_of_this,
        bool_or(o.is_of_this) FILTER (WHERE o.state IN ('sending', 'unknown')) AS unsettled_of_this
    FROM (
        SELECT
            p.message_id,
            p.state,
            p.accepted_at,
            -- Of an apology, which has no transition, never.
            motcua.is_same_state(m.dossier_id, p.transition_id, m.transition_id, m.kind) AS is_of_this
        FROM motcua.messages AS p
        WHERE p.dossier_id = m.dossier_id AND p.kind = m.kind AND p.message_id <> m.message_id
    ) AS o
) AS others;
COMMENT ON VIEW motcua.sending_conditions IS 'What a message looks like just before its call. Holds personal data.';
