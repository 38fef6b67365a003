"""A client of the national portal's protocol, in the three variants ("shapes") that one-stop software uses.

The client uses no product code. Like publicly available clients, it sends a call again until ``error_code`` of an
answer says that the call is done. Some calls go wrong on purpose: the body is cut, the client does not wait for the
answer, the session is old, or the call is made twice or in parallel.
"""

from __future__ import annotations

import contextlib
import json
import random
import socket
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from http.client import HTTPConnection, HTTPException
from typing import Any, Final, Literal, TypeAlias
from urllib.parse import urlencode

from tests.prove.worlds.pushing.lives import ZONE, Event, Life, Office, Row

Kind: TypeAlias = Literal["dossiers", "steps"]
FAULTS: Final = ("body cut", "answer not waited for", "old session", "sent twice", "split", "at once", "server killed")
_PATIENCE: Final = 60.0
_MOST_KILLS: Final = 2
"""Largest number of kills of the server by one client, because each restart takes seconds."""
_VIA: Final = {"direct": "0", "postal": "1"}


class Given(Exception):
    """The client gave up: no answer said that its call was done, or an answer was wrong."""


@dataclass(frozen=True)
class Call:
    """Records that the client sends in one call, or in several calls if it splits them."""

    kind: Kind
    office: Office
    """The agency for which the call is made."""
    records: Sequence[Mapping[str, Any]]
    names_unit: bool = True
    """Whether a call of shape A or B names the agency's code. Otherwise it names the province's code, and the dossiers'
    codes begin with the agency's code."""


@dataclass
class Software:
    """One client, which uses the shape A, B or C of the protocol and makes faults at random.

    ``faults`` is the probability of a fault per call, 0 to 1.
    """

    port: int
    name: str
    password: str
    shape: str
    draws: random.Random
    faults: float
    restart: Callable[[], None]
    """Function that kills the intake's server and starts it again."""
    made: Counter[str] = field(default_factory=Counter)
    """Number of answered calls and of the client's faults, by name."""
    log: list[Call] = field(default_factory=list)
    """Calls that the client sent; they are stored here to be sent again later."""
    numbers: dict[str, str] = field(default_factory=dict)
    """Code of a dossier → the number that the intake gave it (shape C only)."""
    _old_session: str = ""

    # --- building records

    def dossier(self, life: Life, row: Row) -> dict[str, Any]:
        at_desk = "MotCua" if row.status == 5 and row.at_desk else ""
        if self.shape == "C":
            return {
                "MaHoSo": life.code,
                "MaTTHC": row.procedure,
                "TenTTHC": f"Thủ tục {row.procedure}",
                "MaDonViTiepNhan": life.office.code,
                "LoaiDoiTuong": 1,
                "HinhThuc": int(_VIA[row.via]),
                "NgayTiepNhan": _with_separators(row.received_at),
                "NgayHenTra": _with_separators(row.due_at),
                "NgayKetThucXuLy": _with_separators(row.finished_at),
                "NgayTra": _with_separators(row.returned_at),
                "TrangThaiHoSo": row.status,
                "TrangThaiBoSung": at_desk,
                "ThongTinNguoiNop": {
                    "LoaiDoiTuong": 1,
                    "ThongTinChiTiet": {
                        "TenNguoiNop": row.name,
                        "SoDinhDanh": "056190001234",
                        "SoDienThoai": row.phone,
                        "Email": "a@example.vn",
                    },
                },
            }
        written = {
            "MaHoSo": life.code,
            "MaTTHC": row.procedure,
            "TenTTHC": f"Thủ tục {row.procedure}",
            "ChuHoSo": row.name,
            "SoDienThoai": row.phone,
            "NgayTiepNhan": _without_separators(row.received_at),
            "NgayHenTra": _without_separators(row.due_at),
            "NgayTra": _without_separators(row.returned_at),
            "TrangThaiHoSo": str(row.status),
            "NgayKetThucXuLy": _without_separators(row.finished_at),
            "HinhThuc": _VIA[row.via],
            "TrangThaiBoSung": at_desk,
        }
        if self.shape == "A":
            written |= {
                "LoaiDoiTuong": "1",
                "MaDoiTuong": "056190001234",
                "Fax": row.phone,
                "TrichYeuHoSo": "",
                "DonViXuLy": "",
                "TaiLieuNop": [],
                "DanhSachHoSoBoSung": [],
                "DanhSachLePhi": [],
            }
        return written

    def step(self, life: Life, event: Event) -> dict[str, Any]:
        assert event.occurred_at is not None
        room = "Bộ phận Một cửa" if event.status == 5 and event.at_desk else "Phòng chuyên môn"
        if self.shape == "C":
            moment = event.occurred_at.astimezone(ZONE).replace(tzinfo=None)
            named = {"IDHoSo": self.numbers[life.code]} if life.code in self.numbers else {}
            return {
                **named,
                "MaHoSo": life.code,
                "NguoiXuLy": "Hùng",
                "ThoiDiemXuLy": moment.isoformat(timespec="milliseconds"),
                "PhongBanXuLy": room,
                "NoiDungXuLy": event.row.step_name,
                "TrangThai": event.status,
            }
        return {
            "MaHoSo": life.code,
            "NguoiXuLy": "Hùng",
            "ChucDanh": "",
            "ThoiDiemXuLy": _without_separators(event.occurred_at),
            "PhongBanXuLy": room,
            "NoiDungXuLy": event.row.step_name,
            "TrangThai": str(event.status),
            "NgayBatDau": "",
            "NgayKetThucTheoQuyDinh": "",
        }

    def last_action(self, life: Life, event: Event) -> dict[str, Any]:
        """Return a step as OpenCPS pushes it.

        The step names no department (``PhongBanXuLy``), so it does not show whether a request for a supplement waits at
        the desk.
        """
        return self.step(life, event) | {"PhongBanXuLy": "", "NguoiXuLy": "Hùng"}

    # --- sending calls

    def send(self, call: Call, *, again: bool = False) -> None:
        """Repeat a call until an answer says that it is done; before that, the client may make a fault.

        Raises:
            Given: No answer said that the call was done, or an answer was wrong.
        """
        if not again:
            self.log.append(call)
        fault = self.draws.choice(FAULTS) if self.draws.random() < self.faults else ""
        if fault == "server killed" and self.made[fault] >= _MOST_KILLS:
            fault = "answer not waited for"
        if fault in ("split", "at once") and len(call.records) < 2:
            fault = "sent twice"
        if fault:
            self.made[fault] += 1
        if fault == "split":
            self._send_in_parts(call)
        elif fault == "at once":
            self._send_halves_at_once(call)
        else:
            if fault:
                self._go_wrong(call, fault)
            self.until_done(call)

    def _send_in_parts(self, call: Call) -> None:
        """Send a call in parts; half-way, the client forgets what it has sent and begins again with the first part."""
        size = self.draws.randrange(1, len(call.records))
        parts = [
            Call(call.kind, call.office, call.records[start : start + size], call.names_unit)
            for start in range(0, len(call.records), size)
        ]
        for part in parts[: len(parts) // 2]:
            self.until_done(part)
        for part in parts:
            self.until_done(part)

    def _send_halves_at_once(self, call: Call) -> None:
        """Send two halves with different dossiers at the same time, and the whole call afterwards."""
        codes = sorted({record["MaHoSo"] for record in call.records})
        early = set(codes[: len(codes) // 2])
        halves = [
            Call(call.kind, call.office, [r for r in call.records if (r["MaHoSo"] in early) == side], call.names_unit)
            for side in (True, False)
        ]
        with ThreadPoolExecutor(2) as at_once:
            list(at_once.map(self.until_done, [half for half in halves if half.records]))
        self.until_done(call)

    def _go_wrong(self, call: Call, fault: str) -> None:
        if fault == "sent twice":
            self.until_done(call)
        elif fault == "old session" and self.shape != "B" and self._old_session:
            # Another client may have killed the server meanwhile.
            with contextlib.suppress(OSError, HTTPException, ValueError):
                answer = self._answer(*self._request(call, self._old_session))
                if answer.get("error_code") not in ("00", "01"):
                    raise Given(f"an old session was answered {answer}")
                self.made[f"old session answered {answer['error_code']}"] += 1
        elif fault in ("body cut", "answer not waited for", "server killed"):
            # Another client may have killed the server meanwhile.
            with contextlib.suppress(OSError, HTTPException, ValueError):
                self._hang_up(call, fault)

    def _hang_up(self, call: Call, fault: str) -> None:
        path, headers, body = self._request(call, self._session())
        sent = body[: len(body) // 2] if fault == "body cut" else body
        head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len(body)}\r\n"
        head += "".join(f"{name}: {value}\r\n" for name, value in headers.items()) + "\r\n"
        with socket.create_connection(("127.0.0.1", self.port), 10) as connection:
            connection.sendall(head.encode() + sent)
            if fault == "server killed":
                # Wait for a random time, so that the kill comes while the server handles this call.
                time.sleep(self.draws.random() * 0.03)
                self.restart()

    def until_done(self, call: Call) -> None:
        last: object = None
        for attempt in range(40):
            if attempt:
                time.sleep(0.05 * attempt)
            try:
                last = answer = self._answer(*self._request(call, self._session()))
            except (OSError, HTTPException, ValueError) as failure:
                last = failure
                continue
            if answer.get("error_code") == "00":
                self.made["calls"] += 1
                if self.shape == "C" and call.kind == "dossiers" and len(call.records) == 1:
                    self.numbers[call.records[0]["MaHoSo"]] = answer["data"]["idHoSo"]
                if answer.get("refused"):
                    raise Given(f"{self.name}: {answer}")
                return
        raise Given(f"{self.name} {call.kind}: {last}")

    def is_held(self, code: str, unit: str) -> bool:
        """Return whether the intake knows a dossier; OpenCPS asks this before it sends each dossier."""
        body = {"session": self._session(), "madonvi": unit, "service": "TraCuuHoSo", "mahoso": code}
        headers = {"Content-Type": "application/json", "Charset": "utf-8"}
        answer = self._answer("/intake/call", headers, json.dumps(body).encode())
        return bool(answer.get("result"))

    def _session(self) -> str:
        """Sign in and return a new session, or an empty text in shape B, which has no sessions."""
        if self.shape == "B":
            return ""
        names = ("username", "password") if self.shape == "A" else ("client_id", "client_secret")
        path = "/intake/sign-in" if self.shape == "A" else "/intake/token"
        body = json.dumps({names[0]: self.name, names[1]: self.password}).encode()
        answer = self._answer(path, {"Content-Type": "application/json"}, body)
        if int(answer.get("error_code", -1)):
            raise ValueError(f"no session was given: {answer}")
        session = str(answer["session"] if self.shape == "A" else answer["data"]["access_token"])
        self._old_session = self._old_session or session
        return session

    def _request(self, call: Call, session: str) -> tuple[str, dict[str, str], bytes]:
        unit = call.office.code if call.names_unit else "H32"
        records = list(call.records)
        service = "DongBoHoSoMC" if call.kind == "dossiers" else "CapNhatTienDoHoSoMC"
        if self.shape == "A":
            body: Any = {"session": session, "madonvi": unit, "service": service, "data": records}
            if call.kind == "dossiers":
                body["isUpdating"] = self.draws.choice(("True", "False"))
            headers = {"Content-Type": "application/json", "Charset": "utf-8"}
            return "/intake/call", headers, json.dumps(body, ensure_ascii=self.draws.random() < 0.5).encode()
        if self.shape == "B":
            query = urlencode({"MaDinhDanhDV": unit, "isUpdating": "True"})
            path = f"/intake/api/SynsTTHCC/{service}?{query}"
            return path, {"Content-Type": "application/json"}, json.dumps(records).encode()
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {session}"}
        if call.kind == "dossiers":
            one: Any = records[0] if len(records) == 1 else records
            return "/intake/adapter/NoiHoSo", headers, json.dumps(one).encode()
        return "/intake/CapNhatTienTrinh", headers, json.dumps(records).encode()

    def _answer(self, path: str, headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=_PATIENCE)
        try:
            connection.request("POST", path, body, dict(headers))
            answer = json.loads(connection.getresponse().read())
        finally:
            connection.close()
        if not isinstance(answer, dict):
            raise ValueError("no answer of the protocol")
        return answer


def _without_separators(moment: datetime | None) -> str:
    return moment.astimezone(ZONE).strftime("%Y%m%d%H%M%S") if moment else ""


def _with_separators(moment: datetime | None) -> str | None:
    return moment.astimezone(ZONE).strftime("%Y-%m-%d %H:%M:%S") if moment else None
