-- A number for an owner's name, however it is spelled. The server's own lower() may know ASCII alone.
CREATE OR REPLACE FUNCTION motcua.owner_key(name text) RETURNS bigint
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE RETURN hashtextextended(
    translate(
        lower(name COLLATE "C"),
        'ÀÁẢÃẠĂẰẮẲẴẶÂẦẤẨẪẬÈÉẺẼẸÊỀẾỂỄỆÌÍỈĨỊÒÓỎÕỌÔỒỐỔỖỘƠỜỚỞỠỢÙÚỦŨỤƯỪỨỬỮỰỲÝỶỸỴĐ',
        'àáảãạăằắẳẵặâầấẩẫậèéẻẽẹêềếểễệìíỉĩịòóỏõọôồốổỗộơờớởỡợùúủũụưừứửữựỳýỷỹỵđ'
    ), 0
);
COMMENT ON FUNCTION motcua.owner_key(text)
IS 'An owner by the name as pick-up cleaned it: names that differ only in case are one.';
