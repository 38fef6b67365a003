"""How right the system is, at a scale that tests do not reach: one module for each capability."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    name: str
    value: str
    must_reach: str
    ok: bool
