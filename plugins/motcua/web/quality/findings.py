"""Build addresses and titles of lists of findings, and check the reasons with which findings are acknowledged."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from typing import cast, get_args
from urllib.parse import urlencode

from motcua.domain.phones.reading import holds_phone
from motcua.domain.quality import Run
from motcua.quality.choosing import Chosen, Part, Standing
from motcua.quality.rechecking import mended_since, rules_judged_alone
from motcua.quality.report_data import RowToCorrect, RuleResult
from motcua.reports import wording
from motcua.store.ledger.database import Connection
from motcua.store.rechecks import Recheck, last_rechecks

LONGEST_REASON = 500
LONGEST_ACKNOWLEDGEMENT = timedelta(days=366)


def given(query: Mapping[str, str]) -> dict[str, str]:
    """Return the values of a query that are not empty."""
    return {name: value for name, value in query.items() if value}


@dataclass(frozen=True, slots=True)
class Asked:
    """The filters by which an address selects findings, as texts of the address. Unknown values are ignored."""

    code: str = ""
    """Code of an agency. Empty for all agencies."""
    rule: str = ""
    part: str = ""
    """Group of rules, such as faults or notes."""
    state: str = ""

    @property
    def given(self) -> dict[str, str]:
        """The values that are not empty, as an address writes them. They decide which findings the list shows."""
        return given(asdict(self))

    def chosen(self, rules: Collection[str]) -> Chosen:
        """Return the selected rule, part and state, each ``None`` if it is not given or unknown."""
        return Chosen(
            self.rule if self.rule in rules else None,
            cast("Part", self.part) if self.part in get_args(Part) else None,
            cast("Standing", self.state) if self.state in get_args(Standing) else None,
        )


@dataclass(frozen=True, slots=True)
class FindingsAddress:
    """Builds addresses of lists of findings, of one agency or of all."""

    base: str
    code: str = ""

    def __call__(self, rule: str = "", part: str = "", state: str = "", *, code: str = "") -> str:
        """Return the address of the list of the findings that a figure counts.

        ``code`` is the agency of this list, if it is not the agency for which this object builds addresses.
        """
        query = given({"code": code or self.code, "rule": rule, "part": part, "state": state})
        return f"{self.base}/quality/findings?{urlencode(query)}#danh-sach"


def title_of(chosen: Chosen, results: Sequence[RuleResult], of_all: str) -> str:
    """Return the title of a list of findings. ``of_all`` is the title of a list that shows all findings."""
    words = wording.words()
    rule = next((each.rule.title for each in results if each.rule.code == chosen.rule), None)
    what = rule or (words["part"][chosen.part] if chosen.part else of_all)
    return f"{what}: {words['standing'][chosen.standing]}" if chosen.standing else str(what)


@dataclass(frozen=True, slots=True)
class LookedAtAgain:
    """What changed about a page's findings after the run that found them.

    The figures of the run do not count these changes.
    """

    mended: frozenset[int]
    """Ids of findings that are no longer true: their dossiers were read again after the run and are now correct."""
    rechecks: Mapping[int, Recheck]
    """The last repeated check of each finding since the run, by the finding's id."""
    alone: frozenset[str]
    """Codes of the rules whose findings can be checked again one by one."""


def look_again(connection: Connection, run: Run, rows: Sequence[RowToCorrect]) -> LookedAtAgain:
    """Return which of a page's findings changed in the ledger since the run that found them."""
    alone = rules_judged_alone()
    standing = [each.finding_id for each in rows if each.state != "fixed" and each.rule.code in alone]
    return LookedAtAgain(
        frozenset(mended_since(connection, standing, run.as_of, datetime.now(UTC))),
        last_rechecks(connection, standing, run.as_of),
        alone,
    )


def checked(run: Run) -> str:
    """Return a sentence that says which run found the findings, and when."""
    said = wording.list_words()["told"]["checked"]
    return str(said.format(no=run.run_no, moment=wording.moment(run.as_of)))


# --- Reasons ------------------------------------------------------------------------------------------------------


def reason_of(written: str) -> str:
    """Return a reason as it is stored: one line of visible characters, in Unicode form NFC."""
    text = unicodedata.normalize("NFC", written)
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())


def what_is_wrong(why: str, until: date | None, today: date) -> str | None:
    """Return the code of a fault in a reason or its last day, or ``None`` if there is none."""
    if not why:
        return "no_reason"
    if len(why) > LONGEST_REASON:
        return "long_reason"
    # Refuse phone numbers, because reasons are shown in mails and workbooks.
    if holds_phone(why):
        return "phone"
    if until is None or not today <= until <= today + LONGEST_ACKNOWLEDGEMENT:
        return "bad_day"
    return None


def day_in(written: str) -> date | None:
    """Return the day that a form sent, or ``None`` if the text is not a day."""
    try:
        return datetime.strptime(written, "%Y-%m-%d").date()  # noqa: DTZ007 - a day has no zone
    except ValueError:
        return None
