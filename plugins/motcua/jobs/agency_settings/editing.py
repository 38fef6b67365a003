"""One agency's own settings, changed by a person on the pages.

They are those of the agencies' file, checked by the same code and kept in the same history. What keeps messages from
citizens through more than same-day procedures is the Department's, by the file; so is what an agency is called, and how
long personal data is kept, since what was purged cannot be set back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

from motcua.jobs.handed_in.agencies import (
    FIELDS,
    AgencyChange,
    Fault,
    FieldChange,
    SettingsRefused,
    compare_agency,
    settings_of,
    with_settings,
)
from motcua.store.agencies import Agency, agency_history, hold_import_lock, list_agencies, set_settings
from motcua.store.agencies import AgencyChange as KeptChange
from motcua.store.ledger.database import Connection
from motcua.store.oversight.page_requests import ask

OWN: Final = (
    "same_day_excluded",
    "same_day_procedures",
    "same_day_reason",
    "accented",
    "result_hold",
    "apology_day",
    "report_recipients",
)
"""What is set here, by the file's field names."""

_NOT_ASKED_BEFORE: Final[Mapping[str, Any]] = {"same_day_procedures": [], "same_day_reason": None}
"""What older changes do not say."""

Typed: TypeAlias = Mapping[str, object]
"""Settings in the file's form, by its field names."""
Saved: TypeAlias = Literal["saved", "asked", "asked_before", "changed"]
"""``asked``: what else was typed is saved; ``changed``: the agency was changed meanwhile."""
WhyNotUndone: TypeAlias = Literal["first", "of_the_file", "recipients", "changed_since", "no_more"]


@dataclass(frozen=True, slots=True)
class OpenedSettings:
    """An agency's settings as somebody opens them. Holds addresses of staff."""

    agency: Agency
    history: Sequence[KeptChange]
    """The first change first; there is always one."""

    @property
    def last_change(self) -> int:
        """By which it is known whether somebody changed it meanwhile."""
        return self.history[-1].change_id


class NotUndone(Exception):
    """A change cannot be set back."""

    def __init__(self, why: WhyNotUndone, fields: Sequence[str] = ()) -> None:
        super().__init__(why)
        self.why, self.fields = why, tuple(fields)


def open_settings(connection: Connection, agency_code: str) -> OpenedSettings | None:
    """The settings now, with their history; ``None``: no agency has this code."""
    agency = next((each for each in list_agencies(connection) if each.agency_code == agency_code), None)
    return OpenedSettings(agency, agency_history(connection, agency_code)) if agency else None


def kept_settings(change: KeptChange) -> list[FieldChange]:
    """What a change changed, in the file's order."""
    before, after = _kept(change.before or {}), _kept(change.after)
    return [
        FieldChange(field, before.get(field), after.get(field))
        for field in FIELDS
        if before.get(field) != after.get(field)
    ]


def _kept(settings: Mapping[str, Any]) -> dict[str, Any]:
    return {**_NOT_ASKED_BEFORE, **settings}


def edit(connection: Connection, before: Agency, typed: Typed) -> tuple[Agency, AgencyChange | None]:
    """The agency with what was typed, and what that changes; ``None``: nothing.

    Raises:
        SettingsRefused: a setting is wrong, or only the Department may change it so.
    """
    after = with_settings(before, typed)
    change = compare_agency(connection, before, after)
    if change and change.departments:
        words = "only the Department may change it like this"
        raise SettingsRefused([Fault(field, "departments", words) for field in change.departments])
    return after, change


def save(connection: Connection, after: Agency, seen: int, set_by: str) -> Saved:
    """Sets an agency's own settings, and asks for other recipients of its reports, which a worker sets once the
    Department was mailed. Unless it is ``saved`` or ``asked``, the caller rolls back."""
    hold_import_lock(connection)
    if set_settings(connection, after, seen, set_by) is None:
        return "changed"
    now = next(each for each in list_agencies(connection) if each.agency_code == after.agency_code)
    if now.report_recipients == after.report_recipients:
        return "saved"
    wanted = {"agency": after.agency_code, "addresses": list(after.report_recipients)}
    return "asked" if ask(connection, "recipients", wanted, set_by) == "waits" else "asked_before"


def changed_since(opened: OpenedSettings, seen: int) -> list[tuple[KeptChange, list[FieldChange]]]:
    """The changes after change ``seen``, each with what it changed."""
    return [(change, kept_settings(change)) for change in opened.history if change.change_id > seen]


def typed_over(opened: OpenedSettings, seen: int, seen_recipients: Sequence[str], typed: Typed) -> dict[str, object]:
    """What was typed over settings as change ``seen`` left them, brought onto the settings as they are now.

    What the person left as it was is as others set it since; what he typed stays.

    Args:
        opened: the settings as they are now.
        seen: the last change that the person saw.
        seen_recipients: the addresses that he saw, which the history does not hold.
        typed: what he sent.
    """
    base = next((_kept(each.after) for each in opened.history if each.change_id == seen), None)
    if base is None:
        return dict(typed)
    base["report_recipients"] = list(seen_recipients)
    now = settings_of(opened.agency)
    return dict(typed) | {field: now[field] for field in OWN if typed.get(field) == base.get(field)}


def to_undo(opened: OpenedSettings, change_id: int) -> dict[str, object]:
    """What sets one change back, as a person would type it now; recipients stay as they are.

    Raises:
        NotUndone: there is nothing before it, it changed what only the file changes, the history does not hold what
            was before (addresses), it was changed again since, or there is no such change.
    """
    change = next((each for each in opened.history if each.change_id == change_id), None)
    if change is None:
        raise NotUndone("no_more")
    if change.before is None:
        raise NotUndone("first")
    changed = kept_settings(change)
    others = [each.field for each in changed if each.field not in OWN]
    if others:
        raise NotUndone("of_the_file", others)
    back = [each for each in changed if each.field != "report_recipients"]
    if not back:
        raise NotUndone("recipients" if changed else "no_more")
    now = _kept(opened.history[-1].after)
    since = [each.field for each in back if now[each.field] != each.after]
    if since:
        raise NotUndone("changed_since", since)
    settings = settings_of(opened.agency)
    return {field: settings[field] for field in OWN} | {each.field: each.before for each in back}
