"""Prove by the gateways' own logs that no text is sent twice or lost if senders, PostgreSQL or gateways are killed.

Usage: ``make prove ONLY=crash SEEDS=10000``. A seed is one random scenario with a few messages. In the first part a
process is killed before or after a call of the database or of a gateway, or at a random moment. The process sends or
plans messages, reads receipts, or settles unknown outcomes. Just as often the process is frozen instead of killed:
another process takes over its work, and the frozen process is continued right after the takeover or later. In the
second part PostgreSQL or the gateway is killed, or a connection is cut, in the middle of sending. In the last part
senders are broken on purpose. tests/crash/judge.py compares the ledger with the gateways' own logs, and must detect
each broken sender.

tests/crash/seeds.py explains the method. Findings are printed at once. After Ctrl-C or SIGTERM the table shows the
seeds tried so far, and a row states that the table is incomplete. The next run on the same source code tries the seeds
that are left (tests/crash/harness.py). The table of the next run includes the seeds of the earlier run with their
findings, and shows the number of these seeds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from tests.crash.breakages import BREAKAGES
from tests.crash.harness import Mode, end_at_first_signal, run, run_broken
from tests.prove import Figure, equal, none, noted

SEEDS = 500
_OUTAGES = 200
_BROKEN = 12
_WAYS_OUT = ("by receipt", "by asking", "by repeating", "by policy", "by release", "held")


def figures(seed: int, seeds: int = SEEDS) -> list[Figure]:
    """Run ``seeds`` seeds with killed processes, up to 200 with outages, and a few with each broken sender."""
    found: list[Figure] = []
    end_at_first_signal(KeyboardInterrupt)
    try:
        for figure in _figures_of_all(seed, seeds):
            found.append(figure)
    except KeyboardInterrupt:
        found.append(Figure("ended early: this table", "is incomplete", "is complete", False))
    return found


def _figures_of_all(seed: int, seeds: int) -> Iterator[Figure]:
    yield from _figures_of_mode("processes", "process", seed, seeds)
    yield from _figures_of_mode("outages", "outage", seed, min(seeds, _OUTAGES))
    for name, tally in run_broken(first=seed, seeds=_BROKEN).items():
        does = BREAKAGES[name].does
        value = f"{tally.defects[does]} {does} in {tally.seeds} seeds"
        yield Figure(f"a sender that {name}", value, f"detected as {does}", tally.defects[does] > 0)


def _figures_of_mode(name: str, mode: Mode, first: int, seeds: int) -> Iterator[Figure]:
    tally = run(mode, first=first, seeds=seeds, watched=True, goes_on=True)
    count = tally.figures
    messages, unknown = count["messages"], count["unknown"]
    settled = ", ".join(f"{count[f'unknown, {way}']} {way}" for way in _WAYS_OUT)
    states = ", ".join(
        f"{number} {state.removeprefix('state ')}"
        for state, number in sorted(count.items())
        if state.startswith("state ")
    )
    places, here = len(tally.died_at), tally.seeds - tally.earlier
    of_them = f", {tally.earlier:,} of them by earlier runs" if tally.earlier else ""
    killed = {
        "process": f"{count['processes killed']} killed, {count['processes frozen']} frozen, at {places} places",
        "outage": f"{count['PostgreSQL killed']} PostgreSQL, {count['gateway killed']} gateway,"
        f" {count['connection killed']} connection, at {places} places",
    }[mode]
    yield from [
        Figure(f"{name}: seeds", f"{tally.seeds:,}{of_them}", f"{seeds:,}", tally.seeds == seeds),
        noted(f"{name}: killed or frozen", killed),
        noted(f"{name}: messages", f"{messages:,}: {states}"),
        noted(
            f"{name}: messages accepted by gateways; texts received by phones",
            f"{count['submissions']:,}; {count['received']:,}",
        ),
    ]
    if mode == "process":
        taken, frozen = count["frozen processes taken over"], count["processes frozen"]
        yield equal(f"{name}: frozen processes taken over", taken, frozen)
    yield from [none(f"{name}: {kind}", tally.defects[kind]) for kind in ("doubled", "lost", "stuck", "wrong")]
    share = f"{unknown:,} ({100 * unknown / max(1, messages):.1f} %): {settled}"
    yield from [
        noted(f"{name}: messages that became unknown, and how they were settled", share),
        noted(f"{name}: checks of the accounting identity, in all ledgers", count["identities checked"]),
        noted(f"{name}: seconds", f"{tally.seconds:.0f}, {1000 * tally.seconds / max(1, here):.0f} ms a seed"),
    ]
    rest = Counter(
        {
            words: count[words]
            for words in (
                "said delivered, only parts were",
                "assumed accepted by the declared policy, never taken",
                "sent again after a release",
                "receipts after the horizon",
            )
        }
    )
    yield from [noted(f"{name}: {words}", number) for words, number in rest.items() if number]
    if not tally.is_whole:
        raise KeyboardInterrupt
