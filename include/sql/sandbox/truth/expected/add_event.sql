-- Something that truly happened. Called by sandbox/world/clockwork.py.
INSERT INTO truth.events (at, source, agency_code, dossier_code, kind, detail)
VALUES (%(at)s, %(source)s, %(agency_code)s, %(dossier_code)s, %(kind)s, %(detail)s)
