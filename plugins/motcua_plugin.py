"""Airflow's door to MotcuaSMS: this file is executed in every Airflow process, so it holds nothing but the class."""

from __future__ import annotations

from typing import Any

from airflow.plugins_manager import AirflowPlugin

from motcua import preloading


class MotcuaPlugin(AirflowPlugin):
    """Mounts the gateways' callbacks in the API server; has the scheduler load the tasks' code."""

    name = "motcua"
    listeners = [preloading]  # noqa: RUF012 - declared so by Airflow

    @property
    def fastapi_apps(self) -> list[dict[str, Any]]:  # type: ignore[override]
        """Built only in the API server, which alone asks for it."""
        from motcua.web.callbacks import create_callbacks

        return [{"app": create_callbacks(), "url_prefix": "/gateway", "name": "motcua callbacks"}]
