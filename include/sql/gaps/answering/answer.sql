-- Somebody says of an open gap until when the lost ledger may have sent, or that it only slept (motcua.answer_gap).
-- Called by store/notices/gaps.py.
SELECT motcua.answer_gap(%(gap_no)s, %(sent_until)s, %(by)s, %(reason)s, %(gateway)s, %(now)s) AS held
