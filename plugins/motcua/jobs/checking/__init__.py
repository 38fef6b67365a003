"""Source checks: comparing sources with the source contract, and storing the results."""
