"""The page of a source's form: which column of its exports is what, tried on a file before it counts, with history.

A form is asked for by the Department or by the administrator of the agency that the source's files tell of, and set by
a worker once the Department was mailed: it says what means a result. Which agencies these are, and how few dossiers a
whole export may have, is the Department's. An older form is set back by opening it and saving it: nothing of the
history is lost.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Annotated, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from motcua.jobs.exports.forms import ExportForm, ExportFormError, form_of
from motcua.jobs.listing.reading import Listing
from motcua.jobs.uploads.exports import ExportSeen, NoFile, try_form
from motcua.jobs.uploads.reading import ReaderBusy
from motcua.jobs.uploads.waiting import LARGEST_UPLOAD, FolderFailed, NoLongerWaiting, NothingKept, usable_name
from motcua.reports import wording
from motcua.reports.lists.files import MOST_ROWS
from motcua.store.agencies import list_agencies
from motcua.store.intake.exports import FormVersion, account_of, list_forms, one_at_a_time
from motcua.store.ledger.database import page_connection
from motcua.store.notices.templates import national_statuses
from motcua.store.oversight.page_requests import ask
from motcua.web.forms import is_own_form, number_in, sent_choices
from motcua.web.lists.page import FileFormat, file_of
from motcua.web.quality.export_typed import COLUMNS, LONGEST, NATIONAL, TypedForm, changes_of
from motcua.web.quality.exports_page import PLACE, must_see_source, preview_rows
from motcua.web.refusals import PageRefused
from motcua.web.rendering import HEADERS, render
from motcua.web.staff.requests_page import waiting_requests
from motcua.web.visitors import Visitor, Visits

_SHOWN_FORMS: Final = 20
"""Of the history; its file has all."""
_SHOWN_FAULTS: Final = 50
_SAID: Final = ("form_asked", "form_asked_before", "form_same")

router = APIRouter()


@router.get(f"{PLACE}/form")
def show_form(request: Request, visits: Visits, source: str = "", no: str = "", said: str = "") -> HTMLResponse:
    """The form in force, or an older one, which may be set anew."""
    return form_shown(request, visits, source, CameOf(said=said if said in _SAID else ""), no=no)


@router.get(f"{PLACE}/form/file")
def download_forms(request: Request, visits: Visits, format: FileFormat, source: str = "") -> Response:
    """Every change of a source's form, the newest first, one setting a row."""
    with page_connection() as connection:
        must_see_source(connection, visits, source)
        forms = list_forms(connection, source, MOST_ROWS)
    rows = [
        {"at": version.set_at, "changed_by": version.set_by, "setting": name, "before": before, "after": after}
        for version, settings in _history(forms)
        for name, before, after in settings
    ]
    about = [wording.list_words()["exported"]["about"].format(source=source)]
    return file_of(request, visits, Listing("export_forms").of(rows), format, about=about)


@router.post(f"{PLACE}/form")
def change_form(
    request: Request, visits: Visits, sent: Annotated[list[tuple[str, str]], Depends(sent_choices)]
) -> Response:
    """Opens the form beside a file that waits, tries what is typed on a file, or asks for it."""
    fields = dict(sent)
    source, decision = fields.get("source", ""), fields.get("decision", "")
    if visits.is_auditor:
        raise PageRefused(HTTPStatus.FORBIDDEN, "may_not_set")
    who = visits.signature
    with page_connection() as connection:
        must_see_source(connection, visits, source)
    if not is_own_form(request, fields):
        return form_shown(request, visits, source, CameOf(said="old_form", status=HTTPStatus.FORBIDDEN))
    if decision == "open":
        return _tried(request, visits, source, fields, None, None)
    if decision not in ("try", "save"):
        raise PageRefused(HTTPStatus.BAD_REQUEST, "not_so")
    with page_connection() as connection:
        forms = list_forms(connection, source, 1)
    in_force = _form_in(forms[0]) if forms else None
    least = 70 if in_force is None else in_force.least_percent
    typed = TypedForm.of_sent(fields, None if visits.is_operator else least)
    form, faults = typed.read()
    if form is None and decision == "save":
        status = HTTPStatus.UNPROCESSABLE_ENTITY
        return form_shown(request, visits, source, CameOf(typed, faults, sample=_sample(fields), status=status))
    if form is None or decision == "try":
        return _tried(request, visits, source, fields, typed, form, faults)
    return _save(request, visits, source, fields, typed, form, who)


def _save(
    request: Request,
    visits: Visitor,
    source: str,
    fields: Mapping[str, str],
    typed: TypedForm,
    form: ExportForm,
    who: str,
) -> Response:
    seen = number_in(fields.get("seen", "")) or 0
    with page_connection() as connection:
        one_at_a_time(connection, source)
        if account_of(connection, source) is None:
            raise PageRefused(HTTPStatus.CONFLICT, "not_so")
        forms = list_forms(connection, source, _SHOWN_FORMS)
        is_newest = (forms[0].form_no if forms else 0) == seen
        is_same = bool(forms) and _form_in(forms[0]) == form
        said = "form_same"
        if is_newest and not is_same:
            wanted = {"source": source, "form": form.model_dump(mode="json")}
            said = "form_asked" if ask(connection, "export_form", wanted, who) == "waits" else "form_asked_before"
    if not is_newest:
        # What he typed stays; he sees what others set meanwhile and saves again.
        meanwhile = [each for each in _history(forms) if each[0].form_no > seen]
        came = CameOf(typed, sample=_sample(fields), meanwhile=meanwhile, status=HTTPStatus.CONFLICT)
        return form_shown(request, visits, source, came)
    told = urlencode({"source": source, "said": said})
    return RedirectResponse(f"{request.scope.get('root_path', '')}{PLACE}/form?{told}", HTTPStatus.SEE_OTHER, HEADERS)


def _tried(
    request: Request,
    visits: Visitor,
    source: str,
    fields: Mapping[str, str],
    typed: TypedForm | None,
    form: ExportForm | None,
    faults: Mapping[str, str] | None = None,
) -> HTMLResponse:
    digest, name = _sample(fields)
    said = ""
    tried: ExportSeen | None = None
    try:
        tried = try_form(source, form, digest, name, datetime.now(UTC), as_in_force=typed is None)
    except ReaderBusy:
        raise PageRefused(HTTPStatus.SERVICE_UNAVAILABLE, "reader_busy") from None
    except FolderFailed:
        raise PageRefused(HTTPStatus.SERVICE_UNAVAILABLE, "folder_failed") from None
    except NoLongerWaiting:
        said = "sample_gone"
    except NoFile:
        said = "no_sample"
    except NothingKept:
        said = "no_account"
    status = HTTPStatus.UNPROCESSABLE_ENTITY if faults else HTTPStatus.OK
    return form_shown(request, visits, source, CameOf(typed, faults or {}, tried, said=said, status=status))


def _sample(fields: Mapping[str, str]) -> tuple[str, str]:
    """Mark and name of the file that a form is tried on; empty: the newest one of the folder."""
    digest = fields.get("sha256", "")
    return (digest, usable_name(fields.get("file_name", ""), b"", "ho-so")) if digest else ("", "")


@dataclass(frozen=True, slots=True)
class CameOf:
    """What came of a form, or of a file, that was sent."""

    typed: TypedForm | None = None
    """What was typed; ``None``: nothing, the page shows the form as it is."""
    faults: Mapping[str, str] = field(default_factory=dict)
    """What is wrong with it, by the page's field."""
    tried: ExportSeen | None = None
    """What it made of a file."""
    sample: tuple[str, str] = ("", "")
    """Mark and name of a file that waits, where none was tried."""
    meanwhile: Sequence[tuple[FormVersion, list[tuple[str, str, str]]]] = ()
    """What others set since the page was opened."""
    said: str = ""
    """What the page says of it."""
    status: int = HTTPStatus.OK


def form_shown(
    request: Request,
    visits: Visitor,
    source: str,
    came: CameOf = CameOf(),
    *,
    no: str = "",
) -> HTMLResponse:
    """The page, after a form too.

    Args:
        request: that is answered.
        visits: who sees the source, or all of them.
        source: whose form.
        came: what came of what was sent.
        no: an older form that is opened.
    """
    with page_connection() as connection:
        must_see_source(connection, visits, source)
        account = account_of(connection, source)
        forms = list_forms(connection, source, _SHOWN_FORMS + 1)
        names = {each.agency_code: each.name for each in list_agencies(connection)}
        asked = waiting_requests(connection, visits, "export_form", source)
    opened = _opened(forms, no)
    shown = opened or (forms[0] if forms else None)
    form = None if shown is None else _form_in(shown)
    return render(
        request,
        "quality/export_form.html",
        status=came.status,
        source=source,
        account=account,
        agencies=[] if account is None else [names.get(code) or code for code in account.agencies],
        in_force=forms[0] if forms else None,
        opened=opened,
        unusable=shown is not None and form is None,
        typed=came.typed or TypedForm.of_form(form),
        faults=came.faults,
        **_tried_as_seen_by(visits, came),
        meanwhile=came.meanwhile,
        history=_history(forms)[:_SHOWN_FORMS],
        columns=COLUMNS,
        national=NATIONAL,
        statuses=national_statuses(),
        names=names,
        may_set=account is not None and not visits.is_auditor,
        sets_least=visits.is_operator,
        asked=asked,
        said=came.said,
        said_of=wording.list_words()["exported"],
        longest=LONGEST,
        largest=LARGEST_UPLOAD // 1024**2,
        most=_SHOWN_FAULTS,
        w=wording,
    )


def _opened(forms: Sequence[FormVersion], no: str) -> FormVersion | None:
    """The older form of this number; ``None``: none is asked for.

    Raises:
        PageRefused: there is none.
    """
    if not no:
        return None
    opened = next((each for each in forms if each.form_no == number_in(no)), None)
    if opened is None:
        raise PageRefused(HTTPStatus.NOT_FOUND, "no_such_page")
    return opened


def _tried_as_seen_by(visits: Visitor, came: CameOf) -> dict[str, object]:
    """The file that a form was tried on, or is to be, and its first rows."""
    tried = came.tried
    if tried is None:
        return {"tried": None, "rows": [], "sample": came.sample}
    sample = (tried.sha256, tried.name if tried.sha256 else "")
    shown = replace(tried, name="") if visits.is_auditor else tried
    return {"tried": shown, "rows": preview_rows(visits, tried.read), "sample": sample}


def _form_in(version: FormVersion) -> ExportForm | None:
    try:
        return form_of(dict(version.form))
    except ExportFormError:
        return None


def _history(forms: Sequence[FormVersion]) -> list[tuple[FormVersion, list[tuple[str, str, str]]]]:
    """Each form with what it changed, the newest first; of one that this version cannot use nothing is told."""
    found = []
    for place, version in enumerate(forms):
        form = _form_in(version)
        before = _form_in(forms[place + 1]) if place + 1 < len(forms) else None
        found.append((version, [] if form is None else changes_of(before, form)))
    return found
