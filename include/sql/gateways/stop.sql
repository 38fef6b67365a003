-- Stops a gateway, or a carrier or a template there, until then, and keeps the change. One that is stopped for longer
-- stays so. Called by store/gateways.py.
WITH stopped AS (
    INSERT INTO motcua.gateway_stops (gateway, concerns, subject, stopped_at, until, reason, by_hand)
    VALUES (%(gateway)s, %(concerns)s, %(subject)s, %(stopped_at)s, %(until)s, left(%(reason)s, 200), %(by_hand)s)
    ON CONFLICT (gateway, concerns, subject) DO UPDATE
        SET until = excluded.until, reason = excluded.reason, by_hand = excluded.by_hand
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
