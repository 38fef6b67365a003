-- Textable numbers by agency, procedure and desk user (whoever made a dossier's first transition), of the present month
-- and the one before; none of the broken agencies. Called by store/oversight/quality.py.
INSERT INTO motcua.quality_shares (
    run_no, agency_code, dimension, key, month, dossiers, textable, previous_dossiers, previous_textable
)
WITH by_actor AS (
    SELECT
        f.agency_code,
        m.first_actor,
        f.received_month AS month,
        count(*) AS dossiers,
        count(*) FILTER (WHERE f.textable) AS textable
    FROM quality.dossier_facts AS f
    INNER JOIN quality.moves AS m ON f.dossier_id = m.dossier_id
    WHERE
        m.first_actor IS NOT NULL AND f.received_month >= %(since_day)s::date
        AND f.agency_code <> all(%(broken_agencies)s::text[])
    GROUP BY f.agency_code, m.first_actor, f.received_month
),

-- Each pseudonym is made once: it costs two hashes.
desk_users AS MATERIALIZED (
    SELECT n.agency_code, n.first_actor, motcua.desk_user(n.agency_code, n.first_actor) AS key
    FROM (SELECT DISTINCT a.agency_code, a.first_actor FROM by_actor AS a) AS n
),

by_desk_user AS (
    SELECT
        a.agency_code,
        u.key,
        a.month,
        sum(a.dossiers) AS dossiers,
        sum(a.textable) AS textable
    FROM by_actor AS a
    INNER JOIN desk_users AS u ON a.agency_code = u.agency_code AND a.first_actor = u.first_actor
    GROUP BY a.agency_code, u.key, a.month
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
