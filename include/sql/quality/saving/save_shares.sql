-- Textable numbers by agency, procedure and desk user, of the present month and the one before; none of the broken
-- agencies. Those by desk user were counted beside the months: facts/count_desk_users. Called by
-- store/oversight/quality.py.
INSERT INTO motcua.quality_shares (
    run_no, agency_code, dimension, key, month, dossiers, textable, previous_dossiers, previous_textable
)
WITH by_desk_user AS (
    SELECT u.agency_code, u.key, u.month, u.dossiers, u.textable
    FROM
        jsonb_to_recordset(%(desk_users)s::jsonb) AS u (
            agency_code text, key text, month date, dossiers integer, textable integer
        )
    WHERE u.agency_code <> all(%(broken_agencies)s::text[])
)

SELECT
    %(run_no)s::bigint,
    f.agency_code,
    CASE WHEN f.procedure_code IS NULL THEN 'agency' ELSE 'procedure' END,
    coalesce(f.procedure_code, ''),
    f.month,
    f.received,
    f.textable,
    f.previous_received,
    f.previous_textable
FROM quality.agency_month_facts AS f
WHERE
    f.received > 0 AND f.month >= %(recent_month)s::date AND f.agency_code <> all(%(broken_agencies)s::text[])
UNION ALL
SELECT
    %(run_no)s::bigint,
    d.agency_code,
    'desk_user',
    d.key,
    d.month,
    d.dossiers,
    d.textable,
    coalesce(p.dossiers, 0),
    coalesce(p.textable, 0)
FROM by_desk_user AS d
LEFT JOIN by_desk_user AS p
    ON d.agency_code = p.agency_code AND d.key = p.key AND p.month = (d.month - interval '1 month')::date
WHERE d.month >= %(recent_month)s::date
