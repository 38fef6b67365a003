-- From here on this ledger is kept with this journal, unless it is already. Called by store/notices/gaps.py.
INSERT INTO motcua.journals (journal_id, reason)
SELECT %(journal_id)s, %(reason)s
WHERE %(journal_id)s IS DISTINCT FROM (SELECT j.journal_id FROM motcua.journals AS j ORDER BY j.journal_no DESC LIMIT 1)
