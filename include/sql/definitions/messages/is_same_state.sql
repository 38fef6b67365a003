-- Between two entries of a dossier into the condition of a kind lies nothing that counts.
CREATE OR REPLACE FUNCTION motcua.is_same_state(of_dossier bigint, earlier bigint, later bigint, of_kind text)
RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT
        (e.sequence, e.from_row, e.transition_id) < (l.sequence, l.from_row, l.transition_id)
        AND NOT motcua.was_left(of_dossier, earlier, later, of_kind)
    FROM motcua.transitions AS e
    CROSS JOIN motcua.transitions AS l
    WHERE e.transition_id = earlier AND l.transition_id = later
$$;
COMMENT ON FUNCTION motcua.is_same_state(bigint, bigint, bigint, text)
IS 'The later of two transitions entered the condition of the kind again although no step that counts had left it.';
