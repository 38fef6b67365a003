-- Marks what a whole export has no more; how many dossiers it first has not. Called by store/intake/exports.py.
SELECT intake.note_vanished(%(client_id)s, %(export_no)s, %(agency_codes)s, %(dossier_codes)s) AS vanished
