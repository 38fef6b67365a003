"""Gathers everything that a publication of one closing reports, from stored rows and from the settings in force."""

from __future__ import annotations

import hashlib
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cache
from typing import Any, LiteralString, TypeVar

from motcua.domain.costs import cost_of, spent, whole
from motcua.domain.periods import Period
from motcua.domain.phones.reading import REFUSALS
from motcua.domain.reconciliation import (
    AgencyFigures,
    AgencyWords,
    Budget,
    Closing,
    DossierFigures,
    Figures,
    Measure,
    MessageFigures,
    QueryUsed,
    ReasonCount,
    ReconciliationReport,
    Urged,
    sum_dossiers,
    sum_messages,
)
from motcua.reports.publication.data import KINDS, Told
from motcua.reports.publication.manifest import report_again
from motcua.reports.wording import LEAST_JUDGED
from motcua.settings import Settings, include_dir, settings
from motcua.sources import adapter, adapters
from motcua.store.agencies import in_force, list_agencies
from motcua.store.intake.pushes import pushed_of_closing
from motcua.store.ledger.database import Connection
from motcua.store.ledger.queries import statement
from motcua.store.notices.stops import stops_of_closing
from motcua.store.oversight.closings import (
    billed_in_periods,
    last_closing,
    load_changes,
    load_closing,
    load_differences,
    load_figures,
    load_message_figures,
    load_orphans,
    procedure_names,
)
from motcua.store.oversight.complaints import count_complaints
from motcua.store.oversight.figure_rows import (
    Cell,
    FigureRows,
    FirstRows,
    latest_dossiers,
    rows_of_figure,
    summed_figures,
    summed_messages,
    worst_messages,
)
from motcua.store.oversight.publications import Definition, list_definitions
from motcua.version import software

_QUERIES: dict[LiteralString, str] = {
    "closings/counting/count_dossiers": "dossiers",
    "closings/counting/count_messages": "messages, reasons, timings",
    "closings/counting/count_channels": "channels",
    "closings/counting/count_inquiries": "messages (reply), agencies (inquiries)",
    "closings/counting/count_findings": "agencies (findings_open)",
    "closings/occasions/count_counted": "messages (at_source, out_of_scope)",
    "closings/occasions/compare_occasions": "differences (result, supplement)",
    "closings/comparing/compare_apologies": "differences (apology)",
    "closings/comparing/compare_replies": "differences (reply)",
    "closings/counting/find_orphans": "orphans",
    "closings/counting/message_moves": "changes",
    "apologies/forecast": "agencies (apologies)",
    "sources/counting/occasions": "messages (at_source of result, supplement)",
    "sources/counting/apologies_due": "messages (at_source of apology)",
    "sources/reading/transitions_by_number": "differences (result, supplement)",
}
_OF_SOURCES: tuple[LiteralString, ...] = (
    "sources/reading/dossiers_by_agency",
    "sources/reading/transitions_by_agency",
    "sources/counting/codes_in_use",
)
"""SQL statements that read a source's tables for the queries in ``_QUERIES``. ``_source_readings`` adds the statements
that map the tables of a vendor's software."""

THRESHOLDS = (
    "urge_from",
    "urge_delivered_below",
    "urge_phoneless_above",
    "urge_late_above",
    "urge_untold_above",
    "urge_wrong_apologies_above",
)


def build_report(ledger: Connection, closing_no: int) -> ReconciliationReport:
    """Build the report of a closing, without its ``queries``, which ``queries_used`` returns.

    Raises:
        LookupError: There is no such closing.
    """
    closing = load_closing(ledger, closing_no)
    figures = load_figures(ledger, closing_no)
    period = closing.period
    before = last_closing(ledger, period.previous)
    thresholds = thresholds_of(settings())
    codes = {each.procedure_code for each in figures.messages} | {each.procedure_code for each in figures.dossiers}
    return ReconciliationReport(
        closing=closing,
        figures=figures,
        previous=None if before is None else load_figures(ledger, before.closing_no),
        differences=load_differences(ledger, closing_no),
        orphans=load_orphans(ledger, closing_no),
        changes=load_changes(ledger, closing_no),
        agencies=tuple(_agencies(ledger, period)),
        procedures=procedure_names(ledger, sorted(codes - {""})),
        complaints=tuple(count_complaints(ledger, period.start, period.end)),
        budget=_budget(ledger, closing, figures),
        urged=tuple(urge(figures, thresholds)),
        queries=(),
        software=software(),
        previous_closing=None if before is None else before.closing_no,
        thresholds=thresholds,
        stops=stops_of_closing(ledger, closing_no),
        pushed=pushed_of_closing(ledger, closing_no),
    )


def published_report(ledger: Connection, manifest: dict[str, Any], closing: Closing) -> ReconciliationReport:
    """Build the report of a closing as it was published, with the field ``words`` of the publication's manifest.

    Raises:
        KeyError, TypeError: The field ``words`` has an unexpected form.
    """
    number, previous = closing.closing_no, manifest["words"]["previous_closing"]
    return report_again(
        manifest,
        closing,
        load_figures(ledger, number),
        None if previous is None else load_figures(ledger, int(previous)),
        load_differences(ledger, number),
        load_orphans(ledger, number),
        load_changes(ledger, number),
    )


@dataclass(frozen=True, slots=True)
class ClosingShown:
    """A closing as a page shows it: like a publication, but with sums and first rows of messages and dossiers."""

    report: ReconciliationReport
    """The report without complaints, budget and agencies to urge.

    Its figures are sums by agency, or the figures of one agency by procedure. From the previous period, the report has
    only figures of messages.
    """
    messages: FirstRows[MessageFigures]
    """Figures by agency, procedure and kind, the worst first."""
    dossiers: FirstRows[DossierFigures]
    """Figures by agency and procedure, those with the most late dossiers first."""


def show_closing(ledger: Connection, closing_no: int, agency: str | None, most: int) -> ClosingShown:
    """Build the figures and rows of a closing that a page shows.

    Args:
        ledger: a connection.
        closing_no: the closing.
        agency: the only agency to show; ``None`` for all agencies.
        most: the greatest number of rows in ``messages``, and in ``dossiers``.

    Raises:
        LookupError: There is no such closing.
    """
    closing = load_closing(ledger, closing_no)
    before = last_closing(ledger, closing.period.previous)

    earlier: tuple[MessageFigures, ...] = ()
    if before is not None and agency is None:
        earlier = summed_messages(ledger, before.closing_no)
    elif before is not None:
        earlier = load_message_figures(ledger, before.closing_no, agency)
    report = replace(
        _bare_report(ledger, closing),
        figures=summed_figures(ledger, closing_no) if agency is None else load_figures(ledger, closing_no, agency),
        previous=None if before is None else Figures(messages=earlier),
        differences=load_differences(ledger, closing_no),
        orphans=load_orphans(ledger, closing_no),
        changes=load_changes(ledger, closing_no),
        previous_closing=None if before is None else before.closing_no,
        stops=stops_of_closing(ledger, closing_no),
        pushed=pushed_of_closing(ledger, closing_no),
    )
    if agency is None:
        messages = worst_messages(ledger, closing_no, KINDS, LEAST_JUDGED, most)
        dossiers = latest_dossiers(ledger, closing_no, most)
    else:
        own = Told(report, agency=agency)
        messages = FirstRows(own.messages[:most], len(own.messages))
        dossiers = FirstRows(own.dossiers[:most], len(own.dossiers))
    named = {each.procedure_code for rows in (messages.rows, dossiers.rows, report.changes[:most]) for each in rows}
    report = replace(report, procedures=procedure_names(ledger, sorted(named - {""})))
    return ClosingShown(report, messages, dossiers)


def show_figure(
    ledger: Connection, closing_no: int, figure: str, cell: Cell, limit: int | None
) -> tuple[ReconciliationReport, FigureRows]:
    """Return a report with the names that a page shows, and the rows behind one figure of a closing.

    Raises:
        LookupError: There is no such closing.
        NoSuchFigure: There is no such figure.
    """
    closing = load_closing(ledger, closing_no)
    # For a cell of an agency or procedure, the closing's stored cells are read, so that a manipulated cell is shown
    # beside its rows. A closing has tens of thousands of cells, so for a total only the sums that pages show are read.
    of_cells = cell.agency_code is not None or cell.procedure_code is not None
    figures = load_figures(ledger, closing_no, cell.agency_code) if of_cells else summed_figures(ledger, closing_no)
    found = rows_of_figure(ledger, closing, figures, figure, cell, limit)
    codes = {cell.procedure_code, *(row.procedure_code for row in found.rows)}
    names = procedure_names(ledger, sorted(code for code in codes if code))
    return replace(_bare_report(ledger, closing), procedures=names), found


def _bare_report(ledger: Connection, closing: Closing) -> ReconciliationReport:
    """Build a report with the closing and the names of agencies only, without figures."""
    return ReconciliationReport(
        closing=closing,
        figures=Figures(),
        previous=None,
        differences=(),
        orphans=(),
        changes=(),
        agencies=tuple(_agencies(ledger, closing.period)),
        procedures={},
        complaints=(),
        budget=Budget(closing.period.first.year, None, None, None),
        urged=(),
        queries=(),
        software="",
    )


def queries_used(ledger: Connection) -> list[QueryUsed]:
    """Return the name and hash of all SQL that computes the figures: the queries, the statements that read sources, and
    the functions and views that these call directly or indirectly."""
    used = [QueryUsed(name, statement_hash(name), what) for name, what in sorted(_QUERIES.items())]
    used += _source_readings()
    return [*used, *_definitions_called(ledger, [each.name for each in used])]


def is_same_query(name: str, published: str) -> bool:
    """Return whether an SQL statement that a publication names is unchanged now.

    In earlier releases each statement had a file of its own, and publications of that time give the hash of the file.
    The statement is unchanged if its hash, or the hash of that file, is the published one.
    """
    now = query_version(name)
    file_hashes = {file: sha256 for files in _said_before().values() for file, sha256 in files.items()}
    return now is not None and now in (published, file_hashes.get(published))


def query_version(name: str) -> str | None:
    """Return the present SHA-256 of the SQL statement that a publication calls ``name``.

    ``None`` if there is no such statement.
    """
    if name == _MIGRATION.name:
        return _MIGRATION.sha256
    now = _name_now(name)
    return None if now is None else statement_hash(now)


def pinned_statements() -> Iterator[str]:
    """Yield every name of an SQL statement in publications, such as ``closings/counting/count_messages``."""
    yield from _QUERIES
    yield from _OF_SOURCES
    yield from sorted({f"{kind.file}/{name}" for kind in adapters() for name in kind.mapping})


def statement_text(name: str) -> str:
    """Return the text of an SQL statement that its hash is computed from.

    The text has neither the statement's name nor comments nor the semicolon at the end.

    Raises:
        FileNotFoundError: There is no such file.
        LookupError: The file has no such statement.
    """
    return statement(name).partition("\n")[2]


def statement_hash(name: str) -> str:
    """Return the SHA-256 of an SQL statement's text."""
    return hashlib.sha256(statement_text(name).encode()).hexdigest()


def find_statement(asked: str) -> str:
    """Return the present name of an SQL statement, found by a name or a SHA-256, which may be from an earlier
    publication.

    Raises:
        LookupError: There is no such statement, or its text has changed since; the message is for the person who asked.
    """
    by_hash = {statement_hash(name): name for name in pinned_statements()}
    if asked in by_hash:
        return by_hash[asked]
    for name, files in _said_before().items():
        if (former_hash := files.get(asked)) in by_hash:
            return name
        if former_hash is not None:
            raise LookupError(
                f"the SHA-256 is of an earlier version's {name}, whose text had SHA-256 {former_hash} "
                f"and has changed since, to {statement_hash(name)}. The earlier text is in the version that the "
                "publication names"
            )
    name = _name_now(asked) or asked
    if _STATEMENT.fullmatch(name):
        with suppress(FileNotFoundError):
            statement(name)
            return name
    raise LookupError(f"no statement has the name or SHA-256 {asked!r}")


@cache
def _said_before() -> dict[str, dict[str, str]]:
    """Read, for each SQL statement that once had a file of its own, the hashes of that file and of the statement's text
    in it."""
    hashes: dict[str, dict[str, str]] = json.loads(
        (include_dir() / "sql" / "known_statements.json").read_text(encoding="utf-8")
    )
    return hashes


def _name_now(name: str) -> str | None:
    """Return the present name of a published SQL statement.

    Earlier publications name the statement's file, which may have been in another folder. ``None`` if there is no such
    statement.
    """
    pinned = set(pinned_statements())
    path = name.removesuffix(".sql")
    if path in pinned:
        return path
    if path == name or not _STATEMENT.fullmatch(path):
        return None
    last = path.rpartition("/")[2]
    found = [each for each in pinned if each.rpartition("/")[2] == _MERGED.get(last, last)]
    return found[0] if len(found) == 1 else None


_MERGED = {"count_timings": "count_messages"}
"""Maps a former SQL statement, which earlier publications name, to the statement that counts its figures now."""
_MIGRATION = QueryUsed(
    "migrations/0021_dossiers_in_period.sql",
    "b452d68e2a77d7edcdab5f02df2a840c76131a48009004fd14c9f8d93b1af9ad",
    "dossiers",
)
"""A migration file that no longer exists. Earlier publications name this file instead of the function that the
migration created."""
_STATEMENT = re.compile(r"[a-z0-9_]+(/[a-z0-9_]+)+")


def _source_readings() -> Iterator[QueryUsed]:
    """Yield the SQL statements that turn a source's own tables into the rows that the queries on sources count."""
    callers = ", ".join(name for name in sorted(_QUERIES) if name.startswith("sources/"))
    for name in _OF_SOURCES:
        yield QueryUsed(name, statement_hash(name), callers)
    mappings: dict[tuple[LiteralString, tuple[LiteralString, ...]], list[str]] = {}
    for source, name_of_adapter in sorted(settings().sources.items()):
        kind = adapter(name_of_adapter)
        mappings.setdefault((kind.file, kind.mapping), []).append(source)
    for (file, mapping), sources in sorted(mappings.items()):
        for name in mapping:
            own = f"{file}/{name}"
            yield QueryUsed(own, statement_hash(own), f"{callers} ({', '.join(sources)})")


_NAMED = re.compile(r"\b(?:audit|intake|motcua)\.\w+")


def _definitions_called(ledger: Connection, queries: Iterable[str]) -> Iterator[QueryUsed]:
    """Yield the ledger's functions and views that these queries call directly or indirectly, each with its callers."""
    known: dict[str, list[Definition]] = {}
    for each in list_definitions(ledger):
        known.setdefault(each.called, []).append(each)
    callers: dict[Definition, set[str]] = {}
    left = [(name, statement_text(name)) for name in queries]
    while left:
        caller, text = left.pop()
        for definition in (found for name in set(_NAMED.findall(text)) for found in known.get(name, ())):
            if definition not in callers:
                callers[definition] = set()
                left.append((definition.name, definition.text))
            if definition.name != caller:
                callers[definition].add(caller)
    for definition, names in sorted(callers.items(), key=lambda each: each[0].name):
        yield QueryUsed(definition.name, definition.sha256, ", ".join(sorted(names)))


def _agencies(ledger: Connection, period: Period) -> Iterable[AgencyWords]:
    names = in_force(ledger, period.last)
    for agency in list_agencies(ledger):
        enabled = agency.enabled_from is not None and agency.enabled_from < period.end
        named = names.get(agency.agency_code)
        yield AgencyWords(
            agency.agency_code,
            named.name if named and named.in_charge == agency.agency_code else agency.name,
            enabled,
            agency.kinds_off,  # type: ignore[arg-type]  # a CHECK of the table holds the list closed
            agency.kinds_off_reason,
            agency.same_day_excluded,
            agency.same_day_procedures,
            agency.same_day_reason,
        )


def _budget(ledger: Connection, closing: Closing, figures: Figures) -> Budget:
    period = closing.period
    year = period.first.year
    # Count whole closed months first, and then the days of months that are not closed, so that each day counts once.
    months = [Period.month_of(period.first.replace(month=n, day=1)) for n in range(1, period.first.month)]
    of_months = billed_in_periods(ledger, [str(month) for month in months])
    days = [day for month in months if str(month) not in of_months for day in month.days]
    if period.is_day:
        days += [day for day in Period.month_of(period.first).days if day.first < period.first]
    of_days = billed_in_periods(ledger, [str(day) for day in days])
    earlier: Decimal | None = Decimal(0)
    for name, rows in (of_months | of_days).items():
        # The cost of an earlier period is computed with the prices of that period's own closing, as it was published.
        # If that closing had no price yet, the prices of this closing are used.
        its = last_closing(ledger, Period.parse(name)) or closing
        cost = cost_of(its, rows)
        cost = cost_of(closing, rows) if cost is None else cost
        earlier = None if earlier is None or cost is None else earlier + cost
    before, own = whole(earlier), spent(closing, figures)
    return Budget(
        year=year,
        for_year=settings().sms_budget,
        spent_in_period=own,
        spent_in_year=None if own is None or before is None else own + before,
    )


def thresholds_of(own: Settings) -> dict[str, float]:
    """Return the settings with the thresholds for urging agencies, by name."""
    return {name: getattr(own, name) for name in THRESHOLDS}


def urge(figures: Figures, thresholds: Mapping[str, float]) -> list[Urged]:
    """Return the agencies beyond a threshold of the settings ``urge_*``, by measure, the worst first.

    For results, supplements and apologies together, ``delivered_of_tellable`` is the delivered share of messages that
    could be sent, and ``without_phone`` the share of messages without a usable number. ``resolved_late`` is the late
    share of resolved dossiers, ``late_untold`` the share of due dossiers that are late without a message, and
    ``apologies_wrong`` the wrong share of apologies whose day is over. A share counts only from ``urge_from`` cases on,
    so that a small commune is not accused because of three dossiers.

    Args:
        figures: the figures of a closing.
        thresholds: the thresholds by name of the setting.
    """
    found: list[Urged] = []
    # Rows are grouped by agency first, because a province has tens of thousands of them.
    of_messages, of_dossiers = _by_agency(figures.messages), _by_agency(figures.dossiers)
    of_reasons, of_agencies = _by_agency(figures.reasons), _by_agency(figures.agencies)
    for code in sorted({*of_messages, *of_dossiers} - {""}):
        messages = sum_messages(each for each in of_messages[code] if each.kind != "reply")
        dossiers = sum_dossiers(of_dossiers[code])
        counts = next(iter(of_agencies[code]), None)
        right, wrong = (counts.apologies_right, counts.apologies_wrong) if counts else (0, 0)
        untold = counts.late_untold if counts else 0
        phoneless = sum(
            each.messages
            for each in of_reasons[code]
            if each.kind != "reply" and each.reason in REFUSALS and each.state == "suppressed"
        )
        measures: tuple[tuple[Measure, int, int, float], ...] = (
            ("delivered_of_tellable", messages.delivered, messages.tellable, thresholds["urge_delivered_below"]),
            ("without_phone", phoneless, messages.tellable + phoneless, thresholds["urge_phoneless_above"]),
            ("resolved_late", dossiers.resolved_late, dossiers.resolved, thresholds["urge_late_above"]),
            ("late_untold", untold, dossiers.due, thresholds["urge_untold_above"]),
            ("apologies_wrong", wrong, right + wrong, thresholds["urge_wrong_apologies_above"]),
        )
        for measure, number, of_all, threshold in measures:
            if of_all < thresholds["urge_from"]:
                continue
            share = number / of_all
            beyond = share < threshold if measure.startswith("delivered") else share > threshold
            if beyond:
                found.append(Urged(code, measure, share, threshold, of_all))
    return sorted(found, key=lambda each: (each.measure, -abs(each.value - each.threshold), each.agency_code))


OfAgency = TypeVar("OfAgency", MessageFigures, DossierFigures, ReasonCount, AgencyFigures)


def _by_agency(rows: Iterable[OfAgency]) -> dict[str, list[OfAgency]]:
    found: dict[str, list[OfAgency]] = defaultdict(list)
    for row in rows:
        found[row.agency_code].append(row)
    return found
