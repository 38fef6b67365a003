-- The ledger is as production has it again: each default, and no trigger of ours.
-- Called by sandbox/past/ledger_clock.py, as the schema's owner, in one transaction.
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
