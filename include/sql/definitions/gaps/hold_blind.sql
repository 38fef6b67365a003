-- Messages that may have been told in a gap whose journal is lost, queued as they are: of unknown outcome, with an
-- attempt that nobody knows anything of, so that people see them and may release each once, and a statement can be
-- paired with them. It is never asked about: the gateway would say that it never had it. How many they are.
CREATE OR REPLACE FUNCTION motcua.hold_blind(of_gap bigint, at_gateway text, at_moment timestamptz)
RETURNS bigint LANGUAGE sql SET search_path = pg_catalog, motcua AS $$
WITH theirs AS MATERIALIZED (
    SELECT m.message_id, coalesce(m.msisdn, d.msisdn) AS msisdn, m.segments, g.gap_no, g.sent_until
    FROM motcua.gaps AS g
    INNER JOIN motcua.messages AS m ON m.state = 'queued' AND g.sent_until >= m.recorded_at
    INNER JOIN motcua.dossiers AS d ON m.dossier_id = d.dossier_id
    WHERE
        g.gap_no = of_gap
        AND coalesce(m.msisdn, d.msisdn) IS NOT NULL
        AND NOT EXISTS (
            SELECT 1 FROM motcua.attempts AS a
            WHERE
                a.message_id = m.message_id
                AND (
                    a.run_id = 'gap ' || g.gap_no
                    OR (a.state IN ('in_flight', 'unknown', 'accepted', 'delivered') AND NOT a.released)
                )
        )
    ORDER BY m.message_id
    FOR UPDATE OF m
),

attempted AS (
    INSERT INTO motcua.attempts (
        message_id, gateway, reference, sender_id, run_id, msisdn, segments, started_at, state, outcome, answered_at,
        gateway_code
    )
    SELECT
        t.message_id, at_gateway, 'gap ' || t.gap_no || ' message ' || t.message_id, 0, 'gap ' || t.gap_no, t.msisdn,
        t.segments, least(t.sent_until, at_moment), 'unknown', 'unknown', at_moment, 'the journal is lost'
    FROM theirs AS t
    RETURNING message_id
),

held AS (
    UPDATE motcua.messages AS m
    SET state = 'unknown', reason = 'restored'
    FROM attempted AS a
    WHERE m.message_id = a.message_id
    RETURNING m.message_id
)

SELECT count(*) FROM held
$$;
COMMENT ON FUNCTION motcua.hold_blind(bigint, text, timestamptz)
IS 'Makes what may have been told in a gap without a journal of unknown outcome; how many messages.';
