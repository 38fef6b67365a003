"""Prove that no repeated SQL statement reads too many pages on a ledger with a million messages.

The real jobs and staff pages run against this ledger, and PostgreSQL itself records how many pages each SQL statement
reads. The jobs run a second time with 200,000 messages due at once, 300 messages that wait for a person's decision, and
a dossier with 400 results; and a third time with their gateway stopped. Everything runs again on a ledger whose newest
month holds nine tenths of the messages. ``EXCEPTIONS`` lists the statements that may read more pages than the limit,
with the reason and a higher limit. ``OTHERS`` lists the statements that this proof does not run; for each of them it
states when the system runs the statement, or why the statement reads little.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from fnmatch import fnmatch

from tests.bench.long_years import fill_ledger
from tests.bench.notices.gateways import gateway
from tests.prove import Figure, noted
from tests.prove.worlds.long import by_hand
from tests.prove.worlds.long.at_work import World, at_work
from tests.prove.worlds.long.reads import Read, recorded_ledger, statement_names

MOST = 1_000
"""Pages of 8 kB that one run of an SQL statement may read, from memory or from disk."""
MESSAGES, DOSSIERS = 1_000_000, 100_000
A_YEAR, A_MONTH = 400, 33
"""Days over which the messages are spread. In the second ledger, nine tenths of the messages belong to the newest
thirty days."""


@dataclass(frozen=True)
class May:
    """The higher limit of pages for an SQL statement that needs more than ``MOST``, and the reason."""

    why: str
    most: int = MOST
    each: int = 0
    """Additional pages for each row that the statement returns, looks up or writes."""

    def allows(self, read: Read) -> bool:
        """Return whether one run of the statement stayed within its limit."""
        return read.pages <= self.most + self.each * read.rows


_WRITES = "a batch of rows is written, each into its table and its indexes, with what the database's keys look up"
_QUEUE = "it reads all messages that are due now: 5 pages a hundred messages, however many the ledger has"
_OF_RUN = "it reads everything that one run did, here 30,000 messages"
_OF_DOSSIER = "it shows all that happened to one dossier, a few pages a row"
_OF_CLOSING = "it shows a closing, which has a row for each agency and procedure, not for each message"
_MADE = (
    "attempts", "checks", "cleanings", "closings", "evenings", "mails", "messages", "moves", "pick_ups", "purges",
    "quarantined", "statements", "stops", "verifications",
)  # fmt: skip
"""Names of the SQL statements in include/sql/runs.sql that show what one run did."""
_FIRST = "the first time in a session it reads the catalogue for the function that it calls"

EXCEPTIONS: Mapping[str, May] = {
    # SQL statements that write or look up a batch.
    "dossiers/save": May(_WRITES, each=40),
    "transitions/save": May(_WRITES, each=40),
    "transitions/save_from_rows": May(_WRITES, each=60),
    "transitions/settle": May(_WRITES, each=60),
    "messages/planning/save": May(_WRITES, each=60),
    "messages/claiming/begin_sending": May(_WRITES, each=60),
    "attempts/apply_outcomes": May(_WRITES, each=60),
    "messages/outcomes/apply_outcomes": May(_WRITES, each=60),
    "quarantine/save": May(_WRITES, each=40),
    "quarantine/release": May(_WRITES, each=40),
    "dossiers/row_tells_more": May("each of a batch's dossiers is looked up", most=6_000),
    "dossiers/known": May("each of a batch's dossiers is looked up", each=8),
    "transitions/known": May("each number of a batch is looked up", each=8),
    "gaps/known_references": May("each reference at the journal's end is looked up", each=6),
    "quarantine/curable": May("it reads all rows in quarantine, here 20,000", most=3_000),
    "messages/claiming/claim_due": May(
        "each claimed message is checked as it is now; and where no message can be claimed, all due messages "
        "were read: 5 pages a hundred messages",
        most=15_000,
        each=100,
    ),
    "messages/outcomes/expire": May(_QUEUE, most=15_000),
    "messages/browsing/waiting": May(
        "it counts what is queued; where that is a sixth of all messages, the table itself is quicker", most=80_000
    ),
    "stops/waiting": May(_QUEUE, most=15_000),
    "attempts/assume_accepted": May(_WRITES, each=150),
    "attempts/unsettled": May(
        "each attempt is checked as a claimed message is, against all other 400 results of one dossier", most=6_000
    ),
    "gateways/judge_carrier": May("each attempt since the first refusal is read: 4 pages each", most=6_000),
    "messages/planning/reopen_mended": May(_WRITES, each=60),
    "attempts/of_run": May("it counts what this run sent", most=15_000),
    # SQL statements that run once a minute or less often.
    "doctor/objects": May("it reads the catalogue, which has as many rows as the schema has objects", most=40_000),
    "accounting/identity": May(
        "the identity looks up each thing that its period holds, some 15 pages each (tests/sql/test_query_plans.py)",
        most=4_000_000,
    ),
    "metrics/recorded_messages": May("it counts what was recorded in the last hours: 5 pages a hundred", most=15_000),
    "accounting/latency": May("it reads 1,000 of the last hour's messages: 40 pages each", most=45_000),
    "apologies/candidates": May("each dossier that is due tomorrow is looked up", each=100),
    "apologies/evenings": May("it counts the apologies of each evening that it shows", each=20),
    "apologies/unsettled": May(
        "once an evening it looks up each agency: 15 pages each, here for 102, and who is in charge of it: 400",
        most=60_000,
    ),
    "watch/contradicted": May("it looks up the last thousand receipts: 4 pages each", most=5_000),
    "gaps/unanswered": May("it reads each attempt that may still get an answer", most=6_000),
    "watch/delivered": May("it counts what was recorded in the last hours: 5 pages a hundred", most=15_000),
    "watch/evening_left": May("it looks up an evening of each agency: 10 pages each, here for 102", most=2_000),
    "metrics/open_messages": May(_QUEUE, most=15_000),
    "metrics/unknown_messages": May("each message that waits for a person is looked up", most=6_000),
    "messages/outcomes/count_held": May("each message that waits for a person is looked up", most=6_000),
    "messages/outcomes/held": May("each message that waits for a person is looked up", most=6_000),
    # SQL statements that call a function of the database.
    "receipts/apply": May(_FIRST, most=2_500),
    "inquiries/find_dossiers": May("each of a dossier's 800 steps is compared with the later ones", most=8_000),
    "“SELECT d.dossier_id, d.agency_code, d.dossier_code*": May("the query inside inquiries/find_dossiers", most=8_000),
    # SQL statements of the staff pages.
    "apologies/letters": May("each dossier that was ever received is read once: 15 pages a hundred", most=60_000),
    "quarantine/open": May("it counts all rows in quarantine, here 20,000", most=3_000),
    "messages/browsing/recorded_in": May("it counts one day's messages: 5 pages a hundred", most=15_000),
    "messages/browsing/newest": May(
        "with a filter that few messages pass it reads the newest 30,000 messages and no more", most=5_000, each=2
    ),
    "messages/browsing/of_agencies": May(
        "it reads the newest messages of each of 102 agencies, and all queued ones", most=15_000, each=5
    ),
    "messages/browsing/of_run": May(_OF_RUN, most=200_000),
    "messages/browsing/rows": May("each row of the list is looked up", each=12),
    **{f"runs/{made}": May(_OF_RUN, most=400_000) for made in _MADE},
    "dossiers/showing/*": May(_OF_DOSSIER, most=4_000, each=100),
    "closings/*": May(_OF_CLOSING, most=25_000),
    "complaints/*": May("it searches all complaints, here 2,000, for repeated ones", most=25_000),
    "quality/reading/*": May("it shows what a morning's check found, as many rows as there are findings", most=25_000),
    "statements/rows": May("page 1,000 of a carrier statement skips all rows before it", most=25_000),
}
"""Limit of each SQL statement by its name, or by a name pattern with ``*``."""

_AT_SOURCE = "run on a source's own database"
_DAILY = "run once a day or a month, and reads a day or a month"
_PEOPLE = "run by somebody who changes something, a row at a time"
_COMMAND = "run by a command, by hand"
_RESTORED = "run once, after a restore"

OTHERS: Mapping[str, str] = {
    "sources/reading/*": _AT_SOURCE,
    "sources/counting/*": _AT_SOURCE,
    "sources/contract/*": _AT_SOURCE,
    "sources/opencps/*": _AT_SOURCE,
    "sources/national_sync/*": _AT_SOURCE,
    "sources/foreign_tables/*": _AT_SOURCE,
    "sources/checking/*": _AT_SOURCE,
    "sources/looking/limit": _AT_SOURCE,
    "intake/*": "run for pushes and files of one-stop software; a push reads the dossiers that it names",
    "quality/*": _DAILY,
    "closings/*": _DAILY,
    "publications/*": _DAILY,
    "statements/*": _DAILY,
    "personal_data/*": _DAILY,
    "report_mails/*": _DAILY,
    "upkeep/*": _DAILY,
    "source_checks/*": _DAILY,
    "quarantine/save_cleaned": _DAILY,
    "complaints/*": _PEOPLE,
    "people/*": _PEOPLE,
    "calendars/*": _PEOPLE,
    "agencies/*": _PEOPLE,
    "registrations/*": _PEOPLE,
    "uploads/*": _PEOPLE,
    "stops/*": _PEOPLE,
    "sources/map*": _PEOPLE,
    "doctor/*": _COMMAND,
    "ledger/*": _COMMAND,
    "dossiers/*": _COMMAND,
    "inquiries/by_outcome": _COMMAND,
    "messages/browsing/by_state": _COMMAND,
    "old_steps/since": _COMMAND,
    "sources/troubles": _DAILY,
    "gateways/prices": _DAILY,
    "page_requests/*": _PEOPLE,
    "messages/browsing/oldest": "run for a file of the list, and reads as many messages as messages/browsing/newest",
    "gateways/note_tokens": "writes one row, when a gateway's tokens were renewed",
    "sources/begin_numbering": "writes one row, when a source begins to number its steps anew",
    "sessions/end": "reads no table",
    "sources/fail": "writes one row, where a source could not be read",
    "apologies/*": _DAILY,
    "gaps/*": _RESTORED,
    "transitions/save_from_rows": "writes steps that only a dossier's row showed, as transitions/save does",
    "locks/*": "reads no table",
    "runs/*": "writes one row of a run, or shows the result of a daily run",
    "watch/retire": _COMMAND,
}
"""SQL statements that this proof need not run → when the system runs them, or why they read little.

If the proof runs one of them nevertheless, the limits hold for it, too.
"""


@contextmanager
def a_world(days: int, share: float) -> Iterator[World]:
    """Yield an object that runs jobs and pages on a ledger with ``share`` × a million messages over ``days`` days."""
    with recorded_ledger() as ledger, gateway(0.005, 16) as served:
        fill_ledger(ledger.dsn, datetime.now(UTC), round(DOSSIERS * share), round(MESSAGES * share), days)
        with at_work(ledger, served.port) as world:
            yield world


def figures(seed: int, share: float = 0.3) -> list[Figure]:
    """Return how many pages each SQL statement read.

    With all million messages (``share=1``) the proof takes some 20 minutes on two busy cores.
    """
    del seed
    reads: list[Read] = []
    with a_world(A_YEAR, share) as world:
        _work(world)
        by_hand.ask_by_hand(world.ledger)
        world.ledger.execute(by_hand.MANY_DUE)
        world.ledger.execute(by_hand.MANY_HELD)
        world.ledger.execute(by_hand.many_of_one(by_hand.OF_ONE))
        # Measure twice: before ANALYZE, while PostgreSQL has no statistics about the new rows, and after ANALYZE.
        _work_at_worst(world, "at worst, just now")
        world.ledger.execute("ANALYZE")
        _work_at_worst(world, "at worst")
        world.ledger.execute(by_hand.GATEWAY_STOPPED)
        _work_at_worst(world, "gateway stopped", sends=False)
        reads += world.ledger.reads
    with a_world(A_MONTH, share) as world:
        _work(world)
        reads += world.ledger.reads
    return [*_within(reads), *_covered(reads)]


def _work(world: World) -> None:
    """Run each job once, and request every page."""
    world.news()
    with world.ledger.recording("notify"):
        sent = world.pick_up_plan_and_send()
    assert sent, "nothing was sent, so messages/claiming/claim_due had nothing to read"
    for part in ("take_receipts_and_texts", "settle", "apologize", "watch"):
        with world.ledger.recording(part):
            getattr(world, part)()
    failed = {address: status for address, status in world.ask_pages().items() if status >= 500}
    assert not failed, failed


def _work_at_worst(world: World, part: str, *, sends: bool = True) -> None:
    with world.ledger.recording(f"sender, {part}"):
        sent = world.send_some()
    assert bool(sent) is sends
    for name in ("settle", "watch", "take_receipts_and_texts"):
        with world.ledger.recording(f"{name}, {part}"):
            getattr(world, name)()
    world.ask_pages(
        [
            "/",
            "/messages",
            "/messages?state=queued",
            "/messages/unknown",
            f"/dossiers?agency=B000&code={by_hand.ONE_DOSSIER}",
            "/run?dag_id=notify_transitions&run_id=run 2",
        ]
    )


def _within(reads: list[Read]) -> Iterator[Figure]:
    """Yield a row for each SQL statement that reads more than ``MOST`` pages.

    The row is ok only if the statement has an exception and stays within the limit of this exception. ``EXCEPTIONS``
    has the reason of each limit.
    """
    worst: dict[str, Read] = {}
    for read in reads:
        if read.name not in worst or read.pages > worst[read.name].pages:
            worst[read.name] = read
    above = {name: read for name, read in worst.items() if read.pages > MOST}
    few = len(worst) - len(above)
    yield noted(f"statements that read at most {MOST:,} pages", f"{few} of {len(worst)}")
    for name, read in sorted(above.items(), key=lambda each: -each[1].pages):
        may = _exception(name)
        broken = [each for each in reads if each.name == name and not (may or May("")).allows(each)]
        found = f"{read.pages:,} pages, {read.rows:,} rows: {read.part}"
        if may is None:
            yield Figure(name, found, f"≤ {MOST:,}", ok=False)
            continue
        each = f" + {may.each} a row" if may.each else ""
        yield Figure(name, found, f"≤ {may.most:,}{each}", ok=not broken)
    # Some exceptions are needed only at some hours of the day: for example, the statements that plan apologies read
    # more pages at 17:30, when apologies are planned.
    idle = sorted(set(EXCEPTIONS) - {_pattern(EXCEPTIONS, name) for name in above})
    yield noted("exceptions that no statement needed this time", ", ".join(idle) or "none")


def _exception(name: str) -> May | None:
    pattern = _pattern(EXCEPTIONS, name)
    return None if pattern is None else EXCEPTIONS[pattern]


def _pattern(patterns: Mapping[str, object], name: str) -> str | None:
    return next((each for each in patterns if fnmatch(name, each)), None)


def _covered(reads: list[Read]) -> Iterator[Figure]:
    """Yield the rows that show whether each SQL statement was run here or is listed in ``OTHERS``.

    The last row shows the entries of ``OTHERS`` that are not needed.
    """
    run = {read.name for read in reads}
    names = set(statement_names().values())
    left = sorted(name for name in names - run if _pattern(OTHERS, name) is None)
    yield noted("statements run", f"{len(names & run)} of {len(names)}")
    yield Figure(
        "statements that were neither run here nor listed as run elsewhere",
        ", ".join(left) or "none",
        "none",
        ok=not left,
    )
    idle = sorted(set(OTHERS) - {_pattern(OTHERS, name) for name in names - run})
    yield Figure(
        "statements listed as run elsewhere that were run here or do not exist",
        ", ".join(idle) or "none",
        "none",
        ok=not idle,
    )
