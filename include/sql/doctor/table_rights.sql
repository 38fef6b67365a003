-- Rights on tables and views of the ledger's schemas, as a whole or on a column, of roles that are not the owner's. Called
-- by store/ledger/inspecting.py.
SELECT DISTINCT n.nspname || '.' || c.relname AS named, r.rolname AS role, a.privilege_type AS privilege
FROM pg_class AS c
INNER JOIN pg_namespace AS n ON c.relnamespace = n.oid
CROSS JOIN LATERAL (
    SELECT g.grantee, g.privilege_type FROM aclexplode(c.relacl) AS g
    UNION ALL
    SELECT g.grantee, g.privilege_type
    FROM pg_attribute AS b
    CROSS JOIN LATERAL aclexplode(b.attacl) AS g
    WHERE b.attrelid = c.oid AND NOT b.attisdropped
) AS a
INNER JOIN pg_roles AS r ON a.grantee = r.oid
WHERE
    c.relkind IN ('r', 'v')
    AND n.nspname IN ('motcua', 'audit', 'quality', 'statements')
    AND a.grantee <> c.relowner
    AND r.rolname = any(%(roles)s)
