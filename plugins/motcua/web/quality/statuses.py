"""The national status codes, as pages name them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from motcua.store.notices.templates import load_template_versions


@lru_cache(maxsize=1)
def national_statuses() -> Mapping[int, str]:
    """The national status codes with their names, as citizens are told them."""
    newest = max(version for name, version in load_template_versions() if name == "reply")
    return {int(code): name for code, name in load_template_versions()["reply", newest].choices["step_name"].items()}
