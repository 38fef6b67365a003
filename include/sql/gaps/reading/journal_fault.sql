-- What the journal of attempts lacks, as a run found that looked. Called by store/notices/gaps.py.
SELECT journal_fault FROM motcua.sender_life
