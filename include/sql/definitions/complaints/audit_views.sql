-- What auditors may read of complaints: nobody's name, phone or words. A complaint repeats an earlier one about the
-- same dossier, of the same claim and day, that came another way: rows of one file are as many complaints as it has
-- rows. One without a code repeats none, since nobody could tell.
CREATE OR REPLACE VIEW audit.complaints AS
SELECT
    c.complaint_id, c.agency_code, CASE WHEN c.dossier_id IS NOT NULL THEN c.dossier_code END AS dossier_code,
    c.dossier_id, c.message_id, c.received_at, c.channel, c.claim, c.recorded_by, c.recorded_at, c.imported_from,
    c.imported_sha256, c.imported_line, c.outcome, c.outcome_by, c.outcome_at, c.withdrawn_at, c.withdrawn_by,
    (
        SELECT min(e.complaint_id)
        FROM (
            SELECT a.complaint_id, a.received_at, a.alike_no, a.imported_sha256
            FROM motcua.complaints AS a
            WHERE a.dossier_id = c.dossier_id AND a.claim = c.claim AND a.withdrawn_at IS NULL
            UNION ALL
            SELECT a.complaint_id, a.received_at, a.alike_no, a.imported_sha256
            FROM motcua.complaints AS a
            WHERE
                a.agency_code = c.agency_code AND motcua.code_key(a.dossier_code) = motcua.code_key(c.dossier_code)
                AND a.claim = c.claim AND a.dossier_code IS NOT NULL AND a.withdrawn_at IS NULL
                AND (a.dossier_id IS NULL OR c.dossier_id IS NULL)
        ) AS e
        WHERE
            c.withdrawn_at IS NULL AND e.complaint_id < c.complaint_id AND e.alike_no = c.alike_no
            AND (e.received_at AT TIME ZONE interval '+07:00')::date
            = (c.received_at AT TIME ZONE interval '+07:00')::date
            AND (e.imported_sha256 <> c.imported_sha256 OR e.imported_sha256 IS NULL OR c.imported_sha256 IS NULL)
    ) AS repeats
FROM motcua.complaints AS c;
CREATE OR REPLACE VIEW audit.complaint_changes AS
SELECT change_id, complaint_id, changed_at, changed_by, change, before, after FROM motcua.complaint_changes;
