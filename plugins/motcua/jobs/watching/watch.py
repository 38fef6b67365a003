"""Runs the watch of the server: its rounds, the alerts that they raise and end, the letters, and the sign of life.

The watch runs without Airflow and without the ledger. If one of the two cannot be reached, an alert reports the fault.
The state of the watch is a file in the folder ``MOTCUA_WATCH``. The ledger stores a copy of the alerts and of the
checks' results for the staff pages.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import psycopg
import requests

from motcua.domain.checks import CHECKS as ALL_CHECKS
from motcua.domain.checks import Finding
from motcua.domain.clock import VIETNAM
from motcua.domain.watching import judging
from motcua.domain.watching.alerts import Changes, advance
from motcua.jobs.restoring import AWAKE, hear_testimony, hold_what_went_back
from motcua.jobs.watching.checks import CHECKS, STATEMENT_WITHIN, Looking, Question, Seen, rules_of
from motcua.jobs.watching.keeping import (
    Looked,
    LookState,
    WatchState,
    acknowledge,
    take_acknowledgements,
    take_open_alerts,
)
from motcua.jobs.watching.outside import Airflow, AirflowRefused
from motcua.jobs.watching.rounds import Rounds, this_moment
from motcua.jobs.watching.telling import send_letters, write_about_life
from motcua.jobs.watching.witness import resume
from motcua.reports.checks import look_in_words
from motcua.settings import Settings, settings
from motcua.store.ledger.database import Connection, open_without_airflow, reason_without_values
from motcua.store.notices.gaps import answer_gap
from motcua.store.watching.watch import WatchLife, list_alerts, mirror_alerts, say_alive

log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Look:
    """The results of one round so far."""

    findings: list[Finding]
    judged: set[str]
    undecided: set[str]
    broken: dict[str, str]
    """Checks that failed, by name, with the class of the error."""
    asked: set[str]
    """Checks that were run in this round."""


class Watch(Rounds):
    """The watch of the server on which it runs.

    Args:
        given: the settings; by default those of this process.
        clock: returns the current time; tests pass their own.
        asks: the checks.
    """

    def __init__(
        self,
        given: Settings | None = None,
        clock: Callable[[], datetime] = this_moment,
        asks: Sequence[Question] = CHECKS,
    ) -> None:
        super().__init__(given or settings(), clock)
        self._asks = asks
        address = self._settings.watch_airflow
        password = self._settings.watch_airflow_password
        self._airflow = (
            Airflow(
                address.rstrip("/"),
                self._settings.watch_airflow_user,
                password.get_secret_value() if password else None,
            )
            if address
            else None
        )

    # --- A round

    def _round(self, state: WatchState, now: datetime, keep: Callable[[], None]) -> None:
        connection: Connection | None = None
        try:
            connection, why_not = _open_ledger()
            if connection is not None:
                self._read_what_people_said(state, connection, now)
            take_acknowledgements(self.folder, state)
            for changes in self._look(state, connection, why_not, now):
                self._tell(state, changes, now, keep)
            self._write_daily(state, now)
            keep()
            send_letters(state, self._settings, now, keep)
            if connection is not None:
                self._mirror(state, connection, now)
            keep()
        finally:
            if connection is not None:
                connection.close()

    def _read_what_people_said(self, state: WatchState, ledger: Connection, now: datetime) -> None:
        """Read from the ledger which alerts people acknowledged, and for a new state which alerts are open.

        Also apply the newest testimony of a watch on another machine to the ledger.
        """
        try:
            with ledger.transaction():
                hear_testimony(ledger, now)
            if state.is_new:
                take_open_alerts(state, ledger, now)
            for each in list_alerts(ledger, now, 1000):
                alert = state.alerts.get(each.key)
                if alert is not None and each.acknowledged_at is not None and alert.raised_at == each.raised_at:
                    acknowledge(state, alert, each.acknowledged_by or "", each.acknowledged_at)
        except psycopg.Error as error:
            log.error("acknowledgements and reports of other watches cannot be read: %s", reason_without_values(error))

    def _look(
        self, state: WatchState, connection: Connection | None, why_not: str | None, now: datetime
    ) -> Iterator[Changes]:
        """Run all checks that are due, and yield the changes of alerts in two parts.

        The first part is about work that is due and that no process does, and about paused gateways. The second part is
        about everything else, such as possible causes. The checks of the second part may take long if, for example,
        Airflow hangs.
        """
        resume(state, now)
        is_starting = state.resumed_at is not None and now < state.resumed_at + judging.GRACE
        looking = Looking(now, rules_of(self._settings), self._settings, state, self._airflow, connection)
        found = _Look([], set(), set(), {}, set())
        _note(state, "ledger", "ok" if connection is not None else "alert", now)
        first = [check for check in self._asks if check.comes_first]
        _ask_in_turn(first, looking, found)
        symptom = {name for check in first for name in check.judges}
        yield self._advance(looking, found, symptom & found.judged, is_starting)
        found.judged = (found.judged - symptom) | {"ledger_unreachable", "check_failing"}
        if connection is None:
            found.findings.append(Finding("ledger_unreachable", {"reason": why_not}))
        self._ask_airflow(looking, found)
        _ask_in_turn([check for check in self._asks if not check.comes_first], looking, found)
        found.findings = [each for each in found.findings if each.name in found.judged]
        found.findings += [
            Finding("check_failing", {"error": error}, name) for name, error in sorted(found.broken.items())
        ]
        # If a check was not run in this round, its alert ``check_failing`` stays as it is.
        for key, alert in state.alerts.items():
            if alert.name == "check_failing" and alert.subject not in found.asked:
                found.undecided.add(key)
        state.looked_at = now
        yield self._advance(looking, found, found.judged, is_starting)

    def _advance(self, looking: Looking, found: _Look, judged: set[str], is_starting: bool) -> Changes:
        state = looking.state
        findings = [each for each in found.findings if each.name in judged]
        raised = {key for key, alert in state.alerts.items() if alert.raised_at is not None}
        findings, hidden = judging.without_consequences(findings, raised)
        if looking.connection is not None and state.enabled_since is None:
            findings = judging.without_agencies(findings)
        if is_starting:
            findings = [each for each in findings if not each.check.slow_to_start]
            judged = {name for name in judged if not ALL_CHECKS[name].slow_to_start}
        return advance(state.alerts, judged, findings, looking.now, found.undecided | hidden)

    def _ask_airflow(self, looking: Looking, found: _Look) -> None:
        """Ask Airflow for its health, note whether Airflow answers, and store the health for the checks that need
        it."""
        if self._airflow is None:
            _note(looking.state, "airflow", "not_set", looking.now)
            return
        found.judged.add("airflow_unreachable")
        try:
            looking.health = self._airflow.health()
        except (requests.RequestException, AirflowRefused) as error:
            log.error("Airflow's health cannot be read: %s", _in_a_line(error))
            found.findings.append(Finding("airflow_unreachable", {"reason": type(error).__name__}))
        _note(looking.state, "airflow", "ok" if looking.health is not None else "alert", looking.now)

    def _write_daily(self, state: WatchState, now: datetime) -> None:
        """Write the letter of the day once it is due. Also write a letter when the watch first runs, to test the
        mails."""
        local = now.astimezone(VIETNAM)
        is_due = local.time() >= self._settings.watch_time and state.daily_told_on != local.date()
        if not is_due and state.daily_told_on is not None:
            return
        state.daily_told_on = local.date()
        try:
            self._write_about_life(state, now)
        except Exception:
            log.exception("the daily mail of the watch cannot be composed")

    def _write_about_life(self, state: WatchState, now: datetime) -> None:
        names = ["ledger", "airflow", *(check.name for check in self._asks)]
        looks = (
            look_in_words(name, state.looked[name].state, state.looked[name].facts)
            for name in names
            if name in state.looked
        )
        write_about_life(state, [each for each in looks if each is not None], self._settings, now)

    def _mirror(self, state: WatchState, ledger: Connection, now: datetime) -> None:
        """Write alerts and the sign of life into the ledger. Drop ended alerts that are reported and mirrored."""
        open_ones = [each for each in state.alerts.values() if each.raised_at is not None]
        waiting = [each for each in state.letters if each.left or each.post is not None]
        life = WatchLife(
            began_at=state.began_at,
            looked_at=now,
            looks=[
                {"check": name, "state": looked.state, "facts": looked.facts} for name, looked in state.looked.items()
            ],
            recipients=len(self._settings.watch_recipients) + bool(self._settings.watch_webhook),
            unsent=len(waiting),
            unsent_since=min((each.made_at for each in waiting), default=None),
        )
        try:
            if state.to_hold is not None:
                hold_what_went_back(ledger, state.to_hold.attempts, state.to_hold.seen_at, now)
            elif state.to_let_go is not None:
                answer_gap(ledger, state.to_let_go, sent_until=None, by="watch", reason=AWAKE, now=now)
            ledger.commit()
            state.to_hold = state.to_let_go = None
            mirror_alerts(ledger, open_ones, state.over, now)
            say_alive(ledger, life)
        except psycopg.Error as error:
            log.error(
                "the watch cannot write its alerts and heartbeat into the ledger: %s", reason_without_values(error)
            )
            return
        in_letters = {key for each in waiting for key in each.over}
        state.over = [each for each in state.over if each.key in in_letters]


# --- Steps of a round ----------------------------------------------------------------------------------------------


def _open_ledger() -> tuple[Connection | None, str | None]:
    try:
        return open_without_airflow(STATEMENT_WITHIN), None
    except Exception as error:
        # Any error is caught, because the alert must report the error as the reason why the ledger cannot be reached.
        log.error("the ledger cannot be reached: %s", reason_without_values(error))
        return None, type(error).__name__


def _ask_in_turn(checks: Iterable[Question], looking: Looking, found: _Look) -> None:
    state, now = looking.state, looking.now
    for check in checks:
        # If the next time is further ahead than the interval, the clock was set back, and the check is run now.
        if now < state.next_at.get(check.name, now) <= now + check.every:
            continue
        _ask(check, looking, found)
        if check.name in found.asked:
            state.next_at[check.name] = now + check.every


def _ask(check: Question, looking: Looking, found: _Look) -> None:
    """Run one check. The check's alerts stay unchanged if it cannot be run. If the check itself fails, the failure
    becomes an alert."""
    state = looking.state
    if _cannot_be_asked(check, looking):
        _note(state, check.name, "not_set" if _is_off(check, looking) else "unknown", looking.now)
        return
    found.asked.add(check.name)
    try:
        seen = check.look(looking)
    except Exception as error:
        ledger = looking.connection
        if ledger is not None and (ledger.closed or ledger.broken):
            looking.connection = None
            found.findings.append(Finding("ledger_unreachable", {"reason": type(error).__name__}))
            _note(state, check.name, "unknown", looking.now)
            return
        if isinstance(error, requests.RequestException) and check.needs == "runs":
            log.error("check %s failed: %s", check.name, _in_a_line(error))
            found.findings.append(Finding("airflow_unreachable", {"reason": type(error).__name__}))
            _note(state, check.name, "unknown", looking.now)
            return
        expected = isinstance(error, (psycopg.Error, AirflowRefused))
        # Log tracebacks only for faults of this program, because tracebacks of psycopg would quote rows.
        log.error("check %s failed: %s", check.name, _in_a_line(error), exc_info=not expected)
        found.broken[check.name] = type(error).__name__
        _note(state, check.name, "failed", looking.now)
        return
    if seen.is_off:
        found.judged.update(check.judges)
        _note(state, check.name, "not_set", looking.now)
        return
    found.findings += seen.findings
    found.judged.update(check.judges)
    found.undecided |= seen.undecided
    _note(state, check.name, "alert" if seen.findings else "ok", looking.now, seen)


def _in_a_line(error: Exception) -> str:
    return str(error) if isinstance(error, AirflowRefused) else reason_without_values(error)


def _cannot_be_asked(check: Question, looking: Looking) -> bool:
    return (
        (check.needs == "ledger" and looking.connection is None)
        or (check.needs in ("airflow", "runs") and looking.health is None)
        or _is_off(check, looking)
    )


def _is_off(check: Question, looking: Looking) -> bool:
    if check.needs == "runs":
        return looking.airflow is None or not looking.airflow.may_sign_in
    return check.needs == "airflow" and looking.airflow is None


def _note(state: WatchState, name: str, seen_as: LookState, now: datetime, seen: Seen | None = None) -> None:
    state.looked[name] = Looked(seen_as, dict(seen.facts) if seen else {}, now)
