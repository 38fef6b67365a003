"""Serve the page of a source's export form.

The form gives the meaning of each column in the source's exports, which are files of dossiers. A form can be tried on a
file before it is used.

The Department requests a form. An agency's administrator may request it too, if that person may see all agencies in the
source's files. A worker sets the form only after the Department got a mail about the request, because the form defines
what counts as a result. Only the Department decides which agencies a source has. Only the Department also sets the
least percentage: an export of all dossiers counts as cut off if it has fewer than this percentage of the dossiers of
the export before. To use an older form again, somebody opens it and saves it again. The history keeps every form.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Annotated, Any, Final, get_args

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, Response

from motcua.jobs.exports.forms import Column, ExportForm, ExportFormError, Via, faults_in, form_of
from motcua.jobs.exports.reading import PreviewedExport
from motcua.jobs.listing.reading import Listing
from motcua.jobs.uploads.exports import ExportSeen, NoFile, try_form
from motcua.jobs.uploads.reading import ReaderBusy
from motcua.jobs.uploads.waiting import LARGEST_UPLOAD, FolderFailed, NoLongerWaiting, NothingKept, usable_name
from motcua.reports import wording
from motcua.reports.lists import MOST_ROWS
from motcua.store.agencies import list_agencies
from motcua.store.intake.exports import FormVersion, account_of, list_forms, one_at_a_time
from motcua.store.ledger.database import page_connection
from motcua.store.notices.templates import national_statuses
from motcua.store.oversight.page_requests import ask
from motcua.web.forms import PageRefused, must_be_own_form, number_in, sent_choices
from motcua.web.lists import FileFormat, file_of
from motcua.web.rendering import led_to, render
from motcua.web.staff.requests_page import waiting_requests
from motcua.web.visitors import Visitor, Visits, must_see_source

# --- Reading what was typed ------------------------------------------------------------------------------------------

PLACE: Final = "/quality/sources/exports"
"""Address of the page of exported files. The page of the form lies below it."""
LONGEST: Final = 500
"""Largest number of characters in one field."""
COLUMNS: Final[tuple[Column, ...]] = get_args(Column)
_VIA: Final[tuple[Via, ...]] = get_args(Via)
_BETWEEN: Final = ";"
NATIONAL: Final = range(1, 11)
"""National status codes. Each has a field on the page, even if the form has no words for it."""


@dataclass(frozen=True, slots=True)
class TypedForm:
    """The fields of the page as they were typed. Semicolons separate several headings or words in one field."""

    kind: str
    columns: Mapping[Column, str]
    statuses: Mapping[str, str]
    """The words of each status, by the status code as typed."""
    submitted_via: Mapping[Via, str]
    at_desk: str
    supplements_at_desk: bool
    sheets: str
    least_percent: str
    other: tuple[str, str] = ("", "")
    """A further status code, and its words."""

    @classmethod
    def of_form(cls, form: ExportForm | None) -> TypedForm:
        """Return the fields that show a form. ``None`` means that the source has no form yet."""
        statuses = {str(each): "" for each in NATIONAL}
        if form is None:
            return cls("whole", dict.fromkeys(COLUMNS, ""), statuses, dict.fromkeys(_VIA, ""), "", False, "", "70")
        return cls(
            kind=form.kind,
            columns={column: _joined(form.columns.get(column, ())) for column in COLUMNS},
            statuses=statuses | {str(each): _joined(words) for each, words in sorted(form.statuses.items())},
            submitted_via={way: _joined(form.submitted_via.get(way, ())) for way in _VIA},
            at_desk=_joined(form.at_desk),
            supplements_at_desk=form.supplements_at_desk,
            sheets=_joined(form.sheets),
            least_percent=str(form.least_percent),
        )

    @classmethod
    def of_sent(cls, fields: Mapping[str, str], least_percent: int | None) -> TypedForm:
        """Return the fields as a browser sent them.

        ``least_percent`` replaces the sent value if the visitor may not set it.
        """
        statuses = {
            name.removeprefix("status_"): words.strip() for name, words in fields.items() if name.startswith("status_")
        }
        return cls(
            kind=fields.get("kind", ""),
            columns={column: fields.get(f"column_{column}", "").strip() for column in COLUMNS},
            statuses={str(each): "" for each in NATIONAL} | statuses,
            submitted_via={way: fields.get(f"via_{way}", "").strip() for way in _VIA},
            at_desk=fields.get("at_desk", "").strip(),
            supplements_at_desk=fields.get("supplements_at_desk", "") == "yes",
            sheets=fields.get("sheets", "").strip(),
            least_percent=fields.get("least_percent", "").strip() if least_percent is None else str(least_percent),
            other=(fields.get("other_status", "").strip(), fields.get("other_meaning", "").strip()),
        )

    def read(self) -> tuple[ExportForm | None, dict[str, str]]:
        """Return the form and no faults, or no form and the faults of the typed fields, in words by field."""
        said: Mapping[str, Any] = wording.list_words()["exported"]["fault"]
        faults: dict[str, str] = {}

        def tell(field: str, code: str, words: str = "") -> None:
            faults.setdefault(field, str(said[code]).format(words=words, most=LONGEST))

        columns = {column: _parts(written) for column, written in self.columns.items() if _parts(written)}
        via = {way: _parts(written) for way, written in self.submitted_via.items() if _parts(written)}
        statuses: dict[int, tuple[str, ...]] = {}
        others = [self.other] if any(self.other) else []
        for code, written in [*self.statuses.items(), *others]:
            if not (code.isascii() and code.isdigit() and len(code) <= 4 and int(code)):
                tell("other_status", "status_out_of_range")
            elif words := _parts(written):
                statuses[int(code)] = (*statuses.get(int(code), ()), *words)
            elif others and code == self.other[0]:
                tell("other_status", "no_word")
        for fault in faults_in(columns, statuses, via):
            group, _, meant = fault.field.partition(".")
            prefix = {"columns": "column", "statuses": "status", "submitted_via": "via"}[group]
            tell(f"{prefix}_{meant}", fault.code, fault.words)
        if self.kind not in ("whole", "changes"):
            tell("kind", "no_kind")
        percent = int(self.least_percent) if self.least_percent.isascii() and self.least_percent.isdigit() else -1
        if not 0 <= percent <= 100:
            tell("least_percent", "bad_percent")
        for name, written in self.fields.items():
            if len(written) > LONGEST:
                tell(name, "too_long")
        if faults:
            return None, faults
        return ExportForm.model_validate(
            {
                "kind": self.kind,
                "columns": columns,
                "statuses": statuses,
                "submitted_via": via,
                "at_desk": _parts(self.at_desk),
                "supplements_at_desk": self.supplements_at_desk,
                "sheets": _parts(self.sheets),
                "least_percent": percent,
            }
        ), {}

    @property
    def fields(self) -> dict[str, str]:
        """All fields that are typed as text, by their name on the page."""
        return {
            **{f"column_{column}": written for column, written in self.columns.items()},
            **{f"status_{code}": written for code, written in self.statuses.items()},
            **{f"via_{way}": written for way, written in self.submitted_via.items()},
            "other_status": "".join(self.other),
            "at_desk": self.at_desk,
            "sheets": self.sheets,
        }


def changes_of(before: ExportForm | None, after: ExportForm) -> list[tuple[str, str, str]]:
    """Return the settings in which a form differs from the previous form, in words: setting, before, after."""
    old, new = ({} if before is None else _form_in_words(before)), _form_in_words(after)
    names = dict.fromkeys((*new, *old))
    return [(name, old.get(name, ""), new.get(name, "")) for name in names if old.get(name, "") != new.get(name, "")]


def _form_in_words(form: ExportForm) -> dict[str, str]:
    said = wording.list_words()["exported"]
    names = said["typed"]
    typed = TypedForm.of_form(form)
    return {
        names["kind"]: said["kind"][form.kind],
        **{said["column"][column]: written for column, written in typed.columns.items()},
        **{names["status"].format(code=code): written for code, written in typed.statuses.items()},
        **{names["via"][way]: written for way, written in typed.submitted_via.items()},
        names["at_desk"]: typed.at_desk,
        names["supplements_at_desk"]: names["yes"] if form.supplements_at_desk else "",
        names["sheets"]: typed.sheets,
        names["least_percent"]: f"{form.least_percent}%",
    }


def _joined(words: Sequence[str]) -> str:
    # Replace a semicolon in a heading by a comma. This changes nothing, because both signs are ignored when headings
    # are compared.
    return f"{_BETWEEN} ".join(each.replace(_BETWEEN, ",") for each in words)


def _parts(written: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(each for part in written.split(_BETWEEN) if (each := " ".join(part.split()))))


# --- The page --------------------------------------------------------------------------------------------------------

_SHOWN_FORMS: Final = 20
"""Most forms of the history that the page shows. The downloaded file has all of them."""
_SHOWN_FAULTS: Final = 50
_SAID: Final = ("form_asked", "form_asked_before", "form_same")

router = APIRouter()


@router.get(f"{PLACE}/form")
def show_form(request: Request, visits: Visits, source: str = "", no: str = "", said: str = "") -> HTMLResponse:
    """Show the form in force, or an older form, which the visitor may request again."""
    return form_shown(request, visits, source, CameOf(said=said if said in _SAID else ""), no=no)


@router.get(f"{PLACE}/form/file")
def download_forms(request: Request, visits: Visits, format: FileFormat, source: str = "") -> Response:
    """Return every change of a source's form as a file, the newest first. Each row has one changed setting."""
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
    """Show a file as the form in force reads it, try the typed form on a file, or request the typed form."""
    fields = dict(sent)
    source, decision = fields.get("source", ""), fields.get("decision", "")
    if visits.is_auditor:
        raise PageRefused(HTTPStatus.FORBIDDEN, "may_not_set")
    who = visits.signature
    with page_connection() as connection:
        must_see_source(connection, visits, source)
    must_be_own_form(request, fields)
    if decision == "open":
        return _try_on_file(request, visits, source, fields, None, None)
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
        return form_shown(request, visits, source, CameOf(typed, faults, sample=_sample_file(fields), status=status))
    if form is None or decision == "try":
        return _try_on_file(request, visits, source, fields, typed, form, faults)
    return _request_form(request, visits, source, fields, typed, form, who)


def _request_form(
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
        # Keep what was typed. The visitor sees which forms others set in the meantime, and can save once more.
        meanwhile = [each for each in _history(forms) if each[0].form_no > seen]
        came = CameOf(typed, sample=_sample_file(fields), meanwhile=meanwhile, status=HTTPStatus.CONFLICT)
        return form_shown(request, visits, source, came)
    return led_to(request, f"{PLACE}/form", {"source": source, "said": said})


def _try_on_file(
    request: Request,
    visits: Visitor,
    source: str,
    fields: Mapping[str, str],
    typed: TypedForm | None,
    form: ExportForm | None,
    faults: Mapping[str, str] | None = None,
) -> HTMLResponse:
    digest, name = _sample_file(fields)
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


def _sample_file(fields: Mapping[str, str]) -> tuple[str, str]:
    """Return checksum and name of the file that a form is tried on.

    Both are empty if no uploaded file was named. The form is then tried on the newest file of the source's folder.
    """
    digest = fields.get("sha256", "")
    return (digest, usable_name(fields.get("file_name", ""), b"", "ho-so")) if digest else ("", "")


@dataclass(frozen=True, slots=True)
class CameOf:
    """The outcome of a form or a file that was sent."""

    typed: TypedForm | None = None
    """The form as it was typed. ``None`` if nothing was typed and the page shows the stored form."""
    faults: Mapping[str, str] = field(default_factory=dict)
    """Faults of the typed form, by the field of the page."""
    tried: ExportSeen | None = None
    """A file and the rows that the form read from it. ``None`` if the form was not tried on a file."""
    sample: tuple[str, str] = ("", "")
    """Checksum and name of the uploaded file on which the form will be tried, if no file was tried yet."""
    meanwhile: Sequence[tuple[FormVersion, list[tuple[str, str, str]]]] = ()
    """Forms that others set since the page was opened."""
    said: str = ""
    """Key of the message that the page shows about the outcome."""
    status: int = HTTPStatus.OK


def form_shown(
    request: Request,
    visits: Visitor,
    source: str,
    came: CameOf = CameOf(),
    *,
    no: str = "",
) -> HTMLResponse:
    """Render the page, both when a visitor opens it and after a form on it was sent.

    Args:
        request: the request that is answered.
        visits: the visitor, who may see the source.
        source: the source that the form belongs to.
        came: the outcome of what was sent.
        no: number of an older form to open.
    """
    with page_connection() as connection:
        must_see_source(connection, visits, source)
        account = account_of(connection, source)
        forms = list_forms(connection, source, _SHOWN_FORMS + 1)
        names = {each.agency_code: each.name for each in list_agencies(connection)}
        asked = waiting_requests(connection, visits, "export_form", source)
    opened = _older_form(forms, no)
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


def _older_form(forms: Sequence[FormVersion], no: str) -> FormVersion | None:
    """Return the form with this number, or ``None`` if no number was given.

    Raises:
        PageRefused: the source has no form with this number.
    """
    if not no:
        return None
    opened = next((each for each in forms if each.form_no == number_in(no)), None)
    if opened is None:
        raise PageRefused(HTTPStatus.NOT_FOUND, "no_such_page")
    return opened


def _tried_as_seen_by(visits: Visitor, came: CameOf) -> dict[str, object]:
    """Return the file that a form was tried on or will be tried on, and its first rows."""
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
    """Return each form with its changes, the newest first.

    A form that this software version cannot use has no changes.
    """
    found = []
    for place, version in enumerate(forms):
        form = _form_in(version)
        before = _form_in(forms[place + 1]) if place + 1 < len(forms) else None
        found.append((version, [] if form is None else changes_of(before, form)))
    return found


def preview_rows(visits: Visitor, read: PreviewedExport) -> list[dict[str, Any]]:
    """Return the first usable rows as a form reads them, with as much of phone numbers as the visitor may see."""
    return [
        row
        | {
            "phone": visits.phone(re.sub(r"\D", "", row["fields"].get("SoDienThoai", ""))),
            "status_code": step["status_code"],
            "step": visits.text(step["fields"].get("NoiDungXuLy", "")),
            "at": _moment(step["occurred_at"]),
            "received_at": _moment(row["received_at"]),
            "due_at": _moment(row["due_at"]),
        }
        for row in map(json.loads, read.rows)
        for step in row["steps"][-1:]
    ]


def _moment(written: str | None) -> datetime | None:
    return datetime.fromisoformat(written) if written else None
