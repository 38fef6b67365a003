"""Attack the intake as a client: flood it, send it data that is no valid push, and write for other clients' agencies.

The intake is the app to which the clients, one-stop software, push dossiers and steps over HTTP. Each call must get a
clear answer, and the server must go on without using more and more memory. No record of a well-behaved client that
pushes at the same time may be lost or wait long.
"""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any, Final

import psycopg
from psycopg.rows import dict_row

from motcua.store.agencies import save_agencies
from motcua.store.intake.clients import Password, register_client
from motcua.store.ledger.database import close_ledger_pool, connect
from tests.ground import agency, environment
from tests.prove.worlds.pushing.lives import ZONE
from tests.prove.worlds.pushing.province import PASSWORD, IntakeServer

MANY: Final = 10_000
"""Number of dossiers that one burst pushes."""
BURSTS: Final = 5
_GOOD, _HOSTILE, _FOREIGN = "000.00.01.H32", "000.00.02.H32", "000.00.03.H32"
_LARGE: Final = 33 * 1024 * 1024


@dataclass
class Abused:
    burst_seconds: list[float] = field(default_factory=list)
    """Seconds of each burst; a burst pushes dossiers and their steps."""
    repeated_seconds: float = 0
    memory: list[int] = field(default_factory=list)
    """Bytes of the server's memory after each burst, and, as the last value, after all hostile calls."""
    waited: list[float] = field(default_factory=list)
    """Duration of each call of the well-behaved client, in seconds."""
    good: int = 0
    """Number of records that the well-behaved client pushed; ``there`` is how many of them the ledger has at the end.
    """
    there: int = 0
    hostile: int = 0
    wrong: list[str] = field(default_factory=list)
    """Calls that were answered wrongly, and records that were stored wrongly."""

    def check(self, name: str, ok: bool, value: object) -> None:
        self.hostile += 1
        if not ok:
            self.wrong.append(f"{name}: {value!r:.200}")


class Caller:
    def __init__(self, port: int, name: str) -> None:
        self.port, self.name = port, name

    def ask(self, path: str, body: bytes, **headers: str) -> tuple[int, Any]:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=120)
        try:
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                # A server that refuses a large body answers before it has read the whole body.
                connection.request("POST", path, body, {"Content-Type": "application/json", **headers})
            response = connection.getresponse()
            return response.status, json.loads(response.read())
        finally:
            connection.close()

    def session(self) -> str:
        words = json.dumps({"username": self.name, "password": PASSWORD}).encode()
        return str(self.ask("/intake/sign-in", words)[1]["session"])

    def body(self, service: str, data: Any, unit: str, **more: Any) -> bytes:
        call = {"session": self.session(), "madonvi": unit, "service": service, "data": data, **more}
        return json.dumps(call).encode()

    def push(self, service: str, data: Any, unit: str) -> dict[str, Any]:
        answer: dict[str, Any] = self.ask("/intake/call", self.body(service, data, unit))[1]
        return answer


def dossier(code: str, status: object = 4, **changes: Any) -> dict[str, Any]:
    now = datetime.now(ZONE)
    return {
        "MaHoSo": code, "MaTTHC": "1.005129", "TenTTHC": "Cấp bản sao", "ChuHoSo": "Nguyễn Thị Lan",
        "SoDienThoai": "0905123456", "NgayTiepNhan": f"{now - timedelta(days=1):%Y%m%d%H%M%S}",
        "NgayHenTra": f"{now + timedelta(days=5):%Y%m%d%H%M%S}", "TrangThaiHoSo": status, "HinhThuc": "0",
        "NgayTra": "", "DanhSachHoSoBoSung": [],
    } | changes  # fmt: skip


def step(code: str, status: object = "9", **changes: Any) -> dict[str, Any]:
    moment = f"{datetime.now(ZONE):%Y%m%d%H%M%S}"
    return {"MaHoSo": code, "ThoiDiemXuLy": moment, "NoiDungXuLy": "Trả kết quả", "TrangThai": status} | changes


class Abuse:
    """A server of the intake with a well-behaved client and a hostile client."""

    def __init__(self, ledger_dsn: str, folder: str) -> None:
        self.found = Abused()
        self.log = Path(folder) / "abused.log"
        self.ledger = psycopg.connect(ledger_dsn, autocommit=True, row_factory=dict_row)
        now = datetime.now(UTC) - timedelta(days=1)
        with connect() as connection:
            agencies = [agency(code, name=f"Sở số {code[7:9]}") for code in (_GOOD, _HOSTILE, _FOREIGN)]
            save_agencies(connection, agencies, "proof")
            for name, code in (("good", _GOOD), ("hostile", _HOSTILE), ("other", _FOREIGN)):
                register_client(
                    connection, name, name, Password.of(PASSWORD), [code], [], supplements_at_desk=False, by="proof",
                    now=now,
                )  # fmt: skip
        self.server = IntakeServer(self.log)
        self.hostile = Caller(self.server.port, "hostile")
        self._good = Caller(self.server.port, "good")
        self._over = threading.Event()
        self._behaving = threading.Thread(target=self._behave)

    def __enter__(self) -> Abuse:
        self._behaving.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end_behaving()
        self.server.stop()
        close_ledger_pool()
        self.ledger.close()

    def _end_behaving(self) -> None:
        self._over.set()
        self._behaving.join()

    def _behave(self) -> None:
        """Push dossiers and their results one after the other, as desks do, until the attacks end."""
        while not self._over.wait(0.2):
            code = f"G-{self.found.good // 2:05}"
            for service, record in (("DongBoHoSoMC", dossier(code)), ("CapNhatTienDoHoSoMC", step(code))):
                began = time.monotonic()
                try:
                    answer: object = self._good.push(service, [record], _GOOD)
                except (OSError, HTTPException, ValueError) as failure:
                    answer = failure
                self.found.waited.append(time.monotonic() - began)
                self.found.good += 1
                if not isinstance(answer, dict) or answer.get("received") != 1:
                    self.found.wrong.append(f"the client that behaves: {answer!r:.200}")

    def burst(self) -> None:
        """Push bursts: ten thousand dossiers in one call, then their steps in another; push the last steps again."""
        for number in range(BURSTS):
            codes = [f"B{number}-{each:05}" for each in range(MANY)]
            began = time.monotonic()
            for service, records in (
                ("DongBoHoSoMC", [dossier(code) for code in codes]),
                ("CapNhatTienDoHoSoMC", [step(code) for code in codes]),
            ):
                answer = self.hostile.push(service, records, _HOSTILE)
                summary = {name: answer.get(name) for name in ("error_code", "received", "refused")}
                wanted = {"error_code": "00", "received": MANY, "refused": 0}
                self.found.check(f"burst {number} {service}", summary == wanted, answer)
            self.found.burst_seconds.append(time.monotonic() - began)
            self.found.memory.append(self.server.memory())
        began = time.monotonic()
        answer = self.hostile.push("CapNhatTienDoHoSoMC", records, _HOSTILE)
        self.found.repeated_seconds = time.monotonic() - began
        self.found.check("a burst that is sent again", answer.get("repeated") == MANY, answer)
        (row,) = self.ledger.execute("SELECT count(*) AS n FROM intake.pushed_steps WHERE dossier_code LIKE 'B%'")
        self.found.check("steps of all bursts", row["n"] == BURSTS * MANY, row)

    def all_that_is_hostile(self) -> None:
        """Make each call of ``_hostile_calls``, and check its answer and that the server logged no secret."""
        for name, path, body, headers, statuses, codes in self._hostile_calls():
            try:
                status, answer = self.hostile.ask(path, body, **headers)
            except (OSError, HTTPException, ValueError) as failure:
                self.found.check(name, False, failure)
                continue
            code = answer.get("error_code") if isinstance(answer, dict) else None
            ok = status in statuses and code in codes and bool(answer.get("message"))
            self.found.check(name, ok, (status, answer))
        self._send_cut_bodies()
        self._check_other_agency()
        self.found.memory.append(self.server.memory())
        self._end_behaving()
        (row,) = self.ledger.execute(
            "SELECT count(*) AS n FROM (SELECT dossier_code FROM intake.pushed_dossiers WHERE agency_code = %(good)s"
            " UNION ALL SELECT dossier_code FROM intake.source_transitions WHERE agency_code = %(good)s) AS g",
            {"good": _GOOD},
        )
        self.found.there = row["n"]
        with open(self.log, encoding="utf-8", errors="replace") as log:
            words = log.read()
        for secret in ("Traceback", PASSWORD, "0905123456", "Nguyễn"):
            self.found.check(f"in the server's log: {secret[:9]}", secret not in words, words[-300:])

    def _hostile_calls(self) -> Iterator[tuple[str, str, bytes, dict[str, str], Collection[int], Collection[object]]]:
        """Yield hostile calls: name, address, body, headers, and the allowed statuses and codes of the answer.

        These calls are large or deeply nested, or name another client's agency. Small bodies that are no valid push are
        tested in tests/integration/intake/test_bad_input.py.
        """
        caller = self.hostile

        def call(data: Any, unit: str = _HOSTILE, **more: Any) -> bytes:
            return caller.body("DongBoHoSoMC", data, unit, **more)

        def raw(data: bytes) -> bytes:
            return call("@").replace(b'"@"', data)

        padded = b",".join(json.dumps(dossier(f"T-{n}", x="y" * 1_500)).encode() for n in range(15_000))
        for name, body, status, code in (
            ("brackets", raw(b"[" * 200_000 + b"]" * 200_000), 200, {"03"}),
            ("objects in objects", raw(b'{"a":' * 100_000 + b"1" + b"}" * 100_000), 200, {"03"}),
            ("a million empty records", raw(b"[" + b"{}," * 999_990 + b"{}]"), 200, {"03", "05"}),
            ("twenty thousand empty records", raw(b"[" + b"{}," * 19_999 + b"{}]"), 200, {"04"}),
            ("one record too many", raw(b"[" + b"{}," * 20_000 + b"{}]"), 413, {"05"}),
            ("a code of a megabyte", call([dossier("x" * 1_000_000)]), 200, {"04"}),
            ("a body that is too large", call([dossier("T-5")], x="x" * _LARGE), 413, {"05"}),
            ("a body that is almost too large", raw(b"[" + padded + b"]"), 200, {"00"}),
            ("somebody else's unit", call([dossier("T-3", 9)], _FOREIGN), 200, {"04"}),
            ("somebody else's prefix", call([dossier(f"{_FOREIGN}-241128-0001", 9)], ""), 200, {"04"}),
            ("somebody else's name", call([dossier("T-4", 9, DonViXuLy="Sở số 03")], ""), 200, {"04"}),
        ):
            yield name, "/intake/call", body, {}, {status}, code
        yield (
            "a body with a Content-Length that is too large",
            "/intake/call",
            b"x",
            {"Content-Length": "99999999999"},
            {413},
            {"05"},
        )

    def _send_cut_bodies(self) -> None:
        """Send request bodies that end too early, and request bodies that never end."""
        body = self.hostile.body("DongBoHoSoMC", [dossier(f"C-{n}") for n in range(200)], _HOSTILE)
        held = []
        for length in (0, 10, len(body) // 2, len(body) - 1):
            for stays in (False, True):
                connection = socket.create_connection(("127.0.0.1", self.server.port), 10)
                head = f"POST /intake/call HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
                connection.sendall(head.encode() + body[:length])
                if stays:
                    held.append(connection)
                else:
                    connection.close()
        answer = self.hostile.push("DongBoHoSoMC", [dossier("C-last")], _HOSTILE)
        self.found.check("a call while others hang", answer.get("received") == 1, answer)
        for connection in held:
            connection.close()
        rows = self.ledger.execute("SELECT 1 FROM intake.pushed_dossiers WHERE dossier_code ~ '^C-[0-9]'").fetchall()
        self.found.check("bodies that were cut leave nothing", not rows, len(rows))

    def _check_other_agency(self) -> None:
        """Check that the hostile client wrote nothing for another client's agency."""
        rows = self.ledger.execute(
            "SELECT agency_code FROM intake.pushed_dossiers WHERE agency_code = %(code)s UNION ALL"
            " SELECT agency_code FROM intake.pushed_steps WHERE agency_code = %(code)s",
            {"code": _FOREIGN},
        ).fetchall()
        self.found.check("rows of somebody else's agency", not rows, len(rows))


def abuse(ledger_dsn: str, folder: str) -> Abused:
    """Run all attacks on an intake with the migrated, empty ledger of the connection ``motcua_db``."""
    with environment(MOTCUA_INTAKE_CALLS="1000000"), Abuse(ledger_dsn, folder) as abused:
        abused.burst()
        abused.all_that_is_hostile()
        return abused.found
