-- A batch of dossier rows as read: writes those that are new or differ, keeps each as a version, and returns them.
-- A row older than the one known (a late read) changes nothing. Of a dossier whose personal data was emptied only one
-- that is open again is read with it; of others the facts alone. A row that changed, and is stamped as of before what
-- was read, or of the future, was written when it is first read so; whenever it was, where the source is read for the
-- first time. Called by store/notices/dossiers.py.
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
    -- Left out here: one that conflicts is locked, which is a write, even where nothing of it changes.
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
        d.source_id = excluded.source_id
        OR d.updated_at IS NULL
        OR excluded.updated_at IS NULL
        OR excluded.updated_at >= d.updated_at
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

SELECT dossier_id, agency_code, dossier_code, is_new, stamped_at FROM saved
