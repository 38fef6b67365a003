-- Whether whoever is connected may empty personal data, by a function that belongs to the role made for it. Called by
-- store/personal_data.py.
SELECT coalesce(
    (
        SELECT has_function_privilege(p.oid, 'EXECUTE') AND pg_get_userbyid(p.proowner) = 'motcua_eraser'
        FROM pg_proc AS p
        INNER JOIN pg_namespace AS n ON p.pronamespace = n.oid
        WHERE n.nspname = 'motcua' AND p.proname = 'purge_personal_data' AND has_schema_privilege(n.oid, 'USAGE')
    ), FALSE
) AS may_purge
