"""Kills senders at every step, breaks what is around them, repairs as an operator would, and has the judge look.

``python -m tests.crash.harness MODE --first 1 --seeds 300`` prints one JSON object, and to stderr how far it is and
each finding as it comes; ended by SIGINT or SIGTERM it prints what it has. ``run`` does that in a process of its own,
since it forks: the caller may have threads. A seed is one small world of a few messages with a script of
faults for each; it is repeated with ``--first SEED --seeds 1`` (the scheduling of threads differs each time).
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import gc
import hashlib
import importlib
import json
import logging
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

Mode: TypeAlias = Literal["process", "each step", "each step frozen", "outage"]
"""What dies: a process where it is drawn, frozen as often; or a sender at one step after the other, or is frozen there;
or what a sender needs."""

WORKERS = min(8, 2 * (os.cpu_count() or 1))
"""Each waits half of its time: for answers that do not come, for a child to start."""
TOLD = "told"
"""What a worker reports at the end of each seed."""
_KEEP_EXAMPLES = 10
_END_WITHIN = 120.0
"""Seconds for a worker to end what it started, where others use the machine too."""
_SAY_EVERY = 30.0
"""Seconds between two lines about how far a run is, where no terminal shows it."""


@dataclass
class Tally:
    """What all seeds of a run gave together."""

    seeds: int = 0
    earlier: int = 0
    """Of these seeds those that an earlier run told."""
    seconds: float = 0.0
    figures: Counter[str] = field(default_factory=Counter)
    died_at: Counter[str] = field(default_factory=Counter)
    """Steps at which a process died, or at which PostgreSQL or the gateway did."""
    defects: dict[str, int] = field(default_factory=lambda: dict.fromkeys(("doubled", "lost", "stuck", "wrong"), 0))
    examples: list[str] = field(default_factory=list)
    """The first defects, each with its seed."""
    is_whole: bool = True
    """It was not ended before all seeds were told."""

    def note(self, kind: str, words: str) -> None:
        """Counts a defect."""
        self.defects[kind] += 1
        self.examples = [*self.examples, words][:_KEEP_EXAMPLES]

    def add(self, other: Tally) -> None:
        """Adds another worker's."""
        self.seeds += other.seeds
        self.earlier += other.earlier
        self.figures.update(other.figures)
        self.died_at.update(other.died_at)
        for kind, count in other.defects.items():
            self.defects[kind] += count
        self.examples = (self.examples + other.examples)[:_KEEP_EXAMPLES]


def run(
    mode: Mode, *, first: int, seeds: int, workers: int = WORKERS, watched: bool = False, goes_on: bool = False
) -> Tally:
    """Runs so many seeds, of which ``workers`` are told at a time.

    ``watched``: stderr tells how far it is and what it finds; Ctrl-C leaves the tally so far. ``goes_on``: those that
    an earlier run told of the same sources are not told again, and what is told is kept.

    Raises:
        RuntimeError: the harness itself failed, as each of its runs may; the message quotes it.
    """
    return _read(_in_a_process(mode, first, seeds, workers, watched=watched, goes_on=goes_on))


def end_at_first_signal(error: type[BaseException]) -> None:
    """Has SIGINT or SIGTERM raise the error, once: a process and its group are often told at the same time."""

    def end(*_: object) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
        raise error

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)


def run_broken(*, first: int, seeds: int) -> dict[str, Tally]:
    """Runs so many seeds with each of the senders that are broken on purpose, by name."""
    return {name: _read(values) for name, values in _in_a_process("broken", first, seeds, 1).items()}


def run_stray_requests(*, first: int, seeds: int) -> dict[str, Tally]:
    """Runs so many seeds with each of three requests that come in another seed's time, by name."""
    return {name: _read(values) for name, values in _in_a_process("stray", first, seeds, 1).items()}


def run_takeovers(*, shares: int, workers: int = WORKERS) -> Tally:
    """Freezes a leader once at each step, in so many shares of all steps, of which each worker takes one; ``died_at``
    has the milliseconds until others had taken over."""
    return _read(_in_a_process("takeovers", 0, shares, workers, watched=True))


def _in_a_process(
    mode: str, first: int, seeds: int, workers: int, *, watched: bool = False, goes_on: bool = False
) -> dict[str, Any]:
    command = [sys.executable, "-m", "tests.crash.harness", mode]
    command += ["--first", str(first), "--seeds", str(seeds), "--workers", str(workers)]
    command += ["--goes-on"] if goes_on else []
    with contextlib.ExitStack() as files:
        output, errors = (files.enter_context(tempfile.TemporaryFile("w+")) for _ in range(2))
        # In a session of its own: a terminal's Ctrl-C is for us alone, and we pass it on.
        process = subprocess.Popen(
            command,
            cwd=Path(__file__).parents[2],
            stdout=output,
            stderr=None if watched else errors,
            start_new_session=True,
        )
        try:
            process.wait()
        except KeyboardInterrupt:
            process.terminate()
            process.wait()
            if process.returncode or not watched:
                raise
        for file in (output, errors):
            file.seek(0)
        if process.returncode:
            raise RuntimeError(f"the crash harness failed: {errors.read()[-3000:] or 'see above'}")
        answer: dict[str, Any] = json.load(output)
    return answer


def _read(values: dict[str, Any]) -> Tally:
    counters = {name: Counter(values[name]) for name in ("figures", "died_at")}
    return Tally(**{name: value for name, value in values.items() if name != "numbers"} | counters)


class _Watch:
    """Says how far a run is and what it finds: a bar on a terminal, elsewhere a line now and then."""

    def __init__(self, mode: str, seeds: int) -> None:
        self._seeds, self._told, self._found = seeds, 0, 0
        self._mode, self._began = mode, time.monotonic()
        self._said = self._began
        self._console = Console(stderr=True, soft_wrap=True, highlight=False)
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        self._bar = Progress(*columns, console=self._console, disable=not self._console.is_terminal)
        self._task = self._bar.add_task(mode, total=seeds)

    def __enter__(self) -> _Watch:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def told(self) -> None:
        """One more seed has been told."""
        self._told += 1
        self._bar.update(self._task, advance=1, description=self._words)
        if self._bar.disable and time.monotonic() - self._said > _SAY_EVERY:
            self._said = time.monotonic()
            self._console.print(f"{self._words}: {self._told:,} of {self._seeds:,} seeds", markup=False)

    def found(self, words: str) -> None:
        """A finding."""
        self._found += 1
        self._console.print(f"{self._mode}: {words}", markup=False)

    @property
    def _words(self) -> str:
        apart = 1000 * (time.monotonic() - self._began) / max(1, self._told)
        return f"{self._mode}, {apart:.0f} ms a seed, {self._found} findings"


def main() -> int:
    """Runs the seeds in some workers and prints the tally as JSON; 1 when a worker failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.crash.harness", description=__doc__)
    parser.add_argument("mode", choices=[*get_args(Mode), "broken", "stray", "takeovers"])
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--seeds", type=int, default=100)
    parser.add_argument("--workers", type=int, default=WORKERS)
    parser.add_argument("--goes-on", action="store_true", help="tells what no earlier run of these sources told")
    asked = parser.parse_args()
    os.environ["AIRFLOW__LOGGING__LOGGING_LEVEL"] = "ERROR"
    importlib.import_module("tests.environment")  # sets Airflow's environment, before its first import
    seeds = importlib.import_module("tests.crash.seeds")
    processes = importlib.import_module("tests.crash.processes")
    world = importlib.import_module("tests.crash.world")

    processes.die_with_parent()
    logging.disable(logging.ERROR)
    numbers: Sequence[int] = range(asked.first, asked.first + asked.seeds)
    file = file_of(asked.mode) if asked.goes_on else None
    earlier = kept(file, numbers) if file else []
    told = {number for batch in earlier for number in batch["numbers"]}
    numbers = [number for number in numbers if number not in told]
    end_at_first_signal(KeyboardInterrupt)
    with contextlib.ExitStack() as folders:
        folders.callback(shutil.rmtree, os.environ["AIRFLOW_HOME"], ignore_errors=True)
        foundation = folders.enter_context(world.foundation())
        gc.collect()
        gc.freeze()  # what is shared with the forked stays shared
        works: list[Callable[..., None]]
        if asked.mode == "takeovers":
            takeovers = importlib.import_module("tests.crash.takeovers")
            works = [
                functools.partial(takeovers.time_takeovers, foundation, [turn], asked.seeds)
                for turn in range(min(asked.workers, asked.seeds))
            ]
        elif asked.mode in ("broken", "stray"):
            try_them = seeds.try_broken_senders if asked.mode == "broken" else seeds.try_stray_requests
            works = [functools.partial(try_them, foundation, numbers)]
        else:
            shares = [numbers[worker :: asked.workers] for worker in range(min(asked.workers, len(numbers)))]
            works = [functools.partial(seeds.work, asked.mode, foundation, share) for share in shares]
        answer = _gather([processes.Forked(work) for work in works], asked.mode, len(numbers), file, earlier)
    print(json.dumps(answer))
    return int(not answer)


def _gather(
    children: Sequence[Any], mode: str, seeds: int, file: Path | None, earlier: Sequence[dict[str, Any]]
) -> dict[str, Any]:
    """What the workers report, and what was told earlier, together; nothing where one of them failed."""
    tally, by_name, began = Tally(), {}, time.monotonic()
    for batch in earlier:
        tally.add(_read(batch))
    tally.earlier = tally.seeds
    failed = False

    def take(line: str) -> None:
        batch = json.loads(line)
        tally.add(_read(batch))
        if file and batch["numbers"]:
            keep(file, batch)

    with _Watch(mode, seeds) as watch:
        try:
            for line in _lines(children):
                if line == TOLD:
                    watch.told()
                elif line.startswith("raised"):
                    failed = True
                elif not line.startswith("{"):
                    watch.found(line)
                elif mode in ("broken", "stray"):
                    by_name = json.loads(line)
                else:
                    take(line)
        except KeyboardInterrupt:
            tally.is_whole = False
            for child in children:
                child.terminate()
    for child in children:
        child.listen(_END_WITHIN)
        lines, ended_by = child.end()
        failed |= bool(ended_by) and tally.is_whole
        for line in lines:
            if line.startswith("{") and mode not in ("broken", "stray"):
                take(line)
    tally.seconds = time.monotonic() - began
    if failed:
        return {}
    return by_name if mode in ("broken", "stray") else vars(tally)


def _lines(children: Sequence[Any]) -> Iterator[str]:
    """The lines of all, as they come, until all have ended."""
    living = list(children)
    while living:
        ready, _, _ = select.select(living, [], [])
        for child in ready:
            ended = child.listen(0.0)
            yield from child.new_lines()
            if ended:
                living.remove(child)


_ROOT = Path(__file__).parents[2]
_TRIED = (
    "plugins/motcua/**/*.py",
    "include/sql/**/*.sql",
    "include/templates/**/*",
    "tests/crash/[!t]*.py",
    "tests/ground.py",
)
_INSTALLED = "requirements.lock"


def file_of(mode: str) -> Path:
    """Where the batches of the sources as they are now are kept."""
    found = {path for pattern in _TRIED for path in _ROOT.glob(pattern) if path.is_file()} | {_ROOT / _INSTALLED}
    state = hashlib.sha256()
    for path in sorted(found):
        state.update(f"{path.relative_to(_ROOT)}\0{hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return _ROOT / "out/prove/crash" / state.hexdigest()[:16] / f"{mode.replace(' ', '-')}.jsonl"


def keep(file: Path, batch: dict[str, Any]) -> None:
    """Keeps a batch: its ``numbers`` and its tally's values."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a", encoding="utf-8") as lines:
        lines.write(json.dumps(batch) + "\n")


def kept(file: Path, numbers: Collection[int]) -> list[dict[str, Any]]:
    """The batches all of whose seeds are among these; no seed twice, and no line that was cut off."""
    wanted, found = set(numbers), []
    for line in file.read_text(encoding="utf-8").splitlines() if file.exists() else []:
        try:
            batch = json.loads(line)
        except ValueError:
            continue
        if wanted.issuperset(batch["numbers"]):
            wanted -= set(batch["numbers"])
            found.append(batch)
    return found


if __name__ == "__main__":
    sys.exit(main())
