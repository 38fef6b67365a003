-- Sets what an agency decides for itself; empty, and nothing is written, where it changed since `seen`.
-- Called by store/agencies.py.
SELECT
    motcua.set_agency_settings(
        %(agency_code)s::text, %(seen)s::bigint, %(wanted)s::jsonb, %(set_by)s::text
    ) AS change_id
