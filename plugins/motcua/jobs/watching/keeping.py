"""The state of the watch between two rounds: one JSON file outside the ledger, because the ledger may be down.

The file is written whole or not at all. A file that cannot be read is renamed, and the watch begins with a new state.
The new state gets the open alerts from their copy in the ledger, so that nobody is informed of an alert twice.
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
"""State of a check in the last round.

``not_set``: the check is not set up; ``unknown``: the check could not be run; ``failed``: the check itself broke.
"""


@dataclass(slots=True)
class Letter:
    """A mail of the watch about alerts or about a day's checks, stored until every recipient and the webhook have
    it."""

    number: int
    made_at: datetime
    subject: str
    text: str
    html: str
    left: list[str]
    """Hashes of the recipients who do not have the letter yet."""
    post: dict[str, Any] | None
    """The body for the webhook. ``None`` if there is nothing to post, or if the body was posted."""
    raised: list[str] = field(default_factory=list)
    """Keys of the raised alerts that the letter reports."""
    over: list[str] = field(default_factory=list)
    """Keys of the alerts whose end the letter reports."""
    is_daily: bool = False
    failure: str | None = None
    """Why the last try to send the letter failed, such as a status code. The server's own text is left out."""
    refusals: int = 0
    """Number of tries in which the mail server accepted the letter for none of the remaining recipients."""
    rests_until: datetime | None = None
    """The letter is not mailed before this moment."""


@dataclass(slots=True)
class Looked:
    """The last result of one check."""

    state: LookState
    facts: dict[str, Fact]
    at: datetime


@dataclass(slots=True)
class IdentityKept:
    """Progress of the checks of the accounting identity, which says that each event has exactly one message."""

    differences: dict[str, int] = field(default_factory=dict)
    """Number of messages by which the accounting identity fails, by period: ``recent`` (the last days) or a month."""
    recent_at: datetime | None = None
    """The last days are not counted again before this moment."""
    counted_at: datetime | None = None
    """When the last days were counted. ``None`` if they were never counted, or if an earlier release counted them and
    did not store the time."""
    night_of: date | None = None
    """The last day on which the nightly count of all months began."""
    months_left: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class GoneBack:
    """A ledger that has fewer attempts than the watch saw before, as after a restore of a backup."""

    attempts: int
    seen_at: datetime | None
    """When the watch last saw the larger numbers."""


@dataclass(slots=True)
class WatchState:
    """All data that a watch stores between two rounds."""

    began_at: datetime
    alerts: dict[str, Alert] = field(default_factory=dict)
    over: list[Alert] = field(default_factory=list)
    """Alerts that ended, stored until their end is reported and copied to the ledger."""
    letters: list[Letter] = field(default_factory=list)
    last_number: int = 0
    daily_told_on: date | None = None
    enabled_since: datetime | None = None
    """When the first of the enabled agencies was enabled. ``None`` if no agency was enabled when the ledger was last
    read."""
    identity: IdentityKept = field(default_factory=IdentityKept)
    delivered: dict[date, Delivered] = field(default_factory=dict)
    """Numbers of messages accepted and delivered on each of the last days."""
    high: HighMarks | None = None
    high_at: datetime | None = None
    """When the largest numbers in ``high`` were read from the ledger."""
    sees_since: datetime | None = None
    """Since when the watch has seen everything that senders did.

    This moment is set anew if senders may have run for long while the watch could not see the ledger.
    """
    went_back: dict[str, Fact] | None = None
    """Facts of the alert that the ledger went back to an earlier state, until somebody acknowledges the alert."""
    to_hold: GoneBack | None = None
    """Set when the ledger was just seen in an earlier state. The ledger's messages must be held until a person
    decides."""
    to_let_go: int | None = None
    """Number of an open gap, a time of which the ledger may lack data. The watch will close it, because the ledger only
    stood still and was not restored. ``None`` if there is no such gap."""
    red_looked_at: datetime | None = None
    looked: dict[str, Looked] = field(default_factory=dict)
    next_at: dict[str, datetime] = field(default_factory=dict)
    looked_at: datetime | None = None
    resumed_at: datetime | None = None
    """Since when the watch has run its rounds without an interruption."""
    answers_since: datetime | None = None
    """For a watch on another machine: since when the server answers. ``None`` if the server does not answer."""
    nobody_looks_since: datetime | None = None
    """Since when no process checks the sources for unread rows. ``None`` if a process checks them."""
    is_new: bool = True
    """Whether the open alerts are still to be read from the copy in the ledger."""


_ADAPTER = TypeAdapter(WatchState)


class AlreadyWatching(Exception):
    """Another watch runs in this folder."""


@contextmanager
def the_one_watch(folder: Path) -> Iterator[None]:
    """Make the folder, readable by this user alone, and lock it for this process.

    Raises:
        AlreadyWatching: Another process holds the lock.
        OSError: The folder cannot be used.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (folder / _LOCK).open("a", encoding="ascii") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise AlreadyWatching(f"another watch is at work in {folder}") from None
        yield


def load_state(folder: Path, now: datetime) -> WatchState:
    """Return the stored state. Return a new state if none is stored or the file cannot be read."""
    path = folder / _STATE
    try:
        kept = json.loads(path.read_bytes())
        # A file of another release may hold alerts that this release does not know and could not describe.
        kept["alerts"] = {key: each for key, each in kept["alerts"].items() if each["name"] in ALERT_NAMES}
        kept["over"] = [each for each in kept["over"] if each["name"] in ALERT_NAMES]
        state = _ADAPTER.validate_json(json.dumps(kept))
    except FileNotFoundError:
        return WatchState(began_at=now)
    except (ValidationError, ValueError, LookupError, TypeError, AttributeError, OSError) as error:
        log.error(
            "%s cannot be read (%s): the watch starts without it, and the file is renamed", path, type(error).__name__
        )
        with suppress(OSError):
            path.replace(folder / f"state.broken-{now.astimezone(UTC):%Y%m%dT%H%M%S}.json")
        return WatchState(began_at=now)
    return state


def save_state(folder: Path, state: WatchState) -> None:
    """Write the state to its file, whole or not at all, even if the machine stops during the write.

    Raises:
        OSError: The file cannot be written.
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
    """Add the open alerts of the copy in the ledger to a new state, and mark them as reported."""
    for each in list_alerts(ledger, now, 1000):
        if each.over_at is None and each.name in ALERT_NAMES:
            each.told_at = each.told_at or now
            state.alerts.setdefault(each.key, each)
    state.is_new = False


# --- Acknowledgements while the ledger is down ---------------------------------------------------------------------


def leave_acknowledgement(folder: Path, name: str, subject: str | None, by: str, now: datetime) -> None:
    """Write an acknowledgement into the watch's folder. The watch reads the file in its next round.

    Raises:
        OSError: The folder does not exist on this machine or cannot be written to.
    """
    box = folder / _ACKNOWLEDGED
    if not folder.is_dir():
        raise FileNotFoundError(2, "no such folder", str(folder))
    box.mkdir(exist_ok=True, mode=0o700)
    word = {"name": name, "subject": subject, "by": by, "at": now.isoformat()}
    _write(box / f"{now.timestamp():.6f}.json", json.dumps(word).encode())


def take_acknowledgements(folder: Path, state: WatchState) -> None:
    """Apply the acknowledgements in the watch's folder to the alerts, and delete their files."""
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
    """Note who acknowledged an alert, and when.

    An alert about failed runs, or about a ledger that went back, also ends, because people can only take note of such
    an alert.
    """
    if alert.raised_at is None or alert.acknowledged_at is not None:
        return
    alert.acknowledged_at, alert.acknowledged_by = at, by
    if alert.name == "red_run":
        state.red_looked_at = at
    if alert.name == "ledger_went_back":
        state.went_back = None
