"""Test which agencies a report urges to improve, and which version of a query a publication names.

A report urges an agency only if the agency has enough cases and a figure beyond the threshold. The report names this
figure.
"""

from __future__ import annotations

import re
from hashlib import sha256

import pytest

from motcua.domain.reconciliation import AgencyFigures, DossierFigures, Figures, MessageFigures, ReasonCount
from motcua.jobs.reconciliation.reporting import (
    _said_before,
    find_statement,
    is_same_query,
    pinned_statements,
    query_version,
    thresholds_of,
    urge,
)
from motcua.settings import Settings, include_dir
from motcua.sources import adapter
from tests.ground import type_command


def urged(**parts):
    """Return agency, measure, value and number of cases of each agency that a report with these figures urges."""
    return [
        (each.agency_code, each.measure, round(each.value, 3), each.of_all)
        for each in urge(Figures(**parts), thresholds_of(Settings()))
    ]


def messages(tellable, delivered, kind="result", code="A", **besides):
    """Return figures of an agency's messages: delivered, undelivered (the rest of ``tellable``), and other states."""
    expected = tellable + sum(besides.values())
    return MessageFigures(
        code, "P", kind, at_source=expected, delivered=delivered, undelivered=tellable - delivered, **besides
    )


def test_share_of_delivered_counts_from_thirty_on_and_below_the_threshold():
    """Only an agency with at least thirty messages to send, and a low share of delivered ones, is urged."""
    seen = [urged(messages=(messages(*counts, suppressed=500),)) for counts in ((30, 20), (29, 0), (30, 21))]
    assert list(map(bool, seen)) == [True, False, False]


def test_replies_to_inquiries_accuse_nobody():
    """No agency is urged because replies to texts to 9029 were not delivered."""
    missing = ReasonCount("A", "P", "reply", "suppressed", "missing", 100)
    assert urged(messages=(messages(100, 0, "reply", suppressed=100),), reasons=(missing,)) == []


@pytest.mark.guarantee(
    "reconciliation", "an agency without a message to send is not shown as 0 % delivered, and is not asked to improve"
)
def test_who_hands_results_over_before_they_are_told_is_not_urged():
    right = (messages(0, 0, suppressed=40, cancelled=60),)
    same_day = (ReasonCount("A", "P", "result", "suppressed", "same_day", 40),)
    assert urged(messages=right, reasons=same_day) == []


@pytest.mark.guarantee(
    "reconciliation", "an agency is asked to improve if too many of its dossiers have no textable phone"
)
@pytest.mark.parametrize(("missing", "is_urged"), [(30, False), (31, True)])
def test_dossiers_without_a_phone_that_can_be_texted_are_a_measure_of_their_own(missing, is_urged):
    own = (messages(100 - missing, 100 - missing, suppressed=missing + 9, cancelled=500),)
    reasons = (
        ReasonCount("A", "P", "result", "suppressed", "missing", missing - 10),
        ReasonCount("A", "P", "result", "suppressed", "landline", 10),
        ReasonCount("A", "P", "result", "suppressed", "kind_off", 9),
    )
    found = [("A", "without_phone", missing / 100, 100)] if is_urged else []
    assert urged(messages=own, reasons=reasons) == found


def test_each_measure_has_its_own_base_and_the_worst_is_first():
    """Each measure has its own number of cases. Within a measure, the agency with the worst share comes first."""
    found = urged(
        messages=(messages(100, 60), messages(100, 10, code="B")),
        dossiers=(DossierFigures("A", "P", resolved_late=20, resolved_early=80, due=40),),
        agencies=(AgencyFigures("A", apologies_right=10, apologies_wrong=40, late_untold=4),),
    )
    assert found == [
        ("A", "apologies_wrong", 0.8, 50),
        ("B", "delivered_of_tellable", 0.1, 100),
        ("A", "delivered_of_tellable", 0.6, 100),
        ("A", "late_untold", 0.1, 40),
        ("A", "resolved_late", 0.2, 100),
    ]


def test_version_of_a_query_is_the_hash_of_what_a_reader_finds_between_its_name_and_its_semicolon():
    """Auditors compute the hash as docs/operations/publications.md describes and must get the same value."""
    hashes = {}
    for name in pinned_statements():
        file, _, own = name.rpartition("/")
        text = (include_dir() / "sql" / f"{file}.sql").read_text(encoding="utf-8")
        found = text.split(f"\n-- name: {own}\n")[1].split("\n-- name: ")[0]
        sql = re.sub(r"^ *--.*\n", "", found, flags=re.M).rstrip()
        hashes[name] = sha256(sql[: sql.rindex(";")].encode()).hexdigest()
    assert hashes == {name: query_version(name) for name in hashes}


@pytest.mark.guarantee(
    "publications", "a query can always be found, byte for byte, by the name and hash that a publication gives"
)
@pytest.mark.parametrize("asked_by", ["name", "hash"])
@pytest.mark.parametrize("name", ["closings/counting/count_messages", "sources/opencps/dossiers"])
def test_command_prints_the_very_bytes_that_a_publication_s_hash_is_of(name, asked_by):
    named = query_version(name)
    told = type_command("publications", "statement", name if asked_by == "name" else named, exits=None)
    assert (told.exit_code, told.stderr) == (0, f"{name}  SHA-256 {named}\n")
    assert sha256(told.stdout_bytes).hexdigest() == named


def test_command_prints_any_other_statement_by_its_name_and_says_what_it_does_not_know():
    told = type_command("publications", "statement", "publications/definitions", exits=None)
    assert "pg_get_functiondef" in told.stdout
    for nobodys in ("0" * 64, "../plugins", "audit.messages", "nothing/gone"):
        told = type_command("publications", "statement", nobodys, exits=None)
        assert told.exit_code != 0
        assert f"no statement has the name or SHA-256 '{nobodys}'" in " ".join(told.stderr.split())
    told = type_command("publications", "statement", "closings/counting/count_message", exits=None)
    assert "has no statement 'count_message'; it has more_memory, scopes" in " ".join(told.stderr.split())


# ------------------------------------------------------------------------------------ what earlier versions published

UNCHANGED = """
apologies/forecast closings/comparing/compare_apologies closings/comparing/compare_replies
closings/counting/count_dossiers closings/counting/count_findings closings/counting/count_inquiries
closings/counting/count_messages closings/counting/find_orphans closings/counting/message_moves
sources/contract/dossiers sources/contract/transitions sources/national_sync/dossiers
sources/national_sync/name_source sources/national_sync/transitions sources/opencps/dossiers
sources/opencps/transitions sources/reading/dossiers_by_agency sources/reading/transitions_by_agency
sources/reading/transitions_by_number
"""
NAMED_BEFORE = {
    "closings/comparing/compare_occasions": "closings/occasions/compare_occasions",
    "closings/comparing/count_counted": "closings/occasions/count_counted",
    "closings/counting/count_timings": "closings/counting/count_messages",
    "reconciliation/compare_apologies": "closings/comparing/compare_apologies",
    "reconciliation/compare_occasions": "closings/occasions/compare_occasions",
    "reconciliation/compare_replies": "closings/comparing/compare_replies",
    "reconciliation/count_counted": "closings/occasions/count_counted",
    "reconciliation/count_dossiers": "closings/counting/count_dossiers",
    "reconciliation/count_findings": "closings/counting/count_findings",
    "reconciliation/count_inquiries": "closings/counting/count_inquiries",
    "reconciliation/count_messages": "closings/counting/count_messages",
    "reconciliation/count_timings": "closings/counting/count_messages",
    "reconciliation/find_orphans": "closings/counting/find_orphans",
    "reconciliation/message_moves": "closings/counting/message_moves",
    "sources/reading/apologies_due": "sources/counting/apologies_due",
    "sources/reading/codes_in_use": "sources/counting/codes_in_use",
    "sources/reading/name_source": "sources/national_sync/name_source",
    "sources/reading/occasions": "sources/counting/occasions",
    **{name: name for name in UNCHANGED.split()},
}
"""Each file that a publication ever named (without ``.sql``), and the SQL statement that replaces the file today."""


@pytest.mark.guarantee(
    "publications", "a query can always be found, byte for byte, by the name and hash that a publication gives"
)
def test_query_is_found_for_ever_under_the_name_that_a_publication_gave_it():
    assert {old: find_statement(f"{old}.sql") for old in NAMED_BEFORE} == NAMED_BEFORE
    of_now = {old: query_version(now) for old, now in NAMED_BEFORE.items()}
    assert None not in of_now.values()
    assert {old: query_version(f"{old}.sql") for old in NAMED_BEFORE} == of_now


# The SHA-256 of each file in version 0.2.0. Publications of that version name these hashes.
PUBLISHED_BY_0_2_0 = {
    "apologies/forecast": "e61525d79653d22d9f174fba7cbaa7807dd27299fe99f0c36def7747160c250a",
    "closings/comparing/compare_apologies": "b2efa7e64198b5cd56f161ad27150a0c2672fe665fcc4b0ecf6dae9d2e4af69f",
    "closings/comparing/compare_occasions": "557599b3836485dbf71feff14bb0ebbd25b146fd5e3a4dbf3d4d7b8f9ce73e01",
    "closings/comparing/compare_replies": "6b12921a5485097092bc9ace6daeb304bc0a65afdca939f40df8d94f758cb24c",
    "closings/comparing/count_counted": "9d662bd1001edb324b26fb754c51d8a1292e9f327c4109d028ade3baa3af3768",
    "closings/counting/count_dossiers": "de09ad041f4c8b2fe36b62f2135285da3a57f1dfe110976cd778a84a21439bdc",
    "closings/counting/count_findings": "d9fc784c2d651f2ad57e63776c3eed1f38fce53d6c888a8abe9172992585513f",
    "closings/counting/count_inquiries": "cfc3d2baf50faea7cd5ca66226871652aee955d70e3ba2f1c9d4e700ffa20811",
    "closings/counting/count_messages": "5648587a74d8dc2ee7d772dde490abc8e0d353f8e9533e8fdc07f4ffbcd97f66",
    "closings/counting/find_orphans": "4e648073da69d2436ded6df8bbd6a6d63f44a1cdfcd1a5dd584d6195f3c22bd0",
    "closings/counting/message_moves": "cfa4624c1a4991a162a6d4f966d45ef2f5eaf6803723a4a83c5a1f95c7d3e297",
    "sources/contract/dossiers": "8fd2a159ca46c47cd097bd42429823e4d5f86e2f71e7845a9c0029113a30972d",
    "sources/contract/transitions": "48041990ba7360de5a9c25fdadc9ff640ae3479c34fd938b767c3a17c8facda6",
    "sources/national_sync/dossiers": "c63d7a25962a60518389e505b3cb0839fb100b5ec99d84b58293a50b04750cbd",
    "sources/national_sync/name_source": "77fe0b493d90f87b3a789d609a2fe00efa79bfd30e4c1d86d775c76b752a7121",
    "sources/national_sync/transitions": "704f482fef6f6e72e6d9c388c5c1dd5214f3e2f128ff0e5dda7792e5742d709e",
    "sources/opencps/dossiers": "98d8995ceea5768f4f7461c39d7b2c9d823858832dfe75182e013254053011b0",
    "sources/opencps/transitions": "8ffa4b4442ab0ca2c8bc9d64daa0cabce0b174bf05de010f579ea8fe4d5dab4b",
    "sources/reading/apologies_due": "a0590a5e5614aad58ef6489872164ae9d2f89e00ba4a00850a5b81dd47e3c145",
    "sources/reading/codes_in_use": "7e6d5d0bec828da7d5e753f54f73690bf62442fdc9ed46d77693bc26376dca03",
    "sources/reading/dossiers_by_agency": "8e0118a8ad4861aecd75b507902c404131bf565281faa278cbe32942d57a9a34",
    "sources/reading/occasions": "6204b105830068705c75cb095da67df4af84b3bb2f22965da6e88cc5cb7ad4ce",
    "sources/reading/transitions_by_agency": "75ff2177636109952042ccdd66dbd11b7863795a6c84bbccc354fefc4d58be48",
    "sources/reading/transitions_by_number": "471524c8eeb7a41ffa0db0c164769268673e3423bd0b0e9c94c27700b792b9ef",
}


@pytest.mark.guarantee(
    "publications", "a query can always be found, byte for byte, by the name and hash that a publication gives"
)
def test_query_that_0_2_0_published_is_found_by_its_hash_and_is_the_same():
    found = {name: find_statement(published) for name, published in PUBLISHED_BY_0_2_0.items()}
    assert found == {name: NAMED_BEFORE[name] for name in PUBLISHED_BY_0_2_0}
    assert [name for name, published in PUBLISHED_BY_0_2_0.items() if not is_same_query(f"{name}.sql", published)] == []


def test_migration_that_publications_named_before_functions_were_named_is_the_same():
    """Old publications name a migration in place of a function; its hash must still be recognised."""
    published = "b452d68e2a77d7edcdab5f02df2a840c76131a48009004fd14c9f8d93b1af9ad"
    assert is_same_query("migrations/0021_dossiers_in_period.sql", published)
    assert not is_same_query("migrations/0021_dossiers_in_period.sql", "0" * 64)


def test_query_that_says_something_else_by_now_is_told_from_one_that_is_the_same():
    """An auditor must learn whether a published query still exists unchanged or has another text today."""
    of_before = "cb41f1784418b334eb87c8a9a630b80c544aac72168b6d38aa59e61d"
    (published,) = [each for each in _said_before()["closings/counting/count_findings"] if each.startswith(of_before)]
    assert not is_same_query("reconciliation/count_findings.sql", published)
    with pytest.raises(LookupError, match=r"an earlier version's closings/counting/count_findings,.* changed since"):
        find_statement(published)


def test_what_is_no_query_has_no_version_and_no_file_is_read_for_it():
    """A name that is no SQL statement has no hash, and must not make the software read a file outside include/sql."""
    names = (
        "closings/counting/count_nothing",
        "../templates/report/publication.typ",
        "reconciliation/../reconciliation/count_messages.sql",
        "audit.messages_as_of(bigint)",
    )
    assert {query_version(name) for name in names} == {None}


def test_what_every_kind_of_software_is_read_through_may_be_named_by_a_publication():
    """A publication must be able to name the SQL mapping of each kind of one-stop software."""
    used = [adapter(kind) for kind in ("contract", "files", "foreign_tables", "national_sync", "opencps")]
    assert all({"dossiers", "transitions"} <= set(each.mapping) for each in used)
    assert {f"{each.file}/{name}" for each in used for name in each.mapping} <= set(pinned_statements())
