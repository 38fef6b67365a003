"""Test the way from an exported file to the message: a difference between two exports counts as a step."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from motcua.domain.intake.values import Fields
from motcua.jobs.exports import folders, taking
from motcua.jobs.exports.taking import SETTLED, has_unread_files, take_files
from motcua.jobs.intake.taking import take
from motcua.jobs.notices.watching import CatchUp, sources_to_read
from motcua.store.agencies import save_agencies
from motcua.store.intake.exports import accept_file, count_states, list_vanished
from motcua.store.intake.pushes import sign_in
from motcua.store.ledger.database import INTAKE, connect
from tests.ground import NHA_TRANG, TU_PHAP, VAN_PHONG, agency, in_ledger, until
from tests.integration.exports.conftest import (
    CHANGES,
    FORM,
    HEADINGS,
    SOURCE,
    faults_of,
    last,
    line,
    local,
    set_form_of,
)
from tests.integration.intake.conftest import PASSWORD, register


def test_result_in_a_later_export_is_told(software, run, messages, rows):
    software.drop(line("H-1"), line("H-2"))
    assert run() == set()
    assert messages() == []
    software.drop(line("H-1", "Chờ trả kết quả", "Trả kết quả"), line("H-2"))
    software.read()
    assert SOURCE in sources_to_read(datetime.now(UTC) + timedelta(seconds=1)).names
    assert run() == set()
    assert messages() == [("result", "H-1", "queued")]
    (row,) = rows("SELECT * FROM motcua.dossiers WHERE dossier_code = 'H-1'")
    assert (row["msisdn"], row["step_name"]) == ("+84905123456", "Trả kết quả")
    (step,) = rows("SELECT occurred_at FROM motcua.transitions WHERE status_code = 9")
    assert step["occurred_at"] == last().exported_at


@pytest.fixture
def waiting_sender(monkeypatch):
    """Return the object with which a waiting sender reads new rows of the sources many times a second.

    With this fixture, a file counts as completely written as soon as it is seen.
    """
    monkeypatch.setattr(taking, "SETTLED", timedelta(0))
    monkeypatch.setattr(folders, "LOOK_EVERY", 0)
    catch_up = CatchUp(timedelta(minutes=5))
    yield catch_up
    catch_up.close()


def test_sender_that_waits_for_news_takes_what_is_dropped(software, waiting_sender, run, messages, configure):
    """A running sender reads a dropped file and plans the file's messages, before the next run begins."""
    # The source ``khac`` has no form, so its files cannot be read. These files must not delay the other source.
    configure(MOTCUA_SOURCES=f"khac=files,{SOURCE}=files", MOTCUA_FILES=f"file://{software.folder.parent}")
    (software.folder.parent / "khac").mkdir()
    (software.folder.parent / "khac" / "xuat.csv").write_text(HEADINGS)
    software.drop(line("H-1"))
    run()
    software.drop(line("H-1", "Chờ trả kết quả", "Trả kết quả"))
    until(lambda: waiting_sender() and messages() == [("result", "H-1", "queued")])
    assert last().state == "taken"


def test_first_whole_export_says_how_things_stand_and_tells_nobody(software, run, messages, states):
    """Results in a source's first export may be old, so no citizen is texted about them."""
    software.drop(line("H-1", "Chờ trả kết quả"), line("H-2", "Chờ bổ sung"), line("H-3"))
    assert run() == set()
    assert states() == {"H-1": 9, "H-2": 5, "H-3": 4}
    assert {state for _, _, state in messages()} <= {"expired"}
    # A dossier with a result in the first export gets a message only if it loses this status and gets a result again.
    software.drop(line("H-1"), line("H-2"), line("H-3"))
    software.drop(line("H-1", "Chờ trả kết quả"), line("H-2"), line("H-3"))
    run()
    assert [(kind, code) for kind, code, state in messages() if state == "queued"] == [("result", "H-1")]


def test_time_of_a_step_is_that_of_its_column_else_that_of_the_export(software, rows):
    headings = f"{HEADINGS};Lúc"
    at = software.now - timedelta(minutes=7)
    software.drop(line("H-1") + ";", line("H-2") + f";{local(at)}", headings=headings)
    software.read()
    software.drop(
        line("H-1", "Đã trả") + ";",
        line("H-2", "Đã trả") + f";{local(at)}",
        headings=headings,
        name="2026-11-25 0815.csv",
    )
    software.drop(
        line("H-1", "Đã trả") + ";không rõ", line("H-2", "Đã trả", "Khác") + ";31/12/2099 00:00:00", headings=headings
    )
    software.read()
    found = {
        (row["dossier_code"], row["status_code"], row["to_step"]): row["occurred_at"]
        for row in rows("SELECT * FROM intake.source_transitions")
    }
    assert found["H-2", 4, "Xử lý"] == at.replace(microsecond=0)
    assert found["H-2", 10, "Khác"] == last().exported_at, "a time in the future must be ignored"
    assert ("H-1", 10, "Xử lý") in found
    assert ("unread_time", 2) in faults_of(last())


@pytest.mark.guarantee(
    "intake",
    "a dossier has the state of the last export of all dossiers; an older export that comes late reverts nothing",
)
def test_life_that_is_told_by_whole_exports_ends_as_the_last_one_has_it(software, states, steps):
    random = Random(20)
    codes = [f"H-{number}" for number in range(40)]
    words = {1: "Mới đăng ký", 4: "Đang xử lý", 5: "Chờ bổ sung", 9: "Chờ trả kết quả", 10: "Đã trả"}
    said: dict[str, int] = {}
    history: dict[str, list[int]] = {code: [] for code in codes}
    for _ in range(12):
        there = [code for code in codes if random.random() < 0.93]
        for code in there:
            if code not in said or random.random() < 0.4:
                status = random.choice(list(words))
                if status != said.get(code):
                    history[code].append(status)
                said[code] = status
        random.shuffle(there)
        software.drop(*(line(code, words[said[code]], "Bước") for code in there))
        if random.random() < 0.6:
            software.read()
    while (read := software.read()).get("taken"):
        assert not read.get("refused")
    assert states() == said
    assert {code: steps(code) for code in said} == {code: history[code] for code in said}


def test_file_that_is_dropped_again_adds_nothing(software, run, rows):
    first = software.drop(line("H-1"), line("H-2"))
    run()
    second = software.drop(line("H-1", "Chờ trả kết quả"), line("H-2"))
    run()
    seen = "SELECT * FROM intake.source_transitions", "SELECT * FROM intake.source_dossiers"
    before = [rows(each) for each in seen]
    again = second.read_bytes()
    software.put(again, "khac.csv")
    software.put(again, second.name)
    # An old file is dropped again with its former modification time.
    (software.folder / "cu.csv").write_bytes(first.read_bytes())
    os.utime(software.folder / "cu.csv", (first.stat().st_mtime, first.stat().st_mtime))
    assert software.read() == {"repeated": 3}
    assert software.read() == {}
    run()
    assert [rows(each) for each in seen] == before


@pytest.mark.guarantee(
    "intake",
    "a dossier has the state of the last export of all dossiers; an older export that comes late reverts nothing",
)
@pytest.mark.parametrize("form", [FORM, CHANGES], ids=["whole", "changes"])
def test_older_export_that_comes_late_moves_nothing_back(software, run, messages, states, steps, form):
    set_form_of(form)
    software.drop(line("H-1"), name="xuat 20261125-080000.csv")
    run()
    software.drop(line("H-1", "Chờ trả kết quả"), name="xuat 20261125-081000.csv")
    run()
    planned_before = messages()
    software.drop(line("H-1"), line("H-2"), name="xuat 20261125-080500.csv")
    run()
    assert states() == {"H-1": 9} | ({"H-2": 4} if form == CHANGES else {})
    assert steps("H-1") == [4, 9]
    assert messages() == planned_before
    assert (last().state, last().older) == (("taken", 1) if form == CHANGES else ("outdated", 0))


def test_files_are_taken_in_the_order_of_the_times_in_their_names(software, steps):
    software.drop(line("H-1", "Đã trả"), name="2026-11-25_0900.csv")
    software.drop(line("H-1", "Đang xử lý"), name="25-11-2026 07.00.csv")
    software.drop(line("H-1", "Chờ trả kết quả"), name="xuat_20261125080000.csv")
    assert software.read() == {"taken": 3}
    assert steps("H-1") == [4, 9, 10]


def test_export_of_changes_holds_several_steps_of_a_dossier_and_may_overlap_the_last_one(
    software, run, messages, steps
):
    set_form_of(CHANGES)
    headings = f"{HEADINGS};Lúc"
    at = [software.now + timedelta(minutes=minute) for minute in range(5)]

    def changed_line(status: str, when: datetime) -> str:
        return line("H-1", status) + f";{local(when)}"

    software.drop(changed_line("Đang xử lý", at[1]), changed_line("Mới đăng ký", at[0]), headings=headings, after=600)
    software.read()
    overlapping = (
        changed_line("Đang xử lý", at[1]),
        changed_line("Chờ trả kết quả", at[3]),
        changed_line("Mới đăng ký", at[0]),
    )
    software.drop(*overlapping, headings=headings)
    software.drop(headings=headings)
    run()
    software.drop(changed_line("Đang xử lý", at[1]), headings=headings)
    run()
    assert steps("H-1") == [1, 4, 9]
    assert messages() == [("result", "H-1", "queued")]


def test_dossier_that_vanishes_is_counted_and_shown_and_is_no_step(software, run, rows, steps):
    """A dossier that a later export no longer lists is counted and listed as vanished, and gets no new step."""
    software.drop(*(line(f"H-{number}") for number in range(10)))
    run()
    before = rows("SELECT * FROM motcua.transitions")
    software.drop(*(line(f"H-{number}") for number in range(9)), line("H-X"))
    run()
    assert (last().vanished, last().added, last().moved) == (1, 1, 0)
    assert [each.dossier_code for each in in_ledger(list_vanished, SOURCE)] == ["H-9"]
    assert steps("H-9") == [4]
    assert len(rows("SELECT * FROM motcua.transitions")) == len(before) + 1
    software.drop(*(line(f"H-{number}") for number in range(10)), line("H-X"))
    run()
    assert (last().vanished, last().added, last().moved) == (0, 0, 0)
    assert in_ledger(list_vanished, SOURCE) == []
    assert steps("H-9") == [4]


@pytest.mark.parametrize("form", [FORM, CHANGES], ids=["whole", "changes"])
def test_files_are_read_at_once_after_a_clock_that_was_ahead_is_right_again(software, states, steps, form):
    """File times from a clock that was ahead must not make later files wait or count as outdated."""
    set_form_of(form)
    right = datetime.now(UTC)
    software.now = right + timedelta(days=1)
    software.drop(line("H-1"))
    assert software.read() == {"taken": 1}
    software.drop(line("H-1", "Chờ bổ sung"))
    assert take_files(SOURCE, software.now).waiting == 1
    software.now = right
    assert take_files(SOURCE, software.now).taken == 1
    software.drop(line("H-1", "Chờ trả kết quả"))
    assert software.read() == {"taken": 1}
    assert states() == {"H-1": 9}
    assert steps("H-1") == [4, 5, 9]


def test_file_that_is_still_written_waits(software, states):
    path = software.drop(line("H-1"), line("H-2"))
    whole = path.read_bytes()
    path.write_bytes(whole[:90])
    assert take_files(SOURCE, software.now).waiting == 1
    for size in (100, 110):
        software.now += SETTLED
        path.write_bytes(whole[:size])
        assert take_files(SOURCE, software.now).waiting == 1
    path.write_bytes(whole)
    assert has_unread_files(SOURCE)
    assert software.read() == {"taken": 1}
    assert states() == {"H-1": 4, "H-2": 4}
    assert not has_unread_files(SOURCE)
    for name in ("x.csv.part", ".x.csv", "~$x.xlsx", "x.tmp", "desktop.ini"):
        (software.folder / name).write_text("x")
    (software.folder / "thư mục").mkdir()
    assert not has_unread_files(SOURCE)
    assert software.read() == {}


@pytest.mark.guarantee("intake", "two processes that read one folder of exports at once do not disturb each other")
def test_file_that_another_look_reads_meanwhile_is_left_to_it(software, states, monkeypatch):
    software.drop(line("H-1"))
    assert take_files(SOURCE, software.now).waiting == 1
    software.now += SETTLED
    real, others = taking.see_file, []

    def seen_after_another_look(*given):
        # Both checks have listed the folder and the known files before either check reads the file.
        if not others:
            others.append(None)
            others.append(take_files(SOURCE, software.now))
        return real(*given)

    monkeypatch.setattr(taking, "see_file", seen_after_another_look)
    found = take_files(SOURCE, software.now)
    assert (others[1].taken, found.taken, found.waiting, found.refused) == (1, 0, 0, 0)
    assert states() == {"H-1": 4}
    assert in_ledger(count_states, SOURCE) == {"taken": 1}


@pytest.mark.guarantee(
    "intake", "pushes of one dossier, and a file and pushes of one source, are written one after the other"
)
def test_file_and_pushes_of_its_source_at_once_are_written_one_after_the_other(software, rows, states):
    codes = [f"H-{number}" for number in range(40)]
    register("vp", NHA_TRANG, source=SOURCE)
    with connect(INTAKE) as connection:
        assert sign_in(connection, "vp", PASSWORD, "s" * 43, timedelta(hours=1))
    software.drop(*(line(code) for code in codes))
    software.read()

    def push(number: int) -> int:
        pushed_steps = [Fields(mahoso=code, trangthai="9", noidungxuly=f"{number}") for code in codes]
        with connect(INTAKE) as connection:
            connection.autocommit = True
            return take(connection, "s" * 43, "steps", "steps", pushed_steps, NHA_TRANG).taken

    for turn, status in enumerate(("Chờ trả kết quả", "Đang xử lý", "Chờ trả kết quả")):
        software.drop(*(line(code, status, f"{turn}") for code in codes))
        with ThreadPoolExecutor(3) as writing:
            pushed = [writing.submit(push, 2 * turn + each) for each in (0, 1)]
            assert writing.submit(software.read).result() == {"taken": 1}
        assert [each.result() for each in pushed] == [40, 40]
    found = rows("SELECT transition_id, recorded_at FROM intake.pushed_steps ORDER BY transition_id")
    assert len(found) == len({row["transition_id"] for row in found}) == 40 * (4 + 6)
    assert found == sorted(found, key=lambda row: row["recorded_at"])
    assert set(states().values()) == {9}


@pytest.mark.guarantee("intake", "an exported file that is removed before it was read is reported and not waited for")
def test_file_that_is_taken_away_before_it_was_read_waits_no_more(software, states):
    path = software.drop(line("H-1"))
    content, at = path.read_bytes(), path.stat().st_mtime
    assert take_files(SOURCE, software.now).waiting == 1
    path.unlink()
    assert take_files(SOURCE, software.now + SETTLED / 2).removed == 0, (
        "a missing file is not yet reported as removed: it may have been dropped after the folder was listed"
    )
    assert has_unread_files(SOURCE), "the folder must be checked again to notice the removal"
    software.now += SETTLED
    found = take_files(SOURCE, software.now)
    assert (found.removed, found.waiting) == (1, 0)
    assert last().state == "removed"
    assert not has_unread_files(SOURCE)
    # The same file is dropped again and must be read like any other.
    path.write_bytes(content)
    os.utime(path, (at, at))
    assert has_unread_files(SOURCE)
    assert software.read() == {"taken": 1}
    assert states() == {"H-1": 4}
    assert in_ledger(count_states, SOURCE) == {"taken": 1}
    # Two files are removed while they wait. A third file that waits is then replaced by the first file.
    for put in (b"x", b"yy"):
        path.write_bytes(put)
        os.utime(path, (at, at))
        take_files(SOURCE, software.now)
        path.unlink()
        software.now += SETTLED
        take_files(SOURCE, software.now)
    path.write_bytes(b"zzz")
    take_files(SOURCE, software.now)
    path.write_bytes(b"x")
    os.utime(path, (at, at))
    take_files(SOURCE, software.now)
    assert in_ledger(count_states, SOURCE) == {"taken": 1, "removed": 2, "waiting": 1}


def test_refused_file_that_is_gone_stays_refused_under_a_new_form_and_is_removed_where_it_was_accepted(software):
    """A refused file that was deleted is not read under a new form. If a person accepts it, it counts as removed."""
    software.drop(*(line(f"H-{number}") for number in range(20)))
    software.read()
    path = software.drop(line("H-1"))
    assert software.read() == {"refused": 1}
    path.unlink()
    set_form_of(FORM)
    assert not has_unread_files(SOURCE)
    assert (software.read(), last().state) == ({}, "refused")
    assert in_ledger(accept_file, last().export_no, "lan", "Đã xem", software.now)
    software.read()
    assert last().state == "removed"


def test_file_of_few_dossiers_is_refused_until_a_person_takes_it_as_it_is(software, run, states, steps):
    """A file that lacks many known dossiers is refused until a person accepts it: it may come from another office."""
    all_of_them = [line(f"H-{number}") for number in range(20)]
    software.drop(*all_of_them)
    run()
    software.drop(*all_of_them[:12])
    assert software.read() == {"refused": 1}
    assert faults_of(last()) == [("few_dossiers", None)]
    # This file has as many dossiers as the first file, but with other codes. It may come from another office.
    software.drop(*(line(f"K-{number}") for number in range(20)))
    assert software.read() == {"refused": 1}
    assert len(states()) == 20
    few = software.drop(*all_of_them[:10], line("H-10", "Đã trả"))
    software.read()
    number = last().export_no
    assert in_ledger(accept_file, number, "hoa", "đã bàn giao", datetime.now(UTC))
    assert not in_ledger(accept_file, number - 10, "hoa", "không có", datetime.now(UTC))
    assert software.read() == {"taken": 1}
    assert (last().state, last().accepted_by, last().vanished) == ("accepted", "hoa", 9)
    assert steps("H-10") == [4, 10]
    # An accepted file that was imported cannot be accepted again.
    assert not in_ledger(accept_file, number, "hoa", "lại", datetime.now(UTC))
    assert few.exists()
    # The next file is compared with the accepted file.
    software.drop(*all_of_them[:10], line("H-10", "Đã trả"), line("H-11"))
    assert software.read() == {"taken": 1}


def test_dossiers_of_lines_that_are_refused_have_not_vanished(software, states):
    software.drop(*(line(f"H-{number}") for number in range(10)))
    software.read()
    software.drop(*(line(f"H-{number}", "Không rõ") for number in range(9)), line("H-9", "Đã trả"))
    assert software.read() == {"taken": 1}
    assert (last().vanished, last().refused, last().lines) == (0, 9, 10)
    assert states()["H-9"] == 10
    assert states()["H-1"] == 4


def test_field_that_is_not_in_the_file_stays_and_one_that_is_empty_is_emptied(software, rows):
    seen = "SELECT applicant_phone, due_at, received_at FROM intake.source_dossiers"
    software.drop(line("H-1"))
    software.read()
    (full,) = rows(seen)
    assert full["applicant_phone"] == "0905123456"
    short = "Mã hồ sơ;Cơ quan;Trạng thái"
    software.drop(f"H-1;{line('H-1').split(';')[1]};4", headings=short)
    software.read()
    assert rows(seen) == [full]
    software.drop(line("H-1", phone="", due="mai"))
    software.read()
    assert rows(seen) == [full | {"applicant_phone": ""}], "an unreadable due date must leave the known one unchanged"
    software.drop(line("H-1", due=""))
    software.read()
    assert rows(seen) == [full | {"due_at": None}]


def test_agency_is_that_of_the_line_or_of_the_dossiers_code_and_none_but_the_files_own(software, rows):
    """A line's agency comes from its column or the dossier code. A line of an agency without this source is refused."""
    in_ledger(save_agencies, [agency(VAN_PHONG)], "tests")
    software.drop(
        line("H-1", agency="H32.30"),
        line("H-2", agency="sở tư PHÁP"),
        line(f"{TU_PHAP}-261120-0001", agency=""),
        line("H-4", agency=""),
        line("H-5", agency="999"),
        line("H-6", agency=VAN_PHONG),
    )
    assert software.read() == {"taken": 1}
    found = {row["dossier_code"]: row["agency_code"] for row in rows("SELECT * FROM intake.source_dossiers")}
    assert found == {"H-1": NHA_TRANG, "H-2": TU_PHAP, f"{TU_PHAP}-261120-0001": TU_PHAP}
    assert faults_of(last()) == [("no_agency", 5), ("unknown_agency", 6), ("not_ours", 7)]
