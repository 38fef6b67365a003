-- Pseudonym of a desk user at an agency: a keyed hash, the same in every run, from which nobody can tell the name.
CREATE OR REPLACE FUNCTION motcua.desk_user(agency_code text, actor text) RETURNS text
LANGUAGE sql STABLE STRICT SECURITY DEFINER SET search_path = pg_catalog, motcua AS $$
    SELECT 'CB-' || left(encode(
        sha256(k.key || sha256(k.key || convert_to(agency_code || chr(31) || actor, 'UTF8'))), 'hex'
    ), 8)
    FROM motcua.pseudonym_key AS k
$$;
COMMENT ON FUNCTION motcua.desk_user(text, text)
IS 'Pseudonym of a desk user at an agency: a keyed hash, the same in every run, from which nobody can tell the name.';
