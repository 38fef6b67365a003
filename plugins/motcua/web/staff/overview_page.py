"""The first page, *Tổng quan*: what needs attention, a day's messages by state, and the present state of the system.

The page counts the rows of one day and never the whole ledger. The page does not check the accounting identity (each
event has exactly one message) itself. The watch, a process outside Airflow, checks the identity by counts. The page
shows the last result and its time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from http import HTTPStatus
from typing import get_args
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from motcua.domain.clock import VIETNAM
from motcua.domain.dossiers import Kind
from motcua.domain.periods import Period
from motcua.domain.routing import day_of
from motcua.jobs.listing.asking import NO_AGENCY, period_told, whose
from motcua.jobs.listing.reading import Listing
from motcua.jobs.watching.standing import MOST_QUARANTINED, data_as_of, matters_of, standing_of
from motcua.reports import wording
from motcua.reports.publication.data import period_words
from motcua.store.agencies import list_agencies
from motcua.store.ledger.database import Connection, page_connection
from motcua.store.notices.dossiers import are_any_dossiers
from motcua.store.notices.messages import RecordedCount, recorded_in
from motcua.store.notices.sources import list_sources
from motcua.store.watching.watch import WatchLife
from motcua.web.forms import PageRefused
from motcua.web.lists import FileFormat, file_of
from motcua.web.rendering import HEADERS, led_to, render
from motcua.web.visitors import Visitor, Visits

KINDS: tuple[Kind, ...] = get_args(Kind)
SHOWN_STATES = (
    "delivered",
    "accepted",
    "unconfirmed",
    "queued",
    "sending",
    "unknown",
    "undelivered",
    "rejected",
    "expired",
    "cancelled",
    "suppressed",
)
"""The states in the order of the columns: first states of messages that a gateway accepted, then of messages that wait,
that have an unknown outcome, that failed, and that were rightly not sent."""
TROUBLE = ("unknown", "undelivered", "rejected", "expired")
"""States that staff check first."""

router = APIRouter()


@dataclass(frozen=True, slots=True)
class Tally:
    """Messages of one agency or kind on a day, or all messages of the day."""

    of: str | None
    """Code of the agency, or the kind. ``None`` for messages without an agency, or for all messages."""
    states: Mapping[str, int]

    @property
    def planned(self) -> int:
        """Number of all messages. Each message is in exactly one state."""
        return sum(self.states.values())

    @property
    def troubled(self) -> int:
        """Number of messages in the states that staff check first."""
        return sum(self.states.get(state, 0) for state in TROUBLE)


@dataclass(frozen=True, slots=True)
class IdentityCounted:
    """The result of the watch's last check of the accounting identity."""

    difference: int
    at: datetime


@router.get("/")
def show_overview(request: Request, visits: Visits, day: str = "", kind: str = "") -> Response:
    """Show what needs attention, the present state, and how many messages belong to events recorded on a day.

    The day is today by default. The messages are counted by kind and by agency. If ``kind`` is given, the figures by
    agency count only messages of this kind. A clerk is redirected to the search for dossiers instead.
    """
    if visits.is_clerk:
        return led_to(request, "/dossiers")
    now = datetime.now(UTC)
    today = day_of(now)
    shown, chosen = _day(day, today), next((each for each in KINDS if each == kind), None)
    with page_connection() as connection:
        counts = _counts_of_day(connection, shown, visits)
        state = standing_of(connection, visits, now)
        is_new = not counts and not are_any_dossiers(connection, visits.listed)
    total = _tally(None, counts)
    return render(
        request,
        "overview.html",
        now=now,
        as_of=state.data_as_of,
        no_agency=NO_AGENCY,
        day=shown,
        today=today,
        before=shown - timedelta(days=1),
        after=shown + timedelta(days=1),
        state=state,
        matters=matters_of(state, visits),
        names={each.agency_code: each.name for each in state.agencies},
        is_new=is_new,
        total=total,
        states=[each for each in SHOWN_STATES if total.states.get(each)],
        trouble=TROUBLE,
        kinds=_tallies((each.kind, each) for each in counts),
        kind=chosen,
        agencies=_tallies((each.agency_code, each) for each in counts if chosen in (None, each.kind)),
        identity=_last_identity_count(state.life),
        most_quarantined=MOST_QUARANTINED,
        words=wording.publication_words(),
        number=wording.count,
        plain=wording.plain,
        moment=wording.moment,
        written=wording.day,
        reason=wording.message_reason,
        period=lambda written: period_words(Period.parse(written)),
        local=VIETNAM,
    )


@router.get("/sending")
def moved_here(request: Request, visits: Visits, day: str = "") -> RedirectResponse:
    """Redirect the page's former address, with its day, to this page."""
    query = f"?{urlencode({'day': day})}" if day else ""
    base = request.scope.get("root_path", "")
    return RedirectResponse(f"{base}/{query}", HTTPStatus.MOVED_PERMANENTLY, HEADERS)


@router.get("/figures/file")
def download_figures(request: Request, visits: Visits, format: FileFormat, day: str = "") -> Response:
    """Return a day's figures by agency, kind and state as a file."""
    shown = _day(day, day_of(datetime.now(UTC)))
    with page_connection() as connection:
        counts = _counts_of_day(connection, shown, visits)
        agencies = [each for each in list_agencies(connection) if visits.sees(each.agency_code)]
        as_of = data_as_of(list_sources(connection))
    about = [f"{whose(None, agencies, visits)} · {period_told(shown.isoformat(), shown.isoformat())}"]
    listing = Listing("day_figures").of(counts, day=lambda row, seen: shown)
    return file_of(request, visits, listing, format, about=about, as_of=as_of)


def _counts_of_day(connection: Connection, day: date, visitor: Visitor) -> list[RecordedCount]:
    start = datetime.combine(day, datetime.min.time(), VIETNAM)
    return recorded_in(connection, start, start + timedelta(days=1), visitor.listed)


def _tally(of: str | None, counts: Iterable[RecordedCount]) -> Tally:
    states: Counter[str] = Counter()
    for each in counts:
        states[each.state] += each.messages
    return Tally(of, states)


def _tallies(counts: Iterable[tuple[str | None, RecordedCount]]) -> list[Tally]:
    """Return the tallies by agency or kind, those with the most messages in troubled states first."""
    parts: dict[str | None, list[RecordedCount]] = {}
    for of, each in counts:
        parts.setdefault(of, []).append(each)
    tallies = [_tally(of, each) for of, each in parts.items()]
    return sorted(tallies, key=lambda each: (-each.troubled, -each.planned, each.of or ""))


def _last_identity_count(life: WatchLife | None) -> IdentityCounted | None:
    """Return the result of the watch's last check of the accounting identity. ``None`` if no result has a time."""
    for look in life.looks if life is not None else ():
        facts = look["facts"]
        if look["check"] == "identity" and facts.get("counted_at") is not None:
            return IdentityCounted(int(facts["difference"]), datetime.fromisoformat(facts["counted_at"]))
    return None


def _day(written: str, today: date) -> date:
    if not written:
        return today
    try:
        asked = date.fromisoformat(written)
    except ValueError:
        raise PageRefused(HTTPStatus.NOT_FOUND, "no_such_day") from None
    if not 2000 <= asked.year <= 2999:
        raise PageRefused(HTTPStatus.NOT_FOUND, "no_such_day")
    return asked
