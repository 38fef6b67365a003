"""A client of the national portal's protocol, shape A, as public one-stop software speaks it, and what it pushes.

It knows the address, a name and a password, and nothing of who answers: it asks for a session before each call, takes
``error_code`` as a whole number there and as a text everywhere else, and reads little more of an answer. In records all
values are texts, as this vendor's kind has it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, TypeAlias

import requests

from motcua.sandbox.world.happenings import Dossier, Transition
from motcua.sandbox.world.procedures import ZONE

Records: TypeAlias = Sequence[object]
"""Whatever is pushed: to judge it is the receiver's."""
DONE: Final = "00"
_ANSWERED_WITHIN: Final = 60.0
"""Seconds, as public clients have it."""


class NoAnswer(Exception):
    """Nothing that could be read came back: nobody listens there, or something else than a receiver of the protocol."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back of a call."""

    service: str
    code: str
    """The ``error_code``; a sign-in's in the same form."""
    content: Mapping[str, Any]

    @property
    def is_done(self) -> bool:
        """Whether the receiver took the call."""
        return self.code == DONE

    @property
    def refused(self) -> Sequence[Mapping[str, Any]]:
        """Single records that were not taken."""
        errors = self.content.get("errors")
        return [each for each in errors if isinstance(each, Mapping)] if isinstance(errors, list) else []


@dataclass(slots=True)
class PortalClient:
    """Pushes to one address in the name of one account."""

    url: str
    """Of the adapter, below which ``/sign-in`` and ``/call`` are."""
    name: str
    password: str = field(repr=False)
    _http: requests.Session = field(default_factory=requests.Session, repr=False)

    def sign_in(self) -> Answer:
        """Asks for a session.

        Raises:
            NoAnswer: nothing that could be read came back.
        """
        return self._post("sign-in", "/sign-in", {"username": self.name, "password": self.password})

    def look_up(self, dossier_code: str, unit: str) -> Answer:
        """Asks whether a dossier is held, under ``result``.

        Raises:
            NoAnswer: nothing that could be read came back.
        """
        return self._call("TraCuuHoSo", unit, {"mahoso": dossier_code})

    def sync_dossiers(self, records: Records, unit: str, *, is_updating: bool) -> Answer:
        """Pushes dossiers as they are now.

        Raises:
            NoAnswer: nothing that could be read came back.
        """
        return self._call("DongBoHoSoMC", unit, {"isUpdating": str(is_updating), "data": list(records)})

    def update_steps(self, records: Records, unit: str) -> Answer:
        """Pushes steps that were taken.

        Raises:
            NoAnswer: nothing that could be read came back.
        """
        return self._call("CapNhatTienDoHoSoMC", unit, {"data": list(records)})

    def _call(self, service: str, unit: str, more: Mapping[str, Any]) -> Answer:
        opened = self.sign_in()
        if not opened.is_done:
            return opened
        return self._post(
            service, "/call", {"session": opened.content.get("session"), "madonvi": unit, "service": service, **more}
        )

    def _post(self, service: str, path: str, body: Mapping[str, Any]) -> Answer:
        address = self.url.rstrip("/") + path
        try:
            answer = self._http.post(address, json=body, headers={"Charset": "utf-8"}, timeout=_ANSWERED_WITHIN)
            content = answer.json()
        except (requests.RequestException, ValueError) as failure:
            # The library's words may quote the address only, which holds no secret.
            raise NoAnswer(f"{address} gave no answer that can be read ({type(failure).__name__})") from None
        code = content.get("error_code") if isinstance(content, dict) else None
        if code is None:
            raise NoAnswer(f"{address} answered {answer.status_code} without an error_code: it is no such receiver")
        return Answer(service, f"{code:02d}" if isinstance(code, int) else str(code), content)


# --- Records ---------------------------------------------------------------------------------------------------------

_AT_DESK, _ELSEWHERE = "Bộ phận Một cửa", "Phòng chuyên môn"


def _written(moment: datetime | None) -> str:
    return moment.astimezone(ZONE).strftime("%Y%m%d%H%M%S") if moment else ""


def status_at(status: int | None, *, desk: bool) -> int | None:
    """The portal's code. Its 9 says that the result was passed to the desk; on the way there it is still being worked
    on."""
    return 4 if status == 9 and not desk else status


def _status(status: int | None, *, desk: bool) -> str:
    code = status_at(status, desk=desk)
    return "" if code is None else str(code)


def dossier_record(dossier: Dossier, agency_name: str) -> dict[str, Any]:
    """A dossier of ``DongBoHoSoMC``."""
    status = _status(dossier.status, desk=dossier.desk)
    ended = status in ("9", "10")
    supplement = {"HoSoBoSungId": dossier.written_code, "TrangThaiBoSung": "MotCua", "NgayTiepNhanBoSung": ""}
    return {
        "MaHoSo": dossier.written_code,
        "MaTTHC": dossier.procedure.code,
        "TenTTHC": dossier.procedure.name,
        "MaLinhVuc": "",
        "TenLinhVuc": dossier.procedure.field,
        "ChuHoSo": dossier.applicant_name,
        "LoaiDoiTuong": "1",
        "MaDoiTuong": "",
        "ThongTinKhac": "",
        "Email": "",
        "Fax": "",
        "SoDienThoai": dossier.phone.written or "",
        "TrichYeuHoSo": dossier.procedure.name,
        "NgayTiepNhan": _written(dossier.received_at),
        "NgayHenTra": _written(dossier.due_at),
        "TrangThaiHoSo": status,
        "NgayTra": _written(dossier.returned_at),
        "ThongTinTra": "",
        "HinhThuc": "1" if dossier.submitted_via == "postal" else "0",
        "NgayKetThucXuLy": _written(dossier.finished_at) if ended else "",
        "DonViXuLy": agency_name,
        "GhiChu": "",
        "TaiLieuNop": [],
        "DanhSachLePhi": [],
        "DanhSachTepDinhKemKhac": [],
        "DanhSachHoSoBoSung": [supplement] if status == "5" and dossier.desk else [],
        "DanhSachGiayToKetQua": [],
    }


def step_record(step: Transition) -> dict[str, Any]:
    """A step of ``CapNhatTienDoHoSoMC``."""
    return {
        "MaHoSo": step.dossier_code,
        "NguoiXuLy": step.actor,
        "ChucDanh": "",
        "ThoiDiemXuLy": _written(step.occurred_at),
        "PhongBanXuLy": _AT_DESK if step.desk else _ELSEWHERE,
        "NoiDungXuLy": step.to_step,
        "TrangThai": _status(step.status, desk=step.desk),
        "NgayBatDau": "",
        "NgayKetThucTheoQuyDinh": "",
    }


_WORDS = {2: "Tiếp nhận", 5: "Yêu cầu bổ sung", 9: "Trả kết quả", 10: "Đã trả kết quả"}


def trial_records(code: str, status: int, phone: str, now: datetime) -> tuple[dict[str, Any], dict[str, Any]]:
    """A dossier, and the step by which it came to its status now, as somebody pushes them who tries a connection.

    A result and a supplement are at the desk. No procedure is named, so that none is invented.
    """
    supplement = {"HoSoBoSungId": code, "TrangThaiBoSung": "MotCua", "NgayTiepNhanBoSung": ""}
    dossier = {
        "MaHoSo": code,
        "MaTTHC": "",
        "TenTTHC": "",
        "ChuHoSo": "Người thử kết nối",
        "SoDienThoai": phone,
        "NgayTiepNhan": _written(now - timedelta(days=1)),
        "NgayHenTra": _written(now + timedelta(days=3)),
        "TrangThaiHoSo": str(status),
        "NgayTra": _written(now) if status == 10 else "",
        "HinhThuc": "0",
        "NgayKetThucXuLy": _written(now) if status in (9, 10) else "",
        "DanhSachHoSoBoSung": [supplement] if status == 5 else [],
    }
    step = {
        "MaHoSo": code,
        "NguoiXuLy": "Thử kết nối",
        "ThoiDiemXuLy": _written(now),
        "PhongBanXuLy": _AT_DESK if status in (2, 5, 9, 10) else _ELSEWHERE,
        "NoiDungXuLy": _WORDS.get(status, "Xử lý hồ sơ"),
        "TrangThai": str(status),
    }
    return dossier, step
