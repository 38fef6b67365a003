-- Lifts stops of one gateway or of all, whatever their time, when it is over, or when it is over or what is stopped is
-- being tried again; and keeps the changes. Called by store/notices/gateways.py.
WITH lifted AS (
    DELETE FROM motcua.gateway_stops
    WHERE
        (%(gateway)s::text IS NULL OR gateway = %(gateway)s)
        AND concerns = any(%(concerns)s)
        AND (%(subject)s::text IS NULL OR subject = %(subject)s)
        AND (%(over_at)s::timestamptz IS NULL OR until <= %(over_at)s)
        AND (%(tried_at)s::timestamptz IS NULL OR pause IS NOT NULL OR until <= %(tried_at)s)
    RETURNING gateway, concerns, subject
)

INSERT INTO motcua.gateway_changes (gateway, concerns, subject, change, reason, changed_by)
SELECT
    gateway,
    concerns,
    subject,
    'started',
    %(reason)s,
    %(changed_by)s
FROM lifted
