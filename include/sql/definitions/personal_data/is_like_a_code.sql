-- What somebody typed for a dossier's code may be a name, a phone or an identity number instead. A code has a digit in
-- it, is no phone number, and is not twelve digits, or nine beside other words. None at all is like one.
CREATE OR REPLACE FUNCTION motcua.is_like_a_code(written text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN coalesce(
    written ~ '[0-9]'
    AND written !~ '(^|[^0-9A-Za-z])[+]?(84|0)?[ .-]?[35789]([ .-]?[0-9]){8}($|[^0-9A-Za-z])'
    AND written !~ '(^|[^0-9A-Za-z.-])[0-9]{12}($|[^0-9A-Za-z.-])'
    AND written !~ '(^| )[0-9]{9} | [0-9]{9}($| )',
    TRUE
);
COMMENT ON FUNCTION motcua.is_like_a_code(text)
IS 'Whether what was typed for a dossier''s code may be one, and not a name, a phone or an identity number.';
