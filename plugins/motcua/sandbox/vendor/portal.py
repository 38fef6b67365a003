"""Push with the protocol of the national portal, as one-stop software with public source code does.

The client knows only the receiver's address, a name and a password. It requests a session before each call. In the
answer to that request ``error_code`` is an integer, in all other answers a text. The client reads little else of an
answer. In records all single values are texts, as vendors of one-stop software write them.
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
"""The records that are pushed. They may be anything, because the receiver judges them."""
DONE: Final = "00"
_ANSWERED_WITHIN: Final = 60.0
"""The time limit for an answer, in seconds. Clients with public source code have the same limit."""


class NoAnswer(Exception):
    """Raised if no readable answer came: no program listens at the address, or it does not speak this protocol."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to a call."""

    service: str
    code: str
    """The ``error_code`` as a text. The number in the answer to a sign-in is converted to a text of two digits."""
    content: Mapping[str, Any]

    @property
    def is_done(self) -> bool:
        """Return whether the receiver accepted the call."""
        return self.code == DONE

    @property
    def refused(self) -> Sequence[Mapping[str, Any]]:
        """Return the errors of the records that were not accepted."""
        errors = self.content.get("errors")
        return [each for each in errors if isinstance(each, Mapping)] if isinstance(errors, list) else []


@dataclass(slots=True)
class PortalClient:
    """Pushes to one address with one account."""

    url: str
    """Address of the receiver; ``/sign-in`` and ``/call`` are below it."""
    name: str
    password: str = field(repr=False)
    _http: requests.Session = field(default_factory=requests.Session, repr=False)

    def sign_in(self) -> Answer:
        """Request a session.

        Raises:
            NoAnswer: no readable answer came.
        """
        return self._post("sign-in", "/sign-in", {"username": self.name, "password": self.password})

    def look_up(self, dossier_code: str, unit: str) -> Answer:
        """Ask whether the receiver has a dossier. The answer is under ``result``.

        Raises:
            NoAnswer: no readable answer came.
        """
        return self._call("TraCuuHoSo", unit, {"mahoso": dossier_code})

    def sync_dossiers(self, records: Records, unit: str, *, is_updating: bool) -> Answer:
        """Push the present state of dossiers.

        Raises:
            NoAnswer: no readable answer came.
        """
        return self._call("DongBoHoSoMC", unit, {"isUpdating": str(is_updating), "data": list(records)})

    def update_steps(self, records: Records, unit: str) -> Answer:
        """Push steps that were taken.

        Raises:
            NoAnswer: no readable answer came.
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
            # The message quotes only the address, which holds no secret.
            raise NoAnswer(f"{address} gave no answer that can be read ({type(failure).__name__})") from None
        code = content.get("error_code") if isinstance(content, dict) else None
        if code is None:
            raise NoAnswer(
                f"{address} answered {answer.status_code} without an error_code: it is not the address of an intake"
            )
        return Answer(service, f"{code:02d}" if isinstance(code, int) else str(code), content)


# --- Records ---------------------------------------------------------------------------------------------------------

_AT_DESK, _ELSEWHERE = "Bộ phận Một cửa", "Phòng chuyên môn"


def _written_time(moment: datetime | None) -> str:
    return moment.astimezone(ZONE).strftime("%Y%m%d%H%M%S") if moment else ""


def status_at(status: int | None, *, desk: bool) -> int | None:
    """Return the portal's status code.

    The portal's status 9 means that the result was passed to the desk. Before it reaches the desk, the dossier is still
    being worked on (4).
    """
    return 4 if status == 9 and not desk else status


def _status_text(status: int | None, *, desk: bool) -> str:
    code = status_at(status, desk=desk)
    return "" if code is None else str(code)


def dossier_record(dossier: Dossier, agency_name: str) -> dict[str, Any]:
    """Return a dossier record of ``DongBoHoSoMC``."""
    status = _status_text(dossier.status, desk=dossier.desk)
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
        "NgayTiepNhan": _written_time(dossier.received_at),
        "NgayHenTra": _written_time(dossier.due_at),
        "TrangThaiHoSo": status,
        "NgayTra": _written_time(dossier.returned_at),
        "ThongTinTra": "",
        "HinhThuc": "1" if dossier.submitted_via == "postal" else "0",
        "NgayKetThucXuLy": _written_time(dossier.finished_at) if ended else "",
        "DonViXuLy": agency_name,
        "GhiChu": "",
        "TaiLieuNop": [],
        "DanhSachLePhi": [],
        "DanhSachTepDinhKemKhac": [],
        "DanhSachHoSoBoSung": [supplement] if status == "5" and dossier.desk else [],
        "DanhSachGiayToKetQua": [],
    }


def step_record(step: Transition) -> dict[str, Any]:
    """Return a step record of ``CapNhatTienDoHoSoMC``."""
    return {
        "MaHoSo": step.dossier_code,
        "NguoiXuLy": step.actor,
        "ChucDanh": "",
        "ThoiDiemXuLy": _written_time(step.occurred_at),
        "PhongBanXuLy": _AT_DESK if step.desk else _ELSEWHERE,
        "NoiDungXuLy": step.to_step,
        "TrangThai": _status_text(step.status, desk=step.desk),
        "NgayBatDau": "",
        "NgayKetThucTheoQuyDinh": "",
    }


_WORDS = {2: "Tiếp nhận", 5: "Yêu cầu bổ sung", 9: "Trả kết quả", 10: "Đã trả kết quả"}


def trial_records(code: str, status: int, phone: str, now: datetime) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return a dossier, and the step at ``now`` that brought it to ``status``, for a person who tests a connection.

    If the status is a result or a supplement, the dossier is at the desk. The records name no procedure, because no
    invented procedure must get into the ledger.
    """
    supplement = {"HoSoBoSungId": code, "TrangThaiBoSung": "MotCua", "NgayTiepNhanBoSung": ""}
    dossier = {
        "MaHoSo": code,
        "MaTTHC": "",
        "TenTTHC": "",
        "ChuHoSo": "Người thử kết nối",
        "SoDienThoai": phone,
        "NgayTiepNhan": _written_time(now - timedelta(days=1)),
        "NgayHenTra": _written_time(now + timedelta(days=3)),
        "TrangThaiHoSo": str(status),
        "NgayTra": _written_time(now) if status == 10 else "",
        "HinhThuc": "0",
        "NgayKetThucXuLy": _written_time(now) if status in (9, 10) else "",
        "DanhSachHoSoBoSung": [supplement] if status == 5 else [],
    }
    step = {
        "MaHoSo": code,
        "NguoiXuLy": "Thử kết nối",
        "ThoiDiemXuLy": _written_time(now),
        "PhongBanXuLy": _AT_DESK if status in (2, 5, 9, 10) else _ELSEWHERE,
        "NoiDungXuLy": _WORDS.get(status, "Xử lý hồ sơ"),
        "TrangThai": str(status),
    }
    return dossier, step
