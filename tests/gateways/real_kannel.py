"""Run a real Kannel 1.4.5 (Debian's ``kannel``) on free ports of the loopback interface; tests play its carrier.

Kannel has two programs ("boxes"): bearerbox talks to the carrier, and smsbox to senders. This module works around three
properties of both. On a restart, bearerbox forgets receipts unless they are stored in a spool folder. An smsbox that
loses its bearerbox closes its port, sleeps and may start again under another process id; each box therefore gets a
process group of its own and is ended with its group. A box whose port is taken ends, and only its log says why.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar
from urllib.parse import unquote_to_bytes

from motcua.sandbox.machine.parts import Part
from tests.ground import free_port, listens, until

SYSTEM_PATH = os.environ["PATH"] + ":/usr/sbin:/sbin"
BOXES = ("bearerbox", "smsbox")
IS_INSTALLED = all(shutil.which(box, path=SYSTEM_PATH) for box in BOXES)

Seen = TypeVar("Seen")


def connected(port: int) -> socket.socket | None:
    """Return a connection to this port of the loopback interface, or ``None`` if no program listens there."""
    with contextlib.suppress(OSError):
        return socket.create_connection(("127.0.0.1", port))
    return None


def smpp_carrier(port: int, more: str = "") -> str:
    """Return the configuration lines of the group ``smsc`` for a carrier with SMPP 3.4 on this local port."""
    return f"""smsc = smpp
smsc-id = CARRIER
host = 127.0.0.1
port = {port}
transceiver-mode = true
smsc-username = motcua
smsc-password = carrier
system-type = VMA
reconnect-delay = 1
{more}"""


_CONFIGURATION = """
group = core
admin-port = {admin}
admin-interface = 127.0.0.1
admin-password = {admin}
smsbox-port = {smsbox}
smsbox-interface = 127.0.0.1
log-file = {folder}/bearerbox.log
log-level = 1
store-type = spool
store-location = {folder}/store
dlr-storage = spool
dlr-spool = {folder}/receipts
{core}

group = smsc
{carrier}

group = smsbox
bearerbox-host = 127.0.0.1
sendsms-port = {sendsms}
sendsms-interface = 127.0.0.1
log-file = {folder}/smsbox.log
log-level = 1
mo-recode = true
http-request-retry = 900
http-queue-delay = 1

{groups}
"""


class Kannel:
    """One Kannel: bearerbox and smsbox.

    The arguments are lines of Kannel's configuration. ``carrier``: the lines of the group ``smsc``. ``groups``: the
    groups ``sendsms-user`` and ``sms-service`` with their names. ``core``: further lines of the group ``core``.
    """

    def __init__(self, folder: Path, *, carrier: str, groups: str, core: str = "") -> None:
        self._folder = folder
        for place in ("store", "receipts"):
            (folder / place).mkdir(parents=True)
        self._ports = {name: free_port() for name in ("admin", "smsbox", "sendsms")}
        self.sendsms_port = self._ports["sendsms"]
        self.url = f"http://127.0.0.1:{self.sendsms_port}"
        self._configuration = folder / "kannel.conf"
        words = _CONFIGURATION.format(folder=folder, carrier=carrier, groups=groups, core=core, **self._ports)
        self._configuration.write_text(words, encoding="utf-8")
        self._boxes: dict[str, Part] = {}
        try:
            self.start()
        except BaseException:
            self.stop()
            raise

    def start(self) -> None:
        """Start both boxes; each start uses the same ports and the same spool folder.

        Raises:
            RuntimeError: A box ended at once. The error's message has the end of the box's log.
        """
        self._start_box("bearerbox", self._ports["smsbox"])
        self._start_box("smsbox", self.sendsms_port)

    def _start_box(self, box: str, port: int) -> None:
        self._boxes[box] = Part(
            box,
            [shutil.which(box, path=SYSTEM_PATH) or box, str(self._configuration)],
            self._folder / f"{box}.said",
            ready=lambda: listens(port),
            ready_within=20,
        )
        self._boxes[box].start()

    def pids(self) -> dict[str, int]:
        """Return each box's process id."""
        return {box: part.pid for box, part in self._boxes.items() if part.pid is not None}

    @property
    def bearerbox(self) -> Part:
        """Return the process of bearerbox, for tests that freeze it."""
        return self._boxes["bearerbox"]

    def end_bearerbox(self, number: signal.Signals = signal.SIGKILL) -> None:
        """End bearerbox alone, and wait until smsbox has noticed and closed its port."""
        self._end_box("bearerbox", number)
        until(lambda: not listens(self.sendsms_port))

    def restart(self) -> None:
        """End the boxes that still run, and start both again."""
        self.stop()
        self.start()

    def stop(self) -> None:
        """Kill both boxes."""
        for box in reversed(BOXES):
            self._end_box(box, signal.SIGKILL)

    def _end_box(self, box: str, number: signal.Signals) -> None:
        if (part := self._boxes.pop(box, None)) is None:
            return
        if number is not signal.SIGKILL:
            part.stop_signal = number
            part.stop()
        # Kill the whole process group, because an smsbox may still run under another process id.
        part.kill()


@dataclass(frozen=True, slots=True)
class FakePart:
    """One part of a message, as Kannel sends it to a carrier of the kind ``fake``."""

    at: float
    receiver: str
    kind: bytes
    data: bytes

    def words(self, *, accented: bool) -> str:
        """Return the part's text; ``accented``: whether it was sent as UCS-2."""
        return self.data.decode("utf-16-be" if accented else "utf-8", "replace")


class FakeCarrier:
    """The carrier to which a Kannel with ``smsc = fake`` connects; it gets lines of text over TCP.

    It can neither refuse messages nor send receipts.
    """

    def __init__(self) -> None:
        self._port = free_port()
        self.group = f"smsc = fake\nsmsc-id = FAKE\nport = {self._port}\nconnect-allow-ip = 127.0.0.1"
        self.parts: list[FakePart] = []
        self._connection: socket.socket | None = None

    def connect(self) -> None:
        """Connect to a bearerbox that was started with this carrier's ``group`` in its configuration."""
        self._connection = until(lambda: connected(self._port))
        threading.Thread(target=self._read_parts, args=(self._connection,), daemon=True).start()

    def _read_parts(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError), connection.makefile("rb") as lines:
            for line in lines:
                _, receiver, kind, rest = line.rstrip(b"\n").split(b" ", 3)
                if kind == b"udh":
                    rest = rest.partition(b" data ")[2]
                data = rest if kind == b"text" else unquote_to_bytes(rest.replace(b"+", b" "))
                self.parts.append(FakePart(time.monotonic(), receiver.decode(), kind, data))

    def text(self, phone: str, text: str) -> None:
        """Send a text from this phone to 9029."""
        assert self._connection is not None, "connect first"
        self._connection.sendall(f"{phone} 9029 text {text}\n".encode())

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()
