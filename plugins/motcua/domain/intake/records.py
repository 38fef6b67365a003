"""Read pushed dossiers and steps, or refuse them.

This module refuses a record only if its code cannot be used, if it is not a JSON object, or if it gives one field two
values. A step is also refused if its status is no valid status. Any other field that cannot be read is left out, and
its name is returned, so that the citizen still gets the message. The ledger stores only the fields of a push that this
module names.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal, TypeAlias

from motcua.domain.dossiers import clean_code
from motcua.domain.intake.values import Fields, Unreadable, is_one_stop_desk, read_moment, read_status, read_text

RecordRefusal: TypeAlias = Literal[
    "not_a_record",
    "ambiguous",
    "code_missing",
    "code_unusable",
    "status_unreadable",
    "agency_missing",
    "agency_refused",
]
"""Reason for refusing a record. The module ``merging`` gives the last two reasons, and this module the others."""

KEPT_OF_DOSSIER = (
    "MaTTHC",
    "TenTTHC",
    "TenLinhVuc",
    "ChuHoSo",
    "SoDienThoai",
    "HinhThuc",
)
KEPT_OF_STEP = ("NguoiXuLy", "NoiDungXuLy", "PhongBanXuLy")
"""``KEPT_OF_DOSSIER`` and ``KEPT_OF_STEP``: the fields of dossiers and of steps whose words are stored as they
arrived."""
_TIMES = {
    "NgayTiepNhan": "received_at",
    "NgayHenTra": "due_at",
    "NgayKetThucXuLy": "finished_at",
    "NgayTra": "returned_at",
}
_APPLICANT = {"ChuHoSo": "TenNguoiNop", "SoDienThoai": "SoDienThoai"}
"""Maps fields to the names that the protocol's variant "form C" gives them in
``ThongTinNguoiNop.ThongTinChiTiet``."""
_AGENCY_CODE = re.compile(r"\d{3}(\.\d{2}){2}\.[A-Z]\d{2}", re.ASCII)
_WITH_AGENCY = re.compile(r"(.+?)-\d{6}(?:\d\d)?-\d{1,12}", re.ASCII)


class RecordRefused(Exception):
    """Raised for a record that cannot be used. ``reason`` gives the reason, ``field`` the faulty field, if any."""

    def __init__(self, reason: RecordRefusal, field: str = "") -> None:
        super().__init__(reason)
        self.reason: RecordRefusal = reason
        self.field = field


@dataclass(frozen=True, slots=True, kw_only=True)
class PushedDossier:
    """A dossier that can be used, from a push or a file. Holds personal data."""

    dossier_code: str
    unit: str | None = None
    """The code of the unit that the record or its call names."""
    prefix: str | None = None
    """The agency code with which the dossier's code begins."""
    of_name: str | None = None
    """The name of the unit that works on the dossier."""
    agency_code: str = ""
    """The code of the dossier's agency, found while its file was read. Empty for a pushed dossier."""
    fields: Mapping[str, str]
    said: Sequence[str]
    """Names of the fields below for which the record gives a value."""
    status_code: int | None = None
    supplement_at_desk: bool = False
    received_at: datetime | None = None
    due_at: datetime | None = None
    finished_at: datetime | None = None
    returned_at: datetime | None = None
    digest: str = ""
    """Hash of the texts, the status and the times that the record gives."""
    earlier: Sequence[str] = ()
    """Digests of earlier records of the same dossier in the same call, which were merged into this record."""
    steps: Sequence[PushedStep] = ()
    """The steps of a dossier from a file, in order. Empty for a pushed dossier."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PushedStep:
    """A step that can be used, from a push or a file. Holds personal data."""

    dossier_code: str | None = None
    dossier_no: int | None = None
    """The number that this system gave the dossier, if the client names the dossier by this number."""
    unit: str | None = None
    prefix: str | None = None
    fields: Mapping[str, str]
    status_code: int | None
    supplement_at_desk: bool
    occurred_at: datetime | None
    digest: str
    state: str = ""
    """The hash of ``status_code``, the step's name and ``supplement_at_desk``. Empty for a pushed step."""


@dataclass(slots=True)
class _Reading:
    """One record while it is read, with the names of its unreadable fields."""

    record: Fields
    unreadable: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, record: object) -> _Reading:
        if not isinstance(record, Fields):
            raise RecordRefused("not_a_record")
        if record.ambiguous:
            raise RecordRefused("ambiguous")
        return cls(record)

    def says(self, name: str) -> bool:
        return name.lower() in self.record

    def text(self, name: str) -> str:
        """Return a field as text; empty if it has no readable value."""
        try:
            return read_text(self.record.get(name.lower()))
        except Unreadable:
            self.unreadable.append(name)
            return ""

    def part(self, name: str) -> _Reading:
        """Return a nested object, or an empty object."""
        inside = self.record.get(name.lower())
        return _Reading(inside if isinstance(inside, Fields) else Fields(), self.unreadable)

    def words(self, names: Sequence[str]) -> dict[str, str]:
        """Return the readable fields with these names, as they arrived."""
        found = {}
        for name in names:
            if self.says(name):
                before = len(self.unreadable)
                text = self.text(name)
                if len(self.unreadable) == before:
                    found[name] = text
        return found

    def moment(self, name: str) -> datetime | None:
        """Return a field as a time.

        Raises:
            Unreadable: the value is not a time.
        """
        try:
            return read_moment(read_text(self.record.get(name.lower())))
        except Unreadable:
            self.unreadable.append(name)
            raise

    def unit(self) -> str | None:
        """Return the code of the unit that the record itself names."""
        return self.text("MaDonViTiepNhan") or self.text("MaDonVi") or None


def read_code(record: Fields) -> str:
    """Return the code of a record's dossier, trimmed and in NFC.

    Raises:
        RecordRefused: there is no code, or it cannot be used.
    """
    value = record.get("mahoso")
    if value is not None and not isinstance(value, str):
        raise RecordRefused("code_unusable", "MaHoSo")
    written = value or ""
    if not written.strip():
        raise RecordRefused("code_missing", "MaHoSo")
    code = clean_code(written)
    if code is None or "\ufffd" in code:
        raise RecordRefused("code_unusable", "MaHoSo")
    return code


def times_in_future(record: PushedDossier | PushedStep, latest: datetime) -> list[str]:
    """Return the names of the fields that give an event after ``latest``, the latest possible time."""
    if isinstance(record, PushedStep):
        times = {"ThoiDiemXuLy": record.occurred_at}
    else:
        times = {name: getattr(record, _TIMES[name]) for name in ("NgayTiepNhan", "NgayKetThucXuLy", "NgayTra")}
    return [name for name, at in times.items() if at is not None and at > latest]


def agency_in_code(code: str | None) -> str | None:
    """Return the agency code with which a dossier's code begins, as in ``000.00.30.H32-260608-0001``."""
    found = _WITH_AGENCY.fullmatch(code or "")
    return found[1] if found else None


def is_agency_code(prefix: str | None) -> bool:
    """Return whether the beginning of a dossier's code has the form of an agency code, as in ``000.00.30.H32``."""
    return _AGENCY_CODE.fullmatch(prefix or "") is not None


def _digest(said: Mapping[str, Any]) -> str:
    # The hash is made of this text, so a moment must always give the same text, in whatever form it arrived.
    written = json.dumps(said, sort_keys=True, default=lambda at: at.astimezone(UTC).isoformat(), ensure_ascii=False)
    return hashlib.sha256(written.encode()).hexdigest()


def read_dossier(record: object, unit: str | None) -> tuple[PushedDossier, list[str]]:
    """Read a pushed dossier, and return it with the names of its unreadable fields.

    Args:
        record: the record as it arrived.
        unit: code of the unit that the call names.

    Raises:
        RecordRefused: the record cannot be used.
    """
    reading = _Reading.of(record)
    code = read_code(reading.record)
    fields = reading.words(KEPT_OF_DOSSIER)
    applicant = reading.part("ThongTinNguoiNop").part("ThongTinChiTiet")
    for name, inside in _APPLICANT.items():
        if not fields.get(name) and applicant.says(inside):
            fields[name] = applicant.text(inside)
    said: dict[str, Any] = {}
    for name, column in _TIMES.items():
        if reading.says(name):
            try:
                said[column] = reading.moment(name)
            except Unreadable:
                continue
    for name in ("TrangThaiHoSo", "TrangThai"):
        if reading.says(name):
            try:
                said["status_code"] = read_status(reading.text(name))
            except Unreadable:
                reading.unreadable.append(name)
            break
    if any(map(reading.says, ("TrangThaiBoSung", "PhongBanXuLy", "DanhSachHoSoBoSung"))):
        said["supplement_at_desk"] = _waits_at_desk(reading)
    dossier = dossier_that_says(
        code, fields, said, unit=reading.unit() or unit, of_name=reading.text("DonViXuLy") or None
    )
    return dossier, reading.unreadable


def dossier_that_says(
    code: str,
    fields: Mapping[str, str],
    said: Mapping[str, Any],
    *,
    unit: str | None = None,
    of_name: str | None = None,
) -> PushedDossier:
    """Build a dossier from the values that were read from a push or a file.

    Args:
        code: a usable code.
        fields: texts, by their names in the portal's protocol.
        said: the status and the times that were given, by the names of the fields of ``PushedDossier``.
        unit: code of the named unit.
        of_name: name of the unit that works on the dossier.
    """
    return PushedDossier(
        dossier_code=code,
        unit=unit,
        prefix=agency_in_code(code),
        of_name=of_name,
        fields=fields,
        said=sorted(said),
        digest=_digest({"fields": fields, **said}),
        **said,
    )


def _waits_at_desk(reading: _Reading) -> bool:
    """Return whether the push itself shows that a dossier that needs a supplement is at the one-stop desk."""
    if is_one_stop_desk(reading.text("TrangThaiBoSung")) or is_one_stop_desk(reading.text("PhongBanXuLy")):
        return True
    supplements = reading.record.get("danhsachhosobosung")
    for each in supplements if isinstance(supplements, list) else ():
        if isinstance(each, Fields):
            asked = _Reading(each, reading.unreadable)
            if is_one_stop_desk(asked.text("TrangThaiBoSung")) and not asked.text("NgayTiepNhanBoSung"):
                return True
    return False


def read_step(record: object, unit: str | None) -> tuple[PushedStep, list[str]]:
    """Read a pushed step, and return it with the names of its unreadable fields.

    Args:
        record: the record as it arrived.
        unit: code of the unit that the call names.

    Raises:
        RecordRefused: the record cannot be used.
    """
    reading = _Reading.of(record)
    number = reading.text("IDHoSo")
    dossier_no = int(number) if number.isascii() and number.isdigit() and len(number) <= 18 else None
    code = read_code(reading.record) if dossier_no is None or reading.text("MaHoSo") else None
    try:
        status = read_status(read_text(reading.record.get("trangthai")))
    except Unreadable:
        raise RecordRefused("status_unreadable", "TrangThai") from None
    try:
        occurred_at = reading.moment("ThoiDiemXuLy")
    except Unreadable:
        occurred_at = None
    fields = {name: text for name, text in reading.words(KEPT_OF_STEP).items() if text}
    at_desk = is_one_stop_desk(reading.text("TrangThaiBoSung")) or is_one_stop_desk(fields.get("PhongBanXuLy", ""))
    step = PushedStep(
        dossier_code=code,
        dossier_no=dossier_no,
        unit=reading.unit() or unit,
        prefix=agency_in_code(code),
        fields=fields,
        status_code=status,
        supplement_at_desk=at_desk,
        occurred_at=occurred_at,
        digest=_digest({"fields": fields, "status": status, "at": occurred_at, "desk": at_desk}),
    )
    return step, reading.unreadable
