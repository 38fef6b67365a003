-- Keeps that somebody handled a citizen's request: who, when, by which paper; no number and no value. Called by
-- store/personal_data_requests.py.
INSERT INTO motcua.personal_data_requests
(handled_at, handled_by, act, agency_code, dossier_code, reason, dossiers, held)
VALUES (
    %(now)s, %(handled_by)s, %(act)s, %(agency_code)s, %(dossier_code)s, %(reason)s, %(dossiers)s, %(held)s
)
