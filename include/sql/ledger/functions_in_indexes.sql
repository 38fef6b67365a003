-- Functions of ours whose values indexes hold, and as what each stands in force. Called by store/ledger/definitions.py.
SELECT
    p.oid::regprocedure::text AS function_name,
    pg_get_functiondef(p.oid) AS definition,
    string_agg(DISTINCT d.objid::regclass::text, ', ') AS indexes
FROM pg_proc AS p
INNER JOIN pg_depend AS d ON d.refclassid = 'pg_proc'::regclass AND p.oid = d.refobjid
INNER JOIN pg_index AS i ON d.classid = 'pg_class'::regclass AND d.objid = i.indexrelid
WHERE p.pronamespace IN ('motcua'::regnamespace, 'audit'::regnamespace)
GROUP BY p.oid
