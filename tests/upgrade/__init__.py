"""Run an earlier version of the program beside the present one, for ``make prove ONLY=upgrade``."""
