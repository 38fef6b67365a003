"""Read the rules of data quality from ``include/quality/rules.yaml``.

A check of data quality first fills tables from the ledger, the *snapshot*. A *fact* is a column of the snapshot. A
rule is data: its condition on facts, its severity, who can correct its *findings* (the rows that meet the condition),
and its Vietnamese texts, which mails, pages and commands show. Suites of Great Expectations are made from the rules.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from string import Formatter
from typing import Annotated

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from motcua.domain.clock import VIETNAM
from motcua.quality.report_data import Level, RuleWords, Severity, ThresholdUsed
from motcua.settings import include_dir, settings
from motcua.store.oversight.quality import facts_of

_PLACE = re.compile(r"%\((\w+)\)s")
# SQLAlchemy would read a word after a single colon as a parameter.
_COLON = re.compile(r"(?<![:\w\\]):\w")
_FACT = re.compile(r"\bf\.(\w+)")
_QUOTED = re.compile(r"'[^']*'")
_EVERYWHERE = {"as_of", "since"}
_IN_SENTENCES = {"since", "days"}
"""Names that the text ``what`` of every rule may use: the day of the fault, and the calendar days since that day."""


class RulesInvalid(Exception):
    """Raised if the rules or their thresholds cannot be used. The message gives the place and the reason."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Threshold(_Strict):
    """One threshold of a rule, with the bounds within which a deployment may change it."""

    value: float
    least: float = 0
    most: float = 1_000_000
    meaning: str

    @model_validator(mode="after")
    def _within(self) -> Threshold:
        if not self.least <= self.value <= self.most:
            raise ValueError(f"value {self.value:g} is not between {self.least:g} and {self.most:g}")
        return self


class Rule(RuleWords):
    """One rule. The head of ``include/quality/rules.yaml`` explains the fields."""

    code: Annotated[str, Field(pattern=r"^[A-Z][0-9]{1,2}M?$")]
    what: str
    where: str
    since: str = "NULL::timestamptz"
    facts: dict[Annotated[str, Field(pattern=r"^[a-z_]+$")], str] = Field(default_factory=dict)
    thresholds: dict[Annotated[str, Field(pattern=r"^[a-z_]+$")], Threshold] = Field(default_factory=dict)

    @field_validator("title", "explanation", "action", "what")
    @classmethod
    def _is_text(cls, text: str) -> str:
        if not text.strip() or unicodedata.normalize("NFC", text) != text:
            raise ValueError("must be Vietnamese text, not empty, in Unicode form NFC")
        return text.strip()

    @model_validator(mode="after")
    def _is_consistent(self) -> Rule:
        known = set(self.thresholds) | _EVERYWHERE
        for name, sql in {"where": self.where, "since": self.since, **self.facts}.items():
            bare = _QUOTED.sub("", sql)
            if not bare.strip() or ";" in bare or "--" in bare or "/*" in bare:
                raise ValueError(f"{name}: must be one SQL expression, without ; and comments")
            if _COLON.search(sql):
                raise ValueError(
                    f"{name}: a single colon before a word is not allowed, because SQLAlchemy reads it as a parameter"
                )
            if missing := set(_PLACE.findall(sql)) - known:
                raise ValueError(f"{name}: there is no threshold {', '.join(sorted(missing))}")
        said = {field for _, field, _, _ in Formatter().parse(self.what) if field is not None}
        if missing := said - set(self.facts) - _IN_SENTENCES:
            raise ValueError(f"what: there is no fact {', '.join(sorted(missing))}")
        if set(self.facts) & _IN_SENTENCES:
            raise ValueError(
                f"facts: {', '.join(sorted(_IN_SENTENCES))} may not be declared: they are given to every sentence"
            )
        return self


class Frame(_Strict):
    """The snapshot's table for the rules of one level, and the SQL expression that identifies a row of the table.

    The level of a rule states what its findings are about, for example dossiers.
    """

    table: Annotated[str, Field(pattern=r"^[a-z_]+$")]
    subject: str


class Deadline(_Strict):
    """Working days until the agency is reminded, plus those until the Department (it runs the system) is informed."""

    agency: Annotated[int, Field(ge=1, le=60)]
    department: Annotated[int, Field(ge=0, le=60)]


class HoldTime(_Strict):
    """The conditions for suggesting a hold time: the time before the message about a result is sent.

    Until then the agency may take the result back. ``share``, ``cases``: at least this share and number of announced
    results were taken back within the longest of ``minutes``, which are the hold times to choose from.
    """

    share: float
    cases: int
    minutes: list[int]
    sentence: str


class BadPhones(_Strict):
    """The conditions for naming a desk user or a procedure from which bad phone numbers come.

    ``dossiers``: the desk user or procedure has at least this many dossiers. ``part``: at least this part of the
    agency's bad phone numbers comes from there. ``share``: less than this share of its dossiers can get an SMS.
    """

    dossiers: int
    part: float
    share: float
    desk_user: str
    procedure: str


class Phrases(_Strict):
    """The words that all rules share."""

    unit: dict[Level, str]
    late: str
    new: str
    back: str
    unknown_day: str
    unknown_days: str
    month: str
    month_of_procedure: str
    source: str
    lost_rule: str
    no_agency: str


class Suggestions(_Strict):
    """The conditions for suggesting a hold time, and for naming where bad phone numbers come from."""

    hold_time: HoldTime
    phones: BadPhones


class RuleBook(_Strict):
    """All rules, with the values that apply to all of them."""

    months_before: Annotated[int, Field(ge=0, le=24)]
    deadlines: dict[Severity, Deadline]
    suggestions: Suggestions
    phrases: Phrases
    rated_from: Annotated[int, Field(ge=1)]
    levels: dict[Level, Frame]
    rules: dict[str, Rule]

    @model_validator(mode="before")
    @classmethod
    def _name_the_rules(cls, content: object) -> object:
        if isinstance(content, dict) and isinstance(content.get("rules"), dict):
            named = {
                code: {"code": code, **rule} if isinstance(rule, dict) else rule
                for code, rule in content["rules"].items()
            }
            return content | {"rules": named}
        return content

    def since(self, as_of: datetime) -> datetime:
        """Return the beginning of the months that are examined, in Vietnam's time zone."""
        first = as_of.astimezone(VIETNAM).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        for _ in range(self.months_before):
            first = (first - timedelta(days=1)).replace(day=1)
        return first

    def thresholds_used(self) -> tuple[ThresholdUsed, ...]:
        """Return every threshold with the value in force and the value in the file."""
        defaults = _read_file().rules
        return tuple(
            ThresholdUsed(rule.code, name, each.meaning, each.value, defaults[rule.code].thresholds[name].value)
            for rule in self.rules.values()
            for name, each in rule.thresholds.items()
        )


def load_rules(overrides: Mapping[str, float] | None = None) -> RuleBook:
    """Return the rules with the thresholds in force.

    Args:
        overrides: values by ``<code>.<name>``, and ``months_before``; by default the values of
            ``MOTCUA_QUALITY_THRESHOLDS``.

    Raises:
        RulesInvalid: the file or an override cannot be used.
    """
    book = _read_file()
    chosen = settings().quality_thresholds if overrides is None else overrides
    if not chosen:
        return book
    content = book.model_dump()
    for name, value in chosen.items():
        if name == "months_before":
            content["months_before"] = int(value)
            continue
        code, _, threshold = name.partition(".")
        if threshold not in content["rules"].get(code, {}).get("thresholds", {}):
            raise RulesInvalid(f"There is no threshold {name}; motcua quality rules lists them.")
        content["rules"][code]["thresholds"][threshold]["value"] = value
    return _validated(content, "MOTCUA_QUALITY_THRESHOLDS")


@lru_cache(maxsize=1)
def _read_file() -> RuleBook:
    path = include_dir() / "quality" / "rules.yaml"
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise RulesInvalid(f"{path.name} cannot be read: {error.strerror}.") from None
    except yaml.YAMLError as error:
        raise RulesInvalid(f"{path.name} is not valid YAML: {error}") from None
    return _validated(content, path.name)


def _validated(content: object, whence: str) -> RuleBook:
    try:
        book = RuleBook.model_validate(content)
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
        raise RulesInvalid(f"{whence}: {faults}") from None
    for rule in book.rules.values():
        table = book.levels[rule.level].table
        asked = _QUOTED.sub("", " ".join((rule.where, rule.since, *rule.facts.values())))
        if unknown := sorted(set(_FACT.findall(asked)) - facts_of(table)):
            raise RulesInvalid(
                f"{whence}: {rule.code} asks for {', '.join(unknown)}, which {table} does not have."
                f" The SQL statements in include/sql/quality define the columns of {table}."
            )
    return book


@dataclass(frozen=True, slots=True)
class Asked:
    """One rule as a query on the snapshot."""

    rule: Rule
    table: str
    query: str
    """The SQL that returns the offending rows: ``subject, agency_code, since, facts``. ``{batch}`` stands for the
    table."""

    @property
    def digest(self) -> str:
        """Return the SHA-256 of the rule's condition, level and thresholds. It is the same in every run."""
        asked = [self.rule.where, self.rule.level]
        asked += [f"{name}={each.value:g}" for name, each in sorted(self.rule.thresholds.items())]
        return hashlib.sha256("\x1f".join(asked).encode()).hexdigest()


def ask(book: RuleBook, as_of: datetime, since: datetime) -> tuple[Asked, ...]:
    """Return all rules as SQL on the snapshot, with thresholds filled in."""
    return tuple(_rule_query(book.levels[rule.level], rule, as_of, since) for rule in book.rules.values())


def condition(rule: Rule, as_of: datetime, since: datetime) -> str:
    """Return a rule's condition on the facts, with thresholds filled in."""
    return _fill_thresholds(rule.where, rule, as_of, since)


def calendar_days(as_of: datetime, since: datetime) -> tuple[date, date]:
    """Return the first and the last day of the calendars that the facts of the snapshot need."""
    return date(since.year - 1, 1, 1), date(as_of.astimezone(VIETNAM).year + 2, 12, 31)


def snapshot_thresholds(book: RuleBook) -> dict[str, float]:
    """Return all thresholds by their names in the snapshot's SQL statements, where R4.seconds is ``r4_seconds``."""
    return {
        f"{rule.code.lower()}_{name}": each.value
        for rule in book.rules.values()
        for name, each in rule.thresholds.items()
    }


def _fill_thresholds(sql: str, rule: Rule, as_of: datetime, since: datetime) -> str:
    values = {name: f"{each.value:g}" for name, each in rule.thresholds.items()}
    # The values are numbers and times of the project itself, never text from outside.
    values |= {"as_of": f"'{as_of.isoformat()}'::timestamptz", "since": f"'{since.isoformat()}'::timestamptz"}
    return _PLACE.sub(lambda place: values[place[1]], sql).strip()


def _rule_query(frame: Frame, rule: Rule, as_of: datetime, since: datetime) -> Asked:
    def filled(sql: str) -> str:
        # Great Expectations would read single braces as its own placeholders.
        return _fill_thresholds(sql, rule, as_of, since).replace("{", "{{").replace("}", "}}")

    facts = ", ".join(f"'{name}', {filled(sql)}" for name, sql in rule.facts.items())
    query = (
        f"SELECT {filled(frame.subject)} AS subject, f.agency_code AS agency_code, {filled(rule.since)} AS since,"  # noqa: S608 - the project's own SQL
        f" jsonb_build_object({facts})::text AS facts FROM (SELECT * FROM {{batch}}) AS f"
        f" WHERE ({filled(rule.where)})"
    )
    return Asked(rule, frame.table, query)
