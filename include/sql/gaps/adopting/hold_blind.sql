-- Messages that may have been told in a gap whose journal is lost: of unknown outcome (motcua.hold_blind).
-- Called by store/notices/gaps.py.
SELECT motcua.hold_blind(%(gap_no)s, %(gateway)s, %(now)s) AS held
