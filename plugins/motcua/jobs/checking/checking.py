"""Compares sources with the source contract: the two views that every source must offer. A check that fails does not
stop the checks of other sources.

A *pick-up* reads the new rows of a source into the ledger.
"""

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
_REPORTED_FOR: Final = timedelta(days=2)
"""How long checks go on reporting a fault that a pick-up met in the source. Checks run each morning."""


class UnknownSource(LookupError):
    """``MOTCUA_SOURCES`` has no source of this name."""


@dataclass(slots=True)
class _Seen:
    """The results of one source check so far."""

    found: Findings
    dossiers: int = 0
    transitions: int = 0
    numbers: Numbers = field(default_factory=Numbers)
    """Converts the source's transition numbers to those of the ledger."""


def check_source(source: str, now: datetime | None = None) -> SourceCheck:
    """Compare a source with the contract, and store the result in place of the last one.

    The check only reads from the source. In one snapshot it reads the newest rows, and the keys that several rows
    share. A query may take at most ``MOTCUA_SOURCE_PATIENCE``.

    Args:
        source: the source's name in ``MOTCUA_SOURCES``.
        now: the moment to compare with; by default the current time.

    Raises:
        UnknownSource: There is no source of this name.
        psycopg.Error: The ledger does not answer.
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
    _read_source(source, context, provinces, seen, now)
    with connect() as ledger:
        _add_pick_up_troubles(troubles_of(ledger, source, context.now - _REPORTED_FOR), seen.found)
        return keep_check(
            ledger,
            source,
            # The result is stored with the moment at which it is known. Otherwise a mail that was sent during the check
            # would seem to have reported the result.
            now or datetime.now(UTC),
            dossiers=seen.dossiers,
            transitions=seen.transitions,
            findings=seen.found.in_order(),
        )


def _add_pick_up_troubles(troubles: SourceTroubles | None, found: Findings) -> None:
    """Add faults of the source that pick-ups met recently. The ledger stores them, because the source itself no longer
    shows them."""
    if troubles is None:
        return
    if troubles.set_back_from is not None and troubles.set_back_by is not None:
        minutes = round(troubles.set_back_by.total_seconds() / 60)
        found.add("clock_set_back", names=[_moment(troubles.set_back_from), f"{minutes}"])
    if troubles.renumbered_at is not None:
        found.add("numbers_restarted", names=[_moment(troubles.renumbered_at)])


def _moment(at: datetime) -> str:
    return f"{at.astimezone(VIETNAM):%H:%M %d/%m/%Y}"


def _read_source(
    source: str, context: RowContext, provinces: dict[str, str], seen: _Seen, now: datetime | None
) -> None:
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
        # The class is compared by its name, because importing it from Airflow takes seconds.
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
    """Run the parts of a check in their order, and stop at a result that makes the next parts impossible.

    Args:
        checked: the source.
        context: the agencies, the mapped statuses, the time and the permitted clock skew, which the rules use besides
            the rows.
        provinces: the province of each agency.
        seen: collects the results.
        source: the source's name.
        is_ours: whether the rows are in the ledger, because they are pushed or come in exports. Neither a login role
            nor query plans are checked then.
        now: the moment to compare with; ``None`` for the current time.
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
        # The source's clock was read when the transaction at the source began, that is, with its first query.
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
            read=_read_by_pick_ups(source, rows.transitions),
            unanswered=frozenset(checked.unanswered),
        ),
        found,
    )
    if checked.unanswered:
        found.add("unanswered", names=checked.unanswered)


def _read_by_pick_ups(source: str, transitions: Sequence[SourceTransition]) -> Read:
    """Return which of these transitions were read by pick-ups.

    The ledger is queried after the source, so a pick-up in between can only add to the transitions that were read.
    """
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
    """Return whether a server answered and refused the connection. The error's message then holds the word FATAL if the
    server's messages are in English, or in a language that keeps this word."""
    words = str(error)
    return "FATAL" in words


def _names_in(error: psycopg.Error) -> list[str]:
    """Return PostgreSQL's message about a table, view or column, which quotes no row."""
    words = error.diag.message_primary or ""
    return [words.partition(" at character")[0]]


@dataclass(frozen=True, slots=True)
class CheckCounts:
    """The results of one morning's source checks."""

    sources: int
    forbidding: int
    warned: int
    failed: tuple[str, ...]
    """Sources whose check broke off because of an error on our side."""


def check_sources(now: datetime | None = None) -> CheckCounts:
    """Check every source in turn. A check that breaks off does not stop the next one.

    Raises:
        DatabaseFailed: The ledger does not answer.
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
