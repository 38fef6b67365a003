-- depends: 0065_row_says
-- Each pick-up used up a number of a source, of which there are 32,767: those that no source has are given back.

DO $$ BEGIN
    PERFORM setval(
        pg_get_serial_sequence('motcua.sources', 'source_id'),
        coalesce((SELECT max(source_id) FROM motcua.sources), 1),
        EXISTS (SELECT 1 FROM motcua.sources)
    );
END $$;
