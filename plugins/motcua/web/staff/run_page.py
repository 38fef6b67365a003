"""The page *Lượt này đã làm gì*: what a run of a DAG did, in plain words with links; a tab of the run in Airflow.

How the run stands is asked of Airflow, what it did of the ledger. An agency's administrator sees what it did for his
agencies.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from motcua import dag_texts
from motcua.domain.clock import VIETNAM
from motcua.domain.periods import Period
from motcua.reports import wording
from motcua.reports.publication.data import period_words
from motcua.store.browsing.runs import Attempted, Move, RunWork, work_of
from motcua.store.ledger.database import page_connection
from motcua.store.ledger.runs import Run
from motcua.web import run_words
from motcua.web.airflow_runs import AirflowRun, find_airflow_run
from motcua.web.refusals import PageRefused
from motcua.web.rendering import render
from motcua.web.run_words import Trouble
from motcua.web.visitors import Visitor, Visits

_SHOWN = 20
_LONGEST_NAME = 250
"""Airflow's own limit."""

_NOTICES = ("moves", "attempts", "pick_ups", "quarantined", "evenings", "messages", "stops")
SUBJECTS = {
    "notify_transitions": _NOTICES,
    "apologize_due_tomorrow": _NOTICES,
    "settle_messages": ("moves", "messages", "stops"),
    "check_quality": ("checks",),
    "reconcile_daily": ("closings",),
    "reconcile_monthly": ("closings",),
    "reconcile_carrier": ("statements",),
    "purge_personal_data": ("purges",),
}
"""DAG → what its runs may have something of."""
OF_ALL_AGENCIES = {"statements", "stops", "purges"}
"""What is no agency's: an agency's administrator does not see it."""

_NOT_SENT = ("suppressed", "cancelled", "expired")
_TAKEN = ("accepted", "duplicate", "receipt")

router = APIRouter()


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


def troubles(run: Run, airflow: AirflowRun, work: RunWork, visitor: Visitor) -> list[Trouble]:
    """Why the run is red, and what to do. What the gate said is of all agencies, and so is not shown to one's own."""
    refused = dag_texts.misunderstanding(run.dag_id, airflow.conf, is_backfill=airflow.run_type == "backfill")
    if refused is not None:
        return [Trouble(refused, "")]
    failed = [run_words.trouble_of_task(task.task_id, task.what) for task in airflow.failed]
    found = [trouble for trouble in failed if trouble is not None]
    if work.known and work.known.left_undone and visitor.agencies is None and airflow.state == "failed":
        found += run_words.troubles_of_gate(work.known.left_undone)
    return list(dict.fromkeys(found))


@router.get("/run")
def show_run(request: Request, visitor: Visits, dag_id: str = "", run_id: str = "") -> HTMLResponse:
    """What a run did."""
    run = Run(dag_id, run_id)
    subjects = SUBJECTS.get(dag_id)
    if subjects is None or not 0 < len(run_id) <= _LONGEST_NAME or "\0" in run_id:
        raise PageRefused(HTTPStatus.NOT_FOUND, "no_such_run")
    if visitor.agencies is not None:
        subjects = tuple(name for name in subjects if name not in OF_ALL_AGENCIES)
    with page_connection() as connection:
        work = work_of(connection, run, subjects, visitor.listed, _SHOWN + 1)
    airflow = find_airflow_run(dag_id, run_id)
    if airflow is None and work.known is None and work.is_nothing:
        raise PageRefused(HTTPStatus.NOT_FOUND, "no_such_run")
    gateways = by_gateway(work.attempts)
    return render(
        request,
        "runs/run.html",
        run=run,
        dag_name=dag_texts.words()["dags"][dag_id]["name"],
        subjects=subjects,
        airflow_run=airflow,
        # What has ended before runs were known by number left no trace of what it planned and read.
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
        words=run_words.words(),
        w=wording,
        local=VIETNAM,
        now=datetime.now(UTC),
    )
