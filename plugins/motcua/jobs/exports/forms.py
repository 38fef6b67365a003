"""How a source writes its exports: headings of the columns, words of the statuses, whole or changes only."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias, cast

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from motcua.jobs.handed_in.tables import fold, heading_key

Column: TypeAlias = Literal[
    "dossier_code",
    "status",
    "step",
    "occurred_at",
    "agency",
    "procedure_code",
    "procedure_name",
    "field_name",
    "applicant_name",
    "applicant_phone",
    "submitted_via",
    "received_at",
    "due_at",
    "finished_at",
    "returned_at",
    "desk",
    "actor",
]
REQUIRED: tuple[Column, ...] = ("dossier_code", "status")
"""Columns that every export has."""
_WORDS = tuple[str, ...]


class ExportFormError(ValueError):
    """A form cannot be used; the message says why."""


class ExportForm(BaseModel):
    """How one source writes its exports; docs/operations/files.md says what each field is."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["whole", "changes"]
    """``whole``: each file says how all dossiers stand; ``changes``: what changed since the last one."""
    columns: dict[Column, _WORDS]
    """Column → headings that it may have."""
    statuses: dict[int, _WORDS] = {}
    """National code, or one that is mapped → words of it; numbers need none."""
    submitted_via: dict[Literal["direct", "postal", "online"], _WORDS] = {}
    at_desk: _WORDS = ()
    """Words of the column ``desk`` that mean the one-stop desk, beside its usual names."""
    supplements_at_desk: bool = False
    """Status 5 always means at the desk."""
    sheets: _WORDS = ()
    """Sheets of a workbook, the first name that is there; none: the first sheet."""
    least_percent: int = Field(default=70, ge=0, le=100)
    """A whole export with fewer dossiers than so many of a hundred of the one before is not taken."""

    @model_validator(mode="after")
    def _can_be_read(self) -> ExportForm:
        for column in REQUIRED:
            if not self.columns.get(column):
                raise ValueError(f"columns: {column} needs a heading")
        if any(not 0 < status <= 9999 for status in self.statuses):
            raise ValueError("statuses: a status is a number from 1 to 9999")
        for what, words in (
            ("columns", self.columns),
            ("statuses", self.statuses),
            ("submitted_via", self.submitted_via),
        ):
            keys = [
                heading_key(word) if what == "columns" else (False, fold(word, brackets=True))
                for meant in cast("dict[str, tuple[str, ...]]", words).values()
                for word in set(meant)
            ]
            if any(not word for _, word in keys):
                raise ValueError(f"{what}: there is an empty word")
            twice = sorted({word for bracketed, word in keys if keys.count((bracketed, word)) > 1})
            if twice:
                raise ValueError(f"{what}: {', '.join(twice)} stands there twice")
        return self


def read_export_form(text: str) -> ExportForm:
    """A form in YAML.

    Raises:
        ExportFormError: it cannot be used.
    """
    try:
        return ExportForm.model_validate(yaml.safe_load(text))
    except ValidationError as error:
        raise ExportFormError(_told(error)) from None
    except (yaml.YAMLError, RecursionError) as error:
        raise ExportFormError(f"no YAML: {str(error).splitlines()[0]}") from None


def form_of(kept: dict[str, Any]) -> ExportForm:
    """A form as it is kept.

    Raises:
        ExportFormError: this version cannot use it.
    """
    try:
        return ExportForm.model_validate(kept)
    except ValidationError as error:
        raise ExportFormError(_told(error)) from None


def _told(error: ValidationError) -> str:
    return "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}".lstrip(": ") for each in error.errors())
