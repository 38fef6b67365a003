-- What was emptied of late, the newest first: one row a batch's table. Called by store/personal_data.py.
SELECT p.purged_at, p.cause, p.of_table, p.emptied, p.purged_by, p.reason
FROM motcua.personal_data_purges AS p
ORDER BY p.purge_id DESC
LIMIT %(limit)s
