-- Attempts of a gap whose messages are there again: each becomes an attempt of its message, under its own reference, so
-- that receipts and the gateway settle it as ever, and a message that any of them may have brought to a phone is of
-- unknown outcome. An occasion is found by the source's number, or an apology's due date; where the restored ledger cut
-- it at another step, it is the last one of that kind that was recorded before the attempt left: of those that are not
-- told of by an attempt of their own, and not before the number that the journal names was planned. Of several attempts
-- that may have arrived the last one stands for the message. Messages are locked first, as receipts and answers do.
-- Called by store/notices/gaps.py.
WITH found AS MATERIALIZED (
    SELECT l.lost_id, m.message_id, m.msisdn
    FROM motcua.lost_attempts AS l
    INNER JOIN motcua.dossiers AS d ON l.agency_code = d.agency_code AND l.dossier_code = d.dossier_code
    CROSS JOIN
        LATERAL (
            SELECT n.message_id, coalesce(n.msisdn, d.msisdn) AS msisdn
            FROM motcua.messages AS n
            LEFT JOIN motcua.transitions AS t ON n.transition_id = t.transition_id
            LEFT JOIN motcua.sources AS s ON t.source_id = s.source_id
            WHERE
                n.dossier_id = d.dossier_id
                AND n.kind = l.kind
                AND CASE l.kind
                    WHEN 'apology' THEN n.occasion = l.occasion
                    ELSE
                        (s.name = l.source AND 'number ' || t.source_transition_id = l.occasion)
                        OR (
                            n.recorded_at <= l.departed_at + %(clock_skew)s::interval
                            AND NOT EXISTS (
                                SELECT 1 FROM motcua.attempts AS a
                                WHERE
                                    a.message_id = n.message_id AND a.sender_id <> 0 AND NOT a.released
                                    AND a.state IN ('in_flight', 'unknown', 'accepted', 'delivered')
                            )
                            AND NOT EXISTS (
                                SELECT 1 FROM motcua.lost_attempts AS o
                                WHERE
                                    o.agency_code = l.agency_code AND o.dossier_code = l.dossier_code
                                    AND o.kind = l.kind AND o.source = s.name
                                    AND o.occasion = 'number ' || t.source_transition_id
                            )
                            AND (
                                l.occasion NOT LIKE 'number %%'
                                OR EXISTS (
                                    SELECT 1 FROM motcua.transitions AS k
                                    INNER JOIN motcua.sources AS o ON k.source_id = o.source_id
                                    WHERE
                                        k.dossier_id = d.dossier_id AND o.name = l.source
                                        AND 'number ' || k.source_transition_id = l.occasion
                                        AND k.planned_at IS NOT NULL
                                )
                            )
                        )
                END
            ORDER BY
                coalesce(s.name = l.source AND 'number ' || t.source_transition_id = l.occasion, FALSE) DESC,
                t.sequence DESC NULLS LAST, t.from_row DESC, n.message_id DESC
            LIMIT 1
        ) AS m
    WHERE l.message_id IS NULL AND m.msisdn IS NOT NULL
),

theirs AS MATERIALIZED (
    SELECT m.message_id, m.state
    FROM motcua.messages AS m
    WHERE m.message_id IN (SELECT f.message_id FROM found AS f)
    ORDER BY m.message_id
    FOR UPDATE
),

ranked AS MATERIALIZED (
    SELECT
        l.*,
        f.message_id AS found_id,
        f.msisdn,
        coalesce(l.outcome, 'unknown') IN ('accepted', 'duplicate', 'unknown') AS may_have_arrived,
        row_number() OVER (
            PARTITION BY f.message_id, coalesce(l.outcome, 'unknown') IN ('accepted', 'duplicate', 'unknown')
            ORDER BY l.departed_at DESC, l.lost_id DESC
        ) = 1
        AND NOT EXISTS (
            SELECT 1 FROM motcua.attempts AS a
            WHERE
                a.message_id = f.message_id AND NOT a.released
                AND a.state IN ('in_flight', 'unknown', 'accepted', 'delivered')
        ) AS stands_for_it
    FROM found AS f
    INNER JOIN theirs AS t ON f.message_id = t.message_id
    INNER JOIN motcua.lost_attempts AS l ON f.lost_id = l.lost_id
),

attempted AS (
    INSERT INTO motcua.attempts (
        message_id, gateway, reference, sender_id, run_id, msisdn, segments, started_at, state, outcome, answered_at,
        gateway_code, gateway_reference, settle_at, released
    )
    SELECT
        r.found_id, r.gateway, r.reference, 0, 'gap ' || r.gap_no, r.msisdn, r.segments, r.departed_at,
        CASE coalesce(r.outcome, 'unknown')
            WHEN 'accepted' THEN 'accepted'
            WHEN 'duplicate' THEN 'accepted'
            WHEN 'phone' THEN 'rejected'
            WHEN 'unknown' THEN 'unknown'
            ELSE 'failed'
        END,
        coalesce(r.outcome, 'unknown'), coalesce(r.answered_at, %(now)s), 'known from the journal',
        r.gateway_reference, CASE WHEN r.may_have_arrived THEN %(now)s END, r.may_have_arrived AND NOT r.stands_for_it
    FROM ranked AS r
    ORDER BY r.departed_at
    RETURNING message_id
),

adopted AS (
    UPDATE motcua.lost_attempts AS l
    SET message_id = r.found_id, adopted_at = %(now)s
    FROM ranked AS r
    WHERE l.lost_id = r.lost_id
    RETURNING l.lost_id
)

UPDATE motcua.messages AS m
SET
    state = CASE WHEN t.of_unknown_outcome THEN 'unknown' ELSE m.state END,
    reason = CASE WHEN t.of_unknown_outcome THEN 'restored' ELSE m.reason END,
    msisdn = coalesce(m.msisdn, t.msisdn),
    attempts_made = m.attempts_made + t.attempts
FROM (
    SELECT
        r.found_id,
        min(r.msisdn) AS msisdn,
        count(*) AS attempts,
        bool_or(r.may_have_arrived AND r.stands_for_it) AS of_unknown_outcome
    FROM ranked AS r
    GROUP BY r.found_id
) AS t
WHERE m.message_id = t.found_id AND (t.of_unknown_outcome OR m.state = 'queued')
RETURNING m.message_id, m.state
