"""The pages *Thiết lập → Cơ quan*: an agency's administrator, or the Department, changes the agency's settings.

A change can be rehearsed: the page shows what it would have done to the messages of the last working day, and what
these messages would have cost. A change that would keep messages from citizens needs a confirmation. If other people
changed settings since the page was opened, the page shows their changes and still has everything that the visitor
typed. The page also lists earlier changes, which can be undone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, Response

from motcua.domain.clock import VIETNAM
from motcua.jobs.agency_settings import (
    MOST_DOSSIERS,
    NotUndone,
    OpenedSettings,
    Rehearsal,
    changed_since,
    edit,
    kept_settings,
    open_settings,
    rehearse_last_working_day,
    save,
    to_undo,
    typed_over,
)
from motcua.jobs.handed_in.agencies import AgencyChange, SettingsRefused, settings_of
from motcua.jobs.listing.agencies import AGENCIES
from motcua.jobs.listing.reading import Listing
from motcua.jobs.texts import AgencyToPreview, PreviewRow, preview_texts
from motcua.reports import wording
from motcua.reports.agency_settings import field_name, setting_in_words, settings_words
from motcua.settings import settings
from motcua.store.agencies import Agency, in_force, procedures_of_agency
from motcua.store.agencies import AgencyChange as KeptChange
from motcua.store.ledger.database import Connection, page_connection
from motcua.store.notices.gateways import gateway_openings
from motcua.store.notices.templates import load_templates
from motcua.web.forms import PageRefused, must_be_own_form, number_in, sent_choices
from motcua.web.lists import FileFormat, file_of, list_page
from motcua.web.rendering import led_to, render
from motcua.web.staff.requests_page import waiting_requests
from motcua.web.visitors import Visitor, Visits

# --- Reading what was typed ------------------------------------------------------------------------------------------

LONGEST: Final = 300
"""Largest number of characters in a reason or in a procedure's code."""
_BETWEEN: Final = re.compile(r"[\s,;]+")


@dataclass(frozen=True, slots=True)
class TypedSettings:
    """The fields of the form as they were typed, including fields that have no effect because of other fields."""

    same_day_excluded: bool
    same_day_all: bool
    """Whether the agency sends nothing about dossiers of any same-day procedure (resolved on the day of receipt).

    The agencies' file and the history write this as an empty list of procedures.
    """
    same_day_procedures: tuple[str, ...]
    same_day_reason: str
    accented: bool
    result_hold: str
    waits_for_opening: bool
    apology_day: str
    report_recipients: tuple[str, ...]

    @classmethod
    def of_agency(cls, agency: Agency) -> TypedSettings:
        """Return the fields as they show an agency's settings."""
        return cls.of_settings(settings_of(agency))

    @classmethod
    def of_settings(cls, settings: Mapping[str, Any]) -> TypedSettings:
        """Return the fields as they show these settings, which are given in the form of the agencies' file."""
        return cls(
            same_day_excluded=settings["same_day_excluded"],
            same_day_all=settings["same_day_excluded"] and not settings["same_day_procedures"],
            same_day_procedures=tuple(settings["same_day_procedures"]),
            same_day_reason=settings["same_day_reason"] or "",
            accented=settings["accented"],
            result_hold=settings["result_hold"],
            waits_for_opening=settings["waits_for_opening"],
            apology_day=settings["apology_day"],
            report_recipients=tuple(settings["report_recipients"]),
        )

    @classmethod
    def of_form(cls, sent: Sequence[tuple[str, str]]) -> TypedSettings:
        """Return the fields as a browser sent them. The field ``procedure`` comes once for each chosen procedure."""
        one = dict(sent)
        procedures = [code for name, code in sent if name == "procedure"] + parts(one.get("other_procedures", ""))
        return cls(
            same_day_excluded=one.get("same_day_excluded", "") != "",
            same_day_all=one.get("same_day_all", "") != "",
            same_day_procedures=tuple(sorted({code.strip()[:LONGEST] for code in procedures} - {""})),
            same_day_reason=one.get("same_day_reason", "").strip()[: LONGEST + 1],
            accented=one.get("accented", "") == "yes",
            result_hold=one.get("result_hold", ""),
            waits_for_opening=one.get("waits_for_opening", "") == "yes",
            apology_day=one.get("apology_day", ""),
            report_recipients=tuple(parts(one.get("report_recipients", ""))),
        )

    @property
    def chooses_none(self) -> bool:
        """Whether the form leaves out same-day procedures but names none. Then no procedure is left out."""
        return self.same_day_excluded and not (self.same_day_all or self.same_day_procedures)

    @property
    def settings(self) -> dict[str, object]:
        """The settings as in the agencies' file.

        The chosen procedures and the reason are used only if same-day procedures are left out.
        """
        leaves_out = self.same_day_excluded and not self.chooses_none
        return {
            "same_day_excluded": leaves_out,
            "same_day_procedures": list(self.same_day_procedures) if leaves_out and not self.same_day_all else [],
            "same_day_reason": (self.same_day_reason or None) if leaves_out else None,
            "accented": self.accented,
            "result_hold": self.result_hold,
            "waits_for_opening": self.waits_for_opening,
            "apology_day": self.apology_day,
            "report_recipients": list(self.report_recipients),
        }


def parts(written: str) -> list[str]:
    """Return the words of a text, separated by spaces, commas, semicolons or line breaks."""
    return [each for each in _BETWEEN.split(written) if each]


def faults_of(refused: SettingsRefused, typed: TypedSettings) -> dict[str, str]:
    """Return what is wrong with the typed settings, in words, by the field at which the page shows it."""
    said = settings_words()["fault"]
    found: dict[str, str] = {}
    for fault in refused.faults:
        field, _, place = fault.field.partition(".")
        value = ""
        if field == "report_recipients" and place.isdigit():
            value = typed.report_recipients[int(place)]
        text = said.get(fault.key, said["other"]).format(value=value)
        found[field] = f"{found[field]} {text}" if field in found else text
    return found


def why_not_undone(refused: NotUndone | SettingsRefused) -> str:
    """Return in words why a change cannot be undone."""
    said = settings_words()["not_undone"]
    if isinstance(refused, NotUndone):
        told: str = said[refused.why].format(fields=", ".join(field_name(each) for each in refused.fields))
        return told
    faults = settings_words()["fault"]
    reasons = (faults.get(each.key, faults["other"]).format(value="") for each in refused.faults)
    told = said["refused"].format(faults=" ".join(reasons))
    return told


# --- Handling requests -----------------------------------------------------------------------------------------------

_KINDS: Final = ("result", "supplement", "apology")
_SAID: Final = ("saved", "asked", "undone", "same", "none_chosen")
_LOCKED: Final = ("enabled_from", "kinds_off", "short_name", "aliases", "valid_until", "retention")
_SHOWN_CHANGES: Final = 50
_SHOWN_MESSAGES: Final = 100
_MOST_PROCEDURES: Final = 100

router = APIRouter()


list_page(router, "/settings", AGENCIES, "settings/agencies.html")


@router.get("/settings/agency")
def show_settings(request: Request, visits: Visits, code: str = "", said: str = "") -> HTMLResponse:
    """Show one agency's settings, its texts with their prices, and who changed what."""
    with page_connection() as connection:
        opened = open_for(connection, visits, code)
        return _AgencyPage(request, visits, connection, opened).page(said=said if said in _SAID else "")


@router.get("/settings/agency/file")
def download_history(request: Request, visits: Visits, format: FileFormat, code: str = "") -> Response:
    """Return every change of an agency's settings as a file, the newest first, one setting a row."""
    with page_connection() as connection:
        opened = open_for(connection, visits, code)
        told = _Words(connection, opened)
        rows = [
            {"at": each.changed_at, "changed_by": each.changed_by, "setting": name, "before": before, "after": after}
            for each in reversed(opened.history)
            for name, before, after in told.changed(each)
        ]
    about = [f"{opened.agency.name} ({opened.agency.agency_code})"]
    return file_of(request, visits, Listing("settings_history").of(rows), format, about=about)


@router.post("/settings/agency")
def change_settings(
    request: Request, visits: Visits, sent: Annotated[list[tuple[str, str]], Depends(sent_choices)]
) -> Response:
    """Rehearse what was typed, save it, or undo a change.

    A change that keeps messages from citizens, and the undoing of any change, is confirmed first.
    """
    fields = dict(sent)
    with page_connection() as connection:
        opened = open_for(connection, visits, fields.get("code", ""))
        if not _may_set(visits, opened.agency):
            raise PageRefused(HTTPStatus.FORBIDDEN, "may_not_set")
        shown = _AgencyPage(request, visits, connection, opened)
        must_be_own_form(request, fields)
        if fields.get("decision") == "undo":
            return _undo(shown, fields, shown.visits.signature)
        if fields.get("decision") == "save":
            return _try_or_save(shown, sent, shown.visits.signature)
        if fields.get("decision") != "try":
            raise PageRefused(HTTPStatus.BAD_REQUEST, "not_so")
        return _try_or_save(shown, sent, None)


def _try_or_save(shown: _AgencyPage, sent: Sequence[tuple[str, str]], saved_by: str | None) -> Response:
    """Rehearse or save what was typed. ``saved_by`` is the person who saves it, or ``None`` to rehearse it only."""
    fields, opened = dict(sent), shown.opened
    typed, seen = TypedSettings.of_form(sent), number_in(fields.get("seen", "")) or 0
    meanwhile = changed_since(opened, seen)
    if meanwhile:
        # Keep only the fields that the visitor changed. The other fields show what others set since.
        over = typed_over(opened, seen, parts(fields.get("seen_recipients", "")), typed.settings)
        kept = TypedSettings.of_settings(over)
        if not (kept.same_day_excluded or typed.settings["same_day_excluded"]):
            kept = replace(
                kept,
                same_day_excluded=typed.same_day_excluded,
                same_day_all=typed.same_day_all,
                same_day_procedures=typed.same_day_procedures,
                same_day_reason=typed.same_day_reason,
            )
        return shown.page(typed=kept, meanwhile=meanwhile, status=HTTPStatus.CONFLICT)
    try:
        if len(typed.same_day_reason) > LONGEST:
            return shown.page(
                typed=typed,
                faults={"same_day_reason": settings_words()["fault"]["too_long"].format(most=LONGEST)},
                status=HTTPStatus.UNPROCESSABLE_ENTITY,
            )
        after, change = edit(shown.connection, opened.agency, typed.settings)
    except SettingsRefused as refused:
        return shown.page(typed=typed, faults=faults_of(refused, typed), status=HTTPStatus.UNPROCESSABLE_ENTITY)
    if saved_by is None:
        rehearsal = rehearse_last_working_day(shown.connection, opened.agency, after, datetime.now(UTC))
        return shown.page(typed=typed, after=after, change=change, rehearsal=rehearsal)
    if change is None:
        return shown.done("none_chosen" if typed.chooses_none else "same")
    if change.silences and fields.get("sure") != "yes":
        return shown.ask(change, "save", typed=typed)
    saved = save(shown.connection, after, seen, saved_by)
    if saved == "changed":
        return shown.again(typed, seen)
    if saved == "asked_before":
        shown.connection.rollback()
        faults = {"report_recipients": settings_words()["fault"]["asked_before"]}
        return shown.page(typed=typed, faults=faults, status=HTTPStatus.CONFLICT)
    return shown.done(saved)


def _undo(shown: _AgencyPage, fields: Mapping[str, str], who: str) -> Response:
    opened, number = shown.opened, number_in(fields.get("change", "")) or 0
    seen = number_in(fields.get("seen", "")) or 0
    try:
        after, change = edit(shown.connection, opened.agency, to_undo(opened, number))
    except (NotUndone, SettingsRefused) as refused:
        return shown.page(not_undone=why_not_undone(refused), status=HTTPStatus.CONFLICT)
    if change is None:
        return shown.page(not_undone=why_not_undone(NotUndone("no_more")), status=HTTPStatus.CONFLICT)
    if fields.get("sure") != "yes" or opened.last_change != seen:
        # If the settings changed in the meantime, ask for a confirmation again, with the changes that undoing would
        # make now.
        return shown.ask(change, "undo", number=number)
    if save(shown.connection, after, seen, who) == "changed":
        return shown.again(TypedSettings.of_agency(opened.agency), seen)
    return shown.done("undone")


def open_for(connection: Connection, visits: Visitor, code: str) -> OpenedSettings:
    """Return an agency's settings for a visitor.

    Raises:
        PageRefused: there is no such agency, or the visitor may not see it.
    """
    visits.must_see(code)
    opened = open_settings(connection, code)
    if opened is None:
        raise PageRefused(HTTPStatus.NOT_FOUND, "no_such_agency")
    return opened


def _may_set(visits: Visitor, agency: Agency) -> bool:
    return not visits.is_auditor and visits.sees(agency.agency_code)


class _Words:
    """An agency's settings in words, with names of the procedures that its history or its dossiers name."""

    def __init__(self, connection: Connection, opened: OpenedSettings, also: Sequence[str] = ()) -> None:
        codes = {*opened.agency.same_day_procedures, *also}
        for each in opened.history:
            codes |= {*each.after.get("same_day_procedures", ())}
        self.procedures = procedures_of_agency(
            connection, opened.agency.agency_code, sorted(codes), _MOST_PROCEDURES + len(codes)
        )
        self._names = dict(self.procedures)

    def setting(self, field: str, value: object, of: Mapping[str, Any]) -> str:
        """Return one setting in words. ``of`` holds all settings, as in the agencies' file or in the history."""
        # An empty list stands for all same-day procedures if the agency leaves same-day procedures out, and otherwise
        # for none.
        if field == "same_day_procedures" and not of.get("same_day_excluded"):
            return str(settings_words()["value"]["none"])
        return setting_in_words(field, value, self._names)

    def changed(self, change: KeptChange) -> list[tuple[str, str, str]]:
        """Return what a change changed, in words: setting, before, after."""
        before, after = change.before or {}, change.after
        return [
            (
                field_name(each.field),
                self.setting(each.field, each.before, before),
                self.setting(each.field, each.after, after),
            )
            for each in kept_settings(change)
        ]


class _AgencyPage:
    """The page of one agency, both when a visitor opens it and after any form on it was sent."""

    def __init__(self, request: Request, visits: Visitor, connection: Connection, opened: OpenedSettings) -> None:
        self.request, self.visits, self.connection, self.opened = request, visits, connection, opened
        self.agency = opened.agency

    def done(self, said: str) -> Response:
        # Commit first, so that the next page shows the change.
        self.connection.commit()
        return led_to(self.request, "/settings/agency", {"code": self.agency.agency_code, "said": said})

    def again(self, typed: TypedSettings, seen: int) -> HTMLResponse:
        """Return the page with what was typed, after somebody else saved the settings first."""
        self.connection.rollback()
        opened = open_for(self.connection, self.visits, self.agency.agency_code)
        shown = _AgencyPage(self.request, self.visits, self.connection, opened)
        return shown.page(typed=typed, meanwhile=changed_since(opened, seen), status=HTTPStatus.CONFLICT)

    def ask(
        self, change: AgencyChange, decision: str, *, typed: TypedSettings | None = None, number: int = 0
    ) -> HTMLResponse:
        """Return the page that shows what a change would do, before it is made."""
        told = _Words(self.connection, self.opened, change.agency.same_day_procedures)
        undone = [each for each in self.opened.history if each.change_id == number]
        return render(
            self.request,
            "settings/ask.html",
            keeps_addresses=any(each.field == "report_recipients" for kept in undone for each in kept_settings(kept)),
            agency=self.agency,
            seen=self.opened.last_change,
            decision=decision,
            typed=typed,
            number=number,
            silences=change.silences,
            changes=[
                (
                    field_name(each.field),
                    told.setting(each.field, each.before, settings_of(self.agency)),
                    told.setting(each.field, each.after, settings_of(change.agency)),
                )
                for each in change.fields
            ],
        )

    def page(
        self,
        *,
        typed: TypedSettings | None = None,
        after: Agency | None = None,
        change: AgencyChange | None = None,
        rehearsal: Rehearsal | None = None,
        faults: Mapping[str, str] | None = None,
        meanwhile: Sequence[tuple[KeptChange, Any]] = (),
        not_undone: str = "",
        said: str = "",
        status: int = HTTPStatus.OK,
    ) -> HTMLResponse:
        """Return the page with the settings or what was typed, and with any faults or the result of a rehearsal."""
        agency, price = self.agency, settings().segment_price
        form = typed or TypedSettings.of_agency(agency)
        told = _Words(self.connection, self.opened, form.same_day_procedures)
        name = in_force(self.connection, datetime.now(VIETNAM).date())[agency.agency_code]
        holds = dict(settings_words()["hold"])
        own_hold = settings_of(agency)["result_hold"]
        holds.setdefault(own_hold, setting_in_words("result_hold", own_hold, {}))
        return render(
            self.request,
            "settings/agency.html",
            status=status,
            agency=agency,
            in_force=name,
            may_set=_may_set(self.visits, agency),
            asked=waiting_requests(self.connection, self.visits, "recipients", agency.agency_code),
            seen=self.opened.last_change,
            form=form,
            faults=faults or {},
            procedures=told.procedures,
            holds=holds,
            texts=_sample_texts(agency, name.name_in_texts, price),
            in_full=_always_accented(self.connection),
            price=price,
            is_tried=rehearsal is not None,
            change=change,
            rehearsal=rehearsal,
            shown_messages=_SHOWN_MESSAGES,
            most_dossiers=MOST_DOSSIERS,
            accented=(after or agency).accented if rehearsal else form.accented,
            meanwhile=[self._change_in_words(each, told) for each, _ in meanwhile],
            not_undone=not_undone,
            said=said,
            locked=[self._locked_setting_in_words(field) for field in _LOCKED],
            history=[self._change_in_words(each, told) for each in reversed(self.opened.history[-_SHOWN_CHANGES:])],
            is_all_history=len(self.opened.history) <= _SHOWN_CHANGES,
            words=settings_words(),
            reason_words=wording.message_reason,
            count=wording.count,
            phone=self.visits.phone,
            longest=LONGEST,
        )

    def _locked_setting_in_words(self, field: str) -> tuple[str, str, str]:
        values = settings_of(self.agency)
        told = setting_in_words(field, values[field], {})
        if field == "kinds_off" and self.agency.kinds_off_reason:
            told += f": {self.agency.kinds_off_reason}"
        return field_name(field), told, settings_words()["locked"][field]

    def _change_in_words(self, change: KeptChange, told: _Words) -> dict[str, Any]:
        """Return a change of the history in words."""
        changed = {each.field for each in kept_settings(change)}
        return {
            "change_id": change.change_id,
            "at": change.changed_at,
            "by": change.changed_by,
            "by_department": change.by_department,
            "is_first": change.before is None,
            "silences": bool(change.silences),
            "fields": told.changed(change),
            # The history does not hold mail addresses, so a change of addresses alone cannot be undone.
            "is_of_addresses_alone": changed == {"report_recipients"},
        }


def _always_accented(connection: Connection) -> list[str]:
    """Return the gateways in use that send every text with accents, whatever the agency chose."""
    openings = gateway_openings(connection)
    return [name for name in settings().gateways if name in openings and openings[name].always_accented]


def _sample_texts(agency: Agency, name: str, price: int | None) -> list[tuple[PreviewRow, PreviewRow]]:
    """Return a sample text of each kind of message with a long dossier code, each without and with accents."""
    templates = load_templates()
    shown = AgencyToPreview(agency.agency_code, name, None, agency.accented)
    rows = preview_texts([templates[kind] for kind in _KINDS], [shown], price or 0)
    longest = [row for row in rows if row.code is None or row.code.startswith(agency.agency_code)]
    plain = {row.template_id: row for row in longest if not row.accented}
    return [(plain[row.template_id], row) for row in longest if row.accented]
