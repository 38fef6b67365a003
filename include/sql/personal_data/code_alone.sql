-- Of a code that no dossier of this agency has: how it may be shown and kept (a mark where it may be a name or a
-- number), the agency's name, where there is such an agency, and the codes of its dossiers that are read as this one.
-- Called by store/personal_data_requests.py.
SELECT
    CASE
        WHEN motcua.is_like_a_code(%(dossier_code)s) THEN %(dossier_code)s
        ELSE 'PA-' || right(motcua.desk_user(%(agency_code)s, motcua.code_key(%(dossier_code)s)), 8)
    END AS shown_as,
    coalesce(
        (SELECT g.name FROM motcua.agencies AS g WHERE g.agency_code = %(agency_code)s), %(agency_code)s
    ) AS agency_name,
    array(
        SELECT d.dossier_code FROM motcua.dossiers AS d
        WHERE d.agency_code = %(agency_code)s AND motcua.code_key(d.dossier_code) = motcua.code_key(%(dossier_code)s)
        ORDER BY d.dossier_code
    ) AS alike
