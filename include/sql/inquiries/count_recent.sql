-- Whether this phone has asked often enough today, and this gateway within a minute: counts to the limits, no further.
-- Called by store/notices/inquiries.py.
SELECT
    (
        SELECT count(*)
        FROM (
            SELECT 1
            FROM motcua.inquiries
            WHERE msisdn = %(phone)s AND received_at >= %(day)s
            ORDER BY received_at
            LIMIT %(phone_limit)s
        ) AS by_phone
    ) >= %(phone_limit)s AS phone_is_over,
    (
        SELECT count(*)
        FROM (
            SELECT 1
            FROM motcua.inquiries
            WHERE gateway = %(gateway)s AND received_at >= %(minute)s
            ORDER BY received_at
            LIMIT %(gateway_limit)s
        ) AS by_gateway
    ) >= %(gateway_limit)s AS gateway_is_over
