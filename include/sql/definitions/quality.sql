-- The check of data quality, and what auditors may read of its runs. A run of the check reads only its snapshot: the
-- tables of the schema quality. At its end the run is sealed: a hash of its results is stored, and from then on the
-- results must not change.

-- Empty every table of the schema quality, even a table that only another version of the program fills.
CREATE OR REPLACE FUNCTION quality.begin_snapshot() RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, quality AS $$
DECLARE
    filled regclass;
BEGIN
    FOR filled IN
        SELECT c.oid FROM pg_class AS c WHERE c.relnamespace = 'quality'::regnamespace AND c.relkind = 'r'
    LOOP
        EXECUTE format('TRUNCATE %s', filled);
    END LOOP;
END
$$;
COMMENT ON FUNCTION quality.begin_snapshot() IS 'Empties every table of the schema quality, even a table that only another version of the program fills.';

-- Create a table of the schema quality with the given columns, and let the calling role read the table and insert rows.
-- The columns are those of the SQL statement that will fill the table. If a table with these columns exists already, it
-- is not created again, so that a running dump still finds it. The table is unlogged: a crash of the server empties it,
-- and nothing is lost, because each run fills it anew. Autovacuum is off for the table. It would read the whole table
-- during the check, although the check itself updates the statistics.
CREATE OR REPLACE FUNCTION quality.make(
    table_name text, columns text[], types oid[]
) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, quality AS $$
DECLARE
    wanted CONSTANT text = (
        SELECT string_agg(format('%I %s', c.name, format_type(c.type, NULL)), ', ' ORDER BY c.place)
        FROM unnest(columns, types) WITH ORDINALITY AS c (name, type, place)
    );
    has CONSTANT text = (
        SELECT string_agg(format('%I %s', a.attname, format_type(a.atttypid, NULL)), ', ' ORDER BY a.attnum)
        FROM pg_attribute AS a
        WHERE a.attrelid = to_regclass(format('quality.%I', table_name)) AND a.attnum > 0 AND NOT a.attisdropped
    );
BEGIN
    IF has IS DISTINCT FROM wanted THEN
        EXECUTE format('DROP TABLE IF EXISTS quality.%I', table_name);
        EXECUTE format(
            'CREATE UNLOGGED TABLE quality.%I (%s) WITH (autovacuum_enabled = FALSE)', table_name, wanted
        );
    END IF;
    EXECUTE format('GRANT SELECT, INSERT ON quality.%I TO %I', table_name, session_user);
END
$$;
COMMENT ON FUNCTION quality.make(text, text[], oid[])
IS 'Creates an empty table in the schema quality with columns of the given names and types, and lets the calling role read it and insert rows.';

-- Update the statistics that PostgreSQL's query planner has of one column of a table in the schema quality.
CREATE OR REPLACE FUNCTION quality.look_at(
    table_name text, column_name text
) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, quality AS $$
BEGIN
    EXECUTE format('ANALYZE quality.%I (%I)', table_name, column_name);
END
$$;
COMMENT ON FUNCTION quality.look_at(text, text)
IS 'Updates the statistics that PostgreSQL''s query planner has of one column of a table in the schema quality.';

-- Return the pseudonym of a desk user at an agency: a keyed hash that is the same in every run and does not reveal the
-- name (motcua.pseudonym_key). A desk user is the account at the one-stop desk that entered a dossier.
CREATE OR REPLACE FUNCTION motcua.desk_user(agency_code text, actor text) RETURNS text
LANGUAGE sql STABLE STRICT SECURITY DEFINER SET search_path = pg_catalog, motcua AS $$
    SELECT 'CB-' || left(encode(
        sha256(k.key || sha256(k.key || convert_to(agency_code || chr(31) || actor, 'UTF8'))), 'hex'
    ), 8)
    FROM motcua.pseudonym_key AS k
$$;
COMMENT ON FUNCTION motcua.desk_user(text, text)
IS 'Returns the pseudonym of a desk user at an agency: a keyed hash that is the same in every run and does not reveal the name.';

-- Return a number for the name of a dossier's owner. Names that differ only in upper and lower case get the same
-- number. The letters with Vietnamese accents are listed, because the server's own lower() may know only ASCII letters.
CREATE OR REPLACE FUNCTION motcua.owner_key(name text) RETURNS bigint
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE RETURN hashtextextended(
    translate(
        lower(name COLLATE "C"),
        'ÀÁẢÃẠĂẰẮẲẴẶÂẦẤẨẪẬÈÉẺẼẸÊỀẾỂỄỆÌÍỈĨỊÒÓỎÕỌÔỒỐỔỖỘƠỜỚỞỠỢÙÚỦŨỤƯỪỨỬỮỰỲÝỶỸỴĐ',
        'àáảãạăằắẳẵặâầấẩẫậèéẻẽẹêềếểễệìíỉĩịòóỏõọôồốổỗộơờớởỡợùúủũụưừứửữựỳýỷỹỵđ'
    ), 0
);
COMMENT ON FUNCTION motcua.owner_key(text)
IS 'Returns a number for an owner''s name that is the same in upper and lower case.';

-- Refuse updates of a sealed run and deletions of any run (motcua.quality_runs), even if a person types the SQL
-- statement by hand.
CREATE OR REPLACE FUNCTION motcua.keep_quality_run() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.sealed_at IS NULL THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'run % is sealed: % refused', OLD.run_no, TG_OP USING ERRCODE = 'MC001';
END
$$;
CREATE OR REPLACE TRIGGER keep_quality_run BEFORE UPDATE OR DELETE ON motcua.quality_runs
FOR EACH ROW EXECUTE FUNCTION motcua.keep_quality_run();

-- Refuse new rows about a run that is sealed already. The trigger's argument names the column that holds the number of
-- the run.
CREATE OR REPLACE FUNCTION motcua.refuse_late_rows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT 1 FROM motcua.quality_runs
        WHERE run_no IN (SELECT (to_jsonb(a) ->> TG_ARGV[0])::bigint FROM added AS a) AND sealed_at IS NOT NULL
    ) THEN
        RAISE EXCEPTION 'the run is sealed: % of % refused', TG_OP, TG_TABLE_NAME USING ERRCODE = 'MC001';
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION motcua.refuse_late_rows()
IS 'Refuses further rows about a sealed run. The trigger''s argument names the column that holds the number of the run.';
CREATE OR REPLACE TRIGGER refuse_late_rows AFTER INSERT ON motcua.quality_results
REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION motcua.refuse_late_rows('run_no');
CREATE OR REPLACE TRIGGER refuse_late_rows AFTER INSERT ON motcua.quality_counts
REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION motcua.refuse_late_rows('run_no');
CREATE OR REPLACE TRIGGER refuse_late_rows AFTER INSERT ON motcua.quality_agencies
REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION motcua.refuse_late_rows('run_no');
CREATE OR REPLACE TRIGGER refuse_late_rows AFTER INSERT ON motcua.quality_shares
REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION motcua.refuse_late_rows('run_no');
CREATE OR REPLACE TRIGGER refuse_late_rows AFTER INSERT ON motcua.quality_suggestions
REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION motcua.refuse_late_rows('run_no');
CREATE OR REPLACE TRIGGER refuse_late_rows AFTER INSERT ON motcua.quality_sources
REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION motcua.refuse_late_rows('run_no');
CREATE OR REPLACE TRIGGER refuse_late_rows AFTER INSERT ON motcua.quality_broken_agencies
REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION motcua.refuse_late_rows('run_no');
CREATE OR REPLACE TRIGGER refuse_late_rows AFTER INSERT ON motcua.quality_withheld
REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION motcua.refuse_late_rows('run_no');

-- Let auditors read the runs of the data quality check.
CREATE OR REPLACE VIEW audit.quality_agencies AS
SELECT run_no, agency_code, dossiers, textable FROM motcua.quality_agencies;
CREATE OR REPLACE VIEW audit.quality_broken_agencies AS
SELECT run_no, agency_code, fault FROM motcua.quality_broken_agencies;
CREATE OR REPLACE VIEW audit.quality_counts AS
SELECT run_no, rule, agency_code, found, acknowledged, remind_agency, remind_department FROM motcua.quality_counts;
CREATE OR REPLACE VIEW audit.quality_results AS
SELECT run_no, rule, status, broken_reason, found, rows_hash FROM motcua.quality_results;
CREATE OR REPLACE VIEW audit.quality_runs AS
SELECT
    run_no, run_id, as_of, day, working_day, since, data_as_of, rules, thresholds, software, dossiers, findings, broken,
    content_hash, previous_seal, seal, sealed_at
FROM motcua.quality_runs;
CREATE OR REPLACE VIEW audit.quality_shares AS
SELECT
    run_no, agency_code, dimension, key, month, dossiers, textable, previous_dossiers, previous_textable
FROM motcua.quality_shares;
CREATE OR REPLACE VIEW audit.quality_sources AS
SELECT run_no, source_id, picked_up_at, last_transition_at, quarantined, failing FROM motcua.quality_sources;
CREATE OR REPLACE VIEW audit.quality_suggestions AS
SELECT run_no, agency_code, kind, facts FROM motcua.quality_suggestions;
CREATE OR REPLACE VIEW audit.quality_withheld AS
SELECT run_no, finding_id FROM motcua.quality_withheld;
