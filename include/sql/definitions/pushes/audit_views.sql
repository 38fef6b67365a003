-- What auditors may read of whose figures a closing has as they were pushed: all of it.
CREATE OR REPLACE VIEW audit.closing_pushed AS
SELECT closing_no, source, agency_code FROM motcua.closing_pushed;
