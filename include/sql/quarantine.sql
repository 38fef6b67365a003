-- Store the unusable rows of a source until the reason why they are unusable no longer exists (quarantine), and store
-- which fields of usable rows were cleaned. Called by store/notices/quarantine.py.

-- name: save
-- Insert or update unusable rows: new rows, changed rows, and rows that were usable in the meantime
-- (motcua.quarantine). A waiting row that is read again unchanged is neither written nor locked, because PostgreSQL
-- writes to the disk for a lock too.
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
            -- If a waiting row's personal data was emptied, a change of the row's content alone does not store the data
            -- again.
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
-- Return quarantined rows of a source that may be usable now (motcua.quarantine): the agency or the status is known
-- now, or the dossier has come. A row that has waited for its dossier for less than an hour is always returned. Every
-- other row is returned again after a tenth of its age (at least a minute, at most an hour), because the source may
-- have corrected it. Rows of the same age are not all returned at once but spread over that time. If there are more
-- rows than the limit, the choice is arbitrary.
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
-- Mark quarantined rows as released, because their cause is gone (motcua.quarantine).
UPDATE motcua.quarantine SET released_at = %(now)s
WHERE source_id = %(source_id)s AND row_kind = %(row_kind)s AND row_key = any(%(row_keys)s) AND released_at IS NULL;

-- name: is_any
-- Return whether any row of a source is in quarantine (motcua.quarantine).
SELECT count(*) > 0 AS is_any
FROM (
    SELECT 1
    FROM motcua.quarantine AS q
    WHERE q.source_id = %(source_id)s AND q.released_at IS NULL
    LIMIT 1  -- noqa: AM09
) AS o;

-- name: count_open
-- Return how many rows of each source are in quarantine, counted up to a maximum (motcua.quarantine).
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
-- Return the number of quarantined rows by source, kind of row, reason and codes, each with up to three dossier codes
-- as examples (motcua.quarantine). The parameter agencies limits the result to some agencies, under any of their codes;
-- NULL means all.
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
-- Log which fields were cleaned while rows were read, once for each row (motcua.cleaned_fields). A row that changed and
-- had to be cleaned again gets a new time.
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
