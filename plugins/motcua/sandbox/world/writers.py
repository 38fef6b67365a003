"""Create the simulated one-stop databases, and write into them as each vendor's software does."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar, LiteralString

import psycopg
from psycopg import sql

from motcua.sandbox.world.happenings import Dossier, Transition
from motcua.sandbox.world.procedures import ZONE
from motcua.store.ledger.database import Connection
from motcua.store.ledger.provisioning import Role, allow_connect, ensure_database, ensure_role, with_database
from motcua.store.ledger.queries import statement

# --- Addresses -------------------------------------------------------------------------------------------------------

SOURCES = {"khanhhoa": "contract", "vanphong": "opencps"}
"""Maps each source with a database to the adapter that reads it, as in ``MOTCUA_SOURCES``."""

PUSHED = {"camlam": "national_sync"}
"""Maps the source whose software pushes (include/sandbox/pushing.yaml) to its adapter. It has no database here."""

DROPPED = {"khanhson": "files"}
"""Maps the source that exports files (include/sandbox/exporting.yaml) to its adapter. It has no database here."""

OWN_SOURCES = ",".join(f"{name}={adapter}" for name, adapter in (SOURCES | PUSHED | DROPPED).items())
"""All sources in the form of ``MOTCUA_SOURCES``."""

TRUTH = "world_truth"
"""The name of the database that records what truly happens, and of the role that owns it."""

ROLES = (
    *(f"onestop_{source}_{part}" for source in SOURCES for part in ("world", "reader")),
    TRUTH,
)
"""Every role that needs a password."""


@dataclass(frozen=True, slots=True)
class SourceAddress:
    """Addresses of one source. The world writes with ``writer_dsn``. The system reads with ``reader_dsn``."""

    adapter: str
    writer_dsn: str = field(repr=False)
    reader_dsn: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class OneStopAddresses:
    """All databases of the world. Only the world uses ``truth_dsn``."""

    sources: dict[str, SourceAddress]
    truth_dsn: str = field(repr=False)


def _dsn_as(admin_dsn: str, database: str, role: Role) -> str:
    return with_database(psycopg.conninfo.make_conninfo(admin_dsn, user=role.name, password=role.password), database)


def _create_database(admin_dsn: str, database: str, owner: Role, schema: str, reader: Role | None = None) -> None:
    with psycopg.connect(admin_dsn, autocommit=True) as admin:
        for role in filter(None, (owner, reader)):
            ensure_role(admin, role)
        admin.execute(sql.SQL("GRANT {} TO CURRENT_USER").format(sql.Identifier(owner.name)))
        ensure_database(admin, database, owner.name)
        if reader is not None:
            allow_connect(admin, database, reader.name)
            admin.execute(
                sql.SQL("ALTER ROLE {} SET default_transaction_read_only = on").format(sql.Identifier(reader.name))
            )
    with psycopg.connect(_dsn_as(admin_dsn, database, owner)) as connection:
        connection.execute(statement(schema))


def create_one_stop_databases(admin_dsn: str, passwords: Mapping[str, str]) -> OneStopAddresses:
    """Create, if missing, the databases of the two sources and of the truth, with their roles. Safe to repeat.

    ``passwords`` has one password for each of ``ROLES``. A reader can connect only to its own source, and only select.

    Raises:
        KeyError: a role has no password.
        psycopg.Error: the administrator lacks a right, or the server does not answer.
    """
    roles = {name: Role(name, passwords[name]) for name in ROLES}
    sources = {}
    for source, adapter in SOURCES.items():
        database = f"onestop_{source}"
        writer, reader = roles[f"{database}_world"], roles[f"{database}_reader"]
        _create_database(admin_dsn, database, writer, f"sandbox/{source}/schema", reader)
        sources[source] = SourceAddress(
            adapter, _dsn_as(admin_dsn, database, writer), _dsn_as(admin_dsn, database, reader)
        )
    _create_database(admin_dsn, TRUTH, roles[TRUTH], "sandbox/truth/schema")
    return OneStopAddresses(sources, _dsn_as(admin_dsn, TRUTH, roles[TRUTH]))


# --- Writers ---------------------------------------------------------------------------------------------------------


class OneStopWriter:
    """Writes as the software of the source ``khanhhoa``, whose tables are like the views of the source contract."""

    file: ClassVar[LiteralString] = "sandbox/khanhhoa"

    def __init__(self, connection: Connection) -> None:
        """Create the writer. ``connection`` must be in autocommit mode."""
        self._connection = connection

    def dossier_values(self, dossier: Dossier) -> dict[str, Any]:
        """Return the parameters of a dossier's row."""
        return {
            "agency_code": dossier.written_agency,
            "dossier_code": dossier.written_code,
            "procedure_code": dossier.procedure.code,
            "procedure_name": dossier.procedure.name,
            "field_name": dossier.procedure.field,
            "applicant_name": dossier.applicant_name,
            "applicant_phone": dossier.phone.written,
            "phone_entered_at": dossier.phone_entered_at,
            "submitted_via": dossier.submitted_via,
            "received_at": dossier.received_at,
            "due_at": dossier.due_at,
            "step_name": dossier.step,
            "status_code": dossier.status,
            "at_one_stop_desk": dossier.desk,
            "finished_at": dossier.finished_at,
            "returned_at": dossier.returned_at,
            "updated_at": dossier.updated_at,
        }

    def transition_values(self, transition: Transition, action_id: int | None) -> dict[str, Any]:
        """Return the parameters of a transition."""
        return {
            "transition_id": transition.transition_id,
            "agency_code": transition.agency_code,
            "dossier_code": transition.dossier_code,
            "from_step": transition.from_step,
            "to_step": transition.to_step,
            "status_code": transition.status,
            "at_one_stop_desk": transition.desk,
            "occurred_at": transition.occurred_at,
            "recorded_at": transition.recorded_at,
            "actor": transition.actor,
            "note": transition.note,
            "action_id": action_id,
        }

    def write(self, dossier: Dossier | None, transition: Transition | None, action_id: int) -> int | None:
        """Commit the dossier's row, a transition or both together, and return the transition's number."""
        number = None
        with self._connection.transaction():
            if dossier is not None:
                self._connection.execute(statement(self.file + "/write_dossier"), self.dossier_values(dossier))
            if transition is not None:
                values = self.transition_values(transition, action_id)
                row = self._connection.execute(statement(self.file + "/write_transition"), values).fetchone()
                number = row["transition_id"] if row else None
        return number

    def write_register(self, dossier: Dossier, ready_at: datetime | None, handed_at: datetime | None) -> None:
        """Write an entry of the desk's register of results. This source stores the register."""
        self._connection.execute(
            statement("sandbox/khanhhoa/write_register"),
            {
                "agency_code": dossier.written_agency,
                "dossier_code": dossier.written_code,
                "result_ready_at": ready_at,
                "handed_over_at": handed_at,
            },
        )

    def reserve_transition(self) -> int:
        """Return the number of a transition that will be committed later."""
        row = self._connection.execute(statement(self.file + "/reserve_transition")).fetchone()
        return int(row["transition_id"]) if row else 0

    def write_history(
        self,
        dossiers: Iterable[Dossier],
        transitions: Iterable[Transition],
        register: Iterable[tuple[Dossier, datetime | None, datetime | None]],
    ) -> None:
        """Replace all rows of the source in one transaction."""
        with self._connection.transaction():
            self._connection.execute(statement(self.file + "/clear"))
            self.add_history(dossiers, transitions, register)

    def add_history(
        self,
        dossiers: Iterable[Dossier],
        transitions: Iterable[Transition],
        register: Iterable[tuple[Dossier, datetime | None, datetime | None]],
    ) -> None:
        """Write current rows of dossiers, and further transitions and entries of the register, in one transaction."""
        with self._connection.transaction(), self._connection.cursor() as cursor:
            cursor.executemany(
                statement(self.file + "/write_dossier"),
                [self.dossier_values(dossier) for dossier in dossiers],
            )
            cursor.executemany(
                statement(self.file + "/write_transition"),
                [self.transition_values(transition, None) for transition in transitions],
            )
            for entry in register:
                self.write_register(*entry)


def _written_time(moment: datetime | None) -> str | None:
    return moment.astimezone(ZONE).strftime("%Y%m%d%H%M%S") if moment else None


_DEPARTMENTS = {
    "Trình ký": "LANH_DAO",
    "Trình lãnh đạo phê duyệt": "LANH_DAO",
    "Ký duyệt": "LANH_DAO",
    "Vào sổ, đóng dấu": "VAN_THU",
}


def _vendor_place(step: str | None, status: int | None, desk: bool) -> dict[str, Any]:
    """Return this vendor's words for a dossier's status, and for whether the dossier is at the one-stop desk.

    For a supplement, only ``supplement`` shows where the dossier is, because ``department`` always names the desk.
    """
    at_desk = desk if status != 5 else True
    return {
        "status": None if status is None else str(status),
        "supplement": None if status != 5 else "MotCua" if desk else "ChuyenMon",
        "department": "MOT_CUA" if at_desk else _DEPARTMENTS.get(step or "", "P_CHUYEN_MON"),
    }


class OpencpsWriter(OneStopWriter):
    """Writes as the software of the source ``vanphong``: OpenCPS's field names, dates as text, no desk flag."""

    file = "sandbox/vanphong"

    def dossier_values(self, dossier: Dossier) -> dict[str, Any]:
        """Return the parameters of a row of ``HoSo``."""
        return {
            **super().dossier_values(dossier),
            **_vendor_place(dossier.step, dossier.status, dossier.desk),
            "form": {"direct": "0", "postal": "1", "online": "2"}[dossier.submitted_via],
            "received": _written_time(dossier.received_at),
            "due": dossier.odd_due if dossier.odd_due is not None else _written_time(dossier.due_at),
            "finished": _written_time(dossier.finished_at),
            "returned": _written_time(dossier.returned_at),
        }

    def transition_values(self, transition: Transition, action_id: int | None) -> dict[str, Any]:
        """Return the parameters of a row of ``TienDoXuLy``."""
        occurred = transition.odd_time if transition.odd_time is not None else _written_time(transition.occurred_at)
        return {
            **super().transition_values(transition, action_id),
            **_vendor_place(transition.to_step, transition.status, transition.desk),
            "occurred": occurred,
        }

    def write_register(self, dossier: Dossier, ready_at: datetime | None, handed_at: datetime | None) -> None:
        """Do nothing: this vendor's desk keeps its register on paper only."""
