-- Carrier statements, which are providers' monthly bills: how the tables are prepared in which a file is compared with
-- the ledger, which changes of the records of refused files are not allowed, and what auditors may read.

-- Empty the tables of the schema statements. A second import waits here until the first one's transaction ends.
CREATE OR REPLACE FUNCTION statements.clear() RETURNS void LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, statements AS $$
    TRUNCATE statements.lines, statements.ours, statements.pairs
$$;
COMMENT ON FUNCTION statements.clear()
IS 'Empties the tables of the schema statements. A second import waits here until the first one''s transaction ends.';

-- Update the statistics that PostgreSQL's query planner has of a table in the schema statements that was just filled.
CREATE OR REPLACE FUNCTION statements.look_at(table_name text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, statements AS $$
BEGIN
    EXECUTE format('ANALYZE statements.%I', table_name);
END
$$;
COMMENT ON FUNCTION statements.look_at(text) IS 'Updates the statistics that PostgreSQL''s query planner has of a table in the schema statements.';

-- Refuse to delete or change a row of motcua.refused_statements, the record of a file that could not be imported. One
-- change is allowed: a person dismisses the refusal, once.
CREATE OR REPLACE FUNCTION motcua.keep_refused_statement() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    may_change text[] := ARRAY['set_aside_at', 'set_aside_by', 'set_aside_reason'];
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.set_aside_at IS NULL AND to_jsonb(OLD) - may_change = to_jsonb(NEW) - may_change THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'refusal % is append-only: % refused', OLD.refusal_no, TG_OP USING ERRCODE = 'MC001';
END
$$;
COMMENT ON FUNCTION motcua.keep_refused_statement()
IS 'Refuses to delete or change a row of refused_statements. One change is allowed: a person dismisses the refusal, once.';
CREATE OR REPLACE TRIGGER keep_refused_statement BEFORE UPDATE OR DELETE ON motcua.refused_statements
FOR EACH ROW EXECUTE FUNCTION motcua.keep_refused_statement();

-- Let auditors read carrier statements, their lines, and the matches (the results of comparing the lines with the
-- ledger). Numbers in references are masked, because earlier versions of this system stored references that may contain
-- phone numbers.
CREATE OR REPLACE VIEW audit.carrier_statements AS
SELECT
    s.statement_no, s.form, s.gateway, s.month, s.covers_until, s.file_name, s.sha256, s.imported_at, s.imported_by,
    s.terms, s.lines, s.segments, s.amount, s.inquiries, s.revenue, s.supersedes,
    NOT EXISTS (SELECT 1 FROM motcua.carrier_statements AS l WHERE l.supersedes = s.statement_no) AS in_force
FROM motcua.carrier_statements AS s;
CREATE OR REPLACE VIEW audit.statement_lines AS
SELECT
    statement_no, direction, line_no, motcua.without_numbers(reference) AS reference,
    motcua.without_numbers(gateway_reference) AS gateway_reference, sent_at, segments, price, amount, carrier, status,
    billed
FROM motcua.statement_lines;
CREATE OR REPLACE VIEW audit.statement_matches AS
SELECT
    match_id, statement_no, verdict, direction, line_no, attempt_id, inquiry_id, matched_by, differs, segments, amount
FROM motcua.statement_matches;
-- Show refused files, each with the first later carrier statement that replaces it (replaced_by). Such a carrier
-- statement has the refused file's form (the layout of a provider's file) and month. If the refused file's month is
-- unknown, the form is enough. If the refused file itself is imported later, for example from the right folder, that
-- import replaces the refusal too.
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
-- Show the sums of each carrier statement's matches. Usually the sums were stored with the carrier statement. If an
-- earlier version of this system stored no sums, the view adds up the matches. segments_off and amount_off are sums of
-- the absolute differences between the carrier statement and the ledger. Both leave out our attempts and inquiries that
-- may be billed in the next carrier statement.
CREATE OR REPLACE VIEW audit.statement_sums AS
SELECT
    statement_no, direction, verdict, matches, their_segments, their_amount, our_segments, our_amount, segments_off,
    amount_off
FROM motcua.statement_sums
UNION ALL
SELECT
    c.statement_no, a.direction, a.verdict, a.matches, a.their_segments, a.their_amount, a.our_segments, a.our_amount,
    a.segments_off, a.amount_off
FROM motcua.carrier_statements AS c
INNER JOIN LATERAL (
    SELECT
        m.direction, m.verdict, count(*) AS matches,
        coalesce(sum(m.theirs), 0)::bigint AS their_segments,
        coalesce(sum(m.their_amount), 0) AS their_amount,
        coalesce(sum(m.segments), 0)::bigint AS our_segments,
        coalesce(sum(m.amount), 0) AS our_amount,
        coalesce(sum(abs(m.theirs - coalesce(m.segments, 0))) FILTER (WHERE m.counts), 0)::bigint AS segments_off,
        coalesce(sum(abs(m.their_amount - coalesce(m.amount, 0))) FILTER (WHERE m.counts AND m.priced), 0)
            AS amount_off
    FROM (
        SELECT
            x.direction, x.verdict, x.segments, x.amount,
            CASE WHEN l.billed THEN l.segments ELSE 0 END AS theirs,
            coalesce(l.amount, 0) AS their_amount,
            x.verdict <> 'ours_only' OR x.differs = '{}' AS counts,
            x.verdict = 'theirs_only' OR x.amount IS NOT NULL AS priced
        FROM motcua.statement_matches AS x
        LEFT JOIN motcua.statement_lines AS l
            ON x.statement_no = l.statement_no AND x.direction = l.direction AND x.line_no = l.line_no
        WHERE x.statement_no = c.statement_no
    ) AS m
    GROUP BY m.direction, m.verdict
) AS a ON TRUE
WHERE NOT EXISTS (SELECT 1 FROM motcua.statement_sums AS s WHERE s.statement_no = c.statement_no);
-- Show how many matches of each carrier statement have each kind of difference. If a carrier statement has no row in
-- this view, its matches have no differences.
CREATE OR REPLACE VIEW audit.statement_difference_sums AS
SELECT
    statement_no, direction, verdict, what, matches
FROM motcua.statement_difference_sums
UNION ALL
SELECT
    c.statement_no, a.direction, a.verdict, a.what, a.matches
FROM motcua.carrier_statements AS c
INNER JOIN LATERAL (
    SELECT
        m.direction, m.verdict, d.what, count(*) AS matches
    FROM motcua.statement_matches AS m
    CROSS JOIN LATERAL unnest(m.differs) AS d (what)
    WHERE m.statement_no = c.statement_no AND m.verdict <> 'exact'
    GROUP BY m.direction, m.verdict, d.what
) AS a ON TRUE
WHERE NOT EXISTS (SELECT 1 FROM motcua.statement_sums AS s WHERE s.statement_no = c.statement_no);
