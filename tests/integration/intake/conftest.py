"""Fixtures of the intake tests: the intake app behind a real server, and clients of the national portal's protocol.

OpenCPS is one-stop software that pushes by this protocol.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from motcua.jobs.notices.picking_up import pick_up
from motcua.jobs.notices.planning import plan
from motcua.store.intake.clients import Password, register_client
from motcua.web.intake import USUAL, Limits, create_standalone
from tests.ground import NHA_TRANG, TU_PHAP, Served, in_ledger

VIETNAM_HOURS = timedelta(hours=7)
PASSWORD = "a-word-that-is-as-random-as-a-key"
SOURCE = "hue"


def written(moment: datetime) -> str:
    """Return a time as OpenCPS writes it, in Vietnam's time zone."""
    return (moment.astimezone(UTC) + VIETNAM_HOURS).strftime("%Y%m%d%H%M%S")


_BEGAN = datetime.now(UTC)
"""One fixed moment (UTC) for all dossiers, so that a dossier that is pushed again has the same times."""


def dossier(code: str, status: int | str = 4, **changes: Any) -> dict[str, Any]:
    """Return a dossier as OpenCPS pushes it."""
    return {
        "MaHoSo": code,
        "MaTTHC": "1.005129",
        "TenTTHC": "Cấp bản sao",
        "TenLinhVuc": "Hộ tịch",
        "ChuHoSo": "Nguyễn Thị Lan",
        "LoaiDoiTuong": "1",
        "MaDoiTuong": "225123456",
        "Email": "lan@example.vn",
        "Fax": "0905123456",
        "SoDienThoai": "0905123456",
        "NgayTiepNhan": written(_BEGAN - timedelta(days=2)),
        "NgayHenTra": written(_BEGAN + timedelta(days=5)),
        "TrangThaiHoSo": str(status),
        "NgayTra": "",
        "HinhThuc": "0",
        "NgayKetThucXuLy": "",
        "DonViXuLy": "",
        "DanhSachHoSoBoSung": [],
    } | changes


def step(code: str, status: int | str, at: datetime | None = None, **changes: Any) -> dict[str, Any]:
    """Return a step as OpenCPS pushes it, with the time ``at`` or the present time."""
    return {
        "MaHoSo": code,
        "NguoiXuLy": "Trần Văn Hùng",
        "ChucDanh": "",
        "ThoiDiemXuLy": written(at or datetime.now(UTC)),
        "PhongBanXuLy": "",
        "NoiDungXuLy": "Trả kết quả" if str(status) == "9" else "Xử lý",
        "TrangThai": str(status),
        "NgayBatDau": "",
        "NgayKetThucTheoQuyDinh": "",
    } | changes


@dataclass(frozen=True)
class Software:
    """One-stop software that signs in before each push, as the public clients of the protocol do."""

    http: httpx.Client
    name: str

    def sign_in(self, password: str = PASSWORD) -> dict[str, Any]:
        answer: dict[str, Any] = self.http.post(
            "/intake/sign-in", json={"username": self.name, "password": password}
        ).json()
        return answer

    def session(self) -> str:
        answer = self.sign_in()
        assert answer["error_code"] == 0
        return str(answer["session"])

    def call(self, service: str, data: Any = None, unit: str = NHA_TRANG, **more: Any) -> dict[str, Any]:
        body = {"session": self.session(), "madonvi": unit, "service": service, **more}
        return self.post(body if data is None else body | {"data": data})

    def post(self, body: Mapping[str, Any] | bytes, path: str = "/intake/call") -> dict[str, Any]:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        answer: dict[str, Any] = self.http.post(
            path, content=content, headers={"Content-Type": "application/json", "Charset": "utf-8"}
        ).json()
        return answer

    def dossiers(self, *records: Any, unit: str = NHA_TRANG) -> dict[str, Any]:
        return self.call("DongBoHoSoMC", list(records), unit, isUpdating="False")

    def steps(self, *records: Any, unit: str = NHA_TRANG) -> dict[str, Any]:
        return self.call("CapNhatTienDoHoSoMC", list(records), unit)


def register(name: str, *agencies: str, source: str = "", networks: tuple[str, ...] = ()) -> None:
    """Register a client with the tests' password."""
    in_ledger(
        register_client,
        name,
        source or name,
        Password.of(PASSWORD),
        agencies,
        networks,
        supplements_at_desk=False,
        by="tests",
        now=datetime.now(UTC) - timedelta(days=1),
    )


@pytest.fixture
def limits() -> Limits:
    """Return the intake's usual limits. A test may override them."""
    return USUAL


@pytest.fixture
def served(ledger: str, agencies: None, limits: Limits, configure: Callable[..., None]) -> Iterator[httpx.Client]:
    """Serve the intake app on its own port, with the pushed source ``hue``; return an HTTP client for the app."""
    configure(MOTCUA_SOURCES=f"{SOURCE}=national_sync")
    app = create_standalone(limits)
    with (
        Served(app, "warning", proxy_headers=False, http="motcua.web.protocol:HeadersInTime") as server,
        httpx.Client(base_url=server.url, timeout=60) as http,
    ):
        yield http


@pytest.fixture
def software(served: httpx.Client) -> Software:
    """Register the client ``hue`` for both agencies; return it."""
    register(SOURCE, NHA_TRANG, TU_PHAP)
    return Software(served, SOURCE)


@pytest.fixture
def run(served: httpx.Client) -> Callable[[], set[str]]:
    """Return a function that picks up rows, plans messages, and returns the reasons of quarantined rows."""

    def go() -> set[str]:
        counts = pick_up(SOURCE)
        plan()
        return set(counts.quarantined_by_reason)

    return go
