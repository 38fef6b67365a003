"""Sends the watch's letters: a mail to each recipient and a post to the webhook. The next round retries a letter that
could not be sent.

A letter is stored before it is sent, and the state is stored again after each recipient who got the letter. If the
watch dies in between, one recipient gets the mail twice. This is better than a mail that nobody gets. A mail is also
sent twice if the mail server closes the connection after it got the content. The second mail has the same Message-ID,
by which mail programs recognize it as a copy.
"""

from __future__ import annotations

import logging
import os
import smtplib
import ssl
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from html import escape
from typing import Any

import requests

from motcua.domain.watching.alerts import Alert
from motcua.jobs.mailing import SMTP_CONNECTION, MailServer, MailServerFailed, kind_of_failure, mail_server
from motcua.jobs.watching.keeping import Letter, WatchState
from motcua.reports.checks import LookInWords
from motcua.reports.mail import Mail
from motcua.reports.watching import compose_alerts, compose_life, post_of_alerts
from motcua.settings import Settings
from motcua.store.ledger.environment import GivenConnection, connection_of_environment
from motcua.store.oversight.report_mails import hash_recipient

log = logging.getLogger(__name__)

_PATIENCE = 10.0
"""Seconds that one answer of the mail server may take."""
_REST, _LONGEST_REST = timedelta(minutes=1), timedelta(minutes=30)
"""First and longest pause of a letter that the mail server refused. The pause doubles at each further refusal.

A mail server that cannot be reached is tried in each round.
"""
_DAILY_SENT_WITHIN, _SENT_WITHIN = timedelta(hours=20), timedelta(days=7)
"""How long the watch tries to send a letter before it deletes the letter: a daily letter, and any other letter."""
_MOST_LETTERS = 500
_OF_ONE_LETTER = (400, 413, 422)
"""HTTP statuses with which a webhook refuses one letter, for example because it is too large. The webhook may still
accept the next letter."""


def page_of_alerts() -> str | None:
    """Return the address of the staff page of alerts. ``None`` if ``AIRFLOW__API__BASE_URL`` is not set."""
    base = os.environ.get("AIRFLOW__API__BASE_URL", "")
    return f"{base.rstrip('/')}/motcua/alerts" if base else None


def write_about_alerts(
    state: WatchState, raised: Sequence[Alert], over: Sequence[Alert], settings: Settings, now: datetime
) -> None:
    """Store a letter about the alerts that this round raised or ended."""
    state.last_number += 1
    others = [each for each in state.alerts.values() if each.raised_at is not None and each not in raised]
    try:
        mail = compose_alerts(raised, over, others, "", page_of_alerts(), now)
        post = post_of_alerts(raised, over, now)
    except Exception:
        # Templates of another release may be installed while this watch runs. A plain letter is better than no letter.
        log.exception("the mail about alerts cannot be composed; a plain mail is sent instead")
        mail, post = _plain_letter(raised, over)
    _queue(
        state,
        Letter(
            number=state.last_number,
            made_at=now,
            subject=mail.subject,
            text=mail.text,
            html=mail.html,
            left=sorted({hash_recipient(each) for each in settings.watch_recipients}),
            post=post if settings.watch_webhook else None,
            raised=[each.key for each in raised],
            over=[each.key for each in over],
        ),
    )


def _plain_letter(raised: Sequence[Alert], over: Sequence[Alert]) -> tuple[Mail, dict[str, Any]]:
    lines = [f"CẢNH BÁO: {each.key}\nMã: {each.key}" for each in raised]
    lines += [f"ĐÃ HẾT: {each.key}\nMã: {each.key}" for each in over]
    text = "\n\n".join(lines)
    return Mail(
        "", f"[MotcuaSMS] {', '.join(each.key for each in (*raised, *over))}", text, f"<pre>{escape(text)}</pre>"
    ), {"text": text}


def write_about_life(
    state: WatchState, looks: Sequence[LookInWords], settings: Settings, now: datetime, watched: str | None = None
) -> None:
    """Store the letter of the day, and delete earlier daily letters that are still unsent.

    Args:
        state: the stored state of the watch.
        looks: the results of the watch's checks.
        settings: the settings, which name the recipients.
        now: the current moment.
        watched: the server that is watched, if this watch runs on another machine.
    """
    state.last_number += 1
    open_ones = [each for each in state.alerts.values() if each.raised_at is not None]
    mail = compose_life(open_ones, looks, "", page_of_alerts(), began_at=state.began_at, now=now, watched=watched)
    left = sorted({hash_recipient(each) for each in settings.watch_recipients})
    state.letters = [each for each in state.letters if not each.is_daily]
    _queue(state, Letter(state.last_number, now, mail.subject, mail.text, mail.html, left, None, is_daily=True))


def _queue(state: WatchState, letter: Letter) -> None:
    if letter.left or letter.post is not None:
        state.letters.append(letter)
        del state.letters[:-_MOST_LETTERS]


def send_letters(state: WatchState, settings: Settings, now: datetime, keep: Callable[[], None]) -> None:
    """Send the letters that not every recipient has got yet. ``keep`` saves the state and is called after each step
    that must not be repeated."""
    state.letters = [
        each for each in state.letters if each.made_at >= now - (_DAILY_SENT_WITHIN if each.is_daily else _SENT_WITHIN)
    ]
    if not state.letters:
        return
    _post(state, settings, now, keep)
    _mail(state, settings, now, keep)
    state.letters = [each for each in state.letters if each.left or each.post is not None]
    keep()


def _post(state: WatchState, settings: Settings, now: datetime, keep: Callable[[], None]) -> None:
    for letter in state.letters:
        if letter.post is None:
            continue
        if not settings.watch_webhook:
            letter.post = None
            continue
        status = 0
        try:
            answer = requests.post(settings.watch_webhook, json=letter.post, timeout=(3.05, _PATIENCE))
            status = answer.status_code
            failure = None if answer.ok else f"webhook answered {status}"
        except requests.RequestException as error:
            # The error's text holds the webhook's address, which may hold a secret.
            failure = f"webhook: {type(error).__name__}"
        letter.failure = failure
        if failure is not None:
            log.error("mail %d of the watch was not posted to the webhook: %s", letter.number, failure)
            if status in _OF_ONE_LETTER:
                continue
            return
        letter.post = None
        _mark_reported(state, letter, now)
        keep()


def _mail(state: WatchState, settings: Settings, now: datetime, keep: Callable[[], None]) -> None:
    addresses = {hash_recipient(each): each.strip() for each in settings.watch_recipients}
    for letter in state.letters:
        letter.left = [each for each in letter.left if each in addresses]
    waiting = [each for each in state.letters if each.left and (each.rests_until is None or each.rests_until <= now)]
    if not waiting:
        return
    try:
        with _mail_server() as server:
            for letter in waiting:
                mail = Mail("", letter.subject, letter.text, letter.html)
                before = len(letter.left)
                for recipient in list(letter.left):
                    reference = f"watch.{state.began_at:%Y%m%d%H%M%S}.{letter.number}.{recipient[:8]}"
                    outcome = server.hand_over(mail, reference, addresses[recipient], letter.made_at)
                    letter.failure = outcome.failure
                    if outcome.state != "sent":
                        log.error(
                            "mail %d of the watch was not sent to one recipient: %s", letter.number, outcome.failure
                        )
                        server.forget()
                        continue
                    letter.left.remove(recipient)
                    _mark_reported(state, letter, now)
                    keep()
                if len(letter.left) == before:
                    letter.refusals += 1
                    letter.rests_until = now + min(_REST * 2 ** (letter.refusals - 1), _LONGEST_REST)
    except (OSError, MailServerFailed) as error:
        failure = kind_of_failure(error)
        log.error("%d mail(s) of the watch cannot be sent yet: %s", len(waiting), failure)
        for letter in waiting:
            letter.failure = failure


def _mark_reported(state: WatchState, letter: Letter, now: datetime) -> None:
    for alert in (*state.alerts.values(), *state.over):
        if alert.key in letter.raised and alert.raised_at == letter.made_at:
            alert.told_at = alert.told_at or now
        if alert.key in letter.over and alert.over_at == letter.made_at:
            alert.over_told_at = alert.over_told_at or now


@contextmanager
def _mail_server() -> Iterator[MailServer]:
    """Connect to the mail server of ``AIRFLOW_CONN_SMTP_DEFAULT`` without Airflow.

    Airflow's hook is used instead if the variable is not set, or if its connection asks for another sign-in than a name
    and a password.
    """
    given = connection_of_environment(SMTP_CONNECTION)
    if given is None or given.extra.get("auth_type", "basic") != "basic":
        with mail_server() as server:
            yield server
        return
    sender = str(given.extra.get("from_email") or "")
    if not sender:
        raise MailServerFailed(f"Airflow connection {SMTP_CONNECTION}: its extra field from_email is not set")
    with signed_in(given) as client:
        yield MailServer(client, sender)


@contextmanager
def signed_in(given: GivenConnection) -> Iterator[smtplib.SMTP]:
    """Connect to the mail server that a connection names, with the TLS and the sign-in that the connection asks for.

    Raises:
        OSError: The server does not answer or refuses. Every error of smtplib and ssl is an ``OSError``.
    """
    host, encrypted = given.host or "", not _is_on(given.extra.get("disable_ssl"))
    context = ssl.create_default_context()
    if str(given.extra.get("ssl_context", "default")).strip().lower() == "none":
        # Airflow's hook reads this value as "check no certificate" too.
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    client: smtplib.SMTP
    if encrypted:
        client = smtplib.SMTP_SSL(host, given.port or 465, timeout=_PATIENCE, context=context)
    else:
        client = smtplib.SMTP(host, given.port or 25, timeout=_PATIENCE)
    try:
        if not encrypted and not _is_on(given.extra.get("disable_tls")):
            client.starttls(context=context)
        if given.login and given.password:
            try:
                client.login(given.login, given.password)
            except UnicodeEncodeError:
                raise smtplib.SMTPNotSupportedError("AUTH takes only a user name and a password in ASCII") from None
        yield client
    finally:
        with suppress(OSError):
            client.quit()
        client.close()


def goes_in_clear(given: GivenConnection) -> bool:
    """Return whether a connection asks for no TLS at all."""
    return _is_on(given.extra.get("disable_ssl")) and _is_on(given.extra.get("disable_tls"))


def _is_on(value: object) -> bool:
    return str(value).strip().lower() in ("true", "1", "yes", "on")
