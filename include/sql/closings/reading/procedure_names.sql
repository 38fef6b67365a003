-- Names of procedures. Called by store/oversight/closings.py.
SELECT
    procedure_code,
    name
FROM motcua.procedures
WHERE procedure_code = any(%(codes)s::text[])
