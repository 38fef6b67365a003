-- Dossiers that one of the asked codes may mean, as they stand. Called by store/notices/inquiries.py.
SELECT * FROM motcua.asked_dossiers(%(keys)s, %(phone)s)
