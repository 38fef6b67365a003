"""Run the real jobs on a ledger with months of older rows, and record how many pages each SQL statement reads."""
