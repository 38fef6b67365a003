"""Test the thread that ends all waits for sources: each wait ends after its own time limit."""

from __future__ import annotations

import os
import socket
from contextlib import closing

import psycopg
import pytest

from motcua.sources import patience


class Line:
    """A connection to a source whose other end never answers."""

    def __init__(self):
        self.ours, self.theirs = socket.socketpair()
        # If the code under test fails to end the wait, the test still ends.
        self.ours.settimeout(20)

    def close(self):
        self.ours.close()
        self.theirs.close()

    def fileno(self):
        return self.ours.fileno()

    def ask(self):
        if self.ours.recv(1) == b"":
            raise psycopg.OperationalError("server closed the connection unexpectedly")


@pytest.fixture(autouse=True)
def no_grace(monkeypatch):
    """Remove the extra time that a source gets before its wait is ended."""
    monkeypatch.setattr(patience, "_GRACE", 0.0)


LONG = 600.0


def test_who_is_asked_later_and_waited_for_shorter_is_given_up_first():
    """A later wait with a shorter limit ends first, and an earlier, longer wait goes on."""
    with closing(Line()) as patient, closing(Line()) as hanging, patience.answered_within(patient, LONG):
        with pytest.raises(psycopg.errors.QueryCanceled, match="no answer"), patience.answered_within(hanging, 0.05):
            hanging.ask()
        patient.theirs.send(b"x")
        patient.ask()


def test_wait_that_ended_in_time_does_not_cancel_the_next_query_on_its_connection():
    """A time limit that is over must not cancel a later query on the same connection."""
    with closing(Line()) as line, closing(Line()) as hanging:
        with patience.answered_within(line, 0.05):
            pass
        with pytest.raises(psycopg.errors.QueryCanceled), patience.answered_within(hanging, 0.1):
            hanging.ask()
        line.theirs.send(b"x")
        line.ask()


def test_own_failure_of_a_source_is_told_as_it_is():
    """An error of the source itself must not be reported as a wait that took too long."""
    with closing(Line()) as line:
        line.theirs.close()
        failed = pytest.raises(psycopg.OperationalError, match="unexpectedly")
        with failed as failure, patience.answered_within(line, LONG):
            line.ask()
    assert not isinstance(failure.value, psycopg.errors.QueryCanceled)


def test_waits_in_a_forked_process_end_in_time_too():
    """Airflow runs tasks in forked processes, which have no thread of their parent; waits must end there too."""
    with closing(Line()) as line, patience.answered_within(line, LONG):
        child = os.fork()
        if child == 0:
            hanging, code = Line(), 1
            try:
                with patience.answered_within(hanging, 0.05):
                    hanging.ask()
            except psycopg.errors.QueryCanceled:
                code = 0
            finally:
                os._exit(code)
        _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
