"""The page about sources shows each client that pushes, what was wrong in it, and whom nobody could tell."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
import yaml
from typer.testing import CliRunner

from motcua.cli import app
from motcua.jobs.checking.checking import check_source
from motcua.reports import wording
from motcua.settings import include_dir
from motcua.store.intake.clients import Password, change_client, register_client
from motcua.store.ledger.database import connect
from tests.conftest import NHA_TRANG, TU_PHAP
from tests.web.visiting import VISITING, words

PAGE = "/motcua/quality/sources"


@pytest.fixture
def pushing(staff, rows):
    """A client of an agency that pushed today, one of another agency that never did, and a supplement of the first."""
    now = datetime.now(UTC)
    with connect() as connection:
        for name, code in (("hue", NHA_TRANG), ("idle", TU_PHAP)):
            register_client(
                connection, name, name, Password.of("x"), [code], [], supplements_at_desk=False, by="lan", now=now
            )
    rows(
        "INSERT INTO intake.client_days SELECT client_id, (%s AT TIME ZONE 'Asia/Ho_Chi_Minh')::date,"
        " s, 7, 1100, 41, 23, %s"
        " FROM intake.clients, unnest(ARRAY['DongBoHoSoMC', 'CapNhatTienDoHoSoMC']) AS s WHERE name = 'hue'",
        now, now,
    )  # fmt: skip
    rows(
        "INSERT INTO intake.faults"
        " SELECT client_id, (%s AT TIME ZONE 'Asia/Ho_Chi_Minh')::date, 'DongBoHoSoMC', f.fault, f.field, f.records, %s"
        " FROM intake.clients,"
        " (VALUES ('field_unreadable', '=NgayHenTra', 12), ('brand_new', '', 1)) AS f (fault, field, records)"
        " WHERE name = 'hue'",
        now, now,
    )  # fmt: skip
    for code, transition, agency, status, at_desk in (
        ("waits", None, None, 4, False),
        ("untold", 1, NHA_TRANG, 5, False),
        ("untold", 2, NHA_TRANG, 5, False),
        ("said", 3, NHA_TRANG, 5, True),
        ("result", 4, NHA_TRANG, 9, False),
    ):
        rows(
            "INSERT INTO intake.pushed_steps (source, transition_id, agency_code, dossier_code, client_id, fields,"
            " status_code, supplement_at_desk, is_timed, occurred_at, recorded_at, digest)"
            " SELECT 'hue', %s, %s, %s, client_id, '{}', %s, %s, false, %s, %s, %s"
            " FROM intake.clients WHERE name = 'hue'",
            transition, agency, code, status, at_desk, now, now, f"{code}{transition}".encode(),
        )  # fmt: skip
    return staff


def taken(http, of):
    answer = http.get(f"{PAGE}/file?format=csv&of={of}")
    return answer.content.decode("utf-8-sig").splitlines()[1:] if answer.status_code == 200 else answer.status_code


@pytest.mark.guarantee(
    "intake", "each client's last push, records told and refused, waiting steps and faults are shown"
)
def test_page_shows_each_client_with_what_it_pushed_and_what_was_wrong(pushing):
    text = words(pushing.get(PAGE))
    assert "hue hue" in text
    assert "2.200 82 46 1 đang đẩy" in text
    assert "chưa lần nào" in text
    assert "chưa đẩy lần nào" in text
    assert "Không đọc được trường này; các trường khác vẫn nhận hue =NgayHenTra 12" in text
    assert "brand_new hue – 1" in text, "what has no words yet is told by its name"
    assert [line.split(",")[0] for line in taken(pushing, "pushes")] == ["hue", "idle"]
    assert len(taken(pushing, "push_faults")) == 2
    (untold,) = taken(pushing, "supplements")
    assert untold.startswith(f"hue,{NHA_TRANG},")
    assert untold.endswith(",1"), "one dossier, of which nothing says that it is at the desk"


def test_silent_client_and_one_that_is_disabled_are_told_as_such(pushing, rows):
    rows("INSERT INTO motcua.alerts (name, subject, raised_at, facts) VALUES ('push_silent', 'hue', now(), '{}')")
    assert "1 ngừng đẩy" in words(pushing.get(PAGE))
    with connect() as connection:
        change_client(connection, "hue", "disabled", by="lan", now=datetime.now(UTC), enabled=False)
    text = words(pushing.get(PAGE))
    assert "1 đã khóa" in text
    assert "ngừng đẩy" not in text


@pytest.mark.guarantee("intake", "an agency sees the software that pushes for it, and no figure of other agencies")
def test_agency_sees_its_own_software_and_no_sum_over_others(pushing):
    VISITING.visit_as("agency", NHA_TRANG)
    text = words(pushing.get(PAGE))
    assert "hue hue" in text
    for others in ("idle", "2.200", "field_unreadable", "NgayHenTra"):
        assert others not in text, others
    assert [line.split(",")[0] for line in taken(pushing, "pushes")] == ["hue"]
    assert len(taken(pushing, "supplements")) == 1
    assert taken(pushing, "push_faults") == 403
    VISITING.visit_as("agency", TU_PHAP)
    assert taken(pushing, "supplements") == []


def test_account_of_a_source_that_drops_files_is_none_that_pushes(pushing, configure):
    """Nobody signs in with it: it would stand there as disabled for ever, as if somebody had to do something."""
    configure(MOTCUA_SOURCES="hue=national_sync,idle=files")
    assert [line.split(",")[0] for line in taken(pushing, "pushes")] == ["hue"]
    assert "idle idle" not in words(pushing.get(PAGE))
    listed = CliRunner().invoke(app, ["intake", "list"]).output
    assert ["drops files" in line for line in listed.splitlines() if line.startswith("idle")] == [True]


def test_check_of_a_source_that_is_pushed_says_what_stands_for_the_columns_of_views(pushing, configure):
    configure(MOTCUA_SOURCES="hue=national_sync")
    assert check_source("hue").findings
    assert "received_at là NgayTiepNhan" in words(pushing.get(f"{PAGE}/check?source=hue"))
    told = CliRunner().invoke(app, ["sources", "check", "hue"]).output
    assert "received_at là NgayTiepNhan" in " ".join(told.split())


def test_page_says_that_nothing_pushes(staff):
    assert "Không có phần mềm nào đẩy dữ liệu" in words(staff.get(PAGE))
    assert taken(staff, "pushes") == []


def test_every_reason_of_a_refusal_has_words_for_staff():
    answers = yaml.safe_load((include_dir() / "templates/intake/answers.vi.yaml").read_text(encoding="utf-8"))
    assert answers["reason"].keys() <= wording.list_words()["pushed"]["fault"].keys()
