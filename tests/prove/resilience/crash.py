"""Whether anything is doubled or lost when senders, PostgreSQL and gateways are killed: counted in the gateways' logs.

``make prove ONLY=crash SEEDS=10000``. Row by row: a sender, planning, receiving or settling killed at a step or at any
moment, or as often frozen there, taken over by another one, and awake again then or later; PostgreSQL stopped without a
word and the gateway killed in the middle of sending; and senders that are broken on purpose, which must be found out.
How it is done: tests/crash/seeds.py. What is found is said at once; ended by Ctrl-C or SIGTERM, the table is of what
was done until then, and says so. The next run of the same sources goes on from there (tests/crash/harness.py); its
table has the earlier one's seeds, with what was found of them, and says how many.
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
    """So many seeds with processes killed, up to 200 with outages, a few with each broken sender."""
    found: list[Figure] = []
    end_at_first_signal(KeyboardInterrupt)
    try:
        for figure in _all(seed, seeds):
            found.append(figure)
    except KeyboardInterrupt:
        found.append(Figure("ended before its end: this table", "is not whole", "is whole", False))
    return found


def _all(seed: int, seeds: int) -> Iterator[Figure]:
    yield from _figures("processes", "process", seed, seeds)
    yield from _figures("outages", "outage", seed, min(seeds, _OUTAGES))
    for name, tally in run_broken(first=seed, seeds=_BROKEN).items():
        does = BREAKAGES[name].does
        value = f"{tally.defects[does]} {does} in {tally.seeds} seeds"
        yield Figure(f"a sender that {name}", value, f"found out: {does}", tally.defects[does] > 0)


def _figures(name: str, mode: Mode, first: int, seeds: int) -> Iterator[Figure]:
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
        noted(f"{name}: what died", killed),
        noted(f"{name}: messages", f"{messages:,}: {states}"),
        noted(f"{name}: taken by gateways; received", f"{count['submissions']:,}; {count['received']:,}"),
    ]
    if mode == "process":
        taken, frozen = count["frozen processes taken over"], count["processes frozen"]
        yield equal(f"{name}: frozen ones taken over", taken, frozen)
    yield from [none(f"{name}: {kind}", tally.defects[kind]) for kind in ("doubled", "lost", "stuck", "wrong")]
    share = f"{unknown:,} ({100 * unknown / max(1, messages):.1f} %): {settled}"
    yield from [
        noted(f"{name}: became unknown", share),
        noted(f"{name}: identity checked, in all ledgers", count["identities checked"]),
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
