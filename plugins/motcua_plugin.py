"""Airflow's entry point to MotcuaSMS. Every Airflow process executes this file, so it contains only the class."""

from __future__ import annotations

from typing import Any

from airflow.plugins_manager import AirflowPlugin

from motcua import preloading


class MotcuaPlugin(AirflowPlugin):
    """Mounts callbacks, intake and staff pages in the API server, and makes the scheduler load the tasks' code."""

    name = "motcua"
    listeners = [preloading]  # noqa: RUF012 - Airflow demands this form
    external_views = [  # noqa: RUF012 - Airflow demands this form
        {
            "name": "Một cửa",
            # The address has no leading slash, so that the browser appends it to the UI's own address. With a route,
            # Airflow shows the page in a frame. Without a route, Airflow 3.3.2 turns a top-level link that leads out of
            # Airflow into a button that does nothing.
            "href": "motcua/",
            "destination": "nav",
            "nav_top_level": True,
            "url_route": "motcua",
        },
        {
            "name": "Lượt này đã làm gì",
            "href": "motcua/run?dag_id={DAG_ID}&run_id={RUN_ID}",
            "destination": "dag_run",
            "url_route": "motcua-run",
        },
    ]

    @property
    def fastapi_apps(self) -> list[dict[str, Any]]:  # type: ignore[override]
        """Build and warm up the apps of callbacks, intake and pages. No process but the API server reads this
        property."""
        from motcua.web.callbacks import create_callbacks
        from motcua.web.intake import create_intake
        from motcua.web.pages import create_pages, warm_pages

        warm_pages()
        return [
            {"app": create_callbacks(), "url_prefix": "/gateway", "name": "motcua callbacks"},
            {"app": create_intake(), "url_prefix": "/intake", "name": "motcua intake"},
            {"app": create_pages(), "url_prefix": "/motcua", "name": "motcua pages"},
        ]

    @property
    def fastapi_root_middlewares(self) -> list[dict[str, Any]]:  # type: ignore[override]
        """Return middlewares for every route of the API server. Middlewares of our own apps would reach neither the
        server's access log nor its console."""
        from motcua.web.access_log import MaskedRequests
        from motcua.web.console import LedFromConsole

        return [
            {"middleware": MaskedRequests, "name": "motcua masked requests"},
            {"middleware": LedFromConsole, "name": "motcua led from the console"},
        ]
