"""Compose the mails and webhook posts of the watch: about alerts, and once a day as a sign of life."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from motcua.domain.watching.alerts import Alert
from motcua.reports import wording
from motcua.reports.checks import InWords, LookInWords, alert_in_words, check_words, watch_templates
from motcua.reports.mail import Mail, inline_styles, tidy


@dataclass(frozen=True, slots=True)
class _Ended:
    """An alert that is over, and how it ended."""

    alert: InWords
    looks: int
    """Number of consecutive checks that did not find the fault."""

    @property
    def how(self) -> str:
        """How the alert ended, and who attended to it."""
        words = check_words()["letters"]
        how = words["ended" if self.looks > 1 else "ended_at_once"].format(looks=self.looks)
        by = self.alert.acknowledged_by
        return str(words["looked_after"].format(how=how, by=by) if by else how)

    @property
    def lasted(self) -> str:
        """How long the alert was open, in words."""
        began, ended = self.alert.raised_at, self.alert.over_at
        # The clock may have been set back meanwhile.
        minutes = 0 if began is None or ended is None else max((ended - began).total_seconds() / 60, 0)
        unit, least = next(each for each in _LASTED if minutes >= each[1])
        return str(check_words()["letters"]["lasted"][unit].format(number=round(minutes / (least / 2 or 1))))


_LASTED = (("days", 2880), ("hours", 120), ("minutes", 0))
"""Units of a duration, each with the number of minutes from which the unit is used. This number is the length of two
units."""


def compose_alerts(
    raised: Sequence[Alert],
    over: Sequence[Alert],
    open_ones: Iterable[Alert],
    reference: str,
    page: str | None,
    now: datetime,
) -> Mail:
    """Compose the mail about alerts that were raised or are over. ``open_ones`` are the other open alerts."""
    values = {
        "raised": [alert_in_words(each) for each in raised],
        "over": [_Ended(alert_in_words(each), each.gone) for each in over],
        "open_ones": [alert_in_words(each) for each in open_ones],
        "page": page,
        "now": now,
    }
    first, more = alert_in_words([*raised, *over][0]), len(raised) + len(over) - 1
    words = check_words()["letters"]
    subject = words["raised" if raised else "over"].format(title=first.title)
    subject += words["more"].format(number=more) if more else ""
    return _mail("alerts", reference, subject, values)


def compose_life(
    open_ones: Iterable[Alert],
    looks: Sequence[LookInWords],
    reference: str,
    page: str | None,
    *,
    began_at: datetime,
    now: datetime,
    watched: str | None = None,
) -> Mail:
    """Compose the daily mail that shows that the watch runs.

    ``watched`` is the host of the watched server, given only for the first mail of a watch on another machine.
    """
    alerts = [alert_in_words(each) for each in open_ones]
    words = check_words()["letters"]
    if alerts:
        state = words["open"].format(number=len(alerts))
    else:
        # A check that found a fault in a single round has raised no alert yet, so the mail calls it uncertain.
        looks = [replace(each, state_words=words["unsure"]) if each.state == "alert" else each for each in looks]
        unsure = sum(each.state not in ("ok", "not_set") for each in looks)
        state = words["none_open_unsure"].format(number=unsure) if unsure else words["none_open"]
    subject = words["life" if watched is None else "elsewhere"].format(day=wording.day(now), state=state, host=watched)
    values = {
        "open_ones": alerts,
        "state": state,
        "looks": looks,
        "page": page,
        "began_at": began_at,
        "now": now,
        "watched": watched,
    }
    return _mail("life", reference, subject, values)


def post_of_alerts(raised: Sequence[Alert], over: Sequence[Alert], now: datetime) -> dict[str, Any]:
    """Return the body for the webhook: ``text`` for chat services, and the alerts for programs."""
    words = [(each, alert_in_words(each)) for each in (*raised, *over)]
    letters = check_words()["letters"]
    lines = [
        letters["post_over" if each.over_at else "post_raised"].format(title=alert_words.title)
        for each, alert_words in words
    ]
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
                "title": alert_words.title,
                "meaning": alert_words.meaning,
                "todo": alert_words.todo,
                "page": alert_words.page,
                "address": alert_words.address,
                "facts": alert.facts,
            }
            for alert, alert_words in words
        ],
    }


def _mail(template: str, reference: str, subject: str, values: Mapping[str, Any]) -> Mail:
    given = {"subject": subject, **values}
    text = tidy(watch_templates().get_template(f"{template}.txt").render(given))
    html = inline_styles(watch_templates().get_template(f"{template}.html").render(given))
    return Mail(reference, subject, text, html)
