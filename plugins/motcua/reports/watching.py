"""What the watch says: each alert in words, the mail about alerts, the mail of each day, and what is posted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache, lru_cache
from shlex import quote
from typing import Any, Literal

import yaml
from jinja2 import Environment, Template, TemplateError

from motcua.domain.checks import CHECKS, Fact, key_of
from motcua.domain.watching.alerts import Alert
from motcua.reports import wording
from motcua.reports.checking import check_words, words_of
from motcua.reports.mail import Mail, inline_styles, tidy
from motcua.settings import include_dir
from motcua.templating import templates


@dataclass(frozen=True, slots=True)
class AlertInWords:
    """An alert as people read it."""

    name: str
    key: str
    title: str
    meaning: str
    """For citizens."""
    todo: str
    page: str
    """Of the handbook."""
    raised_at: datetime | None
    over_at: datetime | None
    acknowledged_by: str | None

    @property
    def command(self) -> str:
        """How one says in a terminal that one looks after it."""
        return f"motcua alerts acknowledge {quote(self.key)}"


@dataclass(frozen=True, slots=True)
class LookInWords:
    """What was looked at, as people read it."""

    check: str
    state: str
    title: str
    state_words: str
    figure: str


def alert_in_words(
    name: str,
    subject: str,
    facts: Mapping[str, Any],
    *,
    raised_at: datetime | None,
    over_at: datetime | None = None,
    acknowledged_by: str | None = None,
) -> AlertInWords:
    """The alert's words with its facts in them."""
    words = _words()["alerts"][name]

    def render(part: str) -> str:
        try:
            return _sentence(words[part]).render({"subject": subject, **facts})
        except (TemplateError, TypeError, ValueError, AttributeError):
            # Facts of another version: an alert without its figures is better than none.
            return key_of(name, subject) if part == "title" else ""

    return AlertInWords(
        name=name,
        key=key_of(name, subject),
        title=render("title"),
        meaning=render("meaning"),
        todo=render("todo"),
        page=CHECKS[name].page,
        raised_at=raised_at,
        over_at=over_at,
        acknowledged_by=acknowledged_by,
    )


def in_words(alert: Alert) -> AlertInWords:
    """The same of an alert of the watch."""
    return alert_in_words(
        alert.name,
        alert.subject,
        alert.facts,
        raised_at=alert.raised_at,
        over_at=alert.over_at,
        acknowledged_by=alert.acknowledged_by,
    )


def look_in_words(check: str, state: str, facts: Mapping[str, Fact]) -> LookInWords | None:
    """What a check saw, figures only where it could look; ``None``: this version knows no such check."""
    words = _words()["checks"].get(check)
    if words is None or state not in _words()["states"]:
        return None
    figure = ""
    if state in ("ok", "alert"):
        with suppress(TemplateError, TypeError, ValueError, AttributeError):
            figure = _sentence(words["figure"]).render(facts)
    return LookInWords(check, state, words["title"], _words()["states"][state], figure)


def compose_alerts(
    raised: Sequence[Alert],
    over: Sequence[Alert],
    open_ones: Iterable[Alert],
    reference: str,
    page: str | None,
    now: datetime,
) -> Mail:
    """The mail about alerts that were raised or are over; ``open_ones``: others that are open."""
    values = {
        "raised": [in_words(each) for each in raised],
        "over": [in_words(each) for each in over],
        "open_ones": [in_words(each) for each in open_ones],
        "page": page,
        "now": now,
    }
    first = (values["raised"] or values["over"])[0]  # type: ignore[index]
    more = len(raised) + len(over) - 1
    said = _words()["letters"]
    subject = said["raised" if raised else "over"].format(title=first.title)
    subject += said["more"].format(number=more) if more else ""
    return _mail("alerts", reference, subject, values)


def compose_life(
    open_ones: Iterable[Alert],
    looks: Sequence[LookInWords],
    reference: str,
    page: str | None,
    *,
    began_at: datetime,
    now: datetime,
) -> Mail:
    """The mail that says each day that the watch lives."""
    alerts = [in_words(each) for each in open_ones]
    said = _words()["letters"]
    state = said["open"].format(number=len(alerts)) if alerts else said["none_open"]
    subject = said["life"].format(day=wording.day(now), state=state)
    values = {"open_ones": alerts, "looks": looks, "page": page, "began_at": began_at, "now": now}
    return _mail("life", reference, subject, values)


def post_of_alerts(raised: Sequence[Alert], over: Sequence[Alert], now: datetime) -> dict[str, Any]:
    """What is posted to the webhook: ``text`` for chat services, and each alert for programs."""
    words = [(each, in_words(each)) for each in (*raised, *over)]
    letters = _words()["letters"]
    lines = [letters["post_over" if each.over_at else "post_raised"].format(title=said.title) for each, said in words]
    return {
        "text": "\n".join(lines),
        "at": now.isoformat(),
        "alerts": [
            {
                "name": alert.name,
                "subject": alert.subject,
                "state": "over" if alert.over_at else "open",
                "raised_at": alert.raised_at.isoformat() if alert.raised_at else None,
                "over_at": alert.over_at.isoformat() if alert.over_at else None,
                "title": said.title,
                "meaning": said.meaning,
                "todo": said.todo,
                "page": said.page,
                "facts": alert.facts,
            }
            for alert, said in words
        ],
    }


def _mail(template: str, reference: str, subject: str, values: Mapping[str, Any]) -> Mail:
    given = {"subject": subject, **values}
    text = tidy(_environment().get_template(f"{template}.txt").render(given))
    html = inline_styles(_environment().get_template(f"{template}.html").render(given))
    return Mail(reference, subject, text, html)


def _moment(value: str | datetime | None) -> str:
    if value is None:
        return str(_words()["letters"]["no_moment"])
    return wording.moment(datetime.fromisoformat(value) if isinstance(value, str) else value)


def _day(value: str) -> str:
    return wording.day(date.fromisoformat(value))


def _bytes(value: float) -> str:
    return f"{wording.decimal(value / 1e9)} GB"


def _check(name: str) -> str:
    found = _words()["checks"].get(name)
    return str(found["title"]) if found else name


def _finding(kind: str, part: Literal["title", "why", "action"] = "title", adapter: str | None = None) -> str:
    # What a later version found has no words here.
    return words_of(kind, adapter or "")[part] if kind in check_words()["findings"] else kind


@lru_cache(maxsize=1)
def _environment() -> Environment:
    filters: dict[str, Callable[..., str]] = {
        "count": wording.plain,
        "percent": lambda hundredths: wording.percent(hundredths / 100),
        "moment": _moment,
        "day": _day,
        "bytes": _bytes,
        "check": _check,
        "finding": _finding,
    }
    return templates("watch", filters, layouts="mail")


@lru_cache(maxsize=1)
def _sentences() -> Environment:
    """For single sentences, which are escaped where they are put into HTML."""
    return _environment().overlay(autoescape=False)


@cache
def _sentence(written: str) -> Template:
    """Compiled once, and not once an alert: of one kind there may be many."""
    return _sentences().from_string(written)


def load_every_sentence() -> None:
    """Compiles the sentences of all alerts and checks, which are kept."""
    words = _words()
    for alert in words["alerts"].values():
        for part in ("title", "meaning", "todo"):
            _sentence(alert[part])
    for check in words["checks"].values():
        _sentence(check["figure"])


@lru_cache(maxsize=1)
def _words() -> dict[str, Any]:
    path = include_dir() / "templates" / "watch" / "alerts.vi.yaml"
    read: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return read
