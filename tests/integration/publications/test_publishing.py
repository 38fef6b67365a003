"""Test that each closing (the stored figures of a finished period) is published exactly once, even after a failed try.

A publication is never overwritten, and names the checksum of the previous publication.
"""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path
from typing import Any

import psycopg
import pytest

from motcua.jobs.publications import publishing
from motcua.jobs.publications.publishing import FileStands, StoreFailed, publications_store, publish
from motcua.jobs.publications.verifying import stray_folders
from motcua.reports.publication.files import FIRST, MANIFEST, PDF, WORKBOOK
from motcua.store.agencies import save_agencies
from motcua.store.oversight.publications import list_publications
from tests import reconciliation_samples as samples
from tests.ground import agency, in_ledger, in_memory, type_command
from tests.integration.publications.world import (
    FIRST_DAY,
    SECOND_DAY,
    Killed,
    correction_of,
    die,
    everything_in,
    faults,
    small,
)

PLACE = "2026/11/2026-11-24"


def rename_agency() -> None:
    in_ledger(save_agencies, [agency(samples.NHA_TRANG, name="Ủy ban nhân dân thành phố Nha Trang (mới)")], "tests")


def test_publication_is_what_its_manifest_and_its_row_say_and_is_published_once(closings, store):
    number = closings()
    published = publish(number)
    assert published.folder == f"{PLACE}/1"
    found = everything_in(store / published.folder)
    manifest = json.loads(found[MANIFEST])
    assert manifest == published.manifest
    assert sha256(found[MANIFEST]).hexdigest() == published.manifest_sha256
    assert published.previous_sha256 == manifest["previous"]["manifest_sha256"] == FIRST
    assert set(found) == {each["name"] for each in manifest["files"]} | {MANIFEST}
    for each in manifest["files"]:
        assert (sha256(found[each["name"]]).hexdigest(), len(found[each["name"]])) == (each["sha256"], each["size"])
    assert {each["name"]: each["rows"] for each in manifest["files"]}["csv/differences.csv"] == 2
    assert (manifest["closing"]["known_history"], manifest["closing"]["period"]) == (34_567, "2026-11-24")
    assert manifest["queries"]
    assert faults(1) == []
    assert publish(number) == published
    assert everything_in(store / published.folder) == found
    with pytest.raises(LookupError, match="no closing 99"):
        publish(99)


def test_correction_is_a_publication_that_names_the_old_one_and_leaves_it_as_it_is(closings, store):
    first, other = publish(closings()), publish(closings(small(SECOND_DAY)))
    before = everything_in(store)
    corrected = publish(closings(correction_of(small()), corrects=first.closing_no))
    assert (corrected.folder, corrected.corrects) == (f"{PLACE}/2", first.publication_no)
    assert corrected.manifest["corrects"] == {
        "publication_no": 1,
        "folder": first.folder,
        "manifest_sha256": first.manifest_sha256,
    }
    assert corrected.previous_sha256 == other.manifest_sha256
    named = f"được đính chính: số 1, thư mục {first.folder}, mã SHA-256 của tệp kê {first.manifest_sha256}."
    assert named in (store / corrected.folder / "bao-cao.html").read_text("utf-8")
    assert everything_in(store).items() >= before.items()
    assert faults(1) == faults(3) == []


# ------------------------------------------------------------------------------------- publishing that is killed


def killed(where: Any, name: str, number: int, count: int = 0, *, in_the_middle: Callable[..., Any] = die) -> None:
    """Publish a closing, and raise ``Killed`` in the function ``name`` after ``count`` successful calls."""
    left, real = count, getattr(where, name)

    def step(*given: Any) -> Any:
        nonlocal left
        left -= 1
        return in_the_middle(*given) if left < 0 else real(*given)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(where, name, step)
        patch.setattr(publishing, "save_publication", step if name == "save_publication" else die)
        with pytest.raises(Killed):
            publish(number)


@pytest.mark.guarantee(
    "publications", "if publishing is killed at any step, the next try makes exactly one publication"
)
def test_whatever_step_it_dies_in_the_next_try_makes_the_one_publication(closings, store):
    number, real_save = closings(), publishing.save_publication

    def with_half_a_file(path: Path, target: Path) -> None:
        path.chmod(0o644)
        path.write_bytes(path.read_bytes()[:100])
        die()

    for count in (0, 1, 13):
        killed(publishing, "store_file", number, count)
    killed(Path, "rename", number, 0, in_the_middle=with_half_a_file)
    killed(publishing, "save_publication", number)
    killed(publishing, "save_publication", number, in_the_middle=lambda *given: (real_save(*given), die()))
    assert in_ledger(list_publications) == []
    published = publish(number)
    assert (published.publication_no, published.folder) == (1, f"{PLACE}/1")
    assert set(everything_in(store / published.folder)) == {each["name"] for each in published.manifest["files"]} | {
        MANIFEST
    }
    assert faults(1) == []


@pytest.mark.parametrize(("where", "count"), [("folder", 15), ("memory", 5)])
def test_try_that_died_and_of_which_something_changed_since_is_left_and_the_next_one_publishes(
    closings, store, configure, count, where
):
    """If facts change after publishing was killed, its files stay, and the next try publishes into a new folder."""
    if where == "memory":
        configure(MOTCUA_PUBLICATIONS=in_memory(f"reports/{store.parent.name}/{count}"))
    number = closings()
    killed(publishing, "store_file", number, count)
    base = publications_store()
    rest = {str(path): path.read_bytes() for path in base.rglob("*") if path.is_file()}
    assert len(rest) == count
    rename_agency()
    published = publish(number)
    assert published.folder == f"{PLACE}/2"
    assert {str(path): path.read_bytes() for path in base.rglob("*") if path.is_file()}.items() >= rest.items()
    assert [each.where for each in stray_folders()] == ([f"{PLACE}/1"] if count == 15 else [])
    corrected = publish(closings(correction_of(small()), corrects=published.closing_no))
    assert corrected.folder == f"{PLACE}/3"
    assert faults(1) == faults(2) == []


def test_half_files_of_a_try_that_died_are_no_part_and_a_file_that_is_not_made_again_is_none(closings, store):
    """The next try must publish no half-written file of a killed try, and no file that only the killed try made."""
    number = closings()
    killed(publishing, "store_file", number, 3)
    for name in (WORKBOOK, PDF, "csv/messages.csv"):
        part = (store / PLACE / "1" / name).with_name(f".{Path(name).name}.part")
        part.parent.mkdir(exist_ok=True)
        part.write_bytes(b"half")
        part.chmod(0o444)
    assert publish(number).folder == f"{PLACE}/1"
    assert not [name for name in everything_in(store) if name.endswith(".part")]
    other = closings(small(SECOND_DAY))
    killed(publishing, "store_file", other, 14)
    # Add an agency's workbook, as if only the killed try had made it.
    (store / "2026/11/2026-11-23/1/co-quan/000.00.99.H32.xlsx").write_bytes(b"of the try before")
    assert publish(other).folder == "2026/11/2026-11-23/2"
    assert faults(1) == faults(2) == []


def test_file_with_other_bytes_is_not_overwritten_and_the_next_folder_is_taken(closings, store, caplog):
    stranger = store / PLACE / "1/so-lieu.xlsx"
    stranger.parent.mkdir(parents=True)
    stranger.write_bytes(b"somebody's own")
    assert publish(closings()).folder == f"{PLACE}/2"
    assert (
        "2026-11-24/1 holds so-lieu.xlsx, left by an earlier try or by somebody else; it is not changed" in caplog.text
    )
    assert everything_in(stranger.parent) == {"so-lieu.xlsx": b"somebody's own"}
    assert faults(1) == []


def test_published_folder_whose_row_was_lost_with_a_restored_database_is_never_written_to(closings, store, rows):
    first = publish(closings())
    before = everything_in(store)
    rows("ALTER TABLE motcua.publications DISABLE TRIGGER ALL")
    rows("DELETE FROM motcua.publications")
    rename_agency()
    assert publish(first.closing_no).folder != first.folder
    assert everything_in(store).items() >= before.items()
    assert faults(1) == []


def test_two_at_once_publish_once_each_closing_and_keep_the_chain(closings):
    """Processes that publish the same closings at once must not publish one twice or break the chain of checksums."""
    numbers = [closings(small(day)) for day in (FIRST_DAY, SECOND_DAY)]
    with ThreadPoolExecutor(4) as publishers:
        assert sorted(each.publication_no for each in publishers.map(publish, numbers * 2)) == [1, 1, 2, 2]
    first, second = in_ledger(list_publications)
    assert second.previous_sha256 == first.manifest_sha256
    assert faults(1) == faults(2) == []


def test_ledger_refuses_a_publication_out_of_order_and_every_change_of_one(closings, rows):
    published, other = publish(closings()), closings(small(SECOND_DAY))
    insert = (
        "INSERT INTO motcua.publications (publication_no, closing_no, folder, manifest_sha256, previous_sha256,"
        " manifest) VALUES (%s, %s, 'x', repeat('1', 64), %s, '{}')"
    )
    for typed, *given in (
        (insert, 3, other, published.manifest_sha256),
        (insert, 2, other, "0" * 64),
        ("UPDATE motcua.publications SET folder = 'y'",),
        ("DELETE FROM motcua.publications",),
    ):
        with pytest.raises(psycopg.Error) as refused:
            rows(typed, *given)
        assert refused.value.sqlstate == "MC001"


# ------------------------------------------------------------------------------------------------------- the store


def test_object_store_serves_as_a_folder_does(closings, configure):
    """Publications in an object store can be verified, and no published file is overwritten."""
    configure(MOTCUA_PUBLICATIONS=in_memory("reports/motcua"))
    first, second = publish(closings()), publish(closings(small(SECOND_DAY)))
    assert faults(1) == []
    path = publications_store() / first.folder / "csv/agencies.csv"
    path.write_bytes(b"x")
    with pytest.raises(FileStands):
        publishing.store_file(path, b"y")
    assert any("csv/agencies.csv: published with SHA-256" in each for each in faults(1))
    assert faults(str(publications_store() / second.folder)) == []


def test_store_that_takes_nothing_and_a_full_disk_are_told_and_the_next_try_goes_on(
    closings, store, configure, tmp_path, monkeypatch
):
    # If the store cannot be written, publishing names the reason and publishes nothing. The next try succeeds.
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    number = closings()
    with monkeypatch.context() as disk:
        disk.setattr(os, "fsync", full)
        with pytest.raises(
            StoreFailed, match=r"cannot be used: No space left on device.* Nothing was published.* clear the"
        ):
            publish(number)
    assert everything_in(store) == {}, "no half-written file may stay"
    (tmp_path / "file").write_text("x")
    configure(MOTCUA_PUBLICATIONS=f"file://{tmp_path / 'file'}")
    with pytest.raises(StoreFailed, match=r"cannot be used: .*Nothing was published"):
        publish(number)
    assert in_ledger(list_publications) == []
    assert "Nothing is published yet." in type_command("publications", "verify-all").output
    for arguments in (["verify", "9"], ["publications", "show", "9"]):
        assert "there is no publication 9" in type_command(*arguments, exits=2).stderr
    configure(MOTCUA_PUBLICATIONS=f"file://{store}")
    assert publish(number).folder == f"{PLACE}/1"
    assert faults(1) == []
