-- A gap was looked at. Called by store/notices/gaps.py.
UPDATE motcua.gaps
SET closed_at = %(now)s, closed_by = %(closed_by)s, reason = %(reason)s, sent_until = %(sent_until)s
WHERE gap_no = %(gap_no)s AND closed_at IS NULL
