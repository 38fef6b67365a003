"""Count, compare and store the figures of closings.

A closing holds the figures of a finished day, month, quarter or year. The figures are counted from the facts that the
ledger had at the closing's cut-off. A closing has a watermark: the largest numbers of the ledger's rows that the
closing counts. An occasion is the event that a message is about, and must have one message. An orphan is a row without
its counterpart, such as a receipt without an attempt, or a result handed over without a message.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, fields, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, LiteralString, TypeVar

from psycopg.types.json import Jsonb

from motcua.domain.apologies import Evening
from motcua.domain.dossiers import Kind
from motcua.domain.periods import Period
from motcua.domain.reconciliation import (
    AgencyFigures,
    Change,
    ChangeCause,
    ChannelFigures,
    Closing,
    Difference,
    DifferenceReason,
    DossierFigures,
    Figures,
    MessageFigures,
    Orphan,
    ReasonCount,
    Side,
    Timing,
)
from motcua.store.ledger.database import Connection
from motcua.store.ledger.queries import statement
from motcua.store.ledger.rows import batches, columns_of, first, recordset, value_of
from motcua.store.notices.apologies import forecast

Value = TypeVar("Value")

COUNTED = ("at_source", "out_of_scope", "only_source", "only_ledger")
"""The names of the figures that come from the comparison with the sources."""

_BATCH = 5000
_PATIENCE = 300.0
"""How many seconds to wait for transactions that began before the cut-off."""


class ClosingHeldUp(Exception):
    """Raised if a transaction from before the cut-off did not end, so that its rows are not known yet."""


@dataclass(frozen=True, slots=True)
class Watermark:
    """The largest numbers of the ledger's rows at a cut-off.

    All rows with smaller numbers are visible, so that a count by these numbers never changes.
    """

    known_version: int
    known_transition: int
    known_history: int
    known_inquiry: int
    known_receipt: int
    known_quality_run: int
    """The largest number of a complete run of the quality check."""
    known_attempt: int | None
    """The largest number of an attempt. ``None`` if channels are not counted."""
    known_message: int
    """All messages up to this number had been inserted by the cut-off. A few messages with larger numbers may have been
    inserted by then too."""


def take_watermark(connection: Connection) -> Watermark:
    """Return the watermark of this moment.

    The function waits until every transaction that is open at this moment has ended, because such a transaction may
    have written rows with smaller numbers that are not visible yet. The waiting delays no other session. ``connection``
    must have no open transaction.

    Raises:
        ClosingHeldUp: a transaction did not end within five minutes.
    """
    row = dict(connection.execute(statement("closings/watermark")).fetchone() or {})
    connection.commit()
    horizon = {"horizon": row.pop("horizon")}
    until = time.monotonic() + _PATIENCE
    while True:
        settled = connection.execute(statement("closings/is_settled"), horizon).fetchone()
        connection.commit()
        if settled and settled["is_settled"]:
            begun = connection.execute(statement("closings/comparing/known_message"), row).fetchone()
            return Watermark(**row, known_message=int(begun["known_message"]) if begun else 0)
        if time.monotonic() > until:
            raise ClosingHeldUp(
                f"a transaction from before the cut-off was still open after {_PATIENCE:.0f} s; "
                "rerun the task when it has ended (pg_stat_activity shows it)"
            )
        time.sleep(0.05)


def data_as_of(connection: Connection, sources: Iterable[str]) -> datetime | None:
    """Return the oldest time at which one of these sources was last read. ``None`` if a source was never read."""
    return first(connection.execute(statement("closings/data_as_of"), {"sources": list(sources)}), "data_as_of")


# --- Counting -----------------------------------------------------------------------------------------------------


def compute_figures(
    connection: Connection,
    closing: Closing,
    counted: Sequence[MessageFigures] | None = None,
    aside: Connection | None = None,
) -> Figures:
    """Count all figures of a closing again from the facts as they were known at its cut-off.

    Read only the schema ``audit``, so that an auditor can do the same. The figures of the sources cannot be counted
    again later, so ``counted`` gives them; by default they are read from the stored closing. For a period longer than a
    day, the numbers of right, wrong and missing apologies are the sums over its days, because each day is judged
    separately.

    ``aside`` is a second connection that counts the dossiers at the same time. Both connections count the same facts,
    because both count only rows up to the watermark.
    """
    period = closing.period
    bounds = {
        "start": period.start,
        "end": period.end,
        "first_day": period.first,
        "last_day": period.last,
        "as_of": closing.as_of,
        **{name: getattr(closing, name) for name in (each.name for each in fields(Watermark))},
    }
    if counted is None:
        counted = load_message_figures(connection, closing.closing_no)
    with ThreadPoolExecutor(1) as beside:
        counting = None if aside is None else beside.submit(_count_dossiers, aside, bounds)
        tally, timings = _count_messages(connection, bounds)
        dossiers = _count_dossiers(connection, bounds) if counting is None else counting.result()
    asked = _query_values(connection, "closings/counting/count_inquiries", _InquiryTally, bounds)
    return Figures(
        dossiers=dossiers,
        messages=_message_figures(counted, tally, asked),
        reasons=_reasons(tally),
        timings=timings,
        agencies=_agency_figures(connection, closing, asked, bounds),
        channels=()
        if closing.known_attempt is None
        else _query_values(connection, "closings/counting/count_channels", ChannelFigures, bounds),
    )


@dataclass(frozen=True, slots=True)
class _MessageTally:
    agency_code: str
    procedure_code: str
    kind: Kind
    state: str
    reason: str
    messages: int
    segments: int
    """The segments of the messages that a gateway accepted."""


@dataclass(frozen=True, slots=True)
class _InquiryTally:
    agency_code: str
    procedure_code: str
    inquiries: int
    fees: int
    told_without_result: int


def _count_dossiers(connection: Connection, bounds: Mapping[str, Any]) -> tuple[DossierFigures, ...]:
    connection.execute(statement("closings/counting/more_memory"))
    return _query_values(connection, "closings/counting/count_dossiers", DossierFigures, bounds)


def _count_messages(
    connection: Connection, bounds: Mapping[str, Any]
) -> tuple[tuple[_MessageTally, ...], tuple[Timing, ...]]:
    """Count messages by state, and the times of delivery, in one pass over the period's messages."""
    connection.execute(statement("closings/counting/more_memory"))
    tally, timings = [], []
    for row in connection.execute(statement("closings/counting/count_messages"), bounds):
        if row["state"] is None:
            timings.append(value_of(Timing, row))
        else:
            tally.append(value_of(_MessageTally, row))
    return tuple(tally), tuple(timings)


def _message_figures(
    counted: Sequence[MessageFigures], tally: Sequence[_MessageTally], asked: Sequence[_InquiryTally]
) -> tuple[MessageFigures, ...]:
    cells: dict[tuple[str, str, str], Counter[str]] = defaultdict(Counter)
    for each in counted:
        if each.kind != "reply":
            cell = cells[each.agency_code, each.procedure_code, each.kind]
            for name in COUNTED:
                cell[name] += getattr(each, name)
    for inquiries in asked:
        cells[inquiries.agency_code, inquiries.procedure_code, "reply"]["at_source"] += inquiries.inquiries
    for messages in tally:
        cell = cells[messages.agency_code, messages.procedure_code, messages.kind]
        cell[messages.state] += messages.messages
        cell["segments"] += int(messages.segments)
    return tuple(
        MessageFigures(*key, **cell)  # type: ignore[arg-type]
        for key, cell in sorted(cells.items())
        if any(cell.values())
    )


def _reasons(tally: Sequence[_MessageTally]) -> tuple[ReasonCount, ...]:
    return tuple(
        sorted(
            (
                ReasonCount(each.agency_code, each.procedure_code, each.kind, each.state, each.reason, each.messages)
                for each in tally
                if each.reason
            ),
            key=lambda each: (each.agency_code, each.procedure_code, each.kind, each.state, each.reason),
        )
    )


_FORECAST = {"right": "apologies_right", "wrong": "apologies_wrong", "stopped": "apologies_stopped"}


def _agency_figures(
    connection: Connection, closing: Closing, asked: Sequence[_InquiryTally], bounds: Mapping[str, Any]
) -> tuple[AgencyFigures, ...]:
    cells: dict[str, Counter[str]] = defaultdict(Counter)
    if not closing.period.is_day:
        for number in newest_closings(connection, closing.period.days, below=closing.closing_no or None).values():
            for day in _query_values(
                connection, "closings/reading/agencies", AgencyFigures, {"closing_no": number, "agency_code": None}
            ):
                for name in (*_FORECAST.values(), "late_untold"):
                    cells[day.agency_code][name] += getattr(day, name)
    else:
        known = {name: bounds[name] for name in ("known_version", "known_transition", "known_history")}
        for row in forecast(connection, closing.period.first, closing.period.last, closing.as_of, known):
            cells[row.agency_code][_FORECAST.get(row.outcome, "late_untold")] += row.dossiers
    for each in asked:
        cell = cells[each.agency_code]
        cell["inquiries"] += each.inquiries
        cell["inquiry_fees"] += int(each.fees)
        cell["told_without_result"] += each.told_without_result
    for found in connection.execute(statement("closings/counting/count_findings"), bounds).fetchall():
        cells[found["agency_code"]]["findings_open"] += int(found["findings_open"])
    return tuple(AgencyFigures(code, **cell) for code, cell in sorted(cells.items()) if any(cell.values()))


def find_orphans(connection: Connection, closing: Closing) -> tuple[Orphan, ...]:
    """Return the orphans in the closing's period at its cut-off.

    For a period longer than a day, return the orphans stored with the closings of its days.
    """
    if not closing.period.is_day:
        days = newest_closings(connection, closing.period.days, below=closing.closing_no or None)
        return tuple(orphan for number in days.values() for orphan in load_orphans(connection, number))
    names = ("known_version", "known_history", "known_receipt", "known_message")
    bounds = {name: getattr(closing, name) for name in names}
    # The query compares closed_at with the times of agencies' changes. All of them come from the ledger's own clock.
    bounds["closed_at"] = closing.closed_at if closing.closing_no else None
    return _query_values(
        connection,
        "closings/counting/find_orphans",
        Orphan,
        {"start": closing.period.start, "end": closing.period.end, **bounds},
    )


def broken_histories(connection: Connection, closing: Closing, limit: int = 100) -> list[int]:
    """Return up to ``limit`` messages of the period whose history lacks a row or does not end in their present state.

    The result has the messages' numbers, from ``audit.message_history``.
    """
    bounds = {"start": closing.period.start, "end": closing.period.end, "limit": limit}
    rows = connection.execute(statement("closings/counting/broken_histories"), bounds).fetchall()
    return [row["message_id"] for row in rows]


def hash_figures(figures: Figures, differences: Sequence[Difference], orphans: Sequence[Orphan]) -> str:
    """Return the SHA-256 of figures, differences and orphans, independent of the order of their rows."""
    whole = {
        each.name: sorted(
            json.dumps(columns_of(row), default=_to_text, sort_keys=True) for row in getattr(figures, each.name)
        )
        for each in fields(Figures)
        # Closings of earlier versions have no channels. An empty list is left out, so that their stored hashes stay
        # valid.
        if each.name != "channels" or figures.channels
    }
    whole["differences"] = sorted(json.dumps(columns_of(row), default=_to_text, sort_keys=True) for row in differences)
    whole["orphans"] = sorted(json.dumps(columns_of(row), default=_to_text, sort_keys=True) for row in orphans)
    return hashlib.sha256(json.dumps(whole, sort_keys=True).encode()).hexdigest()


def _to_text(value: object) -> str:
    # In UTC a moment always has the same text, whatever time zone the session has.
    return value.astimezone(UTC).isoformat() if isinstance(value, datetime) else str(value)


# --- Comparison with the sources ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Unmatched:
    """A message or an occasion without a counterpart, as the query returns it, with the number of its source."""

    side: Side
    reason: DifferenceReason | None
    """The reason of the difference. ``None`` if only the source can give the reason."""
    agency_code: str | None
    procedure_code: str
    kind: Kind
    dossier_code: str | None
    source_id: int | None
    source_transition_id: int | None
    transition_id: int | None
    message_id: int | None
    occurred_at: datetime | None


@dataclass(frozen=True, slots=True)
class UnmatchedOccasion:
    """A result or supplement without a counterpart.

    If the difference has no reason yet, the fields give the values with which the source is queried for the reason.
    """

    unmatched: Unmatched
    numbers: Sequence[int]
    """The numbers that the source gave to the transitions of one message. With side ``ledger``, the message has no
    occasion. With side ``source``, one message was sent for more than one occasion."""
    recorded: Sequence[datetime]
    """When the transitions were recorded, as the ledger stored it."""
    was_cleaned: bool
    """``True`` if one of the source's times was impossible, so that ``recorded`` has the time of reading instead."""


def empty_counted(connection: Connection) -> None:
    """Empty ``counted_occasions`` for the next comparison."""
    connection.execute(statement("closings/occasions/empty_counted"))


def take_occasions(connection: Connection, source: str, occasions: Iterator[Mapping[str, Any]]) -> None:
    """Store a source's own occasions in ``motcua.counted_occasions`` for the comparison."""
    for batch in batches(occasions, _BATCH):
        connection.execute(statement("closings/occasions/take_occasions"), {"source": source, "rows": recordset(batch)})


def look_at_counted(connection: Connection) -> None:
    """Update the planner's statistics of the stored occasions. PostgreSQL would not do so before the comparison."""
    connection.execute(statement("closings/occasions/look_at_counted"))


def counted_figures(connection: Connection) -> list[MessageFigures]:
    """Count the sources' own occasions by agency, procedure and kind (from ``motcua.counted_occasions``). The ledger's
    figures are not in the result."""
    rows = connection.execute(statement("closings/occasions/count_counted")).fetchall()
    return [
        MessageFigures(
            row["agency_code"],
            row["procedure_code"],
            row["kind"],
            at_source=row["at_source"],
            out_of_scope=row["out_of_scope"],
        )
        for row in rows
    ]


def compare_occasions(
    connection: Connection, closing: Closing, unread: Sequence[int], overlap: timedelta
) -> list[UnmatchedOccasion]:
    """Return occasions without a message and messages without an occasion, of the kinds result and supplement.

    ``overlap`` is the longest time between the recorded time of a source's row and the commit of this row.
    """
    values = _comparison_parameters(closing, unread) | {"overlap": overlap}
    return [
        UnmatchedOccasion(
            value_of(Unmatched, row), row["numbers"] or (), row["recorded"] or (), bool(row["was_cleaned"])
        )
        for row in connection.execute(statement("closings/occasions/compare_occasions"), values)
    ]


def compare_apologies(connection: Connection, closing: Closing, unread: Sequence[int]) -> tuple[Unmatched, ...]:
    """Return apologies that a source requires and the ledger lacks, and apologies that no source requires.

    Each of them has the reason of the difference.
    """
    return _query_values(
        connection, "closings/comparing/compare_apologies", Unmatched, _comparison_parameters(closing, unread)
    )


def compare_replies(connection: Connection, closing: Closing) -> tuple[Unmatched, ...]:
    """Return inquiries whose reply is missing and replies without an inquiry, each with its reason."""
    values = _comparison_parameters(closing, ()) | {"known_inquiry": closing.known_inquiry}
    return _query_values(connection, "closings/comparing/compare_replies", Unmatched, values)


def sources_of_messages(connection: Connection, period: Period, among: Sequence[str]) -> list[str]:
    """Return which of the given sources the messages of a period came from."""
    if not among:
        return []
    values = {"names": list(among), "start": period.start, "end": period.end}
    return [row["name"] for row in connection.execute(statement("closings/comparing/sources_of_messages"), values)]


def _comparison_parameters(closing: Closing, unread: Sequence[int]) -> dict[str, Any]:
    return {
        "start": closing.period.start,
        "end": closing.period.end,
        "as_of": closing.as_of,
        "known_transition": closing.known_transition,
        "known_history": closing.known_history,
        "unread": list(unread),
    }


def evenings_between(connection: Connection, start: datetime, end: datetime) -> tuple[Evening, ...]:
    """Return the evenings in [start, end) whose apologies were planned for an agency, or were missed.

    Leave out evenings on days off.
    """
    return _query_values(connection, "closings/evenings", Evening, {"start": start, "end": end})


def enabled_by_written_code(connection: Connection) -> dict[str, datetime | None]:
    """Return, for every code that a source may write for an agency, the time from which messages about the agency's
    dossiers are sent (from ``motcua.agency_scopes``)."""
    return {row["written"]: row["enabled_from"] for row in connection.execute(statement("closings/counting/scopes"))}


def first_event(connection: Connection) -> datetime | None:
    """Return when the first event with a message was recorded. Inquiries, whose messages are replies, do not count."""
    return first(connection.execute(statement("closings/first_event")), "recorded_at")


def with_differences(counted: Iterable[MessageFigures], differences: Iterable[Difference]) -> list[MessageFigures]:
    """Add the explained differences to the sources' figures, as ``only_source`` and ``only_ledger``."""
    cells = {(each.agency_code, each.procedure_code, each.kind): each for each in counted}
    for difference in differences:
        if difference.is_explained:
            key = (difference.agency_code, difference.procedure_code, difference.kind)
            cell = cells.get(key) or MessageFigures(*key)
            cells[key] = (
                replace(cell, only_source=cell.only_source + 1)
                if difference.side == "source"
                else replace(cell, only_ledger=cell.only_ledger + 1)
            )
    return [cells[key] for key in sorted(cells)]


# --- Changes between two cut-offs ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class MessageMove:
    """A cause of a difference between two cut-offs, for the messages of one agency, procedure and kind."""

    agency_code: str
    procedure_code: str
    kind: Kind
    cause: ChangeCause


def message_moves(connection: Connection, before: Closing, after: Closing) -> tuple[MessageMove, ...]:
    """Return why the figures of a period's messages differ between two cut-offs (from ``audit.message_history``)."""
    return _query_values(
        connection,
        "closings/counting/message_moves",
        MessageMove,
        {
            "start": after.period.start,
            "end": after.period.end,
            "before": before.known_history,
            "after": after.known_history,
            "before_receipt": before.known_receipt,
        },
    )


# --- Stored closings ----------------------------------------------------------------------------------------------


def save_closing(
    connection: Connection,
    closing: Closing,
    figures: Figures,
    differences: Sequence[Difference],
    orphans: Sequence[Orphan],
    changes: Sequence[Change],
) -> Closing:
    """Insert a closing with all its rows. Return the closing with its number.

    Raises:
        psycopg.errors.UniqueViolation: the period is closed already, or the closing to be corrected already has a
            correction.
    """
    values = asdict(closing) | {"period": str(closing.period), "sources_unread": list(closing.sources_unread)}
    values["prices"] = None if closing.prices is None else Jsonb(closing.prices)
    row = connection.execute(statement("closings/saving/save_closing"), values).fetchone() or {}
    number = int(row["closing_no"])
    parts: tuple[tuple[LiteralString, Sequence[Any]], ...] = (
        ("closings/saving/save_dossiers", figures.dossiers),
        ("closings/saving/save_messages", figures.messages),
        ("closings/saving/save_reasons", figures.reasons),
        ("closings/saving/save_timings", figures.timings),
        ("closings/saving/save_agencies", figures.agencies),
        ("closings/saving/save_channels", figures.channels),
        ("closings/saving/save_differences", differences),
        ("closings/saving/save_orphans", orphans),
        ("closings/saving/save_changes", changes),
    )
    for name, rows in parts:
        for start in range(0, len(rows), _BATCH):
            batch = recordset(rows[start : start + _BATCH])
            connection.execute(statement(name), {"closing_no": number, "rows": batch})
    save_sums(connection, number)
    return replace(closing, closing_no=number, closed_at=row["closed_at"])


def save_sums(connection: Connection, closing_no: int) -> None:
    """Store the sums of a closing's figures that pages show. The stored sums never change.

    The caller must call this function in the transaction that stores the closing.
    """
    sums: tuple[LiteralString, ...] = (
        "closings/saving/save_dossier_sums",
        "closings/saving/save_message_sums",
        "closings/saving/save_reason_sums",
    )
    for name in sums:
        connection.execute(statement(name), {"closing_no": closing_no})


def load_closing(connection: Connection, closing_no: int) -> Closing:
    """Return the closing with this number.

    Raises:
        LookupError: there is no closing with this number.
    """
    row = connection.execute(statement("closings/reading/closing"), {"closing_no": closing_no}).fetchone()
    if row is None:
        raise LookupError(f"there is no closing {closing_no}")
    return replace(
        value_of(Closing, row), period=Period.parse(row["period"]), sources_unread=tuple(row["sources_unread"])
    )


def last_closing(connection: Connection, period: Period) -> Closing | None:
    """Return the newest closing of a period. ``None`` if the period is not closed yet."""
    row = connection.execute(statement("closings/last_closing"), {"period": str(period)}).fetchone()
    return None if row is None else load_closing(connection, row["closing_no"])


def newest_closings(connection: Connection, periods: Iterable[Period], below: int | None = None) -> dict[Period, int]:
    """Return the number of each period's newest closing, by period and ordered by the text of the period.

    With ``below``, only closings with smaller numbers count.
    """
    rows = connection.execute(
        statement("closings/newest_closings"), {"periods": [str(period) for period in periods], "below": below}
    ).fetchall()
    return {Period.parse(row["period"]): row["closing_no"] for row in rows}


def days_behind(connection: Connection, period: Period) -> set[date]:
    """Return the days of a period whose newest closing perhaps does not count all messages of the day."""
    values = {"days": [str(day) for day in period.days], "start": period.start, "end": period.end}
    return {row["day"] for row in connection.execute(statement("closings/days_behind"), values).fetchall()}


def closings_to_recheck(
    connection: Connection, after: timedelta, now: datetime, closed_since: datetime
) -> list[Period]:
    """Return the periods to compare with their sources again, the oldest first.

    These are the periods whose first closing has a cut-off from ``closed_since`` to ``now`` minus ``after``. A period
    is left out if the cut-off of a correction is later than the cut-off of its first closing by more than ``after``.
    """
    values = {"after": after, "closed_before": now - after, "closed_since": closed_since}
    rows = connection.execute(statement("closings/to_recheck"), values).fetchall()
    return [Period.parse(row["period"]) for row in rows]


@dataclass(frozen=True, slots=True)
class ListedClosing:
    """A closing with its main figures."""

    closing_no: int
    period: str
    corrects: int | None
    as_of: datetime
    difference: int
    unexplained: int
    sources_unread: Sequence[str]
    expected: int | None
    """The sum of expected messages. ``None``, like the three fields below, if the closing has no messages."""
    tellable: int | None
    delivered: int | None
    sent: int | None


def list_closings(connection: Connection, limit: int) -> tuple[ListedClosing, ...]:
    """Return up to ``limit`` closings with their main figures, the newest period first."""
    return _query_values(connection, "closings/reading/list_closings", ListedClosing, {"limit": limit})


def closings_of_run(connection: Connection, run_id: str) -> list[int]:
    """Return the numbers of the closings that a run stored, in any of its tries, and that were not corrected later."""
    rows = connection.execute(statement("closings/reading/closings_of_run"), {"run_id": run_id}).fetchall()
    return [row["closing_no"] for row in rows]


def unpublished_closings(connection: Connection) -> list[int]:
    """Return the numbers of the closings without a publication, the oldest first. Leave out corrected closings."""
    return [row["closing_no"] for row in connection.execute(statement("closings/reading/unpublished")).fetchall()]


def first_day(connection: Connection) -> Period | None:
    """Return the first day that is closed (from ``motcua.closings``)."""
    row = connection.execute(statement("closings/first_day")).fetchone()
    return Period.parse(row["period"]) if row and row["period"] else None


@dataclass(frozen=True, slots=True)
class BilledOfPeriod:
    """The units that one gateway bills for a period, for messages to phone numbers of one carrier."""

    gateway: str
    """The gateway's name. Empty if the gateway is not known."""
    billed_unit: str
    carrier: str
    taken: int
    units: int
    segments: int


def billed_in_periods(connection: Connection, periods: Sequence[str]) -> dict[str, list[BilledOfPeriod]]:
    """Return the units that gateways bill, by period, as the newest closings counted them. A period without a closing
    is missing."""
    found: dict[str, list[BilledOfPeriod]] = defaultdict(list)
    for row in connection.execute(statement("closings/reading/billed_in_periods"), {"periods": list(periods)}):
        period = found[row["period"]]
        if row["units"] is not None:
            period.append(value_of(BilledOfPeriod, row))
    return dict(found)


def procedure_names(connection: Connection, codes: Sequence[str]) -> dict[str, str]:
    """Return the names of procedures by code. A procedure without a name is missing."""
    rows = connection.execute(statement("closings/reading/procedure_names"), {"codes": list(codes)})
    return {row["procedure_code"]: row["name"] for row in rows if row["name"]}


def load_figures(connection: Connection, closing_no: int, agency_code: str | None = None) -> Figures:
    """Return the stored figures of a closing, for one agency or for all."""
    number = {"closing_no": closing_no, "agency_code": agency_code}
    return Figures(
        dossiers=_query_values(connection, "closings/reading/dossiers", DossierFigures, number),
        messages=load_message_figures(connection, closing_no, agency_code),
        reasons=_query_values(connection, "closings/reading/reasons", ReasonCount, number),
        timings=_query_values(connection, "closings/reading/timings", Timing, number),
        agencies=_query_values(connection, "closings/reading/agencies", AgencyFigures, number),
        channels=_query_values(connection, "closings/reading/channels", ChannelFigures, number),
    )


def load_message_figures(
    connection: Connection, closing_no: int, agency_code: str | None = None
) -> tuple[MessageFigures, ...]:
    """Return the message figures of a closing, for one agency or for all."""
    number = {"closing_no": closing_no, "agency_code": agency_code}
    return _query_values(connection, "closings/reading/messages", MessageFigures, number)


@dataclass(frozen=True, slots=True)
class SumOfClosings:
    """The sources' figures of an agency, procedure and kind, summed over several closings."""

    agency_code: str
    procedure_code: str
    kind: Kind
    at_source: int
    out_of_scope: int
    difference: int
    """The sum of the closings' differences in the accounting identity."""


def sum_closings(connection: Connection, closing_nos: Iterable[int]) -> tuple[SumOfClosings, ...]:
    """Return the sources' figures summed over several closings (from ``audit.closing_messages``).

    The database adds the figures up, because the days of a year have millions of figures in a large province.
    """
    numbers = {"closing_nos": list(closing_nos)}
    return _query_values(connection, "closings/reading/sum_of_closings", SumOfClosings, numbers)


def load_differences(connection: Connection, closing_no: int) -> tuple[Difference, ...]:
    """Return the differences of a closing, unexplained ones first."""
    return _query_values(connection, "closings/reading/differences", Difference, {"closing_no": closing_no})


def load_orphans(connection: Connection, closing_no: int) -> tuple[Orphan, ...]:
    """Return the orphans of a closing."""
    return _query_values(connection, "closings/reading/orphans", Orphan, {"closing_no": closing_no})


def load_changes(connection: Connection, closing_no: int) -> tuple[Change, ...]:
    """Return the figures that a correction changed (from ``audit.closing_changes``)."""
    found = _query_values(connection, "closings/reading/changes", Change, {"closing_no": closing_no})
    return tuple(replace(each, causes=tuple(each.causes)) for each in found)


def _query_values(
    connection: Connection, name: LiteralString, kind: type[Value], parameters: Mapping[str, Any]
) -> tuple[Value, ...]:
    return tuple(value_of(kind, row) for row in connection.execute(statement(name), parameters).fetchall())
