-- What each function of the ledger's schemas does, as it stands there; of one name there may be several. Called by
-- store/ledger/inspecting.py.
SELECT n.nspname || '.' || p.proname AS name, coalesce(pg_get_function_sqlbody(p.oid), p.prosrc) AS body
FROM pg_proc AS p
INNER JOIN pg_namespace AS n ON p.pronamespace = n.oid
WHERE n.nspname IN ('motcua', 'audit', 'intake', 'quality', 'statements')
