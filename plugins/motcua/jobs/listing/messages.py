"""The lists of messages, of inquiries to 9029, which replies answer, and of dossiers that a search may mean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from motcua.domain.clock import VIETNAM
from motcua.domain.phones.reading import hide_phones, mask_phones
from motcua.domain.routing import day_of
from motcua.jobs.explaining.dossiers import status_name
from motcua.jobs.listing.asking import Asked, period_told
from motcua.jobs.listing.reading import Listing, Piecewise
from motcua.reports.explaining import clauses
from motcua.reports.lists import Cell, Seen
from motcua.reports.wording import list_words
from motcua.store.browsing.inquiries import InquiriesAsked, find_inquiries, read_inquiries
from motcua.store.browsing.messages import (
    MessagesAsked,
    Piece,
    Place,
    find_messages,
    find_oldest_messages,
    read_messages,
)
from motcua.store.dossiers import DossierFound
from motcua.store.ledger.database import Connection
from motcua.store.notices.messages import held, releases
from motcua.store.notices.templates import load_template_versions

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


def _find(connection: Connection, asked: Asked, before: Place | None, most: int) -> Piece:
    every = [each.agency_code for each in asked.agencies]
    return find_messages(connection, _of_messages(asked), every, before, most)


def _find_oldest(connection: Connection, asked: Asked, after: Place | None, most: int) -> Piece:
    return find_oldest_messages(connection, _of_messages(asked), after, most)


MESSAGES = Listing(
    "messages",
    Piecewise(
        _find,
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


# --- Dossiers, and what happened to one ------------------------------------------------------------------------------


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
