-- Gives out so many numbers of a source, whose row in intake.numbers is locked, and returns the one before the first.
-- They lie above every number that was picked up anywhere, so that a dossier that comes from another source goes on
-- where it stood. Called by the functions of this folder alone, which run as the owner.
CREATE OR REPLACE FUNCTION intake.next_number(of_source text, so_many bigint) RETURNS bigint LANGUAGE plpgsql
SET search_path = pg_catalog AS $$
DECLARE
    before_first bigint;
BEGIN
    SELECT
        greatest(
            n.last_number,
            -- What no sequence reaches is no number to go on from.
            (SELECT max(s.cursor_transition_id) FROM motcua.sources AS s WHERE s.cursor_transition_id < 1::bigint << 61)
        )
    INTO before_first
    FROM intake.numbers AS n WHERE n.source = of_source;
    UPDATE intake.numbers AS n SET last_number = before_first + so_many WHERE n.source = of_source;
    RETURN before_first;
END
$$;
COMMENT ON FUNCTION intake.next_number(text, bigint) IS 'Gives out numbers of a source in the order of arrival.';
