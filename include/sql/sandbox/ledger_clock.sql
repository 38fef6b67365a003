-- Make the demo's ledger use a time of the simulated past in place of the server's clock, while the demo loads the
-- events of that past. The owner of the tables of the schema motcua runs the SQL statements begin and end, each in one
-- transaction. Called by sandbox/past/playing.py.

-- name: begin
-- Make the ledger use the time in sandbox_clock.clock in place of the server's clock, for default values of columns and
-- for the time at which a message changes its state. The former default values are stored in sandbox_clock.defaults.
-- This statement must run only in the ledger of the demo (sandbox), never in a real one.
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
-- PostgreSQL runs the triggers of a table in the order of their names. The name of this trigger comes after the name of
-- the ledger's own trigger, which sets the server's time, so this trigger's time stays.
CREATE TRIGGER sandbox_clock BEFORE INSERT OR UPDATE OF state ON motcua.messages
FOR EACH ROW EXECUTE FUNCTION sandbox_clock.note_time();

-- name: set
-- Set the time that the ledger uses from now on (sandbox_clock.clock).
UPDATE sandbox_clock.clock SET moment = %(moment)s;

-- name: is_there
-- Return a row if the simulated past is being loaded, or if its loading was interrupted (pg_namespace).
SELECT n.nspname
FROM pg_namespace AS n
WHERE n.nspname = 'sandbox_clock';

-- name: end
-- Restore the ledger's default values (sandbox_clock.defaults), and drop the schema sandbox_clock with its trigger.
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
