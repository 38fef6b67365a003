-- Between two transitions of a dossier the condition of a kind was left by a step that counts.
CREATE OR REPLACE FUNCTION motcua.was_left(
    of_dossier bigint, since_transition bigint, until_transition bigint, of_kind text
)
RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (
        SELECT 1
        FROM motcua.transitions AS t
        INNER JOIN motcua.transitions AS first ON first.transition_id = since_transition
        LEFT JOIN motcua.transitions AS last ON last.transition_id = until_transition
        LEFT JOIN motcua.old_steps AS o ON t.transition_id = o.transition_id
        LEFT JOIN motcua.dossier_versions AS v ON o.version_id = v.version_id
        WHERE
            t.dossier_id = of_dossier
            AND (t.sequence, t.from_row, t.transition_id) > (first.sequence, first.from_row, first.transition_id)
            AND (
                last.transition_id IS NULL
                OR (t.sequence, t.from_row, t.transition_id) < (last.sequence, last.from_row, last.transition_id)
            )
            AND motcua.condition_of(t.status_code, t.at_one_stop_desk) IS DISTINCT FROM of_kind
            -- An old step takes nothing back while the row was not read, or where it still says the condition.
            AND (
                o.transition_id IS NULL
                OR (
                    v.version_id IS NOT NULL
                    AND motcua.condition_of(v.status_code, v.at_one_stop_desk) IS DISTINCT FROM of_kind
                )
            )
    )
$$;
COMMENT ON FUNCTION motcua.was_left(bigint, bigint, bigint, text)
IS 'After a transition, and before another one where it is given, the dossier left the condition of the kind by a step that counts.';
