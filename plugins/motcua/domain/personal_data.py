"""Show a citizen the personal data stored about them, and mask what belongs to other citizens.

The module is pure: it uses no clock and no ledger.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from motcua.domain.phones.reading import holds_phone, mask_msisdn, mask_phones, read_phone, to_local

WITHHELD = "•••"
"""Replaces words that another citizen wrote."""
_COLUMNS_BY_SENDER = {"inquiries": {"text", "asked_code", "gateway_message_id", "dedupe_key"}, "receipts": {"raw"}}
"""For each table, the columns with words that were sent from the row's phone number. Only the owner of the number
may read these words."""
_TEXT_COLUMNS = {
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
"""Columns with texts that may contain phone numbers. The numbers of other citizens in these texts are masked."""


@dataclass(frozen=True, slots=True)
class CitizenDossier:
    """A dossier that a citizen's request concerns. Holds personal data."""

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
    """When the dossier ended. ``None`` while it is open."""
    kept_until: datetime | None
    purged_at: datetime | None
    may_be_told: bool
    is_complained_of: bool


@dataclass(frozen=True, slots=True)
class Held:
    """One stored value of personal data.

    The value may contain other citizens' phone numbers until ``of_this_citizen`` masks them.
    """

    of_table: str
    of_column: str
    row_no: int
    agency_code: str | None
    dossier_code: str | None
    """The code of the value's dossier. ``None`` if the value belongs to no dossier."""
    held_since: datetime
    kept_until: datetime | None
    """When the value's retention term ends. ``None`` while the value's dossier, or a complaint without a dossier, is
    open: the retention term begins only afterwards."""
    number: str | None
    """The phone number that the row belongs to, in E.164; ``None`` if the row has no number."""
    own: str | None
    """The phone number of the dossier or of the person who asks, in E.164."""
    value: str


@dataclass(frozen=True, slots=True)
class ByCode:
    """A request for one dossier, named by its agency and code."""

    agency_code: str
    dossier_code: str
    """The code in the spelling of the ledger."""


@dataclass(frozen=True, slots=True)
class ByNumber:
    """A request for one phone number."""

    msisdn: str
    """The phone number in E.164. The log of requests does not store it."""


@dataclass(frozen=True, slots=True)
class CodeAlone:
    """A requested code that no dossier of the named agency has. Only a source's refused row or a complaint has it."""

    shown_as: str
    """The code, or a mark in its place if the code may be a name or a phone number."""
    agency_name: str
    """The agency's name, or the agency as the request wrote it if no such agency exists."""


@dataclass(frozen=True, slots=True)
class Citizen:
    """Everything that is stored about one citizen.

    Holds personal data of this citizen only: phone numbers of other citizens are masked.
    """

    asked_for: ByCode | ByNumber
    dossiers: Sequence[CitizenDossier]
    held: Sequence[Held]
    elsewhere: int
    """How many dossiers of other citizens once had messages to this phone number. The dossiers themselves are not
    included."""
    as_of: datetime
    code_alone: CodeAlone | None = None
    """The requested code if no dossier has it. ``None`` otherwise."""

    @property
    def names(self) -> int:
        """Return how many different applicants' names the dossiers have.

        If there are several names, several people may share the phone number.
        """
        return len({" ".join(each.applicant_name.split()).casefold() for each in self.dossiers if each.applicant_name})

    def rows_of(self, table: str) -> int:
        """Return how many rows of a table hold personal data of the citizen."""
        return len({each.row_no for each in self.held if each.of_table == table})


@dataclass(frozen=True, slots=True)
class Erased:
    """The result of one request for erasure."""

    before: Citizen
    dossiers: Sequence[CitizenDossier]
    """The dossiers as they are after the erasure."""
    inquiries: int
    """How many texts to 9029 from this phone number were emptied."""
    inquiries_kept: int
    """How many texts to 9029 were not emptied because their reply is under way. A second request can erase these texts.
    Otherwise the purge empties them after their retention term."""
    quarantined: int
    """How many refused rows of sources with the codes of the request were emptied."""
    complaints: int
    """How many complaints with the codes of the request, linked to no dossier, were emptied."""
    complaints_kept: int
    """How many complaints were not emptied because they, or complaints with a similar code, are open. They are
    emptied by the first purge after the open complaint got its outcome or was withdrawn."""


def read_number(typed: str) -> ByNumber:
    """Read one phone number as somebody typed it, in any spelling that the phone rules accept.

    Raises:
        ValueError: the text is no mobile number, or more than one. The error does not repeat the text.
    """
    reading = read_phone(typed, None, "")
    if reading.e164 is None or "two_numbers" in reading.notes:
        raise ValueError("that is not one number of a mobile phone")
    return ByNumber(reading.e164)


def of_this_citizen(held: Held, as_written: str | None) -> Held:
    """Return the value with everything masked that belongs to another citizen.

    The masked parts are phone numbers that the dossier had earlier, and texts that other people sent to 9029.
    ``as_written`` is the dossier's present phone field.
    """
    if held.of_table == "dossiers" or (held.of_column == "applicant_phone" and held.value == as_written):
        return held
    is_others = held.number is not None and held.number != held.own
    if held.of_column in _COLUMNS_BY_SENDER.get(held.of_table, ()):
        return replace(held, value=WITHHELD) if is_others else held
    if held.of_column == "applicant_phone":
        if read_phone(held.value, held.held_since.date(), "").e164 == held.own is not None:
            return held
        shown = mask_phones(held.value, _mask_all_but(held.own)) if holds_phone(held.value) else mask_msisdn(held.value)
        return replace(held, value=shown)
    if held.of_column in _TEXT_COLUMNS:
        return replace(held, value=mask_phones(held.value, _mask_all_but(held.own)))
    return held


def _mask_all_but(own: str | None) -> Callable[[str], str]:
    """Return a function that masks every number in a text except the person's own."""
    local = to_local(own) if own else None
    return lambda number: number if "*" in number or to_local(number) == local else mask_msisdn(number)
