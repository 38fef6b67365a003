"""Checks in words: what is wrong, what it means, what is to be done, and where the handbook says more."""

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
"""Facts of another version."""


@dataclass(frozen=True, slots=True)
class InWords:
    """A finding as people read it."""

    name: str
    key: str
    severity: Severity
    title: str
    found: str
    """Of what a source shows: how much of it is so."""
    meaning: str
    """For citizens."""
    todo: str
    page: str
    """Of the handbook, as a file."""
    raised_at: datetime | None = None
    over_at: datetime | None = None
    acknowledged_by: str | None = None

    @property
    def command(self) -> str:
        """How one says in a terminal that one looks after it."""
        return f"motcua alerts acknowledge {quote(self.key)}"

    @property
    def address(self) -> str:
        """Of the handbook's page, as a browser opens it; the file where Airflow's address is not known."""
        return address_of(self.name) or self.page


@dataclass(frozen=True, slots=True)
class LookInWords:
    """What was looked at, as people read it."""

    check: str
    state: str
    title: str
    state_words: str
    figure: str


@lru_cache(maxsize=1)
def check_words() -> dict[str, Any]:
    """The words of include/templates/checks.vi.yaml."""
    read: dict[str, Any] = yaml.safe_load((include_dir() / "templates" / "checks.vi.yaml").read_text(encoding="utf-8"))
    return read


def words_of(name: str, adapter: str = "") -> dict[str, str]:
    """What is said of a check, its facts still in braces; of a source's for whoever runs software of that adapter.

    Raises:
        KeyError: nothing is said in Vietnamese of it.
    """
    words = check_words()
    return words["checks"][name] | words["of_adapter"].get(adapter, {}).get(name, {})  # type: ignore[no-any-return]


def in_words(finding: Finding, adapter: str = "") -> InWords:
    """A finding with its facts in its words; ``adapter``: that of its source."""
    if finding.name not in check_words()["checks"]:
        said = english_words(finding.name)
        title, found, meaning, todo = f"{said['what']} {finding.subject}", "", finding.detail, said["todo"]
    else:
        facts = {"subject": finding.subject, **finding.facts}
        if SOURCE_CHECK & finding.check.asked_by:
            facts |= _as_source_tells(finding)
        written = words_of(finding.name, adapter)
        title, found, meaning, todo = (_render(written, part, facts) for part in ("title", "found", "meaning", "todo"))
    return InWords(
        finding.name, finding.key, finding.severity, title or finding.key, found, meaning, todo, finding.check.page
    )


def _as_source_tells(finding: Finding) -> dict[str, str]:
    """Figures of rows written out; questions have names of their own, whatever else is named stands as it is."""
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
    """An alert in words: those of its finding, told beside others, with since when and who looks after it."""
    said = in_words(alert.finding, str(alert.facts.get("adapter", "")))
    if "adapter" in alert.facts:
        words, given = check_words()["of_source"], asdict(said) | alert.facts | {"subject": alert.subject}
        title, meaning, todo = (_render(words, part, given) for part in ("title", "meaning", "todo"))
        said = replace(said, title=title, meaning=meaning, todo=todo)
    return replace(said, raised_at=alert.raised_at, over_at=alert.over_at, acknowledged_by=alert.acknowledged_by)


def _render(words: Mapping[str, str], part: str, facts: Mapping[str, Any]) -> str:
    try:
        return _sentence(words.get(part, "")).render(facts)
    except _UNWRITABLE:
        # An alert without its figures is better than none.
        return ""


def look_in_words(check: str, state: str, facts: Mapping[str, Fact]) -> LookInWords | None:
    """What the watch saw, figures only where it could look; ``None``: this version knows no such look."""
    words = check_words()["looks"].get(check)
    if words is None or state not in check_words()["states"]:
        return None
    figure, said, few = "", check_words()["states"][state], words.get("few")
    if few and state == "ok" and _number(facts.get(few["of"])) < wording.LEAST_JUDGED:
        words, said = words | {"figure": few["figure"]}, wording.too_few()
    if state in ("ok", "alert"):
        with suppress(*_UNWRITABLE):
            figure = _sentence(words["figure"]).render(facts)
    return LookInWords(check, state, words["title"], said, figure)


def _number(fact: Fact | None) -> float:
    return fact if isinstance(fact, (int, float)) else 0


def terms_of(adapter: str) -> str:
    """How the columns that findings name are to be read where no view stands behind a source; empty where one does."""
    return str(check_words()["terms"].get(adapter, ""))


def stopped_in_words(kind: str | None, agency: str | None) -> str:
    """What a stop is of: a kind or every kind, of an agency by its name or of every one."""
    said = check_words()["stopped"]
    what = said["kind"].format(kind=wording.publication_words()["kind"][kind].lower()) if kind else said["every_kind"]
    whom = said["agency"].format(name=agency) if agency else said["every_agency"]
    return str(said["of"].format(what=what, whom=whom))


def verdict(severities: list[Severity]) -> str:
    """What a check of a source came to, in a sentence."""
    said = check_words()["verdict"]
    return str(said["forbidden" if "error" in severities else "warned" if severities else "clean"])


def english_words(name: str) -> dict[str, str]:
    """``what`` a fault means, and what is ``todo``, for whoever runs the server.

    Raises:
        KeyError: the doctor asks for no such thing.
    """
    return _english()[name]


@cache
def _english() -> dict[str, dict[str, str]]:
    read: dict[str, dict[str, str]] = yaml.safe_load(
        (include_dir() / "templates" / "doctor.en.yaml").read_text(encoding="utf-8")
    )
    return read


def address_of(name: str) -> str:
    """Where a browser opens the handbook's page of a check; empty: Airflow's own address is not known here."""
    base = os.environ.get("AIRFLOW__API__BASE_URL", "").rstrip("/")
    return f"{base}/motcua/checks/{name}" if base else ""


class _Blank(Undefined):
    """A fact that no finding has given yet."""

    def __str__(self) -> str:
        return "…"


def handbook_words(name: str) -> dict[str, str]:
    """What the handbook's page says of a check, whatever its figures; of what the doctor asks also in English."""
    blank = watch_templates().overlay(undefined=_Blank, autoescape=False)
    blank.filters = {**blank.filters, **dict.fromkeys(_FILTERS, lambda *_: "…")}
    words = check_words()["checks"].get(name, {})
    said = {part: blank.from_string(words[part]).render() for part in ("title", "meaning", "todo") if part in words}
    english = english_words(name) if DOCTOR & CHECKS[name].asked_by else dict[str, str]()
    return said | {f"en_{part}": text for part, text in english.items()}


def _moment(value: str | datetime | None) -> str:
    if value is None:
        return str(check_words()["letters"]["no_moment"])
    return wording.moment(datetime.fromisoformat(value) if isinstance(value, str) else value)


def _period(written: str) -> str:
    # What tells of publications takes long to import.
    from motcua.reports.publication.data import period_words

    return period_words(Period.parse(written))


@lru_cache(maxsize=1)
def _task_names() -> dict[str, str]:
    """What tasks of our DAGs are called in Airflow, by id."""
    told = wording.words_in("airflow/dags")
    tasks = [*(dag["tasks"] for dag in told["dags"].values()), told["shared_tasks"]]
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
    """Of the watch's mails, with how facts are written."""
    return templates("watch", _FILTERS, layouts="mail")


@cache
def _sentence(written: str) -> Template:
    """Compiled once, and not once an alert: of one kind there may be many. Escaped where it is put into HTML."""
    return watch_templates().overlay(autoescape=False).from_string(written)


def load_every_sentence() -> None:
    """Compiles the sentences of all checks and looks, which are kept."""
    words = check_words()
    for written in (
        *(look["few"]["figure"] for look in words["looks"].values() if "few" in look),
        *(part for said in words["checks"].values() for part in said.values()),
        *words["of_source"].values(),
    ):
        _sentence(written)
    for look in words["looks"].values():
        _sentence(look["figure"])
