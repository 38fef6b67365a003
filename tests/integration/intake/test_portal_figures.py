"""Test the national portal's figures: they are stored, replaced and compared with closings, and never published."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from openpyxl import Workbook
from psycopg.conninfo import conninfo_to_dict

from motcua.domain.periods import Period
from motcua.jobs.publications.publishing import publish
from motcua.jobs.publications.verifying import verify_publication
from motcua.jobs.reconciliation.closing import close_period
from motcua.jobs.reconciliation.portal_figures import hand_in_portal_figures
from motcua.store.intake.portal_figures import compare_periods
from tests.ground import NHA_TRANG, TU_PHAP, connection_uri, in_ledger, type_command
from tests.integration.intake.conftest import dossier, step, written

HEADING = "Mã cơ quan,Ngày,Tiếp nhận,Đã giải quyết\n"


@pytest.fixture
def closed(software, run):
    """Close a day on which one dossier was received and resolved at an agency that pushes."""
    now = datetime.now(UTC)
    assert (
        software.dossiers(dossier("H-1", 9, NgayTiepNhan=written(now), NgayKetThucXuLy=written(now)))["error_code"]
        == "00"
    )
    assert software.steps(step("H-1", 9, now))["error_code"] == "00"
    run()
    day = Period.day_before(now + timedelta(days=1))
    return close_period(day, "tests", day.end + timedelta(hours=6)).closing


def hand_in(closed, *lines, by="hoa", hours=7, **options):
    """Hand in a file of portal figures for the closed day. Each line has an agency and its counts."""
    text = HEADING + "".join(f"{code},{closed.period},{counts}\n" for code, counts in lines)
    now = closed.period.end + timedelta(hours=hours)
    return hand_in_portal_figures(text.encode(), "cong 0905771482.csv", by, now, **options)


@pytest.mark.guarantee(
    "reconciliation",
    "the portal's figures are stored as handed in, with the person, and change no closing and no publication",
)
def test_each_figure_is_kept_a_repeat_adds_nothing_and_a_corrected_one_replaces_the_former(closed, rows):
    assert len(hand_in(closed, (NHA_TRANG, "3,1"), dry_run=True).new) == 1
    assert rows("SELECT 1 FROM motcua.portal_figures") == []

    first = hand_in(closed, (NHA_TRANG, "3,1"), (TU_PHAP, "0,0"), ("X", "1,1"))
    assert ([str(fault) for fault in first.faults], len(first.new)) == (
        ["dòng 4, cột “Mã cơ quan”: không có cơ quan nào có mã hoặc tên này."],
        2,
    )
    (differing, meeting) = first.compared
    assert [(each.theirs, each.ours, each.difference) for each in differing.figures] == [(3, 1, 2), (1, 1, 0)]
    assert (meeting.newest.agency_code, meeting.differs) == (TU_PHAP, False)

    assert hand_in(closed, (NHA_TRANG, "3,1"), (TU_PHAP, "0,0"), ("X", "1,1"), by="minh").new == []
    assert hand_in(closed, (NHA_TRANG, "3,1"), by="minh").new == [], "another file with the same figures adds nothing"
    (corrected,) = hand_in(closed, (NHA_TRANG, "2,1"), by="minh", hours=9).new
    assert hand_in(closed, (NHA_TRANG, "3,1"), (TU_PHAP, "0,0"), ("X", "1,1"), hours=10).new == [], (
        "handing in the old file again adds nothing"
    )

    kept = rows("SELECT * FROM motcua.portal_figures WHERE agency_code = %s ORDER BY figure_no", NHA_TRANG)
    assert [(row["received"], row["handed_in_by"], row["replaces"]) for row in kept] == [
        (3, "hoa", None),
        (2, "minh", kept[0]["figure_no"]),
    ]
    assert corrected.figure_no == kept[1]["figure_no"]
    assert "0905771482" not in kept[0]["file_name"]
    (now,) = in_ledger(compare_periods, [str(closed.period)], agency_code=NHA_TRANG)
    assert (now.figures[0].difference, now.figures[0].replaced) == (1, 3)
    assert now.figures[0].since == closed.period.end + timedelta(hours=7), (
        "the difference began with the first figures, which differed too"
    )
    for statement in ("UPDATE motcua.portal_figures SET received = 1", "DELETE FROM motcua.portal_figures"):
        with pytest.raises(psycopg.Error, match="append-only"):
            rows(statement)


@pytest.mark.guarantee(
    "reconciliation",
    "the portal's figures are stored as handed in, with the person, and change no closing and no publication",
)
def test_command_compares_and_nothing_that_is_published_has_it(
    closed, configure, tmp_path, rows, postgres, ledger, monkeypatch
):
    folder = tmp_path / "publications"
    configure(MOTCUA_PUBLICATIONS=f"file://{folder}")
    morning = closed.period.end + timedelta(hours=6)
    # The command accepts figures only for days that are over, so its clock is set two days ahead.
    monkeypatch.setattr("motcua.commands.closings.datetime", Later)
    book = Workbook()
    book.active.append(["Tên cơ quan", "Ngày", "Tiếp nhận", "Đã giải quyết", "Đã trả kết quả"])
    book.active.append(["Sở Tư pháp", closed.period.first, 777, 0, 0])
    book.save(tmp_path / "cong.xlsx")

    def command(*words):
        return type_command("closings", *words, exits=None, columns=220)

    done = command("compare", str(tmp_path / "cong.xlsx"), "--by", "hoa")
    assert done.exit_code == 1, done.output
    assert "1 good line(s): 1 new" in done.output
    assert "+777" in done.output
    assert "deleted" in done.output
    (tmp_path / "dung.csv").write_text(f"{HEADING}{TU_PHAP},{closed.period},0,0\n", encoding="utf-8")
    agreeing = command("compare", str(tmp_path / "dung.csv"), "--by", "hoa")
    assert agreeing.exit_code == 0, agreeing.output
    assert "1 of them replace earlier figures" in agreeing.output
    (tmp_path / "khong.csv").write_text("không phải bảng", encoding="utf-8")
    refused = command("compare", str(tmp_path / "khong.csv"), "--by", "hoa")
    assert refused.exit_code == 2
    assert len(rows("SELECT 1 FROM motcua.portal_figures")) == 2

    number = publish(closed.closing_no, morning).folder
    assert not any(b"777" in path.read_bytes() for path in (folder / number).rglob("*.csv"))
    assert verify_publication("1").faults == []
    configure(
        AIRFLOW_CONN_MOTCUA_DB=connection_uri(postgres.admin_dsn, "motcua_audit", conninfo_to_dict(ledger)["dbname"])
    )
    assert "777" in command("show", str(closed.closing_no)).output, "an auditor must see the portal's figure too"


class Later(datetime):
    """A datetime whose ``now`` is two days ahead."""

    @classmethod
    def now(cls, tz=None):
        return datetime.now(tz) + timedelta(days=2)
