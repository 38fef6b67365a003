"""Dossiers and steps as this vendor's software writes them for the portal; all values are texts, as its kind has it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from motcua.sandbox.world.happenings import Dossier, Transition
from motcua.sandbox.world.procedures import ZONE

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
