"""Mails reports to the recipients of a body, such as an agency or the Department. No other module mails reports.

A letter is one mail with those reports that its recipients lack. Each recipient gets a separate mail, so that
recipients do not see each other's addresses, and a failing address delays nobody. Before the mail server is contacted,
the ledger stores for each recipient which reports are about to be mailed. A rerun therefore mails only recipients who
were not reached, and nobody twice. Addresses stay in the ledger: logs and results of tasks count recipients, and name a
recipient by the place in the list.
"""

from __future__ import annotations

import logging
import re
import smtplib
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parseaddr
from typing import Any, TypeAlias

from motcua.dag_texts import words
from motcua.reports.mail import Mail, write_message
from motcua.store.agencies import list_agencies
from motcua.store.ledger.database import connect, without_values
from motcua.store.oversight.report_mails import (
    DEPARTMENT,
    MailedReport,
    MailState,
    hash_recipient,
    mails_of,
    reserve_mail,
    settle_mails,
)

log = logging.getLogger(__name__)

SMTP_CONNECTION = "smtp_default"
_ENHANCED_STATUS = re.compile(rb"\b[245]\.\d{1,3}\.\d{1,3}\b")


@without_values()
def name_of_body(body: str) -> str:
    """Return the display name of a body that gets mail: its name, and for an agency also its code."""
    if body in words()["bodies"]:
        return str(words()["bodies"][body])
    with connect() as ledger:
        names = {agency.agency_code: agency.name for agency in list_agencies(ledger)}
    return f"{names[body]} ({body})" if body in names else body


class MailsNotSent(Exception):
    """Some recipients were not reached. The text gives their number and contains no address."""


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail and the reports in it."""

    mail: Mail
    reports: tuple[MailedReport, ...]


def mail_reports(
    reports: Sequence[MailedReport],
    recipients: Sequence[str],
    compose: Callable[[Sequence[MailedReport]], Letter | None],
    *,
    again: bool,
) -> dict[str, int]:
    """Mail a body's reports to its recipients: each gets one letter, with the reports that this recipient lacks.

    Return the number of recipients, of sent letters, and of recipients who had everything before.

    Args:
        reports: reports of one body.
        recipients: addresses; an address that is listed twice counts once.
        compose: writes a letter about the reports that a recipient lacks; returns ``None`` if there is nothing to write
            about them.
        again: whether recipients who already have the reports get them once more.

    Raises:
        MailsNotSent: a recipient was not reached; a rerun tries only such recipients.
    """
    about = _reports_in_words(reports)
    wanted = {hash_recipient(address): (place, address.strip()) for place, address in enumerate(recipients, 1)}
    with connect() as ledger:
        known = {each: {to.recipient_hash: to.state for to in mails_of(ledger, each)} for each in reports}
    left: dict[tuple[MailedReport, ...], list[tuple[str, int, str]]] = {}
    failures, had_it = list[str](), 0
    for key, (place, address) in wanted.items():
        states = {each: known[each].get(key) for each in reports}
        owed = tuple(each for each, state in states.items() if again or state in (None, "failed"))
        if owed:
            left.setdefault(owed, []).append((key, place, address))
        if any(state in ("sending", "unknown") for state in states.values()) and not again:
            failures.append(
                f"recipient {place}: no answer came to an earlier mail, so it is sent again only on request"
            )
        had_it += all(state == "sent" for state in states.values())
    counts = {"recipients": len(wanted), "sent": 0, "had_it": had_it}
    for owed, whom in left.items():
        letter = compose(owed)
        if letter is None:
            log.info("%s: nothing to report", about)
            continue
        sent, failed = _send_to(letter, whom, again=again)
        counts["sent"] += sent
        failures += failed
    if not wanted:
        log.warning("%s: nobody is named to receive reports", about)
    log.info("%s: %s", about, counts)
    if failures:
        raise MailsNotSent(f"{about}: {len(failures)} of {len(wanted)} recipient(s) not reached; {'; '.join(failures)}")
    return counts


OpenServer: TypeAlias = Callable[[], AbstractContextManager["MailServer"]]
"""Opens a connection to the mail server."""


def hand_to_each(
    recipients: Sequence[str],
    compose: Callable[[], Mail],
    now: datetime,
    open_server: OpenServer | None = None,
) -> tuple[int, str]:
    """Send a mail to each recipient separately, without storing who received it. Return the number of recipients for
    whom the server accepted the mail, and the last failure. Recipients do not see each other's addresses, and no
    address is logged.

    ``open_server`` opens the mail server; by default the server of Airflow's connection.
    """
    if not recipients:
        return 0, "nobody is named who gets this mail"
    mail, reached, last = compose(), 0, ""
    for place, address in enumerate(recipients, 1):
        try:
            with (open_server or mail_server)() as server:
                failure = server.hand_over(mail, f"{mail.reference}.{uuid.uuid4().hex}", address, now).failure
        except (OSError, MailServerFailed) as error:
            failure = kind_of_failure(error)
        if failure is None:
            reached += 1
        else:
            last = failure
            log.warning("recipient %s: %s", place, failure)
    log.info("%s: %s of %s recipient(s)", mail.reference, reached, len(recipients))
    return reached, last


def staff_page(path: str) -> str | None:
    """Return the address of a staff page. ``None`` if Airflow's own address is not set."""
    from airflow.configuration import conf

    base: str = conf.get("api", "base_url", fallback="") or ""
    return f"{base.rstrip('/')}/motcua{path}" if base else None


def _reports_in_words(reports: Sequence[MailedReport]) -> str:
    names = [f"{'run' if each.report == 'quality' else each.report} {each.report_no}" for each in reports]
    body = reports[0].body
    return f"{', '.join(names)}, {'the Department' if body == DEPARTMENT else body}"


def _send_to(letter: Letter, whom: Sequence[tuple[str, int, str]], *, again: bool) -> tuple[int, list[str]]:
    """Hands the letter to the mail server for each recipient. A failing recipient, or a broken connection, delays no
    other recipient."""
    # The reports are sorted, so that two processes that mail the same reports do not deadlock.
    reports = sorted(letter.reports, key=lambda each: (each.report, each.report_no))
    sent, failures = 0, list[str]()
    for recipient_hash, place, address in whom:
        now = datetime.now(UTC)
        try:
            with mail_server() as server, connect() as ledger:
                numbers = [reserve_mail(ledger, each, recipient_hash, now, again=again) for each in reports]
                if None in numbers:
                    # Another process is mailing one of the reports. A later run sends the reports that are still
                    # unsent.
                    ledger.rollback()
                    continue
                ledger.commit()
                outcome = server.hand_over(letter.mail, f"{letter.mail.reference}.{numbers[0]}", address, now)
                settle_mails(ledger, numbers, outcome.state, outcome.failure, datetime.now(UTC))
        except (OSError, MailServerFailed) as error:
            # The failure came before the ledger noted a mail to this recipient. The failure is stored, so that a later
            # run mails this body again. Without a stored failure, one mail to another recipient would be enough for
            # later runs to skip the body.
            failure = kind_of_failure(error)
            _keep_failure(reports, recipient_hash, failure, now, again=again)
            failures.append(f"recipient {place}: {failure}")
            continue
        if outcome.failure is None:
            sent += 1
        else:
            failures.append(f"recipient {place}: {outcome.failure}")
    return sent, failures


def _keep_failure(
    reports: Sequence[MailedReport], recipient_hash: str, failure: str, now: datetime, *, again: bool
) -> None:
    """Stores that a recipient's mail failed, unless another process is mailing one of the reports."""
    with connect() as ledger:
        numbers = [reserve_mail(ledger, each, recipient_hash, now, again=again) for each in reports]
        if None in numbers:
            ledger.rollback()
            return
        settle_mails(ledger, numbers, "failed", failure, datetime.now(UTC))


# --- The mail server ----------------------------------------------------------------------------------------------


class MailServerFailed(Exception):
    """The Airflow connection is missing or cannot be used. The text states what to correct."""


@dataclass(frozen=True, slots=True)
class HandOver:
    """The result of offering one mail to the mail server."""

    state: MailState
    failure: str | None = None


class MailServer:
    """A connection to the mail server, signed in."""

    def __init__(self, client: smtplib.SMTP, sender: str) -> None:
        self._client, self._sender = client, sender
        self._address = parseaddr(sender)[1]
        self._domain = self._address.partition("@")[2] or "localhost"

    def hand_over(self, mail: Mail, reference: str, recipient: str, at: datetime) -> HandOver:
        """Offers one mail to one recipient, step by step, since the meaning of a broken connection depends on the step.

        If the connection breaks before the content is sent, the mail may be sent again. If it breaks while the content
        is sent or later, the outcome is unknown.
        """
        try:
            message = write_message(mail, self._sender, recipient, f"<{reference}@{self._domain}>", at)
            self._client.ehlo_or_helo_if_needed()
            for answer in (self._client.mail(self._address), self._client.rcpt(recipient)):
                if answer[0] not in (250, 251):
                    return HandOver("failed", _status_codes(*answer))
        except ValueError:
            return HandOver("failed", "not a mail address")
        except OSError as error:
            return HandOver("failed", kind_of_failure(error))
        try:
            code, words = self._client.data(message)
        except smtplib.SMTPDataError as refused:
            return HandOver("failed", kind_of_failure(refused))
        except OSError as error:
            return HandOver("unknown", f"{kind_of_failure(error)} after the content")
        return HandOver("sent") if code == 250 else HandOver("failed", _status_codes(code, words))

    def forget(self) -> None:
        """Resets an unfinished mail, so that another mail can follow on the same connection."""
        with suppress(OSError):
            self._client.rset()


@contextmanager
def mail_server() -> Iterator[MailServer]:
    """Connect to the mail server of the Airflow connection ``smtp_default``, with that connection's TLS and log-in.

    Airflow's ``SmtpHook`` opens the connection. Its ``send_email_smtp`` is not used, because it can neither send plain
    text nor set a Message-ID, and sends again by itself after a broken connection.
    """
    from airflow.providers.smtp.hooks.smtp import SmtpHook
    from airflow.sdk.exceptions import AirflowException

    hook: Any = SmtpHook(SMTP_CONNECTION)
    try:
        hook.get_conn()
        if not hook.from_email:
            raise MailServerFailed(f"Airflow connection {SMTP_CONNECTION}: its extra field from_email is not set")
        yield MailServer(hook._smtp_client, hook.from_email)
    except AirflowException as error:
        raise MailServerFailed(f"Airflow connection {SMTP_CONNECTION}: {error}") from None
    finally:
        # A refused log-in leaves the hook with an open client.
        if hook._smtp_client:
            with suppress(OSError):
                hook._smtp_client.quit()
            hook._smtp_client.close()


def _status_codes(code: int, words: bytes | str) -> str:
    """Returns only the server's status codes, because its words may quote an address."""
    found = _ENHANCED_STATUS.search(words if isinstance(words, bytes) else words.encode())
    return f"SMTP {code}{' ' + found[0].decode() if found else ''}"


def kind_of_failure(error: Exception) -> str:
    """Return the kind of a mail server's failure, without any of the server's words."""
    if isinstance(error, smtplib.SMTPResponseException):
        return _status_codes(error.smtp_code, error.smtp_error)
    return str(error) if isinstance(error, MailServerFailed) else type(error).__name__
