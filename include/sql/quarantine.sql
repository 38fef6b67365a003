-- Rows of a source that cannot be used, until their cause has gone; and fields of rows that could be used once they
-- were cleaned. Called by store/notices/quarantine.py.

-- name: save
-- Rows that cannot be used: new ones, those that have changed, and those that were of use meanwhile. One that waits as
-- it is read again is not written, nor locked, which would write it too.
INSERT INTO motcua.quarantine AS q (
    source_id, row_kind, row_key, reason, agency_code, dossier_code, status_code, payload, first_seen_at, last_seen_at
)
SELECT
    %(source_id)s,
    r.row_kind,
    r.row_key,
    r.reason,
    r.agency_code,
    r.dossier_code,
    r.status_code,
    r.payload,
    %(now)s,
    %(now)s
FROM
    jsonb_to_recordset(%(rows)s::jsonb) AS r (
        row_kind text,
        row_key text,
        reason text,
        agency_code text,
        dossier_code text,
        status_code integer,
        payload jsonb
    )
WHERE
    NOT EXISTS (
        SELECT 1 FROM motcua.quarantine AS k
        WHERE
            k.source_id = %(source_id)s AND k.row_kind = r.row_kind AND k.row_key = r.row_key AND k.released_at IS NULL
            AND (k.reason, k.agency_code, k.status_code) IS NOT DISTINCT FROM (r.reason, r.agency_code, r.status_code)
            -- Emptied after its time, a row that waits as it is gets nothing of it again.
            AND (
                k.purged_at IS NOT NULL
                OR (k.dossier_code, k.payload) IS NOT DISTINCT FROM (r.dossier_code, r.payload)
            )
    )
ON CONFLICT (source_id, row_kind, row_key) DO UPDATE
    SET
        reason = excluded.reason,
        agency_code = excluded.agency_code,
        dossier_code = excluded.dossier_code,
        status_code = excluded.status_code,
        payload = excluded.payload,
        last_seen_at = excluded.last_seen_at,
        released_at = NULL,
        purged_at = NULL
RETURNING (xmax = 0) AS is_new;

-- name: curable
-- Open rows of a source whose cause may have gone: the agency or the status is known now, the dossier has come; young
-- rows that wait for a dossier are asked for in each pick-up, and every other row again after a tenth of its age (a
-- minute to an hour), since the source may have mended it in place: where that fell due since the source was picked up
-- last, each row at a moment of its own. Of more than the limit, any.
SELECT q.row_kind, q.row_key, q.reason, q.payload
FROM motcua.quarantine AS q
INNER JOIN motcua.sources AS s ON q.source_id = s.source_id
CROSS JOIN LATERAL (SELECT mod(q.quarantine_id, 100) / 100.0::float AS phase) AS p
WHERE
    q.source_id = %(source_id)s
    AND q.released_at IS NULL
    AND (
        (q.reason = 'agency_unknown' AND btrim(q.agency_code) = any(%(agency_codes)s))
        OR (q.reason = 'status_unknown' AND q.status_code = any(%(status_codes)s))
        OR (q.reason = 'dossier_missing' AND (
            q.first_seen_at > %(now)s::timestamptz - interval '1 hour'
            OR EXISTS (
                SELECT 1 FROM motcua.dossiers AS d
                WHERE
                    d.dossier_code = normalize(btrim(q.dossier_code))
                    AND d.agency_code IN (
                        SELECT btrim(q.agency_code)
                        UNION ALL
                        SELECT a.agency_code FROM motcua.agency_aliases AS a
                        WHERE a.alias = btrim(q.agency_code)
                    )
            )
        ))
        OR floor(p.phase + motcua.looks_by(%(now)s::timestamptz - q.first_seen_at))
        > floor(p.phase + motcua.looks_by(coalesce(s.picked_up_at, q.first_seen_at) - q.first_seen_at))
    )
ORDER BY random()
LIMIT 5000;

-- name: release
-- Rows whose cause has gone.
UPDATE motcua.quarantine SET released_at = %(now)s
WHERE source_id = %(source_id)s AND row_kind = %(row_kind)s AND row_key = any(%(row_keys)s) AND released_at IS NULL;

-- name: is_any
-- Whether a row of a source waits in quarantine.
SELECT count(*) > 0 AS is_any
FROM (
    SELECT 1
    FROM motcua.quarantine AS q
    WHERE q.source_id = %(source_id)s AND q.released_at IS NULL
    LIMIT 1  -- noqa: AM09
) AS o;

-- name: count_open
-- How many rows of each source are in quarantine, counted up to "most".
SELECT
    s.name AS source,
    (
        SELECT count(*)
        FROM (
            SELECT 1
            FROM motcua.quarantine AS q
            WHERE q.source_id = s.source_id AND q.released_at IS NULL
            LIMIT %(most)s  -- noqa: AM09
        ) AS o
    ) AS rows
FROM motcua.sources AS s
ORDER BY s.name;

-- name: open
-- Open quarantine by source, kind, reason and codes: of these agencies, however the source writes their codes, or all.
SELECT
    s.name AS source, q.row_kind, q.reason, q.agency_code, q.status_code, count(*) AS rows,
    min(q.first_seen_at) AS since, (array_agg(q.dossier_code ORDER BY q.quarantine_id DESC))[1:3] AS examples
FROM motcua.quarantine AS q
INNER JOIN motcua.sources AS s ON q.source_id = s.source_id
WHERE
    q.released_at IS NULL
    AND (
        %(agencies)s::text[] IS NULL
        OR btrim(q.agency_code) = any(%(agencies)s)
        OR EXISTS (
            SELECT 1 FROM motcua.agency_aliases AS a
            WHERE a.alias = btrim(q.agency_code) AND a.agency_code = any(%(agencies)s)
        )
    )
GROUP BY 1, 2, 3, 4, 5
ORDER BY 1, 2, 3, 4, 5;

-- name: save_cleaned
-- Fields that had to be cleaned while reading rows, each row once; seen again where the row has changed since and was
-- read so again.
INSERT INTO motcua.cleaned_fields AS c (code, agency_code, dossier_id, transition_id, detail, found_at, last_seen_at)
SELECT r.code, d.agency_code, d.dossier_id, t.transition_id, max(r.detail), %(now)s, %(now)s
FROM
    jsonb_to_recordset(%(rows)s::jsonb) AS r (
        code text, agency_code text, dossier_code text, source_transition_id bigint, detail text
    )
INNER JOIN motcua.dossiers AS d ON r.agency_code = d.agency_code AND r.dossier_code = d.dossier_code
LEFT JOIN motcua.transitions AS t ON t.source_id = %(source_id)s AND r.source_transition_id = t.source_transition_id
WHERE
    (r.source_transition_id IS NULL OR t.transition_id IS NOT NULL)
    AND NOT EXISTS (
        SELECT 1 FROM motcua.cleaned_fields AS k
        WHERE
            k.code = r.code AND k.dossier_id = d.dossier_id AND k.transition_id IS NOT DISTINCT FROM t.transition_id
            AND k.detail = r.detail AND k.last_seen_at >= d.picked_up_at
    )
GROUP BY r.code, d.agency_code, d.dossier_id, t.transition_id
ON CONFLICT (code, dossier_id, transition_id) DO UPDATE
    SET detail = excluded.detail, last_seen_at = excluded.last_seen_at
    WHERE c.last_seen_at < excluded.last_seen_at;
