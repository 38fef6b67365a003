"""How a source writes its exports: headings of the columns, words of the statuses, whole or changes only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from motcua.domain.words import fold, heading_key

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
Via: TypeAlias = Literal["direct", "postal", "online"]
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
    submitted_via: dict[Via, _WORDS] = {}
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
        faults = faults_in(self.columns, self.statuses, self.submitted_via)
        if faults:
            raise ValueError("; ".join(map(str, faults)))
        return self


@dataclass(frozen=True, slots=True)
class FormFault:
    """One thing for which a form cannot be used."""

    code: Literal["no_heading", "status_out_of_range", "empty_word", "twice"]
    field: str
    """``columns``, ``statuses`` or ``submitted_via``, with what is meant in it: ``columns.status``."""
    words: str = ""
    """That stand in several places."""

    def __str__(self) -> str:
        within = self.field.partition(".")[0]
        return {
            "no_heading": f"{within}: {self.field.partition('.')[2]} needs a heading",
            "status_out_of_range": f"{within}: a status is a number from 1 to 9999",
            "empty_word": f"{within}: there is an empty word",
            "twice": f"{within}: {self.words} stands there twice",
        }[self.code]


def faults_in(
    columns: Mapping[Column, Sequence[str]], statuses: Mapping[int, Sequence[str]], via: Mapping[Via, Sequence[str]]
) -> list[FormFault]:
    """For what a form of these columns and words cannot be used, each told once."""
    faults = [FormFault("no_heading", f"columns.{column}") for column in REQUIRED if not columns.get(column)]
    faults += [FormFault("status_out_of_range", f"statuses.{each}") for each in statuses if not 0 < each <= 9999]
    groups: tuple[tuple[str, Mapping[Any, Sequence[str]]], ...] = (
        ("columns", columns),
        ("statuses", statuses),
        ("submitted_via", via),
    )
    for what, words in groups:
        first: dict[tuple[bool, str], object] = {}
        for meant, its in words.items():
            for word in dict.fromkeys(its):
                key = heading_key(word) if what == "columns" else (False, fold(word, brackets=True))
                if not key[1]:
                    faults.append(FormFault("empty_word", f"{what}.{meant}"))
                elif key in first:
                    faults.append(FormFault("twice", f"{what}.{meant}", key[1]))
                first.setdefault(key, meant)
    return list(dict.fromkeys(faults))


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
