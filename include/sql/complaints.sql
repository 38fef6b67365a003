-- Store complaints of citizens, link them to dossiers and messages, write the outcome of the agency's check, and count
-- them. Called by store/oversight/complaints.py.

-- name: save
-- Insert complaints and return the numbers of the new ones (motcua.complaints). A complaint whose entry_key is stored
-- already is not inserted again.
INSERT INTO motcua.complaints (
    entry_key, agency_code, dossier_code, received_at, channel, claim, note, recorded_by, recorded_at, imported_from,
    imported_sha256, imported_line, alike_no
)
SELECT
    r.entry_key, r.agency_code, r.dossier_code, r.received_at, r.channel, r.claim, r.note, %(recorded_by)s,
    %(recorded_at)s, %(imported_from)s, %(imported_sha256)s, r.imported_line, r.alike_no
FROM
    jsonb_to_recordset(%(rows)s::jsonb) AS r (
        entry_key text, agency_code text, dossier_code text, received_at timestamptz, channel text, claim text,
        note text, imported_line integer, alike_no integer
    )
ON CONFLICT (entry_key) DO NOTHING
RETURNING complaint_id;

-- name: link
-- Link complaints to their dossiers and to the messages that they are probably about (motcua.complaints). A dossier of
-- the complaint's agency with exactly the typed code is preferred. Otherwise a dossier is chosen whose code differs
-- only in spelling, if there is exactly one such dossier. This search also covers the dossiers of agencies that the
-- complaint's agency has taken over. The message is the dossier's last one that a gateway had accepted when the citizen
-- complained. For the claim no_result_yet, a result message is preferred. A reply to a citizen's inquiry is chosen only
-- if there is no other message.
WITH charge AS MATERIALIZED (
    SELECT g.agency_code, coalesce(g.in_charge, g.agency_code) AS in_charge
    FROM motcua.agencies_on((%(now)s::timestamptz AT TIME ZONE 'Asia/Ho_Chi_Minh')::date) AS g
),

found AS (
    SELECT
        c.complaint_id,
        coalesce(c.dossier_id, exact.dossier_id, alike.dossier_id) AS dossier_id,
        c.claim,
        c.received_at
    FROM motcua.complaints AS c
    LEFT JOIN motcua.dossiers AS exact
        ON c.agency_code = exact.agency_code AND c.dossier_code = exact.dossier_code
    LEFT JOIN LATERAL (
        SELECT min(d.dossier_id) AS dossier_id FROM motcua.dossiers AS d
        WHERE
            motcua.code_key(d.dossier_code) = motcua.code_key(c.dossier_code)
            AND d.agency_code IN (
                SELECT g.agency_code FROM charge AS g WHERE c.agency_code IN (g.in_charge, g.agency_code)
            )
        HAVING count(*) = 1
    ) AS alike ON TRUE
    WHERE
        c.message_id IS NULL AND c.dossier_code IS NOT NULL AND c.withdrawn_at IS NULL
        AND c.received_at <= %(now)s
        AND (%(complaint_ids)s::bigint[] IS NULL OR c.complaint_id = any(%(complaint_ids)s))
),

linked AS (
    SELECT f.complaint_id, f.dossier_id, m.message_id
    FROM found AS f
    LEFT JOIN LATERAL (
        SELECT o.message_id FROM motcua.messages AS o
        WHERE
            o.dossier_id = f.dossier_id AND o.accepted_at <= f.received_at
            AND o.state IN ('accepted', 'delivered', 'undelivered', 'unconfirmed')
        ORDER BY
            f.claim = 'no_result_yet' AND o.kind = 'result' DESC, o.kind <> 'reply' DESC, o.accepted_at DESC,
            o.message_id DESC
        LIMIT 1
    ) AS m ON TRUE
    WHERE f.dossier_id IS NOT NULL
)

UPDATE motcua.complaints AS c
SET dossier_id = l.dossier_id, message_id = l.message_id
FROM linked AS l
WHERE
    c.complaint_id = l.complaint_id
    AND (c.dossier_id IS DISTINCT FROM l.dossier_id OR c.message_id IS DISTINCT FROM l.message_id)
RETURNING c.complaint_id;

-- name: list
-- Return complaints, the newest first, each with its dossier, its message and the complaint that it repeats
-- (motcua.complaints). If no gateway had accepted a message by the time of the complaint, the result has the message
-- that was planned by then, in its present state. The complaint is not linked to that message, because the message may
-- still be sent. The result has personal data, so only staff who are signed in may see it.
SELECT
    c.complaint_id, c.agency_code, c.dossier_code, c.dossier_id, c.message_id, c.received_at, c.channel, c.claim,
    c.note, c.recorded_by, c.recorded_at, c.imported_from, c.imported_line, c.outcome, c.outcome_by, c.outcome_at,
    c.outcome_reason, c.withdrawn_at, c.withdrawn_by, c.withdraw_reason, a.repeats,
    m.kind AS message_kind, m.state AS message_state, m.accepted_at AS message_accepted_at,
    i.message_id AS intended_id, i.kind AS intended_kind, i.state AS intended_state, i.reason AS intended_reason
FROM (
    -- The other columns are looked up for the rows of this page only.
    SELECT c.*
    FROM motcua.complaints AS c
    WHERE
        (%(agencies)s::text[] IS NULL OR c.agency_code = any(%(agencies)s))
        AND (%(claim)s::text IS NULL OR c.claim = %(claim)s)
        AND (%(outcome)s::text IS NULL OR (c.outcome = %(outcome)s AND c.withdrawn_at IS NULL))
        AND (%(unlinked)s::boolean IS NOT TRUE OR (c.dossier_id IS NULL AND c.withdrawn_at IS NULL))
        AND (
            %(repeated)s::boolean IS NOT TRUE
            OR EXISTS (
                SELECT 1 FROM audit.complaints AS r
                WHERE r.complaint_id = c.complaint_id AND r.repeats IS NOT NULL
            )
        )
        AND (%(begins)s::timestamptz IS NULL OR c.received_at >= %(begins)s)
        AND (%(ends)s::timestamptz IS NULL OR c.received_at < %(ends)s)
    ORDER BY c.received_at DESC, c.complaint_id DESC
    LIMIT %(most)s OFFSET %(skipped)s
) AS c
INNER JOIN audit.complaints AS a ON c.complaint_id = a.complaint_id
LEFT JOIN motcua.messages AS m ON c.message_id = m.message_id
LEFT JOIN LATERAL (
    SELECT o.message_id, o.kind, o.state, o.reason FROM motcua.messages AS o
    WHERE
        c.message_id IS NULL AND o.dossier_id = c.dossier_id AND o.kind <> 'reply' AND o.planned_at <= c.received_at
    ORDER BY c.claim = 'no_result_yet' AND o.kind = 'result' DESC, o.planned_at DESC, o.message_id DESC
    LIMIT 1
) AS i ON TRUE
ORDER BY c.received_at DESC, c.complaint_id DESC;

-- name: set_outcome
-- Write the outcome of an agency's check of a complaint, with the person and the time (motcua.complaints). The
-- parameter agencies limits the change to complaints of some agencies; NULL means all. If is_seen is true, the outcome
-- is written only if no other one was written since the person saw the complaint. The parameter seen is the time of the
-- outcome that the person saw; NULL means that there was none.
UPDATE motcua.complaints
SET outcome = %(outcome)s, outcome_by = %(by)s, outcome_at = %(now)s, outcome_reason = %(reason)s
WHERE
    complaint_id = %(complaint_id)s AND withdrawn_at IS NULL
    AND (%(agencies)s::text[] IS NULL OR agency_code = any(%(agencies)s))
    AND (NOT %(is_seen)s::boolean OR outcome_at IS NOT DISTINCT FROM %(seen)s::timestamptz)
RETURNING complaint_id;

-- name: is_open
-- Return whether a complaint exists and is not withdrawn (motcua.complaints). The parameter agencies limits the search
-- to complaints of some agencies; NULL means all.
SELECT count(*) > 0 AS is_open
FROM motcua.complaints
WHERE
    complaint_id = %(complaint_id)s AND withdrawn_at IS NULL
    AND (%(agencies)s::text[] IS NULL OR agency_code = any(%(agencies)s));

-- name: withdraw
-- Withdraw a complaint once (motcua.complaints). The row stays in the table and no longer counts in figures. The
-- parameter agencies limits the change to complaints of some agencies; NULL means all.
UPDATE motcua.complaints
SET withdrawn_at = %(now)s, withdrawn_by = %(by)s, withdraw_reason = %(reason)s
WHERE
    complaint_id = %(complaint_id)s AND withdrawn_at IS NULL
    AND (%(agencies)s::text[] IS NULL OR agency_code = any(%(agencies)s))
RETURNING complaint_id;

-- name: repeats
-- Return the complaints that repeat an earlier complaint, each with the number of the earlier one (audit.complaints).
-- The parameters limit the result to a period, to given numbers or to some agencies; NULL means all. The query reads
-- audit views only.
SELECT complaint_id, repeats
FROM audit.complaints
WHERE
    repeats IS NOT NULL
    AND (%(agencies)s::text[] IS NULL OR agency_code = any(%(agencies)s))
    AND (%(complaint_ids)s::bigint[] IS NULL OR complaint_id = any(%(complaint_ids)s))
    AND (%(begins)s::timestamptz IS NULL OR received_at >= %(begins)s)
    AND (%(ends)s::timestamptz IS NULL OR received_at < %(ends)s);

-- name: count
-- Count the complaints of a period by agency, claim and outcome, without those that were withdrawn or repeat an earlier
-- one (audit.complaints). The query reads audit views only.
SELECT agency_code, claim, outcome, count(*) AS complaints
FROM audit.complaints
WHERE received_at >= %(begins)s AND received_at < %(ends)s AND withdrawn_at IS NULL AND repeats IS NULL
GROUP BY agency_code, claim, outcome
ORDER BY agency_code, claim, outcome;

-- name: count_open
-- Count by agency the complaints that were received since a time and whose check has no outcome yet
-- (motcua.complaints). The parameter agencies limits the count to some agencies; NULL means all.
SELECT c.agency_code, count(*) AS complaints
FROM motcua.complaints AS c
WHERE
    c.received_at >= %(since)s
    AND c.outcome = 'open'
    AND c.withdrawn_at IS NULL
    AND (%(agencies)s::text[] IS NULL OR c.agency_code = any(%(agencies)s::text[]))
GROUP BY c.agency_code
ORDER BY c.agency_code;
