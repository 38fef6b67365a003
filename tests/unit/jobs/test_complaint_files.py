"""Test the reading of complaint files: times and words as staff write them."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from motcua.domain.clock import VIETNAM
from motcua.jobs.handed_in.complaints import read_complaints, titles
from motcua.jobs.handed_in.faults import FileFault, FileRefused
from motcua.store.oversight.complaints import CHANNELS, CLAIMS, OUTCOMES

NOW = datetime(2026, 11, 25, 10, 0, tzinfo=VIETNAM)
AGENCIES = {"A": ["A"]}


def received_at(written: str) -> datetime | FileFault:
    """Return the moment that a line of a file gives, or the fault of the line."""
    read = read_complaints(f'Cơ quan,Ngày,Loại\nA,"{written}",other'.encode(), "x.csv", AGENCIES, NOW)
    return read.complaints[0].received_at if read.complaints else read.faults[0]


def test_moments_are_read_as_staff_write_them_and_all_else_is_refused():
    for written, read in {
        "24/11/2026 08:30:15": (24, 8, 30, 15),
        "24-11-2026 8h30": (24, 8, 30, 59),
        "8 giờ 30 ngày 24/11/2026": (24, 8, 30, 59),
        "8h30, 24/11/2026": (24, 8, 30, 59),
        "2026-11-24T08:30": (24, 8, 30, 59),
        " 24/11/2026 ": (24, 23, 59, 59),
        "2026-11-24 00:00:00": (24, 23, 59, 59),
        "25/11/2026": (25, 10, 0, 0),
        # A time in the present minute is allowed and read as the present moment.
        "25/11/2026 10:00": (25, 10, 0, 0),
    }.items():
        assert received_at(written) == datetime(2026, 11, *read, tzinfo=VIETNAM), written
    for written in ("hôm qua", "11/24/2026", "24/11/26", "24/11/2026 25:00", "٢٤/١١/٢٠٢٦", "20261124"):
        assert received_at(written).code == "bad_time", written
    assert received_at("26/11/2026").code == "future", "a future day must be refused"


def test_every_channel_claim_and_outcome_has_words():
    assert tuple(titles()["channel"]) == CHANNELS
    assert tuple(titles()["claim"]) == CLAIMS
    assert tuple(titles()["outcome"]) == OUTCOMES


def test_every_title_and_code_is_understood():
    words = [(name, *each) for name in ("channel", "claim") for each in titles()[name].items()]
    assert words
    for name, code, title in words:
        for word in (code, title, title.upper()):
            cells = {"channel": "hotline", "claim": "other"} | {name: word}
            text = 'Cơ quan,Ngày,Kênh,Loại\nA,24/11/2026,"{channel}","{claim}"'.format(**cells)
            read = read_complaints(text.encode(), "x.csv", AGENCIES, NOW)
            assert not read.faults
            assert getattr(read.complaints[0], name) == code


def test_too_many_rows_or_too_long_a_text_are_refused():
    rows = "\n".join(["Cơ quan;Ngày;Loại", *["A;24/11/2026;other"] * 50_001])
    with pytest.raises(FileRefused, match="quá lớn"):
        read_complaints(rows.encode(), "x.csv", AGENCIES, NOW)
    (fault,) = read_complaints(
        f"Cơ quan;Ngày;Loại;Nội dung\nA;24/11/2026;other;{'x' * 2001}".encode(), "x.csv", AGENCIES, NOW
    ).faults
    assert str(fault) == "dòng 2, cột “Nội dung”: dài quá 2000 ký tự."


@pytest.mark.guarantee(
    "complaints",
    "no complaint and no reason given for an act holds a phone number; a number stored earlier is shown to nobody",
)
def test_row_with_a_number_is_told_by_line_and_column_and_without_the_number():
    lines = ["0905 123 456;đến chưa có", "160915001;gọi 0905/123/456", "160915001;đến ngày 20/11/2026 chưa có"]
    written = "Cơ quan;Ngày;Loại;Mã hồ sơ;Nội dung\n" + "\n".join(f"A;24/11/2026;other;{line}" for line in lines)
    read = read_complaints(written.encode(), "x.csv", AGENCIES, NOW)
    assert [each.dossier_code for each in read.complaints] == ["160915001"]
    assert [str(fault) for fault in read.faults] == [
        "dòng 2, cột “Mã hồ sơ”: có số điện thoại; hãy viết lại không có số.",
        "dòng 3, cột “Nội dung”: có số điện thoại; hãy viết lại không có số.",
    ]


@given(st.lists(st.text(max_size=20), min_size=6, max_size=6))
@example(["", "", "", "0", "", ""])
@example(["", "", "", "", "", '"'])
def test_any_row_is_read_or_its_fault_is_reported(cells):
    quoted = ",".join('"{}"'.format(cell.replace('"', "'").replace("\x00", "")) for cell in cells)
    text = f"Cơ quan,Mã hồ sơ,Ngày,Kênh,Loại,Nội dung\n{quoted}"
    try:
        read = read_complaints(text.encode("utf-8", "replace"), "x.csv", AGENCIES, NOW)
    except FileRefused:
        return
    # A spreadsheet puts an apostrophe before a text, so a cell with only an apostrophe is empty.
    bare = (cell.replace('"', "'").replace("\x00", "").strip().removeprefix("'").strip() for cell in cells)
    assert read.complaints or read.faults or not any(bare)
