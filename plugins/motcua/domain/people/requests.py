"""What somebody asks for on a page: done later, once the Department was mailed whom it would tell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, TypeAlias

RequestKind: TypeAlias = Literal["map_status", "release", "recipients", "export_form"]
RequestOutcome: TypeAlias = Literal["done", "withdrawn", "changed", "nothing_left", "refused"]


@dataclass(frozen=True, slots=True)
class PageRequest:
    """One request; the columns of ``motcua.page_requests`` explain each field."""

    request_no: int
    kind: RequestKind
    subject: str | None
    wanted: Mapping[str, Any]
    asked_at: datetime
    asked_by: str
    told_at: datetime | None
    applies_at: datetime | None
    told: Mapping[str, Any] | None
    untold_because: str | None
    ended_at: datetime | None
    ended_by: str | None
    outcome: RequestOutcome | None
    released: int | None
