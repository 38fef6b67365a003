-- In PL/pgSQL, so that it is planned by itself: put into the statements that ask it of a few messages, it would have
-- them read all.
CREATE OR REPLACE FUNCTION motcua.occasion_standing(of_dossier bigint, since_transition bigint, of_kind text)
RETURNS TABLE (gone text, waits_until timestamptz) LANGUAGE plpgsql STABLE ROWS 1 AS $$
BEGIN
    RETURN QUERY
    SELECT
        CASE
            WHEN motcua.was_left(of_dossier, since_transition, NULL, of_kind) THEN 'taken_back'
            WHEN e.is_old AND NOT e.is_confirmed AND e.is_judged THEN 'outdated'
            -- Entered again after nothing but old steps that do not count: the later message is the one.
            WHEN EXISTS (
                SELECT 1
                FROM motcua.transitions AS s
                LEFT JOIN motcua.old_steps AS o ON s.transition_id = o.transition_id
                LEFT JOIN motcua.dossier_versions AS v ON o.version_id = v.version_id
                WHERE
                    s.dossier_id = of_dossier
                    AND (s.sequence, s.from_row, s.transition_id) > (e.sequence, e.from_row, e.transition_id)
                    AND (
                        o.transition_id IS NULL
                        OR motcua.condition_of(v.status_code, v.at_one_stop_desk) IS NOT DISTINCT FROM of_kind
                    )
                    -- Counted for each later step: joined, all messages of the dossier would be looked through.
                    AND 0 < (
                        SELECT count(*)
                        FROM motcua.messages AS n
                        WHERE
                            n.transition_id = s.transition_id AND n.kind IN ('result', 'supplement')
                            AND n.dossier_id = of_dossier AND n.kind = of_kind
                            AND n.state NOT IN ('cancelled', 'expired')
                    )
            ) THEN 'superseded'
        END,
        CASE
            WHEN e.is_old AND NOT e.is_confirmed AND NOT e.is_judged THEN 'infinity'
            ELSE (
                SELECT max(o.read_from)
                FROM motcua.old_steps AS o
                INNER JOIN motcua.transitions AS t ON o.transition_id = t.transition_id
                WHERE
                    o.dossier_id = of_dossier AND o.version_id IS NULL
                    AND (t.sequence, t.from_row, t.transition_id) > (e.sequence, e.from_row, e.transition_id)
                    AND motcua.condition_of(t.status_code, t.at_one_stop_desk) IS DISTINCT FROM of_kind
            )
        END
    FROM (
        SELECT
            f.sequence,
            f.from_row,
            f.transition_id,
            o.transition_id IS NOT NULL AS is_old,
            o.version_id IS NOT NULL AS is_judged,
            o.transition_id IS NOT NULL AND (
                coalesce(motcua.condition_of(v.status_code, v.at_one_stop_desk) = of_kind, FALSE)
                -- Or a step of the same entry that is not old, whichever of the two has the lower number.
                OR EXISTS (
                    SELECT 1
                    FROM motcua.transitions AS t
                    WHERE
                        t.dossier_id = of_dossier
                        AND motcua.condition_of(t.status_code, t.at_one_stop_desk) = of_kind
                        AND NOT EXISTS (SELECT 1 FROM motcua.old_steps AS p WHERE p.transition_id = t.transition_id)
                        AND NOT EXISTS (
                            SELECT 1
                            FROM motcua.transitions AS b
                            WHERE
                                b.dossier_id = of_dossier
                                AND (b.sequence, b.from_row, b.transition_id) > least(
                                    (f.sequence, f.from_row, f.transition_id), (t.sequence, t.from_row, t.transition_id)
                                )
                                AND (b.sequence, b.from_row, b.transition_id) < greatest(
                                    (f.sequence, f.from_row, f.transition_id), (t.sequence, t.from_row, t.transition_id)
                                )
                                AND motcua.condition_of(b.status_code, b.at_one_stop_desk) IS DISTINCT FROM of_kind
                        )
                )
            ) AS is_confirmed
        FROM motcua.transitions AS f
        LEFT JOIN motcua.old_steps AS o ON f.transition_id = o.transition_id
        LEFT JOIN motcua.dossier_versions AS v ON o.version_id = v.version_id
        WHERE f.transition_id = since_transition
    ) AS e;
END
$$;
COMMENT ON FUNCTION motcua.occasion_standing(bigint, bigint, text)
IS 'Why the occasion that a transition began is over (taken_back, outdated: an old step that the row does not confirm, superseded: entered again after old steps only); until when it must wait for the row because of an old step, infinity: until it was read.';
