-- Ties complaints that are not tied yet to their dossier, and to the message that they are taken to be about: the last
-- one that a gateway had taken when the citizen complained; the result where that is not there yet; a reply only where
-- nothing else went. The agency's own dossier with the code as typed counts first; else the one that reads the same,
-- also one of an agency that it succeeded; of several such nobody chooses. Called by store/oversight/complaints.py.
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
RETURNING c.complaint_id
