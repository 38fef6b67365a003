"""Provide what is outside a server: a one-stop database, Kannel with a carrier behind it, a mailbox, a safe.

The safe, in which the administrator stores settings and keys, is a folder. The others are real programs that listen on
the loopback interface of this machine. Containers reach them through the bridge of the Docker engine.
"""

from __future__ import annotations

import os
import secrets
import socket
import ssl
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from pathlib import Path

from motcua.sandbox.machine.parts import Part
from tests.gateways.real_kannel import Kannel, smpp_carrier
from tests.gateways.smsc import Smsc, Text
from tests.ground import OneStop, ask, database, free_port, listens, own_server, until

BRIDGE = "172.17.0.1"
"""Address at which containers find this machine: the engine's own bridge."""
NAME = "motcua.test"
"""Name of the server, which is in the hosts files of this machine and of the containers that call the server."""
AGENCY = "H32.11"
_PATIENCE = 120.0


class Door:
    """Forward connections to a port of the loopback interface.

    Args:
        port: Port of the loopback interface.
        at: Address at which the door listens.
        trusted: Certificate of a TLS server behind the port. If it is given, callers connect without TLS, and the door
            uses TLS towards the server, as ``stunnel`` does.
    """

    def __init__(self, port: int, at: str = BRIDGE, trusted: Path | None = None) -> None:
        self._to = port
        self._trusted = trusted
        self._listening = socket.create_server((at, 0))
        self.port: int = self._listening.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self._listening.close()

    def _serve(self) -> None:
        while True:
            try:
                caller, _ = self._listening.accept()
            except OSError:
                return
            try:
                served = socket.create_connection(("127.0.0.1", self._to))
                if self._trusted is not None:
                    context = ssl.create_default_context(cafile=str(self._trusted))
                    served = context.wrap_socket(served, server_hostname=NAME)
            except OSError:
                caller.close()
                continue
            for source, target in ((caller, served), (served, caller)):
                threading.Thread(target=_pass_on, args=(source, target), daemon=True).start()


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while part := source.recv(65536):
            target.sendall(part)
    for each in (source, target):
        with suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)
        each.close()


@dataclass
class Outside:
    """The systems outside the project's server, which remain when that server is lost."""

    folder: Path
    one_stop: OneStop
    carrier: Smsc
    kannel: Kannel
    ports: dict[str, int]
    """Ports of the systems ``one_stop``, ``kannel`` and ``mail``, at the address :data:`BRIDGE`."""
    passwords: dict[str, str]
    """The password with which the project's server signs in at each of the three systems."""
    moved: int = 0

    @property
    def safe(self) -> Path:
        return self.folder / "safe"

    def result_at_the_desk(self, code: str, phone: str, days_ago: int = 0) -> None:
        """Record a dossier with a ready result in the one-stop database."""
        now = datetime.now(UTC) - timedelta(days=days_ago)
        day = timedelta(days=1)
        self.one_stop.dossier(
            code,
            AGENCY,
            received_at=now - day,
            phone_entered_at=now - day,
            due_at=now + 2 * day,
            applicant_phone=phone,
            status_code=9,
            at_one_stop_desk=True,
            updated_at=now,
        )
        self.one_stop.move(9, code, AGENCY, at=now)

    def many(self, count: int) -> list[str]:
        """Record ``count`` new dossiers with ready results; return their phones, none of which had a message before."""
        first = self.moved + 1
        self.moved += count
        phones = [f"0905{number:06}" for number in range(first, self.moved + 1)]
        for phone in phones:
            self.result_at_the_desk(f"N-{phone}", phone)
        return phones

    def shown(self, phone: str) -> list[Text]:
        """Return the texts that a phone got."""
        return self.carrier.phone(f"+84{phone[1:]}")

    def mails(self, receiver: str) -> list[str]:
        """Return the subjects of the mails to a receiver."""
        found = [
            message_from_bytes(path.read_bytes(), policy=policy.default)
            for path in (self.folder / "mails").glob("*.eml")
        ]
        return [str(mail["subject"]) for mail in found if receiver in str(mail["to"])]


@contextmanager
def outside(folder: Path) -> Iterator[Outside]:
    """Run the outside systems during the block. The Docker engine must already run, because they use its bridge."""
    hosts = Path("/etc/hosts")
    before = hosts.read_text(encoding="utf-8")
    passwords = {name: secrets.token_hex(16) for name in ("one_stop", "kannel", "mail")}
    with ExitStack() as stack:
        stack.callback(hosts.write_text, before, encoding="utf-8")
        hosts.write_text(f"{before.rstrip()}\n127.0.0.1 {NAME}\n", encoding="utf-8")
        for name in ("one-stop", "mails", "safe"):
            (folder / name).mkdir(parents=True)
        server = stack.enter_context(own_server(folder / "one-stop"))
        ask(server.admin_dsn, f"CREATE ROLE motcua_reader LOGIN PASSWORD '{passwords['one_stop']}'")
        one_stop = OneStop(stack.enter_context(database(server.admin_dsn, "onestop")))
        stack.callback(one_stop.connection.close)
        one_stop.connection.execute("GRANT USAGE ON SCHEMA onestop TO motcua_reader")
        one_stop.connection.execute("GRANT SELECT ON ALL TABLES IN SCHEMA onestop TO motcua_reader")
        carrier = Smsc()
        stack.callback(carrier.close)
        user = (
            f"group = sendsms-user\nusername = motcua\npassword = {passwords['kannel']}\nmax-messages = 8\n"
            "concatenation = true\n"
        )
        kannel = Kannel(folder / "kannel", carrier=smpp_carrier(carrier.port), groups=user)
        stack.callback(kannel.stop)
        page, smtp = free_port(), free_port()
        words = ["--folder", str(folder / "mails"), "--port", str(page), "--smtp-port", str(smtp)]
        account = {"MOTCUA_SMTP_USERNAME": "motcua", "MOTCUA_SMTP_PASSWORD": passwords["mail"]}
        stack.enter_context(
            Part(
                "mailbox",
                [sys.executable, "-m", "motcua.sandbox.network.mailbox", *words],
                folder / "mailbox.log",
                environment={**os.environ, **account},
                ready=lambda: listens(smtp),
            )
        )
        doors = {
            name: Door(port)
            for name, port in (("one_stop", server.port), ("kannel", kannel.sendsms_port), ("mail", smtp))
        }
        for door in doors.values():
            stack.callback(door.close)
        until(lambda: carrier.is_bound, _PATIENCE, "Kannel is bound to its carrier")
        yield Outside(folder, one_stop, carrier, kannel, {name: door.port for name, door in doors.items()}, passwords)
