"""Mails to the recipients in MOTCUA_WATCH_RECIPIENTS that a run failed or is late.

The mails need only Airflow and the mail server. They do not need the ledger, because the ledger may have caused the
failure. An Airflow variable for each DAG stores what was mailed. If a DAG fails every few minutes, a mail is sent at
once and then once a day, and not after each failed run.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

from motcua.domain.checks import Finding
from motcua.domain.clock import is_longer_ago
from motcua.jobs.mailing import OpenServer, hand_to_each, mail_server
from motcua.reports.mail import Mail, late_apologies_mail, red_run_mail
from motcua.reports.wording import hour
from motcua.settings import settings
from motcua.store.ledger.database import connect
from motcua.store.ledger.sessions import Run, save_left_undone
from motcua.store.watching.watch import watch_life

log = logging.getLogger(__name__)

GREEN_FOR = timedelta(hours=1)
"""After this time without a failed run, a mail is sent again about the next failed run. While a gateway does not
answer, frequent runs alternate between failure and success. A mail about each of these failures would be too much."""
WATCH_LIVES_FOR = timedelta(minutes=3)
"""How long after its last sign of life the watch counts as running. The watch, a process outside Airflow, monitors the
system twice a minute, or every minute if cron starts it."""
REMIND_AFTER = timedelta(days=1)
OF_THIS_EVENING = timedelta(hours=6)
"""A deadline that passed longer ago belongs to an earlier evening. This module sends no mail about such a deadline,
because the watch reports a missed evening."""


@dataclass(frozen=True, slots=True)
class RedRunsMailed:
    """The mails about a DAG's failed runs."""

    red_at: datetime
    """When a run last failed."""
    told_at: datetime | None
    """When the last mail was sent; ``None`` if nobody received it."""


def _variable(dag_id: str) -> str:
    return f"motcua_red_{dag_id}"


def _read_mailed(dag_id: str) -> RedRunsMailed | None:
    from airflow.sdk import Variable

    kept = Variable.get(_variable(dag_id), default=None, deserialize_json=True)
    if not isinstance(kept, dict):
        return None
    told_at = kept.get("told_at")
    return RedRunsMailed(
        datetime.fromisoformat(kept["red_at"]).astimezone(UTC),
        datetime.fromisoformat(told_at).astimezone(UTC) if told_at else None,
    )


def _save_mailed(dag_id: str, told: RedRunsMailed) -> None:
    from airflow.sdk import Variable

    kept = {"red_at": told.red_at.isoformat(), "told_at": told.told_at.isoformat() if told.told_at else None}
    Variable.set(_variable(dag_id), kept, "When this DAG last failed, and when that was mailed.", serialize_json=True)


def is_news(told: RedRunsMailed | None, now: datetime) -> bool:
    """Return whether the failure of a run is to be mailed now."""
    if told is None or told.told_at is None:
        return True
    return is_longer_ago(told.red_at, GREEN_FOR, now) or is_longer_ago(told.told_at, REMIND_AFTER, now)


def save_red_run(dag_id: str, run_id: str, left: Sequence[Finding]) -> None:
    """Store why a run failed, for the page about the run. Never raises, because the ledger may have caused the
    failure."""
    try:
        with connect() as ledger:
            save_left_undone(ledger, Run(dag_id, run_id), left)
    except Exception as error:
        log.warning("The reason why %s failed was not stored: %s", dag_id, type(error).__name__)


def mail_red_run(
    dag_id: str,
    dag_name: str,
    run_id: str,
    left: Sequence[Finding],
    now: datetime,
    *,
    recall: Callable[[str], RedRunsMailed | None] = _read_mailed,
    note: Callable[[str, RedRunsMailed], None] = _save_mailed,
    server: OpenServer = mail_server,
) -> bool:
    """Mail that a run failed, unless the failure was mailed already or the watch mails it. Return whether a mail was
    sent.

    Never raises, since the run has failed already.
    """
    try:
        if all(each.name == "unserved" for each in left) and _watch_reports(now):
            log.info("The failure of %s is not mailed here, because the watch mails it", dag_id)
            return False
        mailed = recall(dag_id)
        news = is_news(mailed, now)
        # The mail is recorded before it is sent, so that two runs that end at once send one mail.
        note(dag_id, RedRunsMailed(now, now if news or mailed is None else mailed.told_at))
        if not news:
            log.info("The failure of %s was mailed already, at %s", dag_id, mailed.told_at if mailed else None)
            return False
        reached = _mail_watchers(lambda: red_run_mail(dag_name, run_id, left, _run_page(dag_id, run_id)), now, server)
        if not reached:
            note(dag_id, RedRunsMailed(now, None))
    except Exception as error:
        log.warning("The failure of %s could not be mailed: %s", dag_id, type(error).__name__)
        return False
    return reached


def _watch_reports(now: datetime) -> bool:
    """Returns whether a watch is running and has recipients."""
    try:
        with connect() as ledger:
            life = watch_life(ledger)
    except Exception as error:
        log.warning("The ledger does not say whether the watch runs: %s", type(error).__name__)
        return False
    return life is not None and life.recipients > 0 and now - life.looked_at < WATCH_LIVES_FOR


def mail_late_run(run: Mapping[str, Any], deadline: datetime, now: datetime, server: OpenServer = mail_server) -> bool:
    """Mail that the evening's run has not ended by its deadline. Return whether a mail was sent.

    Args:
        run: the run, as Airflow gives it to the callback of a deadline.
        deadline: when the run should have ended.
        now: the present moment.
    """
    if run["run_type"] == "backfill":
        log.info("A backfill has no deadline, so no mail is sent")
        return False
    if run["state"] in ("success", "failed"):
        # A failed run has mailed its reason; a successful one has ended in the meantime.
        log.info("%s has ended: %s", run["dag_run_id"], run["state"])
        return False
    if now - deadline > OF_THIS_EVENING:
        # The first run of an installation is for an evening before the installation, and a run after a day without
        # power is for an evening without power.
        log.info("The deadline of %s is too long past for a mail: %s", run["dag_run_id"], deadline)
        return False
    name = str(run.get("dag_display_name") or run["dag_id"])
    page = _run_page(run["dag_id"], run["dag_run_id"])
    return _mail_watchers(lambda: late_apologies_mail(name, run["dag_run_id"], hour(deadline), page), now, server)


def _mail_watchers(compose: Callable[[], Mail], now: datetime, server: OpenServer) -> bool:
    """Returns whether at least one recipient's mail was accepted."""
    recipients = settings().watch_recipients
    if not recipients:
        log.warning("MOTCUA_WATCH_RECIPIENTS names no recipient for this mail")
        return False
    return hand_to_each(recipients, compose, now, server)[0] > 0


def _run_page(dag_id: str, run_id: str) -> str | None:
    """Returns the address of a run in Airflow's UI. ``None`` if Airflow's own address is not set."""
    from airflow.configuration import conf

    base: str = conf.get("api", "base_url", fallback="") or ""
    return f"{base.rstrip('/')}/dags/{dag_id}/runs/{quote(run_id, safe='')}" if base else None
