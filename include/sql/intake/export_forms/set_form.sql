-- A new form of a source's exports, from now on. Called by store/intake/exports.py.
INSERT INTO intake.export_forms (client_id, form, set_at, set_by)
SELECT
    c.client_id,
    %(form)s,
    %(now)s,
    %(by)s
FROM intake.clients AS c
WHERE c.name = %(source)s AND c.source = %(source)s
