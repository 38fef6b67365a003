"""The monthly statement of the simulated carrier: a workbook made of what its network really took and delivered.

It knows nothing of the ledger: the phone network's own log is all that it reads. The demo writes one now and then for
the month so far, each correcting the one before, as a provider would on being asked.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import xlsxwriter  # type: ignore[import-untyped]

from motcua.domain.clock import VIETNAM
from motcua.domain.periods import Period
from motcua.domain.routing import carrier_of_msisdn

PRICE: Final = Decimal(350)
"""Đồng a segment."""
INQUIRY_REVENUE: Final = Decimal(1000)
"""Đồng a citizen pays for an inquiry, all of it ours."""
FIRST_AFTER: Final = timedelta(minutes=5)
"""When the demo's first statement comes, from its start on."""
THEN_EVERY: Final = timedelta(minutes=15)
_KEPT: Final = 3
"""Files of the demo; older ones were imported or never will be."""

_MESSAGES: Final = """
SELECT uuid, accepted_at, number, parts, behaviour, arrives_at, settles_at, dlr_url FROM messages
 WHERE kind = 'sms' AND smsc <> 'zalo' AND accepted_at >= :begins AND accepted_at < :ends ORDER BY id
"""
_INQUIRIES: Final = """
SELECT uuid, number, sent_at FROM inquiries
 WHERE lower(ltrim(text)) LIKE 'mckh%' AND sent_at >= :begins AND sent_at < :ends ORDER BY id
"""
_MT_HEADINGS: Final = (
    "STT",
    "Mã tham chiếu",
    "Mã giao dịch",
    "Số thuê bao",
    "Nhà mạng",
    "Thời gian gửi",
    "Số bản tin",
    "Đơn giá (đồng)",
    "Thành tiền (đồng)",
    "Trạng thái",
)
_MO_HEADINGS: Final = (
    "STT",
    "Mã giao dịch",
    "Số thuê bao",
    "Thời gian nhận",
    "Số lượng",
    "Doanh thu được hưởng (đồng)",
)


def _rows(log: Path, statement: str, month: date, until: datetime) -> Iterator[sqlite3.Row]:
    begins, ends = Period.month_of(month).start, Period.month_of(month).end
    with closing(sqlite3.connect(f"file:{log}?mode=ro", uri=True, timeout=10)) as connection:
        connection.row_factory = sqlite3.Row
        yield from connection.execute(
            statement, {"begins": begins.timestamp(), "ends": min(ends, until).timestamp()}
        ).fetchall()


def _dong(amount: Decimal) -> str:
    return f"{amount:,.0f}".replace(",", ".")


def _local(instant: float) -> str:
    return f"{datetime.fromtimestamp(instant, VIETNAM):%d/%m/%Y %H:%M:%S}"


def _msisdn(number: str) -> str:
    return f"84{number[1:]}" if number.startswith("0") else number


def _status(row: sqlite3.Row, now: float) -> str:
    """What the network knows: the phone has it, will never have it, or nobody can say."""
    if row["arrives_at"] is not None and row["arrives_at"] <= now:
        return "Thành công"
    lost = row["arrives_at"] is None and row["settles_at"] <= now and row["behaviour"] != "never"
    return "Không thành công" if lost else "Đã nhận"


def _lines(log: Path, month: date, now: datetime) -> Iterator[list[Any]]:
    for number, row in enumerate(_rows(log, _MESSAGES, month, now), 1):
        parts = len(json.loads(row["parts"]))
        reference = parse_qs(urlsplit(row["dlr_url"]).query).get("reference", [""])[0]
        msisdn = _msisdn(row["number"])
        yield [
            number,
            reference,
            row["uuid"],
            msisdn,
            carrier_of_msisdn(f"+{msisdn}").replace("other", "Khác"),
            _local(row["accepted_at"]),
            parts,
            _dong(PRICE),
            _dong(PRICE * parts),
            _status(row, now.timestamp()),
        ]


def _inquiries(log: Path, month: date, now: datetime) -> Iterator[list[Any]]:
    for number, row in enumerate(_rows(log, _INQUIRIES, month, now), 1):
        number_at_home = _msisdn(row["number"])
        yield [number, row["uuid"], number_at_home, _local(row["sent_at"]), 1, _dong(INQUIRY_REVENUE)]


def write_statement(network: Path, path: Path, month: date, now: datetime) -> tuple[int, int]:
    """Writes the statement of a month as far as it has come; returns its messages and inquiries.

    Args:
        network: folder of the phone network.
        path: the workbook; there whole or not at all.
        month: its first day.
        now: what happens later is not in it.

    Raises:
        sqlite3.Error: the network's log cannot be read.
        OSError: the file cannot be written.
    """
    log = network / "phone_network.sqlite3"
    sent, asked = list(_lines(log, month, now)), list(_inquiries(log, month, now))
    draft = path.with_name(f".{path.name}")
    with xlsxwriter.Workbook(draft, {"strings_to_formulas": False, "strings_to_numbers": False}) as book:
        bold = book.add_format({"bold": True})
        for title, what, headings, lines, totals in (
            ("MT", "tin nhắn thương hiệu", _MT_HEADINGS, sent, (6, 8)),
            ("MO 9029", "đầu số 9029", _MO_HEADINGS, asked, (4, 5)),
        ):
            sheet = book.add_worksheet(title)
            sheet.write(0, 0, "CÔNG TY VIỄN THÔNG MÔ PHỎNG", bold)
            sheet.write(1, 0, f"BẢNG KÊ CƯỚC {what.upper()} THÁNG {month.month}/{month.year}")
            sheet.write_row(3, 0, headings, bold)
            for place, line in enumerate(lines, 4):
                sheet.write_row(place, 0, line)
            sums: list[Any] = [""] * len(headings)
            sums[0] = "Tổng cộng"
            units, money = totals
            sums[units] = sum(line[units] for line in lines)
            sums[money] = _dong(sum((Decimal(line[money].replace(".", "")) for line in lines), Decimal(0)))
            sheet.write_row(4 + len(lines), 0, sums, bold)
            sheet.set_column(0, len(headings) - 1, 18)
    draft.replace(path)
    return len(sent), len(asked)


class CarrierOffice:
    """Where the demo's carrier writes its statements."""

    def __init__(self, network: Path, folder: Path, started: datetime) -> None:
        self._network, self._folder = network, folder
        self._next = started + FIRST_AFTER

    def look(self, now: datetime) -> str | None:
        """Writes a statement of the month so far where one is due; what became of it, in words."""
        if now < self._next:
            return None
        self._next = now + THEN_EVERY
        month = Period.month_at(now).first
        path = self._folder / f"bang-ke-{month:%Y-%m}-den-{now.astimezone(VIETNAM):%d-%Hh%M}.xlsx"
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            sent, asked = write_statement(self._network, path, month, now)
            for old in sorted(self._folder.glob("bang-ke-*.xlsx"), key=lambda each: each.stat().st_mtime)[:-_KEPT]:
                old.unlink()
        except (sqlite3.Error, OSError) as error:
            return f"The carrier's statement could not be written: {type(error).__name__}"
        if not sent + asked:
            path.unlink(missing_ok=True)
            return None
        return f"The carrier's statement: {path} ({sent} messages, {asked} inquiries); run reconcile_carrier in Airflow"
