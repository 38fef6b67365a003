-- Rows that a run emptied of personal data, by table. Called by store/browsing/runs.py.
SELECT
    p.of_table,
    sum(p.emptied)::bigint AS emptied
FROM motcua.personal_data_purges AS p
WHERE p.run_no = %(run_no)s AND p.emptied > 0
GROUP BY p.of_table
ORDER BY emptied DESC, p.of_table
