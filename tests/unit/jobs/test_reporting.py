"""Whom a report proposes to urge: from enough cases on, beyond the threshold, with the figure that says why; and by
which version of a query its figures were made."""

from __future__ import annotations

from hashlib import sha256

import pytest

from motcua.domain.reconciliation import AgencyFigures, DossierFigures, Figures, MessageFigures, ReasonCount
from motcua.jobs.reconciliation.reporting import pinned_statements, query_version, thresholds_of, urge
from motcua.settings import Settings, include_dir
from motcua.sources import adapter
from tests.known_statements import as_they_are, recorded


def urged(**parts):
    return [
        (each.agency_code, each.measure, round(each.value, 3), each.of_all)
        for each in urge(Figures(**parts), thresholds_of(Settings()))
    ]


def messages(tellable, delivered, kind="result", code="A", **besides):
    """So many that could be told, those that were not delivered undelivered, and others besides in other states."""
    expected = tellable + sum(besides.values())
    return MessageFigures(
        code, "P", kind, at_source=expected, delivered=delivered, undelivered=tellable - delivered, **besides
    )


@pytest.mark.parametrize(
    ("tellable", "delivered", "is_urged"),
    [(30, 20, True), (29, 0, False), (30, 21, False), (100, 69, True), (100, 70, False), (0, 0, False)],
)
def test_share_of_delivered_counts_from_thirty_on_and_below_the_threshold(tellable, delivered, is_urged):
    assert bool(urged(messages=(messages(tellable, delivered, suppressed=500),))) is is_urged


def test_replies_to_inquiries_accuse_nobody():
    missing = ReasonCount("A", "P", "reply", "suppressed", "missing", 100)
    assert urged(messages=(messages(100, 0, "reply", suppressed=100),), reasons=(missing,)) == []


@pytest.mark.guarantee("reconciliation", "an agency that did right is neither told as 0 % delivered nor urged")
def test_who_hands_results_over_before_they_are_told_is_not_urged():
    right = (messages(0, 0, suppressed=40, cancelled=60),)
    same_day = (ReasonCount("A", "P", "result", "suppressed", "same_day", 40),)
    assert urged(messages=right, reasons=same_day) == []


@pytest.mark.guarantee("reconciliation", "an agency whose dossiers have no phone that can be texted is urged by that")
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


@pytest.mark.parametrize(
    "name",
    [
        "closings/counting/count_messages.sql",
        "sources/opencps/dossiers.sql",
        # Named by publications from before functions were named themselves.
        "migrations/0021_dossiers_in_period.sql",
    ],
)
def test_version_of_a_query_is_the_hash_of_its_file(name):
    assert query_version(name) == sha256((include_dir() / "sql" / name).read_bytes()).hexdigest()


def test_query_is_found_under_the_name_that_earlier_publications_give_it():
    for old, now in (
        ("count_messages", "counting/count_messages"),
        ("compare_occasions", "comparing/compare_occasions"),
        # One statement counts what two did.
        ("count_timings", "counting/count_messages"),
    ):
        assert query_version(f"reconciliation/{old}.sql") == query_version(f"closings/{now}.sql") is not None


@pytest.mark.parametrize(
    "name",
    [
        "reconciliation/gone.sql",
        "closings/counting/count_messages",
        "../templates/report/publication.typ",
        "reconciliation/../reconciliation/count_messages.sql",
        "audit.messages_as_of(bigint)",
        "",
    ],
)
def test_what_is_no_query_has_no_version_and_no_file_is_read_for_it(name):
    assert query_version(name) is None


def test_file_of_each_statement_that_a_publication_may_name_is_known_with_the_statement_in_it():
    assert as_they_are().items() <= recorded().items(), "run: python -m tests.known_statements"


@pytest.mark.parametrize("kind", ["contract", "files", "foreign_tables", "national_sync", "opencps"])
def test_what_every_kind_of_software_is_read_through_may_be_named_by_a_publication(kind):
    used = adapter(kind)
    assert {"dossiers", "transitions"} <= set(used.mapping)
    assert {f"{used.folder}/{name}" for name in used.mapping} <= set(pinned_statements())
