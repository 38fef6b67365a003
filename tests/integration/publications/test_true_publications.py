"""Test verifying against the ledger: a true publication passes, whatever changes later, and a forged one fails."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from motcua.domain.run_window import EVERYTHING
from motcua.jobs.notices.picking_up import pick_up
from motcua.jobs.publications import verifying_again
from motcua.jobs.publications.publishing import publish
from motcua.jobs.publications.verifying import stray_folders, verify_publication
from motcua.jobs.reconciliation import reporting
from motcua.jobs.reconciliation.closing import close_period
from motcua.jobs.reconciliation.reporting import queries_used, query_version
from motcua.reports import wording
from motcua.reports.publication.files import MANIFEST, PAGE, PDF, WORKBOOK, canonical
from motcua.store.agencies import save_agencies
from motcua.store.ledger.database import connect
from motcua.store.oversight.closings import hash_figures, load_differences, load_figures, load_orphans
from motcua.store.oversight.publications import Publication, list_definitions
from tests import reconciliation_samples as samples
from tests.ground import NHA_TRANG, NOW, agency, connection_uri, in_ledger, take_in, type_command
from tests.integration.publications.world import (
    DAY,
    MORNING,
    assert_named,
    everything_in,
    faults_by_facts,
    rewrite,
)
from tests.unit.jobs.test_reporting import NAMED_BEFORE, PUBLISHED_BY_0_2_0


@pytest.fixture
def day(one_stop: Any, store: Path, made_once: Callable[..., Publication]) -> Publication:
    """Publish a day with five queued results, a result without a phone, and a dossier handed over without a message."""

    def make() -> Publication:
        at = NOW - timedelta(minutes=5)
        for number in range(6):
            code, phone = f"H{number:04}", None if number == 0 else "0905123456"
            came = {"received_at": at - timedelta(hours=2), "updated_at": at, "applicant_phone": phone}
            one_stop.both(4, code, desk=False, at=at - timedelta(hours=1), **came)
            one_stop.move(9, code, at=at)
        one_stop.dossier("UNTOLD", status_code=10, returned_at=at, finished_at=at, updated_at=at)
        take_in()
        return publish(close_period(DAY, "tests", MORNING).closing.closing_no, MORNING)

    return made_once("day", store, make)


@pytest.fixture
def auditor(day: Publication, ledger: str, postgres: Any, configure: Callable[..., None]) -> str:
    """Give all new connections to the ledger the auditor's role; return the address of such a connection."""
    uri = connection_uri(postgres.admin_dsn, "motcua_audit", str(conninfo_to_dict(ledger)["dbname"]))
    configure(AIRFLOW_CONN_MOTCUA_DB=uri)
    return uri


def holds(which: object = 1, *remarks: str) -> None:
    checked = verify_publication(str(which))
    assert [str(each) for each in checked.faults] == []
    assert checked.remarks == list(remarks)
    assert "made again" in checked.held[-1]


# ----------------------------------------------------------------------------------------- checks against the facts


@pytest.mark.guarantee("publications", "an auditor verifies against the facts without any other right")
def test_auditor_verifies_against_the_facts_without_any_other_right(auditor):
    assert "Everything holds." in type_command("verify", "1").output
    type_command("publications", "list")
    type_command("publications", "show", "1")
    type_command("publications", "verify-all")


@pytest.mark.guarantee(
    "reconciliation", "each figure, of messages, dossiers or data quality, leads to exactly its rows"
)
def test_auditor_opens_a_figure_down_to_its_dossiers(auditor):
    rows = type_command("closings", "rows", "1", "queued", "--agency", NHA_TRANG, "--csv").output
    head, *lines = rows.splitlines()
    assert head.startswith("message_id,dossier_code,agency_code,")
    assert [line.split(",")[1] for line in lines] == [f"H{number:04}" for number in range(1, 6)]
    shown = type_command("closings", "rows", "1", "received", "--limit", "2").output
    assert "H0000" in shown
    assert "4 more" in shown
    type_command("closings", "rows", "1", "lost", exits=2)
    type_command("closings", "rows", "9", "queued", exits=2)


def test_fact_that_was_changed_or_taken_out_behind_the_figures_is_found(day, rows):
    """Verifying recounts the figures, so it must find messages that were falsified after the publication."""
    for state in ("sending", "accepted"):
        rows("UPDATE motcua.messages SET state = %s WHERE message_id = 3", state)
    rows("SET session_replication_role = replica")
    rows("UPDATE motcua.messages SET state = 'expired', reason = 'too_late' WHERE message_id = 2")
    rows("DELETE FROM motcua.message_history WHERE message_id = 3 AND to_state = 'sending'")
    assert_named(
        faults_by_facts(),
        "column queued: published 5, recomputed 3",
        "column expired: published 0, recomputed 1",
        "the history of message 3 does not lead",
    )
    assert "DIFFERS: csv/messages.csv" in type_command("verify", "1", exits=1).output
    type_command("closings", "rows", "1", "queued", exits=1)


def test_forger_who_owns_the_ledger_and_publishes_anew_with_this_software_is_found_by_the_facts(day, rows):
    rows("SET session_replication_role = replica")
    rows("UPDATE motcua.closing_messages SET queued = queued - 2, delivered = 2")
    forged = [in_ledger(load, 1) for load in (load_figures, load_differences, load_orphans)]
    rows("UPDATE motcua.closings SET figures_hash = %s", hash_figures(*forged))
    rows("DELETE FROM motcua.publications")
    assert publish(1).folder == "2026/11/2026-11-25/2"
    assert_named(
        faults_by_facts(),
        "column delivered: published 2, recomputed 0",
        "audit.closing_messages: recomputed and not stored",
    )
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


# --------------------------------------------------------------------------- true publications hold after changes


def test_true_publication_holds_after_agency_was_renamed_and_changed_and_personal_data_was_purged(day, rows):
    old = "Ủy ban nhân dân thành phố Nha Trang"
    named = (
        f"agency {NHA_TRANG} is called {old} in the publication; the ledger now says that it was called Tên mới on "
        "2026-11-25"
    )
    later = NOW + timedelta(days=1)
    changed = agency(NHA_TRANG, name=old, same_day_excluded=True, enabled_from=later, kinds_off=("result",))
    in_ledger(save_agencies, [changed], "tests")
    holds()
    in_ledger(save_agencies, [agency(NHA_TRANG, name="Tên mới", enabled_from=None)], "tests")
    rows("SET session_replication_role = replica")
    rows(
        "UPDATE motcua.dossiers"
        " SET applicant_name = NULL, applicant_phone = NULL, msisdn = NULL, phone_refusal = 'missing'"
    )
    rows("UPDATE motcua.messages SET msisdn = NULL, text = '', parameters = '{}', accented_parameters = NULL")
    # The publication still verifies. A remark says that the agency's name has changed since.
    holds(1, named)


def test_true_publication_holds_after_source_rewrote_rows_and_a_correction_tells_it(day, one_stop):
    later = NOW + timedelta(days=1)
    for code in ("H0001", "H0002"):
        one_stop.dossier(code, submitted_via="online", procedure_code="2.000001", updated_at=later)
    pick_up("khanhhoa", EVERYTHING, later)
    holds()
    result = close_period(DAY, "tests", MORNING + timedelta(days=2))
    assert result.changed
    assert publish(result.closing.closing_no).corrects == 1
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
    rows(
        "INSERT INTO motcua.receipt_readings (receipt_id, meaning, effect) SELECT receipt_id, 'delivered',"
        " 'unknown_reference' FROM motcua.receipts"
    )
    holds()


def test_true_publication_holds_in_any_session_and_for_many_at_once(day, rows, ledger, request, configure):
    """Verifying must not depend on time zones or settings, nor on other auditors who verify at the same time."""
    for setting in ("timezone = 'America/New_York'", "intervalstyle = 'iso_8601'"):
        rows(f"ALTER DATABASE {conninfo_to_dict(ledger)['dbname']} SET {setting}")
    request.getfixturevalue("auditor")
    # An auditor's machine may have other settings than the machine that published.
    configure(TZ="Asia/Tokyo", MOTCUA_URGE_FROM="3", MOTCUA_SMS_BUDGET="5", MOTCUA_SEGMENT_PRICE="999")
    with ThreadPoolExecutor(3) as auditors:
        found = list(auditors.map(verify_publication, ["1"] * 3))
    assert [(each.faults, each.remarks) for each in found] == [([], [])] * 3


# -------------------------------------------------------------------------------- publications of older versions


@pytest.fixture
def published_as(day: Publication, store: Path, rows: Any) -> Callable[[Callable[[dict[str, Any]], object]], None]:
    """Return a function that turns the day's publication into a publication of an older software version.

    The older version did not count messages by channel (SMS or Zalo). The function adapts the files, the closing and
    the ledger's row, and applies ``change`` to the manifest.
    """

    def publish_as(change: Callable[[dict[str, Any]], object]) -> None:
        manifest = json.loads(canonical(day.manifest))
        for name in ("known_attempt", "prices"):
            del manifest["closing"][name]
        # No gateway accepted a message, so this version publishes costs of 0. A version without channels published no
        # costs.
        manifest["words"]["budget"] |= {"spent_in_period": None, "spent_in_year": None}
        manifest["files"] = [each for each in manifest["files"] if each["name"] != "csv/channels.csv"]
        (store / day.folder / "csv/channels.csv").unlink()
        rows("ALTER TABLE motcua.closings DISABLE TRIGGER ALL")
        rows("UPDATE motcua.closings SET known_attempt = NULL, prices = NULL")
        change(manifest)
        rewrite(store / day.folder / MANIFEST, lambda _: canonical(manifest))
        rows("ALTER TABLE motcua.publications DISABLE TRIGGER ALL")
        digest = sha256(canonical(manifest)).hexdigest()
        rows("UPDATE motcua.publications SET manifest = %s, manifest_sha256 = %s", json.dumps(manifest), digest)

    return publish_as


def as_0_2_wrote_it(manifest: dict[str, Any]) -> None:
    manifest["format"], manifest["software"] = 3, "MotcuaSMS 0.2.0"
    made_by = {"rendering": 3, "python": "3.12", "machine": "Linux x86_64", "typst": "0.13.7", "numpy": "2.4.6"}
    manifest["words"]["made_by"] = made_by


@pytest.mark.guarantee(
    "publications",
    "in an older version's publication, figures, CSV, chain and seals are recomputed; other files are compared by hash",
)
def test_true_publication_of_an_older_version_holds_and_says_how_it_was_held(published_as, monkeypatch):
    monkeypatch.setattr(verifying_again, "software", lambda: "MotcuaSMS 0.3.0")
    published_as(as_0_2_wrote_it)
    # Change the issuer's name, so that the report would differ if verifying made the report again.
    monkeypatch.setitem(wording.publication_words()["sheet"], "issuer", "SỞ KHÁC")
    checked = verify_publication("1")
    assert checked.faults == []
    (how,) = checked.remarks
    assert how.startswith(
        "figures, CSV files, chain and seals were recomputed; report, page and workbooks were only compared with "
        "their published SHA-256, because other software made them: MotcuaSMS 0.2.0, here MotcuaSMS 0.3.0; "
    )
    assert "typst 0.13.7, here " in how
    assert checked.held[-1] == "9 CSV files are what the recomputed figures make, made again"
    assert f"note: {how}" in type_command("verify", "1").output


def test_byte_changed_in_a_publication_of_an_older_version_is_found_by_its_hash(day, published_as, store):
    published_as(as_0_2_wrote_it)
    names = (PDF, PAGE, WORKBOOK, "csv/messages.csv")
    for name in names:
        rewrite(store / day.folder / name, lambda old: old[:-1] + bytes([old[-1] ^ 1]))
    assert_named(faults_by_facts(), *(f"{name}: published with SHA-256 " for name in names))


def test_table_of_an_older_version_whose_hashes_were_all_mended_is_found(published_as, store, day, forge):
    """Verifying must find a forged CSV file by making it again, although the forger recomputed all hashes."""
    published_as(as_0_2_wrote_it)
    csv = store / day.folder / "csv"
    rewrite(csv / "messages.csv", lambda old: old.replace(b",0,", b',"0",', 1))
    rewrite(csv / "dossiers.csv", lambda old: old.replace(b"\r\n", b"\n"))
    forge(1)
    assert_named(
        faults_by_facts(), "csv/messages.csv: is not what the figures make: made again it", "line 1: the file says "
    )


def test_publication_from_before_the_number_of_the_rendering_holds(published_as, monkeypatch):
    """A publication of an older build must verify. A remark says that this version would urge other agencies."""

    def as_it_was(manifest: dict[str, Any]) -> None:
        manifest["words"]["made_by"] = {"reports": "e97fa7a0", "typst": "0.13.7"}
        # Manifests of that build lack an entry of ``words`` that this version needs for a report.
        del manifest["words"]["procedures"]

    published_as(as_it_was)
    monkeypatch.setattr(verifying_again, "urge", lambda *_: [samples.report().urged[0]])
    checked = verify_publication("1")
    assert checked.faults == []
    rule, how = checked.remarks
    assert rule == "the publication proposes to urge other agencies than the rules of this version would"
    assert "other software made them: another build of MotcuaSMS " in how


def test_manifest_whose_words_cannot_make_a_report_is_found(published_as):
    """A manifest without an entry of ``words`` that the report needs is reported as a fault, without a traceback."""
    published_as(lambda manifest: manifest["words"].pop("procedures"))
    assert faults_by_facts() == ["manifest.json: words: cannot be used: KeyError 'procedures'"]


def test_true_publication_of_the_first_form_holds(published_as):
    """A publication in the first format of manifests must still verify."""

    def as_it_was(manifest: dict[str, Any]) -> None:
        manifest["format"] = 1
        del manifest["words"], manifest["closing"]["known_message"]

    published_as(as_it_was)
    checked = verify_publication("1")
    assert checked.faults == []
    assert len(checked.remarks) == 1


# ------------------------------------------------------------------------ the queries and definitions of the figures


@pytest.mark.guarantee(
    "publications", "a publication names each function, view and vendor's mapping behind its queries"
)
def test_publication_names_every_function_view_and_mapping_and_an_auditor_hashes_them_with_psql_alone(
    day, auditor, configure, monkeypatch
):
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
    # A publication names only the mappings of the one-stop software in use, each with its sources.
    assert named["sources/contract/dossiers"].endswith("(khanhhoa)")
    assert not [name for name in named if name.startswith("sources/opencps")]
    hashes = {each["name"]: each["sha256"] for each in day.manifest["queries"]}
    with psycopg.connect(auditor) as connection:
        for made in ("pg_get_functiondef('audit.messages_as_of(bigint)'::regprocedure)",
                     "pg_get_viewdef('audit.messages'::regclass)"):  # fmt: skip
            found = connection.execute(f"SELECT encode(sha256(convert_to({made}, 'UTF8')), 'hex')").fetchone()
            assert found == (hashes[made.split("'")[1]],)


@pytest.mark.guarantee(
    "publications", "figures of pushed rows or of files name the SQL statements and views that read them"
)
def test_figures_name_what_each_kind_of_source_was_read_through(ledger, configure):
    configure(MOTCUA_SOURCES="khanhhoa=contract,vanphong=opencps,ninhhoa=opencps")
    named = {each.name: each for each in in_ledger(queries_used)}
    assert named["sources/contract/transitions"].figures.endswith("(khanhhoa)")
    assert named["sources/opencps/transitions"].figures.endswith("(ninhhoa, vanphong)")
    assert not [name for name in named if name.startswith(("intake.", "sources/national_sync"))]
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


def test_definition_reads_the_same_whatever_a_session_s_search_path_is(ledger):
    with connect() as connection:
        plain = list_definitions(connection)
        connection.execute("SET LOCAL search_path TO motcua, audit")
        assert list_definitions(connection) == plain
        assert connection.execute("SHOW search_path").fetchone() == {"search_path": "motcua, audit"}


@pytest.mark.guarantee("publications", "a definition that was replaced after publishing is a remark, not a fault")
def test_definition_or_query_that_is_another_by_now_is_a_remark_and_no_fault(day, rows, monkeypatch):
    was = {each["name"]: each["sha256"] for each in day.manifest["queries"]}
    changed, real = "sources/contract/dossiers", reporting.statement
    (kept,) = rows("SELECT pg_get_functiondef('audit.messages_as_of(bigint)'::regprocedure) AS text")
    rows(kept["text"].replace("WHERE NOT EXISTS", "WHERE TRUE AND NOT EXISTS", 1).replace("%", "%%"))
    rows("ALTER FUNCTION motcua.condition_of(smallint, boolean) RENAME TO condition_that_was")
    monkeypatch.setattr(reporting, "statement", lambda name: f"{real(name)} LIMIT 1" if name == changed else real(name))
    checked = verify_publication("1")
    assert checked.faults == []
    assert "made again" in checked.held[-1]
    names = ("audit.messages_as_of(bigint)", "motcua.condition_of(smallint, boolean)", changed)
    remarks = {name: each for each in checked.remarks for name in names if each.startswith(f"{name} has changed ")}
    assert (len(checked.remarks), set(remarks)) == (3, set(names))
    for name, remark in remarks.items():
        assert remark.endswith(f" made the figures ({was[name]}): they were counted again with its present text")
    assert "(SHA-256 none: it is gone)" in remarks[names[1]]
    assert f"(SHA-256 {query_version(changed)})" in remarks[changed]


@pytest.mark.guarantee(
    "publications", "a query can always be found, byte for byte, by the name and hash that a publication gives"
)
def test_files_that_a_publication_of_0_2_0_names_are_the_statements_of_now(published_as):
    def as_then(manifest: dict[str, Any]) -> None:
        for each in manifest["queries"]:
            for old, now in NAMED_BEFORE.items():
                if each["name"] == now and old in PUBLISHED_BY_0_2_0:
                    each["name"], each["sha256"] = f"{old}.sql", PUBLISHED_BY_0_2_0[old]

    published_as(as_then)
    assert [each for each in verify_publication("1").remarks if " has changed (SHA-256 " in each] == []
