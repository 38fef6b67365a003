"""The watch on another machine: it knows the server by one address, checks the server in rounds, and informs people.

The watch needs no ledger, no Airflow and no secret of the server except the secret in that address. This secret permits
reading one page. In each round the watch sends the server a testimony of what it saw. A testimony can prove that the
server's ledger was not restored from a backup and only stood still, because its machine was suspended. State, alerts
and letters work as in the server's own watch.
"""

from __future__ import annotations

import json
import logging
import queue
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TypeVar
from urllib.parse import quote, unquote, urlsplit, urlunsplit

import requests
from pydantic import TypeAdapter, ValidationError
from urllib3.exceptions import NameResolutionError

from motcua.domain.checks import CHECKS, Finding
from motcua.domain.restores import Later, Witness
from motcua.domain.watching import judging
from motcua.domain.watching.alerts import advance
from motcua.domain.watching.elsewhere import Judged, Met, ServerPage, Trouble, judge_certificate, judge_met
from motcua.domain.watching.judging import WatchRules
from motcua.jobs.mailing import SMTP_CONNECTION
from motcua.jobs.watching.keeping import Looked, LookState, WatchState, take_acknowledgements
from motcua.jobs.watching.outside import certificate_ends, tls_place
from motcua.jobs.watching.rounds import Rounds, this_moment
from motcua.jobs.watching.telling import send_letters, write_about_life
from motcua.jobs.watching.witness import remember, resume
from motcua.reports.checks import look_in_words
from motcua.settings import Settings, settings
from motcua.store.ledger.environment import connection_of_environment

log = logging.getLogger(__name__)

Given = TypeVar("Given")
PATH = "/gateway/watch"
_NAME = "watch"
"""Text before the secret in the address, where a URL has the user's name. The server does not read this text."""
_PATIENCE = (3.05, 10.0)
"""Seconds to connect, and seconds to wait for each piece of an answer."""
_ALL_WITHIN = 15.0
"""Seconds for an answer as a whole, including the resolution of the host name."""
_PROBE_WITHIN = 4.0
_LONGEST = 256 * 1024
"""Largest number of bytes of an answer that are read."""
_CERTIFICATE_EVERY = timedelta(hours=1)
_PAGE, _TESTIMONY = TypeAdapter(ServerPage), TypeAdapter(Witness)


class NobodyToTell(Exception):
    """The watch could check the server but could inform nobody. The message says which setting is missing."""


class AddressUnusable(ValueError):
    """The setting is no address of a server; the message says why, and holds no secret."""


@dataclass(frozen=True, slots=True)
class Address:
    """The address of the server's page, and the secret that permits reading it."""

    url: str
    """The URL without the secret, because URLs are written into logs."""
    host: str
    secret: str

    @classmethod
    def read(cls, written: str) -> Address:
        """Read an address as ``motcua watch address`` prints it.

        Raises:
            AddressUnusable: The text is not such an address.
        """
        try:
            split = urlsplit(written.strip().strip("'\""))
            host, port, secret = split.hostname, split.port, unquote(split.password or "")
        except ValueError:
            raise AddressUnusable("it cannot be read") from None
        if split.scheme not in ("https", "http") or not host:
            raise AddressUnusable("it does not begin with https://")
        if not secret:
            raise AddressUnusable("it has no secret between its name and @")
        place = f"[{host}]" if ":" in host else host
        place += f":{port}" if port else ""
        return cls(urlunsplit((split.scheme, place, split.path or PATH, "", "")), host, secret)

    @property
    def headers(self) -> dict[str, str]:
        """HTTP headers that pass the secret to the server."""
        return {"Authorization": f"Bearer {self.secret}"}


def address_of_server(base: str, secret: str) -> str:
    """Return the address that another machine needs to watch a server.

    Args:
        base: address of the staff pages, such as ``https://motcua.example.vn``.
        secret: the secret of the metrics page.
    """
    split = urlsplit(base)
    return urlunsplit((split.scheme, f"{_NAME}:{quote(secret, safe='')}@{split.netloc}", PATH, "", ""))


class OutsideWatch(Rounds):
    """A watch that checks a server from another machine.

    Args:
        given: the settings; by default those of this process.
        clock: returns the current time; tests pass their own.

    Raises:
        AddressUnusable: The settings hold no address of a server.
        NobodyToTell: The settings name no recipient, or no mail server or webhook to reach one.
    """

    def __init__(self, given: Settings | None = None, clock: Callable[[], datetime] = this_moment) -> None:
        super().__init__(given or settings(), clock)
        written = self._settings.watch_address
        if written is None:
            raise AddressUnusable("it is not set")
        self._address = Address.read(written.get_secret_value())
        _must_be_able_to_tell(self._settings)
        self._rules = WatchRules(clock_skew=self._settings.watch_clock_skew)

    def _round(self, state: WatchState, now: datetime, keep: Callable[[], None]) -> None:
        resume(state, now)
        take_acknowledgements(self.folder, state)
        met = _in_time(lambda: ask_server(self._address), _ALL_WITHIN) or Met(trouble="timeout")
        is_alone = met.trouble is not None and self._reaches_nobody_else()
        judged = judge_met(met, self._rules, now, is_alone=is_alone)
        if met.page is not None:
            remember(state, met.page.marks, now)
            judged = self._testify(state, met.page, judged)
        self._note(state, met, judged, now, is_alone=is_alone)
        judged = self._with_certificate(state, met, judged, now)
        state.looked_at = now
        self._tell(state, advance(state.alerts, *_findings_to_report(state, judged, now), now), now, keep)
        if state.daily_told_on is None:
            # This first letter shows the person who set up the watch that mails arrive. From then on the daily mail of
            # the server's own watch reports that this watch runs.
            state.daily_told_on = now.date()
            looks = (look_in_words(name, each.state, each.facts) for name, each in state.looked.items())
            shown = [each for each in looks if each is not None]
            write_about_life(state, shown, self._settings, now, watched=self._address.host)
        # This watch has no ledger to mirror ended alerts to, so each is stored only until its end is reported.
        waiting = {key for letter in state.letters for key in letter.over}
        state.over = [each for each in state.over if each.key in waiting]
        keep()
        send_letters(state, self._settings, now, keep)
        keep()

    def _testify(self, state: WatchState, page: ServerPage, judged: Judged) -> Judged:
        """Send the server a testimony. A failure to send it is added to the findings.

        A testimony is sent in each round, since the server raises an alert if no testimony comes. If the ledger went
        back to an earlier state, each testimony also reports this, until the server has accepted such a testimony.
        """
        later = Later(state.to_hold.attempts, state.to_hold.seen_at) if state.to_hold is not None else None
        about = page.asks.woke_at if page.asks is not None and later is None else None
        testimony = Witness(state.resumed_at, state.sees_since, about, later)
        refused = _in_time(lambda: give_testimony(self._address, testimony), _ALL_WITHIN)
        if refused == "":
            state.to_hold = None
            return judged
        log.error("the server did not accept this watch's report: %s", refused or "no answer in time")
        failed = Finding("check_failing", {"error": refused or "timeout"}, "server")
        return Judged([*judged.findings, failed], judged.names)

    def _reaches_nobody_else(self) -> bool:
        """Return whether this machine reaches neither its mail server nor its webhook. Then the machine's own network
        is down."""
        hosts = [
            each
            for each in _hosts_of_letters(self._settings)
            if each[0] != self._address.host and not _is_here(each[0])
        ]
        reached = any(_in_time(partial(_takes_connections, *each), _PROBE_WITHIN) for each in hosts)
        if hosts and not reached:
            log.error("this machine reaches neither the server nor its mail server or webhook: its own network is down")
        return bool(hosts) and not reached

    def _with_certificate(self, state: WatchState, met: Met, judged: Judged, now: datetime) -> Judged:
        place = tls_place(self._address.url)
        if place is None or not state.next_at.get("certificate", now) <= now or met.trouble in ("name", "connect"):
            return judged
        ends_at = _in_time(lambda: certificate_ends(*place), _ALL_WITHIN)
        if ends_at is None:
            return judged
        state.next_at["certificate"] = now + _CERTIFICATE_EVERY
        found = judge_certificate(ends_at, place[0], now)
        seen: LookState = "alert" if found else "ok"
        state.looked["certificate"] = Looked(seen, {"ends_at": ends_at.isoformat()}, now)
        return Judged([*judged.findings, *found], judged.names | {"certificate_ends"})

    def _note(self, state: WatchState, met: Met, judged: Judged, now: datetime, *, is_alone: bool) -> None:
        """Store the results of this round for the first letter, and the moment since which the server answers."""
        if met.trouble is not None:
            state.answers_since = None
        else:
            state.answers_since = state.answers_since or now
        seen: LookState = "unknown" if is_alone else "alert" if judged.findings else "ok"
        alerts = len(met.page.alerts) if met.page is not None else None
        state.looked["server"] = Looked(seen, {"alerts": alerts}, now)
        if met.page is not None:
            seconds = round(abs(met.skew.total_seconds()), 1)
            state.looked["clock"] = Looked("ok", {"seconds": seconds}, now)


def _findings_to_report(state: WatchState, judged: Judged, now: datetime) -> tuple[set[str], list[Finding]]:
    """Return the names of the checks that are judged, and their findings.

    Checks of components that start slowly are left out for some minutes after the server began to answer, because the
    server may just have been started.
    """
    since, names = state.answers_since, set(judged.names)
    if since is None or now < since + judging.GRACE:
        names = {name for name in names if not CHECKS[name].slow_to_start and name != "watch_silent"}
    return names, [each for each in judged.findings if each.name in names]


# --- Requests to the server ------------------------------------------------------------------------------------------


def ask_server(address: Address) -> Met:
    """Read the server's page once."""
    asked = datetime.now(UTC)
    try:
        with requests.get(
            address.url, headers=address.headers, timeout=_PATIENCE, allow_redirects=False, stream=True
        ) as answer:
            body = _read_body(answer)
            status = answer.status_code
    except requests.RequestException as error:
        log.error("the server does not answer: %s", type(error).__name__)
        return Met(trouble=_trouble(error))
    answered = datetime.now(UTC)
    if status == requests.codes.ok:
        with suppress(ValidationError):
            page = _PAGE.validate_json(body)
            if page.at.tzinfo is not None:
                half = (answered - asked) / 2
                return Met(page, page.at - (asked + half), half)
    if status == requests.codes.service_unavailable:
        with suppress(ValueError, LookupError, TypeError):
            return Met(ledger_silent=str(json.loads(body)["ledger"]))
    log.error("the server answered HTTP %d without the page for this watch", status)
    return Met(status=status)


def give_testimony(address: Address, said: Witness) -> str:
    """Send a testimony. Return why the server did not accept it, or an empty string if it did."""
    headers = {**address.headers, "Content-Type": "application/json"}
    try:
        answer = requests.post(
            address.url, _TESTIMONY.dump_json(said), headers=headers, timeout=_PATIENCE, allow_redirects=False
        )
    except requests.RequestException as error:
        return type(error).__name__
    return "" if answer.ok else f"HTTP {answer.status_code}"


def _read_body(answer: requests.Response) -> bytes:
    body = b""
    for piece in answer.iter_content(16 * 1024):
        body += piece
        if len(body) > _LONGEST:
            break
    return body


def _trouble(error: requests.RequestException) -> Trouble:
    reason = getattr(error.args[0], "reason", None) if error.args else None
    if isinstance(reason, NameResolutionError):
        return "name"
    if isinstance(error, requests.exceptions.SSLError):
        return "certificate"
    if isinstance(error, requests.Timeout):
        return "timeout"
    # If an answer stops in the middle, requests reports a ConnectionError, though the cause is a timeout.
    if isinstance(error, requests.ConnectionError):
        return "timeout" if "Read timed out" in str(error) else "connect"
    return "broken"


def _in_time(ask: Callable[[], Given], seconds: float) -> Given | None:
    """Call a function in a thread of its own, and return its result. ``None`` if it fails or takes too long.

    The limit holds for everything the call may wait for, including a name server.
    """
    box: queue.SimpleQueue[Given | None] = queue.SimpleQueue()

    def answer() -> None:
        try:
            box.put(ask())
        except Exception:
            log.exception("a request of the watch failed")
            box.put(None)

    threading.Thread(target=answer, daemon=True).start()
    with suppress(queue.Empty):
        return box.get(timeout=seconds)
    return None


# --- Whom it informs -------------------------------------------------------------------------------------------------


def _must_be_able_to_tell(given: Settings) -> None:
    if not given.watch_recipients and not given.watch_webhook:
        raise NobodyToTell("set MOTCUA_WATCH_RECIPIENTS, or MOTCUA_WATCH_WEBHOOK: otherwise this watch notifies nobody")
    if not given.watch_recipients:
        return
    mail = connection_of_environment(SMTP_CONNECTION)
    if mail is None or not mail.host:
        raise NobodyToTell("set AIRFLOW_CONN_SMTP_DEFAULT: a mail server that accepts mail from this machine")
    if "<" in mail.host or "<address>" in str(mail.extra.get("from_email")):
        raise NobodyToTell(
            "AIRFLOW_CONN_SMTP_DEFAULT is as it was printed: write the mail server and the sender's address into it"
        )
    if not mail.extra.get("from_email"):
        raise NobodyToTell("AIRFLOW_CONN_SMTP_DEFAULT does not name the sender: set its extra field from_email")
    if mail.extra.get("auth_type", "basic") != "basic":
        raise NobodyToTell("AIRFLOW_CONN_SMTP_DEFAULT asks for another sign-in than a name and a password")


def _hosts_of_letters(given: Settings) -> Iterator[tuple[str, int]]:
    """Yield the host and port of the mail server and of the webhook. Leave out a server that is not set."""
    mail = connection_of_environment(SMTP_CONNECTION) if given.watch_recipients else None
    if mail is not None and mail.host:
        yield mail.host, mail.port or 25
    if given.watch_webhook:
        hook = urlsplit(given.watch_webhook)
        if hook.hostname:
            yield hook.hostname, hook.port or (443 if hook.scheme == "https" else 80)


def _is_here(host: str) -> bool:
    """Return whether a host name is this machine itself. A connection to itself proves nothing about the network."""
    return host == "localhost" or host.startswith("127.") or host == "::1"


def _takes_connections(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), timeout=_PROBE_WITHIN).close()
    except OSError:
        return False
    return True
