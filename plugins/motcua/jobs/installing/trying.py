"""Check a person's answer to a question of the set-up, before the answer is saved to the settings files.

The checks of ``motcua doctor`` examine the files as they would be after saving.
"""

from __future__ import annotations

import socket
import uuid
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime
from email.utils import parseaddr
from functools import wraps
from typing import Any, ParamSpec

from motcua.domain.checks import Finding, fault
from motcua.gateways import GatewayMisconfigured, address_in, gateway_at
from motcua.jobs.doctor import outside, server_files, written
from motcua.jobs.doctor.examining import GATEWAYS, MAIL, Examination, variable_of
from motcua.jobs.installing.files import Files
from motcua.jobs.mailing import SMTP_CONNECTION, MailServer, kind_of_failure
from motcua.jobs.notices.sending.request_slots import http_session
from motcua.jobs.watching.telling import signed_in
from motcua.reports.mail import Mail
from motcua.store.ledger.database import reason_without_values
from motcua.store.ledger.environment import GivenConnection

_Check = Callable[[Examination], Iterable[Finding]]
_Arguments = ParamSpec("_Arguments")


def _examination(files: Files, now: datetime, *, asks: bool = False, **only: Any) -> Examination:  # noqa: ANN401
    """Return an examination of the files for the checks of ``motcua doctor``.

    Args:
        files: the settings files with the answer, which may not be saved yet.
        now: present time.
        asks: whether the checks connect to other servers. If so, the folder of the files is left out, because
            ``motcua doctor`` makes no such checks for an examination with a folder.
        **only: settings that replace those of the files.
    """
    installation = files.installation()
    settings, _ = written.read_settings(installation)
    if asks:
        installation = replace(installation, folder=None)
    return Examination(installation, settings.model_copy(update=only), now)


def _report_exception(tries: Callable[_Arguments, list[Finding]]) -> Callable[_Arguments, list[Finding]]:
    """Wrap a check so that an exception becomes a finding. The set-up then goes on, and no answer is lost."""

    @wraps(tries)
    def tried(*asked: _Arguments.args, **by_name: _Arguments.kwargs) -> list[Finding]:
        try:
            return tries(*asked, **by_name)
        except Exception as broken:
            return [fault("check_failed", "", reason_without_values(broken))]

    return tried


def _findings_about(examination: Examination, looks: Iterable[_Check], about: str) -> list[Finding]:
    """Run some checks and return the findings whose subject contains ``about``."""
    return [each for look in looks for each in look(examination) if about in each.subject]


@_report_exception
def try_pages(files: Files, now: datetime) -> list[Finding]:
    """Check that the address of the staff pages is valid, is not the example's, and uses TLS."""
    return _findings_about(_examination(files, now), [written.ui_address], "UI_URL")


@_report_exception
def try_certificate(files: Files, now: datetime) -> list[Finding]:
    """Check that the certificate exists and is valid for the address of the staff pages."""
    return _findings_about(_examination(files, now), [server_files.certificate], "TLS")


@_report_exception
def try_source(files: Files, name: str, kind: str, now: datetime) -> list[Finding]:
    """Check that a source answers and that our login may read the tables that its adapter reads."""
    variable = variable_of(f"onestop_{name}")
    only: dict[str, Any] = {"sources": {name: kind}, "gateways": ()}
    looks = (written.connections, written.secrets)
    examination = _examination(files, now, **only)
    found = _findings_about(examination, looks, variable)
    if f"onestop_{name}" not in examination.unusable:
        asking = _examination(files, now, asks=True, **only)
        found += outside.look_at_source(asking, name, kind)
    return found


@_report_exception
def try_gateway(files: Files, name: str, now: datetime) -> list[Finding]:
    """Check, sending nothing, that a gateway accepts our login and its brandname's registration number is not empty."""
    variable = variable_of(f"sms_{name}")
    only: dict[str, Any] = {"sources": {}, "gateways": (name,)}
    looks = (written.connections, written.secrets, written.brandnames)
    examination = _examination(files, now, **only)
    found = [each for each in _findings_about(examination, looks, variable) if each.subject.startswith(GATEWAYS)]
    given = files.connection(GATEWAYS, f"sms_{name}")
    if given is None or f"sms_{name}" in examination.unusable:
        return found
    where = f"{GATEWAYS}: {variable}"
    try:
        gateway = gateway_at(address_in(name, given))
    except GatewayMisconfigured as wrong:
        return [*found, fault("gateway_misconfigured", where, str(wrong))]
    with http_session() as session:
        found += outside.look_at_gateway(_examination(files, now, asks=True, **only), gateway, session, where)
    return found


@_report_exception
def try_mail(files: Files, now: datetime) -> list[Finding]:
    """Check that the mail server accepts our login and our sender. Nothing is sent."""
    examination = _examination(files, now)
    found = _findings_about(examination, [written.mail, written.secrets], variable_of(SMTP_CONNECTION))
    if SMTP_CONNECTION not in examination.unusable:
        found += outside.mail_server(_examination(files, now, asks=True))
    return found


@_report_exception
def try_places(files: Files, now: datetime) -> list[Finding]:
    """Check that the settings name a machine that watches this server and another machine or disk for backups, and that
    the folders that Compose mounts can be used."""
    examination = _examination(files, now)
    looks = (written.watched_from, written.backups_go, server_files.other_disk, server_files.folders)
    return [each for look in looks for each in look(examination)]


def send_mail(files: Files, recipient: str, mail: Mail, now: datetime) -> Finding | None:
    """Send a real mail through the mail server that the files set; return a finding if it could not be sent."""
    given = files.connection(MAIL, SMTP_CONNECTION)
    where = f"{MAIL}: {variable_of(SMTP_CONNECTION)}"
    if given is None:
        return fault("mail_missing", where)
    try:
        with signed_in(given) as client:
            server = MailServer(client, str(given.extra.get("from_email") or ""))
            failure = server.hand_over(mail, f"set-up.{uuid.uuid4().hex}", recipient, now).failure
    except OSError as error:
        failure = kind_of_failure(error)
    return fault("mail_refused", where, failure) if failure else None


def addresses_at(given: GivenConnection | None) -> list[str]:
    """Return the IP addresses of a connection's host; empty if the name cannot be resolved."""
    if given is None or not given.host:
        return []
    host = given.host.rpartition("//")[2].partition("/")[0]
    try:
        return sorted({str(each[4][0]) for each in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)})
    except OSError:
        return []


def is_mail_address(address: str) -> bool:
    """Return whether a text is a valid mail address, with or without a name before it."""
    return bool(written.MAIL_ADDRESS.fullmatch(parseaddr(address)[1]))
