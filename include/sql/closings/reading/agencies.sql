-- Figures of agencies of a closing, as stored, in their order; of one agency or of all. Called by
-- store/oversight/closings.py.
SELECT
    agency_code,
    apologies_right,
    apologies_wrong,
    apologies_stopped,
    late_untold,
    inquiries,
    inquiry_fees,
    told_without_result,
    findings_open
FROM audit.closing_agencies
WHERE closing_no = %(closing_no)s AND (%(agency_code)s::text IS NULL OR agency_code = %(agency_code)s)
ORDER BY agency_code
