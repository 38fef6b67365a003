"""Forms of the providers' monthly statements (bảng kê): how each provider writes its file, and what was agreed with it.

A form is a file in include/statements: a provider that changes its headings, or a new contract, needs no code.
"""

from __future__ import annotations

import re
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Final, Literal, TypeAlias, cast

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from motcua.domain.routing import CARRIERS
from motcua.domain.words import fold, heading_key
from motcua.settings import include_dir

Direction: TypeAlias = Literal["mt", "mo"]
"""``mt``: a message that was sent; ``mo``: an inquiry to 9029."""
Status: TypeAlias = Literal["accepted", "delivered", "undelivered"]
Column: TypeAlias = Literal[
    "direction",
    "reference",
    "gateway_reference",
    "msisdn",
    "sent_at",
    "segments",
    "price",
    "amount",
    "carrier",
    "status",
]
REFERENCES: Final[tuple[Column, ...]] = ("reference", "gateway_reference")
"""Ours, which the provider gives back, and the provider's own."""
IDENTITIES: Final[tuple[Column, ...]] = (*REFERENCES, "msisdn")
"""Columns by which a line finds its message; a form needs one of them."""
_NAME: Final = re.compile(r"[a-z0-9_]+")


class FormError(Exception):
    """A form is missing or cannot be used; the message says which and why."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Tolerance(_Frozen):
    """What may differ without making a run red, as agreed with the provider."""

    seconds: int = Field(default=300, ge=0, le=86_400)
    """Between the provider's time and ours."""
    segments_percent: Decimal = Field(default=Decimal(1), ge=0, le=100)
    amount_percent: Decimal = Field(default=Decimal(1), ge=0, le=100)
    inquiries_percent: Decimal = Field(default=Decimal(1), ge=0, le=100)


def _carriers(value: dict[str, Any]) -> dict[str, Any]:
    unknown = sorted(value.keys() - CARRIERS)
    if unknown:
        raise ValueError(f"unknown carriers {', '.join(unknown)}; there are: {', '.join(sorted(CARRIERS))}")
    return value


class StatementForm(_Frozen):
    """How one provider writes its statement, and what was agreed with it; the shipped forms say what each field is."""

    gateway: str = Field(pattern=r"^[a-z0-9_]+$")
    sheets: dict[Direction, tuple[str, ...]] = {}
    columns: dict[Column, tuple[str, ...]]
    directions: dict[Direction, tuple[str, ...]] = {}
    statuses: dict[Status, tuple[str, ...]] = {}
    carriers: Annotated[dict[str, tuple[str, ...]], AfterValidator(_carriers)] = {}
    totals: tuple[str, ...] = ()
    total_required: bool = False
    decimal: Literal[",", "."] = ","
    dates: tuple[str, ...] = Field(min_length=1)
    prices: Annotated[dict[str, Annotated[Decimal, Field(ge=0)]], AfterValidator(_carriers)] = {}
    """Đồng a segment by carrier; ``other`` for those that are not named."""
    undelivered_is_billed: bool = True
    inquiry_share_percent: Decimal = Field(default=Decimal(100), ge=0, le=100)
    inquiry_lines: Literal["each", "summary"] = "each"
    tolerance: Tolerance = Tolerance()

    @model_validator(mode="after")
    def _can_be_read(self) -> StatementForm:
        for column in ("sent_at", "segments"):
            if not self.columns.get(column):
                raise ValueError(f"columns: {column} needs a heading")
        if not any(self.columns.get(column) for column in IDENTITIES):
            raise ValueError(f"columns: one of {', '.join(IDENTITIES)} needs a heading")
        for what, words in (
            ("columns", self.columns),
            ("directions", self.directions),
            ("statuses", self.statuses),
            ("carriers", self.carriers),
        ):
            keys = [
                heading_key(word) if what == "columns" else (False, fold(word))
                for meant in cast("dict[str, tuple[str, ...]]", words).values()
                for word in set(meant)
            ]
            twice = sorted({word for bracketed, word in keys if keys.count((bracketed, word)) > 1})
            if twice:
                raise ValueError(f"{what}: {', '.join(twice)} stands there twice")
        if self.prices and not self.columns.get("amount"):
            raise ValueError("prices: without a column for amounts there is nothing to compare them with")
        return self

    @property
    def required(self) -> frozenset[Column]:
        """Columns without which a statement is refused."""
        wanted: set[Column] = {"sent_at", "segments"}
        if self.columns.get("amount"):
            wanted.add("amount")
        return frozenset(wanted)


def _folder() -> Path:
    return include_dir() / "statements"


def form_names() -> list[str]:
    """Names of the forms that there are."""
    return sorted(path.stem for path in _folder().glob("*.yaml"))


@lru_cache(maxsize=32)
def load_form(name: str) -> StatementForm:
    """The form ``include/statements/<name>.yaml``.

    Raises:
        FormError: there is none, or it cannot be used.
    """
    path = _folder() / f"{name}.yaml"
    if not _NAME.fullmatch(name) or not path.is_file():
        raise FormError(f"There is no form {name}; there are: {', '.join(form_names()) or 'none'}.")
    return read_form(path)


def read_form(path: Path) -> StatementForm:
    """A form in a file.

    Raises:
        FormError: it cannot be used.
    """
    try:
        return StatementForm.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except ValidationError as error:
        what = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}".lstrip(": ") for each in error.errors())
        raise FormError(f"{path.name}: {what}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise FormError(f"{path.name} is no YAML in UTF-8: {error}") from None
