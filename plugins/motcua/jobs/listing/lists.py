"""Define the lists that pages, downloaded files and commands show: functions for their rows, and for cells that need
code."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any, Final
from urllib.parse import urlencode

from motcua.domain.clock import VIETNAM
from motcua.domain.people import Viewer
from motcua.domain.periods import Period
from motcua.domain.phones.reading import hide_phones, mask_phones
from motcua.domain.reconciliation import CountedDossier, DossierFigures, MessageFigures, Orphan
from motcua.domain.routing import day_of
from motcua.jobs.explaining import status_name
from motcua.jobs.exports.taking import ADAPTER, SETTLED
from motcua.jobs.handed_in.complaints import titles
from motcua.jobs.handed_in.faults import FileFault
from motcua.jobs.handed_in.phones import phone_labels
from motcua.jobs.listing.asking import Asked, period_told
from motcua.jobs.listing.reading import Listing, Piecewise
from motcua.jobs.notices.apologizing import OwedTonight
from motcua.jobs.watching.standing import StopRow, stop_rows
from motcua.quality.choosing import Chosen
from motcua.quality.report_data import AgencyFigures, Group
from motcua.quality.reporting import urgent_rows
from motcua.reports import wording
from motcua.reports.checks import check_words, in_words, stopped_in_words
from motcua.reports.explaining import clauses
from motcua.reports.lists import Cell, Link, OwnCell, Seen, Word, dossier_link, words_of
from motcua.reports.publication.data import Told, period_words
from motcua.reports.quality.listed import FINDING_CELLS
from motcua.reports.wording import list_words
from motcua.settings import settings
from motcua.sources import connection_of
from motcua.store.browsing import (
    USUAL,
    InquiriesAsked,
    LookedAt,
    MessagesAsked,
    Piece,
    Place,
    find_inquiries,
    find_messages,
    find_oldest_messages,
    read_inquiries,
    read_messages,
)
from motcua.store.checking.checks import SourceCheck
from motcua.store.dossiers import DossierFound
from motcua.store.intake.clients import Client, list_clients
from motcua.store.intake.exports import Export, list_exports, list_vanished
from motcua.store.intake.watching import fault_sums, supplements_untold
from motcua.store.ledger.database import Connection
from motcua.store.notices.apologies import letters_needed
from motcua.store.notices.messages import held, releases
from motcua.store.notices.quarantine import QuarantineCount, open_quarantine
from motcua.store.notices.sources import Freshness, MappedStatus, freshness_of_sources, mapped_statuses
from motcua.store.notices.stops import last_stops
from motcua.store.notices.templates import load_template_versions, national_statuses
from motcua.store.oversight.closings import ListedClosing, list_closings, procedure_names
from motcua.store.oversight.complaints import OUTCOMES, Complaint, ComplaintsAsked, list_complaints
from motcua.store.oversight.figure_rows import FigureRows
from motcua.store.oversight.statements import (
    LineMatch,
    MatchRow,
    RowsAsked,
    StoredStatement,
    list_statements,
    match_rows,
)
from motcua.store.watching.watch import list_alerts


def _step_cell(row: DossierFound, seen: Seen) -> Cell:
    """Return the step of a dossier, or the name of its status, without phone numbers."""
    return hide_phones(row.step_name or status_name(row.status_code) or "") or None


DOSSIERS = Listing("dossiers", cells={"step": _step_cell})
AXIS = Listing(
    "axis",
    cells={
        "sort": lambda row, seen: clauses()["axis"]["sort"][row.sort],
        "details": lambda row, seen: "; ".join(row.details) or None,
    },
)


def _read_complaints(connection: Connection, asked: Asked, most: int, skipped: int) -> Sequence[Complaint]:
    """Return the requested complaints from ``motcua.complaints``.

    If no dossier has the code of a complaint, auditors do not see that code. A person typed the code, and it may be a
    name. The view audit.complaints leaves such a code out, too.
    """
    values = dict(asked.values)
    state = values.pop("state")
    wanted = ComplaintsAsked(
        **values,
        outcome=state if state in OUTCOMES else None,
        unlinked=state == "unlinked",
        repeated=state == "repeated",
        most=most,
        skipped=skipped,
    )
    found = list_complaints(connection, wanted, asked.viewer.phone)
    if asked.viewer.is_auditor:
        found = [each if each.dossier_id is not None else replace(each, dossier_code=None) for each in found]
    return found


def _complaint_dossier(row: Complaint, seen: Seen) -> Cell:
    """Return the dossier of a complaint, as a link if the dossier is known."""
    if row.dossier_code is None or row.dossier_id is None:
        return row.dossier_code
    return dossier_link(row.agency_code, row.dossier_code)


def _complaint_check(row: Complaint, seen: Seen) -> Cell:
    """Return the outcome of the agency's check, or that the complaint was withdrawn or is a repeat."""
    words = wording.list_words()["complaint"]
    if row.withdrawn_at:
        return Word("withdrawn", words["withdrawn"], "")
    if row.repeats:
        return Word(f"repeats {row.repeats}", words["repeats"].format(number=row.repeats), "")
    return Word(row.outcome, titles()["outcome"][row.outcome], "")


def _complaint_message(row: Complaint, seen: Seen) -> Cell:
    """Return the message that a complaint is about. If no message was sent, return the planned message and the reason
    why it was not sent."""
    words = wording.publication_words()
    if row.message_id is not None:
        shown = f"{row.message_id}: {words['kind'][row.message_kind]}, {words['state'][row.message_state]}"
        return Word(f"{row.message_id} {row.message_kind} {row.message_state}", shown, None)
    if row.intended_id is None:
        return None
    shown = words["state"][row.intended_state]
    codes = seen.viewer.is_operator
    why = f" – {wording.message_reason(row.intended_reason, code=codes)}" if row.intended_reason else ""
    return Word(
        f"(not sent then) {row.intended_id} {row.intended_kind}: {shown}{why}",
        f"{row.intended_id}: {words['kind'][row.intended_kind]}, {shown}{why}",
        None,
    )


COMPLAINTS = Listing(
    "complaints",
    _read_complaints,
    {
        "dossier_code": _complaint_dossier,
        "check": _complaint_check,
        "message": _complaint_message,
    },
)


NOBODYS = frozenset({"dossier_code", "agency_name", "due_date", "step_name", "punctuality"})
"""Parameters of message texts that never name a person. A citizen may have typed the values of all other parameters."""


USUAL_DAYS, MOST_DAYS = 7, 14
"""For inquiries: number of days that are shown without a filter, and largest number of days of the filter."""


@lru_cache(maxsize=1)
def _plain_templates() -> frozenset[tuple[str, int]]:
    """Return the id and version of the templates whose texts cannot name a person."""
    versions = load_template_versions()
    return frozenset(name for name, template in versions.items() if NOBODYS.issuperset(template.parameters))


def _words_shown(row: Mapping[str, Any], seen: Seen) -> Cell:
    """Return the text of a message as a viewer may see it.

    A text that repeats a citizen's input may name anybody. Auditors do not see such a text. For other viewers, phone
    numbers in the text are masked.
    """
    if (row["template_id"], row["template_version"]) in _plain_templates():
        return str(row["text"])
    if seen.viewer.is_auditor:
        template = f"{row['template_id']}.v{row['template_version']}"
        return str(list_words()["file"]["hidden"].format(template=template))
    return mask_phones(row["text"])


def _messages_asked(asked: Asked) -> MessagesAsked:
    """Return the request as the parameters of the SQL statements about messages."""
    values = dict(asked.values)
    run, dag = values.pop("run"), values.pop("dag")
    # A run's name is unique only within its DAG. The DAG alone is no filter.
    return MessagesAsked(**values, run_id=run, dag_id=dag if run else None)


def found_messages(
    connection: Connection, asked: Asked, before: Place | None, most: int, looked_at: LookedAt = USUAL
) -> Piece:
    """Return the places (time and number) of at most ``most`` requested messages, from the place ``before`` on."""
    every = [each.agency_code for each in asked.agencies]
    return find_messages(connection, _messages_asked(asked), every, before, most, looked_at)


def _find_oldest(connection: Connection, asked: Asked, after: Place | None, most: int) -> Piece:
    """Return the places (time and number) of at most ``most`` of the oldest requested messages, from the place
    ``after`` on."""
    return find_oldest_messages(connection, _messages_asked(asked), after, most)


MESSAGES = Listing(
    "messages",
    Piecewise(
        found_messages,
        read_messages,
        ordered_by="recorded_at",
        find_oldest=lambda asked: None if asked.values["run"] else _find_oldest,
        few=lambda asked: _messages_asked(asked).is_of_each_agency,
    ),
    {
        "text": _words_shown,
        "template": lambda row, seen: f"{row['template_id']}.v{row['template_version']}",
    },
)


def asked_inquiries(asked: Asked) -> Asked:
    """Return the request for inquiries with its days filled in, if the viewer chose none."""
    begins, ends = asked.values["begins"], asked.values["ends"]
    if ends is None:
        today = datetime.combine(day_of(datetime.now(UTC)), datetime.min.time(), VIETNAM)
        ends = begins + timedelta(days=MOST_DAYS) if begins else today + timedelta(days=1)
    if begins is None:
        begins = ends - timedelta(days=USUAL_DAYS)
    if ends - begins > timedelta(days=MOST_DAYS):
        asked.faults.add("too_long", days=MOST_DAYS)
    in_words = list(asked.told)
    if not asked.given.keys() & {"since", "until"}:
        first, last = (each.astimezone(VIETNAM).date() for each in (begins, ends - timedelta(days=1)))
        in_words.append(period_told(first.isoformat(), last.isoformat()))
    return replace(asked, values={**asked.values, "begins": begins, "ends": ends}, told=in_words)


def inquiries_asked(asked: Asked) -> InquiriesAsked:
    """Return a request for inquiries as the parameters of the SQL statements about inquiries."""
    return InquiriesAsked(**asked.values)


HELD = Listing(
    "held",
    lambda connection, asked, most, skipped: held(
        connection, useful_at=datetime.now(UTC), limit=skipped + most, agencies=asked.viewer.listed
    )[skipped:],
)
RELEASED = Listing(
    "released",
    lambda connection, asked, most, skipped: releases(connection, skipped + most, asked.viewer.listed)[skipped:],
)
INQUIRIES = Listing(
    "inquiries",
    Piecewise(
        lambda connection, asked, before, most: find_inquiries(connection, inquiries_asked(asked), before, most),
        read_inquiries,
        ordered_by="received_at",
        # Counting the rows would always cost more than reading one page.
        few=lambda asked: True,
    ),
)


def _statement_state(row: StoredStatement, seen: Seen) -> Cell:
    """Return whether a carrier statement is in force or superseded."""
    words = wording.list_words()["statement"]
    return Word("" if row.in_force else "superseded", words["in_force" if row.in_force else "superseded"], None)


def _differing_columns(row: MatchRow, seen: Seen) -> Cell:
    """Return the columns in which a line differs from our message."""
    words = wording.list_words()["statement"]["differs"]
    return Word(", ".join(row.differs), ", ".join(words[each] for each in row.differs), None) if row.differs else None


def _closing_state(row: ListedClosing, seen: Seen) -> Cell:
    """Return whether a closing adds up, has differences, or is incomplete because sources were not read."""
    words = wording.list_words()["closing"]
    name = "unread" if row.sources_unread else "differs" if row.difference or row.unexplained else "meets"
    return Word(name, words[name], "ok" if name == "meets" else "bad")


STATEMENTS = Listing(
    "statements",
    lambda connection, asked, most, skipped: list_statements(connection)[skipped : skipped + most],
    {
        "statement_no": lambda row, seen: Link(str(row.statement_no), f"/statements?no={row.statement_no}"),
        "month": lambda row, seen: f"{row.month.month}/{row.month.year}",
        "in_force": _statement_state,
    },
)


def statement_rows(statement_no: int, verdict: LineMatch | None, differs: str | None) -> Listing:
    """Return the list of a carrier statement's rows with one verdict, the result of comparing a row with our messages.
    If ``verdict`` is ``None``, the list has all rows that do not match exactly."""
    return Listing(
        "statement_rows",
        lambda connection, asked, most, skipped: match_rows(
            connection, statement_no, RowsAsked(verdict, differs, most, skipped)
        ),
        {
            "line": lambda row, seen: f"{row.direction.upper()} {row.line_no}" if row.line_no else None,
            "differs": _differing_columns,
            "reference": lambda row, seen: row.our_reference or row.reference or row.gateway_reference,
        },
    )


def _dossier_of_any(row: Any, seen: Seen) -> Cell:  # noqa: ANN401 - any row with an agency and a dossier code
    """Return a link to the dossier of a row; ``None`` if the row has no dossier."""
    return None if row.dossier_code is None else dossier_link(row.agency_code, row.dossier_code)


def findings_of(run_no: int, agency_code: str | None, chosen: Chosen) -> Listing:
    """Return the list of a run's findings for one agency or for all agencies, the most urgent first."""
    return Listing(
        "findings",
        lambda connection, asked, most, skipped: urgent_rows(connection, run_no, agency_code, chosen, skipped, most),
        FINDING_CELLS,
    )


def _figure_cell(tell: Callable[[AgencyFigures], Cell]) -> OwnCell:
    """Return a cell function for a figure of an agency. The cell is empty if the agency could not be checked."""
    return lambda row, seen: None if row.broken_reason else tell(row)


def _group_cell(group: Group) -> OwnCell:
    """Return a cell function for the findings of one group of rules."""
    return _figure_cell(lambda row: row.by_group[group])


QUALITY = Listing(
    "quality",
    cells={
        "dossiers": _figure_cell(lambda row: row.dossiers),
        "to_do": _figure_cell(lambda row: row.to_do),
        "acknowledged": _figure_cell(lambda row: row.acknowledged),
        "phone_missing": _group_cell("phone_missing"),
        "phone_invalid": _group_cell("phone_invalid"),
        "status": _group_cell("status"),
        "other_faults": _group_cell("other"),
        "per_thousand": _figure_cell(
            lambda row: None if row.per_thousand is None else wording.decimal(row.per_thousand)
        ),
        "new": _figure_cell(lambda row: row.change.new),
        "back": _figure_cell(lambda row: row.change.back),
        "standing": _figure_cell(lambda row: row.change.standing),
        "fixed": _figure_cell(lambda row: row.change.fixed),
        "late": _figure_cell(lambda row: row.remind_agency + row.remind_department),
        "late_for_department": _figure_cell(lambda row: row.remind_department),
    },
)


CLOSINGS = Listing(
    "closings",
    lambda connection, asked, most, skipped: list_closings(connection, skipped + most)[skipped:],
    {
        "closing_no": lambda row, seen: Link(str(row.closing_no), f"/reconciliation?closing={row.closing_no}"),
        "period": lambda row, seen: Word(row.period, period_words(Period.parse(row.period)), None),
        "meets": _closing_state,
        "unread": lambda row, seen: ", ".join(row.sources_unread) or None,
    },
)


# --- Closings -------------------------------------------------------------------------------------------------------


DIFFERENCES_OF_CLOSING = Listing(
    "closing_differences",
    cells={
        "reason": lambda row, seen: Word(
            row.reason, words_of("publication.difference")[row.reason], None if row.is_explained else "bad"
        )
    },
)


def lists_of_closing(
    told: Told, messages: Sequence[MessageFigures], dossiers: Sequence[DossierFigures]
) -> list[Listing]:
    """Return the lists that a page shows about a closing: messages, dossiers, differences, and changes."""
    named = _closing_cells(told)
    return [
        replace(
            Listing("closing").of(
                messages,
                **named,
                share=lambda row, seen: (
                    None if row.delivered_of_tellable is None or row.kind == "reply" else told.share(row)
                ),
                # The share is given per million.
                delivered_of_tellable=lambda row, seen: (
                    None
                    if row.delivered_of_tellable is None or row.kind == "reply"
                    else round(row.delivered_of_tellable * 1_000_000)
                ),
                failed=lambda row, seen: row.undelivered + row.rejected + row.expired,
                waiting=lambda row, seen: row.in_hand + row.accepted + row.unconfirmed,
            ),
            links={
                name: _rows_address(told, _RENAMED_FIGURES.get(name, name))
                for name in (*_MESSAGE_FIGURES, *_RENAMED_FIGURES)
            },
        ),
        replace(
            Listing("closing_dossiers").of(dossiers, **named),
            links={name: _rows_address(told, name) for name in _DOSSIER_FIGURES},
        ),
        DIFFERENCES_OF_CLOSING.of(told.differences),
        Listing("closing_changes").of(
            told.changes,
            **named,
            figure=lambda row, seen: told.figure_name(row.figure),
            causes=lambda row, seen: told.causes(row) or None,
        ),
    ]


_MESSAGE_FIGURES: Final = ("suppressed", "cancelled", "tellable", "delivered", "failed", "waiting")
_RENAMED_FIGURES: Final = {"expected": "messages"}
"""Columns of the list of messages whose name differs from the figure's name, each with the figure's name."""
_DOSSIER_FIGURES: Final = (
    "carried_over",
    "received",
    "resolved_early",
    "resolved_on_time",
    "resolved_late",
    "open_in_time",
    "open_late",
    "due",
    "handed_over",
)


def _rows_address(told: Told, figure: str) -> Callable[[Any], str]:
    """Return a function that returns the address of the page with the rows behind a figure."""

    def address(row: Any) -> str:  # noqa: ANN401 - of messages or of dossiers
        kind = {"kind": row.kind} if isinstance(row, MessageFigures) else {}
        query = {"closing": told.report.closing.closing_no, "figure": figure, "agency": row.agency_code}
        return f"/reconciliation/rows?{urlencode({**query, 'procedure': row.procedure_code, **kind})}"

    return address


def rows_of_figure(told: Told, found: FigureRows) -> Listing:
    """Return the messages, dossiers or orphans (records without the record that they belong to) behind a figure, in
    their state at the cut-off of the closing."""
    cells = _closing_cells(told)
    if found.of is Orphan:
        # An orphan's dossier may not exist, so its code has no link.
        return Listing("figure_orphans").of(found.rows, **cells, dossier_code=lambda row, seen: row.dossier_code)
    cells["dossier_code"] = _dossier_of_any
    if found.of is CountedDossier:
        return Listing("figure_dossiers").of(found.rows, **cells, over=_days_over_cell)
    return Listing("figure_messages").of(found.rows, **cells, reason=lambda row, seen: told.reason(row.reason) or None)


def _closing_cells(told: Told) -> dict[str, OwnCell]:
    """Return the cell functions for the names of the agency and the procedure."""
    return {
        "agency": lambda row, seen: told.agency_name(row.agency_code),
        "procedure": lambda row, seen: told.procedure_name(row.procedure_code),
    }


def _days_over_cell(row: CountedDossier, seen: Seen) -> Cell:
    """Return in words how many days a dossier was early or late."""
    words = wording.list_words()["over"]
    if row.days_over is None:
        return None
    name = "late" if row.days_over > 0 else "early" if row.days_over < 0 else "on_time"
    return str(words[name].format(days=wording.count(abs(row.days_over))))


_ACCEPTABLE: Final = ("few_dossiers", "cut_off")
"""Faults of a refused file that a person may overrule, because the file may be right."""


@dataclass(frozen=True, slots=True)
class ToldExport:
    """An export file in words, as a viewer sees it."""

    file: Export
    name: str
    state: str
    why: str
    faults: Sequence[FileFault]
    may_be_accepted: bool


def may_be_accepted(file: Export) -> bool:
    """Return whether a person may order that the file is imported as it is."""
    return file.state == "refused" and any(fault["code"] in _ACCEPTABLE for fault in file.faults)


def told_export(viewer: Viewer, file: Export) -> ToldExport:
    """Return an export file in words. Auditors see neither the name of the file nor the names of its sheets and
    columns."""
    words = list_words()["exported"]
    faults = [FileFault(**fault) for fault in file.faults]
    if viewer.is_auditor:
        faults = [replace(each, sheet=None, heading=None) for each in faults]
    if file.state == "refused":
        why = str(faults[0]) if faults else ""
    elif file.state == "waiting" and file.accepted_at:
        why = words["why"]["waiting_again"]
    else:
        why = words["why"].get(file.state, "").format(seconds=round(SETTLED.total_seconds()))
    name = words["without_name"].format(no=file.export_no) if viewer.is_auditor else viewer.text(file.name)
    return ToldExport(file, name, words["state"][file.state], why, faults, may_be_accepted(file))


def _export_kind(row: ToldExport, seen: Seen) -> Cell:
    """Return whether an export has all dossiers or only changes; ``None`` if it was not read."""
    if row.file.is_whole is None:
        return None
    return str(list_words()["exported"]["kind"]["whole" if row.file.is_whole else "changes"])


def _export_link(row: ToldExport, seen: Seen) -> Cell:
    """Return a link to the page of an export."""
    query = urlencode({"source": row.file.source, "no": row.file.export_no})
    return Link(row.name, f"/quality/sources/exports?{query}")


def exports_of(source: str | None) -> Listing:
    """Return the list of the export files of one source or of all sources, the newest first."""
    return Listing(
        "exports",
        lambda connection, asked, most, skipped: [
            told_export(asked.viewer, each) for each in list_exports(connection, source, limit=most, skipped=skipped)
        ],
        {
            "export_name": _export_link,
            "export_kind": _export_kind,
            "exported_at": lambda row, seen: row.file.exported_at or row.file.modified_at,
            "export_why": lambda row, seen: row.why or None,
        },
    )


def vanished_of(source: str) -> Listing:
    """Return the list of open dossiers that are missing in a source's latest whole exports."""
    return Listing(
        "vanished",
        lambda connection, asked, most, skipped: list_vanished(connection, source, skipped + most)[skipped:],
    )


def check_of(check: SourceCheck | None, kind: str) -> Listing:
    """Return the list of the findings of a source check, in the words for that kind of source."""
    rows = [
        {
            "kind": each.finding.name,
            "severity": check_words()["severity"][texts.severity],
            "breach": texts.title,
            "seen": texts.found,
            "matters": texts.meaning,
            "action": texts.todo,
            "since": each.since,
            "examples": ", ".join(each.finding.facts["examples"]),
        }
        for each in (check.findings if check else ())
        for texts in [in_words(each.finding, kind)]
    ]
    return Listing("source_check").of(rows)


# --- Freshness of sources, and data that cannot be used ---------------------------------------------------------------

_WITHOUT_EXAMPLES: Final = ("code_missing", "code_unusable")
"""Reasons for quarantine that concern the field of the dossier's code. The field may then hold anything, also a
person's name or number."""


def _read_sources(connection: Connection, asked: Asked, most: int, skipped: int) -> Sequence[Freshness]:
    """Return the sources that were read. Viewers of all agencies also see sources that were never read."""
    read = freshness_of_sources(connection, asked.viewer.listed)
    configured = settings().sources if asked.viewer.agencies is None else ()
    never = [Freshness.of_unread(name) for name in configured if name not in {each.name for each in read}]
    return sorted([*read, *never], key=lambda each: each.name)[skipped : skipped + most]


def _source_failure(row: Freshness, seen: Seen) -> Cell:
    """Return why a source could not be read. Viewers of single agencies do not see the reason, because they cannot
    correct the fault."""
    is_told = row.failed_at and seen.viewer.agencies is None
    return seen.viewer.text(row.failure or "") or None if is_told else None


def _source_connection(row: Freshness, seen: Seen) -> Cell:
    """Return the name of a source's connection; ``None`` if the source is not configured."""
    kind = settings().sources.get(row.name)
    return kind and connection_of(row.name, kind)


def _quarantine_examples(row: QuarantineCount, seen: Seen) -> Cell:
    """Return examples of quarantined rows, without those that may name a person. Auditors see no examples."""
    if seen.viewer.is_auditor or row.reason in _WITHOUT_EXAMPLES:
        return None
    return ", ".join(seen.viewer.text(each) for each in row.examples if each) or None


def _state_of_source(row: Freshness, seen: Seen) -> Word | str:
    """Return whether a source can be read."""
    words = list_words()["source_state"]
    return Word("failing", words["failing"], "bad") if row.failed_at else str(words["ok"])


SOURCES = Listing(
    "sources",
    _read_sources,
    {
        "adapter": lambda row, seen: settings().sources.get(row.name),
        "connection": _source_connection,
        "state": _state_of_source,
        "failure": _source_failure,
    },
)
UNUSABLE = Listing(
    "unusable",
    lambda connection, asked, most, skipped: open_quarantine(connection, asked.viewer.listed)[skipped : skipped + most],
    {"examples": _quarantine_examples, "heals": lambda row, seen: words_of("unusable.heals")[row.reason]},
)


# --- Apologies -------------------------------------------------------------------------------------------------------


def owed_of(connection: Connection, owed: Sequence[OwedTonight], evening_at: datetime, asked: Asked) -> Listing:
    """Return the list of the dossiers for which the coming evening plans apologies, filtered as requested."""
    rows = _owed_asked(owed, **asked.values)
    names = procedure_names(connection, sorted({each.procedure_code for each in rows if each.procedure_code}))
    by_hour = list_words()["owed_todo"].format(hour=wording.hour(evening_at))
    return OWED_TONIGHT.of(
        rows,
        procedure=lambda row, seen: names.get(row.procedure_code, row.procedure_code),
        todo=lambda row, seen: by_hour if row.is_told else _phone_todo(row.reason),
    )


def _owed_asked(owed: Sequence[OwedTonight], agencies: Sequence[str] | None, outcome: str | None) -> list[OwedTonight]:
    """Return the dossiers of these agencies with this outcome. ``None`` stands for all agencies or outcomes."""
    return [
        each
        for each in owed
        if (agencies is None or each.agency_code in agencies) and outcome in (None, _outcome_of(each))
    ]


def _outcome_of(row: OwedTonight) -> str:
    """Return the value of the filter ``outcome``: whether the citizen can be texted or not."""
    return "told" if row.is_told else "untold"


def _owed_outcome(row: OwedTonight, seen: Seen) -> Cell:
    """Return in words whether the citizen can be texted."""
    outcome = _outcome_of(row)
    return Word(outcome, words_of("owed")[outcome], "warn" if row.is_told else "bad")


def _phone_todo(reason: str | None) -> str | None:
    """Return what staff must do about a phone that cannot be texted; ``None`` if the reason is not about the phone."""
    label = next((label for code, label in phone_labels().items() if code == reason), None)
    return label.action if label else None


OWED_TONIGHT = Listing("owed_tonight", cells={"outcome": _owed_outcome})
LETTERS = Listing(
    "letters",
    lambda connection, asked, most, skipped: letters_needed(
        connection, datetime.now(VIETNAM).date(), limit=most + skipped, **asked.values
    )[skipped:],
)


# --- Stops of the Department ------------------------------------------------------------------------------------------


def _stopped_words(row: StopRow, seen: Seen) -> Cell:
    """Return in words what a stop covers."""
    code = row.stop.agency_code
    return stopped_in_words(row.stop.kind, seen.names.get(code, code) if code else None)


def _stop_state(row: StopRow, seen: Seen) -> Cell:
    """Return in words whether a stop is in force, was ended by a person, or is over."""
    state, tone = ("in_force", "warn") if row.in_force else ("ended" if row.stop.ended_at else "over", "")
    return Word(state, list_words()["stop_state"][state], tone)


def _stop_field(name: str) -> OwnCell:
    """Return a cell function for a field of a stop."""
    return lambda row, seen: getattr(row.stop, name)


STOPS = Listing(
    "stops",
    lambda connection, asked, most, skipped: stop_rows(
        connection, asked.viewer, datetime.now(UTC), last_stops(connection, most + skipped)[skipped:]
    ),
    {
        "what": _stopped_words,
        "now": _stop_state,
        "waiting": lambda row, seen: row.waiting if row.in_force else None,
        **{name: _stop_field(name) for name in ("reason", "stopped_at", "until", "stopped_by", "ended_at", "ended_by")},
    },
)


# --- Clients that push ------------------------------------------------------------------------------------------------

_MOST_ALERTS: Final = 200


def pushes_since() -> date:
    """Return the first of the days that the lists of pushes cover."""
    return (datetime.now(UTC) - timedelta(days=7)).astimezone(VIETNAM).date()


def _read_clients(connection: Connection, asked: Asked, most: int, skipped: int) -> list[dict[str, Any]]:
    """Return all clients, also of sources with exports, each with a flag for an open alert about its silence."""
    alerts = list_alerts(connection, datetime.now(UTC), _MOST_ALERTS)
    silent = {each.subject for each in alerts if each.name == "push_silent" and each.over_at is None}
    return [
        {"client": each, "silent": each.name in silent}
        for each in list_clients(connection, pushes_since(), asked.viewer.listed)
    ][skipped : skipped + most]


def _read_pushing_clients(connection: Connection, asked: Asked, most: int, skipped: int) -> list[dict[str, Any]]:
    """Return the clients that push. Accounts of sources that deliver exports are left out, because no software pushes
    with them."""
    found = [each for each in _read_clients(connection, asked, most + skipped, 0) if not _drops_files(each["client"])]
    return found[skipped : skipped + most]


def _drops_files(client: Client) -> bool:
    """Return whether a client is the account of a source that delivers exports."""
    return settings().sources.get(client.source) == ADAPTER


def _push_state(row: Mapping[str, Any], seen: Seen) -> Cell:
    """Return in words whether a client is disabled, delivers exports, pushes, or is silent."""
    client: Client = row["client"]
    words = list_words()["pushed"]["state"]
    if client.disabled_at is not None:
        return Word("disabled", words["disabled"], None)
    if _drops_files(client):
        return Word("drops files", words["files"], None)
    if client.last_call_at is None:
        return Word("never", words["never"], None)
    name = "silent" if row["silent"] else "pushes"
    return Word(name, words[name], "warn" if name == "silent" else None)


PUSHES = Listing(
    "pushes",
    _read_pushing_clients,
    {"push_state": _push_state, "agencies": lambda row, seen: ", ".join(row["client"].agencies)},
)
"""Clients that push, with the figures of the last seven days. If a client serves several agencies, only viewers of all
agencies see its figures."""
ACCOUNTS = replace(PUSHES, rows=_read_clients)
"""All accounts, also those of sources that deliver exports."""
PUSH_FAULTS = Listing(
    "push_faults",
    lambda connection, asked, most, skipped: (
        fault_sums(connection, pushes_since())[skipped : skipped + most] if asked.viewer.agencies is None else ()
    ),
    {"fault": lambda row, seen: str(list_words()["pushed"]["fault"].get(row.fault, row.fault))},
)
SUPPLEMENTS = Listing(
    "supplements",
    lambda connection, asked, most, skipped: supplements_untold(
        connection,
        datetime.combine(pushes_since(), datetime.min.time(), VIETNAM),
        datetime.now(UTC),
        asked.viewer.listed,
    )[skipped : skipped + most],
)


# --- Meanings that were given to statuses -----------------------------------------------------------------------------


def _status_meaning(row: MappedStatus, seen: Seen) -> str:
    """Return in words which national status a source's status means, and which national status it meant before."""
    statuses = national_statuses()
    status = f"{row.status_code} {statuses[row.status_code]}"
    if not row.status_before:
        return status
    before = f"{row.status_before} {statuses[row.status_before]}"
    return str(list_words()["stood_for"].format(status=status, before=before))


STATUS_MAPS = Listing(
    "status_maps",
    lambda connection, asked, most, skipped: mapped_statuses(connection)[skipped : skipped + most],
    {
        "stands_for": lambda row, seen: national_statuses()[row.status_code],
        "mapped_before": lambda row, seen: national_statuses()[row.status_before] if row.status_before else None,
        "told": _status_meaning,
    },
)
