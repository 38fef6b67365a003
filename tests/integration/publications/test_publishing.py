"""Publications: published once, never overwritten, chained, and found out whatever is doctored."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from motcua.domain.periods import Period
from motcua.domain.reconciliation import Change, Figures, ReconciliationReport
from motcua.jobs.publications import publishing
from motcua.jobs.publications.publishing import FileStands, publish
from motcua.jobs.publications.verification import MOST_TOLD
from motcua.jobs.publications.verifying import NoSuchPublication, verify_all, verify_publication
from motcua.jobs.reconciliation.closing import close_period
from motcua.reports.publication.files import FIRST, MANIFEST, canonical
from motcua.store.agencies import save_agencies
from motcua.store.ledger.database import connect
from motcua.store.ledger.queries import statement
from motcua.store.oversight.closings import hash_figures, load_figures, load_orphans, save_closing
from motcua.store.oversight.publications import Publication, list_publications
from tests import reconciliation_samples as samples
from tests.ground import NOW, agency, connection_uri, in_ledger, in_memory, take_in, type_command

DAY = Period.parse("2026-11-25")
MORNING = DAY.end + timedelta(hours=6, minutes=30)


@pytest.fixture
def store(tmp_path: Path, configure: Callable[..., None]) -> Path:
    """Folder of the publications."""
    folder = tmp_path / "công bố"
    configure(MOTCUA_PUBLICATIONS=f"file://{folder}")
    return folder


@pytest.fixture
def closings(ledger: str, store: Path) -> Callable[..., int]:
    """Stores a closing with the figures of a sample, small, and gives its number."""
    with connect() as connection:
        save_agencies(
            connection,
            [
                agency(each.agency_code, name=each.name)
                for each in samples.agency_words()
                if each.agency_code in (samples.NHA_TRANG, samples.TU_PHAP)
            ],
            "tests",
        )
        connection.execute(statement("sources/ensure"), {"name": "khanhhoa", "adapter": "contract"})

    def close(report: ReconciliationReport | None = None, **changes: Any) -> int:
        own = report or small()
        closing = replace(own.closing, **changes)
        figures_hash = hash_figures(own.figures, own.differences, own.orphans)
        saved = in_ledger(
            save_closing,
            replace(closing, figures_hash=figures_hash),
            own.figures,
            own.differences,
            own.orphans,
            own.changes,
        )
        return saved.closing_no

    return close


def small(period: Period = samples.DAY) -> ReconciliationReport:
    """Two agencies, so that a publication is made in a moment."""
    kept = samples.report(period)
    codes = {samples.NHA_TRANG, samples.TU_PHAP}

    def own(rows: Any) -> Any:
        return tuple(row for row in rows if row.agency_code in codes)

    figures = Figures(
        own(kept.figures.dossiers),
        own(kept.figures.messages),
        own(kept.figures.reasons),
        tuple(row for row in kept.figures.timings if row.agency_code in codes),
        own(kept.figures.agencies),
    )
    # Its two differences have a reason, so that the figures say so too.
    return with_cell(replace(kept, figures=figures), at_source=2, only_source=2)


def with_cell(report: ReconciliationReport, **more: int) -> ReconciliationReport:
    """Adds to the figures of Nha Trang's results of one procedure."""
    rows = list(report.figures.messages)
    keys = [(row.agency_code, row.procedure_code, row.kind) for row in rows]
    place = keys.index((samples.NHA_TRANG, "1.005129", "result"))
    rows[place] = replace(rows[place], **{name: getattr(rows[place], name) + each for name, each in more.items()})
    return replace(report, figures=replace(report.figures, messages=tuple(rows)))


def correction_of(report: ReconciliationReport) -> ReconciliationReport:
    """One message was delivered after all."""
    corrected = with_cell(report, delivered=1, suppressed=-1)
    changes = []
    for old, new in zip(report.figures.messages, corrected.figures.messages, strict=True):
        changes += [
            Change(
                new.agency_code,
                new.procedure_code,
                new.kind,
                name,
                getattr(old, name),
                getattr(new, name),
                ("late_receipt",),
            )
            for name in ("suppressed", "delivered")
            if old != new
        ]
    return replace(corrected, changes=tuple(changes))


def stored_figures(connection: Any, closing: Any) -> Figures:
    """Stands for the count from the facts, which these closings do not have."""
    return load_figures(connection, closing.closing_no)


def stored_orphans(connection: Any, closing: Any) -> Any:
    return load_orphans(connection, closing.closing_no)


def faults(which: object) -> list[str]:
    return [str(each) for each in verify_publication(str(which), stored_figures, stored_orphans).faults]


def everything_in(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


# ------------------------------------------------------------------------------------------------- publishing


def test_publication_is_what_its_manifest_and_its_row_say(closings, store):
    published = publish(closings())
    assert published.folder == "2026/11/2026-11-24/1"
    folder = store / published.folder
    manifest = json.loads((folder / MANIFEST).read_bytes())
    assert manifest == published.manifest
    assert sha256((folder / MANIFEST).read_bytes()).hexdigest() == published.manifest_sha256
    assert published.previous_sha256 == manifest["previous"]["manifest_sha256"] == FIRST
    found = everything_in(folder)
    assert set(found) == {each["name"] for each in manifest["files"]} | {MANIFEST}
    for each in manifest["files"]:
        assert (sha256(found[each["name"]]).hexdigest(), len(found[each["name"]])) == (each["sha256"], each["size"])
    assert {each["name"]: each["rows"] for each in manifest["files"]}["csv/differences.csv"] == 2
    assert manifest["closing"]["known_history"] == 34_567
    assert manifest["closing"]["period"] == "2026-11-24"
    assert manifest["queries"]
    assert faults(1) == []


def test_published_twice_is_published_once(closings, store):
    number = closings()
    first = publish(number)
    before = everything_in(store)
    again = publish(number)
    assert again == first
    assert everything_in(store) == before
    with pytest.raises(LookupError, match="no closing 99"):
        publish(99)


def test_correction_is_a_publication_that_names_the_old_one_and_leaves_it_as_it_is(closings, store):
    first = publish(closings(small()))
    other = publish(closings(small(Period.parse("2026-11-23"))))
    before = everything_in(store)
    corrected = publish(
        closings(correction_of(small()), corrects=first.closing_no),
    )
    assert corrected.folder == "2026/11/2026-11-24/2"
    assert corrected.corrects == first.publication_no
    assert corrected.manifest["corrects"] == {
        "publication_no": 1,
        "folder": first.folder,
        "manifest_sha256": first.manifest_sha256,
    }
    assert corrected.previous_sha256 == other.manifest_sha256
    html = (store / corrected.folder / "bao-cao.html").read_text("utf-8")
    assert (
        f"Bản này đính chính bản số 1 (thư mục {first.folder}, mã SHA-256 của tệp kê: {first.manifest_sha256})" in html
    )
    assert everything_in(store).items() >= before.items()
    assert faults(1) == faults(2) == faults(3) == []


def test_file_with_other_bytes_is_not_overwritten_and_the_next_folder_is_taken(closings, store, caplog):
    stranger = store / "2026/11/2026-11-24/1/so-lieu.xlsx"
    stranger.parent.mkdir(parents=True)
    stranger.write_bytes(b"somebody's own")
    published = publish(closings())
    assert published.folder == "2026/11/2026-11-24/2"
    assert "2026-11-24/1 holds so-lieu.xlsx: the rest of another try or somebody's; left as it is" in caplog.text
    assert everything_in(stranger.parent) == {"so-lieu.xlsx": b"somebody's own"}
    assert faults(1) == []


class Killed(BaseException):
    """The process is gone."""


def die() -> None:
    raise Killed


@pytest.mark.guarantee("publications", "wherever publishing dies, the next try makes the one publication")
def test_whatever_step_it_dies_in_the_next_try_makes_the_one_publication(closings, store):
    number = closings()
    real_store, real_rename = publishing.store_file, Path.rename

    def killed(where: Any, name: str, stand_in: Callable[..., Any]) -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(where, name, stand_in)
            with pytest.raises(Killed):
                publish(number)

    def killed_before_file(count: int) -> None:
        left = count

        def stand_in(path: Any, content: bytes) -> None:
            nonlocal left
            if left == 0:
                die()
            left -= 1
            real_store(path, content)

        killed(publishing, "store_file", stand_in)

    def killed_with_half_a_file(count: int) -> None:
        left = count

        def stand_in(path: Path, target: Path) -> Path:
            nonlocal left
            if left == 0:
                path.chmod(0o644)
                path.write_bytes(path.read_bytes()[:100])
                die()
            left -= 1
            return real_rename(path, target)

        killed(Path, "rename", stand_in)

    killed_before_file(0)
    killed_with_half_a_file(0)
    killed_before_file(1)
    killed_with_half_a_file(3)
    killed_before_file(7)
    killed_before_file(13)
    killed(publishing, "save_publication", lambda *_: die())
    real_save = publishing.save_publication
    killed(publishing, "save_publication", lambda *given: (real_save(*given), die()))
    assert in_ledger(list_publications) == []
    published = publish(number)
    assert published.publication_no == 1
    assert set(everything_in(store / published.folder)) == {each["name"] for each in published.manifest["files"]} | {
        MANIFEST
    }
    assert faults(1) == []


def test_two_at_once_publish_once_each_closing_and_keep_the_chain(closings, store):
    numbers = [closings(small(Period.parse(f"2026-11-{day}"))) for day in (20, 21)]
    made: list[Publication] = []
    threads = [threading.Thread(target=lambda number=number: made.append(publish(number))) for number in numbers * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(each.publication_no for each in made) == [1, 1, 2, 2]
    first, second = in_ledger(list_publications)
    assert second.previous_sha256 == first.manifest_sha256
    assert faults(1) == faults(2) == []


def test_database_itself_refuses_a_publication_that_does_not_follow_and_every_change(closings, store, rows):
    published = publish(closings())
    other = closings(small(Period.parse("2026-11-23")))
    for number, previous in ((3, published.manifest_sha256), (2, "0" * 64)):
        with pytest.raises(psycopg.Error) as refused:
            rows(
                "INSERT INTO motcua.publications (publication_no, closing_no, folder, manifest_sha256, previous_sha256,"
                " manifest) VALUES (%s, %s, 'x', %s, %s, '{}')",
                number,
                other,
                "1" * 64,
                previous,
            )
        assert refused.value.sqlstate == "MC001"
    for typed in ("UPDATE motcua.publications SET folder = 'y'", "DELETE FROM motcua.publications"):
        with pytest.raises(psycopg.Error) as refused:
            rows(typed)
        assert refused.value.sqlstate == "MC001"


# ------------------------------------------------------------------------------------------------- verifying


@pytest.fixture
def published(closings, store, made_once) -> Path:
    """Three publications; the folder of the second."""
    days = (Period.parse("2026-11-22"), Period.parse("2026-11-23"), samples.DAY)
    made = made_once("published", store, lambda: [publish(closings(small(day))) for day in days])
    return store / made[1].folder


def test_true_publications_hold_by_number_folder_manifest_and_copy(published, store, tmp_path):
    shutil.copytree(published, tmp_path / "đĩa")
    for which in (2, published, published / MANIFEST, "2026/11/2026-11-23/1", tmp_path / "đĩa", f"file://{published}"):
        checked = verify_publication(str(which), stored_figures, stored_orphans)
        assert checked.publication.publication_no == 2
        assert checked.faults == []
        assert "between 1 and 3" in checked.held[2]
    assert [each.publication.publication_no for each in verify_all(stored_figures)] == [1, 2, 3]


def test_object_store_serves_as_a_folder_does(closings, configure):
    configure(MOTCUA_PUBLICATIONS=in_memory("reports/motcua"))
    first, second = publish(closings()), publish(closings(small(Period.parse("2026-11-23"))))
    assert faults(1) == faults(2) == []
    path = publishing.publications_store() / first.folder / "csv/agencies.csv"
    path.write_bytes(b"x")
    with pytest.raises(FileStands):
        publishing.store_file(path, b"y")
    assert any("csv/agencies.csv: published with SHA-256" in each for each in faults(1))
    assert faults(str(publishing.publications_store() / second.folder)) == []


@pytest.mark.parametrize("which", ["7", "2026/11/2026-11-01/1", "/nowhere", "", MANIFEST])
def test_what_is_no_publication_is_told_in_a_sentence(published, which):
    with pytest.raises(NoSuchPublication):
        verify_publication(which, stored_figures, stored_orphans)


def rewrite(path: Path, change: Callable[[bytes], bytes]) -> None:
    path.chmod(0o644)
    path.write_bytes(change(path.read_bytes()))


def change_cell(path: Path, column: str, value: str) -> tuple[str, str]:
    """Puts another value into the second row; gives the row's words and the old value."""
    head, row, *rest = path.read_bytes().decode().split("\r\n")
    names, cells = head.split(","), row.split(",")
    old, cells[names.index(column)] = cells[names.index(column)], value
    rewrite(path, lambda _: "\r\n".join([head, ",".join(cells), *rest]).encode())
    return ", ".join(each.strip('"') or "–" for each in cells[1:4]), old


def test_changed_cell_is_named_with_both_values(published):
    name, old = change_cell(published / "csv/messages.csv", "delivered", "9999")
    said = faults(2)
    assert any("csv/messages.csv: published with SHA-256" in each for each in said)
    assert f"csv/messages.csv: row 2 ({name}), column delivered: published 9999, recomputed {old}" in said
    assert all(each.startswith("csv/messages.csv") for each in said)


def test_figures_that_were_changed_in_the_ledger_are_named(published, rows):
    rows("ALTER TABLE motcua.closing_messages DISABLE TRIGGER refuse_change")
    rows(
        "UPDATE motcua.closing_messages SET delivered = delivered - 1, undelivered = undelivered + 1"
        " WHERE closing_no = 2 AND agency_code = %s AND delivered > 0",
        samples.TU_PHAP,
    )

    def true_figures(connection: Any, closing: Any) -> Figures:
        return small(Period.parse("2026-11-23")).figures

    said = [str(each) for each in verify_publication("2", true_figures, stored_orphans).faults]
    assert any("ledger, audit.closing_messages: stored and not recomputed" in each for each in said)
    assert any("column delivered: published" in each and "stored in the closing" in each for each in said)


@pytest.mark.guarantee("publications", "a doctored file, row, manifest or fact is found and named")
@pytest.mark.parametrize(
    ("doctor", "said"),
    [
        (lambda folder: (folder / "bao-cao.pdf").unlink(), "bao-cao.pdf: is missing"),
        (lambda folder: rewrite(folder / "so-lieu.xlsx", lambda old: old + b" "), "so-lieu.xlsx: published with "),
        (
            lambda folder: rewrite(folder / "bao-cao.html", lambda old: old[:-9] + b"</HTML>\n "),
            "bao-cao.html: published",
        ),
        (
            lambda folder: (folder / "thêm.txt").write_text("x"),
            "thêm.txt: stands in the folder and is not in the manif",
        ),
        (lambda folder: rewrite(folder / MANIFEST, lambda _: b"{"), "manifest.json: is no JSON"),
        (lambda folder: (folder / MANIFEST).unlink(), "manifest.json: is missing"),
        (lambda folder: rewrite(folder / "csv/reasons.csv", lambda old: b"\xff"), "csv/reasons.csv: cannot be read"),
        (lambda folder: rewrite(folder / "csv/reasons.csv", lambda old: b"a,b\r\n"), "row 1: its columns are not"),
        (
            lambda folder: rewrite(folder / "csv/dossiers.csv", lambda old: old.rpartition(b"\r\n2,")[0] + b"\r\n"),
            "csv/dossiers.csv: the row (",
        ),
        (
            lambda folder: rewrite(folder / "csv/agencies.csv", lambda old: old + b"2,H99,0,0,0,0,0,0,0,0\r\n"),
            "row 4 (H99) is published, and not recomputed",
        ),
        (
            lambda folder: rewrite(folder / "csv/agencies.csv", lambda old: old + b"2,H99\r\n"),
            "row 4 has 2 cells, not 10",
        ),
        (
            lambda folder: rewrite(folder / "csv/differences.csv", lambda old: old.replace(b"-0007", b"-0008")),
            "is published, and not stored in the closing",
        ),
    ],
)
def test_each_doctored_file_is_found_and_named(published, doctor, said):
    doctor(published)
    assert any(said in each for each in faults(2)), faults(2)


def test_changed_manifest_says_which_value(published):
    manifest = json.loads((published / MANIFEST).read_bytes())
    manifest["closing"]["difference"] = 3
    manifest["files"][0]["sha256"] = "0" * 64
    rewrite(published / MANIFEST, lambda _: canonical(manifest))
    said = faults(published)
    assert "manifest.json: closing.difference: published 0, the file says 3" in said
    assert any(each.startswith("manifest.json: files[0].sha256: published ") for each in said)


def test_forger_who_also_mends_the_manifest_is_found_by_the_row(published):
    change_cell(published / "csv/messages.csv", "delivered", "9999")
    manifest = json.loads((published / MANIFEST).read_bytes())
    for each in manifest["files"]:
        each["sha256"] = sha256((published / each["name"]).read_bytes()).hexdigest()
        each["size"] = (published / each["name"]).stat().st_size
    rewrite(published / MANIFEST, lambda _: canonical(manifest))
    said = faults(2)
    assert any(each.startswith("manifest.json: published with SHA-256") for each in said)
    assert any("column delivered: published 9999, recomputed" in each for each in said)


@pytest.mark.guarantee("publications", "a doctored file, row, manifest or fact is found and named")
def test_forger_who_also_mends_the_row_is_found_by_the_chain_and_the_facts(published, rows):
    change_cell(published / "csv/messages.csv", "delivered", "9999")
    manifest = json.loads((published / MANIFEST).read_bytes())
    for each in manifest["files"]:
        each["sha256"] = sha256((published / each["name"]).read_bytes()).hexdigest()
        each["size"] = (published / each["name"]).stat().st_size
    rewrite(published / MANIFEST, lambda _: canonical(manifest))
    rows("ALTER TABLE motcua.publications DISABLE TRIGGER refuse_change")
    rows(
        "UPDATE motcua.publications SET manifest = %s, manifest_sha256 = %s WHERE publication_no = 2",
        json.dumps(manifest),
        sha256(canonical(manifest)).hexdigest(),
    )
    said = faults(2)
    assert any("chain: publication 3 names" in each for each in said)
    assert any("column delivered: published 9999, recomputed" in each for each in said)
    assert any("chain: its row names" in each for each in faults(3))
    assert faults(1) == []


def test_neighbour_s_manifest_that_was_changed_is_named(published, store):
    rewrite(store / "2026/11/2026-11-24/1" / MANIFEST, lambda old: old + b"\n")
    assert [each for each in faults(2) if each.startswith("chain")] == [
        f"chain: file://{store}/2026/11/2026-11-24/1/manifest.json of publication 3 was changed"
    ]


def test_row_that_is_gone_is_missed(published, rows):
    rows("ALTER TABLE motcua.publications DISABLE TRIGGER refuse_change")
    rows("DELETE FROM motcua.publications WHERE publication_no = 1")
    assert any("publication 1 is missing in the ledger" in each for each in faults(2))


def test_many_faults_are_counted(published):
    rewrite(published / "csv/messages.csv", lambda old: old.replace(b"\r\n2,", b"\r\n3,"))
    said = [each for each in faults(2) if each.startswith("csv/messages.csv: row")]
    assert len(said) <= 2 * MOST_TOLD


# ------------------------------------------------------------------------------------------------- with real facts


@pytest.fixture
def closed_day(one_stop, store) -> Publication:
    """A day with five results, picked up and planned, closed and published."""
    moment = NOW - timedelta(minutes=5)
    for number in range(5):
        code = f"H{number:04}"
        one_stop.both(
            4,
            code,
            desk=False,
            at=moment - timedelta(hours=1),
            received_at=moment - timedelta(days=5),
            updated_at=moment,
        )
        one_stop.move(9, code, at=moment)
    take_in()
    return publish(close_period(DAY, "tests", MORNING).closing.closing_no, MORNING)


@pytest.mark.guarantee("publications", "an auditor verifies against the facts without any other right")
def test_auditor_verifies_against_the_facts_without_any_other_right(closed_day, ledger, postgres, configure):
    configure(
        AIRFLOW_CONN_MOTCUA_DB=connection_uri(postgres.admin_dsn, "motcua_audit", conninfo_to_dict(ledger)["dbname"])
    )
    assert verify_publication("1").faults == []
    told = type_command("verify", "1")
    assert "Everything holds." in told.output
    type_command("publications", "list")
    type_command("publications", "show", "1")
    type_command("publications", "verify-all")


@pytest.mark.guarantee(
    "reconciliation",
    "each figure of messages and dossiers leads to as many rows as it says, down to the dossiers",
)
def test_auditor_opens_a_figure_down_to_its_dossiers(closed_day, ledger, postgres, configure):
    configure(
        AIRFLOW_CONN_MOTCUA_DB=connection_uri(postgres.admin_dsn, "motcua_audit", conninfo_to_dict(ledger)["dbname"])
    )
    told = type_command("closings", "rows", "1", "queued", "--agency", samples.NHA_TRANG, "--csv")
    head, *lines = told.output.splitlines()
    assert head.startswith("message_id,dossier_code,agency_code,")
    assert [line.split(",")[1] for line in lines] == [f"H{number:04}" for number in range(5)]
    shown = type_command("closings", "rows", "1", "open_in_time", "--limit", "2")
    assert "H0000" in shown.output
    assert "3 more" in shown.output
    type_command("closings", "rows", "1", "lost", exits=2)
    type_command("closings", "rows", "9", "queued", exits=2)


def test_fact_that_was_changed_behind_the_figures_is_found(closed_day, rows):
    rows("ALTER TABLE motcua.messages DISABLE TRIGGER ALL")
    rows("UPDATE motcua.messages SET state = 'expired', reason = 'too_late' WHERE message_id = 1")
    said = [str(each) for each in verify_publication("1").faults]
    assert any("column queued: published 5, recomputed 4" in each for each in said), said
    assert any("column expired: published 0, recomputed 1" in each for each in said)
    told = type_command("verify", "1", exits=1)
    assert "DIFFERS: csv/messages.csv" in told.output
    type_command("closings", "rows", "1", "queued", exits=1)


def test_move_taken_out_of_a_message_s_history_is_found(closed_day, rows):
    rows("UPDATE motcua.messages SET state = 'sending' WHERE message_id = 2")
    rows("UPDATE motcua.messages SET state = 'accepted' WHERE message_id = 2")
    rows("ALTER TABLE motcua.message_history DISABLE TRIGGER ALL")
    rows("DELETE FROM motcua.message_history WHERE message_id = 2 AND to_state = 'sending'")
    said = [str(each) for each in verify_publication("1").faults]
    assert any("the moves of message 2 do not join" in each for each in said), said


def test_purged_personal_data_changes_nothing(closed_day, rows):
    rows("ALTER TABLE motcua.dossiers DISABLE TRIGGER ALL")
    rows(
        "UPDATE motcua.dossiers"
        " SET applicant_name = NULL, applicant_phone = NULL, msisdn = NULL, phone_refusal = 'missing'"
    )
    rows("ALTER TABLE motcua.messages DISABLE TRIGGER ALL")
    rows("UPDATE motcua.messages SET msisdn = NULL, text = '', parameters = '{}'")
    assert verify_publication("1").faults == []


def test_operator_s_mistake_is_a_sentence(store, ledger):
    for arguments in (["verify", "9"], ["publications", "show", "9"]):
        told = type_command(*arguments, exits=2)
        assert "there is no publication 9" in told.stderr
