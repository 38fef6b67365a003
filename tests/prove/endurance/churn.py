"""How loose a day of churn at speed leaves each table and each index: against the same, built anew.

The real jobs pick up, plan, send, take receipts in and settle, lot after lot, over a past of months; autovacuum is at
work as ``docker-compose.yaml`` sets it, but looks once a second, since a day's work takes minutes here: some two
hundred looks instead of three thousand.
"""

from __future__ import annotations

import logging
import time
from datetime import UTC, datetime

from tests.bench.long_years import fill_ledger
from tests.bench.notices.gateways import gateway
from tests.prove import Figure
from tests.prove.worlds.long.at_work import NEWS, World, at_work
from tests.prove.worlds.long.reads import Ledger, recorded_ledger

DAY = 5_000
"""Messages of a day of a province with a million dossiers a year."""
MONTHS_DOSSIERS, MONTHS_MESSAGES = 20_000, 50_000
LOOSE, PAGES = 1.5, 131_072
"""How many times as large as built anew, and so many bytes more: what is small is mostly a map of free space, and an
index of what is under way keeps the room of the longest queue."""
_SHOWN = 5
_SIZES = """
SELECT c.oid::regclass::text, c.relkind, pg_table_size(c.oid) FROM pg_class AS c
WHERE c.relkind IN ('r', 'i') AND c.relnamespace::regnamespace::text IN ('motcua', 'quality', 'statements')
"""


def figures(seed: int) -> list[Figure]:
    """A day's messages, then the sizes; takes some five minutes."""
    del seed
    logging.disable(logging.INFO)
    with recorded_ledger() as ledger, gateway(0.005, 16) as served:
        fill_ledger(ledger.dsn, datetime.now(UTC), MONTHS_DOSSIERS, MONTHS_MESSAGES)
        # What waits in quarantine is looked at again and again, and is no message's.
        ledger.execute("DELETE FROM motcua.quarantine")
        ledger.execute("VACUUM (FULL, ANALYZE)")
        ledger.execute("ALTER SYSTEM SET autovacuum_naptime = '1s'")
        ledger.execute("SELECT pg_reload_conf()")
        with at_work(ledger, served.port) as world:
            return _day(ledger, world)


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
