"""Test the watch on a second machine, which queries the callbacks app and reports a server that is gone or faulty."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from motcua.jobs.watching import elsewhere
from motcua.jobs.watching.elsewhere import Address, AddressUnusable, NobodyToTell, OutsideWatch, address_of_server
from motcua.jobs.watching.keeping import WatchState, load_state
from motcua.sandbox.machine.parts import Part
from motcua.web import callbacks
from tests.ground import Served, free_port, listens, type_command, until
from tests.integration.quality.test_mailing_quality import MailServer
from tests.integration.tls.terminator import Authority
from tests.integration.watching.conftest import LAN, Watched

ROOT = Path(__file__).parents[3]
WORD = "outside/word 9"
MINUTE = timedelta(minutes=1)


@dataclass
class Elsewhere:
    """A second machine with a watch, and a clock that the test sets."""

    mail: MailServer
    folder: Path
    configure: Callable[..., None]
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    seen: int = 0

    def watches(self, url: str) -> None:
        """Let the watch check the server at this address."""
        self.configure(MOTCUA_WATCH_ADDRESS=address_of_server(url, WORD))

    def look(self, times: int = 1) -> WatchState:
        """Run ``times`` rounds of the watch, half a minute apart; return its state."""
        for _ in range(times):
            self.now += timedelta(seconds=30)
            state = OutsideWatch(clock=lambda: self.now).once()
        return state

    def mails(self) -> list[str]:
        """Return the subjects of the mails since the last call."""
        subjects = [str(message["Subject"]) for _, message in self.mail.taken]
        new, self.seen = subjects[self.seen :], len(subjects)
        return new

    def text(self) -> str:
        """Return the text of the newest mail on one line."""
        return " ".join(self.mail.taken[-1][1].get_body(("plain",)).get_content().split())


@pytest.fixture
def machine(mail: MailServer, tmp_path: Path, configure: Callable[..., None]) -> Elsewhere:
    """Set up a second machine's watch, with its own folder and a recipient of mails."""
    configure(
        # The value has quotes, as in an env file that both Docker and a shell read.
        AIRFLOW_CONN_SMTP_DEFAULT=f"'smtp://127.0.0.1:{mail.port}?from_email=motcua%40khanhhoa.example"
        "&disable_ssl=true&disable_tls=true'",
        MOTCUA_WATCH=str(tmp_path / "elsewhere"),
        MOTCUA_WATCH_RECIPIENTS=LAN,
        MOTCUA_METRICS_SECRET=WORD,
    )
    return Elsewhere(mail, tmp_path / "elsewhere", configure)


@pytest.fixture
def server(ledger: str, machine: Elsewhere) -> Iterator[Served]:
    """Serve the callbacks app, and let the other machine watch it for seven rounds."""
    with Served(callbacks.create_standalone()) as running:
        machine.watches(running.url)
        machine.look(7)
        assert machine.mails() == ["[MotcuaSMS] Giám sát từ máy khác bắt đầu xem 127.0.0.1"]
        yield running


@contextmanager
def answering(answer: Callable[[socket.socket], None]) -> Iterator[str]:
    """Run a server on loopback that passes each connection to ``answer``; yield its address."""
    listening = socket.create_server(("127.0.0.1", 0))

    def accept() -> None:
        with suppress(OSError):
            while True:
                connected, _ = listening.accept()
                threading.Thread(target=answer, args=(connected,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    listening.close()


def drip(connected: socket.socket) -> None:
    with suppress(OSError):
        connected.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n")
        while True:
            connected.sendall(b" ")
            time.sleep(0.05)


def hang(connected: socket.socket) -> None:
    with connected:
        time.sleep(5)


def hang_up(connected: socket.socket) -> None:
    connected.close()


GONE = "[MotcuaSMS] Cảnh báo: Máy chủ không trả lời"


@pytest.mark.guarantee(
    "watch",
    "a second machine reports within five minutes that the server is gone or back, unless its own network is down",
)
def test_server_that_is_gone_is_told_once_and_so_is_its_end(machine: Elsewhere, server: Served):
    url = server.url
    began = machine.now
    machine.watches(f"http://127.0.0.1:{free_port()}")
    machine.look(2)
    assert machine.mails() == []
    machine.look(6)
    assert machine.mails() == [f"{GONE}: không nối được tới cổng của nó"]
    alert = load_state(machine.folder, machine.now).alerts["server_unreachable"]
    assert alert.raised_at is not None
    assert alert.raised_at - began < 5 * MINUTE
    assert "bảng điều khiển máy ảo" in machine.text()
    assert "docs/operations/alerts/server_unreachable.md" in machine.text()
    machine.watches(url)
    machine.look(4)
    assert machine.mails() == ["[MotcuaSMS] Đã hết: Máy chủ không trả lời: không nối được tới cổng của nó"]


@pytest.mark.parametrize(("does", "why"), [(drip, "timeout"), (hang, "timeout"), (hang_up, "connect")])
def test_server_that_answers_too_slowly_or_hangs_up_is_as_good_as_gone(machine: Elsewhere, monkeypatch, does, why):
    monkeypatch.setattr(elsewhere, "_PATIENCE", (0.5, 1.0))
    monkeypatch.setattr(elsewhere, "_ALL_WITHIN", 1.5)
    with answering(does) as url:
        machine.watches(url)
        began = time.monotonic()
        state = machine.look(3)
        assert time.monotonic() - began < 15
    assert state.alerts["server_unreachable"].facts == {"reason": why}
    assert machine.mails()[1].startswith(GONE)


def test_unknown_host_name_is_the_reported_reason(machine: Elsewhere):
    machine.watches("http://motcua.invalid")
    assert machine.look().alerts["server_unreachable"].facts == {"reason": "name"}


@pytest.mark.guarantee(
    "watch",
    "a second machine reports within five minutes that the server is gone or back, unless its own network is down",
)
def test_machine_whose_own_network_is_down_says_nothing_of_the_server(machine: Elsewhere, server: Served, monkeypatch):
    monkeypatch.setattr(elsewhere, "_is_here", lambda _: False)
    machine.watches(f"http://localhost:{free_port()}")
    with monkeypatch.context() as cut:
        cut.setattr(elsewhere, "_takes_connections", lambda *_: False)
        state = machine.look(5)
        assert "server_unreachable" not in state.alerts
        assert state.looked["server"].state == "unknown"
    machine.look(3)
    assert machine.mails() == [f"{GONE}: không nối được tới cổng của nó"]


def test_ledger_that_is_away_is_told_as_that_and_not_as_a_server_that_is_gone(machine: Elsewhere, configure):
    """If only the ledger is down, the alert must name the ledger and not the server."""
    configure(AIRFLOW_CONN_MOTCUA_DB="postgres://motcua_app:word@127.0.0.1:1/nothing")
    with Served(callbacks.create_standalone()) as running:
        machine.watches(running.url)
        state = machine.look(3)
    assert sorted(state.alerts) == ["ledger_unreachable"]
    assert machine.mails()[1:] == ["[MotcuaSMS] Cảnh báo: Không vào được sổ (PostgreSQL)"]


def test_proxy_without_callbacks_and_a_changed_secret_are_told_by_their_own_names(machine: Elsewhere, server: Served):
    """A broken callbacks app and an outdated secret each raise an alert of their own."""

    def refuse(connected: socket.socket) -> None:
        connected.recv(4096)
        connected.sendall(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        connected.close()

    with answering(refuse) as url:
        machine.watches(url)
        state = machine.look(2)
        assert sorted(state.alerts) == ["callbacks_unhealthy"]
        assert state.alerts["callbacks_unhealthy"].facts == {"answer": 502}
    machine.configure(MOTCUA_WATCH_ADDRESS=address_of_server(server.url, "an older word"))
    state = machine.look(2)
    assert state.alerts["check_failing/server"].raised_at is not None
    assert state.alerts["check_failing/server"].facts == {"error": "HTTP 401"}


@pytest.mark.guarantee(
    "watch",
    "a second machine reports a silent watch on the server; the server reports a silent watch on the second machine",
)
def test_silent_watch_of_the_server_is_told_from_outside(machine: Elsewhere, server: Served, rows):
    rows(
        "INSERT INTO motcua.watch_life (began_at, looked_at, looks, recipients, unsent)"
        " VALUES (now(), now() - interval '5 min', '[]', 1, 0)"
    )
    time.sleep(1.01)
    machine.look(3)
    assert [subject.partition(" từ")[0] for subject in machine.mails()] == [
        "[MotcuaSMS] Cảnh báo: Chương trình giám sát không hoạt động"
    ]
    rows("UPDATE motcua.watch_life SET looked_at = now()")
    time.sleep(1.01)
    machine.look(2)
    assert len(machine.mails()) == 1


def test_wrong_clock_of_the_server_raises_an_alert(machine: Elsewhere, server: Served, monkeypatch):
    given = elsewhere.ask_server

    def off(address: Address) -> elsewhere.Met:
        met = given(address)
        return elsewhere.Met(met.page, timedelta(minutes=3), met.uncertain)

    monkeypatch.setattr(elsewhere, "ask_server", off)
    state = machine.look(2)
    assert state.alerts["clock_off/server"].facts == {"seconds": 180.0}


@pytest.mark.guarantee(
    "watch",
    "a second machine reports a silent watch on the server; the server reports a silent watch on the second machine",
)
def test_server_misses_the_watch_that_was_named(watched: Watched, machine: Elsewhere, server: Served, configure, rows):
    configure(MOTCUA_WATCHED_FROM="phong-b", MOTCUA_WATCH=str(machine.folder.parent / "own"))
    rows("UPDATE motcua.outside_watch SET asked_at = %s", watched.now)
    state = watched.look(5)
    assert watched.open_alerts(state) == []
    assert state.looked["outside_watch"].facts["machine"] == "phong-b"
    state = watched.look(6)
    assert watched.open_alerts(state) == ["outside_watch_silent/phong-b"]
    text = " ".join(watched.mail.taken[-1][1].get_body(("plain",)).get_content().split())
    assert "Giám sát từ máy khác (phong-b) không xem từ 15:00 ngày 25/11/2026" in text
    rows("UPDATE motcua.outside_watch SET asked_at = %s", watched.now)
    assert watched.open_alerts(watched.look()) == []


def test_each_round_of_the_watch_is_recorded_by_the_server(machine: Elsewhere, server: Served, rows):
    (before,) = rows("SELECT asked_at, awake_since FROM motcua.outside_watch")
    machine.look()
    (after,) = rows("SELECT asked_at, awake_since FROM motcua.outside_watch")
    assert after["asked_at"] > before["asked_at"]
    assert after["awake_since"] == before["awake_since"]
    # After ten minutes without a round, the watch must count its time without a pause anew.
    machine.now += 10 * MINUTE
    machine.look()
    (paused,) = rows("SELECT awake_since FROM motcua.outside_watch")
    assert paused["awake_since"] > after["awake_since"]


# --- Commands and settings


def test_address_holds_its_secret_in_no_path_and_comes_back_whole(configure):
    """The address carries the secret as its password. A request sends the secret in a header, not in the URL."""
    written = address_of_server("https://motcua.example.vn", WORD)
    assert written == "https://watch:outside%2Fword%209@motcua.example.vn/gateway/watch"
    read = Address.read(f"'{written}'")
    assert (read.url, read.host, read.secret) == ("https://motcua.example.vn/gateway/watch", "motcua.example.vn", WORD)
    assert read.headers == {"Authorization": f"Bearer {WORD}"}
    assert Address.read("http://watch:x@[::1]:8081").url == "http://[::1]:8081/gateway/watch"
    for wrong in ("", "motcua.example.vn", "https://motcua.example.vn/gateway/watch", "ftp://watch:x@h", "https://[x"):
        with pytest.raises(AddressUnusable):
            Address.read(wrong)


def test_server_prints_what_the_other_machine_needs(configure, monkeypatch):
    refused = type_command("watch", "address", exits=2)
    assert "MOTCUA_METRICS_SECRET is not set" in refused.output
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "https://motcua.example.vn")
    configure(MOTCUA_METRICS_SECRET=WORD)
    printed = type_command("watch", "address").output
    assert "\nMOTCUA_WATCH_ADDRESS=https://watch:outside%2Fword%209@motcua.example.vn/gateway/watch\n" in printed
    assert "\nMOTCUA_WATCH_RECIPIENTS=\n" in printed


@pytest.mark.parametrize(
    ("changed", "missing"),
    [
        ({"MOTCUA_WATCH_RECIPIENTS": ""}, "MOTCUA_WATCH_RECIPIENTS"),
        ({"AIRFLOW_CONN_SMTP_DEFAULT": ""}, "AIRFLOW_CONN_SMTP_DEFAULT"),
        ({"AIRFLOW_CONN_SMTP_DEFAULT": "smtp://relay.example.vn:25"}, "from_email"),
        (
            {"AIRFLOW_CONN_SMTP_DEFAULT": "'smtp://<host>:25?from_email=<address>&disable_ssl=true'"},
            "as it was printed",
        ),
    ],
)
def test_watch_that_could_tell_nobody_does_not_begin(machine: Elsewhere, configure, changed, missing):
    machine.watches("https://motcua.example.vn")
    configure(**changed)
    with pytest.raises(NobodyToTell, match=missing):
        OutsideWatch()
    assert missing in type_command("watch", "outside", "--once", exits=2).output


def test_alerts_are_listed_and_acknowledged_where_no_ledger_is(machine: Elsewhere):
    machine.watches(f"http://127.0.0.1:{free_port()}")
    machine.look(3)
    assert "server_unreachable" in type_command("alerts", exits=1).output
    type_command("alerts", "acknowledge", "server_unreachable", "--by", "lan")
    assert machine.look().alerts["server_unreachable"].acknowledged_by == "lan"
    type_command("alerts")


def test_watch_elsewhere_needs_neither_airflow_nor_a_ledger_and_little_memory(machine: Elsewhere):
    machine.watches(f"http://127.0.0.1:{free_port()}")
    code = (
        "import re, sys; from pathlib import Path;"
        "from motcua.jobs.watching.elsewhere import OutsideWatch; OutsideWatch().once();"
        "print(sorted({m.split('.')[0] for m in sys.modules} & {'airflow', 'pandas', 'great_expectations', 'fastapi'}),"
        " re.search(r'VmHWM:\\s+(\\d+)', Path('/proc/self/status').read_text())[1])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    imported, _, kibibytes = done.stdout.strip().rpartition(" ")
    assert imported == "[]"
    assert int(kibibytes) < 100_000


# --- Real processes


class RealServer:
    """The callbacks app in its own process with a certificate, as docker-compose.yaml starts it."""

    def __init__(self, folder: Path, authority: Authority, name: str) -> None:
        self.port = free_port()
        folder.mkdir(exist_ok=True)
        shown = authority.certificate(name, folder)
        command = [sys.executable, "-m", "uvicorn", "motcua.web.callbacks:standalone", "--port", str(self.port)]
        command += ["--http", "motcua.web.protocol:HeadersInTime", "--no-proxy-headers"]
        command += ["--ssl-certfile", str(shown.chain), "--ssl-keyfile", str(shown.key)]
        self.part = Part(
            "callbacks", command, folder / "log", ready=lambda: listens(self.port), stop_signal=signal.SIGINT
        )


@pytest.fixture
def trusted(tmp_path: Path, monkeypatch) -> Authority:
    """Make a certificate authority that this process trusts."""
    ours = Authority("ours")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(ours.write(tmp_path / "root.pem")))
    return ours


@pytest.mark.alone
@pytest.mark.guarantee(
    "watch",
    "a second machine reports within five minutes that the server is gone or back, unless its own network is down",
)
def test_real_watch_tells_of_a_real_server_that_is_killed_or_frozen(ledger, machine: Elsewhere, trusted, tmp_path):
    server = RealServer(tmp_path / "server", trusted, "localhost")
    machine.configure(MOTCUA_WATCH_ROUND="1")
    machine.watches(f"https://localhost:{server.port}")
    command = [sys.executable, "-c", "from motcua.cli import main; main()", "watch", "outside"]
    watch = Part("watch", command, tmp_path / "watch", ready=lambda: (machine.folder / "state.json").exists())
    over = f"[MotcuaSMS] Đã hết: {GONE.partition(': ')[2]}"

    def is_mailed(*begins: str) -> bool:
        return [subject for subject in subjects() if subject.startswith(begins)] != []

    def subjects() -> list[str]:
        return [str(message["Subject"]) for _, message in machine.mail.taken]

    server.part.start()
    try:
        with watch:
            until(lambda: is_mailed("[MotcuaSMS] Cảnh báo: Chứng thư của localhost hết hạn"))
            server.part.kill()
            until(lambda: is_mailed(GONE))
            server.part.start()
            until(lambda: is_mailed(over))
            with server.part.frozen():
                until(lambda: len([each for each in subjects() if each.startswith(GONE)]) == 2, 120)
            until(lambda: len([each for each in subjects() if each.startswith(over)]) == 2)
            rss = [
                line for line in Path(f"/proc/{watch.process.pid}/status").read_text().splitlines() if "VmRSS" in line
            ]
            assert int(rss[0].split()[1]) < 120_000
    finally:
        server.part.stop()
    assert machine.mails().count("[MotcuaSMS] Giám sát từ máy khác bắt đầu xem localhost") == 1
    written = (tmp_path / "watch").read_text() + (tmp_path / "server" / "log").read_text()
    assert WORD not in written
    assert "outside%2F" not in written


@pytest.mark.parametrize("name", ["ledger.test", "localhost"])
def test_server_whose_certificate_is_not_to_be_believed_gets_no_secret(
    ledger, machine: Elsewhere, trusted, tmp_path, name
):
    signer = trusted if name == "ledger.test" else Authority("another")
    server = RealServer(tmp_path / "server", signer, name)
    with server.part:
        machine.watches(f"https://localhost:{server.port}")
        state = machine.look(3)
    assert state.alerts["server_unreachable"].facts == {"reason": "certificate"}
    assert f"{GONE}: chứng thư (TLS) của nó không tin được" in machine.mails()
