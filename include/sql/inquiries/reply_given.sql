-- The reply that an inquiry got when it was first brought. Called by store/notices/inquiries.py.
SELECT g.text, g.accented, g.outcome FROM motcua.reply_given(%(gateway)s, %(dedupe_key)s) AS g
