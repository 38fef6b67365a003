-- Writes what a batch of an export says of dossiers; what was new in it, counted. Called by store/intake/exports.py.
SELECT t.added, t.moved, t.older
FROM intake.take_export(
    %(client_id)s, %(export_no)s, %(exported_at)s, %(is_whole)s, %(is_first)s, %(rows)s::jsonb
) AS t
