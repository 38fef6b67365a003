-- Everything that the ledger's schemas are made of, each object by its kind and name and as PostgreSQL defines it:
-- tables, columns, constraints, indexes, sequences, statistics, views, functions, triggers, comments, owners, rights.
-- Two ledgers with the same rows are the same, whatever order a table has its columns in, and whether a rule was
-- checked for rows that were there before it. Called by store/ledger/inspecting.py.
WITH of_schema AS (
    SELECT n.oid, n.nspname, n.nspowner, n.nspacl
    FROM pg_namespace AS n
    WHERE n.nspname IN ('motcua', 'audit', 'intake', 'quality', 'statements')
),

relation AS (
    SELECT c.oid, c.oid::regclass::text AS name, c.relkind, c.relowner, c.relacl, c.relpersistence, c.reloptions
    FROM pg_class AS c
    WHERE c.relnamespace IN (SELECT s.oid FROM of_schema AS s)
),

routine AS (
    SELECT p.oid, p.oid::regprocedure::text AS name, p.proowner, p.proacl
    FROM pg_proc AS p
    WHERE p.pronamespace IN (SELECT s.oid FROM of_schema AS s)
),

granted AS (
    SELECT 'schema ' || s.nspname AS name, coalesce(s.nspacl, acldefault('n', s.nspowner)) AS acl
    FROM of_schema AS s
    UNION ALL
    SELECT r.name, coalesce(r.relacl, acldefault('r', r.relowner))
    FROM relation AS r
    WHERE r.relkind IN ('r', 'v')
    UNION ALL
    SELECT r.name || '.' || a.attname, a.attacl
    FROM relation AS r
    INNER JOIN pg_attribute AS a ON r.oid = a.attrelid
    WHERE a.attacl IS NOT NULL
    UNION ALL
    SELECT r.name, coalesce(r.proacl, acldefault('f', r.proowner)) FROM routine AS r
)

SELECT
    CASE r.relkind WHEN 'r' THEN 'table' ELSE 'view' END AS kind,
    r.name,
    concat_ws(
        ' ', r.relpersistence::text, r.reloptions::text,
        CASE r.relkind WHEN 'v' THEN pg_get_viewdef(r.oid) END
    ) AS definition
FROM relation AS r
WHERE r.relkind IN ('r', 'v')
UNION ALL
SELECT
    'column',
    r.name || '.' || a.attname,
    concat_ws(
        ' ', format_type(a.atttypid, a.atttypmod), CASE WHEN a.attnotnull THEN 'NOT NULL' END,
        nullif(a.attidentity::text, ''), nullif(a.attgenerated::text, ''), pg_get_expr(d.adbin, d.adrelid),
        'statistics ' || a.attstattarget
    )
FROM relation AS r
INNER JOIN pg_attribute AS a ON r.oid = a.attrelid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN pg_attrdef AS d ON a.attrelid = d.adrelid AND a.attnum = d.adnum
WHERE r.relkind = 'r'
UNION ALL
SELECT 'constraint', r.name || ' ' || k.conname, regexp_replace(pg_get_constraintdef(k.oid), ' NOT VALID$', '')
FROM relation AS r
INNER JOIN pg_constraint AS k ON r.oid = k.conrelid
UNION ALL
SELECT 'index', r.name, pg_get_indexdef(r.oid) || CASE WHEN i.indisvalid THEN '' ELSE ' INVALID' END
FROM relation AS r
INNER JOIN pg_index AS i ON r.oid = i.indexrelid
UNION ALL
SELECT
    'sequence',
    r.name,
    concat_ws(
        ' ', s.seqtypid::regtype::text, s.seqstart, s.seqincrement, s.seqmin, s.seqmax, s.seqcache, s.seqcycle,
        (
            SELECT d.refobjid::regclass || '.' || a.attname
            FROM pg_depend AS d
            INNER JOIN pg_attribute AS a ON d.refobjid = a.attrelid AND d.refobjsubid = a.attnum
            WHERE d.classid = 'pg_class'::regclass AND d.objid = r.oid AND d.refclassid = 'pg_class'::regclass
        )
    )
FROM relation AS r
INNER JOIN pg_sequence AS s ON r.oid = s.seqrelid
UNION ALL
SELECT 'statistics', e.stxname::text, pg_get_statisticsobjdef(e.oid)
FROM pg_statistic_ext AS e
WHERE e.stxnamespace IN (SELECT s.oid FROM of_schema AS s)
UNION ALL
SELECT 'function', r.name, pg_get_functiondef(r.oid) FROM routine AS r
UNION ALL
SELECT 'trigger', r.name || ' ' || t.tgname, t.tgenabled::text || ' ' || pg_get_triggerdef(t.oid)
FROM relation AS r
INNER JOIN pg_trigger AS t ON r.oid = t.tgrelid
WHERE NOT t.tgisinternal
UNION ALL
SELECT 'comment', o.type || ' ' || o.identity, d.description
FROM pg_description AS d
CROSS JOIN pg_identify_object(d.classoid, d.objoid, d.objsubid) AS o
WHERE
    split_part(o.identity, '.', 1) IN (SELECT s.nspname FROM of_schema AS s)
    AND d.classoid <> 'pg_extension'::regclass
UNION ALL
SELECT 'owner', w.name, pg_get_userbyid(w.owner)::text
FROM (
    SELECT 'schema ' || s.nspname AS name, s.nspowner AS owner FROM of_schema AS s
    UNION ALL
    SELECT r.name, r.relowner FROM relation AS r WHERE r.relkind IN ('r', 'v', 'S')
    UNION ALL
    SELECT r.name, r.proowner FROM routine AS r
) AS w
UNION ALL
SELECT
    'right',
    g.name || ' of ' || CASE a.grantee WHEN 0 THEN 'everybody' ELSE pg_get_userbyid(a.grantee) END,
    string_agg(a.privilege_type || CASE WHEN a.is_grantable THEN ' to give' ELSE '' END, ', ' ORDER BY a.privilege_type)
FROM granted AS g
CROSS JOIN aclexplode(g.acl) AS a
GROUP BY g.name, a.grantee
ORDER BY kind, name
