"""Do each piece of regular work once on a ledger with months of older rows.

The pieces are: read a source, plan messages, send them, store delivery receipts and citizens' texts to the short number
9029, settle messages, and plan an evening's apologies. In addition, run a watcher (it queries sources for unread rows)
and the watch (it checks the system and raises alerts), and show every staff page.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from fastapi.testclient import TestClient

from motcua.domain.run_window import EVERYTHING
from motcua.jobs.gates import RunIncomplete
from motcua.jobs.notices.answering import count_left_over
from motcua.jobs.notices.looking import Watcher
from motcua.jobs.notices.receiving import read_left_over_receipts
from motcua.jobs.notices.sending.sender import send
from motcua.jobs.notices.watching import CatchUp, sources_to_read
from motcua.jobs.tasks import apologize_due_tomorrow, notify_transitions, settle_messages
from motcua.jobs.tasks.settle_messages import emit_gauges
from motcua.jobs.watching.watch import Watch
from motcua.settings import settings
from motcua.store.ledger.database import close_ledger_pool
from motcua.web.callbacks import create_standalone
from tests.bench.pages import Asked, addresses, facts_of
from tests.ground import OneStop, gateway_connection, one_stops, until
from tests.prove.worlds.long.reads import Ledger
from tests.web.visiting import Visiting

SOURCE = "mot_cua"
NEWS = 200
"""Number of dossiers with a ready result that ``World.news`` records at the source."""
_SECRET = "s" * 20
# Mark all past evenings as settled. Otherwise the first run would settle each evening of the older months.
_EVENINGS = """
INSERT INTO motcua.apology_evenings (
    agency_code, day, evening_at, apology_day, state, first_due, last_due, useful_until, settled_at, known_transition,
    known_version, looked_at, queued, suppressed, missed
)
SELECT
    g.agency_code, t.day, e.at, 'calendar', 'done', t.day + 1, t.day + 1, e.at + interval '4 hours', e.at, k.transition,
    k.version, 20, 2, 0, 0
FROM motcua.agencies AS g
CROSS JOIN (
    SELECT generate_series(
        (SELECT min(received_at)::date FROM motcua.dossiers), current_date - 1, interval '1 day'
    )::date AS day
) AS t
CROSS JOIN (
    SELECT
        (SELECT max(transition_id) FROM motcua.transitions) AS transition,
        (SELECT max(version_id) FROM motcua.dossier_versions) AS version
) AS k
CROSS JOIN LATERAL (SELECT (t.day + time '17:30') AT TIME ZONE 'Asia/Ho_Chi_Minh' AS at) AS e
ON CONFLICT DO NOTHING;
ANALYZE motcua.apology_evenings;
"""


class World:
    """A ledger with months of older rows, a source and a gateway.

    The methods run the jobs, call the callbacks app as gateways do, and request the pages.
    """

    def __init__(self, ledger: Ledger, source: OneStop) -> None:
        self.ledger, self.source = ledger, source
        # Let new steps get higher numbers than all older steps in the ledger.
        self.source.number = 50_000_000
        self.runs = 0
        for statement in _EVENINGS.split(";\n")[:-1]:
            self.ledger.execute(statement)

    # --- Events at the source

    def news(self) -> None:
        """Let the source record dossiers whose results are ready, and rows that cannot be used."""
        self.runs += 1
        now = datetime.now(UTC)
        for number in range(NEWS):
            code, agency = f"MOI-{self.runs}-{number}", f"B{number % 100:03}"
            ready = {"status_code": 9, "at_one_stop_desk": True, "finished_at": now, "updated_at": now}
            received = now - timedelta(days=2)
            self.source.dossier(code, agency, received_at=received, due_at=now + timedelta(days=1), **ready)
            self.source.move(2, code, agency, at=received, desk=False)
            self.source.move(9, code, agency, at=now - timedelta(seconds=5))
        for number in range(5):
            self.source.move(9, f"KHONG-{self.runs}-{number}", "X1", at=now)

    # --- Jobs

    def pick_up_plan_and_send(self) -> int:
        self.pick_up()
        self.plan()
        return self.send()

    def pick_up(self) -> None:
        notify_transitions.find_sources(EVERYTHING)
        notify_transitions.pick_up_source(SOURCE, EVERYTHING)

    def plan(self) -> None:
        notify_transitions.plan_messages(EVERYTHING)

    def send(self) -> int:
        """Run the sender and the gate (a run's last task, which reports undone work); return the number of attempts."""
        run_id = f"plans {self.runs}"
        sent = notify_transitions.send_messages(run_id, EVERYTHING)
        with contextlib.suppress(RunIncomplete):
            notify_transitions.gate(run_id, EVERYTHING)
        return int(sent["attempts"])

    def send_some(self, most: int = 500) -> int:
        """Run a sender on a long queue until it has made ``most`` attempts, and return the number of attempts."""
        stop, ended = threading.Event(), threading.Event()

        def end_in_time() -> None:
            while not ended.wait(0.2):
                ((made,),) = self.ledger.execute("SELECT count(*) FROM motcua.attempts WHERE state <> 'unknown'")
                if made >= before + most:
                    stop.set()

        ((before,),) = self.ledger.execute("SELECT count(*) FROM motcua.attempts WHERE state <> 'unknown'")
        waiter = threading.Thread(target=end_in_time)
        waiter.start()
        try:
            with contextlib.closing(CatchUp(settings().linger)) as catch_up:
                counts = send(f"plans {self.runs} {uuid4()}", catch_up=catch_up, stop=stop)
        finally:
            ended.set()
            waiter.join()
        notify_transitions.stopped_by_people(datetime.now(UTC))
        return counts.attempts

    def take_receipts(self, most: int = 200) -> None:
        references = self.ledger.execute(
            f"SELECT reference FROM motcua.attempts WHERE state = 'accepted' ORDER BY attempt_id DESC LIMIT {most}"
        )
        with TestClient(create_standalone()) as http:
            for (reference,) in references:
                http.get(f"/gateway/receipts/kannel?reference={reference}&status=1&secret={_SECRET}")

    def take_receipts_and_texts(self) -> None:
        """Make the calls of gateways and monitors: receipts of new attempts, texts to 9029, health and metrics."""
        self.take_receipts()
        codes = self.ledger.execute("SELECT dossier_code FROM motcua.dossiers ORDER BY dossier_id DESC LIMIT 30")
        with TestClient(create_standalone()) as http:
            http.get(f"/gateway/receipts/kannel?reference=nobody-{uuid4()}&status=1&secret={_SECRET}")
            for number, code in enumerate([*(each[0] for each in codes), "", "khong-co", "000.00.00.H32-26-BUSY"]):
                http.get(
                    "/gateway/inquiries/kannel",
                    params={"secret": _SECRET, "sender": f"+8490600{number:04}", "to": "9029", "id": str(uuid4())}
                    | {"text": f"MCKH {code}"},
                )
            http.get("/gateway/health")
            http.get("/gateway/metrics", headers={"Authorization": f"Bearer {_SECRET}"})
        read_left_over_receipts()
        count_left_over()

    def settle(self) -> None:
        settle_messages.settle_run(f"plans settle {self.runs}", EVERYTHING)
        with contextlib.suppress(RunIncomplete):
            settle_messages.gate(EVERYTHING)
        emit_gauges()

    def apologize(self) -> None:
        """Run the DAG apologize_due_tomorrow except for its sending."""
        for source in apologize_due_tomorrow.find_sources():
            apologize_due_tomorrow.read_source(source, EVERYTHING)
        apologize_due_tomorrow.plan_apologies(EVERYTHING)

    def watch(self) -> None:
        """Let a watcher find unread rows and notify a sender; then make the checks of the watch."""
        reported: list[str] = []
        self.news()
        stop = threading.Event()
        watcher = threading.Thread(target=Watcher(reported.append).run, args=(stop,))
        watcher.start()
        with contextlib.closing(CatchUp(settings().linger)) as catch_up:
            until(catch_up, what="the watcher reports the news")
        stop.wait(1)
        stop.set()
        watcher.join()
        sources_to_read(datetime.now(UTC))
        Watch().once()

    def ask_pages(self, only: Sequence[str] = ()) -> dict[str, int]:
        """Request every page, or the pages ``only``, as a visitor with the right role; return statuses by address."""
        os.environ["MOTCUA_SOURCES"] = SOURCE
        settings.cache_clear()
        visiting, answered = Visiting(), {}
        with TestClient(visiting.mount(), raise_server_exceptions=False, follow_redirects=False) as http:
            for asked in [Asked(each) for each in only] or list(addresses(facts_of(self.ledger.dsn))):
                visiting.role = "operator" if asked.agencies is None else "agency"
                visiting.agencies = None if asked.agencies is None else frozenset(asked.agencies)
                with self.ledger.recording(f"page {asked.words}"):
                    if asked.typed is None:
                        answered[asked.words] = int(http.get(f"/motcua{asked.address}").status_code)
        close_ledger_pool()
        return answered


@contextlib.contextmanager
def at_work(ledger: Ledger, gateway_port: int) -> Iterator[World]:
    """Yield a ``World`` on this ledger, with a gateway on a port of the loopback interface."""
    with one_stops(
        ledger.server.admin_dsn,
        (SOURCE,),
        MOTCUA_GATEWAYS="kannel",
        MOTCUA_FIRST_LOOK_BACK="P9999D",
        MOTCUA_LINGER="2",
        MOTCUA_LINGER_QUIET="0.3",
        MOTCUA_METRICS_SECRET=_SECRET,
    ) as desks:
        extra = {"concurrency": 16, "callback_secret": _SECRET}
        os.environ["AIRFLOW_CONN_SMS_KANNEL"] = gateway_connection(gateway_port, **extra)
        yield World(ledger, desks[SOURCE])
