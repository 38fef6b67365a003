-- Dossiers by desk user (whoever made a dossier's first transition, by pseudonym) and month, and those of them that may
-- be texted. Called by store/oversight/quality.py.
WITH by_actor AS (
    SELECT
        f.agency_code,
        m.first_actor,
        f.received_month AS month,
        count(*) AS dossiers,
        count(*) FILTER (WHERE f.textable) AS textable
    FROM quality.dossier_facts AS f
    INNER JOIN quality.moves AS m ON f.dossier_id = m.dossier_id
    WHERE m.first_actor IS NOT NULL AND f.received_month >= %(since_day)s::date
    GROUP BY f.agency_code, m.first_actor, f.received_month
),

-- Each pseudonym is made once: it costs two hashes.
desk_users AS MATERIALIZED (
    SELECT n.agency_code, n.first_actor, motcua.desk_user(n.agency_code, n.first_actor) AS key
    FROM (SELECT DISTINCT a.agency_code, a.first_actor FROM by_actor AS a) AS n
)

SELECT
    a.agency_code,
    u.key,
    a.month,
    sum(a.dossiers)::integer AS dossiers,
    sum(a.textable)::integer AS textable
FROM by_actor AS a
INNER JOIN desk_users AS u ON a.agency_code = u.agency_code AND a.first_actor = u.first_actor
GROUP BY a.agency_code, u.key, a.month
