-- Which of these batches of the list outside the ledger the ledger knows of. Called by store/personal_data.py.
SELECT DISTINCT p.reference FROM motcua.personal_data_purges AS p WHERE p.reference = any(%(wanted)s::text[])
