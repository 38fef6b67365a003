"""Provide the simulated day's clock: a file with the time, its speed, and the error of the server's clock.

The process that made the file sets the clock, and every process of the day reads it. Sources use the true time of the
day; jobs and the ledger use the time of the server's clock, which may be wrong. In the processes of jobs,
``datetime.now`` of the product's modules returns the time of the server's clock, so the jobs run with unchanged code.
Waits of a few seconds (for an answer, for an SQL statement) last real seconds.
"""

from __future__ import annotations

import importlib
import os
import pkgutil
import struct
import sys
import time
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from types import ModuleType
from typing import Any

import psycopg

from motcua.domain.clock import VIETNAM
from motcua.store.ledger.queries import statement

_LAYOUT = struct.Struct("4d")
_OURS = ("dag_texts", "domain", "gateways", "jobs", "quality", "reports", "sources", "store", "web")


class Clock:
    def __init__(self, path: Path) -> None:
        self._path = path

    def set(self, true: datetime, speed: float, skew: timedelta = timedelta(0)) -> None:
        """Set the true time of the day, its speed, and how far the server's clock is ahead.

        ``speed`` is the number of seconds of the day that pass in one real second.
        """
        draft = self._path.with_suffix(".new")
        draft.write_bytes(_LAYOUT.pack(time.monotonic(), true.timestamp(), speed, skew.total_seconds()))
        os.replace(draft, self._path)

    def true(self) -> datetime:
        set_at, moment, speed, _ = self._read()
        return datetime.fromtimestamp(moment + (time.monotonic() - set_at) * speed, UTC)

    def machine(self) -> datetime:
        set_at, moment, speed, skew = self._read()
        return datetime.fromtimestamp(moment + skew + (time.monotonic() - set_at) * speed, UTC)

    @property
    def speed(self) -> float:
        return self._read()[2]

    @property
    def skew(self) -> timedelta:
        return timedelta(seconds=self._read()[3])

    def _read(self) -> tuple[float, float, float, float]:
        set_at, moment, speed, skew = _LAYOUT.unpack(self._path.read_bytes())
        return set_at, moment, speed, skew


def live_by(clock: Clock) -> None:
    """Let every module of the product in this process take the present time from the clock."""
    for name in _OURS:
        package = importlib.import_module(f"motcua.{name}")
        for found in pkgutil.walk_packages(getattr(package, "__path__", []), f"{package.__name__}."):
            importlib.import_module(found.name)
    ours = [module for name, module in sys.modules.items() if name.startswith("motcua.")]
    give_time([module for module in ours if not module.__name__.startswith("motcua.sandbox")], clock)


def give_time(modules: Iterable[ModuleType], clock: Clock) -> None:
    """Let ``datetime.now`` of these modules return the time that the server's clock shows.

    Everything else of ``datetime`` is unchanged.
    """

    class Like(type):
        def __instancecheck__(cls, instance: object) -> bool:
            return isinstance(instance, datetime)

    class DayDatetime(datetime, metaclass=Like):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Any:
            moment = clock.machine()
            return moment.astimezone(tz) if tz else moment.astimezone(VIETNAM).replace(tzinfo=None)

    for module in modules:
        for attribute, value in list(vars(module).items()):
            if value is datetime:
                setattr(module, attribute, DayDatetime)


def begin_ledger_clock(owner_dsn: str) -> None:
    """Let the ledger take the times of its records from the simulated day.

    The demo writes its past days with the same kind of clock; but the clock here advances by itself.
    """
    with psycopg.connect(owner_dsn) as owner:
        owner.execute(statement("sandbox/ledger_clock/begin"))
        owner.execute(
            "ALTER TABLE sandbox_clock.clock ADD set_at timestamptz NOT NULL DEFAULT clock_timestamp(),"
            " ADD speed double precision NOT NULL DEFAULT 1"
        )
        owner.execute(
            "CREATE OR REPLACE FUNCTION sandbox_clock.now() RETURNS timestamptz LANGUAGE sql VOLATILE SECURITY DEFINER"
            " RETURN (SELECT c.moment + (clock_timestamp() - c.set_at) * c.speed FROM sandbox_clock.clock AS c)"
        )


def set_ledger_clock(owner_dsn: str, clock: Clock) -> None:
    with psycopg.connect(owner_dsn) as owner:
        owner.execute(
            "UPDATE sandbox_clock.clock SET moment = %s, set_at = clock_timestamp(), speed = %s",
            (clock.machine(), clock.speed),
        )
