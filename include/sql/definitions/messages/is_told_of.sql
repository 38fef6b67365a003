-- Of all entries before, the newest with such a message tells it: what lies between an older one and this lies between
-- that one and this, too, or did. So what is asked does not grow with the dossier's messages.
CREATE OR REPLACE FUNCTION motcua.is_told_of(of_dossier bigint, entry bigint, of_kind text, in_states text[])
RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT motcua.is_same_state(of_dossier, b.transition_id, entry, of_kind)
    FROM (
        SELECT e.transition_id
        FROM motcua.transitions AS e
        WHERE
            e.dossier_id = of_dossier
            -- Its place by itself: joined, all entries would be put in order first.
            AND (e.sequence, e.from_row, e.transition_id) < (
                (SELECT l.sequence FROM motcua.transitions AS l WHERE l.transition_id = entry),
                (SELECT l.from_row FROM motcua.transitions AS l WHERE l.transition_id = entry),
                entry
            )
            -- Counted for each entry, the newest first: joined, all messages of these states might be read.
            AND 0 < (
                SELECT count(*) FROM motcua.messages AS p
                WHERE
                    p.transition_id = e.transition_id AND p.kind IN ('result', 'supplement')
                    AND p.kind = of_kind AND p.dossier_id = of_dossier AND p.state = any(in_states)
            )
        ORDER BY e.sequence DESC, e.from_row DESC, e.transition_id DESC
        LIMIT 1
    ) AS b
$$;
COMMENT ON FUNCTION motcua.is_told_of(bigint, bigint, text, text[])
IS 'A message of the kind in one of these states is of the very state that a transition entered: nothing that counts lies between their entries.';
