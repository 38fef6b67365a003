"""Dossiers and steps as they are pushed, and the rules that read them or refuse them.

A record is refused only where its code cannot be used, where it is none, or where it says two things at once; a step
also where its status is no status. Any other field that cannot be read is left out, noted, and costs no citizen the
message. Only what is named here is kept of a push.
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
"""Why a record is not taken; the last two the ledger says."""

KEPT_OF_DOSSIER = (
    "MaTTHC",
    "TenTTHC",
    "TenLinhVuc",
    "ChuHoSo",
    "SoDienThoai",
    "HinhThuc",
)
KEPT_OF_STEP = ("NguoiXuLy", "NoiDungXuLy", "PhongBanXuLy")
"""Fields whose words are kept as they came."""
_TIMES = {
    "NgayTiepNhan": "received_at",
    "NgayHenTra": "due_at",
    "NgayKetThucXuLy": "finished_at",
    "NgayTra": "returned_at",
}
_APPLICANT = {"ChuHoSo": "TenNguoiNop", "SoDienThoai": "SoDienThoai"}
"""Fields that shape C has in ``ThongTinNguoiNop.ThongTinChiTiet`` instead."""
_WITH_AGENCY = re.compile(r"(.+?)-\d{6}(?:\d\d)?-\d{1,12}", re.ASCII)


class RecordRefused(Exception):
    """A record cannot be used; ``reason`` says why, ``field`` which field it is about, if any."""

    def __init__(self, reason: RecordRefusal, field: str = "") -> None:
        super().__init__(reason)
        self.reason: RecordRefusal = reason
        self.field = field


@dataclass(frozen=True, slots=True, kw_only=True)
class PushedDossier:
    """A dossier that may be used, pushed or told by a file. Holds personal data."""

    dossier_code: str
    unit: str | None = None
    """Code of the unit that the record, or its call, names."""
    prefix: str | None = None
    """Code of the agency that the dossier's own code begins with."""
    of_name: str | None = None
    """Name of the unit that works on it."""
    agency_code: str = ""
    """Of what a file tells: whose it is, as its reader found."""
    fields: Mapping[str, str]
    said: Sequence[str]
    """Names of the members below that something is said of."""
    status_code: int | None = None
    supplement_at_desk: bool = False
    received_at: datetime | None = None
    due_at: datetime | None = None
    finished_at: datetime | None = None
    returned_at: datetime | None = None
    digest: str = ""
    """Of all that a push says."""
    earlier: Sequence[str] = ()
    """Digests of what came of it earlier in the same call, and was put into it."""
    steps: Sequence[PushedStep] = ()
    """Of what a file tells: its steps, in their order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PushedStep:
    """A step that may be used, pushed or told by a file. Holds personal data."""

    dossier_code: str | None = None
    dossier_no: int | None = None
    """Our own number of the dossier, where the client names it by that."""
    unit: str | None = None
    prefix: str | None = None
    fields: Mapping[str, str]
    status_code: int | None
    supplement_at_desk: bool
    occurred_at: datetime | None
    digest: str
    state: str = ""
    """Of what a file tells: hash of status, step and place."""


@dataclass(slots=True)
class _Reading:
    """One record being read, and the fields of it that cannot be."""

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
        """Empty where it says nothing that can be read."""
        try:
            return read_text(self.record.get(name.lower()))
        except Unreadable:
            self.unreadable.append(name)
            return ""

    def part(self, name: str) -> _Reading:
        """An object inside, or an empty one."""
        inside = self.record.get(name.lower())
        return _Reading(inside if isinstance(inside, Fields) else Fields(), self.unreadable)

    def words(self, names: Sequence[str]) -> dict[str, str]:
        """The fields of these names that it says something of and that can be read, as they came."""
        found = {}
        for name in names:
            if self.says(name):
                before = len(self.unreadable)
                text = self.text(name)
                if len(self.unreadable) == before:
                    found[name] = text
        return found

    def moment(self, name: str) -> datetime | None:
        """Raises ``Unreadable`` where it says what is no time."""
        try:
            return read_moment(read_text(self.record.get(name.lower())))
        except Unreadable:
            self.unreadable.append(name)
            raise

    def unit(self) -> str | None:
        """The unit that the record itself names by its code."""
        return self.text("MaDonViTiepNhan") or self.text("MaDonVi") or None


def read_code(record: Fields) -> str:
    """The code of a record's dossier, as it came.

    Raises:
        RecordRefused: there is none, or it cannot be used.
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
    """Names of the fields that say that something happened later than it can have."""
    if isinstance(record, PushedStep):
        times = {"ThoiDiemXuLy": record.occurred_at}
    else:
        times = {name: getattr(record, _TIMES[name]) for name in ("NgayTiepNhan", "NgayKetThucXuLy", "NgayTra")}
    return [name for name, at in times.items() if at is not None and at > latest]


def agency_in_code(code: str | None) -> str | None:
    """The code of an agency that a dossier's code begins with, as ``000.00.30.H32-260608-0001`` does."""
    found = _WITH_AGENCY.fullmatch(code or "")
    return found[1] if found else None


def _digest(said: Mapping[str, Any]) -> str:
    # One moment is one, in whatever shape and zone it came.
    written = json.dumps(said, sort_keys=True, default=lambda at: at.astimezone(UTC).isoformat(), ensure_ascii=False)
    return hashlib.sha256(written.encode()).hexdigest()


def read_dossier(record: object, unit: str | None) -> tuple[PushedDossier, list[str]]:
    """A pushed dossier, and the names of its fields that cannot be read.

    Args:
        record: as it came.
        unit: code of the unit that the call names.

    Raises:
        RecordRefused: it cannot be used.
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
    """A dossier of what was read of it, whichever way it came.

    Args:
        code: that may be used.
        fields: words, by their names in the portal's protocol.
        said: status and times that something was said of, by the members of a ``PushedDossier``.
        unit: code of the unit that is named.
        of_name: name of the unit that works on it.
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
    """Whether a supplement waits at the one-stop desk, by what the push itself says."""
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
    """A pushed step, and the names of its fields that cannot be read.

    Args:
        record: as it came.
        unit: code of the unit that the call names.

    Raises:
        RecordRefused: it cannot be used.
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
