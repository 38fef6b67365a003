"""Commands ``motcua agencies``: the agencies' settings, and the dry run before an agency joins."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from motcua.commands.lists import list_command
from motcua.commands.terminal import By, local_moment, print_rows, refuse, say, signed
from motcua.domain.clock import VIETNAM
from motcua.jobs.handed_in.agencies import (
    FIELDS,
    Comparison,
    compare,
    export_agencies,
    import_agencies,
)
from motcua.jobs.listing.agencies import AGENCIES
from motcua.jobs.notices.dry_running import DryRun, dry_run
from motcua.settings import include_dir
from motcua.store.agencies import (
    Agency,
    AgencyChange,
    UnknownAgency,
    agency_history,
    find_agency,
    in_force,
    list_agencies,
)
from motcua.store.ledger.database import Connection, connect

app = typer.Typer(help="The agencies' settings.", no_args_is_help=True)

_FILE = Annotated[
    Path | None, typer.Argument(help="YAML file, '-' for standard input; include/agencies.yaml by default.")
]
_CODE = Annotated[str, typer.Argument(help="The agency's code, or an alias.")]
_ENABLE_NOW = Annotated[bool, typer.Option("--enable-now", help="Enable now all agencies that have no start date yet.")]


def _file_path(path: Path | None) -> Path:
    """Return the given path, or the path of include/agencies.yaml."""
    return path or include_dir() / "agencies.yaml"


def _from_now(enable_now: bool) -> datetime | None:
    """Return the present time if new agencies are to be enabled now; ``None`` if not."""
    return datetime.now(VIETNAM).replace(microsecond=0) if enable_now else None


# --- Showing ------------------------------------------------------------------------------------


list_command(
    app,
    "list",
    AGENCIES,
    "List the agencies with their settings, under the names that are in force today.",
    "No agency is configured. Import a file with motcua agencies import.",
)


@app.command("show")
def show(code: _CODE) -> None:
    """Print an agency's settings as in the agencies' file, its name in messages, and who handles its dossiers today."""
    with connect() as connection:
        agency = _require_agency(connection, code)
        now = in_force(connection, datetime.now(VIETNAM).date())[agency.agency_code]
        last = agency_history(connection, agency.agency_code)[-1]
    typer.echo(export_agencies([agency]).partition("\nagencies:\n")[2], nl=False)
    in_charge = "nobody, because the agency ended" if now.in_charge is None else now.in_charge
    typer.echo(f"# in charge today: {in_charge}; named in messages: {now.name_in_texts}")
    typer.echo(f"# last changed: {local_moment(last.changed_at)} by {_author(last)}")


def _require_agency(connection: Connection, code: str) -> Agency:
    """Return an agency by its code or alias.

    Raises:
        UnknownAgency: there is no such agency.
    """
    agency = find_agency(list_agencies(connection), code)
    if agency is None:
        raise UnknownAgency(f"There is no agency {code}. See motcua agencies list.")
    return agency


@app.command("history")
def history(code: _CODE) -> None:
    """List the changes of an agency's settings: when, by whom, what, and which of them stopped messages to citizens."""
    with connect() as connection:
        agency_code = _require_agency(connection, code).agency_code
        changes = agency_history(connection, agency_code)
    print_rows({"when": "changed_at", "who": _author, "what": _what_changed}, changes, title=agency_code)


def _what_changed(change: AgencyChange) -> str:
    """Return the settings that a change in the history changed, one per line."""
    before, after = change.before or {}, change.after
    keys = [key for key in FIELDS if before.get(key) != after.get(key)]
    if before:
        lines = [f"{key}: {_setting_text(key, before.get(key))} → {_setting_text(key, after[key])}" for key in keys]
    else:
        lines = ["new", *(f"{key}: {_setting_text(key, after[key])}" for key in keys if after[key])]
    silences = [f"silences messages by the change of {', '.join(change.silences)}"] if change.silences else []
    return "\n".join([*lines, *silences])


def _setting_text(field: str, value: Any) -> str:  # noqa: ANN401 - any JSON value
    """Return a setting from the history as text."""
    if field == "enabled_from" and value:
        return local_moment(datetime.fromisoformat(value))
    if field == "report_recipients" and value:
        return f"{value['addresses']} (list {value['list']})"
    return _json(value)


def _author(change: AgencyChange) -> str:
    """Return who made a change."""
    return f"{change.changed_by}, for the Department" if change.by_department else change.changed_by


def _json(value: Any) -> str:  # noqa: ANN401 - any JSON value
    """Return a JSON value as text."""
    if isinstance(value, dict):
        return ", ".join(f"{key} {_json(each)}" for key, each in value.items() if each is not None)
    return _value_text(value)


def _value_text(value: object) -> str:
    """Return a value as the agencies' file writes it, on one line."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return f"{value.astimezone(VIETNAM):%Y-%m-%d %H:%M:%S}"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, list):
        return f"[{', '.join(_json(each) for each in value)}]"
    return str(value)


# --- The file -----------------------------------------------------------------------------------


@app.command("diff")
def diff(path: _FILE = None, enable_now: _ENABLE_NOW = False) -> None:
    """Show field by field what the import of a file would change. Exit code 1 if anything would change, otherwise 0."""
    comparison = compare(_file_path(path), _from_now(enable_now))
    _show_difference(comparison)
    if comparison.changes:
        raise typer.Exit(1)


def _show_difference(comparison: Comparison) -> None:
    """Print what an import would change."""
    for change in comparison.changes:
        say(f"{change.agency.agency_code} {change.agency.name}" + (": new" if change.is_new else ""), "bold")
        for each in change.fields:
            say(f"  {each.field}: {_value_text(each.before)} → {_value_text(each.after)}")
        if change.silences:
            say(f"  SILENCES citizens' messages by the change of {', '.join(change.silences)}", "bold yellow")
        if change.departments:
            say(f"  only the Department may change (--as-department): {', '.join(change.departments)}", "yellow")
    if comparison.not_in_file:
        say(f"Not in the file, so unchanged: {', '.join(each.agency_code for each in comparison.not_in_file)}")
    same = len(comparison.agencies) - len(comparison.changes)
    say(f"Agencies that differ: {len(comparison.changes)}; the same: {same}.")


@app.command("import")
def import_file(
    path: _FILE = None,
    enable_now: _ENABLE_NOW = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would change and write nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before citizens stop getting messages.")] = False,
    as_department: Annotated[
        bool,
        typer.Option(
            "--as-department",
            help="You act for the Department, and the history will show this. Only the Department may switch kinds of "
            "messages on or off, or make other changes by which citizens stop getting messages. Without this option, "
            "the only such change that is allowed is to leave out same-day procedures.",
        ),
    ] = False,
    by: By = None,
) -> None:
    """Import a file into the ledger. Each change is stored with the name of the person who made it."""
    enabled_from = _from_now(enable_now)
    if dry_run:
        _show_difference(compare(_file_path(path), enabled_from))
        say("Dry run: nothing was written.")
        return
    agencies = import_agencies(
        _file_path(path),
        changed_by=signed(by),
        enabled_from=enabled_from,
        by_department=as_department,
        confirm=(lambda comparison: True) if yes else _confirm_silencing,
        show=_show_difference,
    )
    waiting = sum(agency.enabled_from is None for agency in agencies)
    say(f"The ledger now agrees with the file: {len(agencies)} agencies, {waiting} not enabled.")


def _confirm_silencing(_: Comparison) -> bool:
    """Ask whether citizens may stop getting messages of these agencies."""
    try:
        return typer.confirm("Citizens of these agencies will get no such messages any more. Go on?")
    except typer.Abort:
        typer.echo()
        return False


@app.command("export")
def export(
    path: Annotated[Path | None, typer.Argument(help="File to write; standard output by default.")] = None,
) -> None:
    """Write the ledger's settings as a file that import accepts. The file contains the mail addresses for reports."""
    with connect() as connection:
        text = export_agencies(list_agencies(connection))
    if path is None:
        typer.echo(text, nl=False)
        return
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise refuse(f"{path}: {error.strerror}") from None
    say(f"wrote {path}")


# --- The dry run --------------------------------------------------------------------------------


@app.command("dry-run")
def dry_run_agency(
    code: _CODE,
    since: Annotated[
        datetime, typer.Option(help="Assume that the agency was enabled from this time on, clock of Vietnam.")
    ],
) -> None:
    """Show what an agency would have sent by now. Only reads the agency's sources; writes and sends nothing."""
    run = dry_run(code, since.replace(tzinfo=VIETNAM))
    if run.messages:
        print_rows(
            {
                "when": lambda each: each.message.at,
                "dossier": "dossier_code",
                "kind": lambda each: each.message.kind,
                "phone": "phone",
                "template": "template",
                "segments": "segments",
                "outcome": lambda each: ": ".join(filter(None, (_END[each.message.end], each.message.reason))),
            },
            run.messages,
            style=lambda each: None if each.message.end == "would_go" else "dim",
        )
    _show_counts(run)
    for source, failure in run.failures.items():
        say(f"{source} could not be read, so its dossiers are missing here: {failure}", "red")
    if not run.sources and not run.failures:
        say(
            "No source in MOTCUA_SOURCES holds a row of this agency, under its code or an alias, since the given time.",
            "yellow",
        )
    if run.failures or not run.sources:
        raise typer.Exit(1)


_END: Mapping[str, str] = {
    "would_go": "would have gone",
    "held": "still held",
    "suppressed": "not sent",
    "cancelled": "cancelled",
    "expired": "too late",
}


def _show_counts(run: DryRun) -> None:
    """Print the messages of a dry run by kind, outcome and reason."""
    counts: Counter[tuple[str, str, str]] = Counter()
    segments: Counter[tuple[str, str, str]] = Counter()
    for each in run.messages:
        key = (str(each.message.kind), _END[each.message.end], each.message.reason or "")
        counts[key] += 1
        segments[key] += each.segments if each.message.end == "would_go" else 0
    print_rows(
        {
            "kind": lambda key: key[0],
            "outcome": lambda key: key[1],
            "reason": lambda key: key[2],
            "messages": lambda key: counts[key],
            "segments": lambda key: segments[key] or None,
        },
        sorted(counts),
        title=f"{run.agency.agency_code} {run.name_in_texts}, {local_moment(run.since)} to {local_moment(run.until)}",
    )
    read = f"{run.dossiers} dossiers, {run.transitions} transitions"
    say(f"{read} read from {', '.join(run.sources) or 'no source'}; apologies are not part of a dry run.")
    if run.unusable:
        rows = ", ".join(f"{number} {reason}" for reason, number in run.unusable.most_common())
        say(f"Rows that cannot be used: {rows}", "yellow")
