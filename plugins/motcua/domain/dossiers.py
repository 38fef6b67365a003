"""Rows of a one-stop database as they come, and the rules that clean them or refuse them.

The rule (docs/guarantees.md): a row is refused only when its agency, its status or its code cannot be used, or when
its dossier is not known yet. Any other bad field is cleaned here, noted, and costs no citizen the message.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Literal, TypeAlias

RowRefusal: TypeAlias = Literal[
    "agency_missing",
    "agency_unknown",
    "status_missing",
    "status_unknown",
    "code_missing",
    "code_unusable",
    "number_missing",
    "dossier_missing",
]
Kind: TypeAlias = Literal["result", "supplement", "apology", "reply"]

CODE_LIMIT = 40
KEPT_OF_CODE = 80
"""Characters of a code that quarantine and differences keep, whatever stands in its place."""
STEP_LIMIT = 200
NAME_LIMIT = 200
PHONE_LIMIT = 200
NOTE_LIMIT = 2000
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
"""No one-stop software wrote a true time before this."""
LATEST = datetime(9000, 1, 1, tzinfo=UTC)
"""No true time is as late as this, and Python's end is near: times beyond come from the source as this one."""

_SPACES = re.compile(r"\s+")
_MOBILE = re.compile(r"(?<![0-9])(?:\+? ?84|0)[ .-]?[35789](?:[ .-]?[0-9]){8}(?![0-9])")


@dataclass(frozen=True, slots=True)
class SourceDossier:
    """A row of the contract's view ``dossiers``, as read."""

    dossier_code: str | None
    agency_code: str | None
    procedure_code: str | None = None
    procedure_name: str | None = None
    field_name: str | None = None
    applicant_name: str | None = None
    applicant_phone: str | None = None
    phone_entered_at: datetime | None = None
    submitted_via: str | None = None
    received_at: datetime | None = None
    due_at: datetime | None = None
    step_name: str | None = None
    status_code: int | None = None
    at_one_stop_desk: bool | None = None
    finished_at: datetime | None = None
    returned_at: datetime | None = None
    updated_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class SourceTransition:
    """A row of the contract's view ``transitions``, as read."""

    transition_id: int | None
    agency_code: str | None
    dossier_code: str | None
    status_code: int | None
    at_one_stop_desk: bool | None
    occurred_at: datetime | None = None
    recorded_at: datetime | None = None
    from_step: str | None = None
    to_step: str | None = None
    actor: str | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True)
class RowContext:
    """What the rules need to know besides the row."""

    agencies: Mapping[str, str]
    """Agency code or alias, as a source may write it → agency code."""
    statuses: Mapping[int, int]
    """Status code of this source → national code, where they differ."""
    now: datetime
    clock_skew: timedelta
    looked_from: datetime | None = None
    read_until: datetime | None = None
    read_number: int | None = None
    """Up to where, by time and number, what there was was read. A step above that number that says to be from between
    the two times was not there then: the source's clock was set back, and it was written since. ``None``: unknown."""


@dataclass(frozen=True, slots=True)
class CleanDossier:
    """A dossier row that may be used; ``noted`` names the fields that had to be cleaned."""

    agency_code: str
    dossier_code: str
    procedure_code: str | None
    procedure_name: str | None
    field_name: str | None
    applicant_name: str | None
    applicant_phone: str | None
    phone_entered_at: datetime | None
    submitted_via: str | None
    received_at: datetime | None
    due_at: datetime | None
    step_name: str | None
    status_code: int | None
    at_one_stop_desk: bool
    finished_at: datetime | None
    returned_at: datetime | None
    updated_at: datetime | None
    noted: tuple[str, ...]
    stamped_at: datetime | None = None
    """``updated_at`` as the source has it, in its future as well."""


@dataclass(frozen=True, slots=True)
class CleanTransition:
    """A transition that may be used; ``noted`` names the fields that had to be cleaned."""

    source_transition_id: int
    agency_code: str
    dossier_code: str
    status_code: int
    at_one_stop_desk: bool
    occurred_at: datetime
    recorded_at: datetime
    from_step: str | None
    to_step: str | None
    actor: str | None
    note: str | None
    noted: tuple[str, ...]


class Refused(Exception):
    """The row cannot be used; ``reason`` says why."""

    def __init__(self, reason: RowRefusal) -> None:
        super().__init__(reason)
        self.reason: RowRefusal = reason


def clean_code(raw: str) -> str | None:
    """A dossier code as written, trimmed and NFC; ``None`` unless it is 1-40 printable characters."""
    code = unicodedata.normalize("NFC", raw).strip()
    return code if 1 <= len(code) <= CODE_LIMIT and code.isprintable() else None


def kept_code(raw: str) -> str:
    """A code of an agency or a dossier as quarantine and differences keep it, whatever stands in its place: NFC, cut,
    trimmed. One that may be used is as the ledger has it."""
    return unicodedata.normalize("NFC", raw[:KEPT_OF_CODE]).strip()


def _is_clean(raw: str, limit: int) -> bool:
    # Of what can be printed a plain space alone is a space.
    return (
        len(raw) <= limit
        and raw.isprintable()
        and "  " not in raw
        and raw == raw.strip()
        and unicodedata.is_normalized("NFC", raw)
    )


def clean_words(raw: str | None, limit: int) -> str | None:
    """Free text on one line: NFC, runs of spaces and of what cannot be printed (controls, invisible marks, marks of
    direction, characters that are none) made one space, cut to ``limit``."""
    if raw is None:
        return None
    if _is_clean(raw, limit):
        return raw or None
    words = unicodedata.normalize("NFC", raw[: 4 * limit])
    if not words.isprintable():
        words = "".join(char if char.isprintable() else " " for char in words)
    words = _SPACES.sub(" ", words).strip()
    return words[:limit].rstrip() or None


def clean_label(raw: str | None, limit: int) -> str | None:
    """Words that reports and publications show, or texts to citizens: as ``clean_words``, and a mobile number that
    somebody typed there is left out, since what is published stays."""
    if raw is None:
        return None
    return _clean_label(raw, limit) if len(raw) <= limit else _clean_label.__wrapped__(raw, limit)


@lru_cache(maxsize=8192)
def _clean_label(raw: str, limit: int) -> str | None:
    # Remembered, since most rows name the same few steps.
    # Before the cut, which would leave a part of a number that nobody takes for one any more.
    whole = clean_words(raw[: 4 * limit], 4 * limit)
    if whole is None or not _MOBILE.search(whole):
        return clean_words(whole, limit)
    left = clean_words(_MOBILE.sub("…", whole), limit)
    return left if left and left.strip(" …") else None


_Clean: TypeAlias = Callable[[str | None, int], str | None]


class _Notes:
    """Collects the names of the fields that were cleaned."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def words(self, name: str, raw: str | None, limit: int, clean: _Clean = clean_words) -> str | None:
        if raw is None:
            return None
        cleaned = clean(raw, limit)
        if cleaned == raw:
            return cleaned
        if cleaned != unicodedata.normalize("NFC", raw).strip() and (cleaned or raw.strip()):
            self.names.append(name)
        return cleaned

    def moment(self, name: str, raw: datetime | None, latest: datetime | None = None) -> datetime | None:
        if raw is None or (EARLIEST <= raw < LATEST and (latest is None or raw <= latest)):
            return raw
        self.names.append(name)
        return None


def _agency(raw: str | None, context: RowContext) -> str:
    if raw is None:
        raise Refused("agency_missing")
    if raw in context.agencies:
        # As nearly all are written.
        return context.agencies[raw]
    if not raw.strip():
        raise Refused("agency_missing")
    code = context.agencies.get(unicodedata.normalize("NFC", raw).strip())
    if code is None:
        raise Refused("agency_unknown")
    return code


def _code(raw: str | None) -> str:
    if raw is None or not raw.strip():
        raise Refused("code_missing")
    code = clean_code(raw)
    if code is None:
        raise Refused("code_unusable")
    return code


def national_status(raw: int, context: RowContext) -> int | None:
    """The national status code 1-10 (domain of QĐ 766/QĐ-TTg) that a source's code stands for, if it is known."""
    code = context.statuses.get(raw, raw)
    return code if 1 <= code <= 10 else None


def clean_dossier(row: SourceDossier, context: RowContext) -> CleanDossier:
    """The row, ready for the ledger.

    An unknown status does not refuse a dossier's row: it leaves the status empty, and the transition that brought
    it is quarantined.

    Raises:
        Refused: its agency or its code cannot be used.
    """
    agency, code = _agency(row.agency_code, context), _code(row.dossier_code)
    notes = _Notes()
    latest = context.now + context.clock_skew
    status = None if row.status_code is None else national_status(row.status_code, context)
    if status is None:
        notes.names.append("status_code")
    return CleanDossier(
        agency_code=agency,
        dossier_code=code,
        procedure_code=notes.words("procedure_code", row.procedure_code, NAME_LIMIT, clean_label),
        procedure_name=notes.words("procedure_name", row.procedure_name, NAME_LIMIT * 3, clean_label),
        field_name=notes.words("field_name", row.field_name, NAME_LIMIT, clean_label),
        applicant_name=notes.words("applicant_name", row.applicant_name, NAME_LIMIT),
        # The phone's own reader knows what to do with odd characters; only the size is bounded here.
        applicant_phone=None if row.applicant_phone is None else row.applicant_phone[:PHONE_LIMIT],
        phone_entered_at=notes.moment("phone_entered_at", row.phone_entered_at, latest),
        submitted_via=notes.words("submitted_via", row.submitted_via, 40),
        received_at=notes.moment("received_at", row.received_at),
        due_at=notes.moment("due_at", row.due_at),
        step_name=notes.words("step_name", row.step_name, STEP_LIMIT, clean_label),
        status_code=status,
        at_one_stop_desk=bool(row.at_one_stop_desk),
        finished_at=notes.moment("finished_at", row.finished_at),
        returned_at=notes.moment("returned_at", row.returned_at, latest),
        updated_at=notes.moment("updated_at", row.updated_at, latest),
        stamped_at=row.updated_at if row.updated_at and EARLIEST <= row.updated_at < LATEST else None,
        noted=tuple(notes.names),
    )


def was_set_back(number: int, recorded_at: datetime, context: RowContext) -> bool:
    """Whether a step of this number was recorded while the source's clock was set back."""
    if context.looked_from is None or context.read_until is None or context.read_number is None:
        return False
    return number > context.read_number and context.looked_from <= recorded_at < context.read_until


def clean_transition(row: SourceTransition, context: RowContext) -> CleanTransition:
    """The row, ready for the ledger.

    A recorded time that is missing, before 2000 or in the future is the time of reading; an occurred time that is
    missing, before 2000 or later than the recorded one is the recorded one. "Later" and "future" allow for the
    source's clock skew. Of a step that was written while the source's clock was set back both are that of reading.

    Raises:
        Refused: its number, agency, code or status cannot be used.
    """
    if row.transition_id is None:
        raise Refused("number_missing")
    agency, code = _agency(row.agency_code, context), _code(row.dossier_code)
    if row.status_code is None:
        raise Refused("status_missing")
    status = national_status(row.status_code, context)
    if status is None:
        raise Refused("status_unknown")
    notes = _Notes()
    recorded = notes.moment("recorded_at", row.recorded_at, context.now + context.clock_skew)
    is_set_back = recorded is not None and was_set_back(row.transition_id, recorded, context)
    if row.recorded_at is None or is_set_back:
        notes.names.append("recorded_at")
    recorded = context.now if recorded is None or is_set_back else recorded
    occurred = None if is_set_back else notes.moment("occurred_at", row.occurred_at, recorded + context.clock_skew)
    if row.occurred_at is None or is_set_back:
        notes.names.append("occurred_at")
    return CleanTransition(
        source_transition_id=row.transition_id,
        agency_code=agency,
        dossier_code=code,
        status_code=status,
        at_one_stop_desk=bool(row.at_one_stop_desk),
        occurred_at=min(occurred or recorded, recorded, context.now),
        recorded_at=recorded,
        from_step=notes.words("from_step", row.from_step, STEP_LIMIT, clean_label),
        to_step=notes.words("to_step", row.to_step, STEP_LIMIT, clean_label),
        actor=notes.words("actor", row.actor, NAME_LIMIT),
        note=notes.words("note", row.note, NOTE_LIMIT),
        noted=tuple(notes.names),
    )
