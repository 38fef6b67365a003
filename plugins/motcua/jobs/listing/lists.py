"""The lists that pages, files and commands show: of each what reads its rows, and what its entries cannot say."""

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


def _step(row: DossierFound, seen: Seen) -> Cell:
    return hide_phones(row.step_name or status_name(row.status_code) or "") or None


DOSSIERS = Listing("dossiers", cells={"step": _step})
AXIS = Listing(
    "axis",
    cells={
        "sort": lambda row, seen: clauses()["axis"]["sort"][row.sort],
        "details": lambda row, seen: "; ".join(row.details) or None,
    },
)


def _read(connection: Connection, asked: Asked, most: int, skipped: int) -> Sequence[Complaint]:
    values: dict[str, Any] = dict(asked.values)
    state = values["state"]
    wanted = ComplaintsAsked(
        agencies=values["agencies"],
        claim=values["claim"],
        outcome=state if state in OUTCOMES else None,
        unlinked=state == "unlinked",
        repeated=state == "repeated",
        begins=values["begins"],
        ends=values["ends"],
        most=most,
        skipped=skipped,
    )
    return list_complaints(connection, wanted, asked.viewer.phone)


def _dossier(row: Complaint, seen: Seen) -> Cell:
    if row.dossier_code is None or row.dossier_id is None:
        return row.dossier_code
    return dossier_link(row.agency_code, row.dossier_code)


def _check(row: Complaint, seen: Seen) -> Cell:
    said = wording.list_words()["complaint"]
    if row.withdrawn_at:
        return Word("withdrawn", said["withdrawn"], "")
    if row.repeats:
        return Word(f"repeats {row.repeats}", said["repeats"].format(number=row.repeats), "")
    return Word(row.outcome, titles()["outcome"][row.outcome], "")


def _message(row: Complaint, seen: Seen) -> Cell:
    """The message that it is about; where none was sent, the one that was planned, and why it stands so."""
    words = wording.publication_words()
    if row.message_id is not None:
        told = f"{row.message_id}: {words['kind'][row.message_kind]}, {words['state'][row.message_state]}"
        return Word(f"{row.message_id} {row.message_kind} {row.message_state}", told, None)
    if row.intended_id is None:
        return None
    told = words["state"][row.intended_state]
    codes = seen.viewer.is_operator
    why = f" – {wording.message_reason(row.intended_reason, code=codes)}" if row.intended_reason else ""
    return Word(
        f"(not sent then) {row.intended_id} {row.intended_kind}: {told}{why}",
        f"{row.intended_id}: {words['kind'][row.intended_kind]}, {told}{why}",
        None,
    )


COMPLAINTS = Listing(
    "complaints",
    _read,
    {
        "dossier_code": _dossier,
        "channel": lambda row, seen: Word(row.channel, titles()["channel"][row.channel], None),
        "check": _check,
        "message": _message,
    },
)


NOBODYS = frozenset({"dossier_code", "agency_name", "due_date", "step_name", "punctuality"})
"""Parameters of texts whose values name no person. What else a text may hold, a citizen typed."""


USUAL_DAYS, MOST_DAYS = 7, 14
"""Of inquiries: days that are shown where none are chosen, and how many may be."""


@lru_cache(maxsize=1)
def _plain_templates() -> frozenset[tuple[str, int]]:
    versions = load_template_versions()
    return frozenset(name for name, template in versions.items() if NOBODYS.issuperset(template.parameters))


def _words_shown(row: Mapping[str, Any], seen: Seen) -> Cell:
    """The words of a message as a viewer sees them.

    What a stranger typed may name anybody: auditors do not see it, and numbers in it are masked for everyone.
    """
    if (row["template_id"], row["template_version"]) in _plain_templates():
        return str(row["text"])
    if seen.viewer.is_auditor:
        template = f"{row['template_id']}.v{row['template_version']}"
        return str(list_words()["file"]["hidden"].format(template=template))
    return mask_phones(row["text"])


def _of_messages(asked: Asked) -> MessagesAsked:
    values = dict(asked.values)
    run, dag = values.pop("run"), values.pop("dag")
    # Other DAGs may have runs of the same name; without a run a DAG says nothing.
    return MessagesAsked(**values, run_id=run, dag_id=dag if run else None)


def found_messages(
    connection: Connection, asked: Asked, before: Place | None, most: int, looked_at: LookedAt = USUAL
) -> Piece:
    """Places of up to so many messages that are asked for, from a place on."""
    every = [each.agency_code for each in asked.agencies]
    return find_messages(connection, _of_messages(asked), every, before, most, looked_at)


def _find_oldest(connection: Connection, asked: Asked, after: Place | None, most: int) -> Piece:
    return find_oldest_messages(connection, _of_messages(asked), after, most)


MESSAGES = Listing(
    "messages",
    Piecewise(
        found_messages,
        read_messages,
        ordered_by="recorded_at",
        find_oldest=lambda asked: None if asked.values["run"] else _find_oldest,
        few=lambda asked: _of_messages(asked).is_of_each_agency,
    ),
    {
        "text": _words_shown,
        "template": lambda row, seen: f"{row['template_id']}.v{row['template_version']}",
    },
)


def asked_inquiries(asked: Asked) -> Asked:
    """What is asked of inquiries, with the days that count where none were chosen."""
    begins, ends = asked.values["begins"], asked.values["ends"]
    if ends is None:
        today = datetime.combine(day_of(datetime.now(UTC)), datetime.min.time(), VIETNAM)
        ends = begins + timedelta(days=MOST_DAYS) if begins else today + timedelta(days=1)
    if begins is None:
        begins = ends - timedelta(days=USUAL_DAYS)
    if ends - begins > timedelta(days=MOST_DAYS):
        asked.faults.add("too_long", days=MOST_DAYS)
    told = list(asked.told)
    if not asked.given.keys() & {"since", "until"}:
        first, last = (each.astimezone(VIETNAM).date() for each in (begins, ends - timedelta(days=1)))
        told.append(period_told(first.isoformat(), last.isoformat()))
    return replace(asked, values={**asked.values, "begins": begins, "ends": ends}, told=told)


def inquiries_asked(asked: Asked) -> InquiriesAsked:
    """The same as statements take it."""
    values = {name: value for name, value in asked.values.items() if name != "of_no_agency"}
    return InquiriesAsked(**values)


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
        # The first page counts no further than itself.
        few=lambda asked: True,
    ),
)


def _in_force(row: StoredStatement, seen: Seen) -> Cell:
    said = wording.list_words()["statement"]
    return Word("" if row.in_force else "superseded", said["in_force" if row.in_force else "superseded"], None)


def _differs(row: MatchRow, seen: Seen) -> Cell:
    said = wording.list_words()["statement"]["differs"]
    return Word(", ".join(row.differs), ", ".join(said[each] for each in row.differs), None) if row.differs else None


def _meets(row: ListedClosing, seen: Seen) -> Cell:
    said = wording.list_words()["closing"]
    name = "unread" if row.sources_unread else "differs" if row.difference or row.unexplained else "meets"
    return Word(name, said[name], "ok" if name == "meets" else "bad")


STATEMENTS = Listing(
    "statements",
    lambda connection, asked, most, skipped: list_statements(connection)[skipped : skipped + most],
    {
        "statement_no": lambda row, seen: Link(str(row.statement_no), f"/statements?no={row.statement_no}"),
        "month": lambda row, seen: f"{row.month.month}/{row.month.year}",
        "in_force": _in_force,
    },
)


def statement_rows(statement_no: int, verdict: LineMatch | None, differs: str | None) -> Listing:
    """Rows of a statement; by default all that are not exact."""
    return Listing(
        "statement_rows",
        lambda connection, asked, most, skipped: match_rows(
            connection, statement_no, RowsAsked(verdict, differs, most, skipped)
        ),
        {
            "line": lambda row, seen: f"{row.direction.upper()} {row.line_no}" if row.line_no else None,
            "differs": _differs,
            "reference": lambda row, seen: row.our_reference or row.reference or row.gateway_reference,
        },
    )


def _dossier_of_any(row: Any, seen: Seen) -> Cell:  # noqa: ANN401 - of whatever names one
    return None if row.dossier_code is None else dossier_link(row.agency_code, row.dossier_code)


def findings_of(run_no: int, agency_code: str | None, chosen: Chosen) -> Listing:
    """What is to be corrected by a run, of an agency or of all, the most urgent first."""
    return Listing(
        "findings",
        lambda connection, asked, most, skipped: urgent_rows(connection, run_no, agency_code, chosen, skipped, most),
        FINDING_CELLS,
    )


def _figure(tell: Callable[[AgencyFigures], Cell]) -> OwnCell:
    """A figure of an agency; nothing is known of one that could not be checked."""
    return lambda row, seen: None if row.broken_reason else tell(row)


def _of_group(group: Group) -> OwnCell:
    return _figure(lambda row: row.by_group[group])


QUALITY = Listing(
    "quality",
    cells={
        "dossiers": _figure(lambda row: row.dossiers),
        "to_do": _figure(lambda row: row.to_do),
        "acknowledged": _figure(lambda row: row.acknowledged),
        "phone_missing": _of_group("phone_missing"),
        "phone_invalid": _of_group("phone_invalid"),
        "status": _of_group("status"),
        "other_faults": _of_group("other"),
        "per_thousand": _figure(lambda row: None if row.per_thousand is None else wording.decimal(row.per_thousand)),
        "new": _figure(lambda row: row.change.new),
        "back": _figure(lambda row: row.change.back),
        "standing": _figure(lambda row: row.change.standing),
        "fixed": _figure(lambda row: row.change.fixed),
        "late": _figure(lambda row: row.remind_agency + row.remind_department),
        "late_for_department": _figure(lambda row: row.remind_department),
    },
)


CLOSINGS = Listing(
    "closings",
    lambda connection, asked, most, skipped: list_closings(connection, skipped + most)[skipped:],
    {
        "closing_no": lambda row, seen: Link(str(row.closing_no), f"/reconciliation?closing={row.closing_no}"),
        "period": lambda row, seen: Word(row.period, period_words(Period.parse(row.period)), None),
        "meets": _meets,
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
    """What a page tells of a closing row by row: messages, dossiers, what has no counterpart, what it changed."""
    named = _of_a_row(told)
    return [
        replace(
            Listing("closing").of(
                messages,
                **named,
                share=lambda row, seen: (
                    None if row.delivered_of_tellable is None or row.kind == "reply" else told.share(row)
                ),
                # Per million.
                delivered_of_tellable=lambda row, seen: (
                    None
                    if row.delivered_of_tellable is None or row.kind == "reply"
                    else round(row.delivered_of_tellable * 1_000_000)
                ),
                failed=lambda row, seen: row.undelivered + row.rejected + row.expired,
                waiting=lambda row, seen: row.in_hand + row.accepted + row.unconfirmed,
            ),
            links={name: _to_rows(told, _FIGURES.get(name, name)) for name in (*_OF_MESSAGES, *_FIGURES)},
        ),
        replace(
            Listing("closing_dossiers").of(dossiers, **named),
            links={name: _to_rows(told, name) for name in _OF_DOSSIERS},
        ),
        DIFFERENCES_OF_CLOSING.of(told.differences),
        Listing("closing_changes").of(
            told.changes,
            **named,
            figure=lambda row, seen: told.figure_name(row.figure),
            causes=lambda row, seen: told.causes(row) or None,
        ),
    ]


_OF_MESSAGES: Final = ("suppressed", "cancelled", "tellable", "delivered", "failed", "waiting")
_FIGURES: Final = {"expected": "messages"}
"""Columns whose rows have another name."""
_OF_DOSSIERS: Final = (
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


def _to_rows(told: Told, figure: str) -> Callable[[Any], str]:
    """Where the rows of a figure of a cell are."""

    def address(row: Any) -> str:  # noqa: ANN401 - of messages or of dossiers
        kind = {"kind": row.kind} if isinstance(row, MessageFigures) else {}
        query = {"closing": told.report.closing.closing_no, "figure": figure, "agency": row.agency_code}
        return f"/reconciliation/rows?{urlencode({**query, 'procedure': row.procedure_code, **kind})}"

    return address


def rows_of_figure(told: Told, found: FigureRows) -> Listing:
    """Messages, dossiers or orphans behind a figure, as they stood at the cut-off of its closing."""
    cells = _of_a_row(told)
    if found.of is Orphan:
        # What belongs to nothing may have no page.
        return Listing("figure_orphans").of(found.rows, **cells, dossier_code=lambda row, seen: row.dossier_code)
    cells["dossier_code"] = _dossier_of_any
    if found.of is CountedDossier:
        return Listing("figure_dossiers").of(found.rows, **cells, over=_over)
    return Listing("figure_messages").of(found.rows, **cells, reason=lambda row, seen: told.reason(row.reason) or None)


def _of_a_row(told: Told) -> dict[str, OwnCell]:
    return {
        "agency": lambda row, seen: told.agency_name(row.agency_code),
        "procedure": lambda row, seen: told.procedure_name(row.procedure_code),
    }


def _over(row: CountedDossier, seen: Seen) -> Cell:
    said = wording.list_words()["over"]
    if row.days_over is None:
        return None
    name = "late" if row.days_over > 0 else "early" if row.days_over < 0 else "on_time"
    return str(said[name].format(days=wording.count(abs(row.days_over))))


_ACCEPTABLE: Final = ("few_dossiers", "cut_off")
"""Why a file was refused that a person may know to be right."""


@dataclass(frozen=True, slots=True)
class ToldExport:
    """A file in words, as a viewer sees it."""

    file: Export
    name: str
    state: str
    why: str
    faults: Sequence[FileFault]
    may_be_accepted: bool


def may_be_accepted(file: Export) -> bool:
    """Whether a person may have it taken as it is."""
    return file.state == "refused" and any(fault["code"] in _ACCEPTABLE for fault in file.faults)


def told_export(viewer: Viewer, file: Export) -> ToldExport:
    """A file in words; auditors see no name of a file, and none of what its maker named."""
    said = list_words()["exported"]
    faults = [FileFault(**fault) for fault in file.faults]
    if viewer.is_auditor:
        faults = [replace(each, sheet=None, heading=None) for each in faults]
    if file.state == "refused":
        why = str(faults[0]) if faults else ""
    elif file.state == "waiting" and file.accepted_at:
        why = said["why"]["waiting_again"]
    else:
        why = said["why"].get(file.state, "").format(seconds=round(SETTLED.total_seconds()))
    name = said["without_name"].format(no=file.export_no) if viewer.is_auditor else viewer.text(file.name)
    return ToldExport(file, name, said["state"][file.state], why, faults, may_be_accepted(file))


def _kind(row: ToldExport, seen: Seen) -> Cell:
    if row.file.is_whole is None:
        return None
    return str(list_words()["exported"]["kind"]["whole" if row.file.is_whole else "changes"])


def _name(row: ToldExport, seen: Seen) -> Cell:
    query = urlencode({"source": row.file.source, "no": row.file.export_no})
    return Link(row.name, f"/quality/sources/exports?{query}")


def exports_of(source: str | None) -> Listing:
    """The files of a source, or of all, the newest first."""
    return Listing(
        "exports",
        lambda connection, asked, most, skipped: [
            told_export(asked.viewer, each) for each in list_exports(connection, source, limit=most, skipped=skipped)
        ],
        {
            "export_name": _name,
            "export_kind": _kind,
            "exported_at": lambda row, seen: row.file.exported_at or row.file.modified_at,
            "export_why": lambda row, seen: row.why or None,
        },
    )


def vanished_of(source: str) -> Listing:
    """Open dossiers that a source's whole exports have no more."""
    return Listing(
        "vanished",
        lambda connection, asked, most, skipped: list_vanished(connection, source, skipped + most)[skipped:],
    )


def check_of(check: SourceCheck | None, kind: str) -> Listing:
    """What a check of a source of some kind found."""
    rows = [
        {
            "kind": each.finding.name,
            "severity": check_words()["severity"][said.severity],
            "breach": said.title,
            "seen": said.found,
            "matters": said.meaning,
            "action": said.todo,
            "since": each.since,
            "examples": ", ".join(each.finding.facts["examples"]),
        }
        for each in (check.findings if check else ())
        for said in [in_words(each.finding, kind)]
    ]
    return Listing("source_check").of(rows)


# --- How fresh they are, and what of them cannot be used -------------------------------------------------------------

_WITHOUT_EXAMPLES: Final = ("code_missing", "code_unusable")
"""Reasons for which the field of the code may hold anything, a name or a number."""


def _sources(connection: Connection, asked: Asked, most: int, skipped: int) -> Sequence[Freshness]:
    """Those that were read; to whom all may be shown also those that never were."""
    read = freshness_of_sources(connection, asked.viewer.listed)
    configured = settings().sources if asked.viewer.agencies is None else ()
    never = [Freshness.of_unread(name) for name in configured if name not in {each.name for each in read}]
    return sorted([*read, *never], key=lambda each: each.name)[skipped : skipped + most]


def _failure(row: Freshness, seen: Seen) -> Cell:
    """Why it could not be read; what an agency cannot mend it is not told."""
    is_told = row.failed_at and seen.viewer.agencies is None
    return seen.viewer.text(row.failure or "") or None if is_told else None


def _connection(row: Freshness, seen: Seen) -> Cell:
    kind = settings().sources.get(row.name)
    return kind and connection_of(row.name, kind)


def _examples(row: QuarantineCount, seen: Seen) -> Cell:
    if seen.viewer.is_auditor or row.reason in _WITHOUT_EXAMPLES:
        return None
    return ", ".join(seen.viewer.text(each) for each in row.examples if each) or None


def _state_of_source(row: Freshness, seen: Seen) -> Word | str:
    said = list_words()["source_state"]
    return Word("failing", said["failing"], "bad") if row.failed_at else str(said["ok"])


SOURCES = Listing(
    "sources",
    _sources,
    {
        "adapter": lambda row, seen: settings().sources.get(row.name),
        "connection": _connection,
        "state": _state_of_source,
        "failure": _failure,
    },
)
UNUSABLE = Listing(
    "unusable",
    lambda connection, asked, most, skipped: open_quarantine(connection, asked.viewer.listed)[skipped : skipped + most],
    {"examples": _examples, "heals": lambda row, seen: words_of("unusable.heals")[row.reason]},
)


# --- Apologies -------------------------------------------------------------------------------------------------------


def owed_of(connection: Connection, owed: Sequence[OwedTonight], evening_at: datetime, asked: Asked) -> Listing:
    """The list of those of whom the coming evening apologises to that are asked for."""
    agencies, outcome = asked.values["agencies"], asked.values["outcome"]
    rows = [
        each
        for each in owed
        if (agencies is None or each.agency_code in agencies) and outcome in (None, _outcome_of(each))
    ]
    names = procedure_names(connection, sorted({each.procedure_code for each in rows if each.procedure_code}))
    by_hour = list_words()["owed_todo"].format(hour=wording.hour(evening_at))
    return OWED_TONIGHT.of(
        rows,
        procedure=lambda row, seen: names.get(row.procedure_code, row.procedure_code),
        todo=lambda row, seen: by_hour if row.is_told else _phone_todo(row.reason),
    )


def _outcome_of(row: OwedTonight) -> str:
    return "told" if row.is_told else "untold"


def _owed_outcome(row: OwedTonight, seen: Seen) -> Cell:
    outcome = _outcome_of(row)
    return Word(outcome, words_of("owed")[outcome], "warn" if row.is_told else "bad")


def _phone_todo(reason: str | None) -> str | None:
    label = next((label for code, label in phone_labels().items() if code == reason), None)
    return label.action if label else None


OWED_TONIGHT = Listing("owed_tonight", cells={"outcome": _owed_outcome})
LETTERS = Listing(
    "letters",
    lambda connection, asked, most, skipped: letters_needed(
        connection, datetime.now(VIETNAM).date(), asked.values["agencies"], most + skipped
    )[skipped:],
)


# --- What the Department stopped -------------------------------------------------------------------------------------


def _stopped(row: StopRow, seen: Seen) -> Cell:
    code = row.stop.agency_code
    return stopped_in_words(row.stop.kind, seen.names.get(code, code) if code else None)


def _stop_state(row: StopRow, seen: Seen) -> Cell:
    state, tone = ("in_force", "warn") if row.in_force else ("ended" if row.stop.ended_at else "over", "")
    return Word(state, list_words()["stop_state"][state], tone)


def _of_stop(name: str) -> OwnCell:
    return lambda row, seen: getattr(row.stop, name)


STOPS = Listing(
    "stops",
    lambda connection, asked, most, skipped: stop_rows(
        connection, asked.viewer, datetime.now(UTC), last_stops(connection, most + skipped)[skipped:]
    ),
    {
        "what": _stopped,
        "now": _stop_state,
        "waiting": lambda row, seen: row.waiting if row.in_force else None,
        **{name: _of_stop(name) for name in ("reason", "stopped_at", "until", "stopped_by", "ended_at", "ended_by")},
    },
)


# --- What pushes to us -----------------------------------------------------------------------------------------------

_MOST_ALERTS: Final = 200


def pushes_since() -> date:
    """The first of the days that are looked at."""
    return (datetime.now(UTC) - timedelta(days=7)).astimezone(VIETNAM).date()


def _clients(connection: Connection, asked: Asked, most: int, skipped: int) -> list[dict[str, Any]]:
    alerts = list_alerts(connection, datetime.now(UTC), _MOST_ALERTS)
    silent = {each.subject for each in alerts if each.name == "push_silent" and each.over_at is None}
    return [
        {"client": each, "silent": each.name in silent}
        for each in list_clients(connection, pushes_since(), asked.viewer.listed)
    ][skipped : skipped + most]


def _pushing(connection: Connection, asked: Asked, most: int, skipped: int) -> list[dict[str, Any]]:
    """Nobody signs in with the account of a source whose software drops files: it is none that pushes."""
    found = [each for each in _clients(connection, asked, most + skipped, 0) if not _drops_files(each["client"])]
    return found[skipped : skipped + most]


def _drops_files(client: Client) -> bool:
    return settings().sources.get(client.source) == ADAPTER


def _push_state(row: Mapping[str, Any], seen: Seen) -> Cell:
    client: Client = row["client"]
    said = list_words()["pushed"]["state"]
    if client.disabled_at is not None:
        return Word("disabled", said["disabled"], None)
    if _drops_files(client):
        return Word("drops files", said["files"], None)
    if client.last_call_at is None:
        return Word("never", said["never"], None)
    name = "silent" if row["silent"] else "pushes"
    return Word(name, said[name], "warn" if name == "silent" else None)


PUSHES = Listing(
    "pushes", _pushing, {"push_state": _push_state, "agencies": lambda row, seen: ", ".join(row["client"].agencies)}
)
"""Software that pushes, of the last seven days; of a client that is of several agencies those alone see figures who may
see all."""
ACCOUNTS = replace(PUSHES, rows=_clients)
"""All accounts, also of software that drops files."""
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


# --- What statuses were said to stand for ----------------------------------------------------------------------------


def _stood_for(row: MappedStatus, seen: Seen) -> str:
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
        "told": _stood_for,
    },
)
