"""Test that personal data erased before a restore does not come back with the restored ledger."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from motcua.jobs.personal_data import empty_batch, purge
from motcua.jobs.restoring import look_for_gap
from motcua.settings import settings
from motcua.store.erasures import Erasure, open_erasures
from motcua.store.personal_data import Order, purge_connection
from tests.ground import NHA_TRANG, in_ledger, type_command
from tests.integration.personal_data.conftest import NOW, THEN, Past, enable_long_ago
from tests.integration.personal_data.test_codes_alone import complain, quarantine
from tests.integration.personal_data.test_purging import ask


@pytest.fixture
def past(one_stop, gateway, restorable):
    """Return a helper that writes past events of dossiers to a ledger that can be restored."""
    enable_long_ago()
    return Past(one_stop, restorable.rows)


def erase(*codes):
    """Erase the personal data of dossiers, as after a citizen's request."""
    order = Order("dossiers", "request", "lan", reason="Đơn 7", only_these=[[NHA_TRANG, code] for code in codes])
    with purge_connection() as connection:
        return empty_batch(connection, open_erasures(), order)


def look():
    return in_ledger(look_for_gap, "run")


@pytest.mark.guarantee(
    "restored",
    "data erased before a restore, also on request, is erased again, and until then no message is sent",
)
def test_restore_does_not_bring_the_erased_back(past, restorable, gateway):
    past.told_and_ended("D-old")
    past.told_and_ended("D-asked", at=NOW - timedelta(days=10))
    past.told_and_ended("D-kept", at=NOW - timedelta(days=10))
    assert look() is None
    restorable.keep()
    purge("tests")
    assert erase("D-asked").emptied > 0
    restorable.put_back()
    assert len(restorable.rows("SELECT 1 FROM motcua.dossiers WHERE purged_at IS NULL")) == 3
    past.run(NOW)
    unpurged = "SELECT dossier_code FROM motcua.dossiers WHERE purged_at IS NULL"
    assert restorable.rows(unpurged) == [{"dossier_code": "D-kept"}]
    causes = restorable.rows("SELECT DISTINCT cause FROM motcua.personal_data_purges")
    assert causes == [{"cause": "restore"}]
    # A further check must find nothing to erase.
    count = "SELECT count(*) AS n FROM motcua.personal_data_purges"
    before = restorable.rows(count)
    assert look() is None
    assert restorable.rows(count) == before


def test_text_to_9029_that_was_erased_does_not_come_back_and_a_later_one_of_its_number_stays(past, restorable):
    """After a restore an erased inquiry is erased again, but not a new inquiry that got the same id."""
    asked = "SELECT inquiry_id, dedupe_key, text FROM motcua.inquiries ORDER BY inquiry_id"
    ask(restorable.rows, NOW - timedelta(days=1), "kept")
    ask(restorable.rows, NOW - timedelta(days=1), "before")
    assert look() is None
    restorable.keep()
    ask(restorable.rows, NOW - timedelta(hours=1), "after")
    _, before, after = (str(row["inquiry_id"]) for row in restorable.rows(asked))
    order = Order("inquiries", "request", "lan", reason="Đơn 7", only_these=[["kannel", before], ["kannel", after]])
    with purge_connection() as connection:
        empty_batch(connection, open_erasures(), order)
    (listed,) = open_erasures().tail()
    assert listed.listed == [["kannel", before], ["kannel", after]]
    assert [row["dedupe_key"] for row in restorable.rows(asked)] == ["kept", None, None]
    restorable.put_back()
    # The restored ledger gives the id of an erased inquiry to a new inquiry.
    ask(restorable.rows, datetime.now(UTC) + timedelta(seconds=1), "another")
    assert [str(row["inquiry_id"]) for row in restorable.rows(asked)][1:] == [before, after]
    assert look() is None
    assert [(row["dedupe_key"], row["text"] is None) for row in restorable.rows(asked)] == [
        ("kept", False),
        (None, True),
        ("another", False),
    ]


def test_words_in_quarantine_and_in_complaints_that_were_erased_do_not_come_back(past, restorable):
    past.run(NOW - timedelta(days=1))
    quarantined = "SELECT dossier_code, payload ? 'note' AS has_note FROM motcua.quarantine ORDER BY dossier_code"
    complained = "SELECT dossier_code, note FROM motcua.complaints ORDER BY dossier_code"
    for code in ("H-1", "H-2"):
        quarantine(restorable.rows, code)
        complain(restorable.rows, code)
    assert look() is None
    restorable.keep()
    type_command("personal-data", "erase", NHA_TRANG, "H-1", "--yes", "--because", "Đơn 7")
    assert {each.kind for each in open_erasures().tail()} == {"quarantine", "complaints"}
    assert "H-1" not in str(open_erasures().tail())
    restorable.put_back()
    assert restorable.rows(complained)[0]["note"] is not None
    assert look() is None
    assert [(row["dossier_code"], row["has_note"]) for row in restorable.rows(quarantined)] == [
        ("H-1", False),
        ("H-2", True),
    ]
    assert [(row["dossier_code"], row["note"] is None) for row in restorable.rows(complained)] == [
        ("H-1", True),
        ("H-2", False),
    ]


def test_later_complaint_and_a_row_that_was_read_again_are_not_taken_for_the_erased(past, restorable):
    """An entry of the list of erasures must not empty a row that was written later under the same id."""
    past.run(NOW - timedelta(days=1))
    quarantine(restorable.rows, "H-1")
    complain(restorable.rows, "H-1")
    (source,) = restorable.rows("SELECT source_id::text AS no, quarantine_id::text AS row FROM motcua.quarantine")
    (written,) = restorable.rows("SELECT complaint_id::text AS row FROM motcua.complaints")
    assert look() is None
    long_ago = datetime.now(UTC) - timedelta(days=2)
    open_erasures().write(Erasure("0" * 32, long_ago, "quarantine", [[source["no"], source["row"]]]))
    open_erasures().write(Erasure("1" * 32, long_ago, "complaints", [[NHA_TRANG, written["row"]]]))
    assert look() is None
    assert restorable.rows("SELECT 1 FROM motcua.quarantine WHERE purged_at IS NULL") != []
    assert restorable.rows("SELECT 1 FROM motcua.complaints WHERE note IS NOT NULL") != []


def test_inquiries_in_a_list_of_an_earlier_version_are_found_by_their_dedupe_key(past, restorable):
    """Earlier versions listed erased inquiries by dedupe key. These inquiries must be erased again too."""
    ask(restorable.rows, NOW - timedelta(days=1), "f" * 64)
    assert look() is None
    open_erasures().write(Erasure("0" * 32, datetime.now(UTC), "inquiries", [["kannel", "f" * 64]]))
    assert look() is None
    assert restorable.rows("SELECT text FROM motcua.inquiries") == [{"text": None}]


def test_list_of_erasures_holds_no_number_no_name_and_no_words(past):
    past.told_and_ended("D-1")
    purge("tests")
    lines = "".join(path.read_text() for path in settings().journal_folder.glob("erased-*.jsonl"))
    assert [json.loads(line)["listed"] for line in lines.splitlines()] == [[[NHA_TRANG, "D-1"]]]
    assert "905123" not in lines


def test_dossier_that_was_opened_again_before_the_copy_is_left_alone(past, restorable):
    """A purged dossier that was reopened before the backup keeps its new phone number after a restore."""
    past.told_and_ended("D-1")
    purge("tests")
    past.one_stop.connection.execute(
        "UPDATE onestop.dossiers SET updated_at = %s, status_code = 4, returned_at = NULL", (NOW - timedelta(hours=1),)
    )
    past.one_stop.move(4, "D-1", desk=False, at=NOW - timedelta(hours=1))
    past.run(NOW)
    read = "SELECT msisdn FROM motcua.dossiers"
    assert restorable.rows(read) == [{"msisdn": "+84905123456"}]
    # Change the ledger as if it had lost its record of the purge and had read the dossier since.
    restorable.rows("ALTER TABLE motcua.personal_data_purges DISABLE TRIGGER refuse_change")
    restorable.rows("DELETE FROM motcua.personal_data_purges")
    restorable.rows("UPDATE motcua.dossiers SET picked_up_at = now() + interval '1 second'")
    assert look() is None
    assert restorable.rows(read) == [{"msisdn": "+84905123456"}]


def test_dossier_that_had_not_ended_in_the_copy_is_emptied(past, restorable):
    past.result("D-1")
    past.run()
    past.receipts()
    restorable.keep()
    past.hand_over("D-1", THEN + timedelta(days=1))
    purge("tests")
    restorable.put_back()
    assert look() is None
    assert restorable.rows("SELECT msisdn FROM motcua.dossiers") == [{"msisdn": None}]


@pytest.mark.guarantee(
    "restored",
    "data erased before a restore, also on request, is erased again, and until then no message is sent",
)
def test_restored_ledger_that_cannot_be_emptied_sends_nothing(past, restorable, gateway, monkeypatch):
    past.told_and_ended("D-1")
    restorable.keep()
    purge("tests")
    restorable.put_back()
    monkeypatch.delenv("AIRFLOW_CONN_MOTCUA_DB_PURGE")
    asked = len(gateway.asked)
    past.result("D-2", NOW - timedelta(minutes=5))
    past.run(NOW)
    assert len(gateway.asked) == asked
    assert "motcua provision" in str(look())


def test_listed_batch_whose_commit_failed_is_emptied_by_the_next_search_for_a_gap(past, restorable, monkeypatch):
    """If a process dies after it listed an erasure, the next check for a restored ledger must complete the erasure."""
    past.told_and_ended("D-1")
    listed = open_erasures()

    class Dies(type(listed)):
        def write(self, erasure):
            super().write(erasure)
            raise RuntimeError("killed between the list and the commit")

    with purge_connection() as connection, pytest.raises(RuntimeError):
        empty_batch(connection, Dies(listed.folder), Order("dossiers", "term", "tests"))
    assert restorable.rows("SELECT purged_at FROM motcua.dossiers") == [{"purged_at": None}]
    assert look() is None
    assert restorable.rows("SELECT msisdn FROM motcua.dossiers") == [{"msisdn": None}]


def test_erasures_that_were_listed_while_the_clock_was_ahead_hide_no_later_one(past, restorable):
    past.told_and_ended("D-1", at=NOW - timedelta(days=10))
    past.told_and_ended("D-2", at=NOW - timedelta(days=10))
    erase("D-1")
    # The clock was 100 years ahead when these lines were written. They are more lines than the check for a restored
    # ledger reads at the end of the list.
    (file,) = settings().journal_folder.glob("erased-*.jsonl")
    year = file.name[len("erased-") :][:4]
    line = file.read_text().replace(f'"at":"{year}', f'"at":"{int(year) + 100}')
    file.rename(file.with_name(file.name.replace(year, str(int(year) + 100)))).write_text(line * 30)
    restorable.keep()
    assert erase("D-2").emptied > 0
    restorable.put_back()
    assert look() is None
    assert restorable.rows("SELECT msisdn FROM motcua.dossiers") == [{"msisdn": None}, {"msisdn": None}]


def test_list_of_erasures_is_removed_with_the_journal(past, configure):
    past.told_and_ended("D-1")
    purge("tests")
    assert len(open_erasures().tail()) == 1
    in_ledger(look_for_gap, "run", NOW + timedelta(days=44))
    assert len(open_erasures().tail()) == 1
    in_ledger(look_for_gap, "run", NOW + timedelta(days=47))
    assert open_erasures().tail() == []
