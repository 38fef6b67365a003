"""How people sign in to the demo: Airflow's simple accounts, whose roles on the staff pages are those of a server."""

from __future__ import annotations

from typing import Any

from airflow.api_fastapi.auth.managers.simple.simple_auth_manager import SimpleAuthManager

from motcua.store.airflow_roles import AUDIT_VIEW, SETTINGS_VIEW

_VIEWS = {"agency": SETTINGS_VIEW, "viewer": AUDIT_VIEW}
_NOTHING_IN_AIRFLOW = ("agency", "clerk")


class DemoAuthManager(SimpleAuthManager):
    """Lets an agency's people do nothing in Airflow, as their roles on a server do; others as they may there."""

    def is_authorized_custom_view(self, *, method: Any, resource_name: str, user: Any) -> bool:  # noqa: ANN401 - Airflow's
        """Whether a user's role is this one of the pages."""
        return _VIEWS.get(user.role) == resource_name

    @staticmethod
    def _is_authorized(*, user: Any, **asked: Any) -> bool:  # noqa: ANN401 - Airflow's
        if user.role in _NOTHING_IN_AIRFLOW:
            return False
        return bool(SimpleAuthManager._is_authorized(user=user, **asked))
