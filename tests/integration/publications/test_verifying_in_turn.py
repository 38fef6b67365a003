"""Test the nightly verification: each publication is verified within a month, and the outcome is stored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from motcua.domain.periods import Period
from motcua.jobs.gates import RunIncomplete
from motcua.jobs.publications.publishing import publish
from motcua.jobs.publications.verification import Mismatch, Verification
from motcua.jobs.publications.verifying import verify_publication
from motcua.jobs.publications.verifying_in_turn import (
    AT_LEAST_EVERY,
    NEW_FOR,
    NIGHTS,
    in_turn,
    keep_verification,
    overdue,
    verify_in_turn,
)
from motcua.jobs.reconciliation.closing import close_period
from motcua.jobs.tasks.verify_publications import gate
from motcua.store.ledger.database import connect
from motcua.store.oversight.publications import PublicationStanding, find_publication, last_verifications, not_holding
from tests.ground import NOW, connection_uri, red_gate, take_in, type_command

DAY = Period.parse("2026-11-25")
MORNING = DAY.end + timedelta(hours=6, minutes=30)
RUN = "scheduled__2026-11-27"


def standing(
    number: int, published: datetime, verified: datetime | None = None, by: str = "an earlier run", faults: int = 0
) -> PublicationStanding:
    known = (verified, by, faults) if verified else (None, None, None)
    return PublicationStanding(number, published, *known, None)


@pytest.fixture
def published(one_stop, configure, tmp_path):
    """Publish the closings of 25 and 24 November 2026; return both publications and the store's folder."""
    configure(MOTCUA_PUBLICATIONS=f"file://{tmp_path / 'công bố'}")
    at = NOW - timedelta(minutes=5)
    one_stop.both(9, "A1", at=at, updated_at=at, status_code=9, at_one_stop_desk=True, finished_at=at)
    take_in()
    numbers = [close_period(each, "tests", MORNING).closing.closing_no for each in (DAY, Period.parse("2026-11-24"))]
    return [publish(each, MORNING) for each in numbers], tmp_path / "công bố"


def kept() -> list[tuple[int, str, int]]:
    """Return the publication, the verifier and the number of faults of each stored verification, oldest first."""
    with connect() as connection:
        found = connection.execute("SELECT * FROM motcua.publication_verifications ORDER BY verification_no")
        return [(row["publication_no"], row["verified_by"], row["faults"]) for row in found]


# ------------------------------------------------------------------------------- which publications a night verifies


@pytest.mark.guarantee(
    "reconciliation",
    "each publication is verified automatically at least once a month; a failed one makes the nightly run red",
)
@pytest.mark.parametrize("many", [1, 24, 25, 26, 400])
def test_each_publication_has_its_turn_within_a_month_however_many_there_are(many):
    night = NOW
    known = {n: standing(n, NOW - timedelta(days=400 - n / 10)) for n in range(1, many + 1)}
    seen: dict[int, list[int]] = {}
    for number in range(NIGHTS):
        chosen = in_turn(list(known.values()), f"night {number}", night)
        assert len(chosen) <= many // NIGHTS + 1, "no night may verify more than its share"
        for each in chosen:
            seen.setdefault(each, []).append(number)
            known[each] = replace(known[each], verified_at=night, verified_by=f"night {number}", faults=0)
        night += timedelta(days=1)
    assert set(seen) == set(known)
    assert overdue(list(known.values()), night) == []


def test_what_did_not_hold_and_what_is_new_does_not_wait_for_its_turn():
    """A nightly run verifies faulty and new publications first, and then those with the oldest verification."""
    old = [standing(n, NOW - timedelta(days=200), NOW - timedelta(days=40 - n)) for n in range(1, 31)]
    faulty = standing(31, NOW - timedelta(days=100), NOW - timedelta(days=1), faults=3)
    new = [standing(n, NOW - timedelta(hours=40 - n)) for n in (32, 33)]
    known = [*old, faulty, *new]
    assert in_turn(known, RUN, NOW) == [31, 33, 32, 1, 2]
    waited = [replace(each, published_at=NOW - NEW_FOR) for each in new]
    assert in_turn([*old, faulty, *waited], RUN, NOW) == [31, 1, 2], (
        "a publication that is no longer new waits for its turn like any other"
    )


def test_second_try_of_a_run_goes_on_where_the_first_one_ended():
    """A second try of a run's task verifies no publication that the first try has verified."""
    known: Sequence[PublicationStanding] = [
        standing(n, NOW - timedelta(days=200), NOW - timedelta(days=20 - n)) for n in range(1, 11)
    ]
    assert in_turn(known, RUN, NOW) == [1]
    done = [replace(known[0], verified_at=NOW, verified_by=RUN), *known[1:]]
    assert in_turn(done, RUN, NOW) == []
    found = [replace(known[0], verified_at=NOW, verified_by=RUN, faults=2), *known[1:]]
    assert 1 not in in_turn(found, RUN, NOW)


def test_publication_is_overdue_after_a_month_and_not_because_none_could_be_verified_before():
    """A publication is overdue a month after its last verification.

    If a publication was never verified, its month starts no earlier than the first verification of any publication.
    """
    long_ago = NOW - timedelta(days=300)
    in_time = standing(1, long_ago, NOW - AT_LEAST_EVERY)
    late = standing(2, long_ago, NOW - AT_LEAST_EVERY - timedelta(seconds=1))
    never = standing(3, long_ago)
    assert overdue([in_time, late, never], NOW) == [2, 3]
    assert overdue([replace(never, first_verified_at=NOW - timedelta(days=3))], NOW) == []


# ------------------------------------------------------------------------------- what a night verifies and stores


def test_night_verifies_and_keeps_what_it_found(published, rows):
    # A run that has used up its time begins no further verification.
    done = verify_in_turn(RUN, MORNING, within=timedelta(0))
    assert (done.verified, done.waiting, kept()) == (0, 2, [])
    with pytest.raises(RunIncomplete) as red:
        gate(None, ["verify"], MORNING + AT_LEAST_EVERY + timedelta(days=1))
    assert str(red.value) == "task verify failed; 2 publication(s) not verified for 31 days, the first is 1"
    done = verify_in_turn(RUN, MORNING)
    assert (done.verified, done.failed, done.waiting, done.strays) == (2, (), 0, 0)
    assert kept() == [(2, RUN, 0), (1, RUN, 0)]
    gate({"failed": [], "strays": 0}, now=MORNING)
    assert verify_in_turn(RUN, MORNING).verified == 0, "a second try of the run verifies nothing twice"
    for change in (
        "UPDATE motcua.publication_verifications SET faults = 0",
        "DELETE FROM motcua.publication_verifications",
    ):
        with pytest.raises(psycopg.Error, match="append-only"):
            rows(change)


@pytest.mark.guarantee(
    "reconciliation",
    "each publication is verified automatically at least once a month; a failed one makes the nightly run red",
)
def test_publication_that_was_changed_reddens_the_gate_until_it_holds(published):
    (first, second), store = published
    file = store / first.folder / "csv" / "messages.csv"
    was = file.read_bytes()
    file.write_bytes(was + b"x")
    verify_in_turn(RUN, MORNING)
    with connect() as connection:
        (found,) = not_holding(connection)
        of = last_verifications(connection, [first.closing_no, second.closing_no, 99])
    assert (found.publication_no, found.verified_by) == (first.publication_no, RUN)
    assert (of[first.closing_no].faults, of[second.closing_no].faults) == (found.faults, 0)
    assert 99 not in of
    with red_gate(rf"^publication 1 of 2026-11-25 does not hold, {found.faults} difference"):
        gate({"failed": (), "strays": 0}, now=MORNING)
    file.write_bytes(was)
    verify_in_turn("the next night", MORNING)
    assert (first.publication_no, "the next night", 0) in kept()
    gate({"failed": (), "strays": 0}, now=MORNING)
    with connect() as connection:
        assert not_holding(connection) == []


def test_one_that_cannot_be_looked_at_hides_no_other_and_is_named(published):
    """A publication that cannot be read must be named, and the others must still be verified."""

    def verify(which: str) -> Verification:
        if which == "2":
            raise OSError("the store hangs")
        return verify_publication(which)

    done = verify_in_turn(RUN, MORNING, verify=verify)
    assert (done.verified, done.failed) == (1, (2,))
    assert kept() == [(1, RUN, 0)]
    with red_gate(r"^publication\(s\) 2 could not be verified, see the log of verify$"):
        gate({"failed": [2], "strays": 0}, now=MORNING)


def test_folder_that_no_row_names_reddens_the_gate(published):
    (first, _), store = published
    stray = store / "2026" / "11" / "2026-11-23" / "1"
    stray.mkdir(parents=True)
    (stray / "manifest.json").write_bytes((store / first.folder / "manifest.json").read_bytes())
    done = verify_in_turn(RUN, MORNING)
    assert done.strays == 1
    with red_gate(r"^1 folder\(s\) of the store hold a manifest that no row names"):
        gate({"failed": (), "strays": done.strays}, now=MORNING)


# ------------------------------------------------------------------------------- stored verifications and who signs


def test_command_keeps_what_a_person_signs_and_says_what_it_does_not_keep(published, monkeypatch, tmp_path):
    """The command stores only signed verifications of the published folder, and prints why it does not store others."""
    (first, _), store = published
    monkeypatch.delenv("MOTCUA_PERSON")
    monkeypatch.setenv("LOGNAME", "root")
    shown = type_command("verify", "1")
    assert "Result not stored: nobody signed it" in shown.output
    type_command("verify", "1", "--by", "admin", exits=2)
    assert kept() == []
    shown = type_command("verify", "1", "--by", "nguyen.van.an", exits=None)
    assert "Result stored, signed by nguyen.van.an." in shown.output
    assert kept() == [(1, "nguyen.van.an", 0)]
    copy = tmp_path / "đĩa" / "1"
    copy.mkdir(parents=True)
    (copy / "manifest.json").write_bytes((store / first.folder / "manifest.json").read_bytes())
    shown = type_command("verify", str(copy), "--by", "nguyen.van.an", exits=1)
    assert "Result not stored: this is a copy" in shown.output
    shown = type_command("publications", "verify-all", "--by", "nguyen.van.an")
    assert kept() == [(number, "nguyen.van.an", 0) for number in (1, 1, 2)]


@pytest.mark.guarantee("reconciliation", "an auditor's role verifies without writing")
def test_auditor_verifies_and_writes_nothing(published, ledger, postgres, configure):
    database = conninfo_to_dict(ledger)["dbname"]
    configure(AIRFLOW_CONN_MOTCUA_DB=connection_uri(postgres.admin_dsn, "motcua_audit", database))
    shown = type_command("verify", "1", "--by", "nguyen.van.an")
    assert "Result not stored: this role may only read." in shown.output
    with connect() as auditor:
        found = find_publication(auditor, publication_no=1)
        assert auditor.execute("SELECT count(*) AS n FROM audit.publication_verifications").fetchone()["n"] == 0
    assert found is not None
    assert not keep_verification(Verification(found, faults=[Mismatch("x", "y")]), "nguyen.van.an")
    with pytest.raises(ValueError, match="a copy"):
        keep_verification(Verification(found, in_store=False), "nguyen.van.an")
