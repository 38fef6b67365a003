"""A long ledger at work, and what its statements read."""
