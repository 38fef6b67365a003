"""What messages leave in the ledger: how loose its tables and indexes are, and what each message weighs.

The real jobs pick up, plan, send, take receipts in and settle, over a past of months. First a day's work, with
autovacuum as ``docker-compose.yaml`` sets it but looking once a second, since a day takes minutes here (some two
hundred looks instead of three thousand): each table and index is held against the same built anew. Then a few rounds:
bytes of the write-ahead log by part and statement, once without images of full pages, which is what the work itself
writes, and once right after a checkpoint with them, which is the most that it may be; and bytes of each table's rows.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime

from tests.bench.long_years import fill_ledger
from tests.bench.notices.gateways import gateway
from tests.prove import Figure, noted
from tests.prove.worlds.long.at_work import NEWS, World, at_work
from tests.prove.worlds.long.reads import Ledger, Read, recorded_ledger

MOST_OF_MESSAGE = 20_000
"""Bytes of the log, from the pick-up of its step to its receipt."""
ROUNDS = 5
PAST_DOSSIERS, PAST_MESSAGES = 20_000, 50_000
DAY = 5_000
"""Messages of a day of a province with a million dossiers a year."""
LOOSE, PAGES = 1.5, 131_072
"""How many times as large as built anew, and so many bytes more: what is small is mostly a map of free space, and an
index of what is under way keeps the room of the longest queue."""
_SHOWN = 5
_SIZES = """
SELECT c.oid::regclass::text, c.relkind, pg_table_size(c.oid) FROM pg_class AS c
WHERE c.relkind IN ('r', 'i') AND c.relnamespace::regnamespace::text IN ('motcua', 'quality', 'statements')
"""
TELLING = 200
"""Bytes of the log a message from which on a statement is told."""
WEIGHED = (
    "dossiers",
    "dossier_versions",
    "transitions",
    "messages",
    "message_history",
    "attempts",
    "receipts",
    "receipt_readings",
)


def figures(seed: int) -> list[Figure]:
    """Takes some six minutes."""
    del seed
    logging.disable(logging.INFO)
    with recorded_ledger() as ledger, gateway(0.005, 16) as served:
        fill_ledger(ledger.dsn, datetime.now(UTC), PAST_DOSSIERS, PAST_MESSAGES)
        # What waits in quarantine is looked at again and again, and is no message's.
        ledger.execute("DELETE FROM motcua.quarantine")
        ledger.execute("VACUUM (FULL, ANALYZE)")
        ledger.execute("ALTER SYSTEM SET autovacuum_naptime = '1s'")
        ledger.execute("SELECT pg_reload_conf()")
        with at_work(ledger, served.port) as world:
            found = _day(ledger, world)
            ledger.execute("ALTER SYSTEM RESET autovacuum_naptime")
            rows = _rows(ledger)
            return [*found, *_log(world, full_pages=False), *_log(world, full_pages=True), *_bytes(ledger, rows)]


def _day(ledger: Ledger, world: World) -> list[Figure]:
    began, before = time.monotonic(), _moves(ledger)
    for _ in range(DAY // NEWS):
        world.news()
        world.pick_up_plan_and_send()
        world.take_receipts(NEWS)
        world.settle()
    took, moves = time.monotonic() - began, _moves(ledger) - before
    ((vacuums,),) = ledger.execute("SELECT sum(autovacuum_count) FROM pg_stat_user_tables")
    left = {name: (kind, size) for name, kind, size in ledger.execute(_SIZES)}
    ledger.execute("VACUUM (FULL)")
    anew = {name: size for name, _, size in ledger.execute(_SIZES)}
    found = [
        Figure("a day: messages, their moves, seconds", f"{DAY:,}, {moves:,}, {took:.0f}", "-", moves >= 3 * DAY),
        Figure("tables that autovacuum cleaned meanwhile", f"{vacuums} times", "> 0", vacuums > 0),
    ]
    for kind, words in (("r", "tables"), ("i", "indexes")):
        sizes = {name: (size, anew[name]) for name, (each, size) in left.items() if each == kind}
        above = [name for name, (size, built) in sizes.items() if size > LOOSE * built + PAGES]
        worst = sorted(sizes, key=lambda name: -sizes[name][0] / (LOOSE * sizes[name][1] + PAGES))[:_SHOWN]
        all_left, all_anew = (sum(each[place] for each in sizes.values()) for place in (0, 1))
        told = ", ".join(_told(name, *sizes[name]) for name in worst)
        found += [
            Figure(f"{len(sizes)} {words}, all together", f"{all_left / all_anew:.2f} times", f"≤ {LOOSE}",
                   all_left <= LOOSE * all_anew),
            Figure(f"{words} above {LOOSE} times and {PAGES // 1024} kB", f"{len(above)}; the loosest {told}", "0",
                   not above),
        ]  # fmt: skip
    return found


def _told(name: str, size: int, built: int) -> str:
    return f"{name.partition('.')[2]} {size // 1024:,} of {built // 1024:,} kB"


def _moves(ledger: Ledger) -> int:
    ((count,),) = ledger.execute("SELECT count(*) FROM motcua.message_history")
    return int(count)


def _log(world: World, *, full_pages: bool) -> Iterator[Figure]:
    ledger = world.ledger
    ledger.execute(f"ALTER SYSTEM SET full_page_writes = {'on' if full_pages else 'off'}")
    ledger.execute("SELECT pg_reload_conf()")
    for _ in range(ROUNDS):
        world.news()
    messages = _count(ledger)
    ledger.execute("CHECKPOINT")
    parts: dict[str, Callable[[], object]] = {
        "pick-up": world.pick_up,
        "planning": world.plan,
        "sending": world.send,
        "receipts": lambda: world.take_receipts(ROUNDS * NEWS),
        "settling": world.settle,
    }
    written, ledger.reads[:] = {}, []
    for part, work in parts.items():
        before = _position(ledger)
        with ledger.recording(part):
            work()
        written[part] = _position(ledger) - before
    new = _count(ledger) - messages
    assert new >= ROUNDS * NEWS, f"{new} messages were sent"
    how = "with images of full pages after a checkpoint" if full_pages else "without images of full pages"
    total = sum(written.values()) / new
    told = ", ".join(f"{part} {size / new:,.0f}" for part, size in written.items())
    # How many images there are depends on how many messages share a checkpoint: they are told, and no more.
    reach = "" if full_pages else f"≤ {MOST_OF_MESSAGE:,}"
    what = f"bytes of the log a message, {how}"
    yield Figure(what, f"{total:,.0f}: {told}", reach, full_pages or total <= MOST_OF_MESSAGE)
    if not full_pages:
        for name, size in _by_statement(ledger.reads, new):
            yield noted(f"  of it {name}", f"{size:,.0f}")


def _by_statement(reads: list[Read], messages: int) -> Iterator[tuple[str, float]]:
    """Statements of the jobs, and those of triggers by themselves."""
    sums: dict[str, int] = {}
    for read in reads:
        sums[read.name] = sums.get(read.name, 0) + read.log_bytes
    for name, size in sorted(sums.items(), key=lambda each: -each[1]):
        if size / messages >= TELLING:
            yield name, size / messages


def _position(ledger: Ledger) -> int:
    ((position,),) = ledger.execute("SELECT (pg_current_wal_insert_lsn() - '0/0'::pg_lsn)::bigint")
    return int(position)


def _count(ledger: Ledger) -> int:
    ((count,),) = ledger.execute("SELECT count(*) FROM motcua.messages WHERE attempts_made > 0")
    return int(count)


def _rows(ledger: Ledger) -> Mapping[str, int]:
    return {name: int(ledger.execute(f"SELECT count(*) FROM motcua.{name}")[0][0]) for name in WEIGHED}


def _bytes(ledger: Ledger, before: Mapping[str, int]) -> Iterator[Figure]:
    """Of the rows that the jobs wrote, the past's taken away, written anew."""
    ledger.execute("SET session_replication_role = 'replica'; " + "; ".join(_PAST_AWAY))
    after = _rows(ledger)
    for name in WEIGHED:
        assert after[name] > 0, f"nothing is left of {name}, of {before[name]}"
        ledger.execute(f"VACUUM (FULL) motcua.{name}")
        ((table, indexes),) = ledger.execute(f"SELECT pg_table_size('motcua.{name}'), pg_indexes_size('motcua.{name}')")
        told = f"{table / after[name]:,.0f} + {indexes / after[name]:,.0f}, of {after[name]:,} rows"
        yield noted(f"bytes a row: {name}, table + indexes", told)


_PAST_AWAY = (
    "DELETE FROM motcua.receipt_readings AS r USING motcua.attempts AS a"
    " WHERE r.attempt_id = a.attempt_id AND a.run_id NOT LIKE 'plans %'",
    "DELETE FROM motcua.receipts AS r WHERE NOT EXISTS"
    " (SELECT 1 FROM motcua.receipt_readings AS e WHERE e.receipt_id = r.receipt_id)",
    "DELETE FROM motcua.attempts WHERE run_id NOT LIKE 'plans %'",
    "DELETE FROM motcua.message_history AS h WHERE NOT EXISTS"
    " (SELECT 1 FROM motcua.attempts AS a WHERE a.message_id = h.message_id)",
    "DELETE FROM motcua.messages AS m WHERE NOT EXISTS"
    " (SELECT 1 FROM motcua.attempts AS a WHERE a.message_id = m.message_id)",
    "DELETE FROM motcua.transitions AS t USING motcua.dossiers AS d"
    " WHERE t.dossier_id = d.dossier_id AND d.dossier_code NOT LIKE 'MOI-%'",
    "DELETE FROM motcua.dossier_versions AS v USING motcua.dossiers AS d"
    " WHERE v.dossier_id = d.dossier_id AND d.dossier_code NOT LIKE 'MOI-%'",
    "DELETE FROM motcua.dossiers WHERE dossier_code NOT LIKE 'MOI-%'",
)
