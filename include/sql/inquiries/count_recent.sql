-- Whether this phone has asked often enough today, and this gateway within a minute.
-- Called by store/notices/inquiries.py.
SELECT o.phone_is_over, o.gateway_is_over
FROM motcua.asked_too_often(
    %(gateway)s, %(phone)s, %(day)s, %(minute)s, %(phone_limit)s, %(gateway_limit)s
) AS o
