-- What stands for something that a provider gave a text to 9029 as its id, which may be made of the phone's number: a
-- keyed hash in letters alone, so that it neither holds a number nor looks like one. Of what is such a mark already,
-- itself: rows of before and a provider's repeats meet. The key is one of the ledger's own, and stays.
CREATE OR REPLACE FUNCTION motcua.provider_id(written text) RETURNS text
LANGUAGE sql STABLE STRICT SECURITY DEFINER SET search_path = pg_catalog, motcua AS $$
    SELECT CASE
        WHEN written ~ '^id-[a-p]{32}$' THEN written
        ELSE 'id-' || translate(
            left(
                encode(
                    sha256(k.key || sha256(k.key || convert_to('provider id' || chr(31) || written, 'UTF8'))), 'hex'
                ),
                32
            ),
            '0123456789', 'ghijklmnop'
        )
    END
    FROM motcua.pseudonym_key AS k
$$;
COMMENT ON FUNCTION motcua.provider_id(text)
IS 'A keyed hash instead of what a provider sent as an id, which may hold a phone number; the same each time.';
