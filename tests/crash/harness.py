"""Kill senders at every step, kill the parts that they need, repair as an operator would, and judge the ledger.

``python -m tests.crash.harness MODE --first 1 --seeds 300`` prints one JSON object. To stderr it prints the progress,
and each finding at once. At SIGINT or SIGTERM it prints the results so far. ``run`` starts the harness in a process of
its own, because the harness forks and the caller may have threads. A seed is the number from which a small world of a
few messages is drawn, with a script of faults for each message. ``--first SEED --seeds 1`` plays one seed again; only
the scheduling of threads differs each time.
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

Mode: TypeAlias = Literal["process", "each step", "outage"]
"""Kind of a run. ``process``: a process is killed or, just as often, frozen at a random step. ``each step``: a sender
is frozen before each of its steps, and killed after each of its steps, each time in a seed of its own; seeds beyond the
last step are not played. ``outage``: a part that a sender needs is killed.
"""

WORKERS = min(8, 2 * (os.cpu_count() or 1))
"""Number of worker processes: more than cores, because a worker spends half of its time waiting."""
PLAYED = "played"
"""Line that a worker reports at the end of each seed."""
_MOST_EXAMPLES = 10
_END_WITHIN = 120.0
"""Seconds within which a worker must end the processes that it started; enough for a busy machine."""
_SAY_EVERY = 30.0
"""Seconds between two lines about the progress, if stderr is no terminal."""


@dataclass
class Tally:
    """The results of all seeds of a run together."""

    seeds: int = 0
    earlier: int = 0
    """Number of seeds whose results come from an earlier run."""
    seconds: float = 0.0
    figures: Counter[str] = field(default_factory=Counter)
    died_at: Counter[str] = field(default_factory=Counter)
    """Step → how often a process, PostgreSQL or the gateway was killed or frozen there."""
    defects: dict[str, int] = field(default_factory=lambda: dict.fromkeys(("doubled", "lost", "stuck", "wrong"), 0))
    examples: list[str] = field(default_factory=list)
    """Descriptions of the first defects, each with its seed."""
    is_whole: bool = True
    """Whether all seeds were played before the run ended."""

    def note(self, kind: str, words: str) -> None:
        """Count a defect of this kind, and store its description if it is among the first."""
        self.defects[kind] += 1
        self.examples = [*self.examples, words][:_MOST_EXAMPLES]

    def add(self, other: Tally) -> None:
        """Add the tally of another worker."""
        self.seeds += other.seeds
        self.earlier += other.earlier
        self.figures.update(other.figures)
        self.died_at.update(other.died_at)
        for kind, count in other.defects.items():
            self.defects[kind] += count
        self.examples = (self.examples + other.examples)[:_MOST_EXAMPLES]


def run(
    mode: Mode, *, first: int, seeds: int, workers: int = WORKERS, watched: bool = False, goes_on: bool = False
) -> Tally:
    """Play ``seeds`` seeds with ``workers`` processes at a time.

    ``watched``: print progress and findings to stderr; on Ctrl-C return the tally so far. ``goes_on``: store the
    results, and skip seeds that an earlier run of the same source code has played.

    Raises:
        RuntimeError: The harness itself failed; the message quotes its error.
    """
    return _tally_of(_run_harness(mode, first, seeds, workers, watched=watched, goes_on=goes_on))


def end_at_first_signal(error: type[BaseException]) -> None:
    """Let the first SIGINT or SIGTERM raise the error in this process, and ignore later signals.

    A process often gets the signal twice: once by itself and once together with its process group.
    """

    def end(*_: object) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
        raise error

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)


def run_broken(*, first: int, seeds: int) -> dict[str, Tally]:
    """Play ``seeds`` seeds with each of the senders that are broken on purpose; return the tallies by name."""
    return {name: _tally_of(values) for name, values in _run_harness("broken", first, seeds, 1).items()}


def run_stray_requests(*, first: int, seeds: int) -> dict[str, Tally]:
    """Play ``seeds`` seeds with each of three stray requests; return the tallies by name.

    A stray request reaches the gateway after its seed has been judged, while later seeds are played.
    """
    return {name: _tally_of(values) for name, values in _run_harness("stray", first, seeds, 1).items()}


def run_takeovers(*, shares: int, workers: int = WORKERS) -> Tally:
    """Freeze the leading sender, which reads news for all senders, once at each of its steps.

    The steps are divided into ``shares`` shares, one for each worker. ``died_at`` of the tally has, for each step, the
    milliseconds until another sender had taken over.
    """
    return _tally_of(_run_harness("takeovers", 0, shares, workers, watched=True))


def _run_harness(
    mode: str, first: int, seeds: int, workers: int, *, watched: bool = False, goes_on: bool = False
) -> dict[str, Any]:
    command = [sys.executable, "-m", "tests.crash.harness", mode]
    command += ["--first", str(first), "--seeds", str(seeds), "--workers", str(workers)]
    command += ["--goes-on"] if goes_on else []
    with contextlib.ExitStack() as files:
        output, errors = (files.enter_context(tempfile.TemporaryFile("w+")) for _ in range(2))
        # The harness gets a process session of its own, so that Ctrl-C in a terminal reaches only this process, which
        # passes the signal on.
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


def _tally_of(values: dict[str, Any]) -> Tally:
    counters = {name: Counter(values[name]) for name in ("figures", "died_at")}
    return Tally(**{name: value for name, value in values.items() if name != "numbers"} | counters)


class _Progress:
    """Shows progress and findings: a progress bar on a terminal, otherwise a line now and then."""

    def __init__(self, mode: str, seeds: int) -> None:
        self._seeds, self._played, self._found = seeds, 0, 0
        self._mode, self._began = mode, time.monotonic()
        self._said = self._began
        self._console = Console(stderr=True, soft_wrap=True, highlight=False)
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        self._bar = Progress(*columns, console=self._console, disable=not self._console.is_terminal)
        self._task = self._bar.add_task(mode, total=seeds)

    def __enter__(self) -> _Progress:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def count_played(self) -> None:
        """Count one more played seed."""
        self._played += 1
        self._bar.update(self._task, advance=1, description=self._description)
        if self._bar.disable and time.monotonic() - self._said > _SAY_EVERY:
            self._said = time.monotonic()
            self._console.print(f"{self._description}: {self._played:,} of {self._seeds:,} seeds", markup=False)

    def found(self, words: str) -> None:
        """Print a finding."""
        self._found += 1
        self._console.print(f"{self._mode}: {words}", markup=False)

    @property
    def _description(self) -> str:
        apart = 1000 * (time.monotonic() - self._began) / max(1, self._played)
        return f"{self._mode}, {apart:.0f} ms a seed, {self._found} findings"


def main() -> int:
    """Play the seeds in several workers and print the tally as JSON; return 1 if a worker failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.crash.harness", description=__doc__)
    parser.add_argument("mode", choices=[*get_args(Mode), "broken", "stray", "takeovers"])
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--seeds", type=int, default=100)
    parser.add_argument("--workers", type=int, default=WORKERS)
    parser.add_argument("--goes-on", action="store_true", help="skip seeds that an earlier run of these sources played")
    asked = parser.parse_args()
    os.environ["AIRFLOW__LOGGING__LOGGING_LEVEL"] = "ERROR"
    importlib.import_module("tests.environment")  # sets Airflow's environment before the first import of Airflow
    seeds = importlib.import_module("tests.crash.seeds")
    processes = importlib.import_module("tests.crash.processes")
    world = importlib.import_module("tests.crash.world")

    processes.die_with_parent()
    logging.disable(logging.ERROR)
    numbers: Sequence[int] = range(asked.first, asked.first + asked.seeds)
    file = file_of(asked.mode) if asked.goes_on else None
    earlier = stored_batches(file, numbers) if file else []
    played = {number for batch in earlier for number in batch["numbers"]}
    numbers = [number for number in numbers if number not in played]
    end_at_first_signal(KeyboardInterrupt)
    with contextlib.ExitStack() as folders:
        folders.callback(shutil.rmtree, os.environ["AIRFLOW_HOME"], ignore_errors=True)
        foundation = folders.enter_context(world.foundation())
        gc.collect()
        gc.freeze()  # garbage collection in a fork would write into shared memory, and each write copies a page
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
        answer = _collect([processes.Forked(work) for work in works], asked.mode, len(numbers), file, earlier)
    print(json.dumps(answer))
    return int(not answer)


def _collect(
    children: Sequence[Any], mode: str, seeds: int, file: Path | None, earlier: Sequence[dict[str, Any]]
) -> dict[str, Any]:
    """Return the sum of the results of the workers and of earlier runs; return ``{}`` if a worker failed."""
    tally, by_name, began = Tally(), {}, time.monotonic()
    for batch in earlier:
        tally.add(_tally_of(batch))
    tally.earlier = tally.seeds
    failed = False

    def take(line: str) -> None:
        batch = json.loads(line)
        tally.add(_tally_of(batch))
        if file and batch["numbers"]:
            store_batch(file, batch)

    with _Progress(mode, seeds) as progress:
        try:
            for line in _lines(children):
                if line == PLAYED:
                    progress.count_played()
                elif line.startswith("raised"):
                    failed = True
                elif not line.startswith("{"):
                    progress.found(line)
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
    """Yield the lines of all children as they come, until all children have ended."""
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
    """Return the file that stores the batches of seeds that were played with the present source code."""
    found = {path for pattern in _TRIED for path in _ROOT.glob(pattern) if path.is_file()} | {_ROOT / _INSTALLED}
    state = hashlib.sha256()
    for path in sorted(found):
        state.update(f"{path.relative_to(_ROOT)}\0{hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return _ROOT / "out/prove/crash" / state.hexdigest()[:16] / f"{mode.replace(' ', '-')}.jsonl"


def store_batch(file: Path, batch: dict[str, Any]) -> None:
    """Store a batch: the ``numbers`` of its seeds and the values of its tally."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a", encoding="utf-8") as lines:
        lines.write(json.dumps(batch) + "\n")


def stored_batches(file: Path, numbers: Collection[int]) -> list[dict[str, Any]]:
    """Return the stored batches of seeds among ``numbers``; skip truncated lines and batches that repeat a seed."""
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
