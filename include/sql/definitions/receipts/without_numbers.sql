-- A gateway's words with every eight digits and more masked, however they are grouped; our own references as they are.
CREATE OR REPLACE FUNCTION motcua.without_numbers(written text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN CASE
    WHEN written ~ '^[0-9a-f]{32}$' THEN written
    ELSE regexp_replace(
        translate(normalize(written, nfkc), '٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹', '01234567890123456789'),
        '[0-9]([^0-9A-Za-z]{0,5}[0-9]){7,}', '***', 'g'
    )
END;
COMMENT ON FUNCTION motcua.without_numbers(text)
IS 'A gateway''s words with every eight digits and more masked, however they are grouped; our own references as they are.';
