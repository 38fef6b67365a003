-- A sealed run gets no further rows; the argument names the column that holds the run.
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
COMMENT ON FUNCTION motcua.refuse_late_rows() IS 'A sealed run gets no further rows; the argument names the column that holds the run.';
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
