-- One batch: how far it looked, how many rows it emptied, and what is to be listed outside the ledger. Called by
-- store/personal_data.py.
SELECT p.looked_until, p.emptied, p.listed
FROM motcua.purge_personal_data(
    %(kind)s, %(after)s, %(at_most)s, %(reference)s, %(cause)s, %(by)s, %(reason)s, %(only_these)s, %(listed_at)s
) AS p
