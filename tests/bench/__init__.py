"""How fast the system is: each figure beside a peer or a limit measured in the same run.

Each bench is a module with a function that gives its lines, and one line in ``__main__``.
"""

from __future__ import annotations

Line = tuple[str, str, str, bool]
"""What was measured, what came out, what it must reach, and whether it does."""
