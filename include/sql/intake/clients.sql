-- Store the clients that may push data: their agencies, counts of the records that each pushed, and who changed their
-- accounts. A client is the account with which one-stop software sends (pushes) its data. Called by
-- store/intake/clients.py, store/intake/watching.py and store/intake/exports.py.

-- name: register
-- Insert a client's account (intake.clients). No row means that the name is taken.
INSERT INTO intake.clients (name, source, salt, password_digest, networks, supplements_at_desk_since, made_at)
VALUES (
    %(name)s, %(source)s, %(salt)s, %(password_digest)s, %(networks)s::cidr[],
    CASE WHEN %(supplements_at_desk)s THEN %(now)s::timestamptz END, %(now)s
)
ON CONFLICT (name) DO NOTHING
RETURNING client_id;

-- name: change
-- Change what a client may do from now on (intake.clients). Values that are not given stay as they are. No row means
-- that the client does not exist.
UPDATE intake.clients SET
    salt = coalesce(%(salt)s, salt),
    password_digest = coalesce(%(password_digest)s, password_digest),
    networks = coalesce(%(networks)s::cidr[], networks),
    supplements_at_desk_since = CASE
        WHEN %(supplements_at_desk)s::boolean IS NULL THEN supplements_at_desk_since
        WHEN %(supplements_at_desk)s::boolean THEN coalesce(supplements_at_desk_since, %(now)s::timestamptz)
    END,
    disabled_at = CASE
        WHEN %(enabled)s::boolean IS NULL THEN disabled_at
        WHEN NOT %(enabled)s::boolean THEN coalesce(disabled_at, %(now)s::timestamptz)
    END
WHERE name = %(name)s
RETURNING client_id;

-- name: give_agencies
-- Add agencies that a client may write for (intake.client_agencies).
INSERT INTO intake.client_agencies (client_id, agency_code)
SELECT %(client_id)s, a.agency_code
FROM unnest(%(agencies)s::text[]) AS a (agency_code)
ON CONFLICT DO NOTHING;

-- name: take_agencies
-- Remove all agencies but these from the agencies that a client may write for (intake.client_agencies).
DELETE FROM intake.client_agencies
WHERE client_id = %(client_id)s AND agency_code <> all(%(agencies)s::text[]);

-- name: end_sessions
-- Delete all sessions of a client (intake.sessions).
DELETE FROM intake.sessions WHERE client_id = %(client_id)s;

-- name: note_change
-- Log who changed a client, and what the client may do from then on (intake.client_changes).
INSERT INTO intake.client_changes (
    client_id, changed_at, changed_by, change, agencies, networks, supplements_at_desk
)
SELECT
    c.client_id, %(now)s, %(by)s, %(change)s,
    array(
        SELECT a.agency_code FROM intake.client_agencies AS a WHERE a.client_id = c.client_id ORDER BY a.agency_code
    ),
    c.networks, c.supplements_at_desk_since IS NOT NULL
FROM intake.clients AS c
WHERE c.client_id = %(client_id)s;

-- name: changes
-- Return the changes of clients with the persons who made them, the newest first (intake.client_changes).
SELECT k.changed_at, k.changed_by, c.name, k.change, k.agencies, k.networks::text[] AS networks, k.supplements_at_desk
FROM intake.client_changes AS k
INNER JOIN intake.clients AS c ON k.client_id = c.client_id
ORDER BY k.change_id DESC
LIMIT %(limit)s;

-- name: list
-- Return the clients that may write for these agencies, or all clients (intake.clients). Each row has the client's
-- rights, its last push, what it pushed since a day, the number of its steps whose dossiers were not pushed yet, and
-- the number of dossiers that lack papers since that day without a text to the citizen (supplements_untold).
SELECT
    c.name,
    c.source,
    c.networks::text[] AS networks,
    c.supplements_at_desk_since,
    c.disabled_at,
    array(
        SELECT a.agency_code FROM intake.client_agencies AS a WHERE a.client_id = c.client_id ORDER BY a.agency_code
    ) AS agencies,
    (SELECT max(d.last_at) FROM intake.client_days AS d WHERE d.client_id = c.client_id) AS last_call_at,
    coalesce(n.calls, 0) AS calls,
    coalesce(n.taken, 0) AS taken,
    coalesce(n.repeated, 0) AS repeated,
    coalesce(n.refused, 0) AS refused,
    coalesce(
        (
            SELECT w.steps FROM intake.waiting_steps AS w WHERE w.source = c.source AND w.client_id = c.client_id
        ),
        0
    ) AS waiting,
    (
        SELECT count(*)
        FROM (
            SELECT DISTINCT u.agency_code, u.dossier_code
            FROM intake.supplements_untold AS u
            WHERE
                u.source = c.source AND u.client_id = c.client_id
                AND u.said_at >= %(since)s::date::timestamp AT TIME ZONE 'Asia/Ho_Chi_Minh'
        ) AS s
    ) AS supplements_nowhere
FROM intake.clients AS c
LEFT JOIN LATERAL (
    SELECT
        sum(d.calls)::bigint AS calls,
        sum(d.taken)::bigint AS taken,
        sum(d.repeated)::bigint AS repeated,
        sum(d.refused)::bigint AS refused
    FROM intake.client_days AS d
    WHERE d.client_id = c.client_id AND d.day >= %(since)s
) AS n ON TRUE
WHERE
    %(agencies)s::text[] IS NULL
    OR EXISTS (
        SELECT 1 FROM intake.client_agencies AS a
        WHERE a.client_id = c.client_id AND a.agency_code = any(%(agencies)s)
    )
ORDER BY c.name;

-- name: faults
-- Return the faults in a client's pushes since a day, the newest day first (intake.faults).
SELECT f.day, f.service, f.fault, f.field, f.records, f.last_at
FROM intake.faults AS f
INNER JOIN intake.clients AS c ON f.client_id = c.client_id
WHERE c.name = %(name)s AND f.day >= %(since)s
ORDER BY f.day DESC, f.records DESC, f.fault, f.field;

-- name: watched
-- Return the clients that may push, each with its agencies that are enabled by now, the days and hours of its calls,
-- and the numbers of records that it pushed on the last days on which it pushed (intake.clients).
SELECT
    c.name,
    array(
        SELECT a.agency_code
        FROM intake.client_agencies AS a
        INNER JOIN motcua.agencies AS g ON a.agency_code = g.agency_code
        WHERE a.client_id = c.client_id AND g.enabled_from <= %(now)s
        ORDER BY a.agency_code
    ) AS agencies,
    (SELECT max(d.last_at) FROM intake.client_days AS d WHERE d.client_id = c.client_id) AS last_call_at,
    array(
        SELECT DISTINCT d.day FROM intake.client_days AS d WHERE d.client_id = c.client_id AND d.day >= %(days_since)s
    ) AS days,
    array(SELECT h.hour FROM intake.client_hours AS h WHERE h.client_id = c.client_id) AS hours,
    (
        SELECT jsonb_agg(jsonb_build_object('records', r.records, 'refused', r.refused) ORDER BY r.day DESC)
        FROM (
            SELECT
                d.day, sum(d.taken + d.repeated + d.refused)::bigint AS records, sum(d.refused)::bigint AS refused
            FROM intake.client_days AS d
            WHERE d.client_id = c.client_id AND d.day >= %(records_since)s
            GROUP BY d.day
            HAVING sum(d.taken + d.repeated + d.refused) > 0
        ) AS r
    ) AS recent
FROM intake.clients AS c
WHERE c.disabled_at IS NULL
ORDER BY c.name;

-- name: fault_sums
-- Return the sums of the faults in all clients' pushes since a day, by client, fault and field, the most frequent first
-- (intake.faults).
SELECT c.name AS client, f.fault, f.field, sum(f.records)::bigint AS records, max(f.last_at) AS last_at
FROM intake.faults AS f
INNER JOIN intake.clients AS c ON f.client_id = c.client_id
WHERE f.day >= %(since)s
GROUP BY c.name, f.fault, f.field
ORDER BY c.name, records DESC, f.fault, f.field;

-- name: supplements_untold
-- Return, by source and agency, the number of dossiers that lack papers since a time in [start, end), but whose
-- citizens were not texted, because nothing states that the dossier is at the one-stop desk
-- (intake.supplements_untold). The largest number comes first. The query covers some agencies or all.
SELECT u.source, u.agency_code, count(DISTINCT u.dossier_code) AS dossiers
FROM intake.clients AS c
INNER JOIN intake.supplements_untold AS u ON c.source = u.source AND c.client_id = u.client_id
WHERE
    u.said_at >= %(start)s
    AND u.said_at < %(end)s
    AND (%(agencies)s::text[] IS NULL OR u.agency_code = any(%(agencies)s))
GROUP BY u.source, u.agency_code
ORDER BY dossiers DESC, u.agency_code, u.source;

-- name: told_of
-- Return the agencies that the files of a source may concern now, or could concern at any earlier time
-- (intake.client_changes).
SELECT DISTINCT a.agency_code
FROM intake.clients AS c
INNER JOIN intake.client_changes AS k ON c.client_id = k.client_id
CROSS JOIN LATERAL unnest(k.agencies) AS a (agency_code)
WHERE c.name = %(source)s AND c.source = %(source)s
ORDER BY a.agency_code;
