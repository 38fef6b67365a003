"""The page *Lượt này đã làm gì*: what a run of a DAG did, in plain words with links.

Airflow shows the page as a tab of the run. The run's state comes from Airflow, and what the run did comes from the
ledger. An agency's administrator sees what the run did for their own agencies.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, Response

from motcua import dag_texts
from motcua.domain.clock import VIETNAM
from motcua.domain.people import is_person
from motcua.domain.periods import Period
from motcua.jobs.listing.asking import whose
from motcua.jobs.listing.reading import Listing
from motcua.reports import wording
from motcua.reports.checks import in_words
from motcua.reports.lists import Cell, Row, words_of
from motcua.reports.publication.data import period_words
from motcua.reports.wording import words_in
from motcua.store.agencies import list_agencies
from motcua.store.ledger.database import page_connection
from motcua.store.ledger.sessions import Run, parse_left_undone
from motcua.store.runs import Attempted, Move, RunWork, work_of
from motcua.web.airflow import AirflowRun, run_finder
from motcua.web.forms import PageRefused
from motcua.web.lists import FileFormat, file_of
from motcua.web.rendering import render
from motcua.web.visitors import Visitor, Visits

# --- Why the run is red ----------------------------------------------------------------------------------------------

_NUMBER = re.compile(r"\+?\d{9,}")
"""Digits as long as a phone number. They are masked in the findings of a gate (the last task of a run, which fails if
work is left undone). These findings only count and name things, so they should hold no phone number anyway."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """One reason why a run failed (Airflow shows it red), and what to do."""

    why: str
    todo: str
    check: str = ""
    """Id of the check that found the reason. Empty if the reason is a failed task."""


def run_words() -> dict[str, Any]:
    """Return the words of the page."""
    return words_in("web/runs/words.vi")


def trouble_of_task(task_id: str, what: str) -> Trouble | None:
    """Return a failed task as the reason why its run is red.

    Return ``None`` for a task without words, such as the gate: the gate's findings say more.
    """
    told = run_words()["task"].get(task_id)
    return None if told is None else Trouble(told["why"].format(what=what).replace(" .", "."), told["todo"])


def troubles_of_gate(kept: str) -> list[Trouble]:
    """Return a reason for each kind of unfinished work that a gate found.

    Failed tasks are left out, because :func:`trouble_of_task` returns these.
    """
    told = [in_words(each) for each in parse_left_undone(kept) if each.name != "task_failed"]
    masked = (Trouble(_NUMBER.sub("***", each.title), _NUMBER.sub("***", each.todo), each.name) for each in told)
    return list(dict.fromkeys(masked))


# --- Figures of the run ----------------------------------------------------------------------------------------------

_NOT_SENT = ("suppressed", "cancelled", "expired")
_TAKEN = ("accepted", "duplicate", "receipt")


@dataclass(frozen=True, slots=True)
class Counted:
    """A figure, what it counts, and the filters with which the page of messages shows the messages that it counts."""

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
    """Number of attempts that have no answer yet."""
    failures: tuple[Counted, ...]

    @property
    def failed(self) -> int:
        """Number of attempts that the gateway did not accept."""
        return sum(each.number for each in self.failures)


def planned(moves: Sequence[Move]) -> list[Counted]:
    """Count the messages that the run planned, by kind."""
    kinds = _sums((move.kind, move.messages) for move in moves if move.from_state is None)
    names = wording.publication_words()["kind"]
    return [Counted(names[kind], number, (("kind", kind),)) for kind, number in kinds]


def not_sent(moves: Sequence[Move]) -> list[Counted]:
    """Count the messages that the run decided not to send, or not to send any more, by state and reason."""
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
    """Count the messages that had ended and wait to be sent again, by reason."""
    ended = (*_NOT_SENT, "undelivered", "rejected", "unknown")
    reasons = _sums(
        (move.reason or "", move.messages) for move in moves if move.to_state == "queued" and move.from_state in ended
    )
    return [Counted(wording.message_reason(reason), number) for reason, number in reasons]


def settled(moves: Sequence[Move]) -> list[Counted]:
    """Count the messages that left the state unknown or accepted for a known outcome, by their new state."""
    ends = _sums(
        (move.to_state, move.messages)
        for move in moves
        if move.from_state in ("unknown", "accepted") and move.to_state not in ("queued", "unknown", move.from_state)
    )
    states = wording.publication_words()["state"]
    return [Counted(states[state], number, (("state", state),)) for state, number in ends]


def by_gateway(attempts: Sequence[Attempted]) -> list[GatewayWork]:
    """Count the attempts by gateway, the busiest gateway first."""
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
                tuple(Counted(run_words()["outcome"][outcome], number) for outcome, number in failures),
            )
        )
    return found


def _sums(pairs: Iterable[tuple[Any, int]]) -> list[tuple[Any, int]]:
    total: Counter[Any] = Counter()
    for key, number in pairs:
        total[key] += number
    return sorted(total.items(), key=lambda item: (-item[1], str(item[0])))


# --- Figures as rows of a file ------------------------------------------------------------------------------------


def figure_rows(work: RunWork, visitor: Visitor) -> list[Row]:
    """Return every figure of the page: its part, its subject, what it counts, the number, and a note."""
    parts = run_words()["part"]
    makers: dict[str, Iterable[list[Cell]]] = {
        "settled": _counted_rows(settled(work.moves)),
        "planned": _counted_rows(planned(work.moves)),
        "again": _counted_rows(queued_again(work.moves)),
        "not_sent": _counted_rows(not_sent(work.moves)),
        "gateways": _gateway_rows(by_gateway(work.attempts)),
        "stops": ([_with_detail(row.gateway, row.subject), None, None, row.reason] for row in work.stops),
        "evenings": _evening_rows(work),
        "pick_ups": _pick_up_rows(work),
        "quarantined": _quarantine_rows(work),
        "checks": _check_rows(work, visitor),
        "closings": _closing_rows(work, visitor),
        "statements": _statement_rows(work),
        "verifications": _verification_rows(work),
        "cleanings": _cleaning_rows(work),
        "mails": _mail_rows(work),
    }
    if work.known is None:
        # The run ended under an older version of the software, which did not store these figures.
        for name in ("settled", "planned", "again", "not_sent"):
            makers.pop(name)
    return [[parts[name], *row] for name, rows in makers.items() for row in rows]


def _counted_rows(counted: Iterable[Counted]) -> Iterator[list[Cell]]:
    return ([None, each.words, each.number, None] for each in counted)


def _with_detail(name: str, more: str) -> str:
    return f"{name}, {more}" if more else name


def _gateway_rows(gateways: Iterable[GatewayWork]) -> Iterator[list[Cell]]:
    said, outcomes = run_words()["figure"], run_words()["outcome"]
    for each in gateways:
        yield [each.gateway, said["attempts"], each.attempts, None]
        yield [each.gateway, outcomes["accepted"], each.taken, None]
        yield [each.gateway, said["delivered"], each.delivered, None]
        if each.waiting:
            yield [each.gateway, outcomes["in_flight"], each.waiting, None]
        for failure in each.failures:
            yield [each.gateway, failure.words, failure.number, None]


def _evening_rows(work: RunWork) -> Iterator[list[Cell]]:
    said, states = run_words()["figure"], run_words()["evening"]
    for each in work.evenings:
        told = f"{wording.day(each.day)}, {states[each.state]}"
        for name in ("looked_at", "queued", "suppressed", "missed"):
            yield [each.agency_name, said[name], getattr(each, name), told]


def _pick_up_rows(work: RunWork) -> Iterator[list[Cell]]:
    said = run_words()["figure"]
    for each in work.pick_ups:
        yield [each.source, said["transitions"], each.transitions, None]
        yield [each.source, said["dossiers"], each.dossiers, None]


def _quarantine_rows(work: RunWork) -> Iterator[list[Cell]]:
    said = run_words()
    for each in work.quarantined:
        waiting = said["figure"]["waiting"].format(waiting=wording.count(each.waiting))
        yield [each.source, words_of("unusable.reason")[each.reason], each.found, waiting]


def _check_rows(work: RunWork, visitor: Visitor) -> Iterator[list[Cell]]:
    said = run_words()["figure"]
    for each in work.checks:
        of = said["check"].format(no=each.run_no, day=wording.day(each.day))
        names = ("checked", "to_correct", *(("broken",) if visitor.agencies is None else ()))
        numbers = {"checked": each.dossiers, "to_correct": each.to_correct, "broken": each.broken}
        for name in names:
            yield [of, said[name], numbers[name], None if each.is_sealed else said["not_sealed"]]


def _closing_rows(work: RunWork, visitor: Visitor) -> Iterator[list[Cell]]:
    said = run_words()["figure"]
    for each in work.closings:
        of = period_words(Period.parse(each.period))
        published = said["published"].format(no=each.publication_no) if each.publication_no else said["not_published"]
        yield [of, said["closing_no"], each.closing_no, published]
        if visitor.agencies is None:
            unread = said["unread"].format(sources=", ".join(each.sources_unread)) if each.sources_unread else None
            yield [of, said["difference"], each.difference, unread]
            yield [of, said["unexplained"], each.unexplained, None]


def _statement_rows(work: RunWork) -> Iterator[list[Cell]]:
    said = run_words()["figure"]
    for each in work.statements:
        of = f"{each.form}/{each.file_name}" if each.form else each.file_name
        month = f"{each.month.month}/{each.month.year}" if each.month else None
        yield [of, said["statement_no"] if each.statement_no else said["refused"], each.statement_no, month]


def _verification_rows(work: RunWork) -> Iterator[list[Cell]]:
    said = run_words()["figure"]
    for each in work.verifications:
        published = said["published"].format(no=each.publication_no)
        yield [period_words(Period.parse(each.period)), said["faults"], each.faults, published]


def _cleaning_rows(work: RunWork) -> Iterator[list[Cell]]:
    said = run_words()
    for each in work.cleanings:
        what = said["cleaned"].get(each.of_what) or said["other_table"].format(name=each.of_what)
        yield [None, what, each.removed, each.failed]


def _mail_rows(work: RunWork) -> Iterator[list[Cell]]:
    said, bodies = run_words(), dag_texts.words()["bodies"]
    for each in work.mails:
        of = bodies.get(each.body) or each.agency_name or each.body
        report = said["figure"]["report"].format(no=each.report_no)
        yield [of, said["figure"]["mails"].format(state=said["mail"][each.state]), each.mails, report]


# --- The page --------------------------------------------------------------------------------------------------------

_SHOWN = 20
_LONGEST_NAME = 250
"""Airflow's own limit of a run id's length."""

_NOTICES = ("moves", "attempts", "pick_ups", "quarantined", "evenings", "messages", "stops")
SUBJECTS: dict[str, tuple[str, ...]] = {
    "notify_transitions": _NOTICES,
    "apologize_due_tomorrow": _NOTICES,
    "settle_messages": ("moves", "messages", "stops"),
    "check_quality": ("checks",),
    "reconcile_daily": ("closings",),
    "reconcile_monthly": ("closings",),
    "reconcile_carrier": ("statements",),
    "purge_personal_data": ("purges",),
    "verify_publications": ("verifications",),
    "clean_airflow": ("cleanings",),
}
"""For each DAG, the parts of the page that its runs may have."""
OF_ALL_AGENCIES = {"statements", "stops", "purges", "verifications", "cleanings"}
"""Parts that belong to no agency. An agency's administrator does not see them."""

router = APIRouter()
FindsRun = Annotated[Callable[[str, str], AirflowRun | None], Depends(run_finder)]


def troubles(run: Run, airflow: AirflowRun, work: RunWork, visitor: Visitor) -> list[Trouble]:
    """Return why the run is red, and what to do.

    Failed tasks and the gate's findings may name sources, agencies and files of others, so only visitors who see all
    agencies get them.
    """
    refused = dag_texts.misunderstanding(
        run.dag_id,
        airflow.conf,
        is_backfill=airflow.run_type == "backfill",
        by_a_person=is_person(airflow.started_by),
    )
    if refused is not None:
        return [Trouble(refused, "")]
    if visitor.agencies is not None:
        return []
    failed = [trouble_of_task(task.task_id, task.what) for task in airflow.failed]
    found = [trouble for trouble in failed if trouble is not None]
    if work.known and work.known.left_undone and airflow.state == "failed":
        found += troubles_of_gate(work.known.left_undone)
    return list(dict.fromkeys(found))


@router.get("/run")
def show_run(request: Request, visitor: Visits, find: FindsRun, dag_id: str = "", run_id: str = "") -> HTMLResponse:
    """Show what a run did."""
    run, subjects, work, airflow = _find_run(visitor, find, dag_id, run_id)
    gateways = by_gateway(work.attempts)
    return render(
        request,
        "runs/run.html",
        run=run,
        dag_name=dag_texts.words()["dags"][dag_id]["name"],
        subjects=subjects,
        airflow_run=airflow,
        of_run={"dag_id": dag_id, "run_id": run_id},
        has_figures=bool(figure_rows(work, visitor)),
        # An older version of the software did not store which run planned and read what.
        is_known=work.known is not None or (airflow is not None and airflow.state in ("queued", "running")),
        work=work,
        planned=planned(work.moves),
        not_sent=not_sent(work.moves),
        again=queued_again(work.moves),
        settled=settled(work.moves),
        gateways=gateways,
        attempts=sum(each.attempts for each in gateways),
        taken=sum(each.taken for each in gateways),
        failed=sum(each.failed for each in gateways),
        troubles=[] if airflow is None else troubles(run, airflow, work, visitor),
        messages=work.messages[:_SHOWN],
        more_messages=len(work.messages) > _SHOWN,
        rows=lambda *filters: urlencode([("dag", dag_id), ("run", run_id), *filters]),
        period=lambda written: period_words(Period.parse(written)),
        states=wording.publication_words()["state"],
        kinds=wording.publication_words()["kind"],
        reason=wording.message_reason,
        bodies=dag_texts.words()["bodies"],
        words=run_words(),
        unusable=words_of("unusable.reason"),
        w=wording,
        local=VIETNAM,
        now=datetime.now(UTC),
    )


@router.get("/run/file")
def download_run(
    request: Request, visitor: Visits, find: FindsRun, format: FileFormat, dag_id: str = "", run_id: str = ""
) -> Response:
    """Return the figures of what a run did as a file. The file of the run's messages is on the page of messages."""
    run, _, work, _ = _find_run(visitor, find, dag_id, run_id)
    with page_connection() as connection:
        agencies = [each for each in list_agencies(connection) if visitor.sees(each.agency_code)]
    about = [f"{dag_texts.words()['dags'][dag_id]['name']}: {run.run_id}", whose(None, agencies, visitor)]
    listing = Listing("run")
    rows = [dict(zip(listing.declared.columns, row, strict=True)) for row in figure_rows(work, visitor)]
    return file_of(request, visitor, listing.of(rows), format, about=about)


def _find_run(
    visitor: Visitor, find: Callable[[str, str], AirflowRun | None], dag_id: str, run_id: str
) -> tuple[Run, tuple[str, ...], RunWork, AirflowRun | None]:
    """Return the run, the parts that its page may have, what it did, and its state in Airflow.

    Raises:
        PageRefused: neither Airflow nor the ledger knows the run.
    """
    run = Run(dag_id, run_id)
    subjects = SUBJECTS.get(dag_id)
    if subjects is None or not 0 < len(run_id) <= _LONGEST_NAME or "\0" in run_id:
        raise PageRefused(HTTPStatus.NOT_FOUND, "no_such_run")
    if visitor.agencies is not None:
        subjects = tuple(name for name in subjects if name not in OF_ALL_AGENCIES)
    with page_connection() as connection:
        work = work_of(connection, run, subjects, visitor.listed, _SHOWN + 1)
    airflow = find(dag_id, run_id)
    if airflow is None and work.known is None and work.is_nothing:
        raise PageRefused(HTTPStatus.NOT_FOUND, "no_such_run")
    return run, subjects, work, airflow
