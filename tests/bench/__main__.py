"""Run benches: ``python -m tests.bench [NAME …]`` prints a table of speeds and writes docs/proofs.md.

A speed is compared with a limit, or with the speed of another program that is measured in the same run.
"""

from __future__ import annotations

import argparse
import sys
import traceback
from collections.abc import Callable, Mapping

import tests.environment  # isort: skip  # noqa: F401 - before the first import of Airflow

from motcua.settings import settings
from tests.bench import Line, late_joiner, pages, quality, reconciliation, rest, silences, sources, tails
from tests.bench.ledgers import ledger, on_a_ledger
from tests.bench.notices import peers, real_gateway, receipts, sending, two_senders
from tests.bench.notices.gateways import gateway
from tests.prove.page import Machine, section, show, write_page


def _sources() -> list[Line]:
    with ledger() as dsn, gateway(0.05, 16):
        return sources.bench(dsn)


BENCHES: Mapping[str, Callable[[], list[Line]]] = {
    "plan": on_a_ledger(sending.plan_bench),
    "send": on_a_ledger(sending.bench),
    "senders": on_a_ledger(two_senders.bench),
    "kannel": on_a_ledger(real_gateway.bench),
    "receipts": on_a_ledger(receipts.bench),
    "peers": on_a_ledger(peers.bench),
    "quality": on_a_ledger(quality.bench),
    "reconciliation": on_a_ledger(reconciliation.bench),
    "pages": on_a_ledger(pages.bench),
    "sources": _sources,
    "pickup": on_a_ledger(late_joiner.bench),
    "tails": tails.bench,
    "rest": rest.bench,
    "silences": silences.bench,
}


def measured(name: str, benches: Mapping[str, Callable[[], list[Line]]]) -> list[Line]:
    """Run a bench and return its lines; return one failing line if the bench raises an error."""
    settings.cache_clear()
    try:
        return benches[name]()
    except Exception as failure:  # noqa: BLE001 - reported as a failing line, so that the other benches run
        traceback.print_exc()
        return [(name, f"broke off: {type(failure).__name__}", "comes to its end", False)]


def main(
    words: list[str] | None = None,
    benches: Mapping[str, Callable[[], list[Line]]] = BENCHES,
    write: Callable[[Mapping[str, str]], object] = write_page,
) -> int:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", choices=[*benches, []])
    names = parser.parse_args(words).names or list(benches)
    found: list[Line] = []
    for name in names:
        machine = Machine.now()
        lines = measured(name, benches)
        found += lines
        part = f"bench {name}"
        write({part: section(part, machine, lines)})
    show(found)
    return int(not all(good for *_, good in found))


if __name__ == "__main__":
    sys.exit(main())
