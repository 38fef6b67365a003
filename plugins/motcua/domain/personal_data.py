"""What is held of one citizen who asks for it, and what of it is another citizen's. No clock, no ledger."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from motcua.domain.phones.reading import holds_phone, mask_msisdn, mask_phones, read_phone, to_local

WITHHELD = "•••"
"""Stands for what another citizen wrote."""
_OF_THE_SENDER = {"inquiries": {"text", "asked_code", "gateway_message_id", "dedupe_key"}, "receipts": {"raw"}}
"""Words of whoever's number the row goes with."""
_WORDS = {
    "text",
    "parameters",
    "accented_parameters",
    "note",
    "actor",
    "outcome_reason",
    "withdraw_reason",
    "payload",
    "fields",
    "msisdn",
    "gateway_reference",
    "dossier_code",
}


@dataclass(frozen=True, slots=True)
class CitizenDossier:
    """A dossier that a request is about. Holds personal data."""

    dossier_id: int
    agency_code: str
    agency_name: str
    dossier_code: str
    applicant_name: str | None
    applicant_phone: str | None
    msisdn: str | None
    held_since: datetime
    erase_asked_at: datetime | None
    ended_at: datetime | None
    """``None``: it is open."""
    kept_until: datetime | None
    purged_at: datetime | None
    may_be_told: bool
    is_complained_of: bool


@dataclass(frozen=True, slots=True)
class Held:
    """One value that is held. Holds personal data, of others too: numbers that are not the citizen's own."""

    of_table: str
    of_column: str
    row_no: int
    agency_code: str | None
    dossier_code: str | None
    """``None``: it is of no dossier."""
    held_since: datetime
    kept_until: datetime | None
    """``None``: until its dossier has ended, and then its agency's term."""
    number: str | None
    """E.164, that the row goes with; ``None``: with none."""
    own: str | None
    """E.164, of the dossier or of whoever asks."""
    value: str


@dataclass(frozen=True, slots=True)
class ByCode:
    """A dossier as its citizen names it."""

    agency_code: str
    dossier_code: str
    """As the ledger has it."""


@dataclass(frozen=True, slots=True)
class ByNumber:
    """A phone, as its citizen says the number."""

    msisdn: str
    """E.164. Kept nowhere."""


@dataclass(frozen=True, slots=True)
class CodeAlone:
    """A code that no dossier of its agency has: it stands in quarantine or in a complaint alone."""

    shown_as: str
    """The code; a mark instead of what may be a name or a number."""
    agency_name: str
    """As it was asked for, where there is no such agency."""


@dataclass(frozen=True, slots=True)
class Citizen:
    """All that is held of a citizen. Holds personal data, of this citizen alone: other numbers are masked."""

    asked_for: ByCode | ByNumber
    dossiers: Sequence[CitizenDossier]
    held: Sequence[Held]
    elsewhere: int
    """Other dossiers that were once told by this number; they are of others, and nothing of them is here."""
    as_of: datetime
    code_alone: CodeAlone | None = None
    """Where it was asked for by a code that no dossier has."""

    @property
    def names(self) -> int:
        """How many names the dossiers are in: more than one may mean that the number is not one citizen's alone."""
        return len({" ".join(each.applicant_name.split()).casefold() for each in self.dossiers if each.applicant_name})

    def rows_of(self, table: str) -> int:
        """Rows of a table that hold something."""
        return len({each.row_no for each in self.held if each.of_table == table})


@dataclass(frozen=True, slots=True)
class Erased:
    """What a request for erasure did."""

    before: Citizen
    dossiers: Sequence[CitizenDossier]
    """As they stand after it."""
    inquiries: int
    """Texts to 9029 of the number that were emptied."""
    inquiries_kept: int
    """Those whose reply is under way: it must be asked again, or goes by its term."""
    quarantined: int
    """Rows in quarantine of these codes that were emptied."""
    complaints: int
    """Complaints of these codes, tied to no dossier, that were emptied."""
    complaints_kept: int
    """Those that are open, or like one that is: they go with the first purge after it is settled."""


def read_number(typed: str) -> ByNumber:
    """A phone as somebody typed its number, in whatever spelling the phone rules read.

    Raises:
        ValueError: that is no number that messages can go to, or more than one. It is not in the message.
    """
    reading = read_phone(typed, None, "")
    if reading.e164 is None or "two_numbers" in reading.notes:
        raise ValueError("that is not one number of a mobile phone")
    return ByNumber(reading.e164)


def of_this_citizen(held: Held, as_written: str | None) -> Held:
    """The same without what is another citizen's: a number that was the dossier's before, what others asked 9029."""
    if held.of_table == "dossiers" or (held.of_column == "applicant_phone" and held.value == as_written):
        return held
    is_others = held.number is not None and held.number != held.own
    if held.of_column in _OF_THE_SENDER.get(held.of_table, ()):
        return replace(held, value=WITHHELD) if is_others else held
    if held.of_column == "applicant_phone":
        if read_phone(held.value, held.held_since.date(), "").e164 == held.own is not None:
            return held
        shown = mask_phones(held.value, _shown_to(held.own)) if holds_phone(held.value) else mask_msisdn(held.value)
        return replace(held, value=shown)
    if held.of_column in _WORDS:
        return replace(held, value=mask_phones(held.value, _shown_to(held.own)))
    return held


def _shown_to(own: str | None) -> Callable[[str], str]:
    """How a number in a text is shown to whose own number is this one."""
    local = to_local(own) if own else None
    return lambda number: number if "*" in number or to_local(number) == local else mask_msisdn(number)
