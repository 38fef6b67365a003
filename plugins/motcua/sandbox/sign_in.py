"""Let people sign in to the demo through Airflow's simple accounts, with the roles of a real server."""

from __future__ import annotations

from typing import Any

from airflow.api_fastapi.auth.managers.simple.simple_auth_manager import SimpleAuthManager

from motcua.store.airflow_roles import AUDIT_VIEW, SETTINGS_VIEW

_VIEWS = {"agency": SETTINGS_VIEW, "viewer": AUDIT_VIEW}
_NOTHING_IN_AIRFLOW = ("agency", "clerk")


class DemoAuthManager(SimpleAuthManager):
    """Airflow's simple auth manager, except that an agency's people have no rights in Airflow, as on a real server."""

    def is_authorized_custom_view(self, *, method: Any, resource_name: str, user: Any) -> bool:  # noqa: ANN401 - Airflow's
        """Return whether the user may read this view.

        The staff pages recognise an agency's administrator and an auditor by such rights, one view for each role.
        """
        return _VIEWS.get(user.role) == resource_name

    @staticmethod
    def _is_authorized(*, user: Any, **asked: Any) -> bool:  # noqa: ANN401 - Airflow's
        if user.role in _NOTHING_IN_AIRFLOW:
            return False
        return bool(SimpleAuthManager._is_authorized(user=user, **asked))
