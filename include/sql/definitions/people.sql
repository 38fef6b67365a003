-- Users of the staff pages: let auditors read which agencies were granted to users or revoked, and who searched for
-- dossiers by a citizen's phone number.
CREATE OR REPLACE VIEW audit.user_agency_changes AS
SELECT c.change_id, c.changed_at, c.changed_by, c.user_name, c.agency_code, c.change
FROM motcua.user_agency_changes AS c;
CREATE OR REPLACE VIEW audit.phone_searches AS
SELECT s.search_id, s.searched_at, s.searched_by, s.agencies, s.found FROM motcua.phone_searches AS s;
