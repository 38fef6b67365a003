"""The page *Lượt này đã làm gì*: what a run of a DAG did, in plain words with links; a tab of the run in Airflow.

How the run stands is asked of Airflow, what it did of the ledger. An agency's administrator sees what it did for his
agencies.
"""

from __future__ import annotations

from datetime import UTC, datetime
from http import HTTPStatus
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from motcua import dag_texts
from motcua.domain.clock import VIETNAM
from motcua.domain.people import is_person
from motcua.domain.periods import Period
from motcua.jobs.listing.asking import whose
from motcua.jobs.listing.reading import Listing
from motcua.reports import wording
from motcua.reports.publication.data import period_words
from motcua.store.agencies import list_agencies
from motcua.store.ledger.database import page_connection
from motcua.store.ledger.sessions import Run
from motcua.store.runs import RunWork, work_of
from motcua.web.lists.page import FileFormat, file_of
from motcua.web.refusals import PageRefused
from motcua.web.rendering import render
from motcua.web.runs import run_words
from motcua.web.runs.airflow_runs import AirflowRun, find_airflow_run
from motcua.web.runs.run_figures import (
    by_gateway,
    figure_rows,
    not_sent,
    planned,
    queued_again,
    settled,
)
from motcua.web.runs.run_words import Trouble
from motcua.web.visitors import Visitor, Visits

_SHOWN = 20
_LONGEST_NAME = 250
"""Airflow's own limit."""

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
"""DAG → what its runs may have something of."""
OF_ALL_AGENCIES = {"statements", "stops", "purges", "verifications", "cleanings"}
"""What is no agency's: an agency's administrator does not see it."""

router = APIRouter()


def troubles(run: Run, airflow: AirflowRun, work: RunWork, visitor: Visitor) -> list[Trouble]:
    """Why the run is red, and what to do. What the gate said is of all agencies, and so is not shown to one's own."""
    refused = dag_texts.misunderstanding(
        run.dag_id,
        airflow.conf,
        is_backfill=airflow.run_type == "backfill",
        by_a_person=is_person(airflow.started_by),
    )
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
    run, subjects, work, airflow = _found(visitor, dag_id, run_id)
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


@router.get("/run/file")
def download_run(request: Request, visitor: Visits, format: FileFormat, dag_id: str = "", run_id: str = "") -> Response:
    """The figures of what a run did; its messages are a file of the page of messages."""
    run, _, work, _ = _found(visitor, dag_id, run_id)
    with page_connection() as connection:
        agencies = [each for each in list_agencies(connection) if visitor.sees(each.agency_code)]
    about = [f"{dag_texts.words()['dags'][dag_id]['name']}: {run.run_id}", whose(None, agencies, visitor)]
    listing = Listing("run")
    rows = [dict(zip(listing.declared.columns, row, strict=True)) for row in figure_rows(work, visitor)]
    return file_of(request, visitor, listing.of(rows), format, about=about)


def _found(visitor: Visitor, dag_id: str, run_id: str) -> tuple[Run, tuple[str, ...], RunWork, AirflowRun | None]:
    """The run, what runs of its DAG may have something of, what it did, and how it stands in Airflow.

    Raises:
        PageRefused: neither Airflow nor the ledger knows it.
    """
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
    return run, subjects, work, airflow
