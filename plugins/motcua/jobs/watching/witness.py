"""What a watch remembers of the ledger, by which it can say that it was put back, or only slept."""

from __future__ import annotations

from datetime import datetime, timedelta

from motcua.domain.watching import judging
from motcua.domain.watching.judging import HighMarks
from motcua.jobs.watching.keeping import GoneBack, WatchState


def resume(state: WatchState, now: datetime) -> None:
    """Notes since when it has been looking. Where it was down itself until lately everything may just be coming up, as
    when the machine starts; and it cannot say what happened then."""
    # Also where the clock was set back.
    if state.looked_at is None or not timedelta(0) <= now - state.looked_at <= judging.RESTART_GAP:
        state.resumed_at = now
    state.resumed_at = state.resumed_at or now


def remember(state: WatchState, has: HighMarks, now: datetime) -> None:
    """Takes in what the ledger has come to; that it went back is kept until the ledger was told."""
    if state.high is not None and has.is_behind(state.high):
        state.went_back = dict(judging.judge_high_marks(state.high, has, now).facts)
        state.to_hold = GoneBack(max(state.high.attempt_id - has.attempt_id, 0), state.looked_at)
    if state.high_at is None or judging.worked_unseen(state.high_at, has.at_work_at, now):
        state.sees_since = now
    state.high, state.high_at = has, now
