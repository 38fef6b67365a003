"""Write the monthly carrier statement of the simulated carrier: a workbook of what its network accepted and delivered.

This module reads only the phone network's own log, and not the ledger. The demo writes a carrier statement from time to
time for the month so far. Each carrier statement corrects the previous one, as a provider would do on request.
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
"""Price of a segment in đồng."""
INQUIRY_REVENUE: Final = Decimal(1000)
"""Đồng that a citizen pays for an inquiry. All of it is credited to the Department."""
FIRST_AFTER: Final = timedelta(minutes=5)
"""Time from the demo's start to its first carrier statement."""
THEN_EVERY: Final = timedelta(minutes=15)
_KEPT: Final = 3
"""How many statement files the demo keeps. Older files were imported already, or will never be imported."""

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


def _log_rows(log: Path, statement: str, month: date, until: datetime) -> Iterator[sqlite3.Row]:
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
    """Return the status that the network knows: received by the phone, never to be received, or only accepted."""
    if row["arrives_at"] is not None and row["arrives_at"] <= now:
        return "Thành công"
    lost = row["arrives_at"] is None and row["settles_at"] <= now and row["behaviour"] != "never"
    return "Không thành công" if lost else "Đã nhận"


def _message_lines(log: Path, month: date, now: datetime) -> Iterator[list[Any]]:
    for number, row in enumerate(_log_rows(log, _MESSAGES, month, now), 1):
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


def _inquiry_lines(log: Path, month: date, now: datetime) -> Iterator[list[Any]]:
    for number, row in enumerate(_log_rows(log, _INQUIRIES, month, now), 1):
        number_at_home = _msisdn(row["number"])
        yield [number, row["uuid"], number_at_home, _local(row["sent_at"]), 1, _dong(INQUIRY_REVENUE)]


def write_statement(network: Path, path: Path, month: date, now: datetime) -> tuple[int, int]:
    """Write the carrier statement of a month so far, and return its numbers of messages and inquiries.

    Args:
        network: folder of the phone network.
        path: the workbook; it appears complete or not at all.
        month: first day of the month.
        now: the moment up to which events are included.

    Raises:
        sqlite3.Error: the network's log cannot be read. OSError: the file cannot be written.
    """
    log = network / "phone_network.sqlite3"
    sent, asked = list(_message_lines(log, month, now)), list(_inquiry_lines(log, month, now))
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
    """Writes the carrier statements of the demo into a folder."""

    def __init__(self, network: Path, folder: Path, started: datetime) -> None:
        self._network, self._folder = network, folder
        self._next = started + FIRST_AFTER

    def look(self, now: datetime) -> str | None:
        """Write a carrier statement for the month so far if one is due, and return a line that reports it."""
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
