"""Compare sources with the source contract, and store the results."""
