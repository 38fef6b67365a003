"""Checks that sources, gateways, the callbacks app, the intake app and the mail server answer, and accept our sign-in
where we sign in.

The callbacks app receives delivery receipts. The intake app receives dossiers that one-stop software pushes. The checks
send no message and store nothing.
"""

from __future__ import annotations

import ipaddress
import smtplib
import socket
import ssl
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.utils import parseaddr, parsedate_to_datetime
from urllib.parse import urlsplit

import psycopg
import requests

from motcua.domain.checks import Finding, fault
from motcua.domain.clock import VIETNAM
from motcua.gateways import GatewayMisconfigured, open_gateway
from motcua.gateways.adapter import Gateway
from motcua.jobs.doctor.examining import GATEWAYS, MAIL, SETTINGS, SOURCES, STORE, Examination, variable_of
from motcua.jobs.doctor.ledger import why_refused
from motcua.jobs.doctor.written import PUBLICATIONS, goes_by_plain_http, read_sources
from motcua.jobs.notices.sending.request_slots import http_session
from motcua.jobs.watching.outside import CERTIFICATE_ENDS_SOON, LIVE, certificate_ends, health_answer, tls_place
from motcua.jobs.watching.telling import signed_in
from motcua.sources import adapter
from motcua.store.file_stores import open_store
from motcua.store.ledger.database import open_as_given, reason_without_values
from motcua.store.ledger.inspecting import may_write

_SOURCE_WITHIN = 10.0
_PATIENCE = (3.05, 10.0)
"""Seconds to connect, and seconds to wait for an answer."""
_WHOLE_SECONDS = timedelta(seconds=1)
"""How far a clock read from HTTP's ``Date`` header may be off, because the header gives whole seconds."""
_TOO_MANY_FIELDS = "&".join(f"f{number}=" for number in range(65))
"""A request body with too many fields. The callbacks check the caller's secret before they refuse such a body, and
store nothing of it. So this body tests the secret without any effect.

See web/callbacks.py.
"""


# --- Sources ---------------------------------------------------------------------------------------------------------


def sources(examination: Examination) -> Iterator[Finding]:
    """Check that each source answers, permits reading what its adapter reads, and permits nothing more."""
    for name in read_sources(examination.settings):
        if f"onestop_{name}" not in examination.unusable:
            yield from look_at_source(examination, name, examination.settings.sources[name])


def look_at_source(examination: Examination, name: str, kind: str) -> Iterator[Finding]:
    """Check one source: that it answers, what our role may read and write, the source's columns, and its clock.

    The settings of the source's connection must be readable.
    """
    given = examination.installation.connection(f"onestop_{name}")
    assert given is not None, "a connection that cannot be read is not usable"
    where = examination.installation.where(variable_of(f"onestop_{name}"), SOURCES)
    try:
        connection = open_as_given(given)
    except psycopg.ProgrammingError:
        yield fault("connection_unreadable", where, "its extra has a field unknown to PostgreSQL's client")
        return
    except psycopg.OperationalError as error:
        why = why_refused(error)
        details = {"password": "login or password", "database": "database", "closed": "the role may not connect"}
        kind_of = "source_unreachable" if why == "unreachable" else "source_refused"
        yield fault(kind_of, where, details.get(why, f"{given.host}:{given.port or 5432}"))
        return
    with connection:
        connection.autocommit = False
        writes = may_write(connection)
        connection.rollback()
        if writes:
            yield fault("source_role_too_mighty", where)
        source = adapter(kind)(connection, name)
        before = datetime.now(UTC)
        try:
            source.limit_time(_SOURCE_WITHIN)
            source.columns_are_there()
            newest = source.latest()
        except (
            psycopg.errors.UndefinedTable,
            psycopg.errors.UndefinedColumn,
            psycopg.errors.InvalidSchemaName,
        ) as lacks:
            yield fault("source_lacks_views", where, lacks.diag.message_primary or "")
        except psycopg.errors.InsufficientPrivilege as denied:
            yield fault("source_lacks_rights", where, denied.diag.message_primary or "")
        except psycopg.errors.QueryCanceled:
            yield fault("source_slow", where, f"more than {_SOURCE_WITHIN:.0f} s")
        except psycopg.Error as other:
            yield fault("source_lacks_views", where, reason_without_values(other))
        else:
            took = datetime.now(UTC) - before
            skew = newest.source_now - datetime.now(UTC)
            if abs(skew) - took > examination.settings.clock_skew:
                yield fault("clock_differs", where, f"{skew.total_seconds():+.0f} s")


# --- Publications ----------------------------------------------------------------------------------------------------


def store(examination: Examination) -> Iterator[Finding]:
    """Check that publications can be listed, if they are stored outside this machine."""
    url = examination.settings.publications_url
    if url.startswith("file://") or PUBLICATIONS in examination.unusable:
        return
    try:
        next(iter(open_store(url).iterdir()), None)
    except FileNotFoundError:
        # Nothing has been published yet.
        return
    except (OSError, ValueError, ImportError) as unusable:
        yield fault("store_unusable", examination.installation.where("MOTCUA_PUBLICATIONS", STORE), str(unusable))


# --- Gateways --------------------------------------------------------------------------------------------------------


def gateways(examination: Examination) -> Iterator[Finding]:
    """Check that each gateway answers and accepts our sign-in, with requests that cannot send a message."""
    for name in examination.settings.gateways:
        if f"sms_{name}" in examination.unusable:
            continue
        where = examination.installation.where(variable_of(f"sms_{name}"), GATEWAYS)
        try:
            gateway = open_gateway(name)
        except GatewayMisconfigured:
            continue
        with http_session() as session:
            yield from look_at_gateway(examination, gateway, session, where)


def look_at_gateway(
    examination: Examination, gateway: Gateway, session: requests.Session, where: str
) -> Iterator[Finding]:
    """Check that one gateway answers and accepts our sign-in, without sending a message.

    ``where`` names the gateway's connection in the findings.
    """
    if goes_by_plain_http(gateway.address.base_url) and _is_on_the_internet(gateway.address.base_url):
        # The check ends here, because the later requests would send the password over the unencrypted connection.
        yield fault("address_in_clear", where, "phone numbers and the password go there: use https, or a private line")
        return
    before = datetime.now(UTC)
    try:
        # A HEAD request for the first page sends no message. The answer shows that the gateway works, and has the time
        # of the gateway's clock.
        answer = session.head(gateway.address.base_url, timeout=_PATIENCE, allow_redirects=False)
    except requests.RequestException as error:
        yield fault("gateway_unreachable", where, f"{gateway.address.base_url}: {type(error).__name__}")
        return
    skew, uncertain = _skew(answer, before)
    if skew is not None and abs(skew) - uncertain > examination.settings.watch_clock_skew:
        yield fault("clock_differs", f"gateway {gateway.address.name}", f"{skew.total_seconds():+.0f} s")
    known = gateway.try_login(session)
    if known is not None and known.outcome == "configuration":
        yield fault("gateway_refuses", where, f"HTTP {known.http_status} {known.code or ''}".strip())
    elif known is not None and known.outcome in ("transient", "unknown"):
        yield fault(
            "gateway_unreachable", where, f"HTTP {known.http_status}" if known.http_status else known.code or ""
        )


def _is_on_the_internet(address: str) -> bool:
    """Return whether an address leads out of private networks; ``False`` for a name that cannot be resolved."""
    try:
        found = socket.getaddrinfo(urlsplit(address).hostname, None, proto=socket.IPPROTO_TCP)
    except (OSError, ValueError):
        return False
    return any(ipaddress.ip_address(each[4][0]).is_global for each in found)


def _skew(answer: requests.Response, before: datetime) -> tuple[timedelta | None, timedelta]:
    half = (datetime.now(UTC) - before) / 2
    try:
        server_date = parsedate_to_datetime(answer.headers["Date"])
    except (KeyError, ValueError, TypeError):
        return None, half
    if server_date.tzinfo is None:
        server_date = server_date.replace(tzinfo=UTC)
    return server_date - (before + half), half + _WHOLE_SECONDS


def callbacks(examination: Examination) -> Iterator[Finding]:
    """Check that the callback address of each gateway leads to our callbacks app, and that this app knows the gateway's
    secret."""
    for name in examination.settings.gateways:
        given = examination.installation.connection(f"sms_{name}")
        if given is None or {f"sms_{name}", f"callback {name}"} & examination.unusable:
            continue
        if address := str(given.extra.get("callback_url") or ""):
            where = f"{examination.installation.where(variable_of(f'sms_{name}'), GATEWAYS)}, callback_url"
            secret = "" if given.extra.get("callback_hmac_key") else str(given.extra.get("callback_secret") or "")
            with http_session() as session:
                yield from _callback(address, secret, session, where)


def _callback(address: str, secret: str, session: requests.Session, where: str) -> Iterator[Finding]:
    health = f"{address.partition('/gateway/receipts/')[0]}/gateway/health"
    try:
        status = session.get(health, timeout=_PATIENCE, allow_redirects=False).status_code
        if status == requests.codes.service_unavailable:
            yield fault("callback_unhealthy", where)
            return
        if status == requests.codes.forbidden:
            # The proxy admits the gateway's addresses only, so the callbacks behind it cannot be checked from here.
            return
        if status not in LIVE:
            yield fault("callback_answers_wrong", where, f"HTTP {status} to {health}")
            return
        if not secret:
            return
        # The secret is sent only to a server that has just answered as our own callbacks do.
        headers = {"X-Motcua-Secret": secret, "Content-Type": "application/x-www-form-urlencoded"}
        answer = session.post(address, data=_TOO_MANY_FIELDS, headers=headers, timeout=_PATIENCE, allow_redirects=False)
    except requests.RequestException as error:
        yield fault("callback_unreachable", where, type(error).__name__)
        return
    if answer.status_code == requests.codes.unauthorized:
        yield fault("callback_secret_differs", where, "rejected: the secret, or this machine (allowed_networks)")
    elif answer.status_code == requests.codes.service_unavailable:
        yield fault("callback_secret_differs", where, "the callbacks have no secret")
    elif answer.status_code != requests.codes.bad_request:
        yield fault("callback_answers_wrong", where, f"HTTP {answer.status_code} to a report")


def certificates(examination: Examination) -> Iterator[Finding]:
    """Check that the TLS certificates of gateways, callbacks and the intake stay valid for some weeks."""
    settings, installation = examination.settings, examination.installation
    asked = {f"sms_{name}": installation.connection(f"sms_{name}") for name in settings.gateways}
    addresses = {"MOTCUA_INTAKE_URL": settings.intake_url or ""}
    for conn_id, given in asked.items():
        if given is None or conn_id in examination.unusable:
            continue
        if f"callback {conn_id.removeprefix('sms_')}" not in examination.unusable:
            addresses[f"{variable_of(conn_id)}, callback_url"] = str(given.extra.get("callback_url") or "")
        with suppress(GatewayMisconfigured):
            addresses[variable_of(conn_id)] = open_gateway(conn_id.removeprefix("sms_")).address.base_url
    seen: set[tuple[str, int]] = set()
    for where, address in addresses.items():
        ends_at = None if (place := tls_place(address)) is None or place in seen else certificate_ends(*place)
        if place is not None:
            seen.add(place)
        if ends_at is not None and ends_at < examination.now + CERTIFICATE_ENDS_SOON:
            yield fault("certificate_ends", where, f"{address}: on {ends_at.astimezone(VIETNAM):%d/%m/%Y}")


def intake(examination: Examination) -> Iterator[Finding]:
    """Check that the intake app answers at the address for one-stop software, and that the ledger answers the app."""
    settings, where = examination.settings, examination.installation.where("MOTCUA_INTAKE_URL", SETTINGS)
    if settings.intake_url:
        health = f"{settings.intake_url.rstrip('/')}/health"
    elif settings.watch_intake:
        health, where = settings.watch_intake, "MOTCUA_WATCH_INTAKE"
    else:
        return
    answer = health_answer(health)
    if answer == requests.codes.service_unavailable:
        yield fault("intake_unhealthy", where)
    elif isinstance(answer, str):
        yield fault("intake_unreachable", where, answer)
    elif answer not in (*LIVE, requests.codes.forbidden):
        # Status 403 is no fault: the proxy admits the software's addresses only, so the intake behind it cannot be
        # checked from here.
        yield fault("intake_answers_wrong", where, f"HTTP {answer} to {health}")


# --- Mail ------------------------------------------------------------------------------------------------------------


def mail_server(examination: Examination) -> Iterator[Finding]:
    """Check that the mail server answers, with TLS if the Airflow connection asks for TLS, and accepts our login and
    sender address. No mail is sent."""
    given = examination.installation.connection("smtp_default")
    if given is None or "smtp_default" in examination.unusable:
        return
    where = examination.installation.where(variable_of("smtp_default"), MAIL)
    sender = parseaddr(str(given.extra.get("from_email") or ""))[1]
    try:
        with signed_in(given) as client:
            client.ehlo_or_helo_if_needed()
            code = client.mail(sender)[0] if sender else 250
            client.rset()
    except (smtplib.SMTPNotSupportedError, ssl.SSLError) as error:
        is_login = isinstance(error, smtplib.SMTPNotSupportedError) and "AUTH" in str(error)
        yield fault("mail_refused" if is_login else "mail_without_tls", where, type(error).__name__)
    except (smtplib.SMTPAuthenticationError, smtplib.SMTPResponseException) as error:
        yield fault("mail_refused", where, f"SMTP {error.smtp_code}")
    except OSError as error:
        if isinstance(error, smtplib.SMTPException) and not isinstance(error, smtplib.SMTPServerDisconnected):
            # The server offers no way of signing in that smtplib knows.
            yield fault("mail_refused", where, type(error).__name__)
            return
        yield fault("mail_unreachable", where, f"{given.host}:{given.port or ''} {type(error).__name__}")
    else:
        if code != 250:
            yield fault("mail_refused", where, f"SMTP {code} to the sender")
