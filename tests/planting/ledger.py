"""Write a planted world into the ledger: the rows that pick-up, sending and the gateways' receipts would have left."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime, time
from typing import Any

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from motcua.domain.phones.reading import read_phone
from tests.ground import REGISTER_TABLE
from tests.planting.world import DAY, MINUTE, NOW, Life, World, at


def write(world: World, dsn: str, register_dsn: str) -> dict[int, Life]:
    numbered = dict(enumerate(world.lives, 1))
    names = {name: number for number, name in enumerate(world.states, 1)}
    with psycopg.connect(dsn) as connection:
        # Rows are written once, in their final state, so triggers and foreign keys must be off.
        connection.execute("SET session_replication_role = replica")
        connection.execute("INSERT INTO motcua.gateways (name) VALUES ('kannel')")
        _copy(
            connection,
            "sources",
            ("source_id", "name", "picked_up_at", "failed_at", "failure"),
            (
                (
                    number,
                    name,
                    state.get("picked_up_at", NOW - 5 * MINUTE),
                    state.get("failed_at"),
                    state.get("failure"),
                )
                for (name, number), state in zip(names.items(), world.states.values(), strict=True)
            ),
        )
        _copy(
            connection,
            "agencies",
            ("agency_code", "name", "enabled_from", "changed_by"),
            ((code, f"Cơ quan {code}", at(date(2026, 1, 5)), "prove") for code in world.offices),
        )
        _copy(
            connection,
            "office_hours",
            ("agency_code", "valid_from", "opens", "morning_ends", "afternoon_begins", "closes", "saturday_mornings",
             "authority"),
            (
                (code, date(2026, 1, 1), time(7), time(11, 30), time(13, 30), time(17), True, "Thông báo 1")
                for code, office in world.offices.items()
                if office.saturdays
            ),
        )  # fmt: skip
        procedures = {life.procedure for life in world.lives} | {
            procedure for life in world.lives for *_, procedure in life.versions
        }
        _copy(
            connection,
            "procedures",
            ("procedure_code", "name"),
            ((code, f"Thủ tục {code}") for code in procedures),
        )
        phones = {life.phone: read_phone(life.phone, life.received.date(), "khanh_hoa") for life in world.lives}
        _write_dossiers(connection, numbered, names, phones)
        _write_moves_and_messages(connection, numbered, names, phones)
        _copy(
            connection,
            "quarantine",
            ("source_id", "row_kind", "row_key", "reason", "payload", "first_seen_at", "last_seen_at"),
            (
                (names[name], "transition", reason, reason, Jsonb({}), when, when)
                for name, reason, when in world.quarantine
            ),
        )
    with psycopg.connect(register_dsn, autocommit=True) as register:
        register.execute(REGISTER_TABLE)
        with register.cursor().copy("COPY onestop.desk_register FROM STDIN") as copy:
            for life in world.lives:
                if life.office.source == "co_so" and (entry := _register_entry(life)) is not None:
                    copy.write_row((life.office.code, life.code, *entry))
    return numbered


def _register_entry(life: Life) -> tuple[datetime | None, datetime | None] | None:
    """Return a dossier's entry in the desk's register: the planted one, or else the one that a careful desk makes."""
    if life.register is not None:
        return life.register if any(life.register) else None
    ready = [move.when for move in life.moves if move.status == 9 and move.desk]
    handed = [move.when for move in life.moves if move.status == 10]
    return (ready[-1] - 10 * MINUTE, handed[-1] + 2 * MINUTE if handed else None) if ready else None


def _copy(
    connection: psycopg.Connection[Any], table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]
) -> None:
    statement = sql.SQL("COPY motcua.{} ({}) FROM STDIN").format(
        sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, columns))
    )
    with connection.cursor().copy(statement) as copy:
        for row in rows:
            copy.write_row(row)


def _write_dossiers(
    connection: psycopg.Connection[Any], numbered: dict[int, Life], names: dict[str, int], phones: dict[str | None, Any]
) -> None:
    columns = (
        "dossier_id", "source_id", "agency_code", "dossier_code", "procedure_code", "applicant_name", "applicant_phone",
        "msisdn", "phone_refusal", "phone_notes", "submitted_via", "received_at", "due_at", "status_code",
        "at_one_stop_desk", "finished_at", "returned_at", "updated_at", "picked_up_at",
    )  # fmt: skip
    _copy(
        connection,
        "dossiers",
        columns,
        (
            (
                number, names[life.office.source], life.office.code, life.code, life.procedure, life.name, life.phone,
                phones[life.phone].e164, phones[life.phone].refusal, list(phones[life.phone].notes), life.via,
                life.received, life.due, life.status, life.moves[-1].desk, life.finished, life.returned,
                max(move.when for move in life.moves), NOW - 5 * DAY,
            )
            for number, life in numbered.items()
        ),
    )  # fmt: skip
    _copy(
        connection,
        "dossier_versions",
        ("dossier_id", "seen_at", "updated_at", "procedure_code", "due_at", "at_one_stop_desk"),
        (
            (number, when, when, procedure, due, False)
            for number, life in numbered.items()
            for when, due, procedure in life.versions or [(life.received, life.due, life.procedure)]
        ),
    )


def _write_moves_and_messages(
    connection: psycopg.Connection[Any], numbered: dict[int, Life], names: dict[str, int], phones: dict[str | None, Any]
) -> None:
    moves: list[tuple[Any, ...]] = []
    messages: list[tuple[Any, ...]] = []
    attempts: list[tuple[Any, ...]] = []
    inquiries: list[tuple[Any, ...]] = []
    cleaned: list[tuple[Any, ...]] = []
    complaints: list[tuple[Any, ...]] = []
    for number, life in numbered.items():
        reading = phones[life.phone]
        first_result = True
        for place, move in enumerate(sorted(life.moves, key=lambda each: each.when)):
            transition = len(moves) + 1
            moves.append(
                (
                    transition, names[life.office.source], None if move.from_row else transition, number,
                    place * 10 + 10, move.from_row, move.status, move.desk, move.when, move.when, move.actor, move.note,
                    move.when,
                )
            )  # fmt: skip
            if life.cleaned and life.cleaned[0][2] and place == len(life.moves) - 1:
                cleaned.append((life.office.code, number, transition, life.cleaned[0][0], *[life.cleaned[0][1]] * 2))
            if move.status != 9:
                continue
            state = life.results
            if state == "reached_in_the_end":
                state = "undelivered" if first_result else "delivered"
            first_result = False
            reason = None
            if reading.e164 is None:
                state, reason = "suppressed", reading.refusal
            elif state in ("rejected", "expired"):
                reason = state
            message = len(messages) + 1
            when = move.when + MINUTE
            messages.append(
                (
                    message, "result", number, life.office.code, life.procedure, str(transition), transition, state,
                    reason, reading.e164, "…", "T1", 1, [], False, 1, when, when, when, when + 3 * DAY, when,
                    when if state in ("delivered", "undelivered") else None, when,
                )
            )  # fmt: skip
            if state in ("delivered", "undelivered"):
                attempts.append((message, "kannel", f"r{message}", 1, "prove", reading.e164, state, when, when))
        cleaned += [(life.office.code, number, None, detail, when, when) for detail, when, of in life.cleaned if not of]
        for claim, when, taken_back in life.complaints:
            key, back = f"{len(complaints):064x}", (when, "prove") if taken_back else (None, None)
            complaints.append((key, life.office.code, life.code, number, when, "portal", claim, "prove", when, *back))
        for when in life.inquiries:
            inquiries.append(
                (
                    "kannel",
                    f"k{len(inquiries)}",
                    when,
                    "answered",
                    number,
                    life.office.code,
                    when,
                    True,
                    1000,
                    len(inquiries),
                )
            )
    _copy(connection, "transitions",
          ("transition_id", "source_id", "source_transition_id", "dossier_id", "sequence", "from_row", "status_code",
           "at_one_stop_desk", "occurred_at", "recorded_at", "actor", "note", "picked_up_at"), moves)  # fmt: skip
    _copy(connection, "messages",
          ("message_id", "kind", "dossier_id", "agency_code", "procedure_code", "occasion", "transition_id", "state",
           "reason", "msisdn", "text", "template_id", "template_version", "parameters", "accented", "segments",
           "occurred_at", "recorded_at", "planned_at", "useful_until", "next_attempt_at", "accepted_at", "changed_at"),
          messages)  # fmt: skip
    _copy(connection, "attempts",
          ("message_id", "gateway", "reference", "sender_id", "run_id", "msisdn", "state", "started_at", "answered_at"),
          attempts)  # fmt: skip
    _copy(connection, "inquiries",
          ("gateway", "dedupe_key", "received_at", "outcome", "dossier_id", "agency_code", "as_of", "told_result",
           "fee", "message_id"), inquiries)  # fmt: skip
    _copy(connection, "complaints",
          ("entry_key", "agency_code", "dossier_code", "dossier_id", "received_at", "channel", "claim", "recorded_by",
           "recorded_at", "withdrawn_at", "withdrawn_by"), complaints)  # fmt: skip
    _copy(connection, "cleaned_fields",
          ("agency_code", "dossier_id", "transition_id", "detail", "found_at", "last_seen_at", "code"),
          ((*row, "field_cleaned") for row in cleaned))  # fmt: skip
