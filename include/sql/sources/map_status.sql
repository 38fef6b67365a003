-- What one status code of a source stands for. Called by store/notices/sources.py.
SELECT
    motcua.map_status(
        %(name)s::text, %(source_status)s::integer, %(status_code)s::integer, %(by)s::text, %(now)s::timestamptz
    ) AS is_known
