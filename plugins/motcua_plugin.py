"""Airflow's door to MotcuaSMS: this file is executed in every Airflow process, so it holds nothing but the class."""

from __future__ import annotations

from typing import Any

from airflow.plugins_manager import AirflowPlugin

from motcua import preloading


class MotcuaPlugin(AirflowPlugin):
    """Mounts callbacks, intake and staff pages in the API server; has the scheduler load the tasks' code."""

    name = "motcua"
    listeners = [preloading]  # noqa: RUF012 - declared so by Airflow
    external_views = [  # noqa: RUF012 - likewise
        {
            "name": "Một cửa",
            # Without a slash before it, so that it follows the UI's own address. With a route, which means in a frame:
            # a link at the top level that leads out of Airflow is a button there that does nothing (3.3.2).
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
        """Built only in the API server, which alone asks for them; what its pages need is read then."""
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
        """Around every route of the API server, whose access log is written outside of it."""
        from motcua.web.access_log import MaskedRequests
        from motcua.web.console import LedFromConsole

        return [
            {"middleware": MaskedRequests, "name": "motcua masked requests"},
            {"middleware": LedFromConsole, "name": "motcua led from the console"},
        ]
