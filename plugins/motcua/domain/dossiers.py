"""Define the rows of a one-stop database as they are read, and the rules that clean or refuse these rows.

A row is refused only if its agency, status, number or code cannot be used, or if its dossier is not known yet
(docs/guarantees.md). Any other bad field is cleaned here, and its name is stored with the row, so that the citizen
still gets the message.
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
"""Maximum number of characters that are stored of a code field that may hold no valid code, as in a refused row."""
STEP_LIMIT = 200
NAME_LIMIT = 200
PHONE_LIMIT = 200
NOTE_LIMIT = 2000
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
"""Earliest credible time. No one-stop software wrote a true time before 2000."""
LATEST = datetime(9000, 1, 1, tzinfo=UTC)
"""Upper limit of times. Later times are read as this time. No true time is this late, and Python's ``datetime`` ends
soon after it."""

_SPACES = re.compile(r"\s+")
_MOBILE = re.compile(r"(?<![0-9])(?:\+? ?84|0)[ .-]?[35789](?:[ .-]?[0-9]){8}(?![0-9])")


@dataclass(frozen=True, slots=True)
class SourceDossier:
    """A row of the view ``dossiers``, which every source offers, as it was read."""

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
    """A row of the view ``transitions``, which every source offers, as it was read."""

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
    """The facts that the cleaning rules need besides the row itself."""

    agencies: Mapping[str, str]
    """Maps each agency code and alias that a source may write to the agency code."""
    statuses: Mapping[int, int]
    """Maps a status code of this source to the national code. Contains only the codes that differ."""
    now: datetime
    clock_skew: timedelta
    looked_from: datetime | None = None
    read_until: datetime | None = None
    read_number: int | None = None
    """The highest step number that was read; ``None`` if not known. The steps that were read have recorded times from
    ``looked_from`` to ``read_until``. If a step has a higher number but a recorded time between these two, the source's
    clock was set back before the step was written."""


@dataclass(frozen=True, slots=True)
class CleanDossier:
    """A dossier row that can be used. ``noted`` names the fields that had to be cleaned."""

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
    """``updated_at`` as the source gives it, even if it is in the future."""


@dataclass(frozen=True, slots=True)
class CleanTransition:
    """A transition that can be used. ``noted`` names the fields that had to be cleaned."""

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
    """Raised for a row that cannot be used. ``reason`` gives the reason."""

    def __init__(self, reason: RowRefusal) -> None:
        super().__init__(reason)
        self.reason: RowRefusal = reason


def clean_code(raw: str) -> str | None:
    """Return a dossier code as written, trimmed and in NFC; ``None`` unless it has 1 to 40 printable characters."""
    code = unicodedata.normalize("NFC", raw).strip()
    return code if 1 <= len(code) <= CODE_LIMIT and code.isprintable() else None


def kept_code(raw: str) -> str:
    """Return an agency's or a dossier's code in NFC, cut and trimmed.

    The codes of refused rows, and of dossiers that the ledger and a source count differently, are stored in this form.
    The value need not be a valid code. A valid code is returned in the form that the ledger stores.
    """
    return unicodedata.normalize("NFC", raw[:KEPT_OF_CODE]).strip()


def _is_clean(raw: str, limit: int) -> bool:
    # isprintable() accepts no other blank than the plain space, so no tab or line break passes.
    return (
        len(raw) <= limit
        and raw.isprintable()
        and "  " not in raw
        and raw == raw.strip()
        and unicodedata.is_normalized("NFC", raw)
    )


def clean_words(raw: str | None, limit: int) -> str | None:
    """Return free text on one line, in NFC and cut to ``limit``.

    Each run of blanks and unprintable characters (controls, invisible marks, marks of direction, unassigned characters)
    becomes one space.
    """
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
    """Clean words that reports, publications or texts to citizens show.

    The words are cleaned as by ``clean_words``. Mobile numbers in them are replaced by ``…``, because a publication
    that shows such a number cannot be withdrawn. If nothing else is left, the result is ``None``.
    """
    if raw is None:
        return None
    return _clean_label(raw, limit) if len(raw) <= limit else _clean_label.__wrapped__(raw, limit)


@lru_cache(maxsize=8192)
def _clean_label(raw: str, limit: int) -> str | None:
    # The result is cached, because most rows name the same few steps. Mobile numbers are removed before the text is
    # cut, because a number that was cut would no longer be recognised.
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


def _known_agency(raw: str | None, context: RowContext) -> str:
    if raw is None:
        raise Refused("agency_missing")
    if raw in context.agencies:
        # This fast look-up comes first, because nearly all rows write the code exactly as the ledger does.
        return context.agencies[raw]
    if not raw.strip():
        raise Refused("agency_missing")
    code = context.agencies.get(unicodedata.normalize("NFC", raw).strip())
    if code is None:
        raise Refused("agency_unknown")
    return code


def _usable_code(raw: str | None) -> str:
    if raw is None or not raw.strip():
        raise Refused("code_missing")
    code = clean_code(raw)
    if code is None:
        raise Refused("code_unusable")
    return code


def national_status(raw: int, context: RowContext) -> int | None:
    """Return the national status code 1-10 (QĐ 766/QĐ-TTg) for a source's status code, if it is known."""
    code = context.statuses.get(raw, raw)
    return code if 1 <= code <= 10 else None


def clean_dossier(row: SourceDossier, context: RowContext) -> CleanDossier:
    """Return the row in the form that the ledger stores.

    A row with an unknown status is not refused: its status stays empty. Only a transition with an unknown status is
    refused.

    Raises:
        Refused: the row's agency or code cannot be used.
    """
    agency, code = _known_agency(row.agency_code, context), _usable_code(row.dossier_code)
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
        # The phone rules (motcua.domain.phones) clean the characters themselves, so only the length is limited here.
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
    """Return whether a step with this number was recorded while the source's clock was set back."""
    if context.looked_from is None or context.read_until is None or context.read_number is None:
        return False
    return number > context.read_number and context.looked_from <= recorded_at < context.read_until


def clean_transition(row: SourceTransition, context: RowContext) -> CleanTransition:
    """Return the row in the form that the ledger stores.

    A recorded time that is missing, before 2000 or in the future is replaced by the time of reading. An occurred time
    that is missing, before 2000 or later than the recorded time is replaced by the recorded time. "Later" and "in the
    future" allow for the source's clock skew. If the source's clock was set back when the step was written, both times
    are replaced by the time of reading.

    Raises:
        Refused: the row's number, agency, code or status cannot be used.
    """
    if row.transition_id is None:
        raise Refused("number_missing")
    agency, code = _known_agency(row.agency_code, context), _usable_code(row.dossier_code)
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
