"""What the watch mails and posts: about alerts, and each day that it lives."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from motcua.domain.watching.alerts import Alert
from motcua.reports import wording
from motcua.reports.checks import LookInWords, alert_in_words, check_words, watch_templates
from motcua.reports.mail import Mail, inline_styles, tidy


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
        "raised": [alert_in_words(each) for each in raised],
        "over": [alert_in_words(each) for each in over],
        "open_ones": [alert_in_words(each) for each in open_ones],
        "page": page,
        "now": now,
    }
    first = (values["raised"] or values["over"])[0]  # type: ignore[index]
    more = len(raised) + len(over) - 1
    said = check_words()["letters"]
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
    watched: str | None = None,
) -> Mail:
    """The mail that says each day that the watch lives; ``watched``: one on another machine begins to watch this
    server."""
    alerts = [alert_in_words(each) for each in open_ones]
    said = check_words()["letters"]
    state = said["open"].format(number=len(alerts)) if alerts else said["none_open"]
    subject = said["life" if watched is None else "elsewhere"].format(day=wording.day(now), state=state, host=watched)
    values = {
        "open_ones": alerts,
        "looks": looks,
        "page": page,
        "began_at": began_at,
        "now": now,
        "watched": watched,
    }
    return _mail("life", reference, subject, values)


def post_of_alerts(raised: Sequence[Alert], over: Sequence[Alert], now: datetime) -> dict[str, Any]:
    """What is posted to the webhook: ``text`` for chat services, and each alert for programs."""
    words = [(each, alert_in_words(each)) for each in (*raised, *over)]
    letters = check_words()["letters"]
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
                "address": said.address,
                "facts": alert.facts,
            }
            for alert, said in words
        ],
    }


def _mail(template: str, reference: str, subject: str, values: Mapping[str, Any]) -> Mail:
    given = {"subject": subject, **values}
    text = tidy(watch_templates().get_template(f"{template}.txt").render(given))
    html = inline_styles(watch_templates().get_template(f"{template}.html").render(given))
    return Mail(reference, subject, text, html)
