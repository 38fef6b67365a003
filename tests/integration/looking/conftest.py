"""Fixtures of a hundred sources: most are healthy, some hang in different ways, and some refuse connections."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta

import psycopg
import pytest
from psycopg.rows import dict_row

from motcua.jobs.notices.looking import Waits, Watcher
from motcua.store.ledger.provisioning import with_database
from tests.ground import NOW, OneStop, ask

HEALTHY = tuple(f"xa_{number:03}" for number in range(90))
SLEEPING = tuple(f"ngu_{number}" for number in range(6))
MUTE = tuple(f"cam_{number}" for number in range(3))
REFUSING = tuple(f"dong_{number}" for number in range(5))
ILL = (*SLEEPING, *MUTE, *REFUSING)
READ_AT = NOW - timedelta(hours=1)
KEPT = """
INSERT INTO motcua.sources (name, watch, picked_up_at)
SELECT n, jsonb_build_object(
    'recorded_since', %(at)s::text, 'updated_since', %(at)s::text, 'after', 0,
    'rows', '{"transitions": 0, "transition_sum": "0", "dossiers": 0, "dossier_sum": "0", "is_behind": "false"}'::jsonb
), %(at)s
FROM unnest(%(names)s::text[]) AS n
"""


@dataclass
class Province:
    """The one-stop databases of a province.

    All healthy sources share one database. All sleeping sources, whose queries take an hour, share another database.
    A mute source accepts connections and never answers.
    """

    healthy: OneStop
    ledger: str
    mute: socket.socket
    callers: list[socket.socket] = field(default_factory=list)

    def mute_callers(self) -> int:
        """Return the number of connections that still wait for an answer from a mute source."""
        self.mute.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while True:
                self.callers.append(self.mute.accept()[0])
        return sum(not _has_left(each) for each in self.callers)

    def connections(self, role: str) -> int:
        """Return the number of a role's connections to the ledger."""
        with psycopg.connect(self.ledger, autocommit=True, row_factory=dict_row) as admin:
            row = admin.execute(
                "SELECT count(*) AS n FROM pg_stat_activity WHERE datname = current_database() AND usename = %s",
                (role,),
            ).fetchone()
            assert row is not None
            return int(row["n"])


def _has_left(caller: socket.socket) -> bool:
    caller.setblocking(False)
    try:
        while data := caller.recv(4096):
            assert data
    except BlockingIOError:
        return False
    except OSError:
        pass
    return True


@pytest.fixture
def province(postgres, one_stop: OneStop, ledger: str, configure, rows) -> Iterator[Province]:
    """Set up a hundred sources that were read before and have no unread rows."""
    parts = psycopg.conninfo.conninfo_to_dict(postgres.admin_dsn)
    name = one_stop.connection.info.dbname
    sleeping = postgres.fresh_database("template0", "sleeping")
    asleep = OneStop(with_database(postgres.admin_dsn, sleeping))
    asleep.connection.execute(
        "ALTER TABLE onestop.transitions RENAME TO written;"
        " CREATE VIEW onestop.transitions AS SELECT w.* FROM onestop.written AS w, pg_sleep(3600)"
    )
    asleep.connection.close()
    mute = socket.create_server(("127.0.0.1", 0), backlog=64)
    host, signed = f"{parts['host']}:{parts['port']}", f"{parts['user']}:{parts['password']}"
    addresses = dict.fromkeys(HEALTHY, f"postgres://{signed}@{host}/{name}")
    addresses |= dict.fromkeys(SLEEPING, f"postgres://{signed}@{host}/{sleeping}")
    addresses |= dict.fromkeys(MUTE, f"postgres://{signed}@127.0.0.1:{mute.getsockname()[1]}/x?connect_timeout=3600")
    addresses |= dict.fromkeys(REFUSING, "postgres://nobody:secret-word@127.0.0.1:1/none")
    configure(
        MOTCUA_SOURCES=",".join([*ILL, *HEALTHY]),
        **{f"AIRFLOW_CONN_ONESTOP_{source.upper()}": address for source, address in addresses.items()},
    )
    ask(ledger, KEPT, {"names": list(addresses), "at": READ_AT})
    made = Province(one_stop, ledger, mute)
    yield made
    for each in (mute, *made.callers):
        each.close()
    postgres.drop_database(sleeping)


@pytest.fixture
def watching() -> Iterator[Callable[..., list[str]]]:
    """Return a function that starts a watcher and returns a list of the sources with unread rows that it finds."""
    ends: list[tuple[threading.Event, threading.Thread]] = []

    def start(part: int = 0, parts: int = 1, **waits: float) -> list[str]:
        names: list[str] = []
        # The watcher does not pause after it started a run, so that the test sees each source with unread rows.
        one, stop = Watcher(names.append, part, parts, Waits(**{"run": 0.0} | waits)), threading.Event()
        thread = threading.Thread(target=one.run, args=(stop,))
        thread.start()
        ends.append((stop, thread))
        return names

    yield start
    for stop, thread in ends:
        stop.set()
        thread.join()
