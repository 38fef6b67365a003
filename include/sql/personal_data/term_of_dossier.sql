-- Until when a dossier's personal data is kept, and what keeps it longer. Called by store/personal_data.py.
SELECT t.ended_at, t.kept_until, t.purged_at, t.may_be_told, t.is_complained_of
FROM motcua.dossier_terms AS t
WHERE t.agency_code = %(agency_code)s AND t.dossier_code = %(dossier_code)s
