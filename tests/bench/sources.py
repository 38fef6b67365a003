"""Measure a watcher of 300 sources, some of which hang.

The bench measures the watcher's processor time, and the time until it reports an event and until the gateway accepts
the event's message.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg

from motcua.jobs.notices.picking_up import pick_up
from motcua.jobs.notices.planning import plan
from motcua.jobs.notices.sending.sender import send
from motcua.jobs.notices.watching import CatchUp
from motcua.sandbox.machine.postgres import EmbeddedPostgres
from motcua.settings import settings
from tests.bench import Line
from tests.bench.ledgers import seconds_of
from tests.ground import free_port

HEALTHY, SLEEPING, MUTE = 290, 5, 5
EVENTS, A_SECOND = 300, 5.0
AGENCY = "000.00.30.H32"
TABLES = """
CREATE SCHEMA onestop;
CREATE TABLE onestop.all_dossiers (
    source name, dossier_code text, agency_code text, procedure_code text, procedure_name text, field_name text,
    applicant_name text, applicant_phone text, phone_entered_at timestamptz, submitted_via text,
    received_at timestamptz, due_at timestamptz, step_name text, status_code smallint, at_one_stop_desk boolean,
    finished_at timestamptz, returned_at timestamptz, updated_at timestamptz
);
CREATE TABLE onestop.all_transitions (
    source name, transition_id bigint GENERATED ALWAYS AS IDENTITY, agency_code text, dossier_code text, from_step text,
    to_step text, status_code smallint, at_one_stop_desk boolean, occurred_at timestamptz, recorded_at timestamptz,
    actor text, note text
);
CREATE INDEX ON onestop.all_dossiers (source, updated_at);
CREATE INDEX ON onestop.all_dossiers (source, agency_code, dossier_code);
CREATE INDEX ON onestop.all_transitions (source, recorded_at);
CREATE INDEX ON onestop.all_transitions (source, transition_id);
CREATE INDEX ON onestop.all_transitions (source, agency_code, dossier_code);
CREATE VIEW onestop.dossiers AS
SELECT dossier_code, agency_code, procedure_code, procedure_name, field_name, applicant_name, applicant_phone,
    phone_entered_at, submitted_via, received_at, due_at, step_name, status_code, at_one_stop_desk, finished_at,
    returned_at, updated_at
FROM onestop.all_dossiers WHERE source = current_user;
CREATE VIEW onestop.transitions AS
SELECT transition_id, agency_code, dossier_code, from_step, to_step, status_code, at_one_stop_desk, occurred_at,
    recorded_at, actor, note
FROM onestop.all_transitions WHERE source = current_user AND CASE WHEN source LIKE 'ngu%' THEN pg_sleep(3600) IS NULL
    ELSE TRUE END;
GRANT USAGE ON SCHEMA onestop TO PUBLIC;
GRANT SELECT ON ALL TABLES IN SCHEMA onestop TO PUBLIC;
"""
DOSSIER = """
INSERT INTO onestop.all_dossiers
VALUES (%(source)s, %(code)s, %(agency)s, '1.005129', 'Cấp bản sao', 'Hộ tịch', 'Nguyễn Thị Lan', %(phone)s,
    now() - interval '2 days', 'direct', now() - interval '2 days', now() + interval '2 days', 'Trả kết quả', 9, TRUE,
    NULL, NULL, now())
"""
MOVE = """
INSERT INTO onestop.all_transitions
    (source, agency_code, dossier_code, from_step, to_step, status_code, at_one_stop_desk, occurred_at, recorded_at,
    actor)
VALUES (%(source)s, %(agency)s, %(code)s, 'Xử lý', 'Trả kết quả', 9, TRUE, now(), now(), 'can.bo')
"""
KEPT = """
INSERT INTO motcua.sources (name, watch, picked_up_at)
SELECT n, jsonb_build_object('recorded_since', now(), 'updated_since', now(), 'after', 0, 'rows', '{}'::jsonb), now()
FROM unnest(%s::text[]) AS n
"""
CONNECTIONS = """
SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND usename = 'motcua_app'
"""
ACCEPTED = """
SELECT d.dossier_code, m.accepted_at FROM motcua.messages AS m
INNER JOIN motcua.dossiers AS d ON m.dossier_id = d.dossier_id WHERE m.accepted_at IS NOT NULL
"""


class _Sources:
    """The sources on one PostgreSQL server, with a role for each source; a role sees only the rows of its source.

    The views of some sources sleep before they answer. Other sources lead to a socket that never answers.
    """

    def __init__(self, folder: Path) -> None:
        self.server = EmbeddedPostgres(folder, free_port())
        self._open = contextlib.ExitStack()
        self._open.enter_context(self.server.running(configuration="max_connections = 400\nscram_iterations = 1\n"))
        self.mute = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.healthy = [f"xa_{number:03}" for number in range(HEALTHY)]
        sleeping = [f"ngu_{number}" for number in range(SLEEPING)]
        parts = psycopg.conninfo.conninfo_to_dict(self.server.admin_dsn)
        with psycopg.connect(self.server.admin_dsn, autocommit=True) as admin:
            admin.execute(TABLES)
            for name in [*self.healthy, *sleeping]:
                admin.execute(f"CREATE ROLE {name} LOGIN PASSWORD 'only-for-tests'")
            for name in sleeping:
                # The view sleeps once for each row of its source, so a sleeping source needs at least one row.
                admin.execute(MOVE, {"source": name, "agency": AGENCY, "code": "D-1"})
        at = f"{parts['host']}:{parts['port']}/{parts['dbname']}"
        addresses = {name: f"postgres://{name}:only-for-tests@{at}" for name in [*self.healthy, *sleeping]}
        mute = [f"cam_{number}" for number in range(MUTE)]
        addresses |= dict.fromkeys(mute, f"postgres://a:b@127.0.0.1:{self.mute.getsockname()[1]}/x")
        os.environ["MOTCUA_SOURCES"] = ",".join(addresses)
        os.environ.update({f"AIRFLOW_CONN_ONESTOP_{name.upper()}": address for name, address in addresses.items()})
        settings.cache_clear()
        self.ill = [*sleeping, *mute]
        self.desk = psycopg.connect(self.server.admin_dsn, autocommit=True)

    def move(self, source: str, number: int) -> float:
        """Write a ready result into the source, and return the time right after the commit."""
        values = {"source": source, "code": f"{source}-{number}", "agency": AGENCY, "phone": f"09051{number:05}"}
        with self.desk.transaction():
            self.desk.execute(DOSSIER, values)
            self.desk.execute(MOVE, values)
        return time.time()

    def cores(self) -> float:
        """Return the processor seconds that the server's sessions have used."""
        postmaster = int((self.server.data / "postmaster.pid").read_text().split()[0])
        return seconds_of({"sources": postmaster})["sources"]

    def close(self) -> None:
        self.desk.close()
        self.mute.close()
        self._open.close()


class _Watching:
    """A watcher in a process of its own, as Airflow's triggerer runs it.

    The process prints, each second, the number of its queries and its processor seconds.
    """

    def __init__(self) -> None:
        command = [sys.executable, "-m", "tests.bench.watching"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.reported_at: dict[str, float] = {}
        self.did: dict[str, float] = {"looks": 0.0, "cores": 0.0}
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if not line.startswith("{"):
                # This line is not JSON but belongs to Airflow's log.
                sys.stderr.write(line)
                continue
            said: dict[str, Any] = json.loads(line)
            if "reported" in said:
                self.reported_at.setdefault(said["reported"], said["at"])
            else:
                self.did = said

    def close(self) -> None:
        self.process.terminate()
        self.process.wait()


def bench(ledger: str) -> list[Line]:
    os.environ |= {"MOTCUA_FIRST_LOOK_BACK": "PT1H", "MOTCUA_LINGER": "PT10M", "MOTCUA_LINGER_QUIET": "PT10M"}
    with tempfile.TemporaryDirectory(prefix="motcua-bench-") as folder:
        os.chmod(folder, 0o755)
        with contextlib.closing(_Sources(Path(folder))) as sources:
            for name in sources.healthy:
                pick_up(name)
            with psycopg.connect(ledger, autocommit=True) as admin:
                admin.execute(KEPT, (sources.ill,))
                with contextlib.closing(_Watching()) as watching:
                    return _measure(admin, sources, watching)


def _measure(admin: psycopg.Connection[Any], sources: _Sources, watching: _Watching) -> list[Line]:
    time.sleep(20)
    before, server = watching.did, sources.cores()
    time.sleep(20)
    took = watching.did["at"] - before["at"]
    looks = (watching.did["looks"] - before["looks"]) / took
    cores, server = (watching.did["cores"] - before["cores"]) / took, (sources.cores() - server) / 20
    moved = {}
    for number, name in enumerate(random.Random(7).sample(sources.healthy, 200)):
        moved[name] = sources.move(name, number)
        time.sleep(0.1)
    time.sleep(5)
    delays = [watching.reported_at[name] - at for name, at in moved.items() if name in watching.reported_at]
    accepted, most = _measure_acceptance(admin, sources)
    cost = f"CPU of a check {cores * 1e6 / looks:.0f} µs in the watcher, {server * 1e6 / looks:.0f} µs in PostgreSQL"
    missing = len(moved) - len(delays)
    return [
        (
            f"{HEALTHY + SLEEPING + MUTE} sources at rest, {SLEEPING + MUTE} of them hanging",
            f"{looks:.0f} checks a second, {looks / HEALTHY:.1f} at each healthy one; {cost}",
            "-",
            True,
        ),
        ("processor of their watcher", f"{cores:.1%} of a core", "≤ 5 %", cores <= 0.05),
        ("event at a quiet source → reported to Airflow", *_quantiles(delays, missing, (1.0, 2.0, 4.0))),
        (f"{A_SECOND:.0f} events a second at any source → message accepted", *_quantiles(*accepted, (0.5, 2.0, 4.0))),
        ("connections to the ledger at most, of watcher, sender and pick-ups", f"{most}", "≤ 60", most <= 60),
    ]


def _measure_acceptance(admin: psycopg.Connection[Any], sources: _Sources) -> tuple[tuple[list[float], int], int]:
    """Measure how soon the gateway accepts messages.

    Return the seconds from the commit of each event to the acceptance of its message, the number of messages that were
    not accepted, and the largest number of connections that the ledger's roles had.
    """
    stop, most, moved = threading.Event(), 0, {}

    def go_on() -> None:
        with contextlib.closing(CatchUp(timedelta(minutes=5))) as catch_up:
            send("bench", catch_up=catch_up, stop=stop)

    for name in sources.healthy:
        pick_up(name)
    plan()
    sender = threading.Thread(target=go_on)
    sender.start()
    time.sleep(5)
    chance = random.Random(11)
    for number in range(EVENTS):
        name = chance.choice(sources.healthy)
        moved[f"{name}-{1000 + number}"] = sources.move(name, 1000 + number)
        (connections,) = admin.execute(CONNECTIONS).fetchone() or (0,)
        most = max(most, connections)
        time.sleep(chance.expovariate(A_SECOND))
    time.sleep(10)
    stop.set()
    sender.join()
    at = {code: moment.timestamp() for code, moment in admin.execute(ACCEPTED).fetchall()}
    seconds = [at[code] - committed for code, committed in moved.items() if code in at]
    return (seconds, len(moved) - len(seconds)), most


def _quantiles(seconds: list[float], missing: int, reach: tuple[float, float, float]) -> tuple[str, str, bool]:
    cuts = statistics.quantiles(seconds, n=100, method="inclusive")
    found = cuts[49], cuts[94], cuts[98]
    said = ", ".join(f"p{share} {value:.2f}" for share, value in zip((50, 95, 99), found, strict=True))
    wanted = ", ".join(f"p{share} ≤ {value:g}" for share, value in zip((50, 95, 99), reach, strict=True))
    good = not missing and all(value <= most for value, most in zip(found, reach, strict=True))
    return f"{said} s of {len(seconds)}, {missing} missing", f"{wanted} s", good
