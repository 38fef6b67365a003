-- What a message looks like just before its call: its occasion (occasion_conditions), and what citizens were told by
-- the dossier's other messages of the kind: when, and whether of the very same state, parted from it by nothing but
-- old steps that do not count.
CREATE OR REPLACE VIEW motcua.sending_conditions AS
SELECT
    m.message_id,
    m.msisdn,
    m.phone_refusal,
    m.returned_at,
    m.kind_off,
    m.occasion_holds,
    others.told_at,
    others.unsettled_since,
    m.source_read_at,
    m.gone,
    m.waits_until,
    m.waits_for_row,
    -- Of an apology, which has no transition, never.
    others.is_told
    AND coalesce(
        motcua.is_told_of(m.dossier_id, m.transition_id, m.kind, '{accepted, delivered, unconfirmed}'), FALSE
    ) AS told_of_this,
    others.is_unsettled
    AND coalesce(motcua.is_told_of(m.dossier_id, m.transition_id, m.kind, '{sending, unknown}'), FALSE)
        AS unsettled_of_this,
    m.source,
    m.agency_code,
    m.dossier_code,
    m.known_elsewhere_as
FROM motcua.occasion_conditions AS m
CROSS JOIN LATERAL (
    SELECT
        max(o.accepted_at) FILTER (WHERE o.state IN ('accepted', 'delivered', 'unconfirmed')) AS told_at,
        max((SELECT max(a.started_at) FROM motcua.attempts AS a WHERE a.message_id = o.message_id))
        FILTER (WHERE o.state IN ('sending', 'unknown')) AS unsettled_since,
        coalesce(bool_or(o.state IN ('accepted', 'delivered', 'unconfirmed')), FALSE) AS is_told,
        coalesce(bool_or(o.state IN ('sending', 'unknown')), FALSE) AS is_unsettled
    FROM motcua.messages AS o
    WHERE o.dossier_id = m.dossier_id AND o.kind = m.kind AND o.message_id <> m.message_id
) AS others;
COMMENT ON VIEW motcua.sending_conditions IS 'What a message looks like just before its call. Holds personal data.';
