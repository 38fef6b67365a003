-- Triggers of the ledger's tables; one that is disabled keeps nothing from happening. Called by
-- store/ledger/inspecting.py.
SELECT t.tgname AS name, n.nspname || '.' || c.relname AS of_table, t.tgenabled <> 'D' AS enabled
FROM pg_trigger AS t
INNER JOIN pg_class AS c ON t.tgrelid = c.oid
INNER JOIN pg_namespace AS n ON c.relnamespace = n.oid
WHERE NOT t.tgisinternal AND n.nspname IN ('motcua', 'audit', 'intake', 'quality', 'statements')
