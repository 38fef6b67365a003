-- What auditors may read of whose figures a closing has as they were pushed: all of it.
CREATE OR REPLACE VIEW audit.closing_pushed AS
SELECT closing_no, source, agency_code FROM motcua.closing_pushed;
-- What the portal says of agencies' periods, as it was handed in: all of it.
CREATE OR REPLACE VIEW audit.portal_figures AS
SELECT
    figure_no, agency_code, period, received, resolved, returned, handed_in_by, handed_in_at, file_name, file_sha256,
    file_line, replaces
FROM motcua.portal_figures;
