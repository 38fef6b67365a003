"""Test the demo's *past*: the days before its start, which the demo invents and plays through with the real jobs.

Its figures must add up, and its personal data must be purged in time. A past that was broken off must be detected.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.rows import dict_row

from motcua.domain.clock import VIETNAM
from motcua.domain.periods import Period
from motcua.domain.run_window import EVERYTHING
from motcua.jobs.calendars import prepare_calendars
from motcua.jobs.personal_data import purge
from motcua.jobs.publications.verifying import verify_all
from motcua.jobs.tasks.reconcile_daily import close_days, closings_to_publish
from motcua.sandbox import demo
from motcua.sandbox.machine.deployment import mailbox_connection, postgres_connection
from motcua.sandbox.past.months import months
from motcua.sandbox.past.playing import Extent, is_half_done, ledger_clock, load_past
from motcua.sandbox.summary import read_summary
from motcua.sandbox.world.clockwork import World
from motcua.sandbox.world.procedures import ZONE, in_office_hours, pilot
from motcua.sandbox.world.writers import (
    OWN_SOURCES,
    ROLES,
    TRUTH,
    OneStopWriter,
    OpencpsWriter,
    create_one_stop_databases,
)
from motcua.store.ledger.provisioning import with_database
from tests.ground import Server, free_port, gateway_connection, in_ledger

Rows = Callable[..., list[dict[str, Any]]]
DAYS = 8


def _over_a_month_ago() -> datetime:
    """Return a moment 33 days or more ago that follows enough working days.

    At least five of the eight days before the moment, and one of the last three, are working days. A fixed age would
    sometimes fall into Tết, which has too many days off.
    """
    moment = datetime.now(UTC) - timedelta(days=33)

    def works(days_before: int) -> bool:
        day = (moment - timedelta(days=days_before)).astimezone(ZONE)
        return in_office_hours(day.replace(hour=10, minute=0))

    while sum(map(works, range(1, DAYS + 1))) < 5 or not any(map(works, range(1, 4))):
        moment -= timedelta(days=1)
    return moment


NOW = _over_a_month_ago()
"""The moment at which the played past ends.

The purge uses the ledger's real clock, so all of this past must be over thirty days old.
"""
FIRST_SHORT = ("000.00.05.H32", "000.05.30.H32")
"""Agencies that joined at the beginning of the past and keep personal data for thirty days."""

DEFAULTS = """
SELECT d.adrelid::regclass::text AS of_table, d.adnum AS number, pg_get_expr(d.adbin, d.adrelid) AS is
FROM pg_attrdef AS d INNER JOIN pg_class AS c ON d.adrelid = c.oid
WHERE c.relnamespace = 'motcua'::regnamespace ORDER BY 1, 2
"""


def connection(dsn: str) -> psycopg.Connection[dict[str, Any]]:
    return psycopg.connect(dsn, autocommit=True, row_factory=dict_row)


@pytest.fixture
def world(postgres: Server, tmp_path: Path, configure: Callable[..., None]) -> Iterator[World]:
    """Yield a simulated one-stop world that does not run yet. The ledger reads its sources.

    The addresses of phone network and mailbox belong to this test only.
    """
    addresses = create_one_stop_databases(postgres.admin_dsn, {role: f"test {role}" for role in ROLES})
    port = free_port()
    (tmp_path / "data").mkdir()
    configure(
        MOTCUA_DATA=str(tmp_path / "data"),
        MOTCUA_SOURCES="khanhhoa=contract,vanphong=opencps",
        MOTCUA_GATEWAYS="kannel",
        MOTCUA_INQUIRIES_ON="true",
        MOTCUA_SEGMENT_PRICE="350",
        MOTCUA_DEPARTMENT_RECIPIENTS="so.tttt@khanhhoa.example.vn",
        AIRFLOW_CONN_SMS_KANNEL=gateway_connection(port, sender="MotcuaSMS"),
        AIRFLOW_CONN_SMTP_DEFAULT=mailbox_connection(1),
        **{
            f"AIRFLOW_CONN_ONESTOP_{name.upper()}": postgres_connection(source.reader_dsn)
            for name, source in addresses.sources.items()
        },
    )
    sources = {name: connection(source.writer_dsn) for name, source in addresses.sources.items()}
    truth = connection(addresses.truth_dsn)
    truth.execute("TRUNCATE world.clock")
    writers = {"khanhhoa": OneStopWriter(sources["khanhhoa"]), "vanphong": OpencpsWriter(sources["vanphong"])}
    yield World(truth, writers, seed=7)
    for each in (truth, *sources.values()):
        each.close()
    with psycopg.connect(postgres.admin_dsn, autocommit=True) as admin:
        for name in ("onestop_khanhhoa", "onestop_vanphong", TRUTH):
            admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.mark.timeout(1200)
@pytest.mark.alone
def test_a_month_of_the_demos_past_is_purged_while_every_publication_holds(world, ledger, rows, tmp_path):
    extent, defaults, said = Extent(days=DAYS, per_day=6, joined=2), rows(DEFAULTS), list[str]()
    with connection(ledger) as owner:
        load_past(
            world,
            owner,
            demo.write_agencies(tmp_path),
            said.append,
            now=NOW,
            seed=7,
            extent=extent,
            prepare=lambda begins: prepare_calendars(begins, "demo"),
        )

    # After the past, the ledger is like a real ledger: no simulated clock is left, every day but yesterday is closed
    # and published, and every closing adds up.
    assert rows(DEFAULTS) == defaults
    with connection(ledger) as ledger_now:
        assert not is_half_done(ledger_now)
    today = NOW.astimezone(VIETNAM).date()
    days = {str(Period(today - timedelta(days=number))) for number in range(2, extent.days + 1)}
    published = rows(
        "SELECT DISTINCT c.period FROM motcua.publications AS p INNER JOIN motcua.closings AS c USING (closing_no)"
        " WHERE length(c.period) = 10"
    )
    assert {row["period"] for row in published} == days
    assert closings_to_publish() == []
    assert rows("SELECT period FROM motcua.closings WHERE difference <> 0 OR unexplained <> 0") == []
    summary = in_ledger(read_summary, NOW)
    assert summary.difference == 0
    assert summary.count(state="delivered") > 30
    assert [*(tmp_path / "data" / "mailbox").glob("*.eml")], "the mailbox folder must have the recent mails"
    times = rows(
        "SELECT max(abs(extract(epoch FROM h.changed_at - m.planned_at))) AS apart"
        " FROM motcua.messages AS m INNER JOIN motcua.message_history AS h USING (message_id)"
        " WHERE h.from_state IS NULL"
    )
    assert times[0]["apart"] < 3600, "the ledger must store the job's simulated time"
    assert rows("SELECT run_no FROM motcua.quality_runs WHERE sealed_at IS NOT NULL")
    assert rows("SELECT inquiry_id FROM motcua.inquiries")

    # The first report that the demo makes after the played past is about yesterday.
    (closing,) = close_days("first", EVERYTHING, EVERYTHING, NOW)
    made = rows("SELECT period, difference, unexplained FROM motcua.closings WHERE closing_no = %s", closing)[0]
    assert made == {"period": str(Period(today - timedelta(days=1))), "difference": 0, "unexplained": 0}
    expired = summary.count(state="expired") / sum(row.messages for row in summary.messages)
    assert expired < 0.05

    verified = [*verify_all()]
    assert len(verified) >= len(days)
    assert [str(fault) for each in verified for fault in each.faults] == []

    purged = {each.kind: each.rows for each in purge("test")}
    assert sum(purged.values()) > 0
    kept = rows(
        "SELECT d.agency_code, min(m.changed_at) AS since FROM motcua.messages AS m"
        " INNER JOIN motcua.dossiers AS d USING (dossier_id) WHERE m.purged_at IS NOT NULL GROUP BY 1"
    )
    assert {row["agency_code"] for row in kept} == set(FIRST_SHORT)
    again = [*verify_all()]
    assert len(again) == len(verified)
    assert [str(fault) for each in again for fault in each.faults] == []


def test_a_past_that_was_broken_off_is_seen_and_its_ledger_begins_anew(postgres, ledger, tmp_path):
    name = psycopg.conninfo.conninfo_to_dict(ledger)["dbname"]
    with connection(ledger) as owner, pytest.raises(RuntimeError, match="killed"), ledger_clock(owner, NOW):
        raise RuntimeError("killed")
    with connection(ledger) as owner:
        assert is_half_done(owner)
    (tmp_path / "journal").mkdir()
    said: list[str] = []
    demo.forget_broken_past(said.append, postgres.admin_dsn, tmp_path, str(name))
    assert said
    assert not (tmp_path / "journal").exists()
    with psycopg.connect(postgres.admin_dsn, autocommit=True) as admin:
        assert admin.execute("SELECT FROM pg_database WHERE datname = %s", (name,)).fetchone() is None
        admin.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(str(name))))
    demo.forget_broken_past(said.append, postgres.admin_dsn, tmp_path, str(name))
    with connection(with_database(postgres.admin_dsn, str(name))) as there:
        assert not is_half_done(there)
    assert len(said) == 1


def test_demo_invents_nothing_if_a_real_gateway_or_source_replaces_one_of_its_own():
    assert demo.may_invent({"MOTCUA_POSTGRES_DSN": "postgres://x", "AIRFLOW_CONN_SMTP_DEFAULT": "{}"})
    for name in ("MOTCUA_SOURCES", "MOTCUA_GATEWAYS", "AIRFLOW_CONN_SMS_KANNEL", "AIRFLOW_CONN_ONESTOP_KHANHHOA"):
        assert not demo.may_invent({name: "x"})
    # A vendor can add a source to the demo to test how the vendor's software connects.
    assert demo.may_invent({"MOTCUA_SOURCES": f"{OWN_SOURCES},hue=national_sync,vanninh"})
    assert not demo.may_invent({"MOTCUA_SOURCES": OWN_SOURCES.rpartition(",")[0] + ",hue=national_sync"})
    assert not demo.may_invent({"MOTCUA_SOURCES": f"{OWN_SOURCES},hue", "AIRFLOW_CONN_ONESTOP_KHANHHOA": "x"})


def test_one_agency_improves_and_one_games_its_dates() -> None:
    """In the demo's past, one agency becomes punctual, and one begins to falsify its dates halfway."""
    numbers: dict[str, int] = {}

    def serial(agency_code: str, series: str) -> int:
        numbers[series] = numbers.get(series, 0) + 1
        return numbers[series]

    now = datetime(2026, 11, 27, 10, 0, tzinfo=ZONE)
    begins = now.date() - timedelta(days=92)
    pasts = [*months(Random(3), pilot(), serial, begins, now.date(), now, 100)]
    manners = {agency.code: agency.past for agency in pilot().agencies}
    halves: dict[tuple[str | None, bool], list[bool]] = {}
    beaten: dict[str | None, int] = {}
    first_beaten = now.date()
    for past in pasts:
        how = manners[past.dossier.agency_code]
        told = any(kind == "told_before_its_paper" for _, kind, _ in past.events)
        moved = len({row.due_at for _, row in past.rows if row.procedure == past.dossier.true_procedure}) > 1
        beaten[how] = beaten.get(how, 0) + (told or moved)
        if told or moved:
            first_beaten = min(first_beaten, past.dossier.received_at.date())
        if past.ready_at is not None and past.rows[0][1].due_at < now - timedelta(days=14):
            # Dossiers that were due in the last two weeks are left out: late dossiers among them are often still open,
            # so the share of late dossiers would be too low.
            late = past.ready_at > past.rows[0][1].due_at
            first = past.dossier.received_at < now - timedelta(days=46)
            halves.setdefault((how, first), []).append(late)
    shares = {key: sum(late) / len(late) for key, late in halves.items()}
    assert shares["improves", True] > shares["improves", False] + 0.1
    assert abs(shares["steady", True] - shares["steady", False]) < 0.1
    assert beaten["games"] > 50
    assert begins + timedelta(days=45) < first_beaten < begins + timedelta(days=60), (
        "the agency must begin to falsify its dates in the middle of the past"
    )
    assert beaten["improves"] == beaten["steady"] == 0
    assert max(moment for past in pasts for moment, _ in past.rows) <= now
    assert any(past.to_come for past in pasts)
