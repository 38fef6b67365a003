"""Test the names of files that a browser sends: which part is stored, and which month a name gives."""

from __future__ import annotations

from datetime import date

import pytest

from motcua.jobs.handed_in.statement_files import month_in_name
from motcua.jobs.uploads.statements import name_of_month
from motcua.jobs.uploads.waiting import usable_name

MONTH = date(2026, 10, 1)


@pytest.mark.parametrize(
    ("sent", "kept_as"),
    [
        ("bangke.csv", "2026-10 bangke.csv"),
        ("05 tháng mười.csv", "bang-ke-2026-10.csv"),
        ("../../../etc/passwd", "2026-10 passwd.csv"),
        ("C:\\bang ke\\T10-2026.CSV", "T10-2026.csv"),
        ("\u202egpj.2026-10\u200f.csv", "gpj.2026-10.csv"),
        ("a\x00b\r\nc.csv", "2026-10 ab c.csv"),
        ("a" * 300 + ".csv", "2026-10 " + "a" * 60 + ".csv"),
        ("<b>2026-10.csv", "-b-2026-10.csv"),
        ("  ", "2026-10 bang-ke.csv"),
        ("bang-ke-2026-10.dat", "bang-ke-2026-10.dat.csv"),
        ("bang-ke-2026-10.XLSX", "bang-ke-2026-10.xlsx"),
    ],
)
def test_name_is_one_that_a_folder_may_hold_and_tells_its_month(sent: str, kept_as: str) -> None:
    usable = usable_name(sent, b"MT;1")
    kept = name_of_month(usable, MONTH)
    assert kept == kept_as
    assert month_in_name(kept) == MONTH
    assert usable_name(usable, b"") == usable, "a stored name must stay the same when it is read again"
    assert len(kept.encode()) < 200


def test_workbook_is_known_by_its_first_bytes() -> None:
    """The ending of a stored workbook follows from its first bytes, because a name may have a wrong ending."""
    assert usable_name("2026-10", b"PK\x03\x04") == "2026-10.xlsx"
