"""A ledger for tests of data quality. Tests write its rows directly."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from motcua.quality.soundness import Soundness
from motcua.sandbox.machine.deployment import postgres_connection
from motcua.store.ledger.database import kept_connections
from motcua.store.ledger.provisioning import with_database
from tests.ground import Server, connection_uri, environment

DAY = timedelta(days=1)
NOTHING_EXPECTED = Soundness(faults={}, tables={})
"""No expectations, for tests that are not about the snapshot: judging it takes longer than the rest of a check."""


def at(day: int, hour: int = 9, minute: int = 0, month: int = 11) -> datetime:
    """Return a moment of 2026 in Vietnam's time zone."""
    return datetime(2026, month, day, tzinfo=UTC) + timedelta(hours=hour - 7, minutes=minute)


CLERK = "clerk.one"


class World:
    """A ledger whose rows a test writes directly, as pick-up, sending and the gateways would have left them."""

    def __init__(self, dsn: str) -> None:
        self.connection = psycopg.connect(dsn, autocommit=True, row_factory=dict_row)
        # Tests write final states without the states before them, so the ledger's triggers must be off.
        self.connection.execute("SET session_replication_role = replica")
        self.numbers = itertools.count(1)
        self.sources: dict[str, int] = {}
        self.ids: dict[str, int] = {}
        self.procedures: set[str] = set()

    def insert(self, table: str, **values: Any) -> Any:
        names = sql.SQL(", ").join(map(sql.Identifier, values))
        places = sql.SQL(", ").join(map(sql.Placeholder, values))
        statement = sql.SQL("INSERT INTO motcua.{} ({}) VALUES ({}) RETURNING *").format(
            sql.Identifier(table), names, places
        )
        return self.connection.execute(statement, values).fetchone()

    def source(self, name: str, **changes: Any) -> int:
        row = self.insert("sources", **{"name": name, "picked_up_at": at(25, 5)} | changes)
        self.sources[name] = row["source_id"]
        return row["source_id"]

    def agency(self, code: str, **changes: Any) -> str:
        values = {"agency_code": code, "name": f"Cơ quan {code}", "enabled_from": at(1, month=1), "changed_by": "tests"}
        self.insert("agencies", **values | changes)
        return code

    def procedure(self, code: str) -> None:
        if code in self.procedures:
            return
        self.procedures.add(code)
        self.connection.execute(
            "INSERT INTO motcua.procedures VALUES (%s, %s, 'Lĩnh vực') ON CONFLICT DO NOTHING",
            (code, f"Thủ tục {code}"),
        )

    def dossier(self, code: str, agency: str = "A", source: str = "khanhhoa", **changes: Any) -> int:
        number = next(self.numbers)
        values: dict[str, Any] = {
            "source_id": self.sources[source],
            "agency_code": agency,
            "dossier_code": code,
            "procedure_code": "1.000001",
            "applicant_name": f"Nguyễn Văn {number}",
            "applicant_phone": f"0905{number:06d}",
            "phone_entered_at": None,
            "msisdn": f"+84905{number:06d}",
            "phone_refusal": None,
            "received_at": at(16),
            "due_at": at(30, 17),
            "status_code": 4,
            "at_one_stop_desk": False,
            "updated_at": at(16),
            "picked_up_at": at(23),
        } | changes
        if values["phone_refusal"]:
            values["msisdn"] = None
        self.procedure(values["procedure_code"])
        self.ids[code] = self.insert("dossiers", **values)["dossier_id"]
        return self.ids[code]

    def move(self, dossier_id: int, status: int, when: datetime, **changes: Any) -> int:
        number = next(self.numbers)
        values = {
            "source_id": self.sources["khanhhoa"],
            "source_transition_id": number,
            "dossier_id": dossier_id,
            "sequence": number,
            "status_code": status,
            "at_one_stop_desk": status in (9, 10),
            "occurred_at": when,
            "recorded_at": when,
            "actor": CLERK,
            "picked_up_at": when,
        } | changes
        return self.insert("transitions", **values)["transition_id"]

    def version(self, dossier_id: int, when: datetime, **changes: Any) -> None:
        values = {
            "dossier_id": dossier_id,
            "seen_at": when,
            "updated_at": when,
            "procedure_code": "1.000001",
            "due_at": at(30, 17),
            "at_one_stop_desk": False,
        }
        self.insert("dossier_versions", **values | changes)

    def message(self, dossier_id: int, state: str, when: datetime, number: str, **changes: Any) -> None:
        row = self.connection.execute(
            "SELECT agency_code, procedure_code FROM motcua.dossiers WHERE dossier_id = %s", (dossier_id,)
        ).fetchone()
        values = {
            "kind": "result",
            "dossier_id": dossier_id,
            "agency_code": row["agency_code"],
            "procedure_code": row["procedure_code"],
            "occasion": f"occasion {next(self.numbers)}",
            "transition_id": next(self.numbers),
            "state": state,
            "msisdn": number,
            "text": "…",
            "template_id": "T1",
            "template_version": 1,
            "parameters": [],
            "accented": False,
            "segments": 1,
            "occurred_at": when,
            "recorded_at": when,
            "planned_at": when,
            "useful_until": when + 3 * DAY,
            "next_attempt_at": when,
            "accepted_at": when if state in ("accepted", "delivered", "undelivered") else None,
            "changed_at": when,
            "reason": None,
        } | changes
        message = self.insert("messages", **values)["message_id"]
        if state in ("delivered", "undelivered"):
            self.insert(
                "attempts",
                message_id=message,
                gateway="kannel",
                reference=f"r{next(self.numbers)}",
                sender_id=1,
                run_id="tests",
                msisdn=number,
                state=state,
                started_at=when,
                answered_at=when,
            )

    def inquiry(self, dossier_id: int, when: datetime, *, told: bool = True) -> None:
        self.insert(
            "inquiries",
            gateway="kannel",
            dedupe_key=f"k{next(self.numbers)}",
            received_at=when,
            outcome="answered",
            dossier_id=dossier_id,
            agency_code="A",
            as_of=when,
            told_result=told,
            fee=1000,
            message_id=next(self.numbers),
        )

    def complaint(
        self, code: str, when: datetime, claim: str = "no_result_yet", agency: str = "A", **changes: Any
    ) -> None:
        values = {
            "entry_key": f"{next(self.numbers):064x}",
            "agency_code": agency,
            "dossier_code": code,
            "received_at": when,
            "channel": "hotline",
            "claim": claim,
            "recorded_by": "tests",
            "recorded_at": when,
        }
        self.insert("complaints", **values | changes)


@contextmanager
def quality_ledger(postgres: Server, migrated: str) -> Iterator[World]:
    """Make a fresh ledger and let the connection ``motcua_db`` point to it; afterwards restore the environment.

    While the block runs, connections to the ledger stay open and are reused.
    """
    name = postgres.fresh_database(migrated, "dq")
    app = connection_uri(postgres.admin_dsn, "motcua_app", name)
    with environment(AIRFLOW_CONN_MOTCUA_DB=app, MOTCUA_SOURCES=""), kept_connections():
        world = World(with_database(postgres.admin_dsn, name))
        yield world
        world.connection.close()
    postgres.drop_database(name)


@contextmanager
def extra_database(postgres: Server) -> Iterator[tuple[psycopg.Connection[Any], str]]:
    """Make an empty database for a source; yield a connection to it and its address as an Airflow connection."""
    name = postgres.fresh_database("template0", "dq_onestop")
    dsn = with_database(postgres.admin_dsn, name)
    try:
        with psycopg.connect(dsn, autocommit=True) as connection:
            yield connection, postgres_connection(dsn)
    finally:
        postgres.drop_database(name)
