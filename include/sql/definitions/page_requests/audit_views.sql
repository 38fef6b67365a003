-- What auditors may read of what pages asked for: all of it, without mail addresses.
CREATE OR REPLACE VIEW audit.page_requests AS
SELECT
    request_no,
    kind,
    subject,
    wanted - 'addresses' AS wanted,
    asked_at,
    asked_by,
    told_at,
    applies_at,
    told,
    untold_because,
    ended_at,
    ended_by,
    outcome,
    released
FROM motcua.page_requests;
