"""What the pages ask of Airflow itself: who is signed in and what he may do, how a run stands, that one be started.

Airflow does not authenticate the apps that plugins mount; what does it for its own routes is not declared public, so
that it is imported here alone and tests/web/pages/test_pages.py holds it to what we need of it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from airflow.api.common.trigger_dag import trigger_dag
from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.simple.simple_auth_manager import SimpleAuthManager
from airflow.api_fastapi.core_api.security import get_user
from airflow.models import DagModel, DagRun, TaskInstance
from airflow.sdk.exceptions import AirflowException
from airflow.utils.session import create_session
from airflow.utils.types import DagRunTriggeredByType
from fastapi import HTTPException, Request
from fastapi.security import HTTPBearer
from sqlalchemy import Select, select
from sqlalchemy.exc import SQLAlchemyError

from motcua.domain.people import ViewerRole
from motcua.reports.wording import words_in
from motcua.store.airflow_roles import AUDIT_VIEW, SETTINGS_VIEW

_bearer = HTTPBearer(auto_error=False)


class NotSignedIn(Exception):
    """Nobody is signed in, or no longer."""


async def airflow_user(request: Request) -> Any:  # noqa: ANN401 - each authentication has users of its own
    """The Airflow user behind a request, by the UI's cookie or a bearer token.

    Raises:
        NotSignedIn: there is none, or the token is forged or has expired.
    """
    try:
        return await get_user(request, None, await _bearer(request))
    except HTTPException:
        raise NotSignedIn from None


def role_of(user: Any) -> ViewerRole:  # noqa: ANN401 - each authentication has users of its own
    """What a user may do on the pages: by what he may do in Airflow, which keeps the permissions of its plugins too.

    It may ask a database.
    """
    manager = get_auth_manager()
    if manager.is_authorized_connection(method="PUT", user=user):
        return "operator"

    def reads(view: str) -> bool:
        return manager.is_authorized_custom_view(method="GET", resource_name=view, user=user)

    # Of who may read both, the one that sees less.
    return "agency" if reads(SETTINGS_VIEW) else "auditor" if reads(AUDIT_VIEW) else "clerk"


def sees_airflow(user: Any) -> bool:  # noqa: ANN401 - each authentication has users of its own
    """Whether a user is shown any DAG in Airflow; it may ask a database."""
    return bool(get_auth_manager().is_authorized_dag(method="GET", user=user))


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody who may sign in."""

    user_name: str
    full_name: str
    """Empty: Airflow keeps none."""
    role: ViewerRole
    """What he is on the pages."""
    since: datetime | None
    """``None``: Airflow does not keep it."""
    last_at: datetime | None
    """When he signed in last, likewise."""


def list_accounts() -> list[Account] | None:
    """Who may sign in, by name; ``None``: the authentication that is configured keeps its accounts elsewhere."""
    manager = get_auth_manager()
    if isinstance(manager, SimpleAuthManager):
        found = [Account(each.get_name(), "", role_of(each), None, None) for each in manager.get_users()]
        return sorted(found, key=lambda each: each.user_name)
    try:
        from airflow.providers.fab.auth_manager.fab_auth_manager import FabAuthManager
        from airflow.providers.fab.auth_manager.models import User
    except ImportError:
        return None
    if not isinstance(manager, FabAuthManager):
        return None
    with create_session() as session:
        users = session.scalars(select(User).order_by(User.username)).all()
        return [
            Account(
                each.username,
                f"{each.last_name} {each.first_name}".strip(),
                role_of(each),
                _aware(each.created_on),
                _aware(each.last_login),
            )
            for each in users
            if each.active
        ]


def _aware(moment: datetime | None) -> datetime | None:
    """A moment that is kept by the server's own clock, without its zone."""
    return None if moment is None else moment.astimezone()


def account_finder() -> Callable[[], list[Account] | None]:
    """How a page finds who may sign in, as its dependency."""
    return list_accounts


def sign_in_address(request: Request) -> str:
    """Where Airflow lets a visitor sign in, who then comes back to this page.

    Airflow's own address for it, which leads on to whichever authentication is configured.
    """
    back = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    base: str = request.scope.get("app_root_path", request.scope.get("root_path", ""))
    return f"{base}/api/v2/auth/login?{urlencode({'next': back})}"


def airflow_address(request: Request) -> str:
    """Where Airflow's own pages begin."""
    base: str = request.scope.get("app_root_path", request.scope.get("root_path", ""))
    return f"{base}/"


def sign_out_address(request: Request) -> str:
    """Where Airflow signs a user out, whichever authentication is configured."""
    return f"{airflow_address(request)}api/v2/auth/logout"


# --- Runs ------------------------------------------------------------------------------------------------------------

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class FailedTask:
    """A task of a run that failed."""

    task_id: str
    what: str
    """What it was about, where it is one of several: a source, an agency; else empty."""


@dataclass(frozen=True, slots=True)
class AirflowRun:
    """A run of a DAG."""

    state: str
    """``queued``, ``running``, ``success`` or ``failed``."""
    run_type: str
    started_by: str | None
    """The user who started it, if one did."""
    began_at: datetime | None
    ended_at: datetime | None
    window: tuple[datetime, datetime] | None
    """Of a backfill: what it is bound to."""
    conf: Mapping[str, Any]
    failed: Sequence[FailedTask]


def find_airflow_run(dag_id: str, run_id: str) -> AirflowRun | None:
    """A run; ``None``: Airflow has none of this name, or no longer."""
    run, task = DagRun.__table__.c, TaskInstance.__table__.c
    asked: Select[Any] = select(
        run.state,
        run.run_type,
        run.triggering_user_name,
        run.start_date,
        run.end_date,
        run.data_interval_start,
        run.data_interval_end,
        run.conf,
    ).where(run.dag_id == dag_id, run.run_id == run_id)
    failed: Select[Any] = (
        select(task.task_id, task.rendered_map_index, task.map_index)
        .where(task.dag_id == dag_id, task.run_id == run_id, task.state == "failed")
        .order_by(task.task_id, task.map_index)
    )
    with create_session() as session:
        found = session.execute(asked).one_or_none()
        if found is None:
            return None
        numbered = words_in("web/runs/words.vi")["task_number"]
        tasks = [
            FailedTask(
                each.task_id,
                each.rendered_map_index or ("" if each.map_index < 0 else numbered.format(number=each.map_index + 1)),
            )
            for each in session.execute(failed)
        ]
    backfill = found.run_type == "backfill" and found.data_interval_start is not None
    return AirflowRun(
        state=found.state,
        run_type=found.run_type,
        started_by=found.triggering_user_name,
        began_at=found.start_date,
        ended_at=found.end_date,
        window=(found.data_interval_start, found.data_interval_end) if backfill else None,
        conf=found.conf or {},
        failed=tasks,
    )


def run_finder() -> Callable[[str, str], AirflowRun | None]:
    """How a page finds a run, as its dependency."""
    return find_airflow_run


def start_run(dag_id: str, started_by: str) -> bool:
    """Starts a run of a DAG in somebody's name; ``False``: the DAG is paused or unknown, or Airflow does not answer."""
    try:
        with create_session() as session:
            is_paused = session.scalar(select(DagModel.is_paused).where(DagModel.dag_id == dag_id))
        if is_paused is not False:
            return False
        trigger_dag(dag_id=dag_id, triggered_by=DagRunTriggeredByType.UI, triggering_user_name=started_by)
    except (AirflowException, SQLAlchemyError, ValueError) as failure:
        log.warning("no run of %s was started: %s", dag_id, type(failure).__name__)
        return False
    return True


def run_starter() -> Callable[[str, str], bool]:
    """How a page starts a run, as its dependency."""
    return start_run
