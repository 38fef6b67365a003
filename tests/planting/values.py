"""Provide values that nobody expects in a column, and write each value into each column of one-stop databases.

The list of columns comes from the database's catalogue, so a new column gets planted values without a change here; a
column type for which no values are defined is an error. Each value is in a dossier or a transition of its own, beside
dossiers without planted values.
"""

from __future__ import annotations

import itertools
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final, LiteralString, TypeAlias

import psycopg
from psycopg import sql

from motcua.domain.clock import VIETNAM
from motcua.store.ledger.queries import statement

NOW: Final = datetime(2026, 11, 25, 10, 0, tzinfo=VIETNAM)
"""The present moment of the world, a Wednesday."""
PLANTED, BESIDE, OTHER_SOFTWARE, ELSEWHERE = "000.00.30.H32", "000.00.09.H32", "000.00.10.H32", "000.00.31.H32"
"""Agencies of the world. ``PLANTED`` and ``OTHER_SOFTWARE`` have planted values; ``BESIDE`` and ``ELSEWHERE`` do not.

``BESIDE`` is in the source of ``PLANTED``. ``OTHER_SOFTWARE`` is in a source of the other vendor. ``ELSEWHERE`` has a
source of its own.
"""
AGENCY_OF: Final = {"khanhhoa": PLANTED, "vanphong": OTHER_SOFTWARE, "ninhhoa": ELSEWHERE}
DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)

# ----------------------------------------------------------------------------------------------------------- values

PHONE: Final = "0905 771 482"
"""A phone number that is planted in each text column except the columns for phone numbers."""
SCRIPT: Final = "<script>alert(1)</script>"
_TEXTS: Final = {
    "empty": "",
    "white space": " \t\n ",
    "other white space": "\u00a0\u2003\u3000",
    "a megabyte": "Nguyễn " * 150_000,
    "a megabyte in one word": "x" * 1_048_576,
    "40 characters": "A" * 40,
    "41 characters": "B" * 41,
    "SQL": "'; DROP TABLE motcua.messages; --",
    "formula": "=cmd|' /C calc'!A0",
    "formula with +": "+1+cmd|' /C calc'!A0",
    "formula with -": "-2+cmd|' /C calc'!A0",
    "formula with @": "@SUM(1+9)*cmd|'!A0",
    "formula behind a tab": "\t=1+1",
    "formula behind a carriage return": "\r=1+1",
    "formula behind a space": " =1+1",
    "script": SCRIPT,
    "end of an attribute": '"><img src=x onerror=alert(1)>',
    "template": "{{ 7*7 }}{% raw %}{#",
    "place of a parameter": "%s %(x)s %n {0} {x!r} ${x}",
    "console markup": "[/] [bold] [link=x",
    "typst": '#read("/etc/passwd") $x$ *',
    "right to left": "\u202eabc\u2066",
    "zero width": "a\u200b\u200d\ufeffb",
    "combining marks": "Z" + "\u0301" * 36,
    "not composed": unicodedata.normalize("NFD", "Nguyễn Thị Ánh"),
    "backslash": "\\",
    "backslashes": "\\x41\\u0000\\N{BULLET}\\",
    "lines": "a\nb\r\nc\td",
    "controls": "\x01\x1b[31m\x7f\x85",
    "emoji": "👩‍👩‍👧‍👦🇻🇳😀",
    "characters that are none": "\ufffe\uffff\U0010ffff",
    "phone": PHONE,
    "mail header": "x\r\nBcc: a@example.org",
    "quotes of CSV": 'a";"b,c',
    "day after all days": "99991231235959",
    "day before all days": "00010101000000",
    "no day": "20261340256199",
    "digits of another script": "９０５",
    "number too large": "99999999999999999999",
    "four digits": "9999",
    "negative number": "-1",
    "no number": "NaN",
    "infinity": "infinity",
    "NULL in letters": "NULL",
    "path": "../../../etc/passwd",
}
_MOMENTS: Final = {
    "infinity": "infinity",
    "-infinity": "-infinity",
    "first of all": "4714-11-24 00:00:00+00 BC",
    "4713 BC": "4713-01-01 00:00:00+00 BC",
    "year 1": "0001-01-01 00:00:00+00",
    "1899": "1899-12-31 23:59:59+00",
    "1970": "1970-01-01 00:00:00+00",
    "1999": "1999-12-31 23:59:59+07",
    "ten years ago": "2016-11-25 10:00:00+07",
    "half an hour ahead": "2026-11-25 10:30:00+07",
    "in ten years": "2036-11-25 10:00:00+07",
    "8999": "8999-12-31 23:59:59+00",
    "9999": "9999-12-31 23:59:59+00",
    "last of all": "294276-12-31 23:59:59+00",
}


def _whole_numbers(bits: int) -> dict[str, str]:
    edges = {"smallest": -(2 ** (bits - 1)), "largest": 2 ** (bits - 1) - 1}
    return {name: str(value) for name, value in (edges | {"zero": 0, "minus one": -1, "eleven": 11}).items()}


_VALUES: Final[Mapping[str, Mapping[str, str]]] = {
    "text": _TEXTS,
    "timestamp with time zone": _MOMENTS,
    "smallint": _whole_numbers(16),
    "integer": _whole_numbers(32),
    "bigint": _whole_numbers(64) | {"2^62 + 1": str(2**62 + 1)},
    "boolean": {"yes": "true", "no": "false"},
    "text[]": {"empty": "{}", "nothing in it": "{NULL}", "script": f'{{"{SCRIPT}"}}', "formula": "{=1+1}"},
}


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table or view, as the catalogue lists it."""

    table: str
    name: str
    type: str

    def values(self) -> dict[str, str | None]:
        """Return name → value for each value that is planted in the column, as PostgreSQL reads it.

        NULL is planted too, even if the column forbids it.

        Raises:
            LookupError: No extreme values are defined for the column's type.
        """
        if self.type not in _VALUES:
            raise LookupError(f"{self.table}.{self.name} is {self.type}: values.py has no values of that type")
        values: dict[str, str | None] = {"NULL": None, **_VALUES[self.type]}
        if self.name in ("dossier_code", "MaHoSo"):
            # ``PHONE`` may appear on no page, but pages show the code of each dossier, so plant another number here.
            values["phone"] = "0905 771 483"
        return values


def columns_of(connection: psycopg.Connection[Any], table: str) -> list[Column]:
    """Return the columns of a table or view, except those that PostgreSQL numbers itself."""
    found = connection.execute(
        "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute"
        " WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped AND attidentity <> 'a' ORDER BY attnum",
        (table,),
    )
    return [Column(table, name, kind) for name, kind in found]


@dataclass(frozen=True, slots=True)
class Planted:
    """One planted value in one column of one row, and the dossier that it belongs to."""

    where: str
    """``source`` or ``ledger``: where the value was planted."""
    column: Column
    value: str
    """Name of the value."""
    agency_code: str | None
    dossier_code: str | None
    number: int | None = None
    """Number, in the source, of the transition that has the value."""

    def __str__(self) -> str:
        return f"{self.where} {self.column.table}.{self.column.name}: {self.value}"


# ------------------------------------------------------------------------------------------------------------- lives


@dataclass(frozen=True, slots=True)
class Life:
    """The life of a dossier, before a value is planted in it; each of its moves is (status, at the desk, when)."""

    moves: tuple[tuple[int, bool, datetime], ...]
    phone: str | None = ""
    """Phone number; if empty, the dossier gets a number that no other dossier has."""
    due_at: datetime = NOW + 5 * DAY
    returned_at: datetime | None = None
    row_ahead: bool = False
    """Whether only the dossier's row shows the last move, and no transition."""


_WORKED = ((2, False, NOW - 9 * DAY), (4, False, NOW - 2 * DAY))
READY = Life((*_WORKED, (9, True, NOW - 10 * MINUTE)))
DUE = Life(_WORKED, due_at=NOW + DAY)
HEALTHY: Final[Mapping[str, Life]] = {
    "ready": READY,
    "due tomorrow": DUE,
    "supplement": Life((*_WORKED, (5, True, NOW - 20 * MINUTE))),
    "told by its row": replace(READY, row_ahead=True),
    "landline": replace(READY, phone="0258 3822 001"),
    "no phone": replace(READY, phone=None),
    "collected": Life((*READY.moves, (10, True, NOW - 5 * MINUTE)), returned_at=NOW - 5 * MINUTE),
    "forgotten": Life(((2, False, NOW - 30 * DAY), (4, False, NOW - 29 * DAY)), due_at=NOW - 10 * DAY),
}

Row: TypeAlias = dict[str, Any]


def _rows_of_contract(code: str, agency: str, life: Life, phone: str | None, procedure: str) -> tuple[Row, list[Row]]:
    status, desk, at = life.moves[-1]
    received = life.moves[0][2]
    dossier = {
        "dossier_code": code, "agency_code": agency, "procedure_code": procedure, "procedure_name": "Cấp bản sao",
        "field_name": "Hộ tịch", "applicant_name": f"Nguyễn Thị {code}", "applicant_phone": phone,
        "phone_entered_at": received, "submitted_via": "direct", "received_at": received, "due_at": life.due_at,
        "step_name": "Xử lý", "status_code": status, "at_one_stop_desk": desk,
        "finished_at": at if status in (9, 10) else None, "returned_at": life.returned_at, "updated_at": at,
    }  # fmt: skip
    moves = [
        {
            "agency_code": agency, "dossier_code": code, "from_step": "Xử lý", "to_step": "Trả kết quả",
            "status_code": status, "at_one_stop_desk": desk, "occurred_at": at, "recorded_at": at, "actor": "can.bo",
            "note": "đã kiểm tra",
        }
        for status, desk, at in life.moves
    ]  # fmt: skip
    return dossier, moves


def _rows_of_vendor(code: str, agency: str, life: Life, phone: str | None, procedure: str) -> tuple[Row, list[Row]]:
    def written(moment: datetime | None) -> str | None:
        return None if moment is None else f"{moment.astimezone(VIETNAM):%Y%m%d%H%M%S}"

    status, desk, at = life.moves[-1]
    dossier = {
        "MaHoSo": code, "MaTTHC": procedure, "TenTTHC": "Cấp giấy phép", "TenLinhVuc": "Xây dựng",
        "ChuHoSo": f"Trần Văn {code}", "SoDienThoai": phone, "HinhThuc": "0",
        "NgayTiepNhan": written(life.moves[0][2]), "NgayHenTra": written(life.due_at), "TrangThaiHoSo": str(status),
        "TrangThaiBoSung": "MotCua", "PhongBanXuLy": "MOT_CUA" if desk else "PHONG",
        "NgayKetThucXuLy": written(at if status in (9, 10) else None), "NgayTra": written(life.returned_at),
        "DonViXuLy": agency, "GhiChu": "", "NgayCapNhat": at,
    }  # fmt: skip
    moves = [
        {
            "MaHoSo": code, "NguoiXuLy": "can.bo", "ThoiDiemXuLy": written(at),
            "PhongBanXuLy": "MOT_CUA" if desk else "PHONG", "NoiDungXuLy": "Trả kết quả", "GhiChu": "đã kiểm tra",
            "TrangThai": str(status), "TrangThaiBoSung": "MotCua", "DonViXuLy": agency, "NgayGhi": at,
        }
        for status, desk, at in life.moves
    ]  # fmt: skip
    return dossier, moves


# ----------------------------------------------------------------------------------------------------------- sources


@dataclass
class Desk:
    """The database of one source of one of the two vendors, with as few constraints as a source may have."""

    source: str
    connection: psycopg.Connection[Any]
    vendor: LiteralString = "khanhhoa"
    planted: list[Planted] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    _dossiers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def __post_init__(self) -> None:
        # Create only the tables and views, not the roles and grants that follow in the file.
        self.connection.execute(statement(f"sandbox/{self.vendor}/schema").partition("REVOKE ALL")[0].encode())
        schema = "opencps" if self.is_vendors else "mot_cua"
        for table, constraint in self.connection.execute(
            "SELECT conrelid::regclass::text, conname FROM pg_constraint WHERE connamespace = %s::regnamespace"
            " AND contype <> 'n'",
            (schema,),
        ).fetchall():
            self._alter(table, "DROP CONSTRAINT {}", constraint)
        for (index,) in self.connection.execute(
            "SELECT indexrelid::regclass::text FROM pg_index INNER JOIN pg_class ON pg_class.oid = indrelid"
            " WHERE relnamespace = %s::regnamespace",
            (schema,),
        ).fetchall():
            # With this index, PostgreSQL would refuse the longest codes.
            self.connection.execute(f"DROP INDEX {index}".encode())
        for table, column, identity in self.connection.execute(
            "SELECT attrelid::regclass::text, attname, attidentity FROM pg_attribute"
            " INNER JOIN pg_class ON pg_class.oid = attrelid"
            " WHERE relnamespace = %s::regnamespace AND relkind = 'r' AND attnum > 0 AND attnotnull",
            (schema,),
        ).fetchall():
            if identity:
                self._alter(table, "ALTER {} DROP IDENTITY", column)
            self._alter(table, "ALTER {} DROP NOT NULL", column)

    def _alter(self, table: str, action: LiteralString, name: str) -> None:
        # PostgreSQL prints a regclass already quoted as SQL needs it.
        self.connection.execute(
            sql.SQL("ALTER TABLE {} ").format(sql.SQL(table)) + sql.SQL(action).format(sql.Identifier(name))  # type: ignore[arg-type]
        )

    @property
    def is_vendors(self) -> bool:
        """Whether the tables are those of the other vendor, and not the views ``onestop.*`` of the source contract."""
        return self.vendor == "vanphong"

    @property
    def tables(self) -> tuple[str, str]:
        """The two tables (or views) from which a pick-up reads dossiers and transitions."""
        return ('opencps."HoSo"', 'opencps."TienDoXuLy"') if self.is_vendors else (
            "onestop.dossiers", "onestop.transitions",
        )  # fmt: skip

    def insert(self, table: str, row: Row) -> None:
        self.connection.execute(
            sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
                sql.SQL(table),  # type: ignore[arg-type]
                sql.SQL(", ").join(map(sql.Identifier, row)),
                sql.SQL(", ").join(map(sql.Placeholder, map(str, range(len(row))))),
            ),
            {str(place): value for place, value in enumerate(row.values())},
        )

    def rows(self, code: str, agency: str, life: Life, procedure: str) -> tuple[Row, list[Row]]:
        phone = f"09{len(self.source)}{next(self._dossiers):07}" if life.phone == "" else life.phone
        make = _rows_of_vendor if self.is_vendors else _rows_of_contract
        dossier, moves = make(code, agency, life, phone, procedure)
        number = "TienDoXuLyId" if self.is_vendors else "transition_id"
        moves = [{number: next(self._numbers), **move} for move in moves]
        return dossier, moves[:-1] if life.row_ahead else moves

    def write(self, dossier: Row, moves: Sequence[Row]) -> None:
        self.insert(self.tables[0], dossier)
        for move in moves:
            self.insert(self.tables[1], move)

    def healthy(self, agency: str) -> None:
        for name, life in HEALTHY.items():
            self.write(*self.rows(f"{self.source} {name}", agency, life, "1.005129"))

    def plant(self, agency: str, lives: Sequence[Life], every: int = 1) -> None:
        """Plant each value in each column of both tables; each value gets one dossier for each life in ``lives``.

        If ``every`` is n, only every n-th value of a column is planted, starting at another value in each column.
        """
        with self.connection.transaction(), self.connection.pipeline():
            self._plant(agency, lives, every)

    def _plant(self, agency: str, lives: Sequence[Life], every: int) -> None:
        codes = (f"P-{self.source}-{number:05}" for number in itertools.count(1))
        for place, table in enumerate(self.tables):
            for nth, column in enumerate(columns_of(self.connection, table)):
                if column.name == "action_id":  # only the simulator has this column
                    continue
                for value, written in itertools.islice(column.values().items(), nth % every, None, every):
                    # Transition numbers are unique in a source, so each such value can be planted only once.
                    for life in lives[:1] if column.type == "bigint" else lives:
                        dossier, moves = self.rows(next(codes), agency, life, "9.000001")
                        (dossier if place == 0 else moves[-1])[column.name] = written
                        self.write(dossier, moves)
                        names = ("DonViXuLy", "MaHoSo") if self.is_vendors else ("agency_code", "dossier_code")
                        holder = dossier if place == 0 else moves[-1]
                        self.planted.append(
                            Planted(
                                "source", column, value, *(holder[name] for name in names),
                                number=None if place == 0 else next(iter(moves[-1].values())),
                            )
                        )  # fmt: skip

    def fill_register(self, *agencies: str) -> None:
        """Write one row without planted values into the desk's register for each agency."""
        for agency in agencies:
            row = {"agency_code": agency, "dossier_code": f"{self.source} ready", "result_ready_at": NOW - 10 * MINUTE}
            self.insert("onestop.desk_register", row)

    def plant_register(self, agency: str) -> None:
        """Plant each value in each column of the desk's register."""
        for column in columns_of(self.connection, "onestop.desk_register"):
            for value, written in column.values().items():
                code = f"P-{self.source}-00001"
                row: Row = {"agency_code": agency, "dossier_code": code, "result_ready_at": NOW - DAY}
                self.insert("onestop.desk_register", row | {column.name: written})
                self.planted.append(Planted("source", column, value, agency, code))


# ------------------------------------------------------------------------------------------------------------ ledger

_LEDGER: Final[Mapping[str, str]] = {
    "motcua.dossiers": "SELECT dossier_id FROM motcua.dossiers WHERE dossier_code = %s",
    "motcua.dossier_versions": (
        "SELECT max(version_id) FROM motcua.dossier_versions INNER JOIN motcua.dossiers USING (dossier_id)"
        " WHERE dossier_code = %s"
    ),
    "motcua.transitions": (
        "SELECT max(transition_id) FROM motcua.transitions INNER JOIN motcua.dossiers USING (dossier_id)"
        " WHERE dossier_code = %s"
    ),
}
"""Table → query for the number of a dossier's newest row in it."""


def ledger_columns(ledger: psycopg.Connection[Any]) -> list[Column]:
    return [column for table in _LEDGER for column in columns_of(ledger, table)]


def carriers(ledger: psycopg.Connection[Any]) -> list[tuple[str, Column, str, str | None]]:
    """Return, for each value of each column, (code of the dossier that gets the value, column, name, value).

    The desk must write these dossiers before ``plant_ledger`` changes them.
    """
    cases = [(column, *value) for column in ledger_columns(ledger) for value in column.values().items()]
    return [(f"L-{number:05}", *case) for number, case in enumerate(cases, 1)]


def plant_ledger(ledger: psycopg.Connection[Any], agency: str) -> tuple[list[Planted], Counter[str]]:
    """Plant each value in each column of the ledger, as an administrator could write it.

    Return the planted values, and how often PostgreSQL refused a value, by table. In append-only tables of versions no
    row can be changed, so another version that has the value is added.
    """
    planted, refused = [], Counter[str]()
    for code, column, value, written in carriers(ledger):
        found = ledger.execute(_LEDGER[column.table].encode(), (code,)).fetchone()
        assert found is not None, code
        try:
            with ledger.transaction():
                _write(ledger, column, written, found[0])
        except psycopg.Error:
            refused[column.table] += 1
        else:
            planted.append(Planted("ledger", column, value, agency, code))
    return planted, refused


def _write(ledger: psycopg.Connection[Any], column: Column, written: str | None, number: int) -> None:
    table, name, kind = sql.SQL(column.table), sql.Identifier(column.name), sql.SQL(column.type)  # type: ignore[arg-type]
    if column.table != "motcua.dossier_versions":
        key = sql.Identifier(column.table.removeprefix("motcua.").rstrip("s") + "_id")
        ledger.execute(sql.SQL("UPDATE {} SET {} = %s::{} WHERE {} = %s").format(table, name, kind, key),
                       (written, number))  # fmt: skip
        return
    names = [each.name for each in columns_of(ledger, column.table)]
    taken = [sql.SQL("%s::{}").format(kind) if each == column.name else sql.Identifier(each) for each in names]
    ledger.execute(
        sql.SQL("INSERT INTO {} ({}) SELECT {} FROM {} WHERE version_id = %s").format(
            table, sql.SQL(", ").join(map(sql.Identifier, names)), sql.SQL(", ").join(taken), table
        ),
        (written, number),
    )


def hand_in_carriers(desk: Desk, ledger: psycopg.Connection[Any], agency: str, lives: Sequence[Life]) -> None:
    """Write the dossiers that ``plant_ledger`` changes later, still without planted values."""
    with desk.connection.transaction(), desk.connection.pipeline():
        for (code, *_), life in zip(carriers(ledger), itertools.cycle(lives), strict=False):
            desk.write(*desk.rows(code, agency, life, "9.000001"))
