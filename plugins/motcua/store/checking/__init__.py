"""The storage of source checks: comparisons of sources with the contract."""
