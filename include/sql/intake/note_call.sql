-- Counts a call of a client, and what was wrong in it. Called by store/intake/pushes.py.
SELECT
    intake.note_call(
        %(session)s::bytea, %(service)s::text, %(taken)s::bigint, %(repeated)s::bigint, %(refused)s::bigint,
        %(faults)s::jsonb
    ) AS noted
