"""Prove that closings are right, by an oracle that sees every event of two invented months and counts every figure.

A closing holds the stored figures of a period; a later closing of the same period corrects it. The real jobs run on a
real ledger and two real sources, and get the invented time as an argument. Faults are planted, and the oracle knows
them. Each morning the day before is closed and an earlier day is corrected. Both months, and the quarter and the year
that end with them, are closed and corrected. Each closing is compared with the oracle's own count
(tests/prove/worlds/reconciliation_oracle.py). At the end the system is broken on purpose in several ways, and the proof
must notice each of them.
"""

from __future__ import annotations

import contextlib
import heapq
import json
import tempfile
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, get_args
from unittest import mock
from zoneinfo import ZoneInfo

import psycopg
from psycopg.rows import dict_row

from motcua.domain import periods
from motcua.domain.periods import Period
from motcua.domain.reconciliation import Closing, DifferenceReason, Figures
from motcua.domain.run_window import Window
from motcua.gateways.kannel import KannelGateway
from motcua.jobs.notices import picking_up, receiving
from motcua.jobs.notices.sending import sender as sending
from motcua.jobs.reconciliation import closing as reconciling
from motcua.jobs.reconciliation.closing import SourcesUnread, close_period, recheck_closed
from motcua.sandbox.network.scripted import Asked
from motcua.store.ledger.database import Connection, connect
from motcua.store.oversight import closings as store_of_closings
from motcua.store.oversight.closings import compute_figures, load_closing, load_figures
from motcua.store.oversight.figure_rows import DOSSIER_FIGURES, MESSAGE_FIGURES, Cell, rows_of_figure
from tests.ground import one_stops, quiet_logs
from tests.prove import Figure, every, none, noted
from tests.prove.worlds.ledgers import (
    Mistake,
    notice_mistakes,
    proving_ledger,
    proving_server,
    replacing,
)
from tests.prove.worlds.reconciliation import (
    DAY,
    MAKES,
    NEVER_HEARD_OF,
    THREE_DAYS,
    TWO_MONTHS,
    Schedule,
    Stage,
    World,
    international,
)
from tests.prove.worlds.reconciliation_oracle import (
    AGENCY_COLUMNS,
    DOSSIER_COLUMNS,
    MESSAGE_COLUMNS,
    UNEXPLAINED,
    Count,
    at,
)
from tests.prove.worlds.reconciliation_publications import publications

PER_DAY = 2
"""Number of dossiers that each agency receives per day."""
RUNS = ((11, 0), (15, 0), (17, 31), (20, 0))


@dataclass
class Closed:
    number: int
    period: str
    figures_hash: str
    count: Count
    unread: frozenset[str]
    act: int


@dataclass
class Verdict:
    compared: Counter[str] = field(default_factory=Counter)
    wrong: Counter[str] = field(default_factory=Counter)
    examples: list[str] = field(default_factory=list)
    closings: dict[str, list[Closed]] = field(default_factory=lambda: defaultdict(list))
    reruns: int = 0
    corrections: int = 0
    planted: Counter[str] = field(default_factory=Counter)
    """Number of planted differences that were found, by reason."""
    red: int = 0

    def check(self, what: str, ok: bool, example: str) -> None:
        self.compared[what] += 1
        if not ok:
            self.wrong[what] += 1
            if self.wrong[what] <= 12:
                self.examples.append(f"{what}: {example}")

    def same(self, what: str, where: object, is_: object, must: object) -> None:
        self.check(what, is_ == must, f"{where}: {is_}, must be {must}")


class Judge:
    """Closes periods with the real jobs, and compares each closing with the oracle's count at the same moment."""

    def __init__(self, stage: Stage) -> None:
        self.stage, self.verdict = stage, Verdict()
        self.rows = psycopg.connect(stage.ledger_dsn, autocommit=True, row_factory=dict_row)

    def close(self, period: Period, unread: frozenset[str] = frozenset()) -> None:
        """Close or correct a period and its days now, and judge all new closings."""
        before = self._last_number()
        result = close_period(period, f"prove {period} {self.stage.now.isoformat()}", self.stage.now)
        made = self.rows.execute("SELECT * FROM motcua.closings WHERE closing_no > %s ORDER BY closing_no", (before,))
        new = {row["period"]: row for row in made}
        began = self.stage.world.days[0]
        judged = [*(day for day in period.days if day.first >= began and not period.is_day), period]
        others = sorted(set(new) - set(map(str, judged)))
        self.verdict.check("closings that close no other period", not others, f"{period}: {others}")
        for each in judged:
            self._judge_closing(each, new.get(str(each)), unread, asked_for=each == period)
        newest = self.verdict.closings[str(period)][-1]
        says_so = result.changed == (str(period) in new) and result.closing.closing_no == newest.number
        self.verdict.check("closings that report whether they changed", says_so, f"{period} {result}")
        if not result.changed:
            same = result.closing.figures_hash == newest.figures_hash
            self.verdict.check("reruns with the same hash of all figures", same, f"{period}")

    def close_in_vain(self, period: Period) -> None:
        """Try to close a period again while a source does not answer; no new closing may be made."""
        before = self._last_number()
        try:
            close_period(period, "prove in vain", self.stage.now)
        except SourcesUnread:
            refused = True
        else:
            refused = False
        stands = self._last_number() == before
        self.verdict.check("closings that stand while a source is away", refused and stands, f"{period}: {refused}")

    def look_again(self) -> None:
        """Right after a correction, let the system check closed periods again, and judge the closings that it makes."""
        before = self._last_number()
        recheck_closed("prove again", self.stage.now)
        made = self.rows.execute("SELECT * FROM motcua.closings WHERE closing_no > %s ORDER BY closing_no", (before,))
        for row in made.fetchall():
            self._judge_closing(Period.parse(row["period"]), row, frozenset(), asked_for=True)

    def recompute(self) -> None:
        """Recompute every closing from the facts known at its cut-off.

        The figures must still be the same, although facts were added later.
        """
        with connect() as connection:
            for each in (closed for closings in self.verdict.closings.values() for closed in closings):
                stored = load_figures(connection, each.number)
                again = compute_figures(connection, load_closing(connection, each.number), stored.messages)
                self.verdict.check("closings that can be recomputed", again == stored, f"{each.period} {each.number}")
                if each.number % 12 == 0:
                    self._open_figures(connection, load_closing(connection, each.number), stored)

    def _open_figures(self, connection: Connection, closing: Closing, stored: Figures) -> None:
        """List the rows that each figure counts: there must be as many rows as the figure states."""
        for figure, states in MESSAGE_FIGURES.items():
            messages = rows_of_figure(connection, closing, stored, figure, Cell())
            listed = Counter((row.agency_code, row.procedure_code, row.kind) for row in messages.rows)
            said = Counter(
                {
                    (row.agency_code, row.procedure_code, row.kind): sum(getattr(row, state) for state in states)
                    for row in stored.messages
                }
            )
            self._check_rows(closing, figure, listed == +said and messages.all_rows == messages.closed)
        for figure in DOSSIER_FIGURES:
            dossiers = rows_of_figure(connection, closing, stored, figure, Cell())
            held = Counter((row.agency_code, row.procedure_code) for row in dossiers.rows)
            counted = Counter({(row.agency_code, row.procedure_code): getattr(row, figure) for row in stored.dossiers})
            self._check_rows(closing, figure, held == +counted and dossiers.all_rows == dossiers.closed)

    def _check_rows(self, closing: Closing, figure: str, holds: bool) -> None:
        self.verdict.check("figures with as many rows as they count", holds, f"{closing.period} {figure}")

    def _last_number(self) -> int:
        row = self.rows.execute("SELECT coalesce(max(closing_no), 0) AS n FROM motcua.closings").fetchone()
        assert row is not None
        return int(row["n"])

    def _judge_closing(
        self, period: Period, row: dict[str, Any] | None, unread: frozenset[str], *, asked_for: bool
    ) -> None:
        verdict, name = self.verdict, str(period)
        earlier = verdict.closings[name]
        # Compute the end of the period here from its definition, not with the system's code.
        ends_on = _ends_on(period)
        count = self.stage.oracle.count(at(period.first, 0, 0), at(ends_on, 0, 0), unread)
        if not period.is_day:
            self._add_days_up(period, count)
        if row is None:
            verdict.reruns += 1
            # When a month is closed, its days without any figure get no closing.
            same = (
                _same(count, earlier[-1].count, source_only=not asked_for) if earlier else not _nonzero_figures(count)
            )
            changed = _changed_figures(earlier[-1].count, count) if earlier else {}
            verdict.check("periods left as they are because nothing changed", same, f"{name}: {changed}")
            return
        number, same = row["closing_no"], partial(verdict.same, where=name)
        same(
            "closings that name the one they correct", is_=row["corrects"], must=earlier[-1].number if earlier else None
        )
        same("cut-offs", is_=row["as_of"], must=self.stage.now)
        read = min(moments[-1] for moments in self.stage.oracle.read_at.values())
        same("recorded ages of the sources' data", is_=row["data_as_of"], must=read)
        same("sources unread", is_=set(row["sources_unread"]), must=set(unread))
        self._judge_figures(name, number, count, unread)
        if not unread:
            self._judge_differences(name, number, count)
            missing = sum(abs(n) for n in count.unbalanced.values())
            same("sums of missing and surplus messages", is_=row["difference"], must=missing)
            same("counts of differences without a reason", is_=row["unexplained"], must=count.unexplained)
            verdict.red += row["unexplained"] > 0
        self._judge_orphans(name, number, count)
        if earlier:
            verdict.corrections += 1
            differs = unread != earlier[-1].unread or not _same(count, earlier[-1].count, source_only=False)
            verdict.check("corrections where something differs", differs, f"{name}: closing {number}")
            self._judge_changes(name, number, earlier[-1], count, bool(unread))
        verdict.closings[name].append(Closed(number, name, row["figures_hash"], count, unread, self.stage.oracle.act))

    def _add_days_up(self, period: Period, count: Count) -> None:
        """Replace the counts of apologies and orphans in a longer period by the sums over its days' last closings.

        The system judges apologies and orphans (records that belong to nothing, such as a receipt without an attempt)
        day by day, so the counts of a longer period are the sums of its days' counts.
        """
        days = [closings[-1].count for day in period.days if (closings := self.verdict.closings.get(str(day)))]
        count.orphans = sum((day.orphans for day in days), Counter())
        count.differences = [each for each in count.differences if each.kind != "apology"]
        for row in count.agencies.values():
            for column in AGENCY_COLUMNS[:4]:
                del row[column]
        for key, row in count.messages.items():
            for column in MESSAGE_COLUMNS[:4] if key[2] == "apology" else ():
                del row[column]
        for day in days:
            for agency, row in day.agencies.items():
                count.agencies.setdefault(agency, Counter()).update({c: row[c] for c in AGENCY_COLUMNS[:4]})
            for key, row in day.messages.items():
                if key[2] == "apology":
                    count.messages.setdefault(key, Counter()).update({c: row[c] for c in MESSAGE_COLUMNS[:4]})
            count.differences += [each for each in day.differences if each.kind == "apology"]

    def _rows_of(self, table: str, number: int) -> list[dict[str, Any]]:
        return self.rows.execute(f"SELECT * FROM motcua.{table} WHERE closing_no = %s", (number,)).fetchall()

    def _rows_by_key(self, table: str, number: int, *key: str) -> dict[tuple[Any, ...], dict[str, Any]]:
        return {tuple(row[column] for column in key): row for row in self._rows_of(table, number)}

    def _compare_cells(
        self, what: str, name: str, is_: dict[Any, dict[str, Any]], must: dict[Any, Any], columns: tuple[str, ...]
    ) -> None:
        for key in sorted({*is_, *must}, key=str):
            for column in columns:
                value, expected = int(is_.get(key, {}).get(column, 0)), int(must.get(key, {}).get(column, 0))
                self.verdict.same(what, (name, key, column), value, expected)

    def _judge_figures(self, name: str, number: int, count: Count, unread: frozenset[str]) -> None:
        same, cell = self.verdict.same, ("agency_code", "procedure_code")
        dossiers = self._rows_by_key("closing_dossiers", number, *cell)
        self._compare_cells("figures about dossiers", name, dossiers, count.dossiers, DOSSIER_COLUMNS)
        messages = self._rows_by_key("closing_messages", number, *cell, "kind")
        theirs = {office.code for office in self.stage.oracle.offices.values() if office.source in unread}
        for key, row in messages.items():
            if key[0] not in theirs:
                must = count.unbalanced.get(key, 0)
                same("cells whose identity balances, or does not as planted", (name, key), row["difference"], must)
        for away in (False, True):
            # For agencies whose source did not answer, only the figures that come from the ledger can be counted.
            own = {key: row for key, row in messages.items() if (key[0] in theirs) == away}
            must_be = {key: row for key, row in count.messages.items() if (key[0] in theirs) == away}
            self._compare_cells("figures about messages", name, own, must_be, MESSAGE_COLUMNS[4 if away else 0 :])
        agencies = {code: row for (code,), row in self._rows_by_key("closing_agencies", number, "agency_code").items()}
        self._compare_cells("figures about agencies", name, agencies, count.agencies, AGENCY_COLUMNS)
        reasons = {
            key: row["messages"]
            for key, row in self._rows_by_key("closing_reasons", number, *cell, "kind", "state", "reason").items()
            if row["state"] in ("suppressed", "cancelled", "expired", "rejected")
        }
        for each in sorted({*reasons, *count.reasons}):
            same("figures by reason", (name, each), reasons.get(each, 0), count.reasons[each])
        timings = {
            key: (row["delivered"], row["median_seconds"], row["p95_seconds"])
            for key, row in self._rows_by_key("closing_timings", number, *cell, "kind").items()
        }
        for of in {*timings, *(key for key in count.timings if None not in key[:2] or key[:2] == (None, None))}:
            same("times from recording to delivery", (name, of), timings.get(of), count.timings.get(of))

    def _judge_differences(self, name: str, number: int, count: Count) -> None:
        rows = self._rows_of("closing_differences", number)
        left = list(rows)
        for must in count.differences:
            found = next(
                (
                    row
                    for row in left
                    if row["side"] == must.side
                    and (row["agency_code"], row["procedure_code"], row["kind"])
                    == (must.agency, must.procedure, must.kind)
                    and row["dossier_code"] == must.dossier
                    and (must.number is None or row["source_transition_id"] in (None, must.number))
                ),
                None,
            )
            if found is not None:
                left.remove(found)
                self.verdict.planted[found["reason"]] += 1
            self.verdict.check(
                "differences that were planted and are found, on their side and with their reason",
                found is not None and found["reason"] in must.reasons,
                f"{name}: {must} is {found and found['reason']}",
            )
        self.verdict.check(
            "closings that list no other difference", not left, f"{name}: {[_short(row) for row in left[:4]]}"
        )

    def _judge_orphans(self, name: str, number: int, count: Count) -> None:
        found = Counter((row["sort"], row["dossier_code"]) for row in self._rows_of("closing_orphans", number))
        for key in {*found, *count.orphans}:
            self.verdict.same("orphans", (name, key), found[key], count.orphans[key])

    def _judge_changes(self, name: str, number: int, before: Closed, count: Count, unread: bool) -> None:
        listed = self._rows_by_key("closing_changes", number, "agency_code", "procedure_code", "kind", "figure")
        must = _changed_figures(before.count, count)
        for key in sorted({*(key for key in listed if key[3] in _NAMED), *must}):
            row = listed.get(key)
            values = (row["was"], row["became"]) if row else None
            if unread and row is None:
                continue
            ok = values == must.get(key)
            self.verdict.check("changes that a correction lists", ok, f"{name} {key}: {values} not {must.get(key)}")
            if row is None or key not in must:
                continue
            allowed = (
                {"source_changed", "picked_up_late"}
                if key[3] in MESSAGE_COLUMNS[:4]
                else {
                    cause
                    for act, agency, procedure, kind, cause in self.stage.oracle.causes
                    if act > before.act and agency == key[0] and (procedure == key[1] or not key[2]) and kind == key[2]
                }
            )
            causes = set(row["causes"])
            self.verdict.check(
                "causes of changes", bool(causes) and causes <= allowed, f"{name} {key}: {causes}, may be {allowed}"
            )


def _ends_on(period: Period) -> date:
    if period.length == "day":
        return period.first + DAY
    months = {"month": 1, "quarter": 3, "year": 12}[period.length]
    return (period.first + timedelta(days=31 * months - months // 3)).replace(day=1)


_NAMED = {*DOSSIER_COLUMNS, *MESSAGE_COLUMNS, *AGENCY_COLUMNS}


def _short(row: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(row[c] for c in ("side", "reason", "agency_code", "procedure_code", "kind", "dossier_code"))


def _nonzero_figures(count: Count) -> dict[tuple[str, str, str, str], int]:
    found: dict[tuple[str, str, str, str], int] = {}
    for (agency, procedure), row in count.dossiers.items():
        found.update({(agency, procedure, "", column): row[column] for column in DOSSIER_COLUMNS})
    for (agency, procedure, kind), row in count.messages.items():
        found.update({(agency, procedure, kind, column): row[column] for column in MESSAGE_COLUMNS})
    for agency, row in count.agencies.items():
        found.update({(agency, "", "", column): row[column] for column in AGENCY_COLUMNS})
    return {key: value for key, value in found.items() if value}


def _changed_figures(before: Count, after: Count) -> dict[tuple[str, str, str, str], tuple[int, int]]:
    was, became = _nonzero_figures(before), _nonzero_figures(after)
    return {
        key: (was.get(key, 0), became.get(key, 0)) for key in {*was, *became} if was.get(key, 0) != became.get(key, 0)
    }


def _same(one: Count, other: Count, *, source_only: bool) -> bool:
    """Return whether two counts are equal; with ``source_only``, compare only figures that come from the sources."""
    if source_only:
        kinds = ("result", "supplement")
        of_source = {key for key in _changed_figures(one, other) if key[3] in MESSAGE_COLUMNS[:4] and key[2] in kinds}
        return not of_source and _listed(one, kinds) == _listed(other, kinds)
    return (
        _nonzero_figures(one) == _nonzero_figures(other)
        and one.reasons == other.reasons
        and one.timings == other.timings
        and one.orphans == other.orphans
        and _listed(one) == _listed(other)
    )


def _listed(count: Count, kinds: tuple[str, ...] = ("result", "supplement", "apology")) -> Counter[tuple[Any, ...]]:
    return Counter(
        (each.side, each.agency, each.procedure, each.kind, each.dossier, each.number, bool(each.reasons & UNEXPLAINED))
        for each in count.differences
        if each.kind in kinds
    )


# ------------------------------------------------------------------------------------------------------ the timeline


class Days:
    """Simulates the system's days: its runs, its closings, and the planted faults."""

    def __init__(self, world: World, stage: Stage, judge: Judge) -> None:
        self.world, self.stage, self.judge = world, stage, judge
        plan, days = world.schedule, world.days
        for day in [*days, *(days[-1] + n * DAY for n in range(1, plan.after + 1))]:
            for hour, minute in RUNS:
                world.do(at(day, hour, minute), lambda stage, day=day, hour=hour: self.run(day, hour))
            world.do(at(day + DAY, 6, 0), lambda stage, day=day: self.morning(day))
        for number, reached in ((plan.missed, 21), (plan.caught_up, 18)):
            self.at(number, 17, 20, lambda: stage.desks.reach("two", False))
            self.at(number, reached, 10, lambda: stage.desks.reach("two", True))
        self.at(plan.unplanned, 22, 30, self.read_only)
        self.at(plan.sending, 21, 30, lambda: self.run(plan.day(plan.sending), 21))
        self.at(plan.healed, 9, 0, self.heal)
        self.at(plan.mapped, 9, 12, stage.map_odd_status)
        self.at(plan.alias, 9, 14, lambda: stage.change_agency("000.00.04.H32", aliases=("H32.4", NEVER_HEARD_OF)))
        six, nine, began = "000.00.06.H32", "000.00.09.H32", at(days[0], 0, 0)
        joins, moved = at(plan.day(plan.joins - 2), 12, 0), at(plan.day(plan.moved) - 2 * DAY, 12, 0)
        self.at(plan.joins_again, 9, 10, lambda: stage.change_agency(six, enabled_from=joins))
        self.at(plan.moved, 9, 10, lambda: stage.change_agency(nine, enabled_from=moved))
        self.at(plan.moved_back, 9, 10, lambda: stage.change_agency(nine, enabled_from=began))
        self.at(plan.without_message, 20, 30, lambda: stage.delete_message(world.planted["its message deleted"]))
        self.at(plan.forged, 10, 0, lambda: stage.forge_messages(world.planted["forged"]))

    def at(self, number: int | None, hour: int, minute: int, act: Callable[[], None]) -> None:
        if number is not None:
            self.world.do(at(self.world.schedule.day(number), hour, minute), lambda stage: act())

    def go(self) -> None:
        acts = self.world.acts
        while acts:
            moment, _, act = heapq.heappop(acts)
            self.stage.set_clock(moment)
            act(self.stage)

    def run(self, day: date, hour: int) -> None:
        stage, is_evening = self.stage, hour == 17
        for source in ("one", "two"):
            stage.read(source, waits=is_evening)
        if hour == 15 and day == self.world.schedule.day(self.world.schedule.deleted):
            stage.delete_transition(self.world.planted["deleted"])
        if is_evening:
            stage.apologize(left_over=False)
        stage.plan()
        if not is_evening:
            stage.apologize(left_over=True)
        stage.send()
        if hour == 20:
            stage.settle()

    def read_only(self) -> None:
        """Read both sources without planning messages afterwards."""
        for source in ("one", "two"):
            self.stage.read(source)

    def heal(self) -> None:
        """Backfill the days from which transitions are missing."""
        plan = self.world.schedule
        first, last = sorted((plan.day(plan.deleted), plan.day(plan.very_late)))
        self.stage.read("one", Window(at(first, 0, 0), at(last + DAY, 0, 0)))
        self.stage.plan()

    def morning(self, day: date) -> None:
        """Close the day and correct an earlier day; also close a month, quarter or year that has just ended."""
        world, plan, judge = self.world, self.world.schedule, self.judge
        unread = frozenset({"two"}) if day == plan.day(plan.unread) else frozenset()
        self.stage.desks.reach("two", not unread)
        if day == plan.day(plan.sending):
            with self.sender_in_flight():
                judge.close(Period(day))
        elif day <= world.days[-1]:
            judge.close(Period(day), unread)
        if unread and day > world.days[0]:
            judge.close_in_vain(Period(day - DAY))
        self.stage.desks.reach("two", True)
        if day in (plan.day(plan.unread), plan.day(plan.forged)):
            judge.close(Period(day))
        if world.days[0] <= day - 3 * DAY <= world.days[-1]:
            judge.close(Period(day - 3 * DAY))
        if (day + DAY).day == 1:
            judge.close(Period.month_of(day))
        if (day + DAY).month == (day + DAY).day == 1:
            self.close_year(day.year)
        if day == world.days[-1] + plan.after * DAY:
            self.last_morning()

    def close_year(self, year: int) -> None:
        """Close a finished year and its last quarter.

        Earlier months are corrected first, because closing a longer period queries the sources for its last month only.
        """
        for first in sorted({day.replace(day=1) for day in self.world.days if day.year == year and day.month < 12}):
            self.judge.close(Period.month_of(first))
        self.judge.close(Period(date(year, 10, 1), "quarter"))
        self.judge.close(Period(date(year, 1, 1), "year"))

    def last_morning(self) -> None:
        """Close all months and longer periods and two days twice, without any change in between.

        Then let the system check closed periods again, and recompute all closings.
        """
        world, judge = self.world, self.judge
        months = [Period.month_of(first) for first in sorted({day.replace(day=1) for day in world.days})]
        over = [month for month in months if month.end <= self.stage.now]
        longer = [Period.parse(name) for name in judge.verdict.closings if "Q" in name or len(name) == 4]
        for period in [*over, *longer, Period(world.days[0]), Period(world.days[len(world.days) // 2])]:
            judge.close(period)
            judge.close(period)
        judge.look_again()
        judge.recompute()

    @contextlib.contextmanager
    def sender_in_flight(self) -> Iterator[None]:
        """Keep a sender waiting for its gateway's answer during the block."""
        stage, oracle, network = self.stage, self.stage.oracle, self.stage.network
        message = self.world.planted["in flight"].messages[0]
        reached, allowed = threading.Event(), threading.Event()

        def hold(asked: Asked) -> None:
            if asked["to"] == international(message.phone):
                reached.set()
                allowed.wait(60)

        network.before_answer = hold
        moment = stage.now
        sender = threading.Thread(target=lambda: sending.send("in flight", clock=lambda: moment))
        sender.start()
        reached.wait(60)
        while stage.ledger.execute("SELECT count(*) FROM motcua.messages WHERE state = 'sending'").fetchone() != (1,):
            time.sleep(0.02)
        fly = oracle.hold(message)
        stage.report_sends_to_oracle()
        yield
        network.before_answer = None
        allowed.set()
        sender.join()
        fly(moment)
        stage.expect_receipts(message)


def simulate(seed: int, schedule: Schedule, admin_dsn: str, ledger_dsn: str, *, per_day: int = 3) -> Verdict:
    """Simulate the days on the migrated, empty ledger of the connection ``motcua_db``.

    Return the verdict of the comparison of all closings with the oracle.
    """
    with (
        quiet_logs(),
        one_stops(
            admin_dsn,
            {name: make.tables for name, make in MAKES.items()},
            adapters={name: make.adapter for name, make in MAKES.items()},
            gateway={"concurrency": 8, "answer_timeout": 60},
            MOTCUA_INQUIRIES_PER_GATEWAY="100000",
        ) as desks,
    ):
        world = World(seed, schedule, per_day)
        stage = Stage(world, desks, ledger_dsn)
        judge = Judge(stage)

        class Clock(datetime):
            """A ``datetime`` whose ``now`` is the world's time, for jobs that read the clock themselves."""

            @classmethod
            def now(cls, tz: Any = None) -> datetime:  # type: ignore[override]
                return stage.now

        with contextlib.closing(stage), judge.rows, mock.patch.object(receiving, "datetime", Clock):
            Days(world, stage, judge).go()
        return judge.verdict


# ------------------------------------------------------------------------------------------------- mistakes on purpose


def _editing(name: str, old: str, new: str) -> Mistake:
    """Return a mistake that replaces ``old`` by ``new`` in the text of an SQL statement about closings."""
    statement(f"closings/{name}")

    def edited(asked: Any) -> Any:
        text = statement(asked)
        if asked != f"closings/{name}":
            return text
        if old not in text:
            raise LookupError(f"closings/{name} has no {old!r} any more: change this proof")
        return text.replace(old, new)

    return replacing(store_of_closings, "statement", edited)


@contextlib.contextmanager
def _suppressed_hidden(ledger_dsn: str) -> Iterator[None]:
    with psycopg.connect(ledger_dsn) as ledger:
        row = ledger.execute("SELECT pg_get_viewdef('audit.messages'::regclass)").fetchone()
        assert row is not None
        view = str(row[0]).rstrip("; \n")
        ledger.execute(
            f"CREATE OR REPLACE VIEW audit.messages AS SELECT * FROM ({view}) AS v WHERE v.state <> 'suppressed'"
        )
    yield


def _save_most_transitions(connection: Any, source_id: int, written: str, dossier_ids: Any, now: datetime) -> None:
    lost = {row["place"] for row in json.loads(written) if row["source_transition_id"] % 20 == 7}
    kept = [None if place in lost else each for place, each in enumerate(dossier_ids, start=1)]
    save_transitions(connection, source_id, written, kept, now)


def _meaning_as_delivered(gateway: KannelGateway, status: str | None) -> Any:
    meaning = meaning_of(gateway, status)
    return "delivered" if meaning == "undelivered" else meaning


statement, save_transitions = store_of_closings.statement, picking_up.save_transitions
meaning_of = KannelGateway.meaning_of
MISTAKES: dict[str, Mistake] = {
    "suppressed messages are hidden from the audit views": _suppressed_hidden,
    "apologies are left out of the figures": _editing(
        "counting/count_messages", "WHERE m.recorded_at", "WHERE m.kind <> 'apology' AND m.recorded_at"
    ),
    "what is carried over counts as received": _editing(
        "counting/count_dossiers", "WHERE d.received) AS", "WHERE d.received OR d.carried_over) AS"
    ),
    "what is missing is called cut off": _editing("occasions/compare_occasions", "ELSE 'missing'", "ELSE 'cut_off'"),
    "the 95th of a hundred is the 50th": _editing("counting/count_messages", "r.of_all * 95", "r.of_all * 50"),
    "days are those of Tokyo": replacing(periods, "VIETNAM", ZoneInfo("Asia/Tokyo")),
    "a pick-up loses one in twenty": replacing(picking_up, "save_transitions", _save_most_transitions),
    "what did not arrive is taken for delivered": replacing(KannelGateway, "meaning_of", _meaning_as_delivered),
    "closing again always makes a correction": replacing(reconciling, "_tells_the_same", lambda before, draft: False),
}


def _figures_of_mistakes(admin_dsn: str) -> list[Figure]:
    """Return two rows about a short simulation, which is run once without a mistake and once with each planted mistake.

    The rows show the number of wrong figures without a mistake, and the number of mistakes that the simulation reveals.
    The simulation is always the same, because it must contain, for each planted mistake, a case that reveals it.
    """

    def wrong(ledger: str) -> Verdict:
        return simulate(1, THREE_DAYS, admin_dsn, ledger, per_day=2)

    with proving_ledger(admin_dsn, "unbroken") as ledger:
        unbroken = wrong(ledger)
    _show(unbroken)
    return [
        none("the same days without a mistake: figures that differ", unbroken.wrong.total()),
        notice_mistakes(admin_dsn, MISTAKES, lambda ledger: bool(wrong(ledger).wrong.total())),
    ]


# ------------------------------------------------------------------------------------------------------------ the table


def _show(verdict: Verdict) -> None:
    for example in verdict.examples[:20]:
        print(example)


def _figures_of_two_months(verdict: Verdict) -> list[Figure]:
    """Return the rows: how many values of each kind were compared, and how many differ."""
    found = [
        noted(
            "closings; corrections among them; periods closed again without a change",
            f"{sum(map(len, verdict.closings.values()))}; {verdict.corrections}; {verdict.reruns}",
        ),
        Figure("red closings, each because of planted differences", str(verdict.red), "> 0", verdict.red > 0),
    ]
    for name, compared in verdict.compared.items():
        wrong = verdict.wrong[name]
        found.append(every(name, compared - wrong, compared))
    lacking = sorted(set(get_args(DifferenceReason)) - set(verdict.planted))
    reasons = ", ".join(f"{n} {reason}" for reason, n in verdict.planted.most_common())
    found.append(Figure("reasons that occurred", reasons, "each of the list", not lacking))
    return found


def to_publish(verdict: Verdict, day: date, month: str) -> dict[str, int]:
    """Return the numbers of the closings to publish, by name.

    The closings are the newest closing of a day, the first and the newest closing of a December, and the newest
    closings of the quarter and the year that end with this December.
    """
    months = verdict.closings[month]
    return {
        "day": verdict.closings[str(day)][-1].number,
        "month, first": months[0].number,
        "month, newest": months[-1].number,
        "quarter": verdict.closings[f"{month[:4]}-Q4"][-1].number,
        "year": verdict.closings[month[:4]][-1].number,
    }


def figures(seed: int) -> list[Figure]:
    with (
        tempfile.TemporaryDirectory(prefix="motcua-prove-") as folder,
        proving_server(Path(folder), trusting=True) as admin_dsn,
    ):
        with proving_ledger(admin_dsn, "two_months") as ledger:
            verdict = simulate(seed, TWO_MONTHS, admin_dsn, ledger, per_day=PER_DAY)
            _show(verdict)
            closings = to_publish(verdict, TWO_MONTHS.day(1), "2024-12")
            found = [*_figures_of_two_months(verdict), *publications(admin_dsn, "two_months", closings)]
        return [*found, *_figures_of_mistakes(admin_dsn)]
