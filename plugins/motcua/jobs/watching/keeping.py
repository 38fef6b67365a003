"""What the watch keeps between two looks: one JSON file outside the ledger, which may be what is down.

It is written whole or not at all. One that cannot be read is put aside, and the watch begins anew; alerts that the
ledger's mirror has open are taken from there, so that nobody is told of them twice.
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Literal, TypeAlias

from pydantic import TypeAdapter, ValidationError

from motcua.domain.checks import ALERT_NAMES, Fact
from motcua.domain.watching.alerts import Alert
from motcua.domain.watching.judging import Delivered, HighMarks
from motcua.store.ledger.database import Connection
from motcua.store.watching.watch import list_alerts

log = logging.getLogger(__name__)

_STATE, _LOCK, _ACKNOWLEDGED = "state.json", "lock", "acknowledged"
LookState: TypeAlias = Literal["ok", "alert", "not_set", "unknown", "failed"]
"""``not_set``: not set up, so not looked at; ``unknown``: could not be looked at; ``failed``: looking itself broke."""


@dataclass(slots=True)
class Letter:
    """Something that is to be told, until everybody has it."""

    number: int
    made_at: datetime
    subject: str
    text: str
    html: str
    left: list[str]
    """Hashes of the recipients who do not have it."""
    post: dict[str, Any] | None
    """What is to be posted to the webhook; ``None``: nothing, or done."""
    raised: list[str] = field(default_factory=list)
    """Keys of the alerts that it tells of."""
    over: list[str] = field(default_factory=list)
    """Keys of those whose end it tells."""
    is_daily: bool = False
    failure: str | None = None
    """Why the last try failed; no word of the server's."""
    refusals: int = 0
    """How often the mail server took it for nobody who was left."""
    rests_until: datetime | None = None
    """It is not tried before."""


@dataclass(slots=True)
class Looked:
    """What a check saw the last time."""

    state: LookState
    facts: dict[str, Fact]
    at: datetime


@dataclass(slots=True)
class IdentityKept:
    """How far the identity was counted."""

    differences: dict[str, int] = field(default_factory=dict)
    """By period: ``recent``, or a month."""
    recent_at: datetime | None = None
    """When the last days are to be counted again."""
    counted_at: datetime | None = None
    """When they were counted last; ``None``: never, or by a version that did not keep it."""
    night_of: date | None = None
    """The day whose night has begun to count all months."""
    months_left: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class GoneBack:
    """By how much a ledger went back."""

    attempts: int
    seen_at: datetime | None
    """When its larger numbers were seen last."""


@dataclass(slots=True)
class WatchState:
    """All that the watch keeps."""

    began_at: datetime
    alerts: dict[str, Alert] = field(default_factory=dict)
    over: list[Alert] = field(default_factory=list)
    """Those that are over, until that was told and mirrored."""
    letters: list[Letter] = field(default_factory=list)
    last_number: int = 0
    daily_told_on: date | None = None
    enabled_since: datetime | None = None
    """When the first agency that is enabled was; ``None``: none is, as far as the ledger was last seen."""
    identity: IdentityKept = field(default_factory=IdentityKept)
    delivered: dict[date, Delivered] = field(default_factory=dict)
    """Of each of the last days."""
    high: HighMarks | None = None
    high_at: datetime | None = None
    """When it was seen."""
    sees_since: datetime | None = None
    """Since when it has seen the ledger after whatever senders did."""
    went_back: dict[str, Fact] | None = None
    """What is told of a ledger that went back, until somebody acknowledges it."""
    to_hold: GoneBack | None = None
    """A ledger that went back just now: nothing of before may be sent until that was looked at."""
    to_let_go: int | None = None
    """The gap of a ledger that only slept."""
    red_looked_at: datetime | None = None
    looked: dict[str, Looked] = field(default_factory=dict)
    next_at: dict[str, datetime] = field(default_factory=dict)
    looked_at: datetime | None = None
    resumed_at: datetime | None = None
    """Since when it has been looking without a gap."""
    answers_since: datetime | None = None
    """Of a watch on another machine: since when the server answers; ``None``: it does not."""
    nobody_looks_since: datetime | None = None
    """Since when nobody looks whether sources have news; ``None``: somebody does."""
    is_new: bool = True
    """Whether the ledger's mirror is still to be asked which alerts were open."""


_ADAPTER = TypeAdapter(WatchState)


class AlreadyWatching(Exception):
    """Another watch is at work in this folder."""


@contextmanager
def the_one_watch(folder: Path) -> Iterator[None]:
    """Makes the folder, for us alone, and holds it.

    Raises:
        AlreadyWatching: another process holds it.
        OSError: the folder cannot be used.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (folder / _LOCK).open("a", encoding="ascii") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise AlreadyWatching(f"another watch is at work in {folder}") from None
        yield


def load_state(folder: Path, now: datetime) -> WatchState:
    """What was kept; a new state where nothing was, or where it cannot be read."""
    path = folder / _STATE
    try:
        kept = json.loads(path.read_bytes())
        # Of another version: an alert that this one does not raise can be told of by nobody.
        kept["alerts"] = {key: each for key, each in kept["alerts"].items() if each["name"] in ALERT_NAMES}
        kept["over"] = [each for each in kept["over"] if each["name"] in ALERT_NAMES]
        state = _ADAPTER.validate_json(json.dumps(kept))
    except FileNotFoundError:
        return WatchState(began_at=now)
    except (ValidationError, ValueError, LookupError, TypeError, AttributeError, OSError) as error:
        log.error("%s cannot be read (%s): the watch begins anew, the file is put aside", path, type(error).__name__)
        with suppress(OSError):
            path.replace(folder / f"state.broken-{now.astimezone(UTC):%Y%m%dT%H%M%S}.json")
        return WatchState(began_at=now)
    return state


def save_state(folder: Path, state: WatchState) -> None:
    """Keeps it, whole or not at all, also where the machine stops.

    Raises:
        OSError: it cannot be written.
    """
    _write(folder / _STATE, _ADAPTER.dump_json(state))


def _write(path: Path, content: bytes) -> None:
    draft = path.with_name(f"{path.name}.new")
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    draft.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def take_open_alerts(state: WatchState, ledger: Connection, now: datetime) -> None:
    """Gives a new state the alerts that the ledger's mirror has open; they were told."""
    for each in list_alerts(ledger, now, 1000):
        if each.over_at is None and each.name in ALERT_NAMES:
            each.told_at = each.told_at or now
            state.alerts.setdefault(each.key, each)
    state.is_new = False


# --- Acknowledgements while the ledger is down ---------------------------------------------------------------------


def leave_acknowledgement(folder: Path, name: str, subject: str | None, by: str, now: datetime) -> None:
    """Leaves word in the watch's folder, which takes it at its next look.

    Raises:
        OSError: there is no such folder here, or it cannot be written to.
    """
    box = folder / _ACKNOWLEDGED
    if not folder.is_dir():
        raise FileNotFoundError(2, "no such folder", str(folder))
    box.mkdir(exist_ok=True, mode=0o700)
    word = {"name": name, "subject": subject, "by": by, "at": now.isoformat()}
    _write(box / f"{now.timestamp():.6f}.json", json.dumps(word).encode())


def take_acknowledgements(folder: Path, state: WatchState) -> None:
    """Takes what was left, and forgets it."""
    for path in sorted((folder / _ACKNOWLEDGED).glob("*.json")):
        try:
            word = json.loads(path.read_bytes())
            at = datetime.fromisoformat(word["at"])
            for alert in state.alerts.values():
                if alert.name == word["name"] and word["subject"] in (None, alert.subject):
                    acknowledge(state, alert, str(word["by"]), at)
        except (ValueError, KeyError, TypeError, OSError) as error:
            log.warning("%s cannot be read: %s", path, type(error).__name__)
        path.unlink(missing_ok=True)


def acknowledge(state: WatchState, alert: Alert, by: str, at: datetime) -> None:
    """Somebody looks after an alert; where looking is all that can be done, that ends it."""
    if alert.raised_at is None or alert.acknowledged_at is not None:
        return
    alert.acknowledged_at, alert.acknowledged_by = at, by
    if alert.name == "red_run":
        state.red_looked_at = at
    if alert.name == "ledger_went_back":
        state.went_back = None
