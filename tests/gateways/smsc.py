"""A carrier for tests: the part of SMPP 3.4 that Kannel uses, and the phones behind it.

Numbers of commands, fields and states are those of the specification (SMPP v3.4, issue 1.2: 5.1.2.1, 4.4.1, 5.2.28,
appendix B). The alphabet and the concatenation header are those of 3GPP TS 23.038 and TS 23.040.
"""

from __future__ import annotations

import contextlib
import itertools
import socket
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum


class _Command(IntEnum):
    BIND_RECEIVER = 0x01
    BIND_TRANSMITTER = 0x02
    SUBMIT_SM = 0x04
    DELIVER_SM = 0x05
    UNBIND = 0x06
    BIND_TRANSCEIVER = 0x09
    ENQUIRE_LINK = 0x15


_RESPONSE = _NACK = 0x80000000
_INVALID_COMMAND = 0x03
_RECEIPTED_MESSAGE_ID, _MESSAGE_STATE = 0x001E, 0x0427
_INTERNATIONAL, _ALPHANUMERIC = 1, 5
_HAS_HEADER, _IS_RECEIPT = 0x40, 0x04
_UCS2 = 8

REFUSED = 0x0B
"""``command_status`` of an answer to a submit: ESME_RINVDSTADR."""
_STATES = {
    "ENROUTE": 1,
    "DELIVRD": 2,
    "EXPIRED": 3,
    "DELETED": 4,
    "UNDELIV": 5,
    "ACCEPTD": 6,
    "UNKNOWN": 7,
    "REJECTD": 8,
}

_BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENDED = dict(zip(b"\x0a\x14\x28\x29\x2f\x3c\x3d\x3e\x40\x65", "\f^{}\\[~]|€", strict=True))


@dataclass(frozen=True, slots=True)
class Fate:
    """How the carrier handles the messages to one phone."""

    status: int = 0
    """Status of the answer to a submit; any value but 0 refuses the message."""
    receipts: tuple[str, ...] = ("DELIVRD",)
    """States that the carrier reports, in order, if receipts were asked for."""
    overtakes: bool = False
    """Whether the receipts come before the answer to the submit."""
    refused_part: int | None = None
    """Number of the part that is refused, if a message has several parts; ``None`` if no part is refused."""

    @property
    def reaches_the_phone(self) -> bool:
        return self.status == 0 and self.refused_part is None and self.receipts[-1:] in ((), ("DELIVRD",))


@dataclass(frozen=True, slots=True)
class Submit:
    """One request ``submit_sm`` of a client: a message, or a part of one."""

    message_id: str
    sender: str
    sender_is_a_name: bool
    receiver: str
    coding: int
    header: bytes
    data: bytes
    asks_for_receipt: bool
    fate: Fate

    @property
    def part(self) -> tuple[int, int, int] | None:
        """Return the reference of the whole message, the number of its parts, and the place of this part.

        Return ``None`` if there is no concatenation header, because the message has only one part.
        """
        at = 1
        while at < len(self.header):
            element, length = self.header[at], self.header[at + 1]
            value = self.header[at + 2 : at + 2 + length]
            if element == 0x00 and length == 3:
                return value[0], value[1], value[2]
            if element == 0x08 and length == 4:
                return int.from_bytes(value[:2], "big"), value[2], value[3]
            at += 2 + length
        return None


def _decoded(data: bytes, coding: int) -> str:
    if coding == _UCS2:
        return data.decode("utf-16-be", "replace")
    septets = iter(data)
    return "".join(_EXTENDED[next(septets)] if septet == 0x1B else _BASIC[septet] for septet in septets)


@dataclass(frozen=True, slots=True)
class Text:
    """A text as a phone shows it."""

    sender: str
    words: str
    parts: int


class Smsc:
    """A carrier's message centre on a free port of the loopback interface; it accepts clients with any name."""

    def __init__(self) -> None:
        self.submits: list[Submit] = []
        self.fate = Fate()
        self.fates: dict[str, Fate] = {}
        """Fates by phone number, ``+84…``. All other phones have the fate in the attribute ``fate``."""
        self.when_taken: Callable[[], None] | None = None
        """A function without parameters that is called at each submit, before the submit is answered."""
        self._sessions: list[_Session] = []
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        self._held: list[Callable[[], None]] | None = None
        self._is_away = False
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listening.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def is_bound(self) -> bool:
        """Return whether clients are connected that can submit messages and get receipts."""
        bound = {session.bound_as for session in list(self._sessions)}
        both = {_Command.BIND_TRANSMITTER, _Command.BIND_RECEIVER}
        return _Command.BIND_TRANSCEIVER in bound or both <= bound

    def phone(self, number: str) -> list[Text]:
        """Return the texts that a phone got. A text in several parts is included once all its parts have arrived."""
        shown: list[Text] = []
        parts: dict[tuple[str, int], dict[int, bytes]] = {}
        for submit in list(self.submits):
            if submit.receiver != number or not submit.fate.reaches_the_phone:
                continue
            if (part := submit.part) is None:
                shown.append(Text(submit.sender, _decoded(submit.data, submit.coding), 1))
                continue
            reference, total, place = part
            come = parts.setdefault((submit.sender, reference), {})
            come[place] = submit.data
            if len(come) == total:
                whole = b"".join(come[n] for n in range(1, total + 1))
                shown.append(Text(submit.sender, _decoded(whole, submit.coding), total))
                del parts[submit.sender, reference]
        return shown

    def report(self, submit: Submit, state: str) -> None:
        """Send a delivery receipt about a submit."""
        number = submit.receiver.removeprefix("+")
        # Quote the first words of the message in the receipt, as carriers do.
        words = (
            f"id:{submit.message_id} sub:001 dlvrd:{int(state == 'DELIVRD'):03} submit date:2611251000"
            f" done date:2611251001 stat:{state} err:000 text:{_decoded(submit.data, submit.coding)[:20]}"
        ).encode("ascii", "replace")
        body = (
            b"\0"
            + _address(_INTERNATIONAL, number)
            + _address(0, submit.sender)
            + bytes([_IS_RECEIPT, 0, 0, 0, 0, 0, 0, 0, 0, len(words)])
            + words
            + _encoded_field(_RECEIPTED_MESSAGE_ID, submit.message_id.encode() + b"\0")
            + _encoded_field(_MESSAGE_STATE, bytes([_STATES[state]]))
        )
        listening = (_Command.BIND_RECEIVER, _Command.BIND_TRANSCEIVER)
        for session in [session for session in self._sessions if session.bound_as in listening][:1]:
            session.send(_Command.DELIVER_SM, body)

    def hold(self) -> None:
        """Read submits without answering them, from now on."""
        with self._lock:
            self._held = self._held or []

    def release(self) -> None:
        """Answer the submits that came since ``hold``, and all later ones."""
        with self._lock:
            held, self._held = self._held or [], None
        for answer in held:
            answer()

    def go_away(self) -> None:
        """Close all connections, and accept none until ``come_back``."""
        self._is_away = True
        for session in list(self._sessions):
            session.close()

    def come_back(self) -> None:
        """Accept connections again."""
        self._is_away = False

    def close(self) -> None:
        """Close the port and all connections."""
        self.go_away()
        self._listening.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listening.accept()
                if self._is_away:
                    connection.close()
                    continue
                session = _Session(connection)
                self._sessions.append(session)
                threading.Thread(target=self._serve, args=(session,), daemon=True).start()

    def _serve(self, session: _Session) -> None:
        try:
            while (pdu := session.read()) is not None:
                command, sequence, body = pdu
                match command:
                    case _Command.BIND_RECEIVER | _Command.BIND_TRANSMITTER | _Command.BIND_TRANSCEIVER:
                        session.send(command | _RESPONSE, b"carrier\0", sequence=sequence)
                        session.bound_as = command
                    case _Command.SUBMIT_SM:
                        self._take_submit(session, sequence, body)
                    case _Command.ENQUIRE_LINK | _Command.UNBIND:
                        session.send(command | _RESPONSE, sequence=sequence)
                    case _ if not command & _RESPONSE:
                        session.send(_NACK, status=_INVALID_COMMAND, sequence=sequence)
        except OSError:
            pass
        finally:
            self._sessions.remove(session)
            session.close()

    def _take_submit(self, session: _Session, sequence: int, body: bytes) -> None:
        fields = _Fields(body)
        fields.text()
        sender_type, _, sender = fields.byte(), fields.byte(), fields.text()
        receiver_type, _, receiver = fields.byte(), fields.byte(), fields.text()
        esm_class, _, _ = fields.byte(), fields.byte(), fields.byte()
        fields.text(), fields.text()
        registered, _, coding, _ = fields.byte(), fields.byte(), fields.byte(), fields.byte()
        data = fields.bytes(fields.byte())
        header = data[: data[0] + 1] if esm_class & _HAS_HEADER else b""
        if receiver_type == _INTERNATIONAL:
            receiver = "+" + receiver.removeprefix("+")
        submit = Submit(
            message_id=str(next(self._numbers)),
            sender=sender,
            sender_is_a_name=sender_type == _ALPHANUMERIC,
            receiver=receiver,
            coding=coding,
            header=header,
            data=data[len(header) :],
            asks_for_receipt=bool(registered & 0x01),
            fate=self.fates.get(receiver, self.fate),
        )
        self.submits.append(submit)
        if self.when_taken:
            self.when_taken()

        def answer() -> None:
            with contextlib.suppress(OSError):
                self._answer(session, sequence, submit)

        with self._lock:
            if self._held is not None:
                self._held.append(answer)
                return
        answer()

    def _answer(self, session: _Session, sequence: int, submit: Submit) -> None:
        fate = submit.fate
        is_refused = fate.refused_part is not None and submit.part is not None and submit.part[2] == fate.refused_part
        status = REFUSED if is_refused else fate.status
        receipts = fate.receipts if submit.asks_for_receipt and status == 0 else ()
        if fate.overtakes:
            for state in receipts:
                self.report(submit, state)
        body = b"" if status else submit.message_id.encode() + b"\0"
        session.send(_Command.SUBMIT_SM | _RESPONSE, body, status=status, sequence=sequence)
        if not fate.overtakes:
            for state in receipts:
                self.report(submit, state)


class _Session:
    """One connection of a client."""

    def __init__(self, connection: socket.socket) -> None:
        self.bound_as = 0
        self._connection = connection
        self._reader = connection.makefile("rb")
        self._lock = threading.Lock()
        self._sequence = itertools.count(1)

    def read(self) -> tuple[int, int, bytes] | None:
        """Return command, sequence number and body of the next PDU, or ``None`` if the client closed the connection."""
        if len(head := self._reader.read(16)) < 16:
            return None
        length, command, _, sequence = struct.unpack(">IIII", head)
        return command, sequence, self._reader.read(length - 16)

    def send(self, command: int, body: bytes = b"", *, status: int = 0, sequence: int | None = None) -> None:
        with self._lock:
            number = next(self._sequence) if sequence is None else sequence
            self._connection.sendall(struct.pack(">IIII", 16 + len(body), command, status, number) + body)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)
        self._connection.close()


class _Fields:
    """Reads the fields of a PDU's body, one after the other."""

    def __init__(self, body: bytes) -> None:
        self._body, self._at = body, 0

    def bytes(self, length: int) -> bytes:
        self._at += length
        return self._body[self._at - length : self._at]

    def byte(self) -> int:
        return self.bytes(1)[0]

    def text(self) -> str:
        """Return a C-Octet String."""
        return self.bytes(self._body.index(b"\0", self._at) + 1 - self._at)[:-1].decode("latin-1")


def _address(kind: int, number: str) -> bytes:
    return bytes([kind, 1]) + number.encode() + b"\0"


def _encoded_field(tag: int, value: bytes) -> bytes:
    return struct.pack(">HH", tag, len(value)) + value
