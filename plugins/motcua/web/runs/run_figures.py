"""What a run did in figures: as its page shows them, and as rows of a file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from motcua import dag_texts
from motcua.domain.periods import Period
from motcua.reports import wording
from motcua.reports.lists.files import Cell, Row
from motcua.reports.publication.data import period_words
from motcua.store.runs import Attempted, Move, RunWork
from motcua.web.runs import run_words
from motcua.web.visitors import Visitor

_NOT_SENT = ("suppressed", "cancelled", "expired")
_TAKEN = ("accepted", "duplicate", "receipt")


@dataclass(frozen=True, slots=True)
class Counted:
    """A figure with what it is of, and the filters of the page of messages that lead to its rows."""

    words: str
    number: int
    filters: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class GatewayWork:
    """A run's attempts at one gateway."""

    gateway: str
    attempts: int
    taken: int
    delivered: int
    waiting: int
    """No answer yet."""
    failures: tuple[Counted, ...]

    @property
    def failed(self) -> int:
        """Attempts that the gateway did not take."""
        return sum(each.number for each in self.failures)


def planned(moves: Sequence[Move]) -> list[Counted]:
    """Messages that were made, by kind."""
    kinds = _sums((move.kind, move.messages) for move in moves if move.from_state is None)
    names = wording.publication_words()["kind"]
    return [Counted(names[kind], number, (("kind", kind),)) for kind, number in kinds]


def not_sent(moves: Sequence[Move]) -> list[Counted]:
    """Messages that the run decided not to send, or no longer, by why."""
    ends = _sums(
        ((move.to_state, move.reason or ""), move.messages)
        for move in moves
        if move.to_state in _NOT_SENT and move.to_state != move.from_state
    )
    states = wording.publication_words()["state"]
    return [
        Counted(
            f"{states[state]}: {wording.message_reason(reason)}" if reason else states[state],
            number,
            (("state", state), *((("reason", reason),) if reason else ())),
        )
        for (state, reason), number in ends
    ]


def queued_again(moves: Sequence[Move]) -> list[Counted]:
    """Messages that had an end and wait to be sent again, by why."""
    ended = (*_NOT_SENT, "undelivered", "rejected", "unknown")
    reasons = _sums(
        (move.reason or "", move.messages) for move in moves if move.to_state == "queued" and move.from_state in ended
    )
    return [Counted(wording.message_reason(reason), number) for reason, number in reasons]


def settled(moves: Sequence[Move]) -> list[Counted]:
    """Messages whose end became known, by what it is."""
    ends = _sums(
        (move.to_state, move.messages)
        for move in moves
        if move.from_state in ("unknown", "accepted") and move.to_state not in ("queued", "unknown", move.from_state)
    )
    states = wording.publication_words()["state"]
    return [Counted(states[state], number, (("state", state),)) for state, number in ends]


def by_gateway(attempts: Sequence[Attempted]) -> list[GatewayWork]:
    """Attempts by gateway, the busiest first."""
    found = []
    for name, total in _sums((each.gateway, each.attempts) for each in attempts):
        own = [each for each in attempts if each.gateway == name]
        failures = _sums(
            (each.outcome, each.attempts) for each in own if each.outcome is not None and each.outcome not in _TAKEN
        )
        found.append(
            GatewayWork(
                name,
                total,
                sum(each.attempts for each in own if each.outcome in _TAKEN),
                sum(each.attempts for each in own if each.state == "delivered"),
                sum(each.attempts for each in own if each.outcome is None),
                tuple(Counted(run_words.words()["outcome"][outcome], number) for outcome, number in failures),
            )
        )
    return found


def _sums(pairs: Iterable[tuple[Any, int]]) -> list[tuple[Any, int]]:
    total: Counter[Any] = Counter()
    for key, number in pairs:
        total[key] += number
    return sorted(total.items(), key=lambda item: (-item[1], str(item[0])))


# --- As rows of a file --------------------------------------------------------------------------------------------


def figure_rows(work: RunWork, visitor: Visitor) -> list[Row]:
    """Every figure of the page: of which part, of whom, what is counted, how many, and what is to be said of it."""
    parts = run_words.words()["part"]
    makers: dict[str, Iterable[list[Cell]]] = {
        "settled": _counted(settled(work.moves)),
        "planned": _counted(planned(work.moves)),
        "again": _counted(queued_again(work.moves)),
        "not_sent": _counted(not_sent(work.moves)),
        "gateways": _of_gateways(by_gateway(work.attempts)),
        "stops": ([_both(row.gateway, row.subject), None, None, row.reason] for row in work.stops),
        "evenings": _of_evenings(work),
        "pick_ups": _of_pick_ups(work),
        "quarantined": _of_quarantined(work),
        "checks": _of_checks(work, visitor),
        "closings": _of_closings(work, visitor),
        "statements": _of_statements(work),
        "verifications": _of_verifications(work),
        "cleanings": _of_cleanings(work),
        "mails": _of_mails(work),
    }
    if work.known is None:
        # What it planned and read is not known of it.
        for name in ("settled", "planned", "again", "not_sent"):
            makers.pop(name)
    return [[parts[name], *row] for name, rows in makers.items() for row in rows]


def _counted(counted: Iterable[Counted]) -> Iterator[list[Cell]]:
    return ([None, each.words, each.number, None] for each in counted)


def _both(name: str, more: str) -> str:
    return f"{name}, {more}" if more else name


def _of_gateways(gateways: Iterable[GatewayWork]) -> Iterator[list[Cell]]:
    said, outcomes = run_words.words()["figure"], run_words.words()["outcome"]
    for each in gateways:
        yield [each.gateway, said["attempts"], each.attempts, None]
        yield [each.gateway, outcomes["accepted"], each.taken, None]
        yield [each.gateway, said["delivered"], each.delivered, None]
        if each.waiting:
            yield [each.gateway, outcomes["in_flight"], each.waiting, None]
        for failure in each.failures:
            yield [each.gateway, failure.words, failure.number, None]


def _of_evenings(work: RunWork) -> Iterator[list[Cell]]:
    said, states = run_words.words()["figure"], run_words.words()["evening"]
    for each in work.evenings:
        told = f"{wording.day(each.day)}, {states[each.state]}"
        for name in ("looked_at", "queued", "suppressed", "missed"):
            yield [each.agency_name, said[name], getattr(each, name), told]


def _of_pick_ups(work: RunWork) -> Iterator[list[Cell]]:
    said = run_words.words()["figure"]
    for each in work.pick_ups:
        yield [each.source, said["transitions"], each.transitions, None]
        yield [each.source, said["dossiers"], each.dossiers, None]


def _of_quarantined(work: RunWork) -> Iterator[list[Cell]]:
    said = run_words.words()
    for each in work.quarantined:
        waiting = said["figure"]["waiting"].format(waiting=wording.count(each.waiting))
        yield [each.source, said["quarantine"][each.reason], each.found, waiting]


def _of_checks(work: RunWork, visitor: Visitor) -> Iterator[list[Cell]]:
    said = run_words.words()["figure"]
    for each in work.checks:
        of = said["check"].format(no=each.run_no, day=wording.day(each.day))
        names = ("checked", "to_correct", *(("broken",) if visitor.agencies is None else ()))
        numbers = {"checked": each.dossiers, "to_correct": each.to_correct, "broken": each.broken}
        for name in names:
            yield [of, said[name], numbers[name], None if each.is_sealed else said["not_sealed"]]


def _of_closings(work: RunWork, visitor: Visitor) -> Iterator[list[Cell]]:
    said = run_words.words()["figure"]
    for each in work.closings:
        of = period_words(Period.parse(each.period))
        published = said["published"].format(no=each.publication_no) if each.publication_no else said["not_published"]
        yield [of, said["closing_no"], each.closing_no, published]
        if visitor.agencies is None:
            unread = said["unread"].format(sources=", ".join(each.sources_unread)) if each.sources_unread else None
            yield [of, said["difference"], each.difference, unread]
            yield [of, said["unexplained"], each.unexplained, None]


def _of_statements(work: RunWork) -> Iterator[list[Cell]]:
    said = run_words.words()["figure"]
    for each in work.statements:
        of = f"{each.form}/{each.file_name}" if each.form else each.file_name
        month = f"{each.month.month}/{each.month.year}" if each.month else None
        yield [of, said["statement_no"] if each.statement_no else said["refused"], each.statement_no, month]


def _of_verifications(work: RunWork) -> Iterator[list[Cell]]:
    said = run_words.words()["figure"]
    for each in work.verifications:
        published = said["published"].format(no=each.publication_no)
        yield [period_words(Period.parse(each.period)), said["faults"], each.faults, published]


def _of_cleanings(work: RunWork) -> Iterator[list[Cell]]:
    said = run_words.words()
    for each in work.cleanings:
        what = said["cleaned"].get(each.of_what) or said["other_table"].format(name=each.of_what)
        yield [None, what, each.removed, each.failed]


def _of_mails(work: RunWork) -> Iterator[list[Cell]]:
    said, bodies = run_words.words(), dag_texts.words()["bodies"]
    for each in work.mails:
        of = bodies.get(each.body) or each.agency_name or each.body
        report = said["figure"]["report"].format(no=each.report_no)
        yield [of, said["figure"]["mails"].format(state=said["mail"][each.state]), each.mails, report]
