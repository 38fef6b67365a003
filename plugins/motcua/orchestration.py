"""Parts that DAGs share: the window of a run, the start of each task, the tasks that publish figures, and the watchers
that start runs when sources have unread rows."""

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
    rules=[
        RetryRule(
            BaseException,
            RetryAction.FAIL,
            reason="not retried, so that the other sources do not wait; the next run reads this source again",
        )
    ]
)
"""Retry policy of a task that reads one of a run's sources. An error that the task raises is final. Airflow retries the
task only if the task could not be started or was killed."""


def run_window(context: Mapping[str, Any]) -> Window:
    """Return the window of a run: the period whose events the run handles.

    The window of a backfill is its data interval. Any other run handles everything that is due, whatever its data
    interval or logical date is.
    """
    run = context["dag_run"]
    if str(getattr(run.run_type, "value", run.run_type)) != "backfill":
        return EVERYTHING
    return Window(run.data_interval_start, run.data_interval_end)


def run_interval(context: Mapping[str, Any]) -> Window:
    """Return the data interval of a scheduled run or of a backfill.

    A run that a watcher or a person started has no data interval. The result is then ``EVERYTHING``.
    """
    run = context["dag_run"]
    if run.data_interval_start is None:
        return EVERYTHING
    return Window(run.data_interval_start, run.data_interval_end)


def release_by(context: Mapping[str, Any]) -> str | None:
    """Return who asked a backfill to send messages of unknown outcome again.

    The result is ``None`` if nobody asked for this, or if the run is not a backfill.

    Raises:
        NotAPerson: the user's name is not a person's name. ``refuse_misunderstandings`` already refused such a run.
    """
    run = context["dag_run"]
    if run_window(context) is EVERYTHING or context["params"].get("release_unknown") is not True:
        return None
    from motcua.domain.people import read_person

    return f"{read_person(_asked_by(run))}, {run.run_id}"


def _asked_by(run: Any) -> str | None:  # noqa: ANN401 - whatever Airflow gives a task for its run
    """Return Airflow's name of the user who asked for a backfill's run.

    If a backfill repeats a scheduled run, Airflow 3.3 stores the user's name with the backfill and not with the run.
    The name is then read from Airflow's database. If this deployment has no connection to that database, the result is
    the name that is stored with the run.
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
    """Raised if a run was started with a request that it cannot fulfil. The message is Vietnamese, because staff read
    it in Airflow."""


def refuse_misunderstandings(context: Mapping[str, Any]) -> None:
    """Refuse a run with a parameter that the DAG does not have, or that only a backfill has.

    Also refuse a backfill that shall send messages of unknown outcome again, if no named person asked for it.
    Airflow itself ignores parameters that the DAG does not have.

    Raises:
        RunRefused: the run is refused; the message says what to do instead.
    """
    run = context["dag_run"]
    is_backfill = run_window(context) is not EVERYTHING
    from motcua.domain.people import is_person

    asks = is_backfill and bool((run.conf or {}).get("release_unknown"))
    by_a_person = is_person(_asked_by(run) if asks else run.triggering_user_name)
    why = misunderstanding(run.dag_id, run.conf or {}, is_backfill=is_backfill, by_a_person=by_a_person)
    if why is not None:
        raise RunRefused(why)


_BACKGROUND_NICENESS = 10
"""Number that is added to the Unix niceness of a process whose task no citizen waits for."""


def begin_work(context: Mapping[str, Any]) -> None:
    """Prepare the process of a task before the task's own code runs.

    Rows that the process writes into the ledger get the number of the run. A task that no citizen waits for gets a
    lower priority on the processor.

    Raises:
        RunRefused: the run was started with a request that it cannot fulfil.
    """
    from motcua.store.ledger.sessions import Run, work_for

    refuse_misunderstandings(context)
    if context["task"].pool == BACKGROUND_POOL:
        os.nice(_BACKGROUND_NICENESS)
    work_for(Run(context["dag_run"].dag_id, context["dag_run"].run_id))


DAG_DEFAULTS: dict[str, Any] = {
    "owner": "so-tttt",
    "pre_execute": begin_work,
    # A failed task is tried again three times. Tasks that call a gateway have ``retries=0``, because only the ledger
    # decides whether a message is sent again. Gates have ``retries=0`` too, because they only judge the present state.
    # The waits are 30 s, 60 s and 2 minutes, and Airflow makes each of the first two up to twice as long at random.
    # Without max_retry_delay the wait would double again each time somebody clears the task.
    "retries": 3,
    "retry_delay": timedelta(seconds=30),
    "retry_exponential_backoff": 2,
    "max_retry_delay": timedelta(minutes=2),
    # A task that hangs must not block all later runs. A task may hang because Airflow forked its process while another
    # thread held a lock (apache/airflow#71707).
    "execution_timeout": timedelta(minutes=30),
}

IN_THE_BACKGROUND: dict[str, Any] = DAG_DEFAULTS | {"pool": BACKGROUND_POOL, "weight_rule": "absolute"}
"""Defaults of DAGs that no citizen waits for. Even if many of their runs are due at once, their tasks occupy few of the
workers' slots, have a lower priority on the processor, and are queued last. By default Airflow weighs a task by the
number of tasks after it, so that the tasks of the longest DAG would be queued first."""

QUICK_RETRIES: dict[str, Any] = {
    # The retries of a task that a citizen's message waits for take half a minute at most.
    "retry_delay": timedelta(seconds=3),
    "max_retry_delay": timedelta(seconds=12),
    "retry_policy": ExceptionRetryPolicy(
        rules=[RetryRule(AirflowTaskTimeout, RetryAction.FAIL, reason="a task that timed out is not retried")]
    ),
}
"""Shorter waits between retries, for the DAG ``notify_transitions``. They replace the waits of ``DAG_DEFAULTS``."""


def failed_tasks(context: Mapping[str, Any]) -> list[str]:
    """Return the names of the run's failed tasks.

    The gate must fail if there are failed tasks, because Airflow judges a run only by its last task, which is the gate.
    The gate runs even after failed tasks.
    """
    states = context["ti"].get_task_states(dag_id=context["dag"].dag_id, run_ids=[context["run_id"]])
    return sorted(task for tasks in states.values() for task, state in tasks.items() if state == "failed")


def tell_red_gate(context: Mapping[str, Any]) -> None:
    """Store why a run failed, for the run's page, and mail the reason. Airflow calls this function when a gate fails.

    While the runs of a DAG keep failing, the first failure is mailed, and then one failure a day. A failed backfill is
    not mailed, because the person who started the backfill watches it.
    """
    from motcua.domain.checks import fault
    from motcua.jobs.gates import RunIncomplete
    from motcua.jobs.run_alerts import mail_red_run, save_red_run

    if isinstance(context.get("exception"), RunRefused):
        # The run did nothing, and the person who started it reads the reason in Airflow.
        return
    run, failure = context["dag_run"], context.get("exception")
    left = failure.left if isinstance(failure, RunIncomplete) else [fault("gate_failed", "", str(failure or ""))]
    save_red_run(run.dag_id, run.run_id, left)
    if run_window(context) is EVERYTHING:
        mail_red_run(run.dag_id, context["dag"].dag_display_name, run.run_id, left, datetime.now(UTC))


GATE: dict[str, Any] = {
    "trigger_rule": "all_done",
    # A gate judges the present state, so a retry would only repeat the result.
    "retries": 0,
    "on_failure_callback": tell_red_gate,
}
"""Arguments of ``@task`` for the gate, which is the last task of every DAG."""


async def tell_late_apologies(context: Mapping[str, Any]) -> None:
    """Mail that an evening's apologies are late. Airflow calls this function in the triggerer after their deadline.

    The triggerer sends the mail because the workers may be down.
    """
    from asgiref.sync import sync_to_async

    from motcua.jobs.run_alerts import mail_late_run

    deadline = context["deadline"]["deadline_time"]
    deadline = datetime.fromisoformat(deadline) if isinstance(deadline, str) else deadline
    tell = sync_to_async(mail_late_run, thread_sensitive=False)
    await tell(context["dag_run"], deadline, datetime.now(UTC))


APOLOGIES_END_WITHIN = timedelta(minutes=6)
"""Time after the start of the evening's run (by default 17:30) within which the apologies must be handed to their
gateways."""


def apologies_deadline() -> DeadlineAlert:
    """Return the deadline of the evening's run: six minutes after its scheduled start, by default 17:36.

    The deadline is counted from the run's logical date, which is one day before the run. With a deadline that is
    counted from the queueing of the run, Airflow 3.3.2 refuses to clear the run (apache/airflow#70368). Runs that a
    person started have no logical date and therefore no deadline.
    """
    return DeadlineAlert(
        reference=DeadlineReference.DAGRUN_LOGICAL_DATE,
        interval=timedelta(days=1) + APOLOGIES_END_WITHIN,
        callback=AsyncCallback(tell_late_apologies),
        name=words()["apologies_deadline"],
    )


def publish_and_mail(texts: DagTexts, closing_tasks: Sequence[str]) -> XComArg:
    """Add the tasks that both reconciliation DAGs run after their closings, the fixed figures of a period.

    The tasks choose the closings to publish, publish each, mail each publication to its recipients, and run the gate.

    Args:
        texts: the texts of the DAG.
        closing_tasks: the tasks of the same DAG whose closings the gate judges.

    Returns: the first of the added tasks, before which the caller puts its own tasks.
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
    """A trigger that yields events while one of its sources has unread rows, or while no process sends due messages.

    The sources are divided into ``parts`` parts, one for each trigger. The trigger queries its sources again and again,
    so that another event follows if Airflow loses an event or merges two events. An event does not name the work: the
    run that the event starts finds its work in the database.
    """

    def __init__(self, part: int = 0, parts: int = 1) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.part, self.parts = part, parts

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class path and the arguments with which the triggerer recreates the trigger."""
        return "motcua.orchestration.SourcesWatch", {"part": self.part, "parts": self.parts}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Yield events without end."""
        from motcua.jobs.notices.looking import Watcher

        news: asyncio.Queue[str] = asyncio.Queue(maxsize=1)
        loop, stop = asyncio.get_running_loop(), threading.Event()

        def tell(source: str) -> None:
            loop.call_soon_threadsafe(put, source)

        def put(source: str) -> None:
            with contextlib.suppress(asyncio.QueueFull):
                news.put_nowait(source)

        # The watcher gets a thread of its own, because its queries wait for sources and the event loop serves all
        # triggers.
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
    """Return the watchers among which the sources are divided."""
    from motcua.settings import settings

    parts = settings().look_parts
    return [AssetWatcher(name=f"sources_watch_{part}", trigger=SourcesWatch(part, parts)) for part in range(parts)]
