"""Stores what a watch saw of the ledger.

From this the watch can later tell whether the ledger was restored or only stood still, as when the ledger's machine is
paused.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from motcua.domain.watching import judging
from motcua.domain.watching.judging import HighMarks
from motcua.jobs.watching.keeping import GoneBack, WatchState


def resume(state: WatchState, now: datetime) -> None:
    """Note since when the watch has run its rounds without an interruption.

    After an interruption the watch does not know what happened meanwhile, and everything may just be starting, as after
    a start of the machine.
    """
    # A last round in the future means that the clock was set back. A clock set back counts as an interruption too.
    if state.looked_at is None or not timedelta(0) <= now - state.looked_at <= judging.RESTART_GAP:
        state.resumed_at = now
    state.resumed_at = state.resumed_at or now


def remember(state: WatchState, has: HighMarks, now: datetime) -> None:
    """Store the high marks of the ledger (its largest numbers so far), and since when the watch has seen all sending.

    Marks smaller than the stored ones show that the ledger went back to an earlier state. The state of the watch then
    gets facts for an alert, and an order to hold messages. The order stays in the state until it is carried out in the
    ledger.
    """
    if state.high is not None and has.is_behind(state.high):
        state.went_back = dict(judging.judge_high_marks(state.high, has, now).facts)
        state.to_hold = GoneBack(max(state.high.attempt_id - has.attempt_id, 0), state.looked_at)
    if state.high_at is None or judging.worked_unseen(state.high_at, has.at_work_at, now):
        state.sees_since = now
    state.high, state.high_at = has, now
