"""Roles of the staff pages, and the account of the watch, as FAB keeps them in Airflow's own database.

What a role is on the pages follows from what it may do in Airflow (web/airflow.py); here stands what each may do there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

OPERATOR, AGENCY, CLERK, AUDITOR, WATCH = "VanHanh", "CoQuan", "Quay", "KiemTra", "GiamSat"
"""The Department's operator, an agency's administrator, a clerk of its desk, an auditor, and the watch, which is
nobody."""

SETTINGS_VIEW, AUDIT_VIEW = "MotcuaSMS settings", "MotcuaSMS audit"
"""What an agency's administrators and auditors may read that nobody else is given: views that Airflow does not have, so
that they give no right there. Who has neither is a clerk, and sees what he is given."""

FAB = "airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager"
SIMPLE = "airflow.api_fastapi.auth.managers.simple.simple_auth_manager.SimpleAuthManager"

_OWN = {
    # Where FAB lets a person look at his own account and change his password.
    *((action, resource) for action in ("can_read", "can_edit") for resource in ("My Profile", "My Password")),
    # FAB gives it to every role.
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
            # Starts and clears runs, fills back; says where sources and gateways are.
            *(("can_create", resource) for resource in ("Backfills", "Connections", "DAG Runs")),
            *(("can_edit", made) for made in ("Backfills", "Connections", "DAG Runs", "DAGs", "Task Instances")),
        }
    ),
    AGENCY: frozenset({*_OWN, ("can_read", SETTINGS_VIEW)}),
    CLERK: frozenset(_OWN),
    AUDITOR: frozenset({*_OWN, ("can_read", AUDIT_VIEW)}),
    WATCH: frozenset({("can_read", "Website"), ("can_read", "DAGs"), ("can_read", "DAG Runs")}),
}
"""Role → action and resource, as FAB names them, of all that it may do in Airflow."""


class NotFab(Exception):
    """Airflow signs people in by something else, which has roles of its own; the argument is its class."""


class AccountTaken(Exception):
    """The name that the watch is to have is a person's account."""


def prepare_roles(watch: tuple[str, str] | None) -> None:
    """Gives each role what it may do and takes from it what it may not, and makes the watch's account by name and
    password, or gives it that password; safe to repeat. Other roles and accounts stay as they are.

    Raises:
        NotFab: Airflow has no FAB; nothing was done.
        AccountTaken: somebody else has the watch's name.
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
        # An address that there cannot be: FAB wants one of each account.
        security.add_user(name, "Giám sát", "MotcuaSMS", f"{name}@motcua.invalid", role, password)
        return
    if [each.name for each in user.roles] != [WATCH]:
        raise AccountTaken(name)
    # A new password ends sessions: not where it is the old one.
    if not check_password_hash(user.password, password):
        security.reset_password(user.id, password)
