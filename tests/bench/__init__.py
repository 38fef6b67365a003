"""How fast the system is: each figure beside a peer or a limit measured in the same run."""

from __future__ import annotations

Line = tuple[str, str, str, bool]
