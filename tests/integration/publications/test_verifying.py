"""Test that verifying finds and names each change of a publication, also if a forger recomputed all later hashes."""

from __future__ import annotations

import io
import json
import os
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import psycopg
import pytest

from motcua.domain.reconciliation import Figures
from motcua.jobs.publications.verification import MOST_TOLD
from motcua.jobs.publications.verifying import NoSuchPublication, stray_folders, verify_all, verify_publication
from motcua.reports.publication.files import MANIFEST, PAGE, PDF, WORKBOOK, agency_workbook_name, canonical
from tests import reconciliation_samples as samples
from tests.ground import type_command
from tests.integration.publications.world import (
    SECOND_DAY,
    assert_named,
    faults,
    rewrite,
    small,
    stored_figures,
    stored_orphans,
)

OWN_BOOK, OTHER_BOOK = agency_workbook_name(samples.TU_PHAP), agency_workbook_name(samples.NHA_TRANG)


@pytest.fixture
def folder(published, store) -> Path:
    """Return the folder of the second of four publications."""
    return store / published[1].folder


def test_true_publications_hold_by_number_folder_manifest_and_copy(folder, tmp_path, monkeypatch):
    """A true publication verifies by its number, its folder or its manifest, and as a copy in another place."""
    copies = [tmp_path / "đĩa", tmp_path / "usb # 1%20?" / "2026-11-23" / "1"]
    for copy in copies:
        shutil.copytree(folder, copy)
    monkeypatch.chdir(folder)
    for which in (2, "2026/11/2026-11-23/1", f"file://{folder}/", MANIFEST, *copies):
        checked = verify_publication(str(which), stored_figures, stored_orphans)
        assert (checked.publication.publication_no, checked.faults) == (2, []), which
        assert "between 1 and 3" in checked.held[2]
    assert [each.publication.publication_no for each in verify_all(stored_figures)] == [1, 2, 3, 4]
    # A copy in a folder with another publication's name is compared with that publication.
    shutil.copytree(folder, tmp_path / "2026-11-22" / "1")
    assert "manifest.json: publication_no: published 1, the file says 2" in faults(tmp_path / "2026-11-22" / "1")


def test_folder_with_another_publication_s_files_is_not_taken_for_it(published, folder, store):
    shutil.rmtree(folder)
    shutil.copytree(store / published[0].folder, folder)
    for which in (2, f"file://{folder}/"):
        assert_named(
            faults(which), "manifest.json: publication_no: published 2, the file says 1", "csv/messages.csv: row 2 "
        )


@pytest.mark.parametrize(
    "which",
    [
        "7", "0", "99999999999999999999999", "2026/11/2026-11-01/1", "2026/11/2026-11-99/1", "/nowhere", "", MANIFEST,
        "//", "nope://a/b", "file://", "s3://", "http://x y/z", "x" * 5000, "\x00", "２", "zip://x.zip",
    ],
)  # fmt: skip
def test_unknown_or_malformed_name_of_a_publication_is_refused(published, which, monkeypatch, tmp_path):
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    with pytest.raises(NoSuchPublication):
        verify_publication(which, stored_figures, stored_orphans)


def test_archive_empty_folder_and_strange_file_are_answered_in_a_sentence(folder, tmp_path):
    """An archive, or a folder without a known manifest, is refused in one sentence and not with a traceback."""
    archive = shutil.make_archive(str(tmp_path / "bản"), "zip", folder)
    with pytest.raises(NoSuchPublication, match=r"is a file; verify takes .* Unpack an archive first"):
        verify_publication(archive)
    with pytest.raises(NoSuchPublication, match="there is no manifest"):
        verify_publication(str(tmp_path))
    for content in (b'{"publication_no": 77}', b"[" * 100_000):
        (tmp_path / MANIFEST).write_bytes(content)
        with pytest.raises(NoSuchPublication, match="belongs to no publication"):
            verify_publication(str(tmp_path))


def test_verifying_without_the_ledger_gives_no_verdict(published, configure):
    configure(AIRFLOW_CONN_MOTCUA_DB="postgres://motcua_audit:x@127.0.0.1:1/none")
    with pytest.raises(psycopg.OperationalError):
        verify_publication("1")


# ------------------------------------------------------------------------------------ changes that the hashes show


def change_cell(path: Path, column: str, value: str) -> tuple[str, str]:
    """Change one cell of a CSV file's second line; return the row's key in words and the old value."""
    head, row, *rest = path.read_bytes().decode().split("\r\n")
    cells, place = row.split(","), head.split(",").index(column)
    old, cells[place] = cells[place], value
    rewrite(path, lambda _: "\r\n".join([head, ",".join(cells), *rest]).encode())
    return ", ".join(each.strip('"') or "–" for each in cells[1:4]), old


@pytest.mark.guarantee("publications", "a falsified file, row, manifest or fact is found and named")
def test_each_doctored_file_is_found_and_named(folder):
    csv = folder / "csv"
    row, old = change_cell(csv / "messages.csv", "delivered", "9999")
    (folder / PDF).unlink()
    rewrite(folder / WORKBOOK, lambda old: old + b" ")
    rewrite(folder / PAGE, lambda old: old[:-9] + b"</HTML>\n ")
    (folder / "thêm.txt").write_text("x")
    rewrite(csv / "reasons.csv", lambda _: b"\xff")
    rewrite(csv / "complaints.csv", lambda _: b"a,b\r\n")
    rewrite(csv / "dossiers.csv", lambda old: old.rpartition(b"\r\n2,")[0] + b"\r\n")
    rewrite(csv / "agencies.csv", lambda old: old + b"2,H99,0,0,0,0,0,0,0,0\r\n2,H99\r\n")
    rewrite(csv / "differences.csv", lambda old: old.replace(b"-0007", b"-0008"))
    assert_named(
        faults(2),
        "csv/messages.csv: published with SHA-256",
        f"csv/messages.csv: row 2 ({row}), column delivered: published 9999, recomputed {old}",
        "bao-cao.pdf: is missing",
        "so-lieu.xlsx: published with ",
        "bao-cao.html: published",
        "thêm.txt: stands in the folder and is not in the manif",
        "csv/reasons.csv: cannot be read",
        "csv/complaints.csv: row 1: its columns are not",
        "csv/dossiers.csv: the row (",
        "row 4 (H99) is published, and not recomputed",
        "row 5 has 2 cells, not 10",
        "is published, and not stored in the closing",
    )


def test_one_changed_cell_is_all_that_is_told_and_many_are_counted(folder):
    """Verifying names one changed cell precisely. If there are many, it names a few and counts the rest."""
    change_cell(folder / "csv/messages.csv", "delivered", "9999")
    assert all(each.startswith("csv/messages.csv") for each in faults(2))
    rewrite(folder / "csv/messages.csv", lambda old: old + b"2\r\n" * 100)
    found = faults(2)
    # The file is compared with the recomputed figures and with the closing's stored figures.
    assert len([each for each in found if each.endswith(" has 1 cells, not 22")]) == 2 * MOST_TOLD
    assert "csv/messages.csv: 71 more such differences" in found


def as_link(path: Path) -> None:
    kept = path.with_name(f"{path.name}.kept")
    path.rename(kept)
    path.symlink_to(kept.name)


def as_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def test_what_is_no_file_is_said_and_never_waited_for(folder):
    """Links, folders and pipes in place of files must be named as faults, and verifying must not hang on them."""
    as_link(folder / WORKBOOK)
    (folder / "mới.csv").symlink_to("/nowhere")
    (folder / "mới").symlink_to("/etc")
    as_folder(folder / PDF)
    (folder / PAGE).unlink()
    os.mkfifo(folder / PAGE)
    os.mkfifo(folder / "x")
    (folder / ".x").write_text("x")
    (folder / OWN_BOOK).rename((folder / OWN_BOOK).with_suffix(".XLSX"))
    shutil.move(folder / "csv", folder.parent / "away")
    (folder / "csv").symlink_to(folder.parent / "away")
    assert_named(
        faults(2),
        "so-lieu.xlsx: is a symbolic link and no file",
        *(f"{name}: stands in the folder and is not in the manifest" for name in ("mới.csv", "mới", "x", ".x")),
        "bao-cao.pdf: is no file",
        "bao-cao.html: is no file",
        f"{OWN_BOOK}: is missing",
        "csv/messages.csv: lies behind a symbolic link, csv",
    )


@pytest.mark.parametrize(
    ("doctor", "said"),
    [
        (lambda folder: rewrite(folder / MANIFEST, lambda _: b"{"), "manifest.json: is no JSON"),
        (lambda folder: (folder / MANIFEST).unlink(), "manifest.json: is missing in file:///"),
        (lambda folder: as_link(folder / MANIFEST), "manifest.json: is a symbolic link and no file"),
        (lambda folder: as_folder(folder / MANIFEST), "manifest.json: is no file"),
        (shutil.rmtree, "is not there; the setting MOTCUA_PUBLICATIONS says where"),
        (lambda folder: [shutil.rmtree(folder), folder.mkdir()], "bao-cao.html: is missing"),
    ],
    ids=["no JSON", "missing", "link", "folder", "no folder", "empty folder"],
)
def test_missing_or_malformed_manifest_or_folder_is_named(folder, doctor, said):
    doctor(folder)
    assert_named(faults(2), said)


def test_changed_value_of_a_manifest_is_named_and_so_are_changed_bytes_alone(folder):
    """Verifying names the changed values of a manifest, and also changed bytes that change no value."""
    path = folder / MANIFEST
    true = path.read_bytes()
    manifest = json.loads(true)
    manifest["closing"]["difference"] = 3
    manifest["files"][0]["sha256"] = "0" * 64
    rewrite(path, lambda _: canonical(manifest))
    assert_named(
        faults(folder),
        "manifest.json: closing.difference: published 0, the file says 3",
        "manifest.json: files[0].sha256: published ",
    )
    rewrite(path, lambda _: true.replace(b'"publication_no": 2,', b'"publication_no": 1,\n  "publication_no": 2,', 1))
    assert_named(
        faults(2),
        "manifest.json: has publication_no twice, so that programs may read different values",
        "manifest.json: has the same content in other bytes: spaces, order, line ends or the like",
    )


# ------------------------------------------------------------- a forger who recomputes every later hash of the chain


def change_workbook(path: Path, **cells: object) -> None:
    book = openpyxl.load_workbook(path)
    for cell, value in cells.items():
        book["Tóm tắt" if isinstance(value, str) else "Theo cơ quan"][cell] = value
    path.chmod(0o644)
    book.save(path)


def hide_sheet(path: Path) -> None:
    """Hide a sheet of a workbook, which changes none of its cells."""
    written = io.BytesIO()
    with zipfile.ZipFile(path) as given, zipfile.ZipFile(written, "w") as made:
        for name in given.namelist():
            made.writestr(name, given.read(name).replace(b'sheetId="2"', b'sheetId="2" state="hidden"'))
    rewrite(path, lambda _: written.getvalue())


def reorder(content: bytes) -> bytes:
    head, *lines = content.decode().splitlines(keepends=True)
    return "".join([head, *reversed(lines)]).encode()


@pytest.mark.guarantee("publications", "a falsified file, row, manifest or fact is found and named")
def test_file_whose_hashes_were_all_mended_is_found_and_those_after_it_hold(published, folder, forge):
    change_workbook(folder / WORKBOOK, C2=9999, B6="Mọi tin đã tới máy.")
    change_workbook(folder / OWN_BOOK, C2=0)
    hide_sheet(folder / OTHER_BOOK)
    rewrite(folder / PAGE, lambda old: old.replace("Phải nhắn ".encode(), "Phải nhắn 1".encode(), 1))
    rewrite(folder / PDF, lambda old: old[:-9] + b" " + old[-9:])
    csv = folder / "csv"
    rewrite(csv / "messages.csv", reorder)
    rewrite(csv / "reasons.csv", lambda old: b"\xef\xbb\xbf" + old)
    rewrite(csv / "dossiers.csv", lambda old: old.replace(b"\r\n", b"\n"))
    rewrite(csv / "agencies.csv", lambda old: old.replace(b",0,", b',"0",', 1))
    rewrite(csv / "complaints.csv", lambda old: old + b"2,H1,other,open,3\r\n")
    forge(2)
    found = faults(2)
    assert_named(
        found,
        "so-lieu.xlsx: sheet Theo cơ quan, cell C2: published 9999, made again ",
        "sheet Tóm tắt, cell B6: published Mọi tin đã tới máy., made again Phải nhắn ",
        f"{OWN_BOOK}: sheet Theo cơ quan, cell C2: published 0, made again ",
        f"{OTHER_BOOK}: has the same value in every cell and differs elsewhere",
        "bao-cao.html: is not what the figures make: made again it has SHA-256 ",
        "bao-cao.pdf: is not what the figures make",
        "csv/messages.csv: is not what the figures make: made again it has",
        "csv/reasons.csv: row 1: its columns are not",
        "csv/dossiers.csv: is not what the figures make",
        "line 1: the file says ",
        "csv/agencies.csv: is not what the figures make",
        "csv/complaints.csv: published with 0 rows, the file has 1",
    )
    assert not [each for each in found if "SHA-256" in each and "published with" in each], (
        "after the forger's work all hashes fit, so none may be named"
    )
    assert faults(3) == []
    # The printed correction still names the original hash of the publication that it corrects.
    assert_named(faults(4), "mã SHA-256 của tệp kê")


def lie(manifest: dict[str, Any]) -> None:
    """Falsify what a manifest states about its publication and its files."""
    manifest["files"][4]["rows"] = 7
    manifest["period"]["first"] = "2026-11-01"
    manifest |= {"publication_no": 7, "folder": "2026/11/2026-11-22/1"}
    manifest["corrects"] = {"publication_no": 1, "folder": "x", "manifest_sha256": "0"}
    manifest["files"].pop(1)
    manifest["files"] += [dict(manifest["files"][0]), manifest["files"][0] | {"name": "../../2026-11-22/1/bao-cao.pdf"}]


def lie_in_words(manifest: dict[str, Any]) -> None:
    words = manifest["words"]
    words["urged"] = [{}]
    words["budget"]["spent_in_period"] = 1
    words["agencies"][0]["name"] = "Sở Khác"


def lower_threshold(manifest: dict[str, Any]) -> None:
    manifest["words"]["thresholds"]["urge_delivered_below"] = 1.01


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            lie,
            [
                "csv/messages.csv: published with 7 rows, the file has",
                "publication_no: the manifest says 7, the ledger's row 2",
                "period.first: the manifest says 2026-11-01",
                "folder: the manifest says 2026/11/2026-11-22/1",
                "corrects: its manifest says",
                "bao-cao.html: stands in the folder and is not in the manifest",
                "manifest.json: lists bao-cao.pdf more than once",
                "which is no file of its folder",
            ],
        ),
        (
            lie_in_words,
            [
                "manifest.json: words.urged: published [{}], recomputed ",
                "words.budget.spent_in_period: published 1, recomputed",
            ],
        ),
        (lower_threshold, ["words.urged: published"]),
        (lambda manifest: manifest["words"]["agencies"][0].update(name="Sở Khác"), ["is not what the figures make"]),
        (lambda manifest: manifest.update(words=[1]), ["manifest.json: words: cannot be used"]),
        (lambda manifest: manifest["words"].pop("agencies"), ["manifest.json: words: cannot be used: KeyError"]),
    ],
    ids=["itself", "words", "threshold", "name", "words of another kind", "words without agencies"],
)
def test_false_manifest_is_found_although_all_hashes_fit(published, forge, change, said):
    forge(2, change)
    assert_named(faults(2), *said)


@pytest.mark.guarantee("publications", "a falsified file, row, manifest or fact is found and named")
def test_forger_who_also_mends_the_row_is_found_by_the_chain_and_the_facts(folder, forge):
    change_cell(folder / "csv/messages.csv", "delivered", "9999")
    forge(2, alone=True)
    assert_named(faults(2), "chain: publication 3 names", "column delivered: published 9999, recomputed")
    assert_named(faults(3), "chain: its row names")
    assert faults(1) == []


# ------------------------------------------------------------------------------------------- changes in the ledger


@pytest.fixture
def owner(published, rows) -> Callable[..., list[dict[str, Any]]]:
    """Switch off the ledger's triggers; return a function that runs SQL statements in the ledger."""
    rows("SET session_replication_role = replica")
    return rows


def test_neighbour_s_manifest_that_was_changed_and_a_row_that_is_gone_are_named(published, store, owner):
    """Verifying must also find a changed manifest of the next publication, and a deleted row of an earlier one."""
    rewrite(store / published[2].folder / MANIFEST, lambda old: old + b"\n")
    assert [each for each in faults(2) if each.startswith("chain")] == [
        f"chain: file://{store}/2026/11/2026-11-24/1/manifest.json of publication 3 was changed"
    ]
    owner("DELETE FROM motcua.publications WHERE publication_no = 1")
    assert_named(faults(2), "publication 1 is missing in the ledger")


def test_publications_cut_off_at_the_end_leave_a_folder_that_is_found(owner):
    """If the row of the newest publication is deleted, its folder must be reported as a folder without a row."""
    assert list(stray_folders()) == []
    owner("DELETE FROM motcua.publications WHERE publication_no = 4")
    assert [each.where for each in stray_folders()] == ["2026/11/2026-11-24/2"]
    shown = type_command("publications", "verify-all", exits=1)
    assert "2026/11/2026-11-24/2: holds a manifest.json that no row of the ledger names" in shown.output


@pytest.mark.parametrize("manifest", ["[]", '{"files": [1], "closing": {}}', '{"files": 3}'])
def test_row_whose_manifest_is_none_is_a_fault_and_no_traceback(owner, manifest):
    """A row whose stored manifest is malformed must be reported as a fault and not end in a traceback."""
    owner("UPDATE motcua.publications SET manifest = %s WHERE publication_no = 2", manifest)
    found = faults(2)
    assert_named(found, "the manifest of publication 2 has SHA-256")
    # The row still names the hash of the manifest file, so the other files are checked against that file.
    assert not [each for each in found if each.startswith(("csv", "bao-cao", "so-lieu"))]
    shown = type_command("publications", "show", "2", exits=None)
    assert shown.exception is None or isinstance(shown.exception, SystemExit)


def test_figures_that_were_changed_in_the_ledger_are_named(owner):
    owner(
        "UPDATE motcua.closing_messages SET delivered = delivered - 1, undelivered = undelivered + 1"
        " WHERE closing_no = 2 AND agency_code = %s AND delivered > 0",
        samples.TU_PHAP,
    )

    def true_figures(connection: Any, closing: Any) -> Figures:
        return small(SECOND_DAY).figures

    checked = verify_publication("2", true_figures, stored_orphans)
    said = [str(each) for each in checked.faults]
    assert_named(said, "ledger, audit.closing_messages: stored and not recomputed")
    assert checked.differing is not None
    assert {(each["agency"], each["figure"]) for each in checked.differing["listed"]} == {
        (samples.TU_PHAP, "delivered"),
        (samples.TU_PHAP, "undelivered"),
    }
    moved = {each["figure"]: int(each["became"]) - int(each["was"]) for each in checked.differing["listed"]}
    assert moved == {"delivered": 1, "undelivered": -1}
    assert "csv/messages.csv" in checked.differing["files"]
    assert any("column delivered: published" in each and "stored in the closing" in each for each in said)


def test_correction_that_hides_what_it_changed_and_one_that_names_nothing_are_found(owner, forge):
    """A correction must list each changed figure and name the publication that it corrects."""
    owner("DELETE FROM motcua.closing_changes WHERE figure = 'delivered'")
    found = faults(4)
    assert any("audit.closing_changes" in each and "delivered): not said, in truth" in each for each in found), found
    owner("UPDATE motcua.publications SET corrects = NULL WHERE publication_no = 4")
    forge(4, lambda manifest: manifest.update(corrects=None))
    assert_named(faults(4), "which is publication 3, but the row names nothing")


def test_difference_taken_out_of_everything_but_the_figures_is_found(owner):
    """A deleted row of differences must be found, because the stored figures still count it."""
    owner("DELETE FROM motcua.closing_differences WHERE closing_no = 2 AND reason = 'cut_off'")
    assert_named(faults(2), "only_source is 2, but 1 row(s) of differences are stored")
