"""What DAGs share: a run's window, what a task begins with, what follows a closing, and the watcher that wakes them."""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.sdk import (
    AssetWatcher,
    ExceptionRetryPolicy,
    RetryAction,
    RetryRule,
    XComArg,
    get_current_context,
    task,
)
from airflow.sdk.definitions.callback import AsyncCallback
from airflow.sdk.definitions.deadline import DeadlineAlert, DeadlineReference
from airflow.sdk.exceptions import AirflowFailException, AirflowTaskTimeout
from airflow.triggers.base import BaseEventTrigger, TriggerEvent

from motcua.dag_texts import DagTexts, misunderstanding, words
from motcua.domain.run_window import EVERYTHING, Window
from motcua.settings import BACKGROUND_POOL

WAIT_FOR_NO_SOURCE = ExceptionRetryPolicy(
    rules=[RetryRule(BaseException, RetryAction.FAIL, reason="the others do not wait; the next run reads it again")]
)
"""Of a task that reads one source for a run that serves all: what it meets itself is final. Only one that Airflow could
not start, or that was killed, is tried again."""


def run_window(context: Mapping[str, Any]) -> Window:
    """The window that a run is bound to: a backfill's data interval; every other run handles all that is due.

    Manual and asset runs have no data interval at all, and the logical date says nothing about a window.
    """
    run = context["dag_run"]
    if str(getattr(run.run_type, "value", run.run_type)) != "backfill":
        return EVERYTHING
    return Window(run.data_interval_start, run.data_interval_end)


def run_interval(context: Mapping[str, Any]) -> Window:
    """The data interval of a run by the clock or of a backfill; a run that was woken or started by hand has none."""
    run = context["dag_run"]
    if run.data_interval_start is None:
        return EVERYTHING
    return Window(run.data_interval_start, run.data_interval_end)


def release_by(context: Mapping[str, Any]) -> str | None:
    """Who asked a backfill to send messages of unknown outcome again; ``None``: nobody did. Other runs never do.

    Raises:
        NotAPerson: nobody who can sign; ``refuse_misunderstandings`` has refused such a run before.
    """
    run = context["dag_run"]
    if run_window(context) is EVERYTHING or context["params"].get("release_unknown") is not True:
        return None
    from motcua.domain.people import read_person

    return f"{read_person(_asked_by(run))}, {run.run_id}"


def _asked_by(run: Any) -> str | None:  # noqa: ANN401 - whatever Airflow gives a task for its run
    """Airflow's name of who asked for a backfill's run.

    A backfill that runs again what the clock had started leaves that run without a name (Airflow 3.3 writes it into
    none but new ones); its own is in Airflow's database alone. Where that is not connected, the run's must do.
    """
    from airflow.sdk.exceptions import AirflowNotFoundException

    from motcua.store.ledger.database import connect, without_values
    from motcua.store.upkeep import AIRFLOW, backfill_asked_by

    try:
        with without_values(), connect(AIRFLOW) as airflow:
            return backfill_asked_by(airflow, run.dag_id, run.run_id)
    except AirflowNotFoundException:
        return run.triggering_user_name  # type: ignore[no-any-return]


class RunRefused(AirflowFailException):
    """Whoever started the run asked for what it cannot do; in Vietnamese, since it is read in Airflow."""


def refuse_misunderstandings(context: Mapping[str, Any]) -> None:
    """A parameter that the DAG does not have, or that only a backfill has, or that a person must sign who is not named,
    is refused; Airflow itself passes it over.

    Raises:
        RunRefused: with what to do instead.
    """
    run = context["dag_run"]
    is_backfill = run_window(context) is not EVERYTHING
    from motcua.domain.people import is_person

    asks = is_backfill and bool((run.conf or {}).get("release_unknown"))
    by_a_person = is_person(_asked_by(run) if asks else run.triggering_user_name)
    why = misunderstanding(run.dag_id, run.conf or {}, is_backfill=is_backfill, by_a_person=by_a_person)
    if why is not None:
        raise RunRefused(why)


_STEPS_ASIDE = 10
"""What is added to the niceness of the process of a task that no citizen waits for."""


def begin_work(context: Mapping[str, Any]) -> None:
    """Before each task, in its process: what it writes to the ledger is kept as its run's; one that no citizen waits
    for steps aside.

    Raises:
        RunRefused: the run was started with what it cannot do.
    """
    from motcua.store.ledger.sessions import Run, work_for

    refuse_misunderstandings(context)
    if context["task"].pool == BACKGROUND_POOL:
        os.nice(_STEPS_ASIDE)
    work_for(Run(context["dag_run"].dag_id, context["dag_run"].run_id))


DAG_DEFAULTS: dict[str, Any] = {
    "owner": "so-tttt",
    "pre_execute": begin_work,
    # Tasks that call a gateway say 0 themselves, since the ledger is the only thing that retries a send; so do gates,
    # which judge what is. The waits are 30 s and 60 s, which Airflow spreads over up to twice as long, then 2 minutes;
    # without the limit they would go on doubling with each clear.
    "retries": 3,
    "retry_delay": timedelta(seconds=30),
    "retry_exponential_backoff": 2,
    "max_retry_delay": timedelta(minutes=2),
    # A task that hangs (Airflow's fork can meet a held lock, apache/airflow#71707) must not hold up all later runs.
    "execution_timeout": timedelta(minutes=30),
}

IN_THE_BACKGROUND: dict[str, Any] = DAG_DEFAULTS | {"pool": BACKGROUND_POOL, "weight_rule": "absolute"}
"""Of DAGs that no citizen waits for: however many of their runs are due at once, they take few of the workers' slots,
step aside on the cores, and come last. Airflow's own rule weighs a task by how many follow it, so that the longest DAG
would come first."""

QUICK_RETRIES: dict[str, Any] = {
    # Who waits for a message waits for the tasks before it: half a minute at most.
    "retry_delay": timedelta(seconds=3),
    "max_retry_delay": timedelta(seconds=12),
    "retry_policy": ExceptionRetryPolicy(
        rules=[RetryRule(AirflowTaskTimeout, RetryAction.FAIL, reason="it held up its run for long enough")]
    ),
}
"""Over the defaults, for the DAG that runs every few minutes and at each piece of news."""


def failed_tasks(context: Mapping[str, Any]) -> list[str]:
    """Names of the run's tasks that failed; the gate runs whatever happened, and a run's colour is its leaves'."""
    states = context["ti"].get_task_states(dag_id=context["dag"].dag_id, run_ids=[context["run_id"]])
    return sorted(task for tasks in states.values() for task, state in tasks.items() if state == "failed")


def tell_red_gate(context: Mapping[str, Any]) -> None:
    """Callback of each gate: why a run is red is kept for its page, and mailed once, not each minute. Who started a
    backfill is looking at it."""
    from motcua.domain.checks import fault
    from motcua.jobs.gates import RunIncomplete
    from motcua.jobs.run_alerts import keep_red_run, tell_red_run

    if isinstance(context.get("exception"), RunRefused):
        # Nothing was done, and who started it reads why.
        return
    run, failure = context["dag_run"], context.get("exception")
    left = failure.left if isinstance(failure, RunIncomplete) else [fault("gate_failed", "", str(failure or ""))]
    keep_red_run(run.dag_id, run.run_id, left)
    if run_window(context) is EVERYTHING:
        tell_red_run(run.dag_id, context["dag"].dag_display_name, run.run_id, left, datetime.now(UTC))


GATE: dict[str, Any] = {
    "trigger_rule": "all_done",
    # It judges what is.
    "retries": 0,
    "on_failure_callback": tell_red_gate,
}
"""Of the only leaf of every DAG."""


async def tell_late_apologies(context: Mapping[str, Any]) -> None:
    """Callback of the deadline of an evening's apologies. In the triggerer: workers may be what is missing."""
    from asgiref.sync import sync_to_async

    from motcua.jobs.run_alerts import tell_late_run

    deadline = context["deadline"]["deadline_time"]
    deadline = datetime.fromisoformat(deadline) if isinstance(deadline, str) else deadline
    tell = sync_to_async(tell_late_run, thread_sensitive=False)
    await tell(context["dag_run"], deadline, datetime.now(UTC))


APOLOGIES_END_WITHIN = timedelta(minutes=6)
"""The evening's apologies are with their gateways so soon after their hour."""


def apologies_deadline() -> DeadlineAlert:
    """The evening's run is to end six minutes after its hour, 17:36.

    It counts from the logical date, a day before the run: a deadline that counts from the queueing makes Airflow 3.3.2
    refuse to clear the run (apache/airflow#70368). Runs by hand have no logical date, and no deadline.
    """
    return DeadlineAlert(
        reference=DeadlineReference.DAGRUN_LOGICAL_DATE,
        interval=timedelta(days=1) + APOLOGIES_END_WITHIN,
        callback=AsyncCallback(tell_late_apologies),
        name=words()["apologies_deadline"],
    )


def publish_and_mail(texts: DagTexts, closing_tasks: Sequence[str]) -> XComArg:
    """What follows closing in both DAGs of reconciliation: choose → publish each → mail each → gate.

    Args:
        texts: of the DAG.
        closing_tasks: the tasks of the same DAG whose closings the gate judges.

    Returns: the first of the tasks, for what goes before it.
    """

    @task(**texts.of_task("to_publish"), trigger_rule="all_done")
    def to_publish() -> list[int]:
        from motcua.jobs.tasks.reconcile_daily import closings_to_publish as job

        return job()

    @task(**texts.of_task("publish"), map_index_template="{{ closing }}", max_active_tis_per_dagrun=1)
    def publish(closing_no: int) -> dict[str, Any]:
        from motcua.jobs.tasks.reconcile_daily import publish as job
        from motcua.jobs.tasks.reconcile_daily import words_of_closing

        get_current_context()["closing"] = words_of_closing(closing_no)  # type: ignore[typeddict-unknown-key]
        return job(closing_no)

    @task(**texts.of_task("recipients"), trigger_rule="all_done")
    def recipients() -> list[dict[str, Any]]:
        from motcua.jobs.tasks.reconcile_daily import letters_to_send as job

        return job()

    @task(**texts.of_task("mail"), map_index_template="{{ whom }}", max_active_tis_per_dagrun=2)
    def mail(body: str, publications: list[int], runs: list[int]) -> dict[str, int]:
        from motcua.jobs.tasks.reconcile_daily import mail as job
        from motcua.jobs.tasks.reconcile_daily import name_of_body

        get_current_context()["whom"] = name_of_body(body)  # type: ignore[typeddict-unknown-key]
        return job(body, publications, runs)

    @task(**texts.of_task("gate"), **GATE)  # type: ignore[untyped-decorator]
    def gate() -> None:
        from motcua.jobs.tasks.reconcile_daily import gate as job

        context = get_current_context()
        made = context["ti"].xcom_pull(task_ids=closing_tasks)
        job(sorted({number for numbers in made for number in numbers or ()}), failed_tasks(context))

    chosen, addressed = to_publish(), recipients()
    publish.expand(closing_no=chosen) >> addressed
    mail.expand_kwargs(addressed) >> gate()
    return chosen


class SourcesWatch(BaseEventTrigger):
    """Yields an event while a source of its part has rows that were not picked up, or messages wait for nobody.

    Level-triggered: it asks again and again, so an event that Airflow loses or merges is followed by another. The
    event carries no work; the run selects by the state of the database.
    """

    def __init__(self, part: int = 0, parts: int = 1) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.part, self.parts = part, parts

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """How the triggerer makes it again."""
        return "motcua.orchestration.SourcesWatch", {"part": self.part, "parts": self.parts}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Events, forever."""
        from motcua.jobs.notices.looking import Watcher

        news: asyncio.Queue[str] = asyncio.Queue(maxsize=1)
        loop, stop = asyncio.get_running_loop(), threading.Event()

        def tell(source: str) -> None:
            loop.call_soon_threadsafe(put, source)

        def put(source: str) -> None:
            with contextlib.suppress(asyncio.QueueFull):
                news.put_nowait(source)

        # A thread of its own: it looks at all sources by itself, and the loop is for all triggers.
        watcher = Watcher(tell, self.part, self.parts)
        watching = threading.Thread(target=watcher.run, args=(stop,), name=f"sources watch {self.part}", daemon=True)
        watching.start()
        try:
            while True:
                source = await news.get()
                yield TriggerEvent({"source": source} if source else {"waiting": True})  # type: ignore[no-untyped-call]
        finally:
            stop.set()


def source_watchers() -> list[AssetWatcher]:
    """The watchers of the sources, as many as share them."""
    from motcua.settings import settings

    parts = settings().look_parts
    return [AssetWatcher(name=f"sources_watch_{part}", trigger=SourcesWatch(part, parts)) for part in range(parts)]
