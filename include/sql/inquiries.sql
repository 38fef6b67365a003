-- Store inquiries, the texts of citizens to the number 9029, with their replies, each once. Limit the number of
-- inquiries from each phone, and list inquiries on pages. Called by store/notices/inquiries.py and store/browsing.py.

-- name: lock_phone
-- Wait until no other inquiry of this phone is being answered, and lock the phone until this transaction ends
-- (motcua.wait_for_phone). The lock is needed because only committed inquiries count for the phone's limit.
SELECT motcua.wait_for_phone(%(phone)s);

-- name: reply_given
-- Return the reply that an inquiry got when it first arrived (motcua.reply_given).
SELECT g.text, g.accented, g.outcome FROM motcua.reply_given(%(gateway)s, %(dedupe_key)s) AS g;

-- name: count_recent
-- Return whether this phone has reached its limit for the day, and this gateway its limit for the minute
-- (motcua.asked_too_often).
SELECT o.phone_is_over, o.gateway_is_over
FROM motcua.asked_too_often(
    %(gateway)s, %(phone)s, %(day)s, %(minute)s, %(phone_limit)s, %(gateway_limit)s
) AS o;

-- name: agencies
-- Return the codes and aliases of all agencies, in the form in which codes are compared, because a citizen may type any
-- of them (motcua.agencies).
SELECT
    motcua.code_key(agency_code) AS code_key,
    agency_code
FROM motcua.agencies
UNION ALL
SELECT
    motcua.code_key(alias) AS code_key,
    agency_code
FROM motcua.agency_aliases;

-- name: find_dossiers
-- Return the dossiers whose code matches one of the given codes, in their present state (motcua.asked_dossiers).
SELECT * FROM motcua.asked_dossiers(%(keys)s, %(phone)s);

-- name: save
-- Insert an inquiry with its reply, once (motcua.save_inquiry).
SELECT motcua.save_inquiry(%(inquiry)s) AS is_new;

-- name: by_outcome
-- Return the number of inquiries and the fees paid in đồng by gateway and outcome, and how many inquiries were about a
-- dossier whose result had been announced by text (motcua.inquiries).
SELECT
    gateway,
    outcome,
    count(*) AS inquiries,
    sum(fee) AS fees,
    count(*) FILTER (WHERE told_result) AS told_result
FROM motcua.inquiries
GROUP BY gateway, outcome
ORDER BY gateway, outcome;

-- name: newest
-- Return the inquiries of a period that stand after a given position in a list that begins with the newest
-- (motcua.inquiries). is_wanted is true if an inquiry matches the filters. The query reads at most looked_at inquiries.
-- The last inquiry that it reads is returned even if it does not match, so that the caller knows where to continue.
SELECT
    s.received_at AS listed_at,
    s.inquiry_id AS listed_id,
    s.is_wanted,
    s.place = %(looked_at)s AS is_last
FROM (
    SELECT
        i.received_at,
        i.inquiry_id,
        (
            (%(agencies)s::text[] IS NULL OR coalesce(i.agency_code = any(%(agencies)s), FALSE))
            AND (%(outcome)s::text IS NULL OR i.outcome = %(outcome)s)
        ) AS is_wanted,
        row_number() OVER (ORDER BY i.received_at DESC, i.inquiry_id DESC) AS place
    FROM motcua.inquiries AS i
    WHERE
        i.received_at >= %(begins)s
        AND i.received_at < %(ends)s
        AND (i.received_at, i.inquiry_id)
        < (coalesce(%(before_at)s::timestamptz, 'infinity'), coalesce(%(before_id)s::bigint, 0))
    ORDER BY i.received_at DESC, i.inquiry_id DESC
    LIMIT %(looked_at)s
) AS s
WHERE s.is_wanted OR s.place = %(looked_at)s
ORDER BY s.received_at DESC, s.inquiry_id DESC
LIMIT %(most)s;

-- name: rows
-- Return the inquiries with these numbers in the order of the numbers, each with the state of its reply
-- (motcua.inquiries). The caller must mask phone numbers, also those that citizens typed into asked_code.
SELECT
    i.inquiry_id,
    i.received_at,
    i.msisdn,
    i.asked_code,
    i.outcome,
    i.agency_code,
    d.dossier_code,
    p.name AS procedure_name,
    m.state AS reply_state
FROM motcua.inquiries AS i
INNER JOIN motcua.messages AS m ON i.message_id = m.message_id
LEFT JOIN motcua.dossiers AS d ON i.dossier_id = d.dossier_id
LEFT JOIN motcua.procedures AS p ON d.procedure_code = p.procedure_code
WHERE i.inquiry_id = any(%(inquiry_ids)s::bigint[])
ORDER BY array_position(%(inquiry_ids)s::bigint[], i.inquiry_id);

-- name: by_day
-- Return the number of inquiries of a period by day in Vietnam's time zone and outcome, for some agencies or all
-- (motcua.inquiries). Each day is counted separately, because sorting a whole month would cost more than the count.
SELECT
    d.day,
    o.outcome,
    o.inquiries
FROM (
    SELECT n.begins_at::date AS day, n.begins_at AT TIME ZONE interval '+07:00' AS begins_at
    FROM generate_series(
        %(begins)s::timestamptz AT TIME ZONE interval '+07:00',
        %(ends)s::timestamptz AT TIME ZONE interval '+07:00' - interval '1 day',
        interval '1 day'
    ) AS n (begins_at)
) AS d
CROSS JOIN
    LATERAL (
        SELECT
            i.outcome,
            count(*) AS inquiries
        FROM motcua.inquiries AS i
        WHERE
            i.received_at >= d.begins_at
            AND i.received_at < d.begins_at + interval '1 day'
            AND (%(agencies)s::text[] IS NULL OR i.agency_code = any(%(agencies)s))
        GROUP BY i.outcome
    ) AS o
ORDER BY d.day DESC, o.outcome;

-- name: repeated_codes
-- Return the unknown codes that were asked for more than once in a period, in any spelling, the most frequent first
-- (motcua.inquiries).
SELECT
    (array_agg(i.asked_code ORDER BY i.inquiry_id DESC))[1] AS asked_code,
    count(*) AS inquiries,
    count(DISTINCT i.msisdn) AS phones,
    max(i.received_at) AS last_at
FROM motcua.inquiries AS i
WHERE
    i.outcome = 'unknown_code'
    AND i.asked_code IS NOT NULL
    AND i.received_at >= %(begins)s
    AND i.received_at < %(ends)s
GROUP BY motcua.code_key(i.asked_code)
HAVING count(*) > 1
ORDER BY inquiries DESC, last_at DESC
LIMIT %(limit)s;

-- name: repeated_phones
-- Return the phones that asked for unknown codes more than once in a period, the most frequent first, each with the
-- code that it asked for last (motcua.inquiries).
SELECT
    i.msisdn,
    count(*) AS inquiries,
    count(DISTINCT motcua.code_key(i.asked_code)) AS codes,
    (array_agg(i.asked_code ORDER BY i.inquiry_id DESC))[1] AS asked_code,
    max(i.received_at) AS last_at
FROM motcua.inquiries AS i
WHERE
    i.outcome = 'unknown_code'
    AND i.msisdn IS NOT NULL
    AND i.received_at >= %(begins)s
    AND i.received_at < %(ends)s
GROUP BY i.msisdn
HAVING count(*) > 1
ORDER BY inquiries DESC, last_at DESC
LIMIT %(limit)s;
