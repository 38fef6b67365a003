"""What Airflow itself tells of a run, by mail to MOTCUA_WATCH_RECIPIENTS: it is red, or it is late.

What it mails leans on Airflow and the mail server alone, not on the ledger, which may be the reason. What was told
stands in an Airflow variable for each DAG: a DAG that runs every minute tells once that it is red, not each minute.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

from motcua.domain.checks import Finding
from motcua.jobs.mailing import OpenServer, hand_to_each, mail_server
from motcua.reports.mail import Mail, late_apologies_mail, red_run_mail
from motcua.reports.wording import hour
from motcua.settings import settings
from motcua.store.ledger.database import connect
from motcua.store.ledger.sessions import Run, leave_undone
from motcua.store.watching.watch import watch_life

log = logging.getLogger(__name__)

GREEN_FOR = timedelta(hours=1)
"""After so long without a red run the next one is news; runs of a minute turn red and green while a gateway is away."""
WATCH_LIVES_FOR = timedelta(minutes=3)
"""After its last sign; it looks twice a minute, or each minute where cron starts it."""
REMIND_AFTER = timedelta(days=1)
OF_THIS_EVENING = timedelta(hours=6)
"""A deadline that passed longer ago is of another evening, which the watch tells of where it was missed."""


@dataclass(frozen=True, slots=True)
class ToldOfRuns:
    """What was told of a DAG's red runs."""

    red_at: datetime
    """The last red run."""
    told_at: datetime | None
    """The last mail; ``None``: nobody got it."""


def _variable(dag_id: str) -> str:
    return f"motcua_red_{dag_id}"


def _recall(dag_id: str) -> ToldOfRuns | None:
    from airflow.sdk import Variable

    kept = Variable.get(_variable(dag_id), default=None, deserialize_json=True)
    if not isinstance(kept, dict):
        return None
    told_at = kept.get("told_at")
    return ToldOfRuns(
        datetime.fromisoformat(kept["red_at"]).astimezone(UTC),
        datetime.fromisoformat(told_at).astimezone(UTC) if told_at else None,
    )


def _note(dag_id: str, told: ToldOfRuns) -> None:
    from airflow.sdk import Variable

    kept = {"red_at": told.red_at.isoformat(), "told_at": told.told_at.isoformat() if told.told_at else None}
    Variable.set(_variable(dag_id), kept, "When this DAG was red last, and when that was told.", serialize_json=True)


def is_news(told: ToldOfRuns | None, now: datetime) -> bool:
    """Whether a run that is red now is to be told."""
    if told is None or told.told_at is None:
        return True
    return now - told.red_at >= GREEN_FOR or now - told.told_at >= REMIND_AFTER


def keep_red_run(dag_id: str, run_id: str, left: Sequence[Finding]) -> None:
    """Keeps why a run is red for the page about it. Never fails: the ledger may be why."""
    try:
        with connect() as ledger:
            leave_undone(ledger, Run(dag_id, run_id), left)
    except Exception as error:
        log.warning("Why %s is red was not kept: %s", dag_id, type(error).__name__)


def tell_red_run(
    dag_id: str,
    dag_name: str,
    run_id: str,
    left: Sequence[Finding],
    now: datetime,
    *,
    recall: Callable[[str], ToldOfRuns | None] = _recall,
    note: Callable[[str, ToldOfRuns], None] = _note,
    server: OpenServer = mail_server,
) -> bool:
    """Mails that a run is red, unless that is known, or the watch mails it; returns whether it did.

    Never fails: the run is red already.
    """
    try:
        if all(each.name == "unserved" for each in left) and _watch_tells(now):
            log.info("That %s is red for it the watch tells", dag_id)
            return False
        told = recall(dag_id)
        news = is_news(told, now)
        # Noted before it is mailed: two runs that end at once tell it once.
        note(dag_id, ToldOfRuns(now, now if news or told is None else told.told_at))
        if not news:
            log.info("That %s is red was told at %s", dag_id, told.told_at if told else None)
            return False
        reached = _mail_watchers(lambda: red_run_mail(dag_name, run_id, left, _page(dag_id, run_id)), now, server)
        if not reached:
            note(dag_id, ToldOfRuns(now, None))
    except Exception as error:
        log.warning("That %s is red was not told: %s", dag_id, type(error).__name__)
        return False
    return reached


def _watch_tells(now: datetime) -> bool:
    """Whether a watch lives, and has somebody to tell."""
    try:
        with connect() as ledger:
            life = watch_life(ledger)
    except Exception as error:
        log.warning("Whether the watch lives is not known: %s", type(error).__name__)
        return False
    return life is not None and life.recipients > 0 and now - life.looked_at < WATCH_LIVES_FOR


def tell_late_run(run: Mapping[str, Any], deadline: datetime, now: datetime, server: OpenServer = mail_server) -> bool:
    """Mails that the evening's run has not ended by its deadline; returns whether it did.

    Args:
        run: as Airflow gives it to the callback of a deadline.
        deadline: when it should have ended.
        now: this moment.
    """
    if run["run_type"] == "backfill":
        log.info("A backfill has no hour to be ready by")
        return False
    if run["state"] in ("success", "failed"):
        # A red run has told why; one that is green has ended meanwhile.
        log.info("%s has ended: %s", run["dag_run_id"], run["state"])
        return False
    if now - deadline > OF_THIS_EVENING:
        # The first run of an installation is of the evening before it, and so is one after a day without power.
        log.info("The deadline of %s is long past: %s", run["dag_run_id"], deadline)
        return False
    name = str(run.get("dag_display_name") or run["dag_id"])
    page = _page(run["dag_id"], run["dag_run_id"])
    return _mail_watchers(lambda: late_apologies_mail(name, run["dag_run_id"], hour(deadline), page), now, server)


def _mail_watchers(compose: Callable[[], Mail], now: datetime, server: OpenServer) -> bool:
    """Whether at least one recipient has it."""
    recipients = settings().watch_recipients
    if not recipients:
        log.warning("MOTCUA_WATCH_RECIPIENTS names nobody who could be told")
        return False
    return hand_to_each(recipients, compose, now, server)[0] > 0


def _page(dag_id: str, run_id: str) -> str | None:
    """Address of a run in Airflow's UI, where this Airflow knows its own."""
    from airflow.configuration import conf

    base: str = conf.get("api", "base_url", fallback="") or ""
    return f"{base.rstrip('/')}/dags/{dag_id}/runs/{quote(run_id, safe='')}" if base else None
