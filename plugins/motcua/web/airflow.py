"""Ask Airflow who is signed in, what the user may do and in which state a run is, and start runs for the pages.

Airflow does not authenticate the apps that plugins mount. The functions with which Airflow authenticates its own routes
are not declared public. Only this module imports them, and tests/web/pages/test_pages.py tests that they do what the
pages need.
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
    """Raised if a request has no signed-in user, or if the user's sign-in has ended."""


async def airflow_user(request: Request) -> Any:  # noqa: ANN401 - each auth manager has its own class
    """Return the Airflow user behind a request, by the cookie of Airflow's UI or a bearer token.

    Raises:
        NotSignedIn: the request has no token, or its token is forged or has expired.
    """
    try:
        return await get_user(request, None, await _bearer(request))
    except HTTPException:
        raise NotSignedIn from None


def role_of(user: Any) -> ViewerRole:  # noqa: ANN401 - each auth manager has its own class
    """Return the role that a user has on the pages.

    The role follows from the user's permissions in Airflow: to change connections, and to read two views. Airflow
    itself has no views of these two names, and stores the permissions to read them only for the pages. The call may
    query the database of Airflow's authentication.
    """
    manager = get_auth_manager()
    if manager.is_authorized_connection(method="PUT", user=user):
        return "operator"

    def reads(view: str) -> bool:
        return manager.is_authorized_custom_view(method="GET", resource_name=view, user=user)

    # A user who may read both views gets the role that sees fewer rows.
    return "agency" if reads(SETTINGS_VIEW) else "auditor" if reads(AUDIT_VIEW) else "clerk"


def sees_airflow(user: Any) -> bool:  # noqa: ANN401 - each auth manager has its own class
    """Return whether Airflow shows a user at least one DAG.

    The call may query the database of Airflow's authentication.
    """
    return bool(get_auth_manager().is_authorized_dag(method="GET", user=user))


@dataclass(frozen=True, slots=True)
class Account:
    """One account that may sign in to Airflow."""

    user_name: str
    full_name: str
    """Last name and first name. Empty if Airflow stores neither."""
    role: ViewerRole
    """The account's role on the pages."""
    since: datetime | None
    """When the account was created. ``None`` if Airflow does not store the time."""
    last_at: datetime | None
    """When the account last signed in. ``None`` if Airflow does not store the time or the account never signed in."""


def list_accounts() -> list[Account] | None:
    """Return the accounts that may sign in, ordered by name.

    Return ``None`` if the configured authentication stores its accounts outside Airflow.
    """
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
                _with_time_zone(each.created_on),
                _with_time_zone(each.last_login),
            )
            for each in users
            if each.active
        ]


def _with_time_zone(moment: datetime | None) -> datetime | None:
    """Add the time zone to a moment that is given in the server's local time without a zone."""
    return None if moment is None else moment.astimezone()


def account_finder() -> Callable[[], list[Account] | None]:
    """Return the function that lists accounts. Pages get the function as a dependency, so that tests can replace it."""
    return list_accounts


def sign_in_address(request: Request) -> str:
    """Return the address where Airflow lets a visitor sign in and then redirects the visitor to this page.

    The address is Airflow's own. It redirects to the sign-in of the configured authentication.
    """
    back = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    base: str = request.scope.get("app_root_path", request.scope.get("root_path", ""))
    return f"{base}/api/v2/auth/login?{urlencode({'next': back})}"


def airflow_address(request: Request) -> str:
    """Return the address below which Airflow serves its own pages."""
    base: str = request.scope.get("app_root_path", request.scope.get("root_path", ""))
    return f"{base}/"


def sign_out_address(request: Request) -> str:
    """Return the address where Airflow signs a user out, for every kind of authentication."""
    return f"{airflow_address(request)}api/v2/auth/logout"


# --- Runs ------------------------------------------------------------------------------------------------------------

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class FailedTask:
    """One task of a run that failed."""

    task_id: str
    what: str
    """The source, the agency or another item for which a mapped task ran, or the task's number if Airflow stores no
    name of the item. Empty for a task that is not mapped."""


@dataclass(frozen=True, slots=True)
class AirflowRun:
    """One run of a DAG, as Airflow's database holds it."""

    state: str
    """``queued``, ``running``, ``success`` or ``failed``."""
    run_type: str
    started_by: str | None
    """The user who started the run. ``None`` if no user did."""
    began_at: datetime | None
    ended_at: datetime | None
    window: tuple[datetime, datetime] | None
    """The data interval of a backfill. ``None`` for other runs."""
    conf: Mapping[str, Any]
    failed: Sequence[FailedTask]


def find_airflow_run(dag_id: str, run_id: str) -> AirflowRun | None:
    """Return a run of a DAG, or ``None`` if Airflow does not have a run of this name."""
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
    """Return the function that finds a run. Pages get the function as a dependency, so that tests can replace it."""
    return find_airflow_run


def start_run(dag_id: str, started_by: str) -> bool:
    """Start a run of a DAG in a user's name and return whether it was started.

    Return ``False`` if the DAG is paused or unknown, or if Airflow does not answer.
    """
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
    """Return the function that starts a run. Pages get the function as a dependency, so that tests can replace it."""
    return start_run
