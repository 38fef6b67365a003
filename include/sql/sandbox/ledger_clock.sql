-- The clock of a ledger whose past the demo plays. Called by sandbox/past/playing.py, to begin and to end as the
-- schema's owner, in one transaction.

-- name: begin
-- From now on the ledger's own notes carry the time of sandbox_clock.clock: what is by default the server's clock, and
-- the time of a message's move. It remembers what it put that in place of. For a ledger that the sandbox alone fills.
CREATE SCHEMA sandbox_clock;
CREATE TABLE sandbox_clock.clock (moment timestamptz NOT NULL);
INSERT INTO sandbox_clock.clock (moment) VALUES (now());
CREATE FUNCTION sandbox_clock.now() RETURNS timestamptz LANGUAGE sql STABLE SECURITY DEFINER
RETURN (SELECT c.moment FROM sandbox_clock.clock AS c);
GRANT USAGE ON SCHEMA sandbox_clock TO public;
CREATE TABLE sandbox_clock.defaults AS
SELECT
    d.adrelid::regclass AS of_table,
    a.attname AS of_column,
    pg_get_expr(d.adbin, d.adrelid) AS was
FROM pg_attrdef AS d
INNER JOIN pg_attribute AS a ON d.adrelid = a.attrelid AND d.adnum = a.attnum
INNER JOIN pg_class AS c ON d.adrelid = c.oid
WHERE
    c.relnamespace = 'motcua'::regnamespace AND c.relkind IN ('r', 'p')
    AND pg_get_expr(d.adbin, d.adrelid) IN ('clock_timestamp()', 'now()', 'CURRENT_TIMESTAMP');
DO $$
DECLARE
    each record;
BEGIN
    FOR each IN SELECT * FROM sandbox_clock.defaults LOOP
        EXECUTE format('ALTER TABLE %s ALTER COLUMN %I SET DEFAULT sandbox_clock.now()', each.of_table, each.of_column);
    END LOOP;
END
$$;
CREATE FUNCTION sandbox_clock.note_time() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' OR NEW.state <> OLD.state THEN
        NEW.changed_at := sandbox_clock.now();
    END IF;
    RETURN NEW;
END
$$;
-- By its name after the ledger's own trigger, which notes the server's time.
CREATE TRIGGER sandbox_clock BEFORE INSERT OR UPDATE OF state ON motcua.messages
FOR EACH ROW EXECUTE FUNCTION sandbox_clock.note_time();

-- name: set
-- The ledger's notes carry this time from now on.
UPDATE sandbox_clock.clock SET moment = %(moment)s;

-- name: is_there
-- A row where a ledger's past was begun and is not done.
SELECT n.nspname
FROM pg_namespace AS n
WHERE n.nspname = 'sandbox_clock';

-- name: end
-- The ledger is as production has it again: each default, and no trigger of ours.
DO $$
DECLARE
    each record;
BEGIN
    FOR each IN SELECT * FROM sandbox_clock.defaults LOOP
        EXECUTE format('ALTER TABLE %s ALTER COLUMN %I SET DEFAULT %s', each.of_table, each.of_column, each.was);
    END LOOP;
END
$$;
DROP SCHEMA sandbox_clock CASCADE;
