"""Define the programs of the demo: how each is started, when it is ready, and how it is stopped."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

import requests

from motcua.sandbox.machine.deployment import ZALO_APP, Deployment
from motcua.sandbox.machine.loader import answers
from motcua.sandbox.machine.parts import answers_http
from motcua.sandbox.machine.supervisor import Component
from motcua.sandbox.world.writers import DROPPED, PUSHED

_WORKER = "airflow worker"
"""Beginning of the process titles of LocalExecutor's workers."""
_NO_LOGS = ("--skip-serve-logs",)
"""The option to start no log server. The UI reads the task logs from the local disk, so no fixed port is needed."""
_LOW_PRIORITY = 10
"""The niceness of programs that are less urgent than sending."""
_AIRFLOW_READY_WITHIN = 300.0
"""How many seconds Airflow may take to start. The limit is long, because slow machines import Airflow slowly."""


def _answers_http(*urls: str) -> Callable[[datetime], bool]:
    return lambda since: answers_http(*urls)


def _has_heartbeat(airflow_url: str, job: str) -> Callable[[datetime], bool]:
    """Return a check that Airflow saw a heartbeat of this job after the job's start.

    An older heartbeat is from before the job's last restart.
    """

    def ready(since: datetime) -> bool:
        try:
            health = requests.get(f"{airflow_url}/api/v2/monitor/health", timeout=2).json()
            beat = health[job][f"latest_{job}_heartbeat"]
        except (requests.RequestException, KeyError, TypeError):
            return False
        return beat is not None and datetime.fromisoformat(beat) >= since

    return ready


def _no_task_runs(titles: Sequence[str]) -> bool:
    """Return whether a scheduler that was asked to stop has only idle workers left.

    A scheduler in this state often hangs, for two reasons (docs/decisions/demo.md). First, the SystemExit of its signal
    handler is lost if the callback of a weak reference runs at that moment. Second, a worker that exits early takes
    another worker's end mark from the queue.
    """
    return all(title.endswith("<idle>") for title in titles if title.startswith(_WORKER)) and not any(
        title.startswith("airflow task") for title in titles
    )


def _is_task(title: str, parents_title: str) -> bool:
    """Return whether a process runs a task. This process must then get the stop signal itself.

    A sender (a task that sends messages) runs for minutes, and ends soon once it is asked to stop. LocalExecutor waits
    for its tasks without asking them to stop. A worker forks a process for each task, and this process has the worker's
    title.
    """
    return title.startswith(_WORKER) and parents_title.startswith(_WORKER)


def _module(name: str, *arguments: object) -> list[str]:
    return [sys.executable, "-m", name, *map(str, arguments)]


def loader(deployment: Deployment) -> Component:
    """Return the program that loads Airflow's code, from which the Airflow components are forked."""
    place = _loader_socket(deployment)
    return Component(
        "airflow-loader",
        _module("motcua.sandbox.machine.loader", place),
        deployment.environment,
        ready=lambda since: answers(place),
        ready_within=_AIRFLOW_READY_WITHIN,
    )


def _loader_socket(deployment: Deployment) -> Path:
    return deployment.addresses.data / "airflow-loader.socket"


def components(
    deployment: Deployment, *, world: tuple[str, ...] = (), clerk: tuple[str, ...] = ()
) -> list[list[Component]]:
    """Return all programs except PostgreSQL, in groups in the order of their start. They are stopped in reverse order.

    The programs of a group start together once the group before is ready. The only exception is the second group, which
    may start at the same time as the first. A task fails without an API server, so programs that start tasks wait for
    the server. A task also needs reachable gateways and a mail server. The first two groups begin no work, so they may
    already run while the demo's database is filled with data of past days. The last group starts the missed runs of all
    DAGs, and the first messages do not wait for it. If the program of ``loader`` runs, Airflow's components are forked
    from it.

    Args:
        deployment: the demo.
        world: further arguments of the simulated one-stop software.
        clerk: further arguments of the simulated clerk, who puts exports into a folder.
    """
    addresses, environment = deployment.addresses, deployment.environment
    data = addresses.data
    # The simulators must not see the settings of Airflow's tasks, and the tasks must not see the simulators' settings.
    plain = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")}
    plain |= {"PYTHONUNBUFFERED": "1", "MOTCUA_HOME": environment["MOTCUA_HOME"], "MOTCUA_DATA": str(data)}

    def airflow(
        name: str,
        ready: Callable[[datetime], bool],
        *,
        options: Sequence[str] = (),
        tells: Callable[[str, str], bool] | None = None,
        finished: Callable[[Sequence[str]], bool] | None = None,
        nice: int = 0,
    ) -> Component:
        return Component(
            f"airflow-{name}",
            _module("airflow", name, *options),
            environment,
            forked_by=(_loader_socket(deployment), [name, *options]),
            ready=ready,
            ready_within=_AIRFLOW_READY_WITHIN,
            stop_within=45.0,
            tells=tells,
            finished=finished,
            nice=nice,
        )

    network = Component(
        "phone-network",
        _module(
            "motcua.sandbox.network",
            *("--host", "127.0.0.1", "--port", addresses.network, "--folder", data / "phone-network"),
        ),
        plain
        | {
            "MOTCUA_KANNEL_USERNAME": deployment.secret.kannel_user,
            "MOTCUA_KANNEL_PASSWORD": deployment.secret.kannel_password,
            "MOTCUA_INQUIRY_URL": deployment.inquiry_url,
            "MOTCUA_ZALO_APP": ZALO_APP,
            "MOTCUA_ZALO_KEY": deployment.secret.zalo_key,
            "MOTCUA_ZALO_REFRESH_TOKEN": deployment.secret.zalo_refresh_token,
            "MOTCUA_ZALO_WEBHOOK_URL": f"http://127.0.0.1:{addresses.airflow}/gateway/receipts/zalo",
            "MOTCUA_ZALO_WEBHOOK_SECRET": deployment.secret.zalo_webhook,
        },
        ready=_answers_http(f"http://127.0.0.1:{addresses.network}/health"),
    )
    mailbox = Component(
        "mailbox",
        _module(
            "motcua.sandbox.network.mailbox",
            *("--smtp-port", addresses.smtp, "--port", addresses.mailbox, "--folder", data / "mailbox"),
        ),
        plain,
        ready=_answers_http(f"http://127.0.0.1:{addresses.mailbox}/health"),
    )
    url = f"http://127.0.0.1:{addresses.airflow}"
    living = Component(
        "world",
        _module("motcua.sandbox.world", "--folder", data / "world", *world),
        plain | deployment.world_environment,
    )
    vendor = Component("vendor", _module("motcua.sandbox.vendor.software", "--folder", data / "vendor"), plain)
    read = environment.get("MOTCUA_SOURCES", "").split(",")
    pushes = all(f"{source}={adapter}" in read for source, adapter in PUSHED.items())
    exporting = Component("clerk", _module("motcua.sandbox.vendor.clerk", "--folder", data / "clerk", *clerk), plain)
    drops = all(f"{source}={adapter}" in read for source, adapter in DROPPED.items())
    drops = drops and not environment.get("MOTCUA_FILES")
    return [
        [network, mailbox],
        # Tasks use the execution API, which is mounted separately, so both parts must answer.
        [airflow("api-server", _answers_http(f"{url}/api/v2/version", f"{url}/execution/health"))],
        [
            airflow(
                "scheduler",
                _has_heartbeat(url, "scheduler"),
                options=_NO_LOGS,
                tells=_is_task,
                finished=_no_task_runs,
            )
        ],
        [
            # The watch needs no other program. It may be killed at any moment, so it gets little time to stop, and the
            # programs that are stopped after it need not wait.
            Component(
                "watch",
                [str(Path(sys.executable).with_name("motcua")), "watch"],
                environment,
                stop_within=0.3,
                nice=_LOW_PRIORITY,
            )
        ],
        [living, *([vendor] if pushes else []), *([exporting] if drops else [])],
        [
            # The DAG processor has low priority, because runs are more urgent than parsing.
            airflow("dag-processor", _has_heartbeat(url, "dag_processor"), nice=_LOW_PRIORITY),
            # The triggerer notices the end of its child process only after ten seconds. The supervisor does not wait so
            # long: it kills the triggerer once no child is left.
            airflow(
                "triggerer",
                _has_heartbeat(url, "triggerer"),
                options=_NO_LOGS,
                finished=lambda titles: not titles,
            ),
        ],
    ]
