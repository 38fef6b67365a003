-- An entry of the paper register; what is entered stays. Called by sandbox/world/writers.py.
INSERT INTO mot_cua.desk_register (agency_code, dossier_code, result_ready_at, handed_over_at)
VALUES (%(agency_code)s, %(dossier_code)s, %(result_ready_at)s, %(handed_over_at)s)
ON CONFLICT (agency_code, dossier_code) DO UPDATE SET
    result_ready_at = coalesce(desk_register.result_ready_at, excluded.result_ready_at),
    handed_over_at = coalesce(desk_register.handed_over_at, excluded.handed_over_at)
