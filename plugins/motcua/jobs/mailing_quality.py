"""Mails a run's quality report: to each agency's recipients, and to the Department's.

One mail a recipient, so that addresses are not shown to each other and one that fails holds back nobody. Each is
reserved and committed before the mail server is asked: a rerun mails those whom it did not reach, and nobody twice.
Addresses stay in the ledger: logs and results of tasks count recipients, and name them by their place in the list.
"""

from __future__ import annotations

import logging
import re
import smtplib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parseaddr
from typing import Any
from urllib.parse import quote

from motcua.quality.reporting import agency_report, department_report, rows_to_correct
from motcua.reports.quality_mail import (
    Mail,
    compose_agency_mail,
    compose_department_mail,
    is_due,
    write_message,
)
from motcua.store.agencies import list_agencies
from motcua.store.database import connect, without_values
from motcua.store.quality_mails import MailState, hash_recipient, mails_of_run, reserve_mail, settle_mail

log = logging.getLogger(__name__)

SMTP_CONNECTION = "smtp_default"
_ENHANCED_STATUS = re.compile(rb"\b[245]\.\d{1,3}\.\d{1,3}\b")


class MailsNotSent(Exception):
    """Some recipients were not reached; the message counts them and holds no address."""


@without_values()
def mail_agency(run_no: int, agency_code: str, *, again: bool = False) -> dict[str, int]:
    """Mails an agency its report of one run, if there is something to say, and counts the mails.

    Args:
        run_no: the sealed run.
        agency_code: the agency.
        again: whoever has it gets it once more, and a quiet day's report is mailed too.

    Raises:
        MailsNotSent: a recipient was not reached; a rerun tries those alone.
        LookupError: there is no such run or agency.
    """
    with connect() as ledger:
        agency = next((each for each in list_agencies(ledger) if each.agency_code == agency_code), None)
        if agency is None:
            raise LookupError(f"no agency {agency_code}")

    def compose() -> Mail | None:
        with connect() as ledger:
            report = agency_report(ledger, run_no, agency_code)
            if not (again or is_due(report)):
                return None
            rows = rows_to_correct(ledger, run_no, agency_code)
            return compose_agency_mail(report, rows, _page(f"/quality/agency?code={quote(agency_code)}"))

    return _mail(run_no, agency_code, agency.report_recipients, compose, again=again)


@without_values()
def mail_department(run_no: int, recipients: Sequence[str], *, again: bool = False) -> dict[str, int]:
    """Mails the Department's recipients the report over all agencies; the rest as ``mail_agency``."""

    def compose() -> Mail | None:
        with connect() as ledger:
            report = department_report(ledger, run_no)
            if not (again or is_due(report)):
                return None
            return compose_department_mail(report, rows_to_correct(ledger, run_no), _page("/quality"))

    return _mail(run_no, None, recipients, compose, again=again)


# --- Recipients ---------------------------------------------------------------------------------------------------


def _mail(
    run_no: int,
    agency_code: str | None,
    recipients: Sequence[str],
    compose: Callable[[], Mail | None],
    *,
    again: bool,
) -> dict[str, int]:
    whose = agency_code or "the Department"
    wanted = {hash_recipient(address): (place, address.strip()) for place, address in enumerate(recipients, 1)}
    with connect() as ledger:
        known = {each.recipient_hash: each.state for each in mails_of_run(ledger, run_no, agency_code)}
    left = {key: where for key, where in wanted.items() if again or known.get(key) in (None, "failed")}
    counts = {"recipients": len(wanted), "sent": 0, "had_it": sum(known.get(key) == "sent" for key in wanted)}
    failures = [
        f"recipient {place}: no answer came to an earlier mail, so it is not sent again unasked"
        for key, (place, _) in sorted(wanted.items(), key=lambda item: item[1][0])
        if not again and known.get(key) in ("sending", "unknown")
    ]
    if left:
        mail = compose()
        if mail is None:
            log.info("run %s, %s: nothing to be said", run_no, whose)
            return counts
        sent, failed = _send_to(run_no, agency_code, mail, list(left.items()), again=again)
        counts["sent"] = sent
        failures += failed
    elif not wanted:
        log.warning("run %s, %s: nobody is named to receive reports", run_no, whose)
    log.info("run %s, %s: %s", run_no, whose, counts)
    if failures:
        raise MailsNotSent(
            f"run {run_no}, {whose}: {len(failures)} of {len(wanted)} recipient(s) not reached; {'; '.join(failures)}"
        )
    return counts


def _send_to(
    run_no: int, agency_code: str | None, mail: Mail, left: Sequence[tuple[str, tuple[int, str]]], *, again: bool
) -> tuple[int, list[str]]:
    """Hands the mail over for each recipient; one that fails, and a connection that breaks, hold back no other."""
    sent, failures = 0, []
    for recipient_hash, (place, address) in left:
        now = datetime.now(UTC)
        try:
            with _mail_server() as server, connect() as ledger:
                number = reserve_mail(ledger, run_no, agency_code, recipient_hash, now, again=again)
                ledger.commit()
                if number is None:
                    continue
                outcome = server.hand_over(mail, f"{mail.reference}.{number}", address, now)
                settle_mail(ledger, number, outcome.state, outcome.failure, datetime.now(UTC))
        except (OSError, _MailServerFailed) as error:
            # Before anything was reserved: the next try finds this recipient as it was.
            failures.append(f"recipient {place}: {_kind(error)}")
            continue
        if outcome.failure is None:
            sent += 1
        else:
            failures.append(f"recipient {place}: {outcome.failure}")
    return sent, failures


# --- The mail server ----------------------------------------------------------------------------------------------


class _MailServerFailed(Exception):
    """The Airflow connection is missing or cannot be used; the message says what to mend."""


@dataclass(frozen=True, slots=True)
class _Outcome:
    state: MailState
    failure: str | None = None


class _MailServer:
    """A connection to the mail server, signed in."""

    def __init__(self, client: smtplib.SMTP, sender: str) -> None:
        self._client, self._sender = client, sender
        self._address = parseaddr(sender)[1]
        self._domain = self._address.partition("@")[2] or "localhost"

    def hand_over(self, mail: Mail, reference: str, recipient: str, at: datetime) -> _Outcome:
        """Offers one mail to one recipient, step by step, since what a broken connection means depends on the step.

        Before the content went out, it is a failure that may be tried again. After it, nobody can tell.
        """
        try:
            message = write_message(mail, self._sender, recipient, f"<{reference}@{self._domain}>", at)
            self._client.ehlo_or_helo_if_needed()
            for answer in (self._client.mail(self._address), self._client.rcpt(recipient)):
                if answer[0] not in (250, 251):
                    return _Outcome("failed", _answer(*answer))
        except ValueError:
            return _Outcome("failed", "not a mail address")
        except OSError as error:
            return _Outcome("failed", _kind(error))
        try:
            code, words = self._client.data(message)
        except smtplib.SMTPDataError as refused:
            return _Outcome("failed", _kind(refused))
        except OSError as error:
            return _Outcome("unknown", f"{_kind(error)} after the content")
        return _Outcome("sent") if code == 250 else _Outcome("failed", _answer(code, words))


@contextmanager
def _mail_server() -> Iterator[_MailServer]:
    """The server behind the Airflow connection ``smtp_default``, with its TLS and log-in.

    The hook's own ``send_email_smtp`` can neither carry a plain text nor set a Message-ID, and sends again by itself
    after a broken connection; its client is used instead.
    """
    from airflow.providers.smtp.hooks.smtp import SmtpHook
    from airflow.sdk.exceptions import AirflowException

    hook: Any = SmtpHook(SMTP_CONNECTION)
    try:
        hook.get_conn()
        if not hook.from_email:
            raise _MailServerFailed(f"Airflow connection {SMTP_CONNECTION}: its extra field from_email is not set")
        yield _MailServer(hook._smtp_client, hook.from_email)
    except AirflowException as error:
        raise _MailServerFailed(f"Airflow connection {SMTP_CONNECTION}: {error}") from None
    finally:
        # A log-in that was refused leaves the hook with an open client.
        if hook._smtp_client:
            with suppress(OSError):
                hook._smtp_client.quit()
            hook._smtp_client.close()


def _answer(code: int, words: bytes | str) -> str:
    """The server's status codes alone: its words may quote an address."""
    found = _ENHANCED_STATUS.search(words if isinstance(words, bytes) else words.encode())
    return f"SMTP {code}{' ' + found[0].decode() if found else ''}"


def _kind(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        return _answer(error.smtp_code, error.smtp_error)
    return str(error) if isinstance(error, _MailServerFailed) else type(error).__name__


def _page(path: str) -> str | None:
    """Address of a staff page, where this Airflow knows its own address."""
    from airflow.configuration import conf

    base: str = conf.get("api", "base_url", fallback="") or ""
    return f"{base.rstrip('/')}/motcua{path}" if base else None
