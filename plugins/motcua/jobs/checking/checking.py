"""Checks sources against the contract. A source that fails is a finding, and holds up no other."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Final

import psycopg

from motcua.domain.checking.kinds import Findings
from motcua.domain.checking.reading import judge_clock, judge_columns, judge_plans
from motcua.domain.checking.rows import LATEST_NUMBER, Read, Sample, judge_rows
from motcua.domain.checks import Finding
from motcua.domain.clock import VIETNAM
from motcua.domain.dossiers import RowContext, SourceTransition
from motcua.domain.numbering import Numbers
from motcua.settings import settings
from motcua.sources import UnknownAdapter, adapter
from motcua.sources.checking import CheckedSource
from motcua.store.agencies import agency_codes
from motcua.store.checking.checks import SourceCheck, forget_other_checks, keep_check, read_numbers
from motcua.store.ledger.database import (
    LEDGER,
    connect,
    open_connection,
    reason_without_values,
    without_values,
)
from motcua.store.notices.sources import SourceTroubles, list_sources, numberings_of, status_map, troubles_of

log = logging.getLogger(__name__)
_TOLD_FOR: Final = timedelta(days=2)
"""What a pick-up met is told of by a check so long: there is one each morning."""


class UnknownSource(LookupError):
    """``MOTCUA_SOURCES`` names no such source."""


@dataclass(slots=True)
class _Seen:
    """What one check saw."""

    found: Findings
    dossiers: int = 0
    transitions: int = 0
    numbers: Numbers = field(default_factory=Numbers)
    """What the source's numbers are to us."""


def check_source(source: str, now: datetime | None = None) -> SourceCheck:
    """Holds a source against the contract, and keeps what was found in the place of the last check.

    At the source only reads: one snapshot, the newest rows, each question within ``source_patience``.

    Args:
        source: its name in ``MOTCUA_SOURCES``.
        now: our clock's moment; the clock's by default.

    Raises:
        UnknownSource: there is none of this name.
        psycopg.Error: the ledger does not answer.
    """
    if source not in settings().sources:
        raise UnknownSource(source)
    seen = _Seen(Findings(source))
    moment = now or datetime.now(UTC)
    with connect() as ledger:
        known = {each.name: each.source_id for each in list_sources(ledger)}
        codes = agency_codes(ledger)
        statuses = status_map(ledger, known[source], moment) if source in known else {}
        seen.numbers = Numbers(numberings_of(ledger, known[source]) if source in known else ())
    context = RowContext(
        agencies={code.written: code.agency_code for code in codes},
        statuses=statuses,
        now=moment,
        clock_skew=settings().clock_skew,
    )
    provinces = {code.agency_code: code.province for code in codes}
    _look(source, context, provinces, seen, now)
    with connect() as ledger:
        _tell_of_pick_ups(troubles_of(ledger, source, context.now - _TOLD_FOR), seen.found)
        return keep_check(
            ledger,
            source,
            # When it is known, not when it was begun: whoever was told in between was not told of it.
            now or datetime.now(UTC),
            dossiers=seen.dossiers,
            transitions=seen.transitions,
            findings=seen.found.in_order(),
        )


def _tell_of_pick_ups(troubles: SourceTroubles | None, found: Findings) -> None:
    """Adds what pick-ups met: they go on by themselves, and no look at the source shows it once it is over."""
    if troubles is None:
        return
    if troubles.set_back_from is not None and troubles.set_back_by is not None:
        minutes = round(troubles.set_back_by.total_seconds() / 60)
        found.add("clock_set_back", names=[_moment(troubles.set_back_from), f"{minutes}"])
    if troubles.renumbered_at is not None:
        found.add("numbers_restarted", names=[_moment(troubles.renumbered_at)])


def _moment(at: datetime) -> str:
    return f"{at.astimezone(VIETNAM):%H:%M %d/%m/%Y}"


def _look(source: str, context: RowContext, provinces: dict[str, str], seen: _Seen, now: datetime | None) -> None:
    try:
        kind = adapter(settings().sources[source])
        conn_id = kind.connection_id(source)
    except UnknownAdapter:
        seen.found.add("adapter_unknown", names=[settings().sources[source]])
        return
    try:
        reading = open_connection(conn_id)
    except psycopg.Error as error:
        seen.found.add("refused" if _is_refusal(error) else "unreachable")
        return
    except Exception as error:
        # Airflow's own, which takes seconds to import.
        if type(error).__name__ != "AirflowNotFoundException":
            raise
        seen.found.add("connection_missing", names=[conn_id])
        return
    try:
        checked = CheckedSource(kind(reading, source), reading, settings().source_patience)
        _examine(checked, context, provinces, seen, source=source, is_ours=conn_id == LEDGER, now=now)
    except psycopg.errors.InsufficientPrivilege as denied:
        seen.found.add("rights_missing", names=_names_in(denied))
    except (
        psycopg.errors.UndefinedTable,
        psycopg.errors.UndefinedColumn,
        psycopg.errors.UndefinedFunction,
        psycopg.errors.InvalidSchemaName,
    ) as lacks:
        kind_of = "columns_missing" if isinstance(lacks, psycopg.errors.UndefinedColumn) else "views_missing"
        seen.found.add(kind_of, rows=1, names=_names_in(lacks))
    except psycopg.errors.QueryCanceled:
        seen.found.add("too_slow", names=[_patience()])
    except psycopg.OperationalError:
        seen.found.add("unreachable")
    except (psycopg.Error, UnicodeError) as error:
        reason = reason_without_values(error)
        seen.found.add("unreadable", names=[reason])
    finally:
        reading.close()


def _examine(
    checked: CheckedSource,
    context: RowContext,
    provinces: dict[str, str],
    seen: _Seen,
    *,
    source: str,
    is_ours: bool,
    now: datetime | None,
) -> None:
    """Looks at one thing after the other, as far as each allows the next.

    Args:
        checked: the source.
        context: what the rules need to know besides the rows.
        provinces: by agency.
        seen: where all goes.
        source: its name.
        is_ours: the rows lie in the ledger: whoever pushes them has neither role nor server to be judged.
        now: our clock's moment, where it is not the clock's.
    """
    found = seen.found
    began = datetime.now(UTC)
    checked.begin()
    if not is_ours:
        role = checked.role()
        if role.letters_unknown:
            found.add("encoding_unknown")
            return
        if role.is_superuser:
            found.add("role_superuser")
        elif role.may_write:
            found.add("role_may_write")
    if not judge_columns(checked.columns(), found):
        return
    latest = checked.latest()
    if latest is None:
        found.add("too_slow", names=[_patience()])
    else:
        # The source's now is that of its transaction, which began with the first question.
        ended = datetime.now(UTC)
        judge_clock(latest.source_now, now or ended, ended - began, context.clock_skew, found)
        if not is_ours:
            judge_plans(*checked.plans(latest), found)
    rows = checked.newest_rows()
    if seen.numbers.numberings:
        ours = [
            each
            if (number := each.transition_id) is None
            else replace(each, transition_id=seen.numbers.ours(number, each.recorded_at))
            for each in rows.transitions
        ]
        rows = replace(rows, transitions=ours)
    seen.dossiers, seen.transitions = len(rows.dossiers), len(rows.transitions)
    dossiers, numbers = checked.doubled("double_dossiers"), checked.doubled("double_numbers")
    judge_rows(
        Sample(
            source_now=latest.source_now if latest else context.now,
            late_commit=settings().late_commit,
            context=context,
            provinces=provinces,
            dossiers=rows.dossiers,
            transitions=rows.transitions,
            whole=rows.whole,
            doubled_dossiers=[(each["agency_code"], each["dossier_code"]) for each in dossiers.some],
            doubled_dossiers_count=dossiers.count,
            doubled_numbers=[each["dossier_code"] for each in numbers.some],
            doubled_numbers_count=numbers.count,
            is_pushed=is_ours,
            read=_read(source, rows.transitions),
            unanswered=frozenset(checked.unanswered),
        ),
        found,
    )
    if checked.unanswered:
        found.add("unanswered", names=checked.unanswered)


def _read(source: str, transitions: Sequence[SourceTransition]) -> Read:
    """What pick-ups have read of these; looked up after the source was asked, so that they can only be further."""
    numbers = [each.transition_id for each in transitions if each.transition_id is not None]
    usable = [number for number in numbers if 0 <= number <= LATEST_NUMBER]
    with connect() as ledger:
        known = next((each for each in list_sources(ledger) if each.name == source), None)
        if known is None or known.cursor_recorded_at is None:
            return Read()
        at, set_aside = read_numbers(ledger, known.source_id, usable)
    return Read(at, set_aside, known.cursor_recorded_at - settings().overlap)


def _patience() -> str:
    return f"{settings().source_patience.total_seconds():.0f}"


def _is_refusal(error: psycopg.Error) -> bool:
    """Whether a server answered and let us not in; what it says of it begins with FATAL whatever its language."""
    words = str(error)
    return "FATAL" in words


def _names_in(error: psycopg.Error) -> list[str]:
    """What is quoted in PostgreSQL's words about a table, view or column; of no row."""
    words = error.diag.message_primary or ""
    return [words.partition(" at character")[0]]


@dataclass(frozen=True, slots=True)
class CheckCounts:
    """What one morning's checks came to."""

    sources: int
    forbidding: int
    warned: int
    failed: tuple[str, ...]
    """Sources whose check broke off for a reason of ours."""


def check_sources(now: datetime | None = None) -> CheckCounts:
    """Checks every source, one after the other; one that breaks off stops no other.

    Raises:
        DatabaseFailed: the ledger does not answer.
    """
    checks: list[SourceCheck] = []
    failed: list[str] = []
    for source in settings().sources:
        try:
            checks.append(check_source(source, now))
        except Exception as error:
            failed.append(source)
            log.warning("source %s could not be checked: %s", source, reason_without_values(error))
    with without_values(), connect() as ledger:
        forget_other_checks(ledger, list(settings().sources))
    for check in checks:
        log.info("source %s: %s", check.source, _logged([each.finding for each in check.findings]))
    return CheckCounts(
        sources=len(checks),
        forbidding=sum(check.forbids for check in checks),
        warned=sum(bool(check.findings) and not check.forbids for check in checks),
        failed=tuple(failed),
    )


def _logged(findings: Sequence[Finding]) -> str:
    return ", ".join(f"{each.name} ({each.severity})" for each in findings) or "nothing found"
