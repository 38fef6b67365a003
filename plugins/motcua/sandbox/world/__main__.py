"""Run the simulated one-stop software, the *world*: dossiers arrive and move as in real life, only faster.

The data has realistic faults. ``python -m motcua.sandbox.world --folder F`` runs the world until SIGTERM. After a
restart it continues where it stopped. The commands ``… mend AGENCY DOSSIER PHONE``, ``… move AGENCY DOSSIER STATUS
--desk`` and ``… late AGENCY DOSSIER STATUS HOURS`` let a visitor act as the desk's official. The DSNs of the databases
come from the environment: MOTCUA_WORLD_KHANHHOA_DSN, MOTCUA_WORLD_VANPHONG_DSN, MOTCUA_WORLD_TRUTH_DSN. All timestamps
are the real time. The database of the *truth* records what really happened, without the faults.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
from psycopg.rows import dict_row

from motcua.domain.clock import VIETNAM
from motcua.domain.phones.reading import mask_msisdn, read_phone
from motcua.jobs.calendars import HOME_PROVINCE
from motcua.jobs.handed_in.phones import phone_labels
from motcua.sandbox.machine.parts import told_to_stop
from motcua.sandbox.world.clockwork import DEFAULT_RATE, World, WorldError
from motcua.sandbox.world.happenings import Dossier, condition
from motcua.sandbox.world.writers import OneStopWriter, OpencpsWriter
from motcua.settings import settings
from motcua.store.ledger.database import Connection

_DSN_VARIABLES = {
    "khanhhoa": "MOTCUA_WORLD_KHANHHOA_DSN",
    "vanphong": "MOTCUA_WORLD_VANPHONG_DSN",
    "truth": "MOTCUA_WORLD_TRUTH_DSN",
}


def world_databases(folder: Path | None = None) -> dict[str, str]:
    """Return the DSNs from the environment, or else those that a world stored in its folder.

    Raises:
        WorldError: neither the environment nor the folder contains them.
    """
    dsns = {name: os.environ.get(variable, "") for name, variable in _DSN_VARIABLES.items()}
    if all(dsns.values()):
        return dsns
    file = folder / "connections.json" if folder else None
    if file is not None and file.exists():
        try:
            known = json.loads(file.read_text(encoding="utf-8"))
            return {name: str(known[name]) for name in _DSN_VARIABLES}
        except (ValueError, KeyError, TypeError) as error:
            raise WorldError(f"{file} cannot be read: start the world again, or set the variables.") from error
    missing = ", ".join(variable for name, variable in _DSN_VARIABLES.items() if not dsns[name])
    raise WorldError(f"Not set: {missing}. Set them, or name with --folder the folder of a world that has run.")


def _keep_addresses(folder: Path, dsns: Mapping[str, str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "connections.json"
    file.touch(mode=0o600)
    file.write_text(json.dumps(dict(dsns)), encoding="utf-8")


@contextmanager
def open_world(
    dsns: Mapping[str, str], *, rate: float = DEFAULT_RATE, seed: int | None = None, hostile: bool = False
) -> Iterator[World]:
    """Yield a world on these databases (``khanhhoa``, ``vanphong``, ``truth``), not started yet.

    Raises:
        psycopg.OperationalError: a database does not answer.
    """
    with ExitStack() as stack:
        connections: dict[str, Connection] = {
            name: stack.enter_context(
                psycopg.connect(dsns[name], autocommit=True, row_factory=dict_row, application_name="motcua world")
            )
            for name in _DSN_VARIABLES
        }
        writers = {
            "khanhhoa": OneStopWriter(connections["khanhhoa"]),
            "vanphong": OpencpsWriter(connections["vanphong"]),
        }
        yield World(connections["truth"], writers, rate=rate, seed=seed, hostile=hostile)


def _report(world: World) -> None:
    shown = ("arrived", "transitions", "results", "supplements", "phone_mended", "misclick", "handed_over")
    counts = {name: world.counts[name] for name in shown}
    print(
        json.dumps({"at": datetime.now(UTC).isoformat(timespec="seconds"), **counts, "planned": world.planned()}),
        flush=True,
    )


def _live(dsns: Mapping[str, str], rate: float, seed: int | None, stop: threading.Event, *, hostile: bool) -> None:
    lived = False
    while not stop.is_set():
        try:
            with open_world(dsns, rate=rate, seed=seed, hostile=hostile) as world:
                world.wake()
                lived = True
                reported = world.last_tick
                while not stop.is_set():
                    world.tick()
                    if world.last_tick - reported > timedelta(seconds=5):
                        reported = world.last_tick
                        world.rest()
                        _report(world)
                    stop.wait(0.1)
                world.rest()
                _report(world)
        except psycopg.Error as error:
            reason = (str(error).strip() or "no answer").splitlines()[0]
            if not lived:
                raise WorldError(f"The sandbox's databases cannot be used: {reason}") from error
            if not isinstance(error, psycopg.OperationalError):
                raise
            print(f"The world waits for its databases: {reason}", file=sys.stderr, flush=True)
            stop.wait(2)


def what_comes(dossier: Dossier) -> str:
    """Return a sentence about the message that a dossier in this state leads to, or why there is none."""
    entered_on = dossier.phone_entered_at.astimezone(VIETNAM).date()
    reading = read_phone(dossier.phone.written, entered_on, HOME_PROVINCE)
    kind = condition(dossier.status, dossier.desk)
    if kind is None:
        where = "at the desk" if dossier.desk else "not at the desk"
        owed = f"No message is due at status {dossier.status}, {where}: move the dossier to 9 or 5 with --desk."
    elif reading.refusal:
        owed = f"The {kind} message is suppressed. It is sent automatically when the phone number is corrected."
    else:
        owed = f"The {kind} message goes there within seconds, unless it was sent before."
    if reading.refusal:
        title = phone_labels()[reading.refusal].title
        return f"Nobody can be texted: the phone field reads as {reading.refusal} ({title}). {owed}"
    return f"The phone field reads as {mask_msisdn(reading.e164 or '')}. {owed}"


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m motcua.sandbox.world",
        description="Simulate one-stop software, or change one dossier of it by hand.",
    )
    parser.add_argument("--folder", type=Path, default=settings().data / "world", help="folder of the simulation")
    parser.add_argument("--rate", type=float, default=DEFAULT_RATE, help="transitions per second")
    parser.add_argument("--seed", type=int, default=None, help="seed of the random numbers, for repeatable runs")
    parser.add_argument(
        "--hostile", action="store_true", help="put values into some names and notes that break careless software"
    )
    commands = parser.add_subparsers(dest="command", metavar="mend|move|late")
    change = commands.add_parser("mend", help="write another phone number into a dossier")
    move = commands.add_parser("move", help="move a dossier to another status")
    late = commands.add_parser("late", help="add a step that happened hours ago, without changing the dossier's row")
    for command in (change, move, late):
        command.add_argument("agency", help="code or alias, for example 000.00.04.H32 or H32.4")
        command.add_argument("dossier", help="dossier code")
    change.add_argument("phone", help="the phone field's new text")
    for command in (move, late):
        command.add_argument("status", type=int, help="national status code: 5 supplement, 9 result, 10 handed over")
        command.add_argument(
            "--desk",
            action=argparse.BooleanOptionalAction,
            default=True,
            help="whether the dossier is at the one-stop desk",
        )
    late.add_argument("hours", type=float, help="how many hours ago the step happened")
    chosen = parser.parse_args(arguments)
    if not 0 < chosen.rate <= 500:
        parser.error("--rate is a number of transitions per second above 0, at most 500")
    if chosen.command in ("move", "late") and not 1 <= chosen.status <= 99:
        parser.error("STATUS is a status code, 1 to 99")
    if chosen.command == "late" and not 0 < chosen.hours <= 1000:
        parser.error("HOURS is a number above 0, at most 1000")
    return chosen


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the world until SIGTERM or SIGINT, or one command of a visitor, and return the exit code."""
    chosen = _arguments(arguments)
    try:
        dsns = world_databases(chosen.folder)
        if chosen.command is None:
            stop = told_to_stop()
            _keep_addresses(chosen.folder, dsns)
            _live(dsns, chosen.rate, chosen.seed, stop, hostile=chosen.hostile)
            return 0
        with open_world(dsns) as world:
            if chosen.command == "mend":
                comes = what_comes(world.mend_by_hand(chosen.agency, chosen.dossier, chosen.phone))
            elif chosen.command == "late":
                ago = timedelta(hours=chosen.hours)
                world.type_in_late(chosen.agency, chosen.dossier, chosen.status, ago, desk=chosen.desk)
                comes = (
                    "The step counts only if the dossier's row agrees with it. The row is read again in five minutes."
                )
            else:
                comes = what_comes(world.move_by_hand(chosen.agency, chosen.dossier, chosen.status, desk=chosen.desk))
        print(f"Done. {comes}")
    except (WorldError, OSError, psycopg.OperationalError) as error:
        print((str(error).strip() or "no answer").splitlines()[0], file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
