-- The key by which a texted code finds its dossier. It stands in three indexes, which hold its old values: only a
-- migration that builds them anew may change it, and this file then says the same.
CREATE OR REPLACE FUNCTION motcua.code_key(code text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN translate(
    upper(
        CASE
            WHEN octet_length(code) = char_length(code) THEN code
            ELSE translate(
                code,
                'àáảãạăằắẳẵặâầấẩẫậèéẻẽẹêềếểễệìíỉĩịòóỏõọôồốổỗộơờớởỡợùúủũụưừứửữựỳýỷỹỵđ'
                || 'ÀÁẢÃẠĂẰẮẲẴẶÂẦẤẨẪẬÈÉẺẼẸÊỀẾỂỄỆÌÍỈĨỊÒÓỎÕỌÔỒỐỔỖỘƠỜỚỞỠỢÙÚỦŨỤƯỪỨỬỮỰỲÝỶỸỴĐ'
                || '‐‑‒–—−' || chr(160),
                'aaaaaaaaaaaaaaaaaeeeeeeeeeeeiiiiiooooooooooooooooouuuuuuuuuuuyyyyyd'
                || 'AAAAAAAAAAAAAAAAAEEEEEEEEEEEIIIIIOOOOOOOOOOOOOOOOOUUUUUUUUUUUYYYYYD'
                || '------'
            )
        END COLLATE "C"
    ),
    'OIL _',
    '011'
);
COMMENT ON FUNCTION motcua.code_key(text)
IS 'A dossier code as it is looked up: upper case, no accents, blanks or _, any dash a hyphen; O and 0, I, l and 1 are the same.';
