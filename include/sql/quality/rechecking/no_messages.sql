-- Result messages of a dossier that is judged by itself: no rule that is judged so asks for them. The columns are those
-- of quality.result_messages. Called by store/rechecks.py.
SELECT
    NULL::bigint AS dossier_id,
    NULL::boolean AS told,
    NULL::text AS outcome
WHERE FALSE
