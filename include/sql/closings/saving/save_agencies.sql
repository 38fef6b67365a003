-- Figures of agencies of a closing. Called by store/oversight/closings.py.
INSERT INTO motcua.closing_agencies (
    closing_no,
    agency_code,
    apologies_right,
    apologies_wrong,
    apologies_stopped,
    late_untold,
    inquiries,
    inquiry_fees,
    told_without_result,
    findings_open
)
SELECT
    %(closing_no)s,
    r.agency_code,
    r.apologies_right,
    r.apologies_wrong,
    r.apologies_stopped,
    r.late_untold,
    r.inquiries,
    r.inquiry_fees,
    r.told_without_result,
    r.findings_open
FROM
    jsonb_to_recordset(%(rows)s::jsonb) AS r (
        agency_code text,
        apologies_right integer,
        apologies_wrong integer,
        apologies_stopped integer,
        late_untold integer,
        inquiries integer,
        inquiry_fees integer,
        told_without_result integer,
        findings_open integer
    )
