"""Insert ledger rows for tests of pages.

The rows are inserted by SQL. Other tests cover the code that plans and sends messages.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from psycopg.types.json import Jsonb

from motcua.domain.clock import VIETNAM
from tests.ground import NHA_TRANG, NOW

Rows = Callable[..., list[dict[str, Any]]]


def put(rows: Rows, table: str, **values: Any) -> None:
    """Insert a row into a table of the ledger.

    Args:
        rows: runs an SQL statement.
        table: the table, in the schema ``motcua`` unless a schema is given.
        values: the columns; mappings are stored as JSON.
    """
    given = [
        Jsonb(each)
        if isinstance(each, dict) or (isinstance(each, list) and each and isinstance(each[0], dict))
        else each
        for each in values.values()
    ]
    places = ", ".join(["%s"] * len(given))
    name = table if "." in table else f"motcua.{table}"
    rows(f"INSERT INTO {name} ({', '.join(values)}) OVERRIDING SYSTEM VALUE VALUES ({places})", *given)


def put_closing(rows: Rows, number: int, period: str, *, run: str = "tests", difference: int = 0) -> None:
    """Insert a closing without figures for a period."""
    known = ("version", "transition", "history", "message", "inquiry", "receipt")
    put(
        rows, "closings", closing_no=number, period=period, run_id=run, as_of=datetime.now(UTC),
        figures_hash="a" * 64, difference=difference, unexplained=0, **{f"known_{each}": 0 for each in known},
    )  # fmt: skip


def put_publication(rows: Rows, number: int, closing: int) -> None:
    """Insert the publication of a closing."""
    put(
        rows, "publications", publication_no=number, closing_no=closing, folder="x", manifest_sha256="b" * 64,
        previous_sha256="0" * 64, manifest={}, published_at=datetime.now(UTC),
    )  # fmt: skip


def put_evening(rows: Rows, agency: str, evening_at: datetime, **figures: int) -> None:
    """Insert an agency's evening of apologies in the state ``done``."""
    day = evening_at.astimezone(VIETNAM).date()
    put(
        rows, "apology_evenings", agency_code=agency, day=day, evening_at=evening_at, apology_day="calendar",
        state="done", first_due=day + timedelta(days=1), last_due=day + timedelta(days=1),
        useful_until=evening_at + timedelta(hours=3), settled_at=evening_at, known_transition=1, known_version=1,
        **{"looked_at": 20, "queued": 0, "suppressed": 0, "missed": 0} | figures,
    )  # fmt: skip


def put_life(rows: Rows, ago: timedelta = timedelta(minutes=1), **values: Any) -> None:
    """Replace the watch's row of the table ``watch_life`` by the row of a watch that finds nothing wrong.

    Args:
        rows: runs an SQL statement.
        ago: how long ago the watch ran its checks.
        values: other columns; ``identity`` holds facts of the last count of the accounting identity.
    """
    now = datetime.now(UTC)
    counted = {"difference": 0, "night_of": None} | values.pop("identity", {})
    looks = [{"check": "identity", "state": "ok", "facts": counted}]
    looks.append({"check": "of another version", "state": "ok", "facts": {}})
    rows("DELETE FROM motcua.watch_life")
    life = {"began_at": now - timedelta(days=1), "looked_at": now - ago, "looks": looks, "recipients": 1, "unsent": 0}
    put(rows, "watch_life", **life | values)


class LedgerRows:
    """A writer of dossiers, messages, attempts and inquiries.

    Triggers are disabled, so that a row may begin in any state. The messages name transitions that are not inserted,
    numbered from ``first`` on. The ledger must have no other transitions with these numbers.
    """

    def __init__(self, rows: Rows, first: int = 1) -> None:
        self._rows = rows
        self._numbers = iter(range(first, 100_000))
        rows("SET session_replication_role = 'replica'")
        rows("INSERT INTO motcua.sources (name) VALUES ('mot_cua')")
        rows("INSERT INTO motcua.gateways (name) VALUES ('kannel') ON CONFLICT DO NOTHING")

    def dossier(self, code: str, agency: str = NHA_TRANG, procedure: str | None = None) -> int:
        """Insert a dossier and return its number."""
        (row,) = self._rows(
            "INSERT INTO motcua.dossiers (source_id, agency_code, dossier_code, procedure_code, msisdn, picked_up_at)"
            " VALUES ((SELECT min(source_id) FROM motcua.sources), %s, %s, %s, '+84905123482', now())"
            " ON CONFLICT (agency_code, dossier_code) DO UPDATE SET picked_up_at = now() RETURNING dossier_id",
            agency,
            code,
            procedure,
        )
        return int(row["dossier_id"])

    def message(
        self,
        code: str | None = "160915001",
        agency: str | None = NHA_TRANG,
        *,
        kind: str = "result",
        state: str = "delivered",
        reason: str | None = None,
        text: str = "Thong bao: Ho so cua quy Ong/Ba",
        template: str = "",
        procedure: str | None = None,
        at: datetime = NOW,
        useful_until: datetime | None = None,
        msisdn: str = "+84905123482",
    ) -> int:
        """Insert a message and return its number. The message has no dossier if ``code`` is ``None``."""
        number = next(self._numbers)
        of = None if code is None or agency is None else self.dossier(code, agency, procedure)
        (row,) = self._rows(
            "INSERT INTO motcua.messages (kind, dossier_id, agency_code, procedure_code, occasion, transition_id,"
            " state, reason, msisdn, text, template_id, template_version, parameters, accented, segments, occurred_at,"
            " recorded_at, planned_at, useful_until, next_attempt_at, accepted_at, changed_at)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, 1, '{}', FALSE, 1, %s, %s, %s, %s, %s, %s, %s)"
            " RETURNING message_id",
            kind,
            of,
            agency,
            procedure,
            f"occasion {number}",
            number if kind in ("result", "supplement") else None,
            state,
            reason,
            msisdn,
            text,
            template or kind,
            at,
            at,
            at,
            useful_until or at + timedelta(days=3),
            at,
            at + timedelta(seconds=2),
            at + timedelta(seconds=3),
        )
        return int(row["message_id"])

    def attempt(self, message: int, *, state: str = "delivered", run: str = "run 1", at: datetime = NOW) -> int:
        """Insert an attempt of a message and return its number."""
        (row,) = self._rows(
            "INSERT INTO motcua.attempts (message_id, gateway, reference, sender_id, run_id, msisdn, state, started_at)"
            " VALUES (%s, 'kannel', %s, 1, %s, '+84905123482', %s, %s) RETURNING attempt_id",
            message,
            f"reference {next(self._numbers)}",
            run,
            state,
            at,
        )
        return int(row["attempt_id"])

    def held(self, code: str, agency: str = NHA_TRANG, *, useful_until: datetime, at: datetime = NOW) -> int:
        """Insert a message of unknown outcome with its attempt, and return the message's number."""
        number = self.message(code, agency, state="unknown", reason="no_answer", at=at, useful_until=useful_until)
        self.attempt(number, state="unknown", at=at)
        return number

    def inquiry(
        self,
        outcome: str = "answered",
        *,
        code: str | None = "160915001",
        agency: str = NHA_TRANG,
        asked: str | None = None,
        msisdn: str | None = "+84905123482",
        at: datetime = NOW,
        reply_state: str = "accepted",
    ) -> int:
        """Insert an inquiry with its reply and return the inquiry's number. An answered inquiry has a dossier."""
        answered = outcome == "answered"
        template = "reply" if answered else "reply_unknown"
        reply = self.message(
            code if answered else None,
            agency if answered else None,
            kind="reply",
            state=reply_state,
            template=template,
            text=f"Khong tim thay ho so ({asked}).",
            at=at,
        )
        of = self.dossier(code or "", agency) if answered else None
        (row,) = self._rows(
            "INSERT INTO motcua.inquiries (gateway, dedupe_key, received_at, msisdn, text, asked_code, outcome,"
            " dossier_id, agency_code, as_of, fee, message_id)"
            " VALUES ('kannel', %s, %s, %s, 'MCKH', %s, %s, %s, %s, %s, 1000, %s) RETURNING inquiry_id",
            f"key {next(self._numbers)}",
            at,
            msisdn,
            asked,
            outcome,
            of,
            agency if answered else None,
            at if answered else None,
            reply,
        )
        return int(row["inquiry_id"])
