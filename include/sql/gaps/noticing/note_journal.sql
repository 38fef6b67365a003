-- What the journal of attempts lacks, as a run found that looked. Called by store/notices/gaps.py.
UPDATE motcua.sender_life
SET journal_fault = %(fault)s
WHERE journal_fault IS DISTINCT FROM %(fault)s
