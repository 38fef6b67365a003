-- motcua.dossier_as_of for those who may read the facts only.
CREATE OR REPLACE FUNCTION audit.dossier_as_of(
    of_dossier bigint, moment timestamptz, known_version bigint, known_transition bigint
)
RETURNS TABLE (due_at timestamptz, received_at timestamptz, status_code smallint, handed_over boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT * FROM motcua.dossier_as_of(of_dossier, moment, known_version, known_transition)
$$;
COMMENT ON FUNCTION audit.dossier_as_of(bigint, timestamptz, bigint, bigint)
IS 'motcua.dossier_as_of for those who may read the facts only.';
