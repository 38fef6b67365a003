"""The list of citizens' complaints."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from motcua.jobs.handed_in.complaints import titles
from motcua.jobs.listing.asking import Asked
from motcua.jobs.listing.reading import Listing
from motcua.reports import wording
from motcua.reports.lists import Cell, Seen, Word, dossier_link
from motcua.store.ledger.database import Connection
from motcua.store.oversight.complaints import OUTCOMES, Complaint, ComplaintsAsked, list_complaints


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
    why = f" – {wording.message_reason(row.intended_reason)}" if row.intended_reason else ""
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
