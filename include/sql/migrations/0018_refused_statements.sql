-- depends: 0017_publications
-- Providers' statements that were refused, kept until a good file replaces them; a number that a line and our message
-- do not share is a difference; complaints that repeat another one are told apart.

CREATE TABLE motcua.refused_statements (
    refusal_no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    form text NOT NULL,
    month date CHECK (extract(DAY FROM month) = 1),
    file_name text NOT NULL CHECK (btrim(file_name) <> ''),
    sha256 text CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    refused_at timestamptz NOT NULL,
    refused_by text NOT NULL CHECK (btrim(refused_by) <> ''),
    faults integer NOT NULL CHECK (faults > 0),
    message text NOT NULL CHECK (btrim(message) <> ''),
    set_aside_at timestamptz,
    set_aside_by text CHECK (btrim(set_aside_by) <> ''),
    set_aside_reason text CHECK (char_length(set_aside_reason) BETWEEN 1 AND 2000),
    CHECK (num_nonnulls(set_aside_at, set_aside_by, set_aside_reason) IN (0, 3))
);
CREATE INDEX refused_statements_file ON motcua.refused_statements (form, file_name, refusal_no);
COMMENT ON TABLE motcua.refused_statements IS 'Files that were to be statements and were refused, each time that they were; kept for good.';
COMMENT ON COLUMN motcua.refused_statements.refusal_no IS 'Our number.';
COMMENT ON COLUMN motcua.refused_statements.form IS 'Form that it was read by, as the folder that it lay in is named; empty: it lay in none.';
COMMENT ON COLUMN motcua.refused_statements.month IS 'First day of the month that it is about; empty where that could not be read.';
COMMENT ON COLUMN motcua.refused_statements.file_name IS 'Name of the file.';
COMMENT ON COLUMN motcua.refused_statements.sha256 IS 'SHA-256 of the file; empty where it was not read.';
COMMENT ON COLUMN motcua.refused_statements.refused_at IS 'When.';
COMMENT ON COLUMN motcua.refused_statements.refused_by IS 'Who was importing it, or which run.';
COMMENT ON COLUMN motcua.refused_statements.faults IS 'How much is wrong, as far as it was counted.';
COMMENT ON COLUMN motcua.refused_statements.message IS 'What is wrong, by line and column, in Vietnamese. It may quote a word of the file, never a number.';
COMMENT ON COLUMN motcua.refused_statements.set_aside_at IS 'When somebody said that nothing is to be done about it.';
COMMENT ON COLUMN motcua.refused_statements.set_aside_by IS 'Who.';
COMMENT ON COLUMN motcua.refused_statements.set_aside_reason IS 'Why.';

CREATE FUNCTION motcua.keep_refused_statement() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    may_change text[] := ARRAY['set_aside_at', 'set_aside_by', 'set_aside_reason'];
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.set_aside_at IS NULL AND to_jsonb(OLD) - may_change = to_jsonb(NEW) - may_change THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'refusal % is append-only: % refused', OLD.refusal_no, TG_OP USING ERRCODE = 'MC001';
END
$$;
COMMENT ON FUNCTION motcua.keep_refused_statement() IS 'A refusal may be set aside once; nothing else of it changes.';
CREATE TRIGGER keep_refused_statement BEFORE UPDATE OR DELETE ON motcua.refused_statements
FOR EACH ROW EXECUTE FUNCTION motcua.keep_refused_statement();
GRANT SELECT, INSERT ON motcua.refused_statements TO motcua_app;
GRANT UPDATE (set_aside_at, set_aside_by, set_aside_reason) ON motcua.refused_statements TO motcua_app;

-- A statement replaces what was refused before it of its form and month, or of any month where that could not be read;
-- and the very file, where it was put right otherwise, as by moving it into the right folder.
CREATE VIEW audit.refused_statements AS
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
GRANT SELECT ON audit.refused_statements TO motcua_audit, motcua_app;

ALTER TABLE motcua.statement_matches
DROP CONSTRAINT statement_matches_differs_check,
ADD CONSTRAINT statement_matches_differs_check CHECK (differs <@ ARRAY[
    'number', 'segments', 'amount', 'status', 'time', 'month', 'repeated'
]) NOT VALID;
COMMENT ON COLUMN motcua.statement_matches.differs IS 'What differs: number (billed to another phone than ours went to), segments, amount, status, time, month; repeated: of theirs_only, billed a second time; of ours_only, month: so near the month''s end that it may stand in the next statement.';

-- The same report may be entered by several ways: on the page, in one list and in another.
ALTER TABLE motcua.complaints ADD COLUMN alike_no integer NOT NULL DEFAULT 1 CHECK (alike_no > 0);
COMMENT ON COLUMN motcua.complaints.alike_no IS 'The how many-th row it is of its file with its agency, code, claim and day; 1 where it was recorded on the page.';
CREATE INDEX complaints_alike ON motcua.complaints (
    agency_code, motcua.code_key(dossier_code), claim, alike_no, ((received_at AT TIME ZONE interval '+07:00')::date)
) WHERE dossier_code IS NOT NULL AND withdrawn_at IS NULL;

-- A complaint repeats an earlier one about the same dossier, of the same claim and day, that came another way: rows of
-- one file are as many complaints as it has rows. One without a code repeats none, since nobody could tell.
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
