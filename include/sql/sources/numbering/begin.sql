-- A source numbers its steps anew. Called by store/notices/sources.py.
INSERT INTO motcua.source_numberings (source_id, recorded_from, added, noticed_at)
VALUES (%(source_id)s, %(recorded_from)s, %(added)s, %(now)s)
