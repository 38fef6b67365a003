-- Orphans of a closing, as stored, in their order. Called by store/oversight/closings.py.
SELECT
    sort,
    agency_code,
    procedure_code,
    dossier_code,
    message_id,
    receipt_id,
    happened_at
FROM audit.closing_orphans
WHERE closing_no = %(closing_no)s
ORDER BY orphan_no
