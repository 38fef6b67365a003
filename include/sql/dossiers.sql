-- Write dossiers as a pick-up (one reading of a source's new rows) finds them, read the facts about dossiers that the
-- planning of messages needs, and count dossiers. The statements that read a dossier for a page are in
-- dossiers/showing.sql. Called by store/notices/dossiers.py.

-- name: known
-- Return the given dossiers that the ledger has (motcua.dossiers).
SELECT d.dossier_id, d.agency_code, d.dossier_code
FROM motcua.dossiers AS d
INNER JOIN
    unnest(%(agency_codes)s::text[], %(dossier_codes)s::text[]) AS k (agency_code, dossier_code)
    ON d.agency_code = k.agency_code AND d.dossier_code = k.dossier_code;

-- name: stamped_otherwise
-- Return the position, in the given list of a source's rows, of each row whose dossier the ledger does not have, or has
-- with another time of change (motcua.dossiers). A row is left out if the ledger has its dossier from another source.
SELECT g.place
FROM
    json_to_recordset(%(rows)s::json) AS g (
        place integer, agency_code text, dossier_code text, updated_at timestamptz
    )
LEFT JOIN motcua.dossiers AS d ON g.agency_code = d.agency_code AND g.dossier_code = d.dossier_code
WHERE
    d.dossier_id IS NULL
    OR (d.source_id = %(source_id)s AND g.updated_at IS DISTINCT FROM coalesce(d.stamped_at, d.updated_at));

-- name: save
-- Insert or update a batch of dossiers as they were read, insert each change as a version, and return the changed
-- dossiers (motcua.dossiers, motcua.dossier_versions). A row that is older than the known row of another source changes
-- nothing. If two rows are equally new and are read at the same time, the row with less personal data changes nothing.
-- If a dossier's personal data was emptied, it stays empty while the dossier is finished and is filled again once the
-- dossier is open. A changed row gets the present time as its time of change if its own time lies in the future, or
-- before the time up to which the source had already been read. At the first reading of a source, a time in the future
-- is left empty instead.
WITH given AS (
    SELECT DISTINCT ON (r.agency_code, r.dossier_code) r.*
    FROM
        json_to_recordset(%(rows)s::json) AS r (
            agency_code text, dossier_code text, procedure_code text, applicant_name text, applicant_phone text,
            phone_entered_at timestamptz, msisdn text, phone_refusal text, phone_notes text[], submitted_via text,
            received_at timestamptz, due_at timestamptz, step_name text, status_code smallint, at_one_stop_desk boolean,
            finished_at timestamptz, returned_at timestamptz, updated_at timestamptz, stamped_at timestamptz
        )
    ORDER BY r.agency_code, r.dossier_code, r.updated_at DESC NULLS LAST
),

incoming AS (
    SELECT
        g.agency_code, g.dossier_code, g.procedure_code, g.phone_entered_at, g.submitted_via, g.received_at, g.due_at,
        g.step_name, g.status_code, g.at_one_stop_desk, g.finished_at, g.returned_at, u.updated_at,
        nullif(g.stamped_at, u.updated_at) AS stamped_at,
        CASE WHEN e.stays_empty THEN NULL ELSE g.applicant_name END AS applicant_name,
        CASE WHEN e.stays_empty THEN NULL ELSE g.applicant_phone END AS applicant_phone,
        CASE WHEN e.stays_empty THEN NULL ELSE g.msisdn END AS msisdn,
        CASE WHEN e.stays_empty THEN k.phone_refusal ELSE g.phone_refusal END AS phone_refusal,
        CASE WHEN e.stays_empty THEN k.phone_notes ELSE g.phone_notes END AS phone_notes,
        CASE WHEN e.stays_empty THEN k.purged_at END AS purged_at
    FROM given AS g
    LEFT JOIN motcua.dossiers AS k
        ON g.agency_code = k.agency_code AND g.dossier_code = k.dossier_code AND k.purged_at IS NOT NULL
    LEFT JOIN motcua.dossiers AS s ON g.agency_code = s.agency_code AND g.dossier_code = s.dossier_code
    CROSS JOIN
        LATERAL (
            SELECT
                CASE
                    WHEN s.source_id = %(source_id)s AND g.stamped_at = coalesce(s.stamped_at, s.updated_at)
                        THEN s.updated_at
                    WHEN
                        g.updated_at IS NULL AND g.stamped_at IS NOT NULL
                        AND coalesce(s.source_id = %(source_id)s, NOT %(is_first)s)
                        THEN %(now)s
                    WHEN
                        s.source_id = %(source_id)s
                        AND g.updated_at >= %(looked_from)s
                        AND g.updated_at < greatest(%(read_until)s, s.updated_at)
                        THEN %(now)s
                    ELSE g.updated_at
                END AS updated_at
        ) AS u
    CROSS JOIN LATERAL (
        SELECT
            k.purged_at IS NOT NULL AND coalesce(
                g.status_code IN (3, 7, 10) OR (g.status_code = 9 AND g.returned_at IS NOT NULL), FALSE
            ) AS stays_empty
    ) AS e
),

saved AS (
    INSERT INTO motcua.dossiers AS d (
        source_id, agency_code, dossier_code, procedure_code, applicant_name, applicant_phone, phone_entered_at, msisdn,
        phone_refusal, phone_notes, submitted_via, received_at, due_at, step_name, status_code, at_one_stop_desk,
        finished_at, returned_at, updated_at, stamped_at, picked_up_at, purged_at
    )
    SELECT
        %(source_id)s,
        agency_code,
        dossier_code,
        procedure_code,
        applicant_name,
        applicant_phone,
        phone_entered_at,
        msisdn,
        phone_refusal, coalesce(phone_notes, '{}'), submitted_via, received_at, due_at, step_name, status_code,
        at_one_stop_desk, finished_at, returned_at, updated_at, stamped_at, %(now)s, purged_at
    FROM incoming AS i
    -- Unchanged rows are left out here, because ON CONFLICT locks the existing row, and PostgreSQL writes to the disk
    -- for a lock even if nothing changes.
    WHERE
        NOT EXISTS (
            SELECT 1 FROM motcua.dossiers AS k
            WHERE
                k.agency_code = i.agency_code AND k.dossier_code = i.dossier_code
                AND (
                    k.procedure_code, k.applicant_name, k.applicant_phone, k.phone_entered_at, k.msisdn,
                    k.phone_refusal, k.submitted_via, k.received_at, k.due_at, k.step_name, k.status_code,
                    k.at_one_stop_desk, k.finished_at, k.returned_at, k.updated_at, k.stamped_at, k.purged_at
                ) IS NOT DISTINCT FROM (
                    i.procedure_code, i.applicant_name, i.applicant_phone, i.phone_entered_at, i.msisdn,
                    i.phone_refusal, i.submitted_via, i.received_at, i.due_at, i.step_name, i.status_code,
                    i.at_one_stop_desk, i.finished_at, i.returned_at, i.updated_at, i.stamped_at, i.purged_at
                )
        )
    ORDER BY agency_code, dossier_code
    ON CONFLICT (agency_code, dossier_code) DO UPDATE
        SET
            source_id = excluded.source_id,
            procedure_code = excluded.procedure_code,
            applicant_name = excluded.applicant_name,
            applicant_phone = excluded.applicant_phone,
            phone_entered_at = excluded.phone_entered_at,
            msisdn = excluded.msisdn,
            phone_refusal = excluded.phone_refusal,
            phone_notes = excluded.phone_notes,
            submitted_via = excluded.submitted_via,
            received_at = excluded.received_at,
            due_at = excluded.due_at,
            step_name = excluded.step_name,
            status_code = excluded.status_code,
            at_one_stop_desk = excluded.at_one_stop_desk,
            finished_at = excluded.finished_at,
            returned_at = excluded.returned_at,
            updated_at = excluded.updated_at,
            stamped_at = excluded.stamped_at,
            picked_up_at = excluded.picked_up_at,
            purged_at = excluded.purged_at
        WHERE
        (
            d.source_id = excluded.source_id
            OR d.updated_at IS NULL
            OR excluded.updated_at IS NULL
            OR excluded.updated_at >= d.updated_at
        )
        -- The trigger keep_personal_data refuses an update that only removes personal data.
        AND NOT (
            (d.picked_up_at, d.updated_at, d.phone_refusal)
            IS NOT DISTINCT FROM (excluded.picked_up_at, excluded.updated_at, excluded.phone_refusal)
            AND num_nonnulls(nullif(d.applicant_name, ''), nullif(d.applicant_phone, ''), d.msisdn)
            > num_nonnulls(nullif(excluded.applicant_name, ''), nullif(excluded.applicant_phone, ''), excluded.msisdn)
        )
    RETURNING d.*, d.xmax = 0 AS is_new
),

versions AS (
    INSERT INTO motcua.dossier_versions (
        dossier_id,
        seen_at,
        updated_at,
        procedure_code,
        applicant_phone,
        phone_entered_at,
        received_at,
        due_at,
        step_name,
        status_code, at_one_stop_desk, finished_at, returned_at, submitted_via, purged_at
    )
    SELECT
        dossier_id,
        %(now)s,
        updated_at,
        procedure_code,
        applicant_phone,
        phone_entered_at,
        received_at,
        due_at,
        step_name,
        status_code, at_one_stop_desk, finished_at, returned_at, submitted_via, purged_at
    FROM saved
)

SELECT dossier_id, agency_code, dossier_code, is_new, stamped_at FROM saved;

-- name: new_procedures
-- Return the given procedures that the ledger does not have under the same names (motcua.procedures).
SELECT r.procedure_code, r.procedure_name, r.field_name
FROM jsonb_to_recordset(%(rows)s::jsonb) AS r (procedure_code text, procedure_name text, field_name text)
WHERE
    r.procedure_code IS NOT NULL
    AND NOT EXISTS (
        SELECT 1 FROM motcua.procedures AS k
        WHERE
            k.procedure_code = r.procedure_code
            AND (k.name, k.field_name)
            IS NOT DISTINCT FROM (coalesce(r.procedure_name, k.name), coalesce(r.field_name, k.field_name))
    );

-- name: save_procedures
-- Insert procedures or update their names (motcua.procedures). Each given procedure is locked and written, even if its
-- names are unchanged.
INSERT INTO motcua.procedures (procedure_code, name, field_name)
SELECT DISTINCT ON (r.procedure_code) r.procedure_code, r.procedure_name, r.field_name
FROM jsonb_to_recordset(%(rows)s::jsonb) AS r (procedure_code text, procedure_name text, field_name text)
ORDER BY r.procedure_code
ON CONFLICT (procedure_code) DO UPDATE SET
    name = coalesce(excluded.name, procedures.name),
    field_name = coalesce(excluded.field_name, procedures.field_name);

-- name: without_history
-- Return the dossiers whose first known transition was read by this pick-up and requires a message (motcua.dossiers,
-- motcua.transitions). The pick-up must read their earlier transitions. Otherwise an old event would look new.
SELECT d.dossier_id, d.agency_code, d.dossier_code
FROM motcua.dossiers AS d
CROSS JOIN
    LATERAL (
        SELECT t.picked_up_at, t.status_code, t.at_one_stop_desk
        FROM motcua.transitions AS t
        WHERE t.dossier_id = d.dossier_id
        ORDER BY t.sequence, t.from_row, t.transition_id
        LIMIT 1
    ) AS f
WHERE
    d.dossier_id = any(%(dossier_ids)s)
    AND f.picked_up_at = %(now)s
    AND motcua.condition_of(f.status_code, f.at_one_stop_desk) IS NOT NULL;

-- name: row_tells_more
-- Return the dossiers whose row is newer than their last transition and requires another message than the transition
-- (motcua.dossiers, motcua.transitions). If the last transition is an old step (typed in late) that does not count, a
-- dossier is also returned if its row requires another message than the last transition that counts.
SELECT d.dossier_id, d.agency_code, d.dossier_code
FROM motcua.dossiers AS d
LEFT JOIN LATERAL (
    SELECT t.recorded_at, t.status_code, t.at_one_stop_desk, o.has_force
    FROM motcua.transitions AS t
    LEFT JOIN motcua.old_steps AS o ON t.transition_id = o.transition_id
    WHERE t.dossier_id = d.dossier_id
    ORDER BY t.sequence DESC, t.from_row DESC, t.transition_id DESC
    LIMIT 1
) AS l ON TRUE
LEFT JOIN LATERAL (
    SELECT t.status_code, t.at_one_stop_desk
    FROM motcua.transitions AS t
    LEFT JOIN motcua.old_steps AS o ON t.transition_id = o.transition_id
    WHERE t.dossier_id = d.dossier_id AND coalesce(o.has_force, o.transition_id IS NULL)
    ORDER BY t.sequence DESC, t.from_row DESC, t.transition_id DESC
    LIMIT 1
) AS b ON NOT l.has_force
WHERE
    d.dossier_id = any(%(dossier_ids)s)
    AND d.status_code IS NOT NULL
    AND d.updated_at IS NOT NULL
    AND d.updated_at > coalesce(l.recorded_at, '-infinity')
    AND (
        motcua.condition_of(d.status_code, d.at_one_stop_desk)
        IS DISTINCT FROM motcua.condition_of(l.status_code, l.at_one_stop_desk)
        OR (
            NOT l.has_force
            AND motcua.condition_of(d.status_code, d.at_one_stop_desk)
            IS DISTINCT FROM motcua.condition_of(b.status_code, b.at_one_stop_desk)
        )
    );

-- name: status_mapped_since
-- Return a source's dossiers with an unknown status, if staff have set the meaning of one of the source's status codes
-- since the source was last read (motcua.dossiers). Each dossier is returned once for every code under which the source
-- may write the dossier's agency.
SELECT
    s.written AS agency_code,
    d.dossier_code
FROM motcua.dossiers AS d
INNER JOIN motcua.agency_scopes AS s ON d.agency_code = s.agency_code
WHERE
    d.source_id = %(source_id)s AND d.status_code IS NULL
    AND EXISTS (
        SELECT 1
        FROM motcua.status_maps AS m
        INNER JOIN motcua.sources AS u ON m.source_id = u.source_id
        WHERE m.source_id = %(source_id)s AND m.mapped_at > coalesce(u.picked_up_at, '-infinity')
    )
ORDER BY d.dossier_id, s.written;

-- name: lock_to_plan
-- Return the data that planning needs about these dossiers and their agencies, and lock the dossiers (motcua.dossiers).
-- Dossiers that another process has locked are left out, so that no two processes plan one dossier at the same time.
-- The settings are those of the dossier's own agency. The agency's name is that of the agency in charge on the day of
-- planning, by the database's clock if the parameter now is NULL. If no agency is in charge, enabled_from is NULL.
SELECT
    d.dossier_id,
    d.dossier_code,
    d.agency_code,
    d.procedure_code,
    d.msisdn,
    -- If the phone number was emptied, it counts as missing until the row is read again.
    coalesce(d.phone_refusal, CASE WHEN d.msisdn IS NULL THEN 'missing' END) AS phone_refusal,
    d.received_at,
    d.due_at,
    d.returned_at,
    CASE WHEN f.in_charge IS NOT NULL THEN g.enabled_from END AS enabled_from,
    g.same_day_excluded,
    g.same_day_procedures,
    g.kinds_off,
    g.result_hold,
    g.accented,
    coalesce(f.short_name, f.name) AS agency_name
FROM motcua.dossiers AS d
INNER JOIN motcua.agencies AS g ON d.agency_code = g.agency_code
INNER JOIN
    motcua.agencies_on((coalesce(%(now)s::timestamptz, now()) AT TIME ZONE 'Asia/Ho_Chi_Minh')::date) AS f
    ON d.agency_code = f.agency_code
WHERE d.dossier_id = any(%(dossier_ids)s)
ORDER BY d.dossier_id
FOR UPDATE OF d SKIP LOCKED;

-- name: stepped_between
-- Return the dossiers of an agency that have a step recorded in [start, end), with the data that planning needs about
-- them, without a lock (motcua.dossiers). The settings are the agency's present settings. The agency's name is that of
-- the agency in charge on the given day. The dossiers are returned in the order of their numbers, at most as many as
-- the parameter "most" states. The result holds personal data.
SELECT
    d.dossier_id,
    d.dossier_code,
    d.agency_code,
    d.procedure_code,
    d.msisdn,
    coalesce(d.phone_refusal, CASE WHEN d.msisdn IS NULL THEN 'missing' END) AS phone_refusal,
    d.received_at,
    d.due_at,
    d.returned_at,
    CASE WHEN f.in_charge IS NOT NULL THEN g.enabled_from END AS enabled_from,
    g.same_day_excluded,
    g.same_day_procedures,
    g.kinds_off,
    g.result_hold,
    g.accented,
    coalesce(f.short_name, f.name) AS agency_name
FROM motcua.sources AS s
CROSS JOIN
    LATERAL (
        SELECT DISTINCT t.dossier_id
        FROM motcua.transitions AS t
        WHERE t.source_id = s.source_id AND t.recorded_at >= %(start)s AND t.recorded_at < %(end)s
    ) AS m
INNER JOIN motcua.dossiers AS d ON m.dossier_id = d.dossier_id
INNER JOIN motcua.agencies AS g ON d.agency_code = g.agency_code
INNER JOIN motcua.agencies_on(%(day)s::date) AS f ON d.agency_code = f.agency_code
WHERE d.agency_code = %(agency_code)s
ORDER BY d.dossier_id
LIMIT %(most)s;

-- name: are_any
-- Return whether any of the given agencies has a dossier; NULL means all agencies (motcua.dossiers). Each agency is
-- looked up separately, so that an agency without dossiers does not make PostgreSQL read the rows of other agencies.
SELECT
    EXISTS (SELECT 1 FROM motcua.dossiers WHERE %(agencies)s::text[] IS NULL)
    OR EXISTS (
        SELECT 1
        FROM unnest(%(agencies)s::text[]) AS a (agency_code)
        INNER JOIN LATERAL (
            SELECT d.dossier_id FROM motcua.dossiers AS d
            WHERE d.agency_code = a.agency_code
            LIMIT 1  -- noqa: AM09
        ) AS f ON TRUE
    ) AS are_any;

-- name: phones_of_open
-- Return the number of an agency's open dossiers by the reason why their phone cannot be texted (motcua.dossiers). An
-- empty reason means that the phone can be texted.
SELECT
    d.phone_refusal,
    count(*) AS dossiers
FROM motcua.dossiers AS d
WHERE d.agency_code = %(agency_code)s AND d.finished_at IS NULL AND d.purged_at IS NULL
GROUP BY d.phone_refusal
ORDER BY d.phone_refusal;

-- name: open_without_phone
-- Return an agency's open dossiers whose phone cannot be texted, the newest received first (motcua.dossiers). The
-- result holds no phone number and no name.
SELECT
    d.dossier_code,
    d.procedure_code,
    p.name AS procedure_name,
    d.received_at,
    d.phone_refusal
FROM motcua.dossiers AS d
LEFT JOIN motcua.procedures AS p ON d.procedure_code = p.procedure_code
WHERE
    d.agency_code = %(agency_code)s AND d.finished_at IS NULL AND d.purged_at IS NULL AND d.phone_refusal IS NOT NULL
ORDER BY d.received_at DESC NULLS LAST, d.dossier_code
LIMIT %(most)s;
