"""Describe a source's exports by a form: headings, words, and whether a file lists all dossiers or only changes."""

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
"""Columns that every export must have."""
_Words = tuple[str, ...]


class ExportFormError(ValueError):
    """A form cannot be used. The message gives the reason."""


class ExportForm(BaseModel):
    """The format of one source's exports; docs/operations/files.md explains each field."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["whole", "changes"]
    """``whole``: each file lists all dossiers with their present status. ``changes``: each file lists the changes since
    the last file."""
    columns: dict[Column, _Words]
    """Possible headings of each column."""
    statuses: dict[int, _Words] = {}
    """Words of each status, by the status code. The code is a national one, or the source's own code that is mapped to
    a national one. Statuses written as numbers need no words."""
    submitted_via: dict[Via, _Words] = {}
    at_desk: _Words = ()
    """Words of the column ``desk`` that mean the one-stop desk, in addition to its usual names."""
    supplements_at_desk: bool = False
    """Whether a dossier that needs a supplement (status 5) is always at the desk."""
    sheets: _Words = ()
    """Possible names of the sheet that lists the dossiers. The sheet with the first of these names is read; without
    names, the workbook's first sheet."""
    least_percent: int = Field(default=70, ge=0, le=100)
    """A whole export is refused if it has less than this percentage of the dossiers of the previous whole export."""

    @model_validator(mode="after")
    def _check_form(self) -> ExportForm:
        """Refuse a form that cannot be used, and name all its faults."""
        faults = faults_in(self.columns, self.statuses, self.submitted_via)
        if faults:
            raise ValueError("; ".join(map(str, faults)))
        return self


@dataclass(frozen=True, slots=True)
class FormFault:
    """One reason why a form cannot be used."""

    code: Literal["no_heading", "status_out_of_range", "empty_word", "twice"]
    field: str
    """``columns``, ``statuses`` or ``submitted_via``, followed by the key within it, as ``columns.status``."""
    words: str = ""
    """The word that the form contains in several places."""

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
    """Return why a form with these columns and words cannot be used, each fault once."""
    faults = [FormFault("no_heading", f"columns.{column}") for column in REQUIRED if not columns.get(column)]
    faults += [FormFault("status_out_of_range", f"statuses.{each}") for each in statuses if not 0 < each <= 9999]
    groups: tuple[tuple[str, Mapping[Any, Sequence[str]]], ...] = (
        ("columns", columns),
        ("statuses", statuses),
        ("submitted_via", via),
    )
    for what, words in groups:
        first: dict[tuple[bool, str], object] = {}
        for meant, spellings in words.items():
            for word in dict.fromkeys(spellings):
                key = heading_key(word) if what == "columns" else (False, fold(word, brackets=True))
                if not key[1]:
                    faults.append(FormFault("empty_word", f"{what}.{meant}"))
                elif key in first:
                    faults.append(FormFault("twice", f"{what}.{meant}", key[1]))
                first.setdefault(key, meant)
    return list(dict.fromkeys(faults))


def read_export_form(text: str) -> ExportForm:
    """Return the form in a YAML text.

    Raises:
        ExportFormError: the form cannot be used.
    """
    try:
        return ExportForm.model_validate(yaml.safe_load(text))
    except ValidationError as error:
        raise ExportFormError(_errors_in_words(error)) from None
    except (yaml.YAMLError, RecursionError) as error:
        raise ExportFormError(f"no YAML: {str(error).splitlines()[0]}") from None


def form_of(kept: dict[str, Any]) -> ExportForm:
    """Return the form that the ledger stores as ``kept``.

    Raises:
        ExportFormError: this version of the program cannot use the form.
    """
    try:
        return ExportForm.model_validate(kept)
    except ValidationError as error:
        raise ExportFormError(_errors_in_words(error)) from None


def _errors_in_words(error: ValidationError) -> str:
    """Return pydantic's errors as one line."""
    return "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}".lstrip(": ") for each in error.errors())
