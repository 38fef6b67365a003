"""Commands ``motcua files``: exports that one-stop software drops as files, their forms, and the outcome of each."""

from __future__ import annotations

import json
import tempfile
from datetime import UTC, datetime
from operator import itemgetter
from pathlib import Path
from typing import Annotated

import typer

from motcua.commands.lists import Most, Search, Sort, To, print_list
from motcua.commands.terminal import (
    By,
    handed_in,
    local_moment,
    print_rows,
    refuse,
    say,
    signed,
    typed_agencies,
    without_phone,
)
from motcua.domain.clock import VIETNAM
from motcua.domain.dossiers import NOTE_LIMIT, clean_words
from motcua.jobs.exports.forms import ExportForm, ExportFormError, form_of, read_export_form
from motcua.jobs.exports.taking import (
    ADAPTER,
    FilesTaken,
    folder_of,
    take_files,
)
from motcua.jobs.handed_in.faults import FileFault, FileRefused
from motcua.jobs.handed_in.phones import mask_field
from motcua.jobs.handed_in.tables import LARGEST_FILE
from motcua.jobs.listing.lists import exports_of, vanished_of
from motcua.jobs.uploads.reading import preview_export_apart
from motcua.settings import settings
from motcua.store.agencies import agency_words
from motcua.store.intake.clients import NameTaken, change_client, open_account
from motcua.store.intake.exports import (
    accept_file,
    account_of,
    form_in_force,
    list_exports,
    set_form,
)
from motcua.store.ledger.database import connect

app = typer.Typer(
    help="Exports, the files of dossiers that a source delivers: their forms, imports and faults.", no_args_is_help=True
)
_LARGEST_FORM = 1024 * 1024

_Source = Annotated[str, typer.Argument(help="Source in MOTCUA_SOURCES that has the adapter files.")]
_Agencies = Annotated[
    list[str] | None,
    typer.Option(
        "--agency", help="Code or alias of an agency that the files may cover. Repeat the option for more agencies."
    ),
]


@app.command("list")
def list_all(
    source: Annotated[str | None, typer.Argument(help="Name of a source. By default, all sources.")] = None,
    vanished: Annotated[
        bool, typer.Option("--vanished", help="List open dossiers that the source's full exports no longer contain.")
    ] = False,
    search: Search = "",
    sort: Sort = "",
    most: Most = 50,
    to: To = None,
) -> None:
    """List the exports that were dropped as files, the newest first, with the outcome of each."""
    if vanished:
        if source is None:
            raise refuse("Name the source: motcua files list SOURCE --vanished.")
        print_list(vanished_of(source), most=most, to=to, empty="No dossier has vanished.")
        return
    empty = "No file was seen yet. Folders: " + (", ".join(_folders()) or "no source has the adapter files.")
    print_list(exports_of(source), {"q": search, "sort": sort}, most=most, to=to, empty=empty)


def _folders() -> list[str]:
    """Return the folders of all sources that deliver exports."""
    return [str(folder_of(name)) for name, kind in settings().sources.items() if kind == ADAPTER]


@app.command()
def faults(export: Annotated[int, typer.Argument(help="Number of a file, from motcua files list.")]) -> None:
    """Show the faults of a file by line, in Vietnamese for the person who exported it, without the values of cells."""
    with connect() as connection:
        found = list_exports(connection, export_no=export)
    if not found:
        raise refuse(f"There is no file {export}. See motcua files list.")
    (file,) = found
    say(f"{file.name}: {file.state}")
    if file.accepted_by:
        say(f"{file.accepted_by}, {local_moment(file.accepted_at)}: {file.accepted_why}")
    for fault in file.faults:
        say(f"- {FileFault(**fault)}")
    if not file.faults:
        say("Nothing was wrong.")


@app.command()
def form(
    source: _Source,
    path: Annotated[
        Path | None, typer.Argument(help="The form, a YAML file. Without it, the form in force is printed.")
    ] = None,
    agency: _Agencies = None,
    by: By = None,
) -> None:
    """Set the form of a source's exports, and the agencies that the exports may cover. Your name is stored."""
    if path is None and agency is None:
        with connect() as connection:
            kept = form_in_force(connection, source)
        if kept is None:
            raise refuse(
                f"There is no form of {source} yet. Set it with motcua files form {source} FORM.yaml --agency CODE."
            )
        say(f"# {kept.set_by}, {local_moment(kept.set_at)}; {', '.join(kept.agencies)}")
        say(json.dumps(kept.form, ensure_ascii=False, indent=2))
        return
    who = signed(by)
    now = datetime.now(UTC)
    wanted = None if path is None else _read_form(path)
    with connect() as connection:
        codes = None if agency is None else typed_agencies(connection, agency)
        if account_of(connection, source) is None:
            if not codes:
                raise refuse(f"{source} has no agencies yet. Name them with --agency CODE.")
            try:
                open_account(connection, source, codes, who, now)
            except NameTaken:
                raise refuse(f"A push client has the name {source} already. Give the source another name.") from None
        elif codes is not None:
            change_client(connection, source, "changed", by=who, now=now, agencies=codes)
        if wanted is not None:
            set_form(connection, source, wanted.model_dump(mode="json"), who, now)
        has_form = form_in_force(connection, source) is not None
    outcome = (
        "its form is in force"
        if has_form
        else "it has no form yet. Set it on its page (Chất lượng › Nguồn dữ liệu), or by this command"
    )
    say(f"{source}: {outcome}. Put its files into {folder_of(source)}")
    if settings().sources.get(source) != ADAPTER:
        say(f"No pick-up reads this source yet. Add {source}={ADAPTER} to MOTCUA_SOURCES.")


@app.command()
def preview(
    source: _Source,
    file: Annotated[Path, typer.Argument(help="An export.")],
    form: Annotated[Path | None, typer.Option("--form", help="Form to use instead of the one in force.")] = None,
    agency: _Agencies = None,
) -> None:
    """Read a file with a form, and show the file's first lines and its faults. Writes nothing."""
    name, content = handed_in(file, LARGEST_FILE)
    with connect() as connection:
        kept = form_in_force(connection, source)
        own = typed_agencies(connection, agency) if agency else list(kept.agencies) if kept else []
        agencies = agency_words(connection)
    if form is None and kept is None:
        raise refuse(f"There is no form of {source} yet. Name one with --form FORM.yaml.")
    if not own:
        raise refuse("Name the agencies with --agency CODE.")
    used = _read_form(form) if form is not None else form_of(dict(kept.form)) if kept else None
    assert used is not None
    with tempfile.TemporaryFile() as copy:
        copy.write(content)
        read = preview_export_apart(copy, name, used, agencies, own, datetime.now(UTC))
    if read.is_refused:
        raise refuse(FileRefused(name, read.faults))
    print_rows(
        {
            "line": itemgetter("place"),
            "agency": itemgetter("agency_code"),
            "dossier": itemgetter("dossier_code"),
            "phone": lambda row: mask_field(row["fields"].get("SoDienThoai", "")),
            "status": lambda row: row["steps"][-1]["status_code"],
            "step": lambda row: row["steps"][-1]["fields"].get("NoiDungXuLy", ""),
            "when": lambda row: _moment_text(row["steps"][-1]["occurred_at"]),
            "received": lambda row: _moment_text(row["received_at"]),
            "due": lambda row: _moment_text(row["due_at"]),
        },
        [json.loads(text) for text in read.rows],
    )
    say(f"{read.lines} lines, {read.refused} refused; nothing was written.")
    for fault in read.faults[:20]:
        say(f"- {fault}")


def _moment_text(text: str | None) -> str:
    """Return an ISO 8601 moment in Vietnam's time zone as text."""
    return f"{datetime.fromisoformat(text).astimezone(VIETNAM):%d/%m/%Y %H:%M}" if text else ""


@app.command()
def read(source: _Source) -> None:
    """Import the files in a source's folder, as each run does. A file that is seen for the first time waits for the
    next import."""
    taken: FilesTaken = take_files(source)
    counts = {name: getattr(taken, name) for name in ("taken", "repeated", "outdated", "refused", "removed", "waiting")}
    say(", ".join(f"{number} {name}" for name, number in counts.items()))
    for name in taken.names_refused:
        say(f"refused: {name}")


@app.command()
def accept(
    export: Annotated[int, typer.Argument(help="Number of a refused file, from motcua files list.")],
    why: Annotated[
        str, typer.Option("--why", help="Why the file is right as it is. The reason is stored.", callback=without_phone)
    ],
    by: By = None,
) -> None:
    """Order the import of a file that was refused as incomplete or for too few dossiers. Your name is stored."""
    who = signed(by)
    reason = clean_words(why, NOTE_LIMIT)
    if not reason:
        raise refuse("Give the reason with --why.")
    with connect() as connection:
        if not accept_file(connection, export, who, reason, datetime.now(UTC)):
            raise refuse(f"File {export} is not refused, or was replaced since. See motcua files list.")
    say(f"The next run imports file {export}.")


def _read_form(path: Path) -> ExportForm:
    """Read a form from a YAML file, or end the command with exit code 2."""
    try:
        _, content = handed_in(path, _LARGEST_FORM)
        return read_export_form(content.decode("utf-8-sig"))
    except ExportFormError as wrong:
        raise refuse(f"{path}: {wrong}") from None
    except (FileRefused, UnicodeDecodeError):
        raise refuse(f"{path} is not a form. A form is a YAML file in UTF-8.") from None
