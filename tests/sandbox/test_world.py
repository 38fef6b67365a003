"""Test the simulated one-stop software, the *world*: it follows the source contract and has faults of real software.

The world also records in the truth database what really happened. The world's sources must match this record.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import unicodedata
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from random import Random
from zoneinfo import ZoneInfo

import phonenumbers
import psycopg
import pytest
from psycopg import sql
from psycopg.rows import dict_row

from motcua.jobs.checking.checking import check_source
from motcua.reports.checks import in_words
from motcua.sandbox.machine.deployment import postgres_connection
from motcua.sandbox.world import __main__ as world
from motcua.sandbox.world import people
from motcua.sandbox.world.__main__ import what_comes
from motcua.sandbox.world.clockwork import World, WorldError
from motcua.sandbox.world.happenings import condition
from motcua.sandbox.world.lives import ODDITIES, born, life
from motcua.sandbox.world.procedures import pilot
from motcua.sandbox.world.writers import ROLES, TRUTH, OneStopWriter, OpencpsWriter, create_one_stop_databases
from motcua.store.agencies import save_agencies
from motcua.store.ledger.queries import statement
from tests.ground import agency, in_ledger, until

START = datetime(2026, 11, 25, 3, 0, tzinfo=UTC)
SECONDS, RATE = 200, 14


def connection(dsn, **options):
    return psycopg.connect(dsn, autocommit=True, row_factory=dict_row, **options)


@pytest.fixture(scope="module")
def addresses(postgres):
    yield create_one_stop_databases(postgres.admin_dsn, {role: f"test {role}" for role in ROLES})
    with psycopg.connect(postgres.admin_dsn, autocommit=True) as admin:
        for name in ("onestop_khanhhoa", "onestop_vanphong", TRUTH):
            admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


class Stage:
    """A world whose clock the test sets, with connections to all its databases."""

    def __init__(self, addresses):
        sources = addresses.sources
        self.khanhhoa = connection(sources["khanhhoa"].writer_dsn)
        self.vanphong = connection(sources["vanphong"].writer_dsn)
        self.truth = connection(addresses.truth_dsn)
        self.now = START
        self.world = None

    def begin_anew(self, **options):
        self.truth.execute("TRUNCATE world.clock")
        self.now = START
        self.start(**options)

    def start(self, **options):
        writers = {"khanhhoa": OneStopWriter(self.khanhhoa), "vanphong": OpencpsWriter(self.vanphong)}
        self.world = World(self.truth, writers, clock=lambda: self.now, hostile=True, **options)
        self.world.wake()

    def run(self, seconds):
        for _ in range(seconds):
            self.now += timedelta(seconds=1)
            self.world.tick()

    def transitions(self):
        return self.khanhhoa.execute(statement("sources/contract/transitions") + " ORDER BY transition_id").fetchall()

    def close(self):
        for each in (self.khanhhoa, self.vanphong, self.truth):
            each.close()


@pytest.fixture
def stage(addresses):
    stage = Stage(addresses)
    yield stage
    stage.close()


class Lived:
    """The rows of the world's databases after 200 seconds of its clock, read once for all tests."""

    def __init__(self, stage):
        stage.begin_anew(seed=20, rate=RATE)
        highest, self.late, seen = 0, 0, set()
        for _ in range(SECONDS):
            stage.run(1)
            rows = stage.khanhhoa.execute(
                "SELECT transition_id FROM onestop.transitions WHERE transition_id > %s", (highest - 200,)
            ).fetchall()
            numbers = {row["transition_id"] for row in rows} - seen
            self.late += sum(number < highest for number in numbers) if highest else 0
            seen |= numbers
            highest = max(seen)
        self.khanhhoa_transitions = stage.transitions()
        self.vanphong_transitions = stage.vanphong.execute(
            statement("sources/opencps/transitions") + " ORDER BY transition_id"
        ).fetchall()
        self.dossiers = (
            stage.khanhhoa.execute(statement("sources/contract/dossiers")).fetchall()
            + stage.vanphong.execute(statement("sources/opencps/dossiers")).fetchall()
        )
        self.raw_vanphong = stage.vanphong.execute('SELECT * FROM opencps."HoSo"').fetchall()
        self.register = stage.khanhhoa.execute("SELECT * FROM onestop.desk_register").fetchall()
        self.notices = stage.truth.execute("SELECT * FROM truth.expected_notices").fetchall()
        self.events = stage.truth.execute("SELECT * FROM truth.events ORDER BY event_id").fetchall()
        self.transitions = self.khanhhoa_transitions + self.vanphong_transitions


@pytest.fixture(scope="module")
def lived(addresses):
    stage = Stage(addresses)
    yield Lived(stage)
    stage.close()


def canonical(code):
    agency = pilot().find(code)
    return agency.code if agency else code


# The databases


def test_second_vendors_tables_are_mapped_to_the_contracts_columns_and_types(addresses):
    for view in ("dossiers", "transitions"):
        shapes = []
        for source, adapter in (("khanhhoa", "contract"), ("vanphong", "opencps")):
            with psycopg.connect(addresses.sources[source].reader_dsn) as reader:
                cursor = reader.execute(statement(f"sources/{adapter}/{view}"), {})
                shapes.append([(column.name, column.type_code) for column in cursor.description])
        assert shapes[0] == shapes[1]


def test_reader_can_only_read_and_nobody_sees_the_truth_or_another_source(addresses):
    for source, attempt in (
        ("khanhhoa", "UPDATE onestop.dossiers SET step_name = 'x'"),
        ("khanhhoa", "SELECT * FROM mot_cua.dossiers"),
        ("khanhhoa", "CREATE TEMPORARY TABLE x (y int)"),
        ("khanhhoa", "CREATE TABLE public.x (y int)"),
        ("vanphong", 'DELETE FROM opencps."TienDoXuLy"'),
    ):
        with connection(addresses.sources[source].reader_dsn) as reader:
            with pytest.raises((psycopg.errors.ReadOnlySqlTransaction, psycopg.errors.InsufficientPrivilege)):
                reader.execute(attempt)
            reader.execute("SET default_transaction_read_only = off")
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                reader.execute(attempt)
    for database in (TRUTH, "onestop_khanhhoa"):
        for dsn in (addresses.sources["vanphong"].reader_dsn, addresses.sources["vanphong"].writer_dsn):
            with pytest.raises(psycopg.OperationalError, match="permission denied"):
                psycopg.connect(dsn, dbname=database)
    assert "test " not in repr(addresses), "passwords must not show in the text of the addresses"


def test_creating_the_databases_again_changes_nothing(postgres, addresses, lived, stage):
    before = stage.transitions()
    assert before
    assert create_one_stop_databases(postgres.admin_dsn, {role: f"test {role}" for role in ROLES}) == addresses
    assert stage.transitions() == before


# The second vendor


def as_read(stage, dates=None, **values):
    """Return what the adapter's SQL statements read from a dossier and a step that the second vendor wrote."""
    of_dossier = {"MaHoSo": "odd", **dict.fromkeys(("NgayTiepNhan", "NgayHenTra", "NgayKetThucXuLy", "NgayTra"), dates)}
    of_step = {"MaHoSo": "odd", "ThoiDiemXuLy": dates}
    written = (("HoSo", "NgayCapNhat", of_dossier, "TrangThaiHoSo"), ("TienDoXuLy", "NgayGhi", of_step, "TrangThai"))
    found = []
    with stage.vanphong.transaction(force_rollback=True):
        for table, stamp, row, status in written:
            given = row | {status if name == "status" else name: value for name, value in values.items()}
            columns, places = ", ".join(f'"{name}"' for name in given), ", ".join(["%s"] * len(given))
            stage.vanphong.execute(
                f'INSERT INTO opencps."{table}" ({columns}, "{stamp}") VALUES ({places}, now())', list(given.values())
            )
        for view in ("dossiers", "transitions"):
            told = f"SELECT * FROM ({statement(f'sources/opencps/{view}')}) AS v WHERE dossier_code = 'odd'"
            found.append(stage.vanphong.execute(told).fetchone())
    return found


def test_date_that_is_no_date_is_none_and_never_an_error(stage):
    odd = [None, " ", "28/11/2026", "20260231170000", "20260925250000", "infinity", "20260925101500x", "x" * 100_000]
    for date in odd:
        dossier, step = as_read(stage, date, status="9x")
        dates = ("received_at", "due_at", "finished_at", "returned_at", "phone_entered_at")
        assert [dossier[name] for name in dates] == [None] * 5, repr(date)[:20]
        assert step["occurred_at"] is None, repr(date)[:20]
        assert (dossier["status_code"], step["status_code"]) == (None, None)
        assert (dossier["at_one_stop_desk"], step["at_one_stop_desk"]) == (False, False)


def test_desk_flag_is_derived_from_the_second_vendors_words(stage):
    """The second vendor names the place in words; the words decide whether a dossier is at the one-stop desk."""
    for status, supplement, department, desk in (
        ("9", None, "MOT_CUA", True),
        ("9", None, "P_CHUYEN_MON", False),
        ("9", "MotCua", "LANH_DAO", False),
        ("5", "MotCua", "P_CHUYEN_MON", True),
        ("5", "ChuyenMon", "MOT_CUA", False),
        ("5", None, "MOT_CUA", False),
        (" 5 ", "MotCua", None, True),
        ("4", None, "MOT_CUA", True),
        ("10", None, None, False),
        (None, "MotCua", "MOT_CUA", True),
    ):
        found = as_read(stage, status=status, TrangThaiBoSung=supplement, PhongBanXuLy=department)
        assert [row["at_one_stop_desk"] for row in found] == [desk, desk], (status, supplement, department)
        assert [row["status_code"] for row in found] == [int(status) if status else None] * 2


# Life


def test_world_has_every_agency_the_wanted_pace_a_past_and_each_kind_of_faulty_data(lived):
    codes = {agency.code for agency in pilot().agencies}
    begun = [row for row in lived.transitions if row["recorded_at"] >= START]
    assert codes <= {canonical(row["agency_code"]) for row in begun}
    assert codes <= {notice["agency_code"] for notice in lived.notices if notice["kind"] == "result"}
    assert 0.6 * RATE < len(begun) / SECONDS < 1.5 * RATE
    kinds = Counter(notice["kind"] for notice in lived.notices)
    assert kinds["result"] / len(begun) >= 0.08
    assert kinds["supplement"] / len(begun) >= 0.02
    history = [row for row in lived.transitions if row["recorded_at"] < START]
    assert len(history) > 1500
    assert all((row["occurred_at"] or row["recorded_at"]) < START for row in history)
    assert {row["status_code"] for row in history} >= set(range(1, 11))
    local = ZoneInfo("Asia/Ho_Chi_Minh")
    due = Counter(
        (row["due_at"].astimezone(local).date() - START.astimezone(local).date()).days
        for row in lived.dossiers
        if row["due_at"] and row["status_code"] in (2, 4) and row["received_at"] < START
    )
    assert due[0] >= 5
    assert due[1] >= 10
    expected = (
        "received result_ready handed_over phone_mended misclick misclick_undone supplement_through_result withdrawn"
        " status_ahead_of_paper collected_at_once end_of_day_batch wrong_procedure procedure_corrected unknown_agency"
        " unknown_status row_later row_arrived hostile_text code_padded code_unusable repeated_row clock_error stopped"
        " written_row_first written_transition_first written_late"
    )
    assert set(expected.split()) <= {event["kind"] for event in lived.events}
    assert lived.late >= 3, "some rows must become visible after rows with higher numbers"
    assert any(row["agency_code"] == pilot().unknown_agency for row in lived.transitions)
    assert {11, None} & {row["status_code"] for row in lived.transitions}
    assert any(len(row["dossier_code"]) > 40 for row in lived.transitions)
    assert any(len(row["applicant_name"]) > 4_000 for row in lived.dossiers)
    texts = [row["applicant_name"] for row in lived.dossiers] + [row["note"] or "" for row in lived.transitions]
    assert any(unicodedata.category(letter) == "Cc" for text in texts for letter in text)
    assert any(unicodedata.normalize("NFC", text) != text for text in texts)
    assert any(row["NgayHenTra"] and len(row["NgayHenTra"]) != 14 for row in lived.raw_vanphong)


def test_expected_notices_are_what_the_sources_tell(lived):
    """The expected messages can be derived from the sources alone, without the world's own record."""
    told = Counter()
    for rows in (lived.khanhhoa_transitions, lived.vanphong_transitions):
        last = defaultdict(lambda: None)
        for row in rows:
            key = canonical(row["agency_code"]), row["dossier_code"].strip()
            now = condition(row["status_code"], row["at_one_stop_desk"])
            if now and now != last[key] and row["recorded_at"] >= START:
                told[*key, now] += 1
            last[key] = now
    expected = Counter((n["agency_code"], n["dossier_code"], n["kind"]) for n in lived.notices)
    assert told == expected
    assert sum(told.values()) > 200


def test_paper_register_agrees_with_what_really_happened(lived):
    """The paper register has the true times of a result and its hand-over, even if a desk typed the result in early."""
    paper = defaultdict(dict)
    for event in lived.events:
        if event["kind"] in ("result_ready", "handed_over") and event["source"] == "khanhhoa":
            paper[event["agency_code"], event["dossier_code"]].setdefault(event["kind"], event["at"])
    register = {
        (row["agency_code"], row["dossier_code"].strip()): {
            kind: row[column]
            for kind, column in (("result_ready", "result_ready_at"), ("handed_over", "handed_over_at"))
            if row[column]
        }
        for row in lived.register
    }
    assert register == paper
    ahead = [n for n in lived.notices if not n["truthful"] and n["source"] == "khanhhoa"]
    assert ahead
    for notice in ahead:
        entry = register.get((notice["agency_code"], notice["dossier_code"]), {})
        assert entry.get("result_ready", notice["occurred_at"] + timedelta(1)) > notice["occurred_at"]


def test_same_seed_is_the_same_life_which_goes_on_where_it_stopped(stage):
    """The same seed makes the same steps. After a pause, the world goes on without a burst of late steps."""
    lives = []
    for _ in range(2):
        stage.begin_anew(seed=8)
        stage.run(10)
        lives.append(stage.transitions())
    assert lives[0] == lives[1]
    stage.world.rest()
    due = "SELECT action_id, due_at - %s AS due_in FROM world.agenda ORDER BY action_id"
    agenda, transitions = stage.truth.execute(due, (stage.now,)).fetchall(), stage.transitions()
    stage.now += timedelta(hours=14)
    stage.start(seed=8)
    assert stage.truth.execute(due, (stage.now,)).fetchall() == agenda, (
        "a stop must delay all planned acts by its own length"
    )
    assert stage.transitions() == transitions
    stage.run(10)
    after = len(stage.transitions())
    assert len(transitions) < after < len(transitions) + 200
    stage.now += timedelta(hours=3)
    stage.world.tick()
    assert len(stage.transitions()) - after < 10, "a sleep of the machine must not cause a burst of steps"


def test_crash_after_a_write_to_a_source_and_before_the_world_saved_it_doubles_nothing(stage, monkeypatch):
    stage.begin_anew(seed=9)

    def power_cut(self, dossier_id, dossier):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(World, "_save", power_cut)
        for _ in range(30):
            with pytest.raises(KeyboardInterrupt):
                stage.run(5)
    stage.start(seed=9)
    stage.run(3)
    rows = stage.khanhhoa.execute(
        "SELECT agency_code, dossier_code, status_code, at_one_stop_desk, to_step FROM onestop.transitions"
        " WHERE recorded_at >= %s",
        (START,),
    ).fetchall()
    repeated = [key for key, count in Counter(tuple(row.values()) for row in rows).items() if count > 1]
    known = {
        (event["agency_code"], event["dossier_code"])
        for event in stage.truth.execute("SELECT * FROM truth.events WHERE kind = 'repeated_row'")
    }
    assert rows
    assert {key[:2] for key in repeated} <= known


def test_world_broken_off_while_beginning_begins_again(stage, monkeypatch):
    stage.truth.execute("TRUNCATE world.clock")

    def power_cut(self, dossier, at, kind, detail):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(World, "_add_event", power_cut)
        with pytest.raises(KeyboardInterrupt):
            stage.start(seed=1)
    stage.start(seed=1)
    known = stage.truth.execute("SELECT count(*) AS n FROM world.dossiers").fetchone()["n"]
    written = sum(
        source.execute(f"SELECT count(*) AS n FROM {table}").fetchone()["n"]
        for source, table in ((stage.khanhhoa, "onestop.dossiers"), (stage.vanphong, 'opencps."HoSo"'))
    )
    assert known == written > 350


# A visitor who acts as an official of the desk


def one_dossier(stage, agency_code, **where):
    rows = stage.truth.execute(
        "SELECT dossier_code, memory FROM world.dossiers WHERE agency_code = %s ORDER BY dossier_id",
        (agency_code,),
    )
    return next(r["dossier_code"] for r in rows if all(r["memory"][name] == value for name, value in where.items()))


def test_visitor_mends_a_phone_and_is_told_what_comes_of_it_or_why_nothing_does(stage):
    stage.begin_anew(seed=3)
    code = one_dossier(stage, "000.00.10.H32")
    stage.now += timedelta(minutes=1)
    stage.world.mend_by_hand("H32.10", f" {code} ", "0905 123 456")
    row = stage.vanphong.execute('SELECT * FROM opencps."HoSo" WHERE "MaHoSo" = %s', (code,)).fetchone()
    assert (row["SoDienThoai"], row["NgayCapNhat"]) == ("0905 123 456", stage.now)
    code = one_dossier(stage, "000.00.04.H32", hidden=False)
    nothing_owed = "No message is due at status 9, not at the desk: move the dossier to 9 or 5 with --desk."
    for phone, status, desk, told in (
        ("0905 123 456", 4, False, "reads as 0905***456. No message is due at status 4, not at the desk"),
        ("0905 123 456", 9, False, nothing_owed),
        ("0905 123 456", 9, True, "reads as 0905***456. The result message goes there within seconds"),
        ("0905 123 456", 5, True, "The supplement message goes there within seconds"),
        ("0258 3822 001", 9, True, "landline (Số cố định, không nhận được tin nhắn). The result message is suppressed"),
        ("không có", 5, True, "Nobody can be texted: the phone field reads as missing"),
    ):
        stage.now += timedelta(minutes=1)
        stage.world.move_by_hand("H32.4", code, status, desk=desk)
        assert told in what_comes(stage.world.mend_by_hand("H32.4", code, phone))
    with pytest.raises(WorldError, match="no dossier"):
        stage.world.mend_by_hand("H32.4", "no such", "0905123456")
    with pytest.raises(WorldError, match=r"no agency 'H99'; it plays .*000\.00\.04\.H32"):
        stage.world.move_by_hand("H99", "no such", 9, desk=True)


def test_visitors_step_ends_the_worlds_own_plans_and_a_step_typed_in_late_leaves_the_row(stage):
    """A visitor's step ends the world's plans for a dossier. A step typed in late must not change the dossier's row."""
    stage.begin_anew(seed=3)
    stage.run(20)
    agency_code = "000.00.30.H32"
    code = one_dossier(stage, agency_code, status=4)
    stage.world.move_by_hand("H32.30", code, 9, desk=True)
    stage.run(60)
    last = [row for row in stage.transitions() if row["dossier_code"].strip() == code][-1]
    assert (last["status_code"], last["at_one_stop_desk"], last["actor"]) == (9, True, "khach.tham_quan")
    notices = stage.truth.execute(
        "SELECT * FROM truth.expected_notices"
        " WHERE agency_code = %s AND dossier_code = %s AND kind = 'result' ORDER BY occasion",
        (agency_code, code),
    ).fetchall()
    assert notices[-1]["transition_id"] == last["transition_id"]
    stage.world.type_in_late("H32.30", code, 4, timedelta(hours=18), desk=False)
    late = [row for row in stage.transitions() if row["dossier_code"].strip() == code][-1]
    assert late["status_code"] == 4
    assert late["recorded_at"] - late["occurred_at"] > timedelta(hours=17)
    row = stage.khanhhoa.execute(
        "SELECT * FROM onestop.dossiers WHERE agency_code = %s AND btrim(dossier_code) = %s", (agency_code, code)
    ).fetchone()
    assert (row["status_code"], row["at_one_stop_desk"]) == (9, True)


def test_visitor_overtaking_a_half_written_move_has_the_last_word(stage):
    """If a visitor moves a dossier while the world writes a move in two parts, the visitor's step is the last."""
    stage.begin_anew(seed=3, rate=20)
    for _ in range(60):
        stage.run(1)
        half = stage.truth.execute(
            "SELECT d.agency_code, d.dossier_code FROM world.agenda AS a"
            " INNER JOIN world.dossiers AS d USING (dossier_id)"
            " WHERE a.act ->> 'kind' = 'write' AND a.act ? 'transition'"
            " AND d.memory ->> 'source' = 'khanhhoa' LIMIT 1"
        ).fetchone()
        if half:
            break
    stage.world.move_by_hand(half["agency_code"], half["dossier_code"], 5, desk=True)
    stage.run(15)
    rows = [r for r in stage.transitions() if r["dossier_code"].strip() == half["dossier_code"]]
    assert rows[-1]["status_code"] == 5


# The process


@pytest.fixture
def world_environment(addresses, monkeypatch):
    dsns = {
        "MOTCUA_WORLD_KHANHHOA_DSN": addresses.sources["khanhhoa"].writer_dsn,
        "MOTCUA_WORLD_VANPHONG_DSN": addresses.sources["vanphong"].writer_dsn,
        "MOTCUA_WORLD_TRUTH_DSN": addresses.truth_dsn,
    }
    for name, dsn in dsns.items():
        monkeypatch.setenv(name, dsn)


def test_process_lives_until_it_is_told_to_stop(stage, world_environment, tmp_path, monkeypatch, capsys):
    stage.truth.execute("TRUNCATE world.clock")
    command = [sys.executable, "-m", "motcua.sandbox.world", "--folder", str(tmp_path), "--rate", "40"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ})
    told = "SELECT max(at) - min(at) > interval '1 s' AS lives FROM truth.events WHERE at > now() - interval '1 minute'"
    until(lambda: stage.truth.execute(told).fetchone()["lives"])
    process.send_signal(signal.SIGTERM)
    output, errors = process.communicate(timeout=20)
    assert process.returncode == 0, errors
    assert errors == ""
    report = json.loads(output.splitlines()[-1])
    assert report["transitions"] > 0
    assert report["planned"] > 0

    # A visitor who works in another shell knows only the world's folder.
    for name in ("KHANHHOA", "VANPHONG", "TRUTH"):
        monkeypatch.delenv(f"MOTCUA_WORLD_{name}_DSN")
    assert (tmp_path / "connections.json").stat().st_mode & 0o077 == 0
    code = one_dossier(stage, "000.00.04.H32")
    folder = ["--folder", str(tmp_path)]
    assert world.main([*folder, "mend", "H32.4", code, "0905123456"]) == 0
    assert "Done. The phone field reads as 0905***456." in capsys.readouterr().out
    assert world.main([*folder, "move", "H32.4", code, "9", "--no-desk"]) == 0
    assert world.main([*folder, "mend", "H32.4", "none", "0905123456"]) == 1
    assert "no dossier" in capsys.readouterr().err


def test_mistakes_of_an_operator_get_a_sentence(world_environment, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("MOTCUA_WORLD_TRUTH_DSN", "host=127.0.0.1 port=1 dbname=x user=x connect_timeout=2")
    assert world.main(["--folder", str(tmp_path)]) == 1
    monkeypatch.delenv("MOTCUA_WORLD_TRUTH_DSN")
    assert world.main(["--folder", str(tmp_path / "none")]) == 1
    errors = capsys.readouterr().err.splitlines()
    assert len(errors) == 2
    assert "cannot be used" in errors[0]
    assert "MOTCUA_WORLD_TRUTH_DSN" in errors[1]
    for wrong in (["--rate", "0"], ["move", "H32.4", "x", "100"]):
        with pytest.raises(SystemExit, match="2"):
            world.main(wrong)


# People


def test_people_are_as_dirty_as_reality_and_their_true_numbers_can_be_texted():
    random = Random(1)
    phones = [people.phone(random) for _ in range(5000)]
    share = Counter(phone.kind.split("_")[0] if phone.kind.startswith("good") else phone.kind for phone in phones)
    assert 0.62 < share["good"] / 5000 < 0.72
    assert 0.08 < share["missing"] / 5000 < 0.12
    assert 0.06 < share["landline"] / 5000 < 0.10
    assert 0.03 < share["old_eleven_digits"] / 5000 < 0.05
    kinds = (
        "good missing landline old_eleven_digits ambiguous_058 old_profile_landline identity_card two_numbers dummy"
        " two_numbers_short_tail with_note service_number broken not_a_phone foreign broker stranger"
    )
    assert set(share) == set(kinds.split())
    for phone in phones[:1500]:
        if phone.number:
            number = phonenumbers.parse(phone.number)
            assert phonenumbers.is_valid_number(number), phone
            assert phonenumbers.number_type(number) == phonenumbers.PhoneNumberType.MOBILE, phone
    names = [people.name(random, business=n % 3 == 0) for n in range(300)]
    procedures = [p for agency in pilot().agencies for p in agency.procedures]
    for text in names + [p.name for p in procedures] + [p.field for p in procedures]:
        assert text == unicodedata.normalize("NFC", text).strip()
    assert all(3 <= len(agency.procedures) <= 8 for agency in pilot().agencies)
    assert any(p.term == 0 for p in procedures)


def test_acts_of_a_dossier_are_in_order_and_no_move_overtakes_a_half_written_one():
    """The acts of a dossier follow each other, and a move written in two parts ends before the next begins."""
    random = Random(4)
    numbers, codes = Counter(), Counter()

    def serial(agency_code, series):
        numbers[agency_code, series] += 1
        return numbers[agency_code, series]

    for _ in range(500):
        agency = random.choice(pilot().agencies)
        oddity = random.choice(list(ODDITIES))
        oddity = random.choice(list(ODDITIES))
        dossier, acts = born(random, agency, pilot().unknown_agency, START, serial, oddity=oddity)
        codes[dossier.agency_code, dossier.code] += 1
        moves = [act for act in acts if act.kind in ("move", "repeat")]
        assert [act.after for act in acts] == sorted(act.after for act in acts)
        assert acts[0].kind == "move"
        for before, after in pairwise(moves):
            apart = 9.99 if before.move and before.move.writing != "together" else 0
            assert after.after - before.after >= apart
    assert set(codes.values()) == {1}
    assert life(Random(1), pilot().agencies[0], pilot().agencies[0].procedures[0])


# The vendors' views compared with the source contract

ODD = {
    *("agency_unknown", "status_unknown", "code_untidy", "code_unusable", "transitions_without_dossier"),
    "row_against_transition",
    "moves_impossible",  # A step may be written seconds late, and then has a higher number than the next step.
    "text_broken",  # Staff paste in broken letters.
    "phones_unreadable",  # The data are few, so more than a quarter of the phone fields may be bad by chance.
    "silent",  # The world writes rows of a fixed day, which may be long past by the server's clock.
}
"""Findings of the source check that are no fault of the vendors' views. The simulated staff make mistakes, and the data
are few and of a fixed day."""


def test_source_check_finds_nothing_in_the_vendors_views_that_forbids_messages(addresses, lived, agencies, configure):
    """The simulated software must pass our own source check, or the demo would send no messages."""
    readers = {
        f"AIRFLOW_CONN_ONESTOP_{name.upper()}": postgres_connection(its.reader_dsn)
        for name, its in addresses.sources.items()
    }
    configure(MOTCUA_SOURCES="khanhhoa,vanphong=opencps", **readers)
    in_ledger(save_agencies, [agency(its.code, aliases=tuple(its.aliases)) for its in pilot().agencies], "tests")
    for source in ("khanhhoa", "vanphong"):
        check = check_source(source)
        assert check.dossiers > 30, check.findings
        assert [in_words(each.finding).found for each in check.findings if each.finding.name not in ODD] == []
        assert not check.forbids
