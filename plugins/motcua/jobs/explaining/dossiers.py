"""Explaining a dossier: the sentence to read aloud, and everything below it, for the staff page and for a command.

Codes are read as 9029 reads them; where the dossier stands is asked as 9029 asks it, so that no two of them differ.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from motcua.domain.explaining.answers import Answer, DossierStory, explain
from motcua.domain.inquiries import CODE_LIMIT, Hit, choose, code_key, fold, punctuality, read_inquiry_text
from motcua.domain.occasions import is_same_day, leaves_out_same_day
from motcua.domain.texts import Template
from motcua.jobs.notices.planning import planning_rules
from motcua.reports.explaining import sentence
from motcua.settings import settings
from motcua.store.dossiers import (
    Agencies,
    DossierFound,
    DossierShown,
    Entry,
    UnusableRowSeen,
    dossier_shown,
    dossiers_by_code,
    entries_of,
    message_facts,
    unusable_rows,
)
from motcua.store.ledger.database import Connection
from motcua.store.notices.inquiries import FoundDossier, agency_keys, find_dossiers
from motcua.store.notices.templates import load_templates


@dataclass(frozen=True, slots=True)
class CodeSearch:
    """What a typed code may mean."""

    dossiers: tuple[DossierFound, ...]
    """One: that dossier is meant."""
    unusable: tuple[UnusableRowSeen, ...] = ()
    """Where there is no dossier: rows of it that cannot be used."""


@dataclass(frozen=True, slots=True)
class ExplainedDossier:
    """A dossier with its answer. Holds personal data."""

    dossier: DossierShown
    story: DossierStory
    answer: Answer
    sentence: str
    """To be read aloud; holds no phone number and nobody's name."""
    entries: Sequence[Entry]
    """What happened, the newest first."""
    unusable: Sequence[UnusableRowSeen]


@lru_cache(maxsize=1)
def _reply() -> Template:
    return load_templates()["reply"]


def find_by_code(connection: Connection, typed: str, agencies: Agencies, agency_code: str | None = None) -> CodeSearch:
    """The dossiers that a code, in any spelling that 9029 reads, may mean; one alone where it is clear which.

    Args:
        connection: of the ledger.
        typed: whatever was typed.
        agencies: whose rows may be seen.
        agency_code: of this agency only.
    """
    bare, asked = typed.strip(), read_inquiry_text(typed)
    # As it stands besides: folding changes signs that a code may hold, though none that 9029 reads has them.
    whole = (code_key(fold(bare)), bare) if 0 < len(bare) <= CODE_LIMIT and bare.isprintable() else ()
    keys = tuple(dict.fromkeys((*whole, *asked.keys)))
    found = dossiers_by_code(connection, keys, agencies, agency_code)
    as_typed = [each for each in found if each.dossier_code == bare]
    if len(as_typed) == 1 or (as_typed and len(found) > 1):
        return CodeSearch(tuple(as_typed))
    if len(found) > 1:
        hits = [Hit(each.dossier_id, each.agency_code, each.dossier_code, is_askers=False) for each in found]
        choice = choose(asked, hits, agency_keys(connection))
        if choice.hit is not None:
            return CodeSearch(tuple(each for each in found if each.dossier_id == choice.hit.dossier_id))
        if choice.shared_code is not None:
            key = code_key(fold(choice.shared_code))
            return CodeSearch(tuple(each for each in found if code_key(fold(each.dossier_code)) == key))
    rows = () if found else tuple(unusable_rows(connection, keys, agencies, agency_code))
    return CodeSearch(tuple(found), rows)


def explain_dossier(
    connection: Connection, dossier_id: int, agencies: Agencies, now: datetime
) -> ExplainedDossier | None:
    """A dossier with its sentence and everything below it; ``None``: there is none, or it may not be seen."""
    dossier = dossier_shown(connection, dossier_id, agencies, now)
    if dossier is None:
        return None
    seen = next(
        each for each in find_dossiers(connection, [dossier.code_key], None) if each.hit.dossier_id == dossier_id
    )
    unusable = unusable_rows(connection, [dossier.code_key], agencies, dossier.agency_code)
    story = _story(connection, dossier, seen, [each for each in unusable if each.released_at is None], now)
    answer = explain(story, now, planning_rules())
    told = sentence(answer, story, dossier.dossier_code)
    return ExplainedDossier(dossier, story, answer, told, entries_of(connection, dossier_id), unusable)


def _story(
    connection: Connection,
    dossier: DossierShown,
    seen: FoundDossier,
    unusable: Sequence[UnusableRowSeen],
    now: datetime,
) -> DossierStory:
    same_day = leaves_out_same_day(
        dossier.same_day_excluded, dossier.same_day_procedures, dossier.procedure_code
    ) and is_same_day(dossier.received_at, dossier.due_at)
    status = seen.state.status_code
    return DossierStory(
        status_code=status,
        at_one_stop_desk=dossier.at_one_stop_desk,
        step_name=seen.step_name or _reply().choices["step_name"].get(str(status)),
        due_at=dossier.due_at,
        returned_at=dossier.returned_at,
        handed_over=dossier.handed_over,
        is_late=punctuality(seen.state, now) == "late",
        phone_refusal=dossier.phone_refusal,
        enabled_from=dossier.enabled_from,
        kinds_off=dossier.kinds_off,
        is_told_same_day=not same_day,
        present_outcome=dossier.present_outcome,
        messages=message_facts(connection, dossier.dossier_id, now),
        unusable_rows=[each.reason for each in unusable],
        nothing_sent_since=dossier.nothing_sent_since,
        can_ask_9029=settings().inquiries_on and not dossier.inquiries_are_stopped,
    )


def status_name(status_code: int | None) -> str:
    """The national name of a status; empty: none."""
    return _reply().choices["step_name"].get(str(status_code), "")
