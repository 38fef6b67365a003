"""The roles of the staff pages and the account of the watch, which FAB stores in Airflow's own database.

The watch is the process outside Airflow that monitors the system.
FAB (Flask AppBuilder) is the auth manager of Airflow with which people sign in here. A person's rights on the pages
follow from that person's rights in Airflow (web/airflow.py). This module defines the rights that each role has in
Airflow.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

OPERATOR, AGENCY, CLERK, AUDITOR, WATCH = "VanHanh", "CoQuan", "Quay", "KiemTra", "GiamSat"
"""Names of the roles: the Department's operator, an agency's administrator, a clerk of an agency's desk, an auditor,
and the watch, which is a process."""

SETTINGS_VIEW, AUDIT_VIEW = "MotcuaSMS settings", "MotcuaSMS audit"
"""Names of two views. Only administrators of agencies may read the first, and only auditors may read the second.
Airflow itself has no such views, so these rights permit nothing in Airflow. A person who has neither right and is not
an operator is a clerk."""

FAB = "airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager"
SIMPLE = "airflow.api_fastapi.auth.managers.simple.simple_auth_manager.SimpleAuthManager"

_OWN = {
    # FAB lets people see their own account and change their password only with these rights.
    *((action, resource) for action in ("can_read", "can_edit") for resource in ("My Profile", "My Password")),
    # FAB gives this right to every role.
    ("can_read", "Website"),
}
_SEEN_BY_OPERATORS = (
    *("Assets", "Backfills", "Cluster Activity", "Connections", "DAG Code", "DAG Dependencies", "DAG Runs"),
    *("DAG Versions", "DAG Warnings", "DAGs", "ImportError", "Jobs", "Pools", "Task Instances", "Task Logs", "XComs"),
)
ROLES: Mapping[str, frozenset[tuple[str, str]]] = {
    OPERATOR: frozenset(
        {
            *_OWN,
            *(("can_read", resource) for resource in _SEEN_BY_OPERATORS),
            *(("menu_access", menu) for menu in ("Admin", "Browse", "Connections", "DAG Runs", "DAGs", "Jobs")),
            # Operators start and clear runs, start backfills, and enter the connections of sources and gateways.
            *(("can_create", resource) for resource in ("Backfills", "Connections", "DAG Runs")),
            *(("can_edit", made) for made in ("Backfills", "Connections", "DAG Runs", "DAGs", "Task Instances")),
        }
    ),
    AGENCY: frozenset({*_OWN, ("can_read", SETTINGS_VIEW)}),
    CLERK: frozenset(_OWN),
    AUDITOR: frozenset({*_OWN, ("can_read", AUDIT_VIEW)}),
    WATCH: frozenset({("can_read", "Website"), ("can_read", "DAGs"), ("can_read", "DAG Runs")}),
}
"""Each role's rights in Airflow, as pairs of action and resource with FAB's names."""


class NotFab(Exception):
    """Raised if Airflow signs people in with another auth manager than FAB, because that manager has its own roles.

    The exception's argument is the name of that auth manager's class.
    """


class AccountTaken(Exception):
    """Raised if the account name intended for the watch belongs to a person."""


def prepare_roles(watch: tuple[str, str] | None) -> None:
    """Give each role exactly its rights in ``ROLES``. Create the watch's account, or change the account's password.

    ``watch`` is the account's name and password. With ``None``, no account is created or changed. The function is
    safe to repeat, and leaves other roles and accounts unchanged.

    Raises:
        NotFab: Airflow does not use FAB; nothing was done.
        AccountTaken: an account of a person has the name intended for the watch.
    """
    from airflow.configuration import conf

    configured = conf.get("core", "auth_manager")
    if configured != FAB:
        raise NotFab(configured)
    from airflow.providers.fab.auth_manager.cli_commands.utils import get_application_builder
    from airflow.utils.providers_configuration_loader import providers_configuration_loaded

    @providers_configuration_loaded
    def prepare() -> None:
        with get_application_builder() as builder:
            for name, permissions in ROLES.items():
                _set_role(builder.sm, name, permissions)
            if watch is not None:
                _set_watch(builder.sm, *watch)

    prepare()


def _set_role(security: Any, name: str, permissions: Iterable[tuple[str, str]]) -> None:  # noqa: ANN401 - FAB's
    role = security.add_role(name)
    wanted = [security.create_permission(action, resource) for action, resource in sorted(permissions)]
    for permission in wanted:
        security.add_permission_to_role(role, permission)
    for permission in [each for each in role.permissions if each not in wanted]:
        security.remove_permission_from_role(role, permission)


def _set_watch(security: Any, name: str, password: str) -> None:  # noqa: ANN401 - FAB's
    from werkzeug.security import check_password_hash

    role, user = security.find_role(WATCH), security.find_user(username=name)
    if user is None:
        # FAB requires a mail address for each account. The domain .invalid can never exist.
        security.add_user(name, "Giám sát", "MotcuaSMS", f"{name}@motcua.invalid", role, password)
        return
    if [each.name for each in user.roles] != [WATCH]:
        raise AccountTaken(name)
    # Writing a password ends the account's sessions. An unchanged password is therefore not written again.
    if not check_password_hash(user.password, password):
        security.reset_password(user.id, password)
