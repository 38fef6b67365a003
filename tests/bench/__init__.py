"""Measure how fast the system is.

Each result is compared with a limit, or with the result of another program, measured in the same run. Each bench is a
module with a function that returns lines; ``__main__`` lists the functions.
"""

from __future__ import annotations

Line = tuple[str, str, str, bool]
"""A line of a bench: what is measured, the result, the required value, and whether the result meets it."""
