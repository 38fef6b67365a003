-- depends: 0092_code_tails
-- Allow more kinds of requests from staff pages: begin a stop of sending (stop) or end it (go), confirm the days off of
-- a year or revoke the confirmation (confirm_year), and verify a publication again (verify).
ALTER TABLE motcua.page_requests
DROP CONSTRAINT page_requests_kind_check,
ADD CONSTRAINT page_requests_kind_check CHECK (
    kind IN ('map_status', 'release', 'recipients', 'export_form', 'stop', 'go', 'confirm_year', 'verify')
) NOT VALID;
