-- What auditors may read of the carriers' statements, their lines and what these were matched with.
CREATE OR REPLACE VIEW audit.carrier_statements AS
SELECT
    s.statement_no, s.form, s.gateway, s.month, s.covers_until, s.file_name, s.sha256, s.imported_at, s.imported_by,
    s.terms, s.lines, s.segments, s.amount, s.inquiries, s.revenue, s.supersedes,
    NOT EXISTS (SELECT 1 FROM motcua.carrier_statements AS l WHERE l.supersedes = s.statement_no) AS in_force
FROM motcua.carrier_statements AS s;
CREATE OR REPLACE VIEW audit.statement_lines AS
SELECT
    statement_no, direction, line_no, reference, gateway_reference, sent_at, segments, price, amount, carrier, status,
    billed
FROM motcua.statement_lines;
CREATE OR REPLACE VIEW audit.statement_matches AS
SELECT
    match_id, statement_no, verdict, direction, line_no, attempt_id, inquiry_id, matched_by, differs, segments, amount
FROM motcua.statement_matches;
-- A statement replaces what was refused before it of its form and month, or of any month where that could not be read;
-- and the very file, where it was put right otherwise, as by moving it into the right folder.
CREATE OR REPLACE VIEW audit.refused_statements AS
SELECT
    r.refusal_no, r.form, r.month, r.file_name, r.sha256, r.refused_at, r.refused_by, r.faults, r.set_aside_at,
    r.set_aside_by,
    (
        SELECT min(s.statement_no) FROM motcua.carrier_statements AS s
        WHERE
            s.imported_at > r.refused_at
            AND ((s.form = r.form AND s.month = coalesce(r.month, s.month)) OR s.sha256 = r.sha256)
    ) AS replaced_by
FROM motcua.refused_statements AS r;
