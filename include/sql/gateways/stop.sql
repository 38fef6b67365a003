-- Stops a gateway, or a carrier or a template there, until then, and keeps the change. One that is stopped for longer
-- stays so, and a pause that has grown does not shrink. Called by store/notices/gateways.py.
WITH stopped AS (
    INSERT INTO motcua.gateway_stops (gateway, concerns, subject, stopped_at, until, pause, reason, by_hand)
    VALUES (
        %(gateway)s,
        %(concerns)s,
        %(subject)s,
        %(stopped_at)s,
        %(until)s,
        %(pause)s,
        left(%(reason)s, 200),
        %(by_hand)s
    )
    ON CONFLICT (gateway, concerns, subject) DO UPDATE
        SET
            until = CASE
                WHEN excluded.pause IS NULL THEN excluded.until
                ELSE greatest(excluded.until, excluded.stopped_at + gateway_stops.pause)
            END,
            pause = CASE WHEN excluded.pause IS NOT NULL THEN greatest(gateway_stops.pause, excluded.pause) END,
            reason = excluded.reason,
            by_hand = excluded.by_hand
        WHERE gateway_stops.until < excluded.until
    RETURNING gateway, concerns, subject, until, reason
)

INSERT INTO motcua.gateway_changes (gateway, concerns, subject, change, until, reason, changed_by)
SELECT
    gateway,
    concerns,
    subject,
    'stopped',
    until,
    reason,
    %(changed_by)s
FROM stopped
