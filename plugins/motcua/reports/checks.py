"""Describe findings in words: what is wrong, what it means, what to do, and where the handbook explains it."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime
from functools import cache, lru_cache
from shlex import quote
from typing import Any

import yaml
from jinja2 import Environment, Template, TemplateError, Undefined

from motcua.domain.checks import CHECKS, DOCTOR, SOURCE_CHECK, Fact, Finding, Severity
from motcua.domain.periods import Period
from motcua.domain.watching.alerts import Alert
from motcua.reports import wording
from motcua.settings import include_dir
from motcua.templating import templates

_UNWRITABLE = (TemplateError, TypeError, ValueError, AttributeError)
"""Errors that rendering may raise if another version of the software wrote the facts."""


@dataclass(frozen=True, slots=True)
class InWords:
    """A finding in words, as pages and mails show it."""

    name: str
    key: str
    severity: Severity
    title: str
    found: str
    """How many rows of a source show the fault, in words. Empty for findings that are not about rows of a source."""
    meaning: str
    """The meaning of the fault for citizens, in words."""
    todo: str
    page: str
    """The file of the handbook's page."""
    raised_at: datetime | None = None
    over_at: datetime | None = None
    acknowledged_by: str | None = None

    @property
    def command(self) -> str:
        """The command that acknowledges the alert in a terminal."""
        return f"motcua alerts acknowledge {quote(self.key)}"

    @property
    def address(self) -> str:
        """The address of the handbook's page, or the page's file if Airflow's address is not known."""
        return address_of(self.name) or self.page


@dataclass(frozen=True, slots=True)
class LookInWords:
    """The result of one check of the watch in words."""

    check: str
    state: str
    title: str
    state_words: str
    figure: str


@lru_cache(maxsize=1)
def check_words() -> dict[str, Any]:
    """Return the words of include/templates/checks.vi.yaml."""
    text = (include_dir() / "templates" / "checks.vi.yaml").read_text(encoding="utf-8")
    read: dict[str, Any] = yaml.load(text, yaml.CSafeLoader)
    return read


def words_of(name: str, adapter: str = "") -> dict[str, str]:
    """Return the words about a check, with unfilled places for facts.

    The words about a source depend on the adapter with which the source's software is read.

    Raises:
        KeyError: The check has no Vietnamese words.
    """
    words = check_words()
    return words["checks"][name] | words["of_adapter"].get(adapter, {}).get(name, {})  # type: ignore[no-any-return]


def in_words(finding: Finding, adapter: str = "") -> InWords:
    """Describe a finding in words, with its facts. ``adapter`` is the adapter of the finding's source."""
    if finding.name not in check_words()["checks"]:
        english = english_words(finding.name)
        title, found, meaning, todo = f"{english['what']} {finding.subject}", "", finding.detail, english["todo"]
    else:
        facts = {"subject": finding.subject, **finding.facts}
        if SOURCE_CHECK & finding.check.asked_by:
            facts |= _facts_of_source(finding)
        written = words_of(finding.name, adapter)
        title, found, meaning, todo = (_render(written, part, facts) for part in ("title", "found", "meaning", "todo"))
    return InWords(
        finding.name, finding.key, finding.severity, title or finding.key, found, meaning, todo, finding.check.page
    )


def _facts_of_source(finding: Finding) -> dict[str, str]:
    """Return the facts of a finding about a source in written form.

    A finding may contain codes of queries that were run in the source. Words replace these codes.
    """
    rows, of = finding.facts.get("rows"), finding.facts.get("of")
    names = [check_words()["question"].get(each, each) for each in finding.facts.get("names", ())]
    first, second, *_ = [*names, "", ""]
    return {
        "rows": "" if rows is None else wording.count(rows),
        "of": "" if of is None else wording.count(of),
        "share": wording.rate(rows, of) if rows is not None and of else "",
        "names": "; ".join(names),
        "first": first,
        "second": second,
    }


def alert_in_words(alert: Alert) -> InWords:
    """Describe an alert in the words of its finding, with its times and the person who attends to it."""
    alert_words = in_words(alert.finding, str(alert.facts.get("adapter", "")))
    if "adapter" in alert.facts:
        words, given = check_words()["of_source"], asdict(alert_words) | alert.facts | {"subject": alert.subject}
        title, meaning, todo = (_render(words, part, given) for part in ("title", "meaning", "todo"))
        alert_words = replace(alert_words, title=title, meaning=meaning, todo=todo)
    return replace(alert_words, raised_at=alert.raised_at, over_at=alert.over_at, acknowledged_by=alert.acknowledged_by)


def _render(words: Mapping[str, str], part: str, facts: Mapping[str, Any]) -> str:
    try:
        return _sentence(words.get(part, "")).render(facts)
    except _UNWRITABLE:
        # An alert with an empty part is better than no alert.
        return ""


def look_in_words(check: str, state: str, facts: Mapping[str, Fact]) -> LookInWords | None:
    """Describe the result of one check of the watch, with figures only if the check could run.

    Return ``None`` if this version of the software does not know the check.
    """
    words = check_words()["looks"].get(check)
    if words is None or state not in check_words()["states"]:
        return None
    figure, state_words, few = "", check_words()["states"][state], words.get("few")
    if few and state == "ok" and _number(facts.get(few["of"])) < wording.LEAST_JUDGED:
        words, state_words = words | {"figure": few["figure"]}, wording.too_few()
    if state in ("ok", "alert"):
        with suppress(*_UNWRITABLE):
            figure = _sentence(words["figure"]).render(facts)
    return LookInWords(check, state, words["title"], state_words, figure)


def _number(fact: Fact | None) -> float:
    return fact if isinstance(fact, (int, float)) else 0


def terms_of(adapter: str) -> str:
    """Return the text that explains the column names in findings about sources with this adapter. It may be empty."""
    return str(check_words()["terms"].get(adapter, ""))


def stopped_in_words(kind: str | None, agency: str | None) -> str:
    """Describe which messages a stop covers.

    ``kind`` is ``None`` for messages of every kind. ``agency`` is an agency's name, or ``None`` for every agency.
    """
    words = check_words()["stopped"]
    what = words["kind"].format(kind=wording.publication_words()["kind"][kind].lower()) if kind else words["every_kind"]
    whom = words["agency"].format(name=agency) if agency else words["every_agency"]
    return str(words["of"].format(what=what, whom=whom))


def verdict(severities: list[Severity]) -> str:
    """Return the verdict of a source check, as a sentence."""
    words = check_words()["verdict"]
    return str(words["forbidden" if "error" in severities else "warned" if severities else "clean"])


def english_words(name: str) -> dict[str, str]:
    """Return the English words about a check, for people who run the server: the fault (``what``) and the remedy
    (``todo``).

    Raises:
        KeyError: The command ``motcua doctor`` has no such check.
    """
    return _english_words()[name]


@cache
def _english_words() -> dict[str, dict[str, str]]:
    text = (include_dir() / "templates" / "doctor.en.yaml").read_text(encoding="utf-8")
    read: dict[str, dict[str, str]] = yaml.load(text, yaml.CSafeLoader)
    return read


def address_of(name: str) -> str:
    """Return the address of the handbook's page about a check. Empty if this process does not know Airflow's
    address."""
    base = os.environ.get("AIRFLOW__API__BASE_URL", "").rstrip("/")
    return f"{base}/motcua/checks/{name}" if base else ""


class _Blank(Undefined):
    """A fact that the handbook shows as "…", because no finding gives its value."""

    def __str__(self) -> str:
        return "…"


def handbook_words(name: str) -> dict[str, str]:
    """Return the words of the handbook's page about a check, with "…" instead of facts.

    The English words are added for checks of the command ``motcua doctor``.
    """
    blank = watch_templates().overlay(undefined=_Blank, autoescape=False)
    blank.filters = {**blank.filters, **dict.fromkeys(_FILTERS, lambda *_: "…")}
    words = check_words()["checks"].get(name, {})
    vietnamese = {
        part: blank.from_string(words[part]).render() for part in ("title", "meaning", "todo") if part in words
    }
    english = english_words(name) if DOCTOR & CHECKS[name].asked_by else dict[str, str]()
    return vietnamese | {f"en_{part}": text for part, text in english.items()}


def _moment(value: str | datetime | None) -> str:
    if value is None:
        return str(check_words()["letters"]["no_moment"])
    return wording.moment(datetime.fromisoformat(value) if isinstance(value, str) else value)


def _period(written: str) -> str:
    # Importing the words of publications takes long, so they are imported only if a fact is a period.
    from motcua.reports.publication.data import period_words

    return period_words(Period.parse(written))


@lru_cache(maxsize=1)
def _task_names() -> dict[str, str]:
    """Return the names of our DAGs' tasks in Airflow, by id."""
    dag_texts = wording.words_in("airflow/dags")
    tasks = [*(dag["tasks"] for dag in dag_texts["dags"].values()), dag_texts["shared_tasks"]]
    return {task_id: str(task["name"]) for of_dag in reversed(tasks) for task_id, task in of_dag.items()}


_FILTERS: dict[str, Callable[..., str]] = {
    "count": wording.plain,
    "percent": lambda hundredths: wording.percent(hundredths / 100),
    "moment": _moment,
    "day": lambda value: wording.day(date.fromisoformat(value)),
    "bytes": lambda value: f"{wording.decimal(value / 1e9)} GB",
    "task": lambda task_id: _task_names().get(task_id, str(task_id)),
    "check": lambda name: str(check_words()["looks"].get(name, {"title": name})["title"]),
    "period": _period,
}


@lru_cache(maxsize=1)
def watch_templates() -> Environment:
    """Return the environment for the watch's mails, with filters that put facts into words."""
    return templates("watch", _FILTERS, layouts="mail")


@cache
def _sentence(written: str) -> Template:
    """Compile a sentence as a template, once for all alerts. The template does not escape values; HTML texts escape the
    whole sentence."""
    return watch_templates().overlay(autoescape=False).from_string(written)


def load_every_sentence() -> None:
    """Compile the sentences of all checks. They stay in memory."""
    words = check_words()
    for written in (
        *(look["few"]["figure"] for look in words["looks"].values() if "few" in look),
        *(part for parts_of_check in words["checks"].values() for part in parts_of_check.values()),
        *words["of_source"].values(),
    ):
        _sentence(written)
    for look in words["looks"].values():
        _sentence(look["figure"])
