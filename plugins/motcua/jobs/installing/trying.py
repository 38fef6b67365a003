"""Tries an answer before it is kept: by the doctor's own questions, asked of the files as they would be."""

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

_Look = Callable[[Examination], Iterable[Finding]]
_Asked = ParamSpec("_Asked")


def _examination(files: Files, now: datetime, *, asks: bool = False, **only: Any) -> Examination:  # noqa: ANN401
    """``asks``: as a process that runs would, whose files nobody sees; ``only``: settings in place of those given."""
    installation = files.installation()
    settings, _ = written.read_settings(installation)
    if asks:
        installation = replace(installation, folder=None)
    return Examination(installation, settings.model_copy(update=only), now)


def _told(tries: Callable[_Asked, list[Finding]]) -> Callable[_Asked, list[Finding]]:
    """A try that breaks is one more thing that is wrong, and loses no answer."""

    @wraps(tries)
    def tried(*asked: _Asked.args, **by_name: _Asked.kwargs) -> list[Finding]:
        try:
            return tries(*asked, **by_name)
        except Exception as broken:
            return [fault("check_failed", "", reason_without_values(broken))]

    return tried


def _found(examination: Examination, looks: Iterable[_Look], about: str) -> list[Finding]:
    return [each for look in looks for each in look(examination) if about in each.subject]


@_told
def try_pages(files: Files, now: datetime) -> list[Finding]:
    """The pages' address is one, is not the example's, and goes by TLS."""
    return _found(_examination(files, now), [written.ui_address], "UI_URL")


@_told
def try_certificate(files: Files, now: datetime) -> list[Finding]:
    """The certificate is there, and is that of the pages' address."""
    return _found(_examination(files, now), [server_files.certificate], "TLS")


@_told
def try_source(files: Files, name: str, kind: str, now: datetime) -> list[Finding]:
    """A source answers, and lets us read what its adapter reads."""
    variable = variable_of(f"onestop_{name}")
    only: dict[str, Any] = {"sources": {name: kind}, "gateways": ()}
    looks = (written.connections, written.secrets)
    examination = _examination(files, now, **only)
    found = _found(examination, looks, variable)
    if f"onestop_{name}" not in examination.unusable:
        asking = _examination(files, now, asks=True, **only)
        found += outside.look_at_source(asking, name, kind)
    return found


@_told
def try_gateway(files: Files, name: str, now: datetime) -> list[Finding]:
    """A gateway answers and knows us, asked for what can send nothing; its brandname is registered."""
    variable = variable_of(f"sms_{name}")
    only: dict[str, Any] = {"sources": {}, "gateways": (name,)}
    looks = (written.connections, written.secrets, written.brandnames)
    examination = _examination(files, now, **only)
    found = [each for each in _found(examination, looks, variable) if each.subject.startswith(GATEWAYS)]
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


@_told
def try_mail(files: Files, now: datetime) -> list[Finding]:
    """The mail server takes our login and our sender; nothing is sent."""
    examination = _examination(files, now)
    found = _found(examination, [written.mail, written.secrets], variable_of(SMTP_CONNECTION))
    if SMTP_CONNECTION not in examination.unusable:
        found += outside.mail_server(_examination(files, now, asks=True))
    return found


@_told
def try_places(files: Files, now: datetime) -> list[Finding]:
    """Whatever was said of the watch from outside, and of where backups go, keeps them off this machine."""
    examination = _examination(files, now)
    looks = (written.watched_from, written.backups_go, server_files.other_disk, server_files.folders)
    return [each for look in looks for each in look(examination)]


def send_mail(files: Files, recipient: str, mail: Mail, now: datetime) -> Finding | None:
    """Sends a real mail by the mail server of the files; why it was not taken."""
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
    """Addresses of the host that a connection names; none where nobody knows it."""
    if given is None or not given.host:
        return []
    host = given.host.rpartition("//")[2].partition("/")[0]
    try:
        return sorted({str(each[4][0]) for each in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)})
    except OSError:
        return []


def is_mail_address(address: str) -> bool:
    """Whether mail can be sent to, or from, an address; a name may stand before it."""
    return bool(written.MAIL_ADDRESS.fullmatch(parseaddr(address)[1]))
