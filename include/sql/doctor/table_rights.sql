-- Rights on tables and views of the ledger's schemas, as a whole or on a column, of roles that are not the owner's.
-- Called by store/ledger/inspecting.py.
WITH lists AS (
    SELECT
        c.oid AS of_table,
        c.relacl AS acl
    FROM pg_class AS c
    UNION ALL
    SELECT
        b.attrelid,
        b.attacl
    FROM pg_attribute AS b
    WHERE NOT b.attisdropped
)

SELECT DISTINCT
    n.nspname || '.' || c.relname AS named,
    r.rolname AS role,
    a.privilege_type AS privilege
FROM lists AS l
INNER JOIN pg_class AS c ON l.of_table = c.oid
INNER JOIN pg_namespace AS n ON c.relnamespace = n.oid
CROSS JOIN aclexplode(l.acl) AS a
INNER JOIN pg_roles AS r ON a.grantee = r.oid
WHERE
    c.relkind IN ('r', 'v')
    AND n.nspname IN ('motcua', 'audit', 'intake', 'quality', 'statements')
    AND a.grantee <> c.relowner
    AND r.rolname = any(%(roles)s)
