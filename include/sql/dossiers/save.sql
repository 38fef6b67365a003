-- A batch of dossier rows as read: writes those that are new or differ, keeps each as a version, and returns them.
-- A row older than the one known (a late read) changes nothing. Called by store/dossiers.py.
WITH incoming AS (
    SELECT DISTINCT ON (r.agency_code, r.dossier_code) r.*
    FROM
        jsonb_to_recordset(%(rows)s::jsonb) AS r (
            agency_code text, dossier_code text, procedure_code text, applicant_name text, applicant_phone text,
            phone_entered_at timestamptz, msisdn text, phone_refusal text, phone_notes text[], submitted_via text,
            received_at timestamptz, due_at timestamptz, step_name text, status_code smallint, at_one_stop_desk boolean,
            finished_at timestamptz, returned_at timestamptz, updated_at timestamptz
        )
    ORDER BY r.agency_code, r.dossier_code, r.updated_at DESC NULLS LAST
),

saved AS (
    INSERT INTO motcua.dossiers AS d (
        source_id, agency_code, dossier_code, procedure_code, applicant_name, applicant_phone, phone_entered_at, msisdn,
        phone_refusal, phone_notes, submitted_via, received_at, due_at, step_name, status_code, at_one_stop_desk,
        finished_at, returned_at, updated_at, picked_up_at
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
        at_one_stop_desk, finished_at, returned_at, updated_at, %(now)s
    FROM incoming
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
            picked_up_at = excluded.picked_up_at
        WHERE
        (
            d.source_id = excluded.source_id
            OR d.updated_at IS NULL
            OR excluded.updated_at IS NULL
            OR excluded.updated_at >= d.updated_at
        )
        AND (
            d.procedure_code, d.applicant_name, d.applicant_phone, d.phone_entered_at, d.msisdn, d.phone_refusal,
            d.submitted_via, d.received_at, d.due_at, d.step_name, d.status_code, d.at_one_stop_desk, d.finished_at,
            d.returned_at, d.updated_at
        ) IS DISTINCT FROM (
            excluded.procedure_code, excluded.applicant_name, excluded.applicant_phone, excluded.phone_entered_at,
            excluded.msisdn, excluded.phone_refusal, excluded.submitted_via, excluded.received_at, excluded.due_at,
            excluded.step_name, excluded.status_code, excluded.at_one_stop_desk, excluded.finished_at,
            excluded.returned_at, excluded.updated_at
        )
    RETURNING d.*
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
        status_code, at_one_stop_desk, finished_at, returned_at, submitted_via
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
        status_code, at_one_stop_desk, finished_at, returned_at, submitted_via
    FROM saved
)

SELECT dossier_id, agency_code, dossier_code FROM saved
