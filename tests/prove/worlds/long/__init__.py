"""A ledger with months of older rows on which the real jobs run, and records of what its SQL statements read."""
