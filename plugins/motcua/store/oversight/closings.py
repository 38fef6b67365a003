"""Closings of days and longer periods: their watermarks, their figures as counted and as stored, what did not meet."""

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
"""Figures that come of the comparison with the sources."""

_BATCH = 5000
_PATIENCE = 300.0
"""Seconds that transactions from before the cut-off are waited for."""


class ClosingHeldUp(Exception):
    """A transaction of the ledger that began before the cut-off did not end, so nobody knows yet what it adds."""


@dataclass(frozen=True, slots=True)
class Watermark:
    """The largest numbers in the ledger at a cut-off; all smaller ones are settled: a count by them never changes."""

    known_version: int
    known_transition: int
    known_history: int
    known_inquiry: int
    known_receipt: int
    known_quality_run: int
    """Of those that are sealed."""
    known_attempt: int | None
    """``None``: channels are not counted."""
    known_message: int
    """All messages up to this one had begun by ``known_history``; of later ones a few may have."""


def take_watermark(connection: Connection) -> Watermark:
    """The watermark of this moment, after every transaction has ended that may have taken a smaller number.

    ``connection`` has no transaction open. Nobody is held up; it waits for the longest transaction there is.

    Raises:
        ClosingHeldUp: one did not end within five minutes.
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
    """When these sources had last been read, the oldest of them; ``None``: one never was."""
    return first(connection.execute(statement("closings/data_as_of"), {"sources": list(sources)}), "data_as_of")


# --- Counting -----------------------------------------------------------------------------------------------------


def compute_figures(
    connection: Connection,
    closing: Closing,
    counted: Sequence[MessageFigures] | None = None,
    aside: Connection | None = None,
) -> Figures:
    """All figures of a closing, counted anew from the facts as they were known at its cut-off.

    It reads the schema ``audit`` alone, so that an auditor can do the same. What the sources counted cannot be counted
    again later: it is taken from ``counted``, by default the stored closing. How good the apologies of what is longer
    than a day were is the sum of its days, each of which was judged, and can be counted again, by itself.

    Dossiers are counted meanwhile on ``aside``, where it is given: watermarks bind both, whatever each connection sees.
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
    asked = _values(connection, "closings/counting/count_inquiries", _InquiryTally, bounds)
    return Figures(
        dossiers=dossiers,
        messages=_message_figures(counted, tally, asked),
        reasons=_reasons(tally),
        timings=timings,
        agencies=_agency_figures(connection, closing, asked, bounds),
        channels=()
        if closing.known_attempt is None
        else _values(connection, "closings/counting/count_channels", ChannelFigures, bounds),
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
    """Of those that a gateway took."""


@dataclass(frozen=True, slots=True)
class _InquiryTally:
    agency_code: str
    procedure_code: str
    inquiries: int
    fees: int
    told_without_result: int


def _count_dossiers(connection: Connection, bounds: Mapping[str, Any]) -> tuple[DossierFigures, ...]:
    connection.execute(statement("closings/counting/more_memory"))
    return _values(connection, "closings/counting/count_dossiers", DossierFigures, bounds)


def _count_messages(
    connection: Connection, bounds: Mapping[str, Any]
) -> tuple[tuple[_MessageTally, ...], tuple[Timing, ...]]:
    """What one pass over the period's messages gives: their states, and how long delivery took."""
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
            for day in _values(
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
    """What belongs to nothing in the closing's period, by its cut-off; of what is longer than a day what its days
    say."""
    if not closing.period.is_day:
        days = newest_closings(connection, closing.period.days, below=closing.closing_no or None)
        return tuple(orphan for number in days.values() for orphan in load_orphans(connection, number))
    names = ("known_version", "known_history", "known_receipt", "known_message")
    bounds = {name: getattr(closing, name) for name in names}
    # By the ledger's own clock, as changes of agencies are.
    bounds["closed_at"] = closing.closed_at if closing.closing_no else None
    return _values(
        connection,
        "closings/counting/find_orphans",
        Orphan,
        {"start": closing.period.start, "end": closing.period.end, **bounds},
    )


def broken_histories(connection: Connection, closing: Closing, limit: int = 100) -> list[int]:
    """Messages of the closing's period, up to ``limit``, whose moves do not join or do not end in their state."""
    bounds = {"start": closing.period.start, "end": closing.period.end, "limit": limit}
    rows = connection.execute(statement("closings/counting/broken_histories"), bounds).fetchall()
    return [row["message_id"] for row in rows]


def hash_figures(figures: Figures, differences: Sequence[Difference], orphans: Sequence[Orphan]) -> str:
    """SHA-256 over figures, differences and orphans, whatever order their rows are in."""
    whole = {
        each.name: sorted(
            json.dumps(columns_of(row), default=_plain, sort_keys=True) for row in getattr(figures, each.name)
        )
        for each in fields(Figures)
        # Without them it is the hash that it was before channels were counted.
        if each.name != "channels" or figures.channels
    }
    whole["differences"] = sorted(json.dumps(columns_of(row), default=_plain, sort_keys=True) for row in differences)
    whole["orphans"] = sorted(json.dumps(columns_of(row), default=_plain, sort_keys=True) for row in orphans)
    return hashlib.sha256(json.dumps(whole, sort_keys=True).encode()).hexdigest()


def _plain(value: object) -> str:
    # The same moment reads the same, whatever time zone a session is in.
    return value.astimezone(UTC).isoformat() if isinstance(value, datetime) else str(value)


# --- Against the sources ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Unmatched:
    """What has no counterpart, as it is found: of its source only the number is known, and maybe no reason."""

    side: Side
    reason: DifferenceReason | None
    """``None``: only the source can tell it."""
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
    """An unmatched result or supplement; where it has no reason, with what its source is asked about for one."""

    unmatched: Unmatched
    numbers: Sequence[int]
    """The source's numbers of all transitions of a message without an occasion (side ``ledger``), or of one that is
    about more than an occasion (side ``source``)."""
    recorded: Sequence[datetime]
    """When they were recorded, as it was kept."""
    was_cleaned: bool
    """The time of reading stands for one of these."""


def empty_counted(connection: Connection) -> None:
    """Makes room for the next comparison."""
    connection.execute(statement("closings/occasions/empty_counted"))


def take_occasions(connection: Connection, source: str, occasions: Iterator[Mapping[str, Any]]) -> None:
    """Keeps a source's own count for the comparison."""
    for batch in batches(occasions, _BATCH):
        connection.execute(statement("closings/occasions/take_occasions"), {"source": source, "rows": recordset(batch)})


def look_at_counted(connection: Connection) -> None:
    """Tells the planner what was taken in this transaction: it knows nothing of a scratch table's rows by itself."""
    connection.execute(statement("closings/occasions/look_at_counted"))


def counted_figures(connection: Connection) -> list[MessageFigures]:
    """The sources' own count by agency, procedure and kind; nothing of the ledger's is in it."""
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
    """Results and supplements that have no counterpart. ``overlap``: a source's row may be committed this long after it
    was recorded."""
    values = _comparison(closing, unread) | {"overlap": overlap}
    return [
        UnmatchedOccasion(
            value_of(Unmatched, row), row["numbers"] or (), row["recorded"] or (), bool(row["was_cleaned"])
        )
        for row in connection.execute(statement("closings/occasions/compare_occasions"), values)
    ]


def compare_apologies(connection: Connection, closing: Closing, unread: Sequence[int]) -> tuple[Unmatched, ...]:
    """Apologies that have no counterpart, each with its reason."""
    return _values(connection, "closings/comparing/compare_apologies", Unmatched, _comparison(closing, unread))


def compare_replies(connection: Connection, closing: Closing) -> tuple[Unmatched, ...]:
    """Inquiries whose reply is gone, and replies that no inquiry asked for, each with its reason."""
    values = _comparison(closing, ()) | {"known_inquiry": closing.known_inquiry}
    return _values(connection, "closings/comparing/compare_replies", Unmatched, values)


def sources_of_messages(connection: Connection, period: Period, among: Sequence[str]) -> list[str]:
    """Names of the sources, of those that are given, that messages of a period came of."""
    if not among:
        return []
    values = {"names": list(among), "start": period.start, "end": period.end}
    return [row["name"] for row in connection.execute(statement("closings/comparing/sources_of_messages"), values)]


def _comparison(closing: Closing, unread: Sequence[int]) -> dict[str, Any]:
    return {
        "start": closing.period.start,
        "end": closing.period.end,
        "as_of": closing.as_of,
        "known_transition": closing.known_transition,
        "known_history": closing.known_history,
        "unread": list(unread),
    }


def evenings_between(connection: Connection, start: datetime, end: datetime) -> tuple[Evening, ...]:
    """The settled evenings in [start, end) on which anything was due."""
    return _values(connection, "closings/evenings", Evening, {"start": start, "end": end})


def enabled_by_written_code(connection: Connection) -> dict[str, datetime | None]:
    """Every code of an agency → from when on its dossiers are told of."""
    return {row["written"]: row["enabled_from"] for row in connection.execute(statement("closings/counting/scopes"))}


def first_event(connection: Connection) -> datetime | None:
    """When the first event was recorded of which there is a message."""
    return first(connection.execute(statement("closings/first_event")), "recorded_at")


def with_differences(counted: Iterable[MessageFigures], differences: Iterable[Difference]) -> list[MessageFigures]:
    """The sources' count with what has no counterpart for a reason."""
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


# --- What changed -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class MessageMove:
    """Why messages of an agency, a procedure and a kind differ between two cut-offs."""

    agency_code: str
    procedure_code: str
    kind: Kind
    cause: ChangeCause


def message_moves(connection: Connection, before: Closing, after: Closing) -> tuple[MessageMove, ...]:
    """Why messages of the period differ between two cut-offs."""
    return _values(
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
    """Writes a closing with all that belongs to it; returns it with its number.

    Raises:
        psycopg.errors.UniqueViolation: the period is closed already, or that closing was corrected.
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
    """Adds up what pages tell of a closing, once it is all there; in the same transaction, since it never changes."""
    sums: tuple[LiteralString, ...] = (
        "closings/saving/save_dossier_sums",
        "closings/saving/save_message_sums",
        "closings/saving/save_reason_sums",
    )
    for name in sums:
        connection.execute(statement(name), {"closing_no": closing_no})


def load_closing(connection: Connection, closing_no: int) -> Closing:
    """One closing.

    Raises:
        LookupError: there is none of this number.
    """
    row = connection.execute(statement("closings/reading/closing"), {"closing_no": closing_no}).fetchone()
    if row is None:
        raise LookupError(f"there is no closing {closing_no}")
    return replace(
        value_of(Closing, row), period=Period.parse(row["period"]), sources_unread=tuple(row["sources_unread"])
    )


def last_closing(connection: Connection, period: Period) -> Closing | None:
    """The newest closing of a period; ``None``: it is not closed yet."""
    row = connection.execute(statement("closings/last_closing"), {"period": str(period)}).fetchone()
    return None if row is None else load_closing(connection, row["closing_no"])


def newest_closings(connection: Connection, periods: Iterable[Period], below: int | None = None) -> dict[Period, int]:
    """Number of each period's newest closing, in their order; of those below a number where one is given."""
    rows = connection.execute(
        statement("closings/newest_closings"), {"periods": [str(period) for period in periods], "below": below}
    ).fetchall()
    return {Period.parse(row["period"]): row["closing_no"] for row in rows}


def days_behind(connection: Connection, period: Period) -> set[date]:
    """Days of a period that have, or may have, messages that their newest closing does not count."""
    values = {"days": [str(day) for day in period.days], "start": period.start, "end": period.end}
    return {row["day"] for row in connection.execute(statement("closings/days_behind"), values).fetchall()}


def closings_to_recheck(
    connection: Connection, after: timedelta, now: datetime, closed_since: datetime
) -> list[Period]:
    """Periods whose first closing is older than ``after``, and none of its corrections was made that much later; the
    oldest first, none from before ``closed_since``."""
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
    """``None``, as the next three: it has no message."""
    tellable: int | None
    delivered: int | None
    sent: int | None


def list_closings(connection: Connection, limit: int) -> tuple[ListedClosing, ...]:
    """The closings of the newest periods."""
    return _values(connection, "closings/reading/list_closings", ListedClosing, {"limit": limit})


def closings_of_run(connection: Connection, run_id: str) -> list[int]:
    """Numbers of the closings that a run made, in whichever of its tries, and that nothing corrected since."""
    rows = connection.execute(statement("closings/reading/closings_of_run"), {"run_id": run_id}).fetchall()
    return [row["closing_no"] for row in rows]


def unpublished_closings(connection: Connection) -> list[int]:
    """Numbers of the closings that no publication tells of, the oldest first."""
    return [row["closing_no"] for row in connection.execute(statement("closings/reading/unpublished")).fetchall()]


def first_day(connection: Connection) -> Period | None:
    """The first day that is closed."""
    row = connection.execute(statement("closings/first_day")).fetchone()
    return Period.parse(row["period"]) if row and row["period"] else None


@dataclass(frozen=True, slots=True)
class BilledOfPeriod:
    """What one gateway took in a period, to numbers of one carrier, and bills."""

    gateway: str
    """Empty: not known."""
    billed_unit: str
    carrier: str
    taken: int
    units: int
    segments: int


def billed_in_periods(connection: Connection, periods: Sequence[str]) -> dict[str, list[BilledOfPeriod]]:
    """What gateways bill by period, as their newest closings counted it; a period that is not closed is missing."""
    found: dict[str, list[BilledOfPeriod]] = defaultdict(list)
    for row in connection.execute(statement("closings/reading/billed_in_periods"), {"periods": list(periods)}):
        period = found[row["period"]]
        if row["units"] is not None:
            period.append(value_of(BilledOfPeriod, row))
    return dict(found)


def procedure_names(connection: Connection, codes: Sequence[str]) -> dict[str, str]:
    """Names by procedure code, of those that have one."""
    rows = connection.execute(statement("closings/reading/procedure_names"), {"codes": list(codes)})
    return {row["procedure_code"]: row["name"] for row in rows if row["name"]}


def load_figures(connection: Connection, closing_no: int, agency_code: str | None = None) -> Figures:
    """The figures of a closing, as stored; of one agency alone where it is named."""
    number = {"closing_no": closing_no, "agency_code": agency_code}
    return Figures(
        dossiers=_values(connection, "closings/reading/dossiers", DossierFigures, number),
        messages=load_message_figures(connection, closing_no, agency_code),
        reasons=_values(connection, "closings/reading/reasons", ReasonCount, number),
        timings=_values(connection, "closings/reading/timings", Timing, number),
        agencies=_values(connection, "closings/reading/agencies", AgencyFigures, number),
        channels=_values(connection, "closings/reading/channels", ChannelFigures, number),
    )


def load_message_figures(
    connection: Connection, closing_no: int, agency_code: str | None = None
) -> tuple[MessageFigures, ...]:
    """The figures of messages alone."""
    number = {"closing_no": closing_no, "agency_code": agency_code}
    return _values(connection, "closings/reading/messages", MessageFigures, number)


@dataclass(frozen=True, slots=True)
class SumOfClosings:
    """What the sources counted of an agency, procedure and kind in several closings together."""

    agency_code: str
    procedure_code: str
    kind: Kind
    at_source: int
    out_of_scope: int
    difference: int
    """By how much the closings do not meet, added up."""


def sum_closings(connection: Connection, closing_nos: Iterable[int]) -> tuple[SumOfClosings, ...]:
    """The sources' side of several closings, added up: the days of a year have millions of cells in a large
    province."""
    numbers = {"closing_nos": list(closing_nos)}
    return _values(connection, "closings/reading/sum_of_closings", SumOfClosings, numbers)


def load_differences(connection: Connection, closing_no: int) -> tuple[Difference, ...]:
    """The differences of a closing, unexplained ones first."""
    return _values(connection, "closings/reading/differences", Difference, {"closing_no": closing_no})


def load_orphans(connection: Connection, closing_no: int) -> tuple[Orphan, ...]:
    """The orphans of a closing."""
    return _values(connection, "closings/reading/orphans", Orphan, {"closing_no": closing_no})


def load_changes(connection: Connection, closing_no: int) -> tuple[Change, ...]:
    """What a correction changed."""
    found = _values(connection, "closings/reading/changes", Change, {"closing_no": closing_no})
    return tuple(replace(each, causes=tuple(each.causes)) for each in found)


def _values(
    connection: Connection, name: LiteralString, kind: type[Value], parameters: Mapping[str, Any]
) -> tuple[Value, ...]:
    return tuple(value_of(kind, row) for row in connection.execute(statement(name), parameters).fetchall())
