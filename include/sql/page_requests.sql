-- Store requests from staff pages. If a request changes which citizens are texted (other than by a stop of sending) or
-- who gets mails, the Department (the authority that runs the system) first gets a mail about the request. It is
-- carried out when its waiting time after the mail is over. Until then it can be withdrawn. Called by
-- store/oversight/page_requests.py.

-- name: waiting_for_status
-- Return how many open dossiers wait for a status code of a source to be mapped, by agency (motcua.quarantine,
-- motcua.dossiers). The query counts dossiers with quarantined steps of that code. It also counts dossiers whose own
-- status is unknown, because the source may have given them the same code.
SELECT w.agency_code, count(DISTINCT w.dossier_code) AS dossiers
FROM (
    SELECT g.agency_code, q.dossier_code
    FROM motcua.quarantine AS q
    INNER JOIN motcua.sources AS s ON q.source_id = s.source_id
    INNER JOIN motcua.agency_scopes AS g ON btrim(q.agency_code) = g.written
    WHERE
        s.name = %(source)s AND q.status_code = %(written)s AND q.reason = 'status_unknown' AND q.released_at IS NULL
        AND g.enabled_from IS NOT NULL
    UNION ALL
    SELECT d.agency_code, d.dossier_code
    FROM motcua.dossiers AS d
    INNER JOIN motcua.sources AS s ON d.source_id = s.source_id
    INNER JOIN motcua.agencies AS g ON d.agency_code = g.agency_code
    WHERE
        s.name = %(source)s AND d.status_code IS NULL AND d.finished_at IS NULL AND d.returned_at IS NULL
        AND g.enabled_from IS NOT NULL
) AS w
GROUP BY w.agency_code
ORDER BY w.agency_code;

-- name: messages_to_release
-- Return how many of these messages would be sent again if a person released them now, by agency and kind
-- (motcua.messages).
SELECT m.agency_code, m.kind, count(*) AS messages
FROM motcua.messages AS m
WHERE
    m.message_id = any(%(messages)s::bigint[]) AND m.state = 'unknown' AND m.useful_until > now()
    AND EXISTS (
        SELECT 1 FROM motcua.attempts AS a
        WHERE a.message_id = m.message_id AND a.state = 'unknown' AND NOT a.released
    )
GROUP BY m.agency_code, m.kind
ORDER BY m.agency_code, m.kind;

-- name: save
-- Insert a request from a page (motcua.save_page_request).
SELECT request_no, became
FROM motcua.save_page_request(%(kind)s::text, %(wanted)s::jsonb, %(by)s::text);

-- name: note_told
-- Write that the Department got a mail about a request (motcua.page_requests). Also write when the request may be
-- carried out, and the numbers in the mail, such as how many dossiers the request affects. A request that was withdrawn
-- in the meantime is not changed.
UPDATE motcua.page_requests
SET told_at = clock_timestamp(), applies_at = clock_timestamp() + %(after)s, told = %(told)s, untold_because = NULL
WHERE request_no = %(request_no)s AND told_at IS NULL AND ended_at IS NULL;

-- name: note_untold
-- Write that no mail about these requests reached anybody at the Department (motcua.page_requests).
UPDATE motcua.page_requests
SET untold_because = %(why)s
WHERE request_no = any(%(request_nos)s) AND told_at IS NULL AND ended_at IS NULL;

-- name: untold
-- Return how many requests wait because no mail reached anybody at the Department, and the reason
-- (motcua.page_requests).
SELECT count(*) AS requests, max(untold_because) AS why
FROM motcua.page_requests
WHERE ended_at IS NULL AND told_at IS NULL AND untold_because IS NOT NULL;

-- name: withdraw
-- Withdraw a request before it is carried out (motcua.withdraw_page_request).
SELECT motcua.withdraw_page_request(%(request_no)s::bigint, %(by)s::text) AS is_withdrawn;

-- name: apply
-- Carry out a request whose waiting time is over (motcua.apply_page_request).
SELECT motcua.apply_page_request(%(request_no)s::bigint) AS became;

-- name: list
-- Return the open requests, the oldest first, or those that have ended, the newest first (motcua.page_requests).
SELECT
    request_no,
    kind,
    subject,
    wanted,
    asked_at,
    asked_by,
    told_at,
    applies_at,
    told,
    untold_because,
    ended_at,
    ended_by,
    outcome,
    released
FROM motcua.page_requests
WHERE
    (ended_at IS NULL) = %(is_open)s
    AND (%(kind)s::text IS NULL OR kind = %(kind)s)
    AND (%(subject)s::text IS NULL OR subject = %(subject)s)
    AND (%(request_no)s::bigint IS NULL OR request_no = %(request_no)s)
ORDER BY CASE WHEN %(is_open)s THEN request_no ELSE -request_no END
LIMIT %(limit)s;
