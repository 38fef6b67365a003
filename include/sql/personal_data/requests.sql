-- Requests of citizens that were handled, the newest first. Called by store/personal_data_requests.py.
SELECT r.handled_at, r.handled_by, r.act, r.agency_code, r.dossier_code, r.reason, r.dossiers, r.held
FROM motcua.personal_data_requests AS r
ORDER BY r.request_id DESC
LIMIT %(limit)s
