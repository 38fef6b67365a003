-- What a correction changed of a closing, as stored, in their order. Called by store/oversight/closings.py.
SELECT
    agency_code,
    procedure_code,
    kind,
    figure,
    was,
    became,
    causes
FROM audit.closing_changes
WHERE closing_no = %(closing_no)s
ORDER BY agency_code, procedure_code, kind, figure
