"""Kills senders at every step, breaks what is around them, repairs as an operator would, and has the judge look.

``python -m tests.crash.harness MODE --first 1 --seeds 300`` prints one JSON object; ``run`` does that in a process of
its own, since it forks: the caller may have threads. A seed is one small world of a few messages with a script of
faults for each; it is repeated with ``--first SEED --seeds 1`` (the scheduling of threads differs each time).
"""

from __future__ import annotations

import argparse
import gc
import importlib
import json
import logging
import os
import shutil
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias

Mode: TypeAlias = Literal["process", "outage"]

KEEP_EXAMPLES = 10


@dataclass
class Tally:
    """What all seeds of a run gave together."""

    seeds: int = 0
    seconds: float = 0.0
    figures: Counter[str] = field(default_factory=Counter)
    died_at: Counter[str] = field(default_factory=Counter)
    """Steps at which a process died, or at which PostgreSQL or the gateway did."""
    defects: dict[str, int] = field(default_factory=lambda: dict.fromkeys(("doubled", "lost", "stuck", "wrong"), 0))
    examples: list[str] = field(default_factory=list)
    """The first defects, each with its seed."""

    def add(self, other: Tally) -> None:
        """Adds another worker's."""
        self.seeds += other.seeds
        self.figures.update(other.figures)
        self.died_at.update(other.died_at)
        for kind, count in other.defects.items():
            self.defects[kind] += count
        self.examples = (self.examples + other.examples)[:KEEP_EXAMPLES]

    @property
    def is_clean(self) -> bool:
        """No defect was found."""
        return not any(self.defects.values())


def run(mode: Mode, *, first: int, seeds: int, workers: int = 3) -> Tally:
    """Runs so many seeds.

    Raises:
        RuntimeError: the harness itself failed; the message quotes it.
    """
    return _read(_in_a_process(mode, first, seeds, workers))


def run_broken(*, first: int, seeds: int) -> dict[str, Tally]:
    """Runs so many seeds with each of the senders that are broken on purpose, by name.

    Raises:
        RuntimeError: the harness itself failed; the message quotes it.
    """
    return {name: _read(values) for name, values in _in_a_process("broken", first, seeds, 1).items()}


def _in_a_process(mode: str, first: int, seeds: int, workers: int) -> dict[str, Any]:
    command = [sys.executable, "-m", "tests.crash.harness", mode]
    command += ["--first", str(first), "--seeds", str(seeds), "--workers", str(workers)]
    done = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"the crash harness failed: {done.stderr[-3000:]}")
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def _read(values: dict[str, Any]) -> Tally:
    counters = {name: Counter(values[name]) for name in ("figures", "died_at")}
    return Tally(**{**values, **counters})


def main() -> int:
    """Runs the seeds in some workers and prints the tally as JSON; 1 when a worker failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.crash.harness", description=__doc__)
    parser.add_argument("mode", choices=["process", "outage", "broken"])
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--seeds", type=int, default=100)
    parser.add_argument("--workers", type=int, default=3)
    asked = parser.parse_args()
    os.environ["AIRFLOW__LOGGING__LOGGING_LEVEL"] = "ERROR"
    importlib.import_module("tests.conftest")  # sets Airflow's environment, before its first import
    seeds = importlib.import_module("tests.crash.seeds")
    from tests.crash.world import Forked

    logging.disable(logging.ERROR)
    gc.collect()
    gc.freeze()  # what is shared with the forked stays shared
    started = time.monotonic()
    numbers = range(asked.first, asked.first + asked.seeds)
    if asked.mode == "broken":
        children = [Forked(lambda report: seeds.try_broken_senders(numbers, report))]
    else:
        shares = [numbers[worker :: asked.workers] for worker in range(min(asked.workers, asked.seeds))]
        children = [Forked(lambda report, n=share: seeds.work(asked.mode, n, report)) for share in shares]
    answers = []
    for child in children:
        while not child.listen(60.0):
            pass
        lines, ended_by = child.end()
        if not ended_by and lines and lines[-1].startswith("{"):
            answers.append(json.loads(lines[-1]))
    shutil.rmtree(os.environ["AIRFLOW_HOME"], ignore_errors=True)
    if len(answers) < len(children):
        return 1
    if asked.mode == "broken":
        print(json.dumps(answers[0]))
        return 0
    tally = Tally()
    for answer in answers:
        tally.add(_read(answer))
    tally.seconds = time.monotonic() - started
    print(json.dumps(vars(tally)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
