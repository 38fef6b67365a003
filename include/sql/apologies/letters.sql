-- Dossiers that need a Phiếu xin lỗi và hẹn lại ngày trả kết quả (Mẫu 04 of TT 01/2018/TT-VPCP), the longest overdue
-- first: being worked on, and past their appointed day or owed an apology for it. The SMS names no reason and no new
-- date, so it does not replace one. With how often the appointed day was moved so far: the law allows one new
-- appointment. Called by store/notices/apologies.py.
SELECT
    d.agency_code,
    d.dossier_code,
    d.procedure_code,
    y.due_day,
    %(today)s::date - y.due_day AS days_late,
    m.state AS sms,
    m.reason AS sms_reason,
    (
        SELECT count(*) - 1
        FROM (
            SELECT DISTINCT (v.due_at AT TIME ZONE 'Asia/Ho_Chi_Minh')::date AS day
            FROM motcua.dossier_versions AS v
            WHERE v.dossier_id = d.dossier_id AND v.due_at IS NOT NULL
        ) AS appointed
    ) AS times_moved
FROM motcua.dossiers AS d
CROSS JOIN LATERAL (SELECT (d.due_at AT TIME ZONE 'Asia/Ho_Chi_Minh')::date AS due_day) AS y
LEFT JOIN motcua.messages AS m
    ON
        d.dossier_id = m.dossier_id AND m.kind = 'apology'
        AND m.occasion = 'due ' || to_char(y.due_day, 'YYYY-MM-DD')
WHERE
    d.due_at IS NOT NULL
    AND (y.due_day < %(today)s::date OR m.message_id IS NOT NULL)
    AND (%(agency_code)s::text IS NULL OR d.agency_code = %(agency_code)s)
    AND motcua.apology_holds(d.dossier_id, 'due ' || to_char(y.due_day, 'YYYY-MM-DD'))
ORDER BY y.due_day, d.agency_code, d.dossier_code
LIMIT %(limit)s
