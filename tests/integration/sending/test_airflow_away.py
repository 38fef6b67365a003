"""Test senders while Airflow's API server is down or hangs.

A running sender needs no answer from Airflow. The leading sender, when its time is over, goes on until another sender
waits as its standby.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta

import psycopg
import pytest
from airflow.sdk.execution_time import task_runner

from motcua.jobs.notices.picking_up import pick_up
from motcua.jobs.notices.sending.sender import send
from motcua.jobs.notices.watching import CatchUp
from motcua.store.ledger.database import LEDGER, kept_connections, know_connections, open_connection
from motcua.store.ledger.locks import take_standby_place
from tests.ground import take_in, until

SOURCE = "onestop_khanhhoa"


class TaskSupervisor:
    """A double of Airflow's task supervisor, through which a task makes all its requests to Airflow.

    While ``answers`` is cleared, a request waits, as it does while the API server is down.
    """

    def __init__(self) -> None:
        self.answers = threading.Event()
        self.answers.set()

    def send(self, message: object) -> None:
        assert self.answers.wait(60)


@pytest.fixture
def supervisor(monkeypatch: pytest.MonkeyPatch) -> Iterator[TaskSupervisor]:
    """Replace Airflow's task supervisor by a double."""
    double = TaskSupervisor()
    monkeypatch.setattr(task_runner, "SUPERVISOR_COMMS", double, raising=False)
    yield double
    double.answers.set()


@pytest.fixture
def always_some(configure: Callable[..., None]) -> None:
    """Let each sender wait for new rows as long as the time between two runs, so that at any time some sender waits."""
    configure(MOTCUA_NOTIFY_EVERY="PT1M", MOTCUA_LINGER="PT1M", MOTCUA_LINGER_QUIET="PT1M")


@pytest.fixture
def lingering(one_stop: object, gateway: object) -> Iterator[Callable[[float], threading.Thread]]:
    """Return a function that starts a sender in a thread. The sender waits for new rows for the given seconds."""
    stop = threading.Event()
    with ExitStack() as ended:

        def start(seconds: float) -> threading.Thread:
            catch_up = CatchUp(timedelta(seconds=seconds))
            ended.callback(catch_up.close)
            sender = threading.Thread(target=send, args=("run",), kwargs={"catch_up": catch_up, "stop": stop})
            ended.callback(sender.join)
            ended.callback(stop.set)
            sender.start()
            return sender

        yield start


def is_asking_ahead() -> bool:
    return any(thread.name == "connections" for thread in threading.enumerate())


@pytest.mark.guarantee(
    "workers", "a living sender reads new events and sends while Airflow's API server is down or hangs"
)
def test_news_is_picked_up_and_sent_while_airflow_answers_nothing(one_stop, gateway, lingering, supervisor):
    one_stop.result_now("D-1", "0905123001")
    take_in(None)
    with kept_connections(LEDGER):
        lingering(60)
        # Airflow must stop answering before the sender first reads a source. Otherwise the sender could have the
        # source's connection from Airflow already, and the test would prove nothing.
        until(lambda: len(gateway.asked) == 1 and not is_asking_ahead())
        supervisor.answers.clear()
        for number in (2, 3, 4):
            one_stop.result_now(f"D-{number}", f"090512300{number}")
            until(lambda number=number: len(gateway.asked) == number)
        supervisor.answers.set()


@pytest.mark.guarantee("workers", "a sender uses a changed Airflow connection as soon as the old one fails")
def test_connection_is_asked_for_again_when_it_fails(one_stop, configure):
    good = os.environ["AIRFLOW_CONN_ONESTOP_KHANHHOA"]
    configure(AIRFLOW_CONN_ONESTOP_KHANHHOA="postgres://who:changed@127.0.0.1:1/nowhere")
    with kept_connections(LEDGER):
        know_connections([SOURCE, "unknown"], threading.Event())
        configure(AIRFLOW_CONN_ONESTOP_KHANHHOA="")
        with pytest.raises(psycopg.OperationalError):
            open_connection(SOURCE)
        configure(AIRFLOW_CONN_ONESTOP_KHANHHOA=good)
        open_connection(SOURCE).close()


@pytest.mark.guarantee(
    "workers", "a leader whose time is over goes on until there is a standby, at most 25 minutes in all"
)
@pytest.mark.usefixtures("watched", "always_some")
def test_who_leads_goes_on_until_another_stands_by(one_stop, gateway, lingering):
    pick_up("khanhhoa")
    leading = lingering(0)
    one_stop.result_now("D-1", "0905123001")
    until(lambda: len(gateway.asked) == 1)
    leading.join(2)
    assert leading.is_alive()
    with open_connection() as second:
        second.autocommit = True
        assert take_standby_place(second, 1) is not None
        leading.join(30)
        assert not leading.is_alive()
