-- What a message looks like just before its call, but for what its dossier's other messages told: phone and agency as
-- they are now, why its occasion is over and until when it waits for the row. And what it is called outside the ledger,
-- in words that a restored one knows, too.
CREATE OR REPLACE VIEW motcua.occasion_conditions AS
SELECT
    m.message_id,
    m.dossier_id,
    m.kind,
    m.transition_id,
    d.msisdn,
    -- Emptied: until the row is read anew there is no number.
    coalesce(d.phone_refusal, CASE WHEN d.msisdn IS NULL THEN 'missing' END) AS phone_refusal,
    d.returned_at,
    m.kind = any(g.kinds_off) AS kind_off,
    CASE m.kind WHEN 'apology' THEN motcua.apology_holds(m.dossier_id, m.occasion) ELSE w.gone IS NULL END
        AS occasion_holds,
    s.picked_up_at AS source_read_at,
    w.gone,
    nullif(w.waits_until, 'infinity') AS waits_until,
    coalesce(w.waits_until = 'infinity', FALSE) AS waits_for_row,
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
LEFT JOIN LATERAL motcua.occasion_standing(m.dossier_id, m.transition_id, m.kind) AS w ON m.kind <> 'apology';
COMMENT ON VIEW motcua.occasion_conditions
IS 'What a message looks like just before its call, but for what the dossier''s other messages told. Holds personal data.';
