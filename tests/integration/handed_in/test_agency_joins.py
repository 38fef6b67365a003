"""Test that an agency can join by the commands of docs/operations/new-agency.md, up to its first message."""

from __future__ import annotations

import re
import shlex
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from motcua.domain.clock import VIETNAM
from motcua.jobs.notices.dry_running import UnknownAgency, dry_run
from motcua.store.agencies import save_agencies
from tests.ground import NHA_TRANG, TU_PHAP, agency, in_ledger, take_in, type_command

PAGE = Path(__file__).parents[3] / "docs" / "operations" / "new-agency.md"
CODE = "000.00.11.H32"
NOW = datetime.now(UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
SINCE = NOW - 7 * DAY


def commands(step):
    """Return the commands of one step of the page."""
    text = PAGE.read_text(encoding="utf-8")
    section = text.split(f"**{step}. ")[1].split(f"**{step + 1}. ")[0].split("\n## ")[0]
    return [line for block in re.findall(r"```sh\n(.*?)```", section, re.DOTALL) for line in block.splitlines()]


@pytest.fixture
def printed(tmp_path, monkeypatch):
    """Change to an empty folder; return the list that collects the commands' outputs."""
    monkeypatch.chdir(tmp_path)
    return []


def run(printed, command, exit_code=0):
    command = re.sub(r"--since \S+", f"--since {SINCE.astimezone(VIETNAM):%Y-%m-%dT%H:%M:%S}", command)
    name, *arguments = shlex.split(command)
    assert name == "motcua"
    result = type_command(*arguments, exits=exit_code)
    printed.append(result.output)
    return result.output


def file_with(line):
    """Write the page's entry of the new agency to agencies.yaml, with ``line`` in place of ``enabled_from: false``."""
    entry = re.search(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)[1]
    entry = entry.replace("enabled_from: false", line)
    path = Path("agencies.yaml")
    kept = path.read_text(encoding="utf-8").partition(f"- code: {CODE}")[0]
    path.write_text(kept + entry, encoding="utf-8")


def everything(rows):
    """Return how far each source was read, and the number of rows of each table that planning and sending write."""
    tables = ("messages", "attempts", "transitions", "dossiers", "quarantine", "findings", "message_history")
    return {
        "sources": rows("SELECT cursor_transition_id, cursor_recorded_at, picked_up_at, failed_at FROM motcua.sources"),
        **{table: rows(f"SELECT count(*) AS n FROM motcua.{table}") for table in tables},
    }


def dossier(one_stop, code, at, *, agency_code="H32.11", status=9, **changes):
    values = {"received_at": at - 5 * DAY, "due_at": at + 5 * DAY, "phone_entered_at": at - 5 * DAY, "updated_at": at}
    one_stop.both(
        4,
        code,
        agency_code,
        desk=False,
        at=at - DAY,
        **values | {"status_code": status, "at_one_stop_desk": True} | changes,
    )
    one_stop.move(status, code, agency_code, at=at)


def test_procedure_of_the_page_from_the_first_command_to_the_first_message(one_stop, rows, printed):
    dossier(one_stop, "R-1", NOW - 4 * DAY, applicant_phone="0905111222")
    dossier(one_stop, "S-1", NOW - 3 * HOUR, status=5, applicant_phone="0914333444")
    dossier(one_stop, "L-1", NOW - 2 * HOUR, applicant_phone="0258 3822001")
    dossier(one_stop, "OLD", NOW - 20 * DAY, applicant_phone="0905111333")
    dossier(one_stop, "N-1", NOW - HOUR, agency_code=NHA_TRANG, applicant_phone="0905111444")

    for command in commands(1) + commands(2):
        run(printed, command)
    assert Path("phones.xlsx").is_file()
    export, texts = commands(3)
    run(printed, export)
    file_with("enabled_from: false")
    assert "Sở CT" in run(printed, texts)

    difference, taking, quarantine = commands(4)
    assert f"{CODE} Sở Công Thương: new" in run(printed, difference, exit_code=1)
    run(printed, taking)
    take_in(None)
    assert "Nothing is in quarantine" in run(printed, quarantine)
    assert rows("SELECT count(*) AS n FROM motcua.messages WHERE agency_code = %s", CODE) == [{"n": 0}]

    before = everything(rows)
    (rehearsal,) = commands(5)
    shown = run(printed, rehearsal)
    assert everything(rows) == before, "a dry run writes nothing"
    lines = shown.splitlines()
    for expected in (
        ("R-1", "result", "0905***222", "result v1", "1", "would have gone"),
        ("S-1", "supplement", "0914***444", "supplement v1", "1", "would have gone"),
        ("L-1", "result", "not sent: landline"),
        ("supplement", "would have gone", "1"),
        ("result", "not sent", "landline", "1"),
    ):
        assert any(all(word in line for word in expected) for line in lines), (expected, shown)
    assert "OLD" not in shown
    assert "N-1" not in shown
    assert "read from khanhhoa" in shown

    file_with(f"enabled_from: {(NOW - HOUR).astimezone(VIETNAM):%Y-%m-%d %H:%M:%S}")
    difference, taking, history, identity = commands(6)
    assert "enabled_from: – → " in run(printed, difference, exit_code=1)
    run(printed, taking)
    assert "enabled_from" in run(printed, history)
    dossier(one_stop, "R-2", NOW - MINUTE, applicant_phone="0905111555")
    take_in(None)
    announced = rows(
        "SELECT d.dossier_code, m.state, m.text FROM motcua.messages AS m INNER JOIN motcua.dossiers AS d"
        " ON m.dossier_id = d.dossier_id WHERE m.agency_code = %s",
        CODE,
    )
    assert [(row["dossier_code"], row["state"]) for row in announced] == [("R-2", "queued")]
    assert "Bo phan Mot cua So CT" in announced[0]["text"]
    run(printed, identity)

    everything_printed = re.sub(r"\D", "", " ".join(printed).replace(".", ""))
    assert not re.search(r"905111[2-5]{3}|914333444|2583822001", everything_printed)


def test_dry_run_follows_the_settings_of_the_agency_counts_what_cannot_be_used_and_writes_nothing(one_stop, rows):
    settings = {"same_day_excluded": True, "kinds_off": ("supplement",), "result_hold": HOUR, "accented": True}
    in_ledger(save_agencies, [agency(TU_PHAP, name="Sở Tư pháp", enabled_from=None, **settings)], "tests")
    dossier(one_stop, "DAY", NOW - 3 * HOUR, agency_code=TU_PHAP, received_at=NOW, due_at=NOW)
    dossier(one_stop, "OFF", NOW - 3 * HOUR, agency_code=TU_PHAP, status=5)
    dossier(one_stop, "HELD", NOW - MINUTE, agency_code=TU_PHAP)
    dossier(one_stop, "SENT", NOW - 3 * HOUR, agency_code=TU_PHAP)
    at_desk = {"status_code": 9, "at_one_stop_desk": True, "updated_at": NOW - 3 * HOUR}
    one_stop.both(4, "ROW ALONE", TU_PHAP, desk=False, at=NOW - 2 * DAY, **at_desk)
    for code, status in (("SENT", 11), ("NO-ROW", 9), ("x" * 41, 9), ("SENT", None)):
        one_stop.move(status, code, TU_PHAP, at=NOW - MINUTE)
    dossier(one_stop, "A-1", NOW - HOUR, agency_code=NHA_TRANG)
    take_in(None)
    before = everything(rows)
    rehearsed = dry_run(TU_PHAP, SINCE)
    assert {each.dossier_code: (each.message.end, each.message.reason) for each in rehearsed.messages} == {
        "DAY": ("suppressed", "same_day"),
        "OFF": ("suppressed", "kind_off"),
        "HELD": ("held", None),
        "SENT": ("would_go", None),
        "ROW ALONE": ("would_go", None),
    }
    assert {each.segments for each in rehearsed.messages} == {2}
    assert rehearsed.unusable == {"status_unknown": 1, "dossier_missing": 1, "code_unusable": 1, "status_missing": 1}
    told_already = dry_run("H32.30", SINCE)
    assert told_already.agency.agency_code == NHA_TRANG
    assert [(each.dossier_code, each.message.end) for each in told_already.messages] == [("A-1", "would_go")]
    assert everything(rows) == before


def test_dry_run_says_what_it_could_not_read(one_stop, configure, printed):
    """A dry run that cannot read a source must name this source. Otherwise its result would look complete."""
    dossier(one_stop, "A-1", NOW - HOUR, agency_code=NHA_TRANG)
    configure(MOTCUA_SOURCES="khanhhoa,away", AIRFLOW_CONN_ONESTOP_AWAY="postgres://nobody:x@127.0.0.1:1/none")
    shown = run(printed, f"motcua agencies dry-run {NHA_TRANG} --since x", exit_code=1)
    assert "away could not be read, so its dossiers are missing here" in shown
    assert "A-1" in shown
    configure(MOTCUA_SOURCES="khanhhoa")
    assert "holds a row of this agency" in run(printed, f"motcua agencies dry-run {TU_PHAP} --since x", exit_code=1)
    assert "There is no agency 999" in run(printed, "motcua agencies dry-run 999 --since x", exit_code=2)
    with pytest.raises(UnknownAgency):
        dry_run("999", SINCE)


def test_file_is_handed_to_a_command_that_has_no_such_file(ledger, rows):
    """A command in a container cannot see the operator's files, so it must accept a file from standard input."""
    entry = f"agencies:\n  - code: {CODE}\n    name: Sở Công Thương\n    enabled_from: false\n"
    type_command("agencies", "import", "-", "--by", "lan", input=entry.encode())
    assert rows("SELECT name FROM motcua.agencies WHERE agency_code = %s", CODE) == [{"name": "Sở Công Thương"}]
    type_command("agencies", "diff", "-", input=entry.encode())
    for wrong in (b"agencies: [", entry.encode("utf-16")):
        type_command("agencies", "import", "-", "--by", "lan", exits=2, input=wrong)
