-- That a source's desk register was read, or why it could not be. Called by store/oversight/quality.py.
INSERT INTO quality.register_readings (source_id, failure)
SELECT s.source_id, %(failure)s::text FROM motcua.sources AS s WHERE s.name = %(source)s
