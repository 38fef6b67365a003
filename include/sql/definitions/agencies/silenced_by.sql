-- The settings through which a change of an agency keeps messages from citizens who got them before: a kind newly off,
-- same-day procedures newly left out, all or more of them, enabled later or no more, an end without a successor, a hold
-- above two hours, a code of its source no longer known.
CREATE OR REPLACE FUNCTION motcua.silenced_by(before jsonb, after jsonb) RETURNS text[] LANGUAGE sql STABLE AS $$
    SELECT array_remove(ARRAY[
        CASE WHEN EXISTS (
            SELECT jsonb_array_elements_text(after -> 'kinds_off')
            EXCEPT
            SELECT jsonb_array_elements_text(before -> 'kinds_off')
        ) THEN 'kinds_off' END,
        CASE WHEN s.told AND (after ->> 'same_day_excluded')::boolean AND (
            NOT (before ->> 'same_day_excluded')::boolean
            OR (s.left_out_before <> '[]' AND (s.left_out_after = '[]' OR NOT s.left_out_before @> s.left_out_after))
        ) THEN 'same_day_excluded' END,
        CASE WHEN s.told AND coalesce((after ->> 'enabled_from')::timestamptz, 'infinity')
            > (before ->> 'enabled_from')::timestamptz THEN 'enabled_from' END,
        CASE WHEN s.told AND s.end_after < s.end_before THEN 'valid_until' END,
        CASE WHEN s.told AND (after ->> 'result_hold')::interval
            > greatest((before ->> 'result_hold')::interval, '2 hours') THEN 'result_hold' END,
        CASE WHEN s.told AND NOT after -> 'aliases' @> (before -> 'aliases') THEN 'aliases' END
    ], NULL)
    FROM (
        SELECT
            before ->> 'enabled_from' IS NOT NULL AS told,
            -- Empty: all procedures. Changes before there was a list had none.
            coalesce(before -> 'same_day_procedures', '[]') AS left_out_before,
            coalesce(after -> 'same_day_procedures', '[]') AS left_out_after,
            CASE WHEN before ->> 'successor_code' IS NULL THEN coalesce((before ->> 'valid_until')::date, 'infinity')
                ELSE 'infinity' END AS end_before,
            CASE WHEN after ->> 'successor_code' IS NULL THEN coalesce((after ->> 'valid_until')::date, 'infinity')
                ELSE 'infinity' END AS end_after
    ) AS s
$$;
COMMENT ON FUNCTION motcua.silenced_by(jsonb, jsonb)
IS 'The settings through which a change of an agency keeps messages from citizens who got them before: a kind newly off, same-day procedures newly left out, all or more of them, enabled later or no more, an end without a successor, a hold above two hours, a code of its source no longer known.';
