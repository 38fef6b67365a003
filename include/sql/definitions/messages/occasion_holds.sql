-- The occasion that a transition began is not over: motcua.occasion_standing says why it would be.
CREATE OR REPLACE FUNCTION motcua.occasion_holds(of_dossier bigint, since_transition bigint, of_kind text)
RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT s.gone IS NULL FROM motcua.occasion_standing(of_dossier, since_transition, of_kind) AS s
$$;
COMMENT ON FUNCTION motcua.occasion_holds(bigint, bigint, text)
IS 'The occasion that a transition began is not over: motcua.occasion_standing says why it would be.';
