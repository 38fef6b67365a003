"""Measure what messages cost the ledger: bloat of tables and indexes, bytes of the write-ahead log, bytes of a row.

The real jobs read the source, plan and send messages, store receipts and settle messages, on a ledger with months of
older rows. The first part handles the messages of one day, with autovacuum as ``docker-compose.yaml`` sets it. This day
is simulated in minutes, so autovacuum checks the tables once a second: some two hundred checks instead of the three
thousand of a real day. Afterwards the size of each table and index is compared with its size after a rebuild. The
second part measures in a few rounds how many bytes of the write-ahead log each job and each SQL statement writes.
Rounds without full-page images show what the jobs themselves write; rounds with these images, right after a checkpoint,
show the most that jobs can write. At the end the average size of a row is measured for each table.
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
"""Most bytes of the write-ahead log that one message may cost, from the pick-up of its step to its receipt."""
ROUNDS = 5
PAST_DOSSIERS, PAST_MESSAGES = 20_000, 50_000
DAY = 5_000
"""Messages of one day in a province with a million dossiers a year."""
LOOSE, PAGES = 1.5, 131_072
"""A table or index may be at most ``LOOSE`` times as large as when rebuilt, plus ``PAGES`` bytes.

The additional bytes are for small tables, which consist mostly of their free space maps, and for indexes that hold only
messages without a final state. These indexes stay as large as the longest queue of messages made them.
"""
_SHOWN = 5
_SIZES = """
SELECT c.oid::regclass::text, c.relkind, pg_table_size(c.oid) FROM pg_class AS c
WHERE c.relkind IN ('r', 'i') AND c.relnamespace::regnamespace::text IN ('motcua', 'quality', 'statements')
"""
TELLING = 200
"""An SQL statement is listed if it writes at least this many bytes of the write-ahead log per message."""
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
    """Run all measurements; this takes some six minutes."""
    del seed
    logging.disable(logging.INFO)
    with recorded_ledger() as ledger, gateway(0.005, 16) as served:
        fill_ledger(ledger.dsn, datetime.now(UTC), PAST_DOSSIERS, PAST_MESSAGES)
        # Quarantined rows are read again in each round and belong to no message, so they would distort the measurement.
        ledger.execute("DELETE FROM motcua.quarantine")
        ledger.execute("VACUUM (FULL, ANALYZE)")
        ledger.execute("ALTER SYSTEM SET autovacuum_naptime = '1s'")
        ledger.execute("SELECT pg_reload_conf()")
        with at_work(ledger, served.port) as world:
            found = _figures_of_a_day(ledger, world)
            ledger.execute("ALTER SYSTEM RESET autovacuum_naptime")
            rows = _row_counts(ledger)
            return [
                *found,
                *_figures_of_the_log(world, full_pages=False),
                *_figures_of_the_log(world, full_pages=True),
                *_figures_of_rows(ledger, rows),
            ]


def _figures_of_a_day(ledger: Ledger, world: World) -> list[Figure]:
    began, before = time.monotonic(), _count_moves(ledger)
    for _ in range(DAY // NEWS):
        world.news()
        world.pick_up_plan_and_send()
        world.take_receipts(NEWS)
        world.settle()
    took, moves = time.monotonic() - began, _count_moves(ledger) - before
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
        details = ", ".join(_sizes_in_words(name, *sizes[name]) for name in worst)
        found += [
            Figure(f"{len(sizes)} {words}, all together", f"{all_left / all_anew:.2f} times", f"≤ {LOOSE}",
                   all_left <= LOOSE * all_anew),
            Figure(f"{words} above {LOOSE} times and {PAGES // 1024} kB", f"{len(above)}; the loosest {details}", "0",
                   not above),
        ]  # fmt: skip
    return found


def _sizes_in_words(name: str, size: int, built: int) -> str:
    return f"{name.partition('.')[2]} {size // 1024:,} of {built // 1024:,} kB"


def _count_moves(ledger: Ledger) -> int:
    ((count,),) = ledger.execute("SELECT count(*) FROM motcua.message_history")
    return int(count)


def _figures_of_the_log(world: World, *, full_pages: bool) -> Iterator[Figure]:
    ledger = world.ledger
    ledger.execute(f"ALTER SYSTEM SET full_page_writes = {'on' if full_pages else 'off'}")
    ledger.execute("SELECT pg_reload_conf()")
    for _ in range(ROUNDS):
        world.news()
    messages = _count_attempted(ledger)
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
        before = _log_position(ledger)
        with ledger.recording(part):
            work()
        written[part] = _log_position(ledger) - before
    new = _count_attempted(ledger) - messages
    assert new >= ROUNDS * NEWS, f"{new} messages were sent"
    how = "with images of full pages after a checkpoint" if full_pages else "without images of full pages"
    total = sum(written.values()) / new
    details = ", ".join(f"{part} {size / new:,.0f}" for part, size in written.items())
    # How many full-page images are written depends on the time of checkpoints, so their figure has no limit.
    reach = "" if full_pages else f"≤ {MOST_OF_MESSAGE:,}"
    what = f"bytes of the log a message, {how}"
    yield Figure(what, f"{total:,.0f}: {details}", reach, full_pages or total <= MOST_OF_MESSAGE)
    if not full_pages:
        for name, size in _by_statement(ledger.reads, new):
            yield noted(f"  by {name}", f"{size:,.0f}")


def _by_statement(reads: list[Read], messages: int) -> Iterator[tuple[str, float]]:
    """Yield how many bytes of the write-ahead log each SQL statement writes per message.

    Statements that triggers run are listed separately.
    """
    sums: dict[str, int] = {}
    for read in reads:
        sums[read.name] = sums.get(read.name, 0) + read.log_bytes
    for name, size in sorted(sums.items(), key=lambda each: -each[1]):
        if size / messages >= TELLING:
            yield name, size / messages


def _log_position(ledger: Ledger) -> int:
    ((position,),) = ledger.execute("SELECT (pg_current_wal_insert_lsn() - '0/0'::pg_lsn)::bigint")
    return int(position)


def _count_attempted(ledger: Ledger) -> int:
    ((count,),) = ledger.execute("SELECT count(*) FROM motcua.messages WHERE attempts_made > 0")
    return int(count)


def _row_counts(ledger: Ledger) -> Mapping[str, int]:
    return {name: int(ledger.execute(f"SELECT count(*) FROM motcua.{name}")[0][0]) for name in WEIGHED}


def _figures_of_rows(ledger: Ledger, before: Mapping[str, int]) -> Iterator[Figure]:
    """Yield the average number of bytes of a row in each table.

    First the older rows, which no job wrote, are deleted and each table is rewritten.
    """
    ledger.execute("SET session_replication_role = 'replica'; " + "; ".join(_PAST_AWAY))
    after = _row_counts(ledger)
    for name in WEIGHED:
        assert after[name] > 0, f"nothing is left of {name}, of {before[name]}"
        ledger.execute(f"VACUUM (FULL) motcua.{name}")
        ((table, indexes),) = ledger.execute(f"SELECT pg_table_size('motcua.{name}'), pg_indexes_size('motcua.{name}')")
        details = f"{table / after[name]:,.0f} + {indexes / after[name]:,.0f}, of {after[name]:,} rows"
        yield noted(f"bytes a row: {name}, table + indexes", details)


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
