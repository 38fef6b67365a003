-- Keeps that a file was refused, and why; gives the refusal's number. Called by store/oversight/statements.py.
INSERT INTO motcua.refused_statements (
    form, month, file_name, sha256, refused_at, refused_by, faults, message
)
VALUES (
    %(form)s, %(month)s, %(file_name)s, %(sha256)s, %(refused_at)s, %(refused_by)s, %(faults)s, %(message)s
)
RETURNING refusal_no
