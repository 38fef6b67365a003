-- depends: 0010_apologies
-- What a sender does for each message costs less: docs/decisions/sending-speed.md has the figures.

-- The unique key on (dossier_id, kind, occasion) serves every look-up by dossier; this one only made each move dearer.
DROP INDEX motcua.messages_dossier;

-- As before, but a dossier's other messages are found by the dossier, not among all messages that are under way: after
-- an outage with hundreds of unknown messages each claimed message had to look through all of them.
CREATE OR REPLACE VIEW motcua.sending_conditions AS
SELECT
    m.message_id,
    d.msisdn,
    d.phone_refusal,
    d.returned_at,
    m.kind = any(g.kinds_off) AS kind_off,
    CASE m.kind
        WHEN 'apology' THEN motcua.apology_holds(m.dossier_id, m.occasion)
        ELSE motcua.occasion_holds(m.dossier_id, m.transition_id, m.kind)
    END AS occasion_holds,
    others.told_at,
    others.unsettled_since,
    s.picked_up_at AS source_read_at
FROM motcua.messages AS m
INNER JOIN motcua.dossiers AS d ON m.dossier_id = d.dossier_id
INNER JOIN motcua.agencies AS g ON d.agency_code = g.agency_code
INNER JOIN motcua.sources AS s ON d.source_id = s.source_id
CROSS JOIN LATERAL (
    SELECT
        max(o.accepted_at) FILTER (WHERE o.state IN ('accepted', 'delivered', 'unconfirmed')) AS told_at,
        max((SELECT max(a.started_at) FROM motcua.attempts AS a WHERE a.message_id = o.message_id))
        FILTER (WHERE o.state IN ('sending', 'unknown')) AS unsettled_since
    FROM motcua.messages AS o
    WHERE o.dossier_id = m.dossier_id AND o.kind = m.kind AND o.message_id <> m.message_id
) AS others;
