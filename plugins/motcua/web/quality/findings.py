"""Findings behind a figure: how an address asks for them, what a list and its files show of each, and reasons."""

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
    """What of a query says something."""
    return {name: value for name, value in query.items() if value}


@dataclass(frozen=True, slots=True)
class Asked:
    """Which findings an address asks for, as it writes it: what is unknown narrows nothing down."""

    code: str = ""
    """Of one agency; empty: of all."""
    rule: str = ""
    part: str = ""
    state: str = ""

    @property
    def given(self) -> dict[str, str]:
        """What of it narrows something down, as an address has it."""
        return given(asdict(self))

    def chosen(self, rules: Collection[str]) -> Chosen:
        """What is asked for, among these rules."""
        return Chosen(
            self.rule if self.rule in rules else None,
            cast("Part", self.part) if self.part in get_args(Part) else None,
            cast("Standing", self.state) if self.state in get_args(Standing) else None,
        )


@dataclass(frozen=True, slots=True)
class FindingsAddress:
    """Addresses of lists of findings: of one agency, or of all."""

    base: str
    code: str = ""

    def __call__(self, rule: str = "", part: str = "", state: str = "", *, code: str = "") -> str:
        """The list behind a figure; ``code``: of this agency."""
        query = given({"code": code or self.code, "rule": rule, "part": part, "state": state})
        return f"{self.base}/quality/findings?{urlencode(query)}#danh-sach"


def title_of(chosen: Chosen, results: Sequence[RuleResult], of_all: str) -> str:
    """What a list of findings is called; ``of_all``: where nothing narrows it down."""
    words = wording.words()
    rule = next((each.rule.title for each in results if each.rule.code == chosen.rule), None)
    what = rule or (words["part"][chosen.part] if chosen.part else of_all)
    return f"{what}: {words['standing'][chosen.standing]}" if chosen.standing else str(what)


@dataclass(frozen=True, slots=True)
class LookedAtAgain:
    """What is known of a page of findings that its run could not know; none of it is counted anywhere."""

    mended: frozenset[int]
    """Findings that no longer hold, of dossiers that were read anew since the run."""
    rechecks: Mapping[int, Recheck]
    """The last time that somebody had one judged again since the run."""
    alone: frozenset[str]
    """Rules whose findings can be judged again by themselves."""


def look_again(connection: Connection, run: Run, rows: Sequence[RowToCorrect]) -> LookedAtAgain:
    """Looks at a page's findings as the ledger is now."""
    alone = rules_judged_alone()
    standing = [each.finding_id for each in rows if each.state != "fixed" and each.rule.code in alone]
    return LookedAtAgain(
        frozenset(mended_since(connection, standing, run.as_of, datetime.now(UTC))),
        last_rechecks(connection, standing, run.as_of),
        alone,
    )


def checked(run: Run) -> str:
    """Which run found it, in words."""
    said = wording.list_words()["told"]["checked"]
    return str(said.format(no=run.run_no, moment=wording.moment(run.as_of)))


# --- Reasons ------------------------------------------------------------------------------------------------------


def reason_of(written: str) -> str:
    """A reason as it is kept: one line of visible characters, NFC."""
    text = unicodedata.normalize("NFC", written)
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())


def what_is_wrong(why: str, until: date | None, today: date) -> str | None:
    """What is wrong with a reason or its last day; ``None``: nothing."""
    if not why:
        return "no_reason"
    if len(why) > LONGEST_REASON:
        return "long_reason"
    # It is shown in mails and workbooks.
    if holds_phone(why):
        return "phone"
    if until is None or not today <= until <= today + LONGEST_ACKNOWLEDGEMENT:
        return "bad_day"
    return None


def day_in(written: str) -> date | None:
    """A day as a form writes it; ``None``: it is none."""
    try:
        return datetime.strptime(written, "%Y-%m-%d").date()  # noqa: DTZ007 - a day has no zone
    except ValueError:
        return None
