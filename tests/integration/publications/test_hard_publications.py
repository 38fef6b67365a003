"""Publications against forgers who may do everything, and against whatever goes wrong around a true one."""

from __future__ import annotations

import errno
import io
import json
import os
import shutil
import threading
import zipfile
from collections.abc import Callable, Iterator
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import openpyxl
import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from motcua.domain.periods import Period
from motcua.domain.run_window import EVERYTHING
from motcua.jobs.notices.picking_up import pick_up
from motcua.jobs.publications import publishing, verifying_again
from motcua.jobs.publications.publishing import StoreFailed, publish
from motcua.jobs.publications.verifying import NoSuchPublication, stray_folders, verify_publication
from motcua.jobs.reconciliation import reporting
from motcua.jobs.reconciliation.closing import close_period
from motcua.jobs.reconciliation.reporting import queries_used, query_version
from motcua.reports import wording
from motcua.reports.publication.files import (
    FIRST,
    MANIFEST,
    PAGE,
    PDF,
    WORKBOOK,
    agency_workbook_name,
    canonical,
)
from motcua.store.agencies import save_agencies
from motcua.store.ledger.database import connect
from motcua.store.oversight.closings import hash_figures, load_differences, load_figures, load_orphans
from motcua.store.oversight.publications import Publication, list_definitions, list_publications
from tests import reconciliation_samples as samples
from tests.ground import NHA_TRANG, NOW, agency, connection_uri, in_ledger, in_memory, take_in, type_command
from tests.integration.publications.test_publishing import (
    DAY,
    MORNING,
    Killed,
    closings,
    correction_of,
    die,
    everything_in,
    rewrite,
    small,
    store,
    stored_figures,
    stored_orphans,
)
from tests.unit.jobs.test_reporting import NAMED_BEFORE, PUBLISHED_BY_0_2_0

__all__ = ["closings", "store"]

Rows = Callable[..., list[dict[str, Any]]]
FIRST_DAY, SECOND_DAY, THIRD_DAY = (Period.parse(f"2026-11-{day}") for day in (22, 23, 24))


def faults(which: object) -> list[str]:
    return [str(each) for each in verify_publication(str(which), stored_figures, stored_orphans).faults]


@pytest.fixture
def published(
    closings: Callable[..., int], store: Path, made_once: Callable[..., list[Publication]]
) -> list[Publication]:
    """Four publications: three days, and a correction of the last."""

    def make() -> list[Publication]:
        made = [publish(closings(small(day))) for day in (FIRST_DAY, SECOND_DAY, THIRD_DAY)]
        return [*made, publish(closings(correction_of(small(THIRD_DAY)), corrects=made[2].closing_no))]

    return made_once("published", store, make)


@pytest.fixture
def forge(store: Path, rows: Rows) -> Callable[..., None]:
    """Makes every manifest, row and link from one publication on fit what stands in the folders: nothing is left that
    a hash could tell."""

    def make_fit(number: int, change: Callable[[dict[str, Any]], None] | None = None) -> None:
        rows("ALTER TABLE motcua.publications DISABLE TRIGGER ALL")
        previous = FIRST
        hashes = {}
        for each in rows("SELECT * FROM motcua.publications ORDER BY publication_no"):
            manifest, folder = each["manifest"], store / each["folder"]
            if each["publication_no"] == number and change is not None:
                change(manifest)
            if each["publication_no"] >= number:
                manifest["previous"]["manifest_sha256"] = previous
                if manifest["corrects"]:
                    manifest["corrects"]["manifest_sha256"] = hashes[manifest["corrects"]["publication_no"]]
                for listed in manifest["files"]:
                    content = (folder / listed["name"]).read_bytes()
                    listed |= {"sha256": sha256(content).hexdigest(), "size": len(content)}
                rewrite(folder / MANIFEST, lambda _, manifest=manifest: canonical(manifest))
            digest = hashes[each["publication_no"]] = sha256(canonical(manifest)).hexdigest()
            rows(
                "UPDATE motcua.publications SET manifest = %s, manifest_sha256 = %s, previous_sha256 = %s"
                " WHERE publication_no = %s",
                json.dumps(manifest), digest, previous, each["publication_no"],
            )  # fmt: skip
            previous = digest

    return make_fit


# ------------------------------------------------------------------- a forger who mends every hash of the chain after


def change_workbook(path: Path, cell: str, value: object, sheet: str = "Theo cơ quan") -> None:
    book = openpyxl.load_workbook(path)
    book[sheet][cell] = value
    path.chmod(0o644)
    book.save(path)


def change_zipped(path: Path, old: bytes, new: bytes) -> None:
    """Changes a workbook below what a spreadsheet shows of it."""
    written = io.BytesIO()
    with zipfile.ZipFile(path) as given, zipfile.ZipFile(written, "w") as made:
        for name in given.namelist():
            made.writestr(name, given.read(name).replace(old, new))
    rewrite(path, lambda _: written.getvalue())


def swap(left: Path, right: Path) -> None:
    first, second = left.read_bytes(), right.read_bytes()
    rewrite(left, lambda _: second)
    rewrite(right, lambda _: first)


def reorder(content: bytes) -> bytes:
    head, *lines = content.decode().splitlines(keepends=True)
    return "".join([head, *reversed(lines)]).encode()


OWN_BOOK = agency_workbook_name(samples.TU_PHAP)
FORGED: list[tuple[str, Callable[[Path], None], str]] = [
    (
        "a cell of the workbook",
        lambda f: change_workbook(f / WORKBOOK, "C2", 9999),
        "so-lieu.xlsx: sheet Theo cơ quan, cell C2: published 9999, made again ",
    ),
    (
        "a word of the workbook",
        lambda f: change_workbook(f / WORKBOOK, "B6", "Mọi tin đã tới máy.", "Tóm tắt"),
        "sheet Tóm tắt, cell B6: published Mọi tin đã tới máy., made again Phải nhắn ",
    ),
    (
        "a cell of an agency's workbook",
        lambda f: change_workbook(f / OWN_BOOK, "C2", 0),
        "cell C2: published 0, made again ",
    ),
    (
        "a sheet that is hidden",
        lambda f: change_zipped(f / WORKBOOK, b'sheetId="2"', b'sheetId="2" state="hidden"'),
        "says the same in every cell and looks otherwise",
    ),
    (
        "a figure of the page",
        lambda f: rewrite(f / PAGE, lambda old: old.replace("Phải nhắn ".encode(), "Phải nhắn 1".encode(), 1)),
        "bao-cao.html: is not what the figures make: made again it has SHA-256 ",
    ),
    (
        "a byte of the PDF",
        lambda f: rewrite(f / PDF, lambda old: old[:-9] + b" " + old[-9:]),
        "bao-cao.pdf: is not what the figures make",
    ),
    (
        "another day's PDF",
        lambda f: rewrite(f / PDF, lambda _: (f.parents[1] / "2026-11-22/1" / PDF).read_bytes()),
        "bao-cao.pdf: is not what the figures make",
    ),
    ("PDF and page exchanged", lambda f: swap(f / PDF, f / PAGE), "bao-cao.html: is not what the figures make"),
    (
        "rows of a CSV in another order",
        lambda f: rewrite(f / "csv/messages.csv", reorder),
        "csv/messages.csv: is not what the figures make: made again it has",
    ),
    (
        "a byte order mark",
        lambda f: rewrite(f / "csv/messages.csv", lambda old: b"\xef\xbb\xbf" + old),
        "csv/messages.csv: row 1: its columns are not",
    ),
    (
        "line ends",
        lambda f: rewrite(f / "csv/messages.csv", lambda old: old.replace(b"\r\n", b"\n")),
        "line 1: the file says ",
    ),
    (
        "a quote more",
        lambda f: rewrite(f / "csv/agencies.csv", lambda old: old.replace(b",0,", b',"0",', 1)),
        "csv/agencies.csv: is not what the figures make",
    ),
    (
        "a complaint more",
        lambda f: rewrite(f / "csv/complaints.csv", lambda old: old + b"2,H1,other,open,3\r\n"),
        "csv/complaints.csv: published with 0 rows, the file has 1",
    ),
]


@pytest.mark.parametrize(("doctor", "said"), [each[1:] for each in FORGED], ids=[each[0] for each in FORGED])
def test_file_whose_hashes_were_all_mended_is_found(published, forge, store, doctor, said):
    doctor(store / published[1].folder)
    forge(2)
    found = faults(2)
    assert any(said in each for each in found), found
    assert not [each for each in found if "SHA-256" in each and "published with" in each], "hashes tell nothing here"


def test_publications_after_a_forged_one_hold_and_a_correction_names_its_hash_as_it_was(published, forge, store):
    rewrite(store / published[1].folder / PDF, lambda old: old[:-9] + b" " + old[-9:])
    forge(2)
    assert faults(3) == []
    # The printed correction names the hash of what it corrects, as it was.
    assert any(each.startswith("bao-cao.html") and "mã SHA-256 của tệp kê" in each for each in faults(4))


def changed(**values: Any) -> Callable[[dict[str, Any]], None]:
    return lambda manifest: manifest.update(values)


def with_words(change: Callable[[dict[str, Any]], None]) -> Callable[[dict[str, Any]], None]:
    return lambda manifest: change(manifest["words"])


def file_more(manifest: dict[str, Any]) -> None:
    manifest["files"].append(dict(manifest["files"][0]))


def path_out(manifest: dict[str, Any]) -> None:
    manifest["files"].append(manifest["files"][0] | {"name": "../../2026-11-22/1/bao-cao.pdf"})


MANIFESTS: list[tuple[str, Callable[[dict[str, Any]], None], str]] = [
    ("rows", lambda m: m["files"][4].update(rows=7), "csv/messages.csv: published with 7 rows, the file has"),
    ("number", changed(publication_no=7), "publication_no: the manifest says 7, the ledger's row 2"),
    ("period", lambda m: m["period"].update(first="2026-11-01"), "period.first: the manifest says 2026-11-01"),
    ("folder", changed(folder="2026/11/2026-11-22/1"), "folder: the manifest says 2026/11/2026-11-22/1"),
    ("file listed twice", file_more, "manifest.json: lists bao-cao.pdf more than once"),
    ("file of another folder", path_out, "which is no file of its folder"),
    ("no page", lambda m: m["files"].pop(1), "bao-cao.html: stands in the folder and is not in the manifest"),
    (
        "corrects",
        changed(corrects={"publication_no": 1, "folder": "x", "manifest_sha256": "0"}),
        "corrects: its manifest says",
    ),
    ("urged", with_words(lambda w: w.update(urged=[{}])), "manifest.json: words.urged: published [{}], recomputed "),
    ("threshold", with_words(lambda w: w["thresholds"].update(urge_delivered_below=1.01)), "words.urged: published"),
    (
        "money",
        with_words(lambda w: w["budget"].update(spent_in_period=1)),
        "words.budget.spent_in_period: published 1, recomputed",
    ),
    ("a name", with_words(lambda w: w["agencies"][0].update(name="Sở Khác")), "is not what the figures make"),
    ("words of another kind", changed(words=[1]), "manifest.json: words: cannot be used"),
    (
        "words without agencies",
        with_words(lambda w: w.pop("agencies")),
        "manifest.json: words: cannot be used: KeyError",
    ),
]


@pytest.mark.parametrize(("change", "said"), [each[1:] for each in MANIFESTS], ids=[each[0] for each in MANIFESTS])
def test_manifest_that_fits_all_hashes_and_says_what_is_not_so_is_found(published, forge, change, said):
    forge(2, change)
    found = faults(2)
    assert any(said in each for each in found), found


def test_correction_that_hides_what_it_changed_is_found(published, forge, store, rows):
    rows("ALTER TABLE motcua.closing_changes DISABLE TRIGGER ALL")
    rows("DELETE FROM motcua.closing_changes WHERE figure = 'delivered'")
    found = faults(4)
    assert any("audit.closing_changes" in each and "delivered): not said, in truth" in each for each in found), found


def test_correction_that_names_nothing_is_found(published, forge, rows):
    rows("ALTER TABLE motcua.publications DISABLE TRIGGER ALL")
    rows("UPDATE motcua.publications SET corrects = NULL WHERE publication_no = 4")
    forge(4, changed(corrects=None))
    assert any("told by publication 3; the row names nothing" in each for each in faults(4))


def test_difference_taken_out_of_everything_but_the_figures_is_found(published, forge, store, rows):
    rows("ALTER TABLE motcua.closing_differences DISABLE TRIGGER ALL")
    rows("DELETE FROM motcua.closing_differences WHERE closing_no = 2 AND reason = 'cut_off'")
    found = faults(2)
    assert any("only_source is 2, and 1 row(s) of differences say so" in each for each in found), found


# --------------------------------------------------------------------------------- folders, links, names, archives


def test_folder_with_another_publication_s_files_is_not_taken_for_it(published, store):
    mine, other = store / published[1].folder, store / published[0].folder
    shutil.rmtree(mine)
    shutil.copytree(other, mine)
    for which in (
        2,
        mine,
        f"{mine}/",
        f"file://{mine}/",
        mine / MANIFEST,
        published[1].folder,
        f"{published[1].folder}/",
    ):
        found = faults(which)
        assert "manifest.json: publication_no: published 2, the file says 1" in found, which
        assert any("csv/messages.csv: row 2 " in each for each in found)


def test_copy_elsewhere_holds_and_one_that_bears_another_s_name_does_not(published, store, tmp_path):
    good, bad = tmp_path / "usb # 1%20?" / "2026-11-23" / "1", tmp_path / "usb # 1%20?" / "2026-11-22" / "1"
    for copy in (good, bad, tmp_path / "anything"):
        shutil.copytree(store / published[1].folder, copy)
    assert faults(good) == faults(tmp_path / "anything") == []
    assert any("publication_no: published 1, the file says 2" in each for each in faults(bad))


def test_manifest_that_is_gone_is_missed_under_every_name_of_the_folder(published, store):
    folder = store / published[1].folder
    (folder / MANIFEST).unlink()
    for which in (2, folder, published[1].folder):
        assert faults(which) == [f"manifest.json: is missing in file://{folder}"]


def as_link(path: Path) -> None:
    kept = path.with_name(f"{path.name}.kept")
    path.rename(kept)
    path.symlink_to(kept.name)


def as_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def as_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def renamed(path: Path, name: str) -> None:
    path.rename(path.with_name(name))


def hidden(folder: Path) -> None:
    (folder / "csv/.x").write_text("x")


def emptied(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.mkdir()


def outside(folder: Path) -> None:
    away = folder.parent / "away"
    shutil.move(folder / "csv", away)
    (folder / "csv").symlink_to(away)


PLACES: list[tuple[str, Callable[[Path], None], str]] = [
    ("link", lambda f: as_link(f / WORKBOOK), "so-lieu.xlsx: is a symbolic link and no file"),
    (
        "link to nothing",
        lambda f: (f / "mới.csv").symlink_to("/nowhere"),
        "mới.csv: stands in the folder and is not in",
    ),
    (
        "link to a folder",
        lambda f: (f / "mới").symlink_to("/etc"),
        "mới: stands in the folder and is not in the manifest",
    ),
    ("folder behind a link", outside, "csv/messages.csv: lies behind a symbolic link, csv"),
    ("manifest behind a link", lambda f: as_link(f / MANIFEST), "manifest.json: is a symbolic link and no file"),
    ("folder", lambda f: as_folder(f / PDF), "bao-cao.pdf: is no file"),
    ("pipe", lambda f: as_pipe(f / PDF), "bao-cao.pdf: is no file"),
    ("pipe more", lambda f: os.mkfifo(f / "x"), "x: stands in the folder and is not in the manifest"),
    ("manifest is a folder", lambda f: as_folder(f / MANIFEST), "manifest.json: is no file"),
    ("capital letters", lambda f: renamed(f / PDF, "Bao-Cao.PDF"), "bao-cao.pdf: is missing"),
    ("hidden file", hidden, "csv/.x: stands in the folder and is not in the"),
    ("nothing", lambda f: shutil.rmtree(f), "is not there; the setting MOTCUA_PUBLICATIONS says where"),
    ("empty folder", emptied, "bao-cao.html: is missing"),
]


@pytest.mark.parametrize(("doctor", "said"), [each[1:] for each in PLACES], ids=[each[0] for each in PLACES])
def test_what_is_no_file_is_said_and_never_waited_for(published, store, doctor, said):
    doctor(store / published[1].folder)
    found = faults(2)
    assert any(said in each for each in found), found


def test_manifest_that_says_a_thing_twice_is_found(published, store):
    path = store / published[1].folder / MANIFEST
    rewrite(path, lambda old: old.replace(b'"publication_no": 2,', b'"publication_no": 1,\n  "publication_no": 2,', 1))
    found = faults(2)
    assert "manifest.json: says publication_no twice, so that two readers read two things" in found
    assert "manifest.json: says the same in other bytes: blanks, order, line ends or the like" in found


def test_manifest_in_other_bytes_that_says_the_same_is_found(published, store):
    path = store / published[1].folder / MANIFEST
    rewrite(path, lambda old: json.dumps(json.loads(old)).encode())
    assert any("says the same in other bytes" in each for each in faults(2))


@pytest.mark.parametrize("manifest", ["{}", "[]", "null", "7", '{"files": [1], "closing": {}}', '{"files": 3}'])
def test_row_whose_manifest_is_none_is_a_fault_and_no_traceback(published, rows, manifest):
    rows("ALTER TABLE motcua.publications DISABLE TRIGGER ALL")
    rows("UPDATE motcua.publications SET manifest = %s WHERE publication_no = 2", manifest)
    found = faults(2)
    assert any("the manifest of publication 2 has SHA-256" in each for each in found), found
    # The file has the hash that the row names, so that all else can be looked at.
    assert not [each for each in found if each.startswith(("csv", "bao-cao", "so-lieu"))]
    told = type_command("publications", "show", "2", exits=None)
    assert told.exception is None or isinstance(told.exception, SystemExit)


def test_publications_and_closings_cut_off_at_the_end_leave_a_folder_that_is_found(published, rows):
    assert list(stray_folders()) == []
    rows("ALTER TABLE motcua.publications DISABLE TRIGGER ALL")
    rows("DELETE FROM motcua.publications WHERE publication_no = 4")
    assert [each.where for each in stray_folders()] == ["2026/11/2026-11-24/2"]
    told = type_command("publications", "verify-all", exits=1)
    assert "2026/11/2026-11-24/2: holds a manifest.json and no row of the ledger names it" in told.output


@pytest.mark.parametrize(
    "which",
    [
        "0", "99999999999999999999999", "-", "/", "//", "nope://a/b", "file://", "s3://", "http://x y/z", "x" * 5000,
        "\x00", "２", "2026/11/2026-11-99/1", "zip://x.zip",
    ],
)  # fmt: skip
def test_whatever_is_asked_for_is_answered_in_a_sentence(published, which, monkeypatch, tmp_path):
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    with pytest.raises(NoSuchPublication):
        verify_publication(which, stored_figures, stored_orphans)


def test_archive_and_empty_folder_and_strange_file_are_answered_in_a_sentence(published, store, tmp_path, monkeypatch):
    archive = shutil.make_archive(str(tmp_path / "bản"), "zip", store / published[1].folder)
    with pytest.raises(NoSuchPublication, match=r"is a file; verify wants .* an archive unpacked"):
        verify_publication(archive)
    with pytest.raises(NoSuchPublication, match="there is no manifest"):
        verify_publication(str(tmp_path))
    (tmp_path / MANIFEST).write_bytes(b'{"publication_no": 77}')
    with pytest.raises(NoSuchPublication, match="belongs to no publication"):
        verify_publication(str(tmp_path))
    (tmp_path / MANIFEST).write_bytes(b"[" * 100_000)
    with pytest.raises(NoSuchPublication, match="belongs to no publication"):
        verify_publication(str(tmp_path))
    monkeypatch.chdir(store / published[1].folder)
    assert faults(MANIFEST) == faults(".") == faults(f"./{MANIFEST}") == []


# --------------------------------------------------------------------------------------------- true ones stay true


@pytest.fixture
def day(one_stop: Any, store: Path) -> Publication:
    """Two days of facts: results, one handed over untold and before time, one without a phone, an old one received."""
    moment = NOW - timedelta(minutes=5)
    for number in range(6):
        code = f"H{number:04}"
        one_stop.both(
            4,
            code,
            desk=False,
            at=moment - timedelta(hours=1),
            received_at=moment - timedelta(hours=2),
            updated_at=moment,
            submitted_via="direct",
            applicant_phone=None if number == 0 else "0905123456",
        )
        one_stop.move(9, code, at=moment)
    one_stop.dossier("UNTOLD", status_code=10, returned_at=moment, finished_at=moment, updated_at=moment)
    take_in()
    closed = close_period(DAY, "tests", MORNING)
    return publish(closed.closing.closing_no, MORNING)


def holds(which: object = 1, *remarks: str) -> None:
    checked = verify_publication(str(which))
    assert [str(each) for each in checked.faults] == []
    assert checked.remarks == list(remarks)
    assert "made again" in checked.held[-1]


def test_true_publication_holds_after_agency_was_renamed_moved_and_changed(day, rows):
    assert rows("SELECT count(*) AS n FROM motcua.closing_orphans")[0]["n"] == 1
    holds()
    old = "Ủy ban nhân dân thành phố Nha Trang"
    named = f"agency {NHA_TRANG} is called {old} in it; by what the ledger says now it was Tên mới on 2026-11-25"
    for change in ({"enabled_from": NOW + timedelta(days=1)}, {"enabled_from": None}, {"kinds_off": ("result",)}):
        in_ledger(save_agencies, [agency(NHA_TRANG, name=old, same_day_excluded=True, **change)], "tests")
        holds()
    in_ledger(save_agencies, [agency(NHA_TRANG, name="Tên mới")], "tests")
    # Its report says what it said; a reader is told that the name is another by now.
    holds(1, named)


def test_forger_who_owns_the_ledger_and_publishes_anew_with_this_software_is_found_by_the_facts(day, rows):
    for table in ("closing_messages", "closings", "publications"):
        rows(f"ALTER TABLE motcua.{table} DISABLE TRIGGER ALL")
    rows("UPDATE motcua.closing_messages SET queued = queued - 2, delivered = 2")
    forged = in_ledger(load_figures, 1)
    found = hash_figures(forged, in_ledger(load_differences, 1), in_ledger(load_orphans, 1))
    rows("UPDATE motcua.closings SET figures_hash = %s", found)
    rows("DELETE FROM motcua.publications")
    assert publish(1).folder == "2026/11/2026-11-25/2"
    said = [str(each) for each in verify_publication("1").faults]
    assert any("column delivered: published 2, recomputed 0" in each for each in said), said
    assert any("audit.closing_messages: recomputed and not stored" in each for each in said)
    assert [each.where for each in stray_folders()] == ["2026/11/2026-11-25/1"]


def test_no_file_holds_a_name_or_a_number_of_a_citizen_in_any_spelling(day, store):
    spellings = [b"0905123456", b"84905123456", b"905 123 456", b"905.123.456", "Nguyễn Thị Lan".encode()]
    for name, content in everything_in(store / day.folder).items():
        whole = content
        if name.endswith(".xlsx"):
            with zipfile.ZipFile(io.BytesIO(content)) as book:
                whole = b"".join(book.read(each) for each in book.namelist())
        assert not [each for each in spellings if each in whole], name
    assert b"UNTOLD" in (store / day.folder / "csv/orphans.csv").read_bytes()


def test_true_publication_holds_after_source_rewrote_rows_and_a_correction_tells_it(day, one_stop):
    later = NOW + timedelta(days=1)
    one_stop.connection.execute(
        "UPDATE onestop.dossiers SET submitted_via = 'online', procedure_code = '2.000001', updated_at = %s"
        " WHERE dossier_code IN ('H0001', 'H0002')",
        (later,),
    )
    pick_up("khanhhoa", EVERYTHING, later)
    holds()
    result = close_period(DAY, "tests", MORNING + timedelta(days=2))
    assert result.changed
    corrected = publish(result.closing.closing_no)
    assert corrected.corrects == 1
    holds(1)
    holds(2)


def test_true_publication_holds_after_receipts_were_read_late(one_stop, store, rows):
    rows(
        "INSERT INTO motcua.receipts (gateway, received_at, reference, gateway_status, raw)"
        " VALUES ('kannel', %s, 'nobody', '1', '{}')",
        NOW,
    )
    one_stop.dossier("H1", updated_at=NOW)
    pick_up("khanhhoa", EVERYTHING, NOW)
    publish(close_period(DAY, "tests", MORNING).closing.closing_no)
    holds()
    rows(
        "INSERT INTO motcua.receipt_readings (receipt_id, meaning, effect) SELECT receipt_id, 'delivered',"
        " 'unknown_reference' FROM motcua.receipts"
    )
    holds()


def test_true_publication_holds_in_any_session_and_for_many_at_once(day, rows, postgres, ledger, configure):
    name = conninfo_to_dict(ledger)["dbname"]
    for setting in ("timezone = 'America/New_York'", "intervalstyle = 'iso_8601'"):
        rows(f"ALTER DATABASE {name} SET {setting}")
    configure(AIRFLOW_CONN_MOTCUA_DB=connection_uri(postgres.admin_dsn, "motcua_audit", name), TZ="Asia/Tokyo")
    # The auditor's own machine has none of the settings by which the report was made.
    configure(MOTCUA_URGE_FROM="3", MOTCUA_SMS_BUDGET="5", MOTCUA_SEGMENT_PRICE="999")
    found: list[Any] = []
    threads = [threading.Thread(target=lambda: found.append(verify_publication("1"))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert [(each.faults, each.remarks) for each in found] == [([], [])] * 3


@pytest.fixture
def published_as(day: Publication, store: Path, rows: Rows) -> Callable[[Callable[[dict[str, Any]], None]], None]:
    """Has the day's publication say something else in its manifest, as if it had been published so."""

    def publish_as(change: Callable[[dict[str, Any]], None]) -> None:
        manifest = json.loads(canonical(day.manifest))
        change(manifest)
        rewrite(store / day.folder / MANIFEST, lambda _: canonical(manifest))
        rows("ALTER TABLE motcua.publications DISABLE TRIGGER ALL")
        digest = sha256(canonical(manifest)).hexdigest()
        rows("UPDATE motcua.publications SET manifest = %s, manifest_sha256 = %s", json.dumps(manifest), digest)

    return publish_as


MADE_BY_0_2 = {"rendering": 3, "python": "3.12", "machine": "Linux x86_64", "typst": "0.13.7", "numpy": "2.4.6"}
"""What a manifest of version 0.2.0 says of what made its files."""


def as_0_2_wrote_it(manifest: dict[str, Any]) -> None:
    """As version 0.2.0 wrote it."""
    manifest["format"], manifest["software"] = 3, "MotcuaSMS 0.2.0"
    manifest["words"]["made_by"] = dict(MADE_BY_0_2)


@pytest.fixture
def version(monkeypatch: pytest.MonkeyPatch) -> str:
    """This software is of a later version than what is published."""
    monkeypatch.setattr(verifying_again, "software", lambda: "MotcuaSMS 0.3.0")
    return "MotcuaSMS 0.3.0"


@pytest.mark.guarantee(
    "publications",
    "of an older version's publication figures, CSV files, chain and seals are recomputed, the print held by its hash",
)
def test_true_publication_of_an_older_version_holds_and_says_how_it_was_held(day, published_as, monkeypatch, version):
    published_as(as_0_2_wrote_it)
    # Its print says what this version would not say.
    monkeypatch.setitem(wording.publication_words()["sheet"], "issuer", "SỞ KHÁC")
    checked = verify_publication("1")
    assert checked.faults == []
    (how,) = checked.remarks
    assert how.startswith(
        "figures, CSV files, chain and seals were recomputed; report, page and workbooks are held by their published "
        "SHA-256, for they were made by other software: MotcuaSMS 0.2.0, here MotcuaSMS 0.3.0; "
    )
    assert "typst 0.13.7, here " in how
    assert checked.held[-1] == "9 CSV files are what the recomputed figures make, made again"
    told = type_command("verify", "1")
    assert f"note: {how}" in told.output


@pytest.mark.parametrize("name", [PDF, PAGE, WORKBOOK, "csv/messages.csv"])
def test_byte_changed_in_a_publication_of_an_older_version_is_found_by_its_hash(day, published_as, store, name):
    published_as(as_0_2_wrote_it)
    rewrite(store / day.folder / name, lambda old: old[:-1] + bytes([old[-1] ^ 1]))
    assert any(each.startswith(f"{name}: published with SHA-256 ") for each in faults_of("1"))


def faults_of(which: str) -> list[str]:
    return [str(each) for each in verify_publication(which).faults]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda old: old.replace(b",0,", b',"0",', 1), "csv/messages.csv: is not what the figures make: made again it"),
        (lambda old: old.replace(b"\r\n", b"\n"), "line 1: the file says "),
    ],
)
def test_table_of_an_older_version_whose_hashes_were_all_mended_is_found(published_as, store, day, forge, change, said):
    published_as(as_0_2_wrote_it)
    rewrite(store / day.folder / "csv/messages.csv", change)
    forge(1)
    assert any(said in each for each in faults_of("1"))


def test_publication_from_before_the_number_of_the_rendering_holds(day, published_as, monkeypatch):
    def as_it_was(manifest: dict[str, Any]) -> None:
        manifest["words"]["made_by"] = {"reports": "e97fa7a0", "typst": "0.13.7"}
        # And whatever else this version does not know.
        del manifest["words"]["procedures"]

    published_as(as_it_was)
    monkeypatch.setattr(verifying_again, "urge", lambda *_: [samples.report().urged[0]])
    checked = verify_publication("1")
    assert checked.faults == []
    rule, how = checked.remarks
    assert rule == "it proposes to urge other agencies than the rules of this version would"
    assert "made by other software: another build of MotcuaSMS " in how


def test_publication_of_this_software_whose_words_make_no_report_is_found(published_as):
    published_as(lambda manifest: manifest["words"].pop("procedures"))
    assert [str(each) for each in verify_publication("1").faults] == [
        "manifest.json: words: cannot be used: KeyError 'procedures'"
    ]


# ------------------------------------------------------------------------------------ what the figures are made of


@pytest.mark.guarantee(
    "publications",
    "a publication names every function, view and vendor's mapping behind its queries",
)
def test_publication_names_every_function_view_and_mapping_behind_its_queries(day, configure):
    named = {each["name"]: each["figures"] for each in day.manifest["queries"]}
    assert {
        "audit.messages_as_of(bigint)",
        "audit.moved_since(bigint)",
        "audit.dossiers_as_of(bigint)",
        "audit.dossier_as_of(bigint, timestamp with time zone, bigint, bigint)",
        "audit.dossiers_in_period(bigint, timestamp with time zone, timestamp with time zone, text)",
        "audit.messages",
        "audit.message_history",
        "motcua.dossier_as_of(bigint, timestamp with time zone, bigint, bigint)",
        "motcua.agency_scopes",
        "closings/counting/count_messages",
        "sources/counting/occasions",
        "sources/reading/transitions_by_agency",
    } <= named.keys()
    assert "closings/counting/count_messages" in named["audit.moved_since(bigint)"].split(", ")
    assert "audit.messages_as_of(bigint)" in named["audit.messages"].split(", ")
    # The mappings of the software that is in use, with the sources that use it.
    assert named["sources/contract/dossiers"].endswith("(khanhhoa)")
    assert not [name for name in named if name.startswith("sources/opencps")]
    configure(MOTCUA_SOURCES="khanhhoa=contract,vanphong=opencps,dienkhanh=opencps")
    named = {each.name: each.figures for each in in_ledger(queries_used)}
    assert named["sources/contract/transitions"].endswith("(khanhhoa)")
    assert named["sources/opencps/transitions"].endswith("(dienkhanh, vanphong)")
    assert not [name for name in named if name.startswith(("intake.", "sources/national_sync"))]


@pytest.mark.guarantee(
    "publications",
    "figures that were pushed or came as files name the statements and views of the intake that they were read through",
)
def test_figures_that_were_pushed_or_came_as_files_name_what_of_the_intake_they_were_read_through(ledger, configure):
    configure(MOTCUA_SOURCES="hue=national_sync,dienkhanh=files,muongia=foreign_tables")
    named = {each.name: each for each in in_ledger(queries_used)}
    mapping = {f"sources/national_sync/{name}" for name in ("dossiers", "transitions", "name_source")}
    assert {name for name in named if name.startswith("sources/national_sync")} == mapping
    assert {named[name].figures.rpartition(" (")[2] for name in mapping} == {"dienkhanh, hue)"}
    assert named["sources/contract/dossiers"].figures.endswith("(muongia)")
    views = {"intake.source_dossiers": "dossiers", "intake.source_transitions": "transitions"}
    assert {name for name in named if name.startswith("intake.")} == views.keys()
    for view, caller in views.items():
        assert named[view].figures == f"sources/national_sync/{caller}"
        with connect() as connection:
            made = connection.execute("SELECT pg_get_viewdef(%s::regclass) AS text", [view]).fetchone()
        assert made is not None
        assert named[view].sha256 == sha256(made["text"].encode()).hexdigest()


@pytest.mark.guarantee(
    "publications",
    "a publication names every function, view and vendor's mapping behind its queries",
)
def test_auditor_computes_the_hash_of_a_function_and_of_a_view_with_psql_alone(day, postgres, ledger):
    named = {each["name"]: each["sha256"] for each in day.manifest["queries"]}
    address = connection_uri(postgres.admin_dsn, "motcua_audit", conninfo_to_dict(ledger)["dbname"])
    with psycopg.connect(address) as auditor:
        for made in ("pg_get_functiondef('audit.messages_as_of(bigint)'::regprocedure)",
                     "pg_get_viewdef('audit.messages'::regclass)"):  # fmt: skip
            found = auditor.execute(f"SELECT encode(sha256(convert_to({made}, 'UTF8')), 'hex')").fetchone()
            assert found == (named[made.split("'")[1]],)


def test_definition_reads_the_same_whatever_a_session_s_search_path_is(ledger):
    with connect() as connection:
        plain = list_definitions(connection)
        connection.execute("SET LOCAL search_path TO motcua, audit")
        assert list_definitions(connection) == plain
        assert connection.execute("SHOW search_path").fetchone() == {"search_path": "motcua, audit"}


@pytest.mark.guarantee("publications", "a definition that was replaced since is told, and is no fault")
def test_definition_that_was_replaced_since_is_a_remark_and_no_fault(day, rows):
    was = {each["name"]: each["sha256"] for each in day.manifest["queries"]}
    (kept,) = rows("SELECT pg_get_functiondef('audit.messages_as_of(bigint)'::regprocedure) AS text")
    rows(kept["text"].replace("WHERE NOT EXISTS", "WHERE TRUE AND NOT EXISTS", 1).replace("%", "%%"))
    rows("ALTER FUNCTION motcua.condition_of(smallint, boolean) RENAME TO condition_that_was")
    checked = verify_publication("1")
    assert checked.faults == []
    assert "made again" in checked.held[-1]
    replaced, gone = checked.remarks
    for remark, name in ((replaced, "audit.messages_as_of(bigint)"), (gone, "motcua.condition_of(smallint, boolean)")):
        assert remark.startswith(f"{name} is another by now (SHA-256 ")
        assert remark.endswith(f" than the one that made the figures ({was[name]}): they were counted anew by this one")
    assert "(SHA-256 none: it is gone)" in gone


@pytest.fixture
def change_query(monkeypatch) -> Callable[[str, Callable[[str], str]], None]:
    """Has a statement say something else from now on."""

    def change(name: str, to: Callable[[str], str]) -> None:
        real = reporting.statement
        monkeypatch.setattr(reporting, "statement", lambda other: to(real(other)) if other == name else real(other))

    return change


@pytest.mark.guarantee("publications", "a query is found for ever under the name and hash that a publication gave it")
def test_files_that_a_publication_of_0_2_0_names_are_the_statements_of_now(published_as):
    def as_then(manifest: dict[str, Any]) -> None:
        for each in manifest["queries"]:
            for old, now in NAMED_BEFORE.items():
                if each["name"] == now and old in PUBLISHED_BY_0_2_0:
                    each["name"], each["sha256"] = f"{old}.sql", PUBLISHED_BY_0_2_0[old]

    published_as(as_then)
    checked = verify_publication("1")
    assert [each for each in checked.remarks if " is another by now " in each] == []


def test_query_that_is_another_by_now_is_a_remark_and_no_fault(day, change_query):
    changed = "sources/contract/dossiers"
    change_query(changed, lambda text: f"{text} LIMIT 1")
    now = query_version(changed)
    checked = verify_publication("1")
    assert checked.faults == []
    (remark,) = checked.remarks
    assert remark.startswith(f"{changed} is another by now (SHA-256 {now}) than the one that made the figures (")


def test_true_publication_of_the_older_form_holds(day, rows, store):
    manifest = {name: value for name, value in day.manifest.items() if name != "words"} | {"format": 1}
    manifest["closing"].pop("known_message")
    rewrite(store / day.folder / MANIFEST, lambda _: canonical(manifest))
    rows("ALTER TABLE motcua.publications DISABLE TRIGGER ALL")
    digest = sha256(canonical(manifest)).hexdigest()
    rows("UPDATE motcua.publications SET manifest = %s, manifest_sha256 = %s", json.dumps(manifest), digest)
    checked = verify_publication("1")
    assert checked.faults == []
    assert len(checked.remarks) == 1


# ----------------------------------------------------------------------------------------------------- the operator


def killed_after(count: int, number: int) -> None:
    """A try of publishing that dies when it has stored so many files."""
    left, real = count, publishing.store_file

    def stand_in(path: Any, content: bytes) -> None:
        nonlocal left
        if left == 0:
            die()
        left -= 1
        real(path, content)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(publishing, "store_file", stand_in)
        patch.setattr(publishing, "save_publication", lambda *_: die())
        with pytest.raises(Killed):
            publish(number)


@pytest.mark.parametrize(
    ("where", "count"), [*(("folder", count) for count in (0, 1, 5, 14, 15)), ("memory", 1), ("memory", 15)]
)
def test_try_that_died_and_of_which_something_changed_since_is_left_and_the_next_one_publishes(
    closings, store, configure, count, where
):
    if where == "memory":
        configure(MOTCUA_PUBLICATIONS=in_memory(f"reports/{store.parent.name}/{count}"))
    number = closings()
    killed_after(count, number)
    base = publishing.publications_store()
    rest = {str(path): path.read_bytes() for path in base.rglob("*") if path.is_file()}
    assert len(rest) == count
    assert in_ledger(list_publications) == []
    renamed_agency = agency(samples.NHA_TRANG, name="Ủy ban nhân dân thành phố Nha Trang (mới)")
    in_ledger(save_agencies, [renamed_agency], "tests")
    published = publish(number)
    assert published.folder == f"2026/11/2026-11-24/{2 if count else 1}"
    assert {str(path): path.read_bytes() for path in base.rglob("*") if path.is_file()}.items() >= rest.items()
    assert faults(1) == []
    assert [each.where for each in stray_folders()] == (["2026/11/2026-11-24/1"] if count == 15 else [])
    corrected = publish(closings(correction_of(small()), corrects=published.closing_no))
    assert corrected.folder == f"2026/11/2026-11-24/{3 if count else 2}"
    assert faults(1) == faults(2) == []


def test_agency_that_left_since_the_try_died_leaves_no_file_in_the_publication(closings, store):
    number = closings()
    killed_after(14, number)
    (store / "2026/11/2026-11-24/1/co-quan/000.00.99.H32.xlsx").write_bytes(b"of the try before")
    assert publish(number).folder == "2026/11/2026-11-24/2"
    assert faults(1) == []


def test_half_files_of_a_try_that_died_are_no_part_of_the_publication(closings, store):
    number = closings()
    killed_after(3, number)
    for name in (WORKBOOK, PDF, "csv/messages.csv"):
        part = store / "2026/11/2026-11-24/1" / name
        part = part.with_name(f".{part.name}.part")
        part.parent.mkdir(exist_ok=True)
        part.write_bytes(b"half")
        part.chmod(0o444)
    assert publish(number).folder == "2026/11/2026-11-24/1"
    assert not [name for name in everything_in(store) if name.endswith(".part")]
    assert faults(1) == []


def test_published_folder_whose_row_was_lost_with_a_restored_database_is_never_written_to(closings, store, rows):
    first = publish(closings())
    before = everything_in(store)
    rows("ALTER TABLE motcua.publications DISABLE TRIGGER ALL")
    rows("DELETE FROM motcua.publications")
    in_ledger(save_agencies, [agency(samples.NHA_TRANG, name="Khác")], "tests")
    again = publish(first.closing_no)
    assert again.folder != first.folder
    assert everything_in(store).items() >= before.items()
    assert faults(1) == []


@pytest.fixture
def full(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[bool]]:
    """A disk that is full while the list says so."""
    now, real = [True], os.fsync

    def sync(descriptor: int) -> None:
        if now[0]:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(descriptor)

    monkeypatch.setattr(publishing.os, "fsync", sync)
    yield now
    now[0] = False


def test_full_disk_is_told_leaves_no_half_file_and_the_next_try_goes_on(closings, store, full):
    number = closings()
    with pytest.raises(
        StoreFailed, match=r"does not serve: No space left on device.* Nothing was published.* clear the"
    ):
        publish(number)
    assert everything_in(store) == {}
    full[0] = False
    assert publish(number).folder == "2026/11/2026-11-24/1"
    assert faults(1) == []


def test_store_that_takes_nothing_is_told(closings, store, configure, tmp_path):
    number = closings()
    (tmp_path / "file").write_text("x")
    configure(MOTCUA_PUBLICATIONS=f"file://{tmp_path / 'file'}")
    with pytest.raises(StoreFailed, match=r"does not serve: .*Nothing was published"):
        publish(number)
    assert in_ledger(list_publications) == []


def test_verify_all_of_nothing_says_so(store, ledger):
    told = type_command("publications", "verify-all", exits=None)
    assert (told.exit_code, told.output.strip()) == (0, "Nothing is published yet.")


def test_database_that_does_not_answer_is_no_verdict(published, configure):
    configure(AIRFLOW_CONN_MOTCUA_DB="postgres://motcua_audit:x@127.0.0.1:1/none")
    with pytest.raises(psycopg.OperationalError):
        verify_publication("1")
