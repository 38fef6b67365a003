"""Test publications, carrier statements and exports in an S3-compatible store, against a real server."""

from __future__ import annotations

import io
import socket
import tarfile
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest

from motcua.jobs.backup.files import Pack, put_back
from motcua.jobs.exports.taking import SETTLED, files_in, folder_of, has_unread_files, take_files
from motcua.jobs.personal_data import KEPT_FOR, remove_old_files
from motcua.jobs.publications.mailing import MOST_ATTACHED, _Writer
from motcua.jobs.publications.publishing import FileStands, StoreFailed, publications_store, publish, store_file
from motcua.jobs.publications.verifying import NoSuchPublication, stray_folders, verify_publication
from motcua.jobs.publications.verifying_in_turn import verify_in_turn
from motcua.reports.publication.files import MANIFEST
from motcua.settings import settings
from motcua.store.file_stores import _s3, open_store
from motcua.store.oversight.publications import list_publications
from motcua.store.s3 import Buckets
from tests.ground import in_ledger, type_command
from tests.integration.exports.conftest import CHANGES, HEADINGS, SOURCE, line, set_form_of
from tests.integration.publications.s3_server import BUCKET, S3Server, running_s3
from tests.integration.publications.world import correction_of, faults, small, stored_figures, stored_orphans

DRAWS = True
"""Tells conftest.py to make real PDFs and charts, so that the stored files have their real sizes."""
_names = iter(range(1000))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    with running_s3(tmp_path_factory.mktemp("s3")) as running:
        yield running


@pytest.fixture
def store(server: S3Server, configure: Callable[..., None]) -> str:
    """Configure the store of publications in an empty folder of the bucket; return the path of this folder.

    The Airflow connection ``ghi`` may write to the bucket, and ``doc`` may only read. The other connections are faulty.
    """
    _s3.cache_clear()
    place = f"{BUCKET}/{next(_names)}"
    configure(
        AIRFLOW_CONN_GHI=server.connection(),
        AIRFLOW_CONN_DOC=server.connection("reader"),
        AIRFLOW_CONN_SAI=server.connection(password="not-the-secret"),
        AIRFLOW_CONN_NGUOI_LA=server.connection("nobody"),
        AIRFLOW_CONN_IM_LANG=server.connection(extra={"endpoint_url": "http://127.0.0.1:1"}),
        AIRFLOW_CONN_THIEU=server.connection(password=None),
        MOTCUA_PUBLICATIONS=f"s3://ghi@{place}/cong-bo",
    )
    return place


def objects(store: str) -> dict[str, bytes]:
    """Return the content of all objects in the test's folder of the bucket, by their names."""
    root = open_store(f"s3://ghi@{store}")
    return {path.path.removeprefix(f"{store}/"): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_s3_store_publishes_corrects_lists_mails_and_verifies_as_a_folder_does(closings, store):
    first = publish(closings())
    second = publish(closings(correction_of(small()), corrects=first.closing_no))
    assert (first.folder, second.folder) == ("2026/11/2026-11-24/1", "2026/11/2026-11-24/2")
    assert faults(1) == faults(2) == []
    assert list(stray_folders()) == []
    assert {key.removeprefix(f"cong-bo/{first.folder}/") for key in objects(store) if first.folder in key} == {
        *(each["name"] for each in first.manifest["files"]),
        MANIFEST,
    }
    (attached,), left_out = _Writer("department", MOST_ATTACHED)._attachments(first, [("Báo cáo", "bao-cao.pdf")])
    assert left_out == []
    assert attached.content == objects(store)[f"cong-bo/{first.folder}/bao-cao.pdf"]
    said = type_command("publications", "show", "1", exits=None)
    assert (said.exit_code, f"s3://ghi@{store}/cong-bo/{first.folder}" in said.output) == (0, True)
    # An auditor with a key that only reads must be able to verify by the folder's address.
    checked = verify_publication(f"s3://doc@{store}/cong-bo/{first.folder}", stored_figures, stored_orphans)
    assert (checked.publication.publication_no, checked.faults) == (1, [])


def test_object_that_was_replaced_removed_or_added_is_found(closings, store):
    published = publish(closings())
    folder = publications_store() / published.folder
    (folder / "bao-cao.html").write_bytes(b"<p>other words</p>")
    (folder / "csv" / "reasons.csv").unlink()
    (folder / "them.txt").write_bytes(b"x")
    found = "\n".join(faults(1))
    assert "bao-cao.html: published with SHA-256" in found
    assert "csv/reasons.csv: is missing" in found
    assert "them.txt: stands in the folder and is not in the manifest" in found
    (publications_store() / "2026/11/2026-11-23/1" / MANIFEST).write_bytes(b"{}")
    assert [stray.where for stray in stray_folders()] == ["2026/11/2026-11-23/1"]


@pytest.mark.guarantee(
    "publications", "publishing to an object store never overwrites an object that another writer made"
)
def test_object_that_somebody_else_wrote_meanwhile_is_never_overwritten(store, monkeypatch):
    path = publications_store() / "2026" / "a.txt"
    store_file(path, b"theirs")
    monkeypatch.setattr(type(path), "exists", lambda self: False)
    with pytest.raises(FileStands, match="never overwritten"):
        store_file(path, b"ours")
    store_file(path, b"theirs")
    assert objects(store) == {"cong-bo/2026/a.txt": b"theirs"}


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ("s3://sai@{store}/cong-bo", r"refuses the access key of the Airflow connection sai"),
        ("s3://nguoi_la@{store}/cong-bo", r"refuses the access key of the Airflow connection nguoi_la"),
        ("s3://doc@{store}/cong-bo", r"connection doc, or the key has too few rights in the bucket {bucket}"),
        ("s3://ghi@khong-co/cong-bo", r"the S3 store http://127.0.0.1:\d+ has no bucket khong-co"),
        ("s3://im_lang@{store}/cong-bo", r"the S3 store http://127.0.0.1:1 does not answer"),
        ("s3://chua_dat@{store}/cong-bo", r"there is no Airflow connection chua_dat: set AIRFLOW_CONN_CHUA_DAT"),
        ("s3://thieu@{store}/cong-bo", r"connection thieu lacks its access key \(login\) or its secret key"),
        ("s3://{store}/cong-bo", r"names no Airflow connection: s3://connection@bucket/folder"),
    ],
)
def test_unusable_store_is_reported_in_words_and_nothing_is_published(closings, store, configure, where, said):
    number, other = closings(), where.format(store=store, bucket=BUCKET)
    configure(MOTCUA_PUBLICATIONS=other)
    with pytest.raises(StoreFailed, match=said.format(store=store, bucket=BUCKET)) as refused:
        publish(number)
    assert "Nothing was published" in str(refused.value)
    assert "secret-of" not in str(refused.value)
    assert in_ledger(list_publications) == []
    assert objects(store) == {}
    # A wrong address must not create a bucket.
    with pytest.raises(OSError, match="has no bucket khong-co"):
        open_store("s3://ghi@khong-co/x").exists()


@pytest.mark.guarantee(
    "publications",
    "if the object store does not answer, `motcua verify` reports a store that cannot be read, and no falsification",
)
@pytest.mark.parametrize("connection", ["sai", "im_lang", "chua_dat"])
def test_store_that_does_not_answer_is_no_verdict_on_what_it_holds(closings, store, configure, connection):
    publish(closings())
    configure(MOTCUA_PUBLICATIONS=f"s3://{connection}@{store}/cong-bo")
    with pytest.raises(NoSuchPublication, match=r"the store of publications, s3://.*, cannot be read: "):
        faults(1)
    shown = type_command("verify", "1", exits=2)
    assert "cannot be read" in " ".join(shown.output.split())
    night = verify_in_turn("scheduled__1")
    assert (night.verified, night.failed, night.strays) == (0, (1,), 0)


class Cut:
    """A proxy that forwards ``most`` bytes from a client to the S3 server, and then cuts the connection."""

    def __init__(self, port: int, most: int) -> None:
        self.most, self.cut = most, 0
        self._port = port
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self._listening.close()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                server = socket.create_connection(("127.0.0.1", self._port))
                threading.Thread(target=self._forward, args=(server, client, 1 << 40), daemon=True).start()
                threading.Thread(target=self._forward, args=(client, server, self.most), daemon=True).start()

    def _forward(self, source: socket.socket, target: socket.socket, most: int) -> None:
        with suppress(OSError):
            while most and (read := source.recv(min(most, 65536))):
                target.sendall(read)
                most -= len(read)
            self.cut += not most
        # Shutting both sockets down ends the thread of the other direction too.
        for each in (source, target):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)


@pytest.mark.guarantee("publications", "an upload that breaks off leaves no part of a file; the next try goes on")
def test_upload_that_breaks_off_leaves_no_part_of_a_file_and_the_next_try_goes_on(closings, store, server, configure):
    number = closings()
    between = Cut(server.port, most=60_000)
    configure(
        AIRFLOW_CONN_DUT=server.connection(extra={"endpoint_url": f"http://127.0.0.1:{between.port}"}),
        MOTCUA_PUBLICATIONS=f"s3://dut@{store}/cong-bo",
    )
    with pytest.raises(StoreFailed):
        publish(number)
    between.close()
    assert between.cut, "the connection must be cut while a file is on its way"
    before = objects(store)
    configure(MOTCUA_PUBLICATIONS=f"s3://ghi@{store}/cong-bo")
    published = publish(number)
    assert published.folder == "2026/11/2026-11-24/1"
    # Each object that was stored before the connection was cut must be whole and unchanged.
    assert objects(store).items() >= before.items()
    assert len(objects(store)) > len(before)
    assert faults(1) == []


def test_backup_takes_publications_from_it_and_a_restore_puts_them_back(closings, store, configure, tmp_path):
    publish(closings())
    kept = objects(store)
    pack = Pack(publications_store())
    with pack.open() as stream:
        archive = stream.read()
    with tarfile.open(fileobj=io.BytesIO(archive)) as members:
        names = {f"cong-bo/{member.name}" for member in members}
    assert names == set(kept)
    assert pack.files == len(kept)
    other = open_store(f"s3://ghi@{store}/khac")
    assert put_back(other, lambda stream: bool(stream.write(archive))).written == len(kept)
    assert put_back(other, lambda stream: bool(stream.write(archive))).same == len(kept)
    assert {key.removeprefix("khac/"): content for key, content in objects(store).items() if "khac/" in key} == {
        key.removeprefix("cong-bo/"): content for key, content in kept.items()
    }


def test_statements_with_numbers_that_lie_in_it_are_removed_after_their_term(store, configure):
    """Carrier statements hold phone numbers, so they are deleted after their retention time. Other files stay."""
    configure(MOTCUA_STATEMENTS=f"s3://ghi@{store}/sao-ke")
    folder = open_store(settings().statements_url)
    store_file(folder / "vnpt" / "2026-10.csv", b"0905000001")
    store_file(folder / "khac.csv", b"0905000002")
    store_file(publications_store() / "a.txt", b"x")
    now = datetime.now(UTC)
    assert remove_old_files(now + KEPT_FOR - timedelta(days=1)).removed == 0
    done = remove_old_files(now + KEPT_FOR + timedelta(days=1))
    assert (done.removed, done.refused) == (2, 0)
    assert set(objects(store)) == {"cong-bo/a.txt"}


def test_exports_in_it_are_found_by_one_listing_and_each_is_taken_once(
    ledger, agencies, read_here, store, configure, monkeypatch
):
    """Export files in S3 are found with fewer requests than there are files, and each file is read only once.

    One-stop software may write a file each minute, so that one request for each file would take minutes.
    """
    configure(MOTCUA_FILES=f"s3://ghi@{store}/tep", MOTCUA_SOURCES=f"{SOURCE}=files")
    set_form_of(CHANGES)
    folder = folder_of(SOURCE)
    for number in range(6):
        store_file(folder / f"xuất #{number}?.csv", "\n".join((HEADINGS, line(f"H-{number}"), "")).encode())
    store_file(folder / ".ẩn", b"x")
    asked = []
    ask = Buckets._call_s3

    async def note(self, method, *arguments, **named):
        asked.append(method)
        return await ask(self, method, *arguments, **named)

    monkeypatch.setattr(Buckets, "_call_s3", note)
    assert len(list(files_in(SOURCE))) == 6
    assert len(asked) < 6, asked
    now = datetime.now(UTC)
    assert take_files(SOURCE, now).waiting == 6
    assert take_files(SOURCE, now + SETTLED).taken == 6
    assert not has_unread_files(SOURCE)


def test_process_that_was_forked_opens_the_store_for_itself(store, monkeypatch):
    parents = publications_store().fs
    assert publications_store().fs is parents
    monkeypatch.setattr("motcua.store.file_stores.os.getpid", lambda: -1)
    childs = publications_store().fs
    monkeypatch.undo()
    # Airflow itself would give the child its parent's file system, whose network connections the child cannot use.
    assert childs is not parents
