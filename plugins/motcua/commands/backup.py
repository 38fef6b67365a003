"""Commands ``motcua backup`` and ``motcua restore``: backups of data that cannot be recreated, and their restore."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer
from pyrage.x25519 import Identity
from rich.progress import BarColumn, DownloadColumn, TextColumn, TransferSpeedColumn
from rich.progress import Progress as Bars

from motcua.commands.terminal import console, local_moment, print_error, print_rows, say
from motcua.jobs.backup.encrypting import read_identities
from motcua.jobs.backup.files import PutBack
from motcua.jobs.backup.folders import (
    LATEST,
    Backup,
    BackupFailed,
    BackupUnusable,
    Progress,
    backups_in,
    find_backup,
    newest_good,
    unreadable_in,
)
from motcua.jobs.backup.making import back_up_every_night, make_backup
from motcua.jobs.backup.restoring import administrator, restore_backup, verify_backup
from motcua.jobs.restoring import lost_attempts
from motcua.settings import settings
from motcua.store.journal import JournalFailed
from motcua.store.ledger.database import connect

app = typer.Typer(
    help="Encrypted backups of the ledger, the publications and the statements. Without a command, a backup is made "
    "now.",
    invoke_without_command=True,
)
_console = console(markup=False)

_Folder = Annotated[Path | None, typer.Option("--in", help="Folder of the backups; by default MOTCUA_BACKUPS.")]
_To = Annotated[Path | None, typer.Option("--to", help="Folder of the backups; by default MOTCUA_BACKUPS.")]
_Backup = Annotated[str, typer.Argument(help=f"Name of a backup, its folder's path, or {LATEST}.")]


def _folder(given: Path | None) -> Path:
    """Return the given folder, or the folder of backups that the settings name."""
    return (given or settings().backups_folder).absolute()


@app.callback()
def make(context: typer.Context, to: _To = None) -> None:
    """Make a backup, encrypted for the owners of the public keys in MOTCUA_BACKUP_RECIPIENTS."""
    if context.invoked_subcommand is not None:
        return
    with _progress_bars() as progress:
        backup = make_backup(_folder(to), progress)
    _print_backup(backup)


@app.command("every-night")
def every_night(to: _To = None) -> None:
    """Make a backup each night at MOTCUA_BACKUP_TIME, and at once if last night's is missing. Runs until stopped."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")

    def failed(failure: BackupFailed) -> None:
        print_error(f"{local_moment(datetime.now(UTC))} The backup failed. {failure} It will be retried.")

    back_up_every_night(_folder(to), _silent, _print_backup, failed)


@app.command("list")
def list_backups(folder: _Folder = None) -> None:
    """List the backups, the newest first."""
    place = _folder(folder)
    now = datetime.now(UTC)
    print_rows(
        {
            "backup": "name",
            "age": lambda backup: _age_text(now - backup.made_at),
            "MB": lambda backup: f"{backup.bytes / 1e6:.1f}",
            "migration": lambda backup: (backup.ledger.migration or "")[:4],
            "last attempt": lambda backup: backup.ledger.last_attempt_at,
            "looked through": _last_verification,
            "state": lambda backup: (
                "its time is in the future: the clock was wrong" if backup.is_ahead(now) else backup.fault() or "good"
            ),
        },
        backups_in(place),
        empty=f"There is no backup in {place}.",
    )
    for name in unreadable_in(place):
        say(f"{name} is not a backup: its backup.json is missing or cannot be read.", style="red")


def _last_verification(backup: Backup) -> str:
    """Return when and how a backup was verified last."""
    verified = backup.verified()
    how = {"read": "read", "checksums": "checksums only"}
    return f"{local_moment(verified.at)} {how[verified.how]}" if verified else "never"


@app.command("check")
def check(
    folder: _Folder = None,
    within: Annotated[int, typer.Option("--within", min=1, help="Greatest age in hours.")] = 26,
) -> None:
    """Exit with code 1 unless a good backup was made within the given number of hours."""
    place = _folder(folder)
    now = datetime.now(UTC)
    newest = newest_good(place, now)
    if newest is None:
        print_error(f"There is no good backup in {place}.")
        raise typer.Exit(1)
    age = now - newest.made_at
    say(f"The newest good backup, {newest.name}, is {_age_text(age)} old.")
    if age > timedelta(hours=within):
        raise typer.Exit(1)


@app.command("verify")
def verify(
    named: Annotated[str, typer.Argument(metavar="BACKUP", help=f"Name, path, or {LATEST}.")] = LATEST,
    identity: Annotated[
        str | None,
        typer.Option(
            "--identity",
            help="File of the private key, '-' for standard input. Without it, only checksums are verified.",
        ),
    ] = None,
    folder: _Folder = None,
) -> None:
    """Verify a backup: its checksums, and with the private key every byte. Exit code 2 if a fault is found."""
    backup = find_backup(_folder(folder), named)
    identities = _identities(identity) if identity else []
    with _progress_bars() as progress:
        how = verify_backup(backup, identities, progress)
    read = (
        "every byte can be read"
        if how == "read"
        else "its checksums are right. Without a private key, its content was not read"
    )
    say(f"{backup.name} is good: {read}.", style="green")


def restore(
    named: Annotated[str, typer.Argument(metavar="BACKUP", help=f"Name of a backup, its folder's path, or {LATEST}.")],
    identity: Annotated[str, typer.Option("--identity", help="File of the private key, '-' for standard input.")],
    folder: _Folder = None,
    set_aside: Annotated[
        bool,
        typer.Option(
            "--set-aside", help="Keep an existing ledger under another database name. Needs MOTCUA_ADMIN_DSN."
        ),
    ] = False,
) -> None:
    """Restore the ledger into an empty database and migrate it. Restore publications and carrier statements."""
    backup = find_backup(_folder(folder), named)
    identities = _identities(identity)
    aside_by = administrator(os.environ.get("MOTCUA_ADMIN_DSN", "")) if set_aside else None
    with _progress_bars() as progress:
        restored = restore_backup(
            backup, identities, progress, lambda words: progress(words, 0, None), aside_by, datetime.now(UTC)
        )
    if restored.aside:
        say(f"The previous ledger is now the database {restored.aside}. Drop it when nobody needs it.")
    _print_files("Publications", restored.publications)
    _print_files("Statements", restored.statements)
    say(f"Migrations applied: {', '.join(restored.migrations) or 'none, the backup had them all'}.")
    last = local_moment(backup.ledger.last_attempt_at) or "none"
    say(
        f"The ledger is as it was on {local_moment(backup.made_at)}. Its last attempt to send: {last}.",
        style="bold",
    )
    lost = 0
    # If the journal cannot be read, the next run reports the failure.
    with suppress(JournalFailed), connect() as ledger:
        lost = lost_attempts(ledger)
    behind = f"It is behind its journal: {lost} attempt(s) that were sent are not in it. " if lost else ""
    say(
        f"{behind}Only the journal records what was sent later. Leave the journal's folder as it is and start the "
        "services. The next run of notify_transitions reads the journal into the ledger before it sends anything. "
        "motcua gaps list shows how far the ledger is behind, and after that run what was found. Run it where the "
        "journal is. Then check motcua identity and motcua publications verify-all (docs/operations/restore.md)."
    )


# --- In a terminal ---------------------------------------------------------------------------------------------------


def _identities(named: str) -> list[Identity]:
    """Read the private keys of a file, or of standard input for ``-``."""
    try:
        text = sys.stdin.read() if named == "-" else Path(named).read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError) as error:
        raise BackupUnusable(
            f"The identity file {named} cannot be read: {getattr(error, 'strerror', None) or 'it is not text'}."
        ) from None
    return read_identities(text.splitlines())


def _print_backup(backup: Backup) -> None:
    """Print the content of a new backup in one line."""
    files = ", ".join(f"{part.files} files in {part.name}" for part in backup.parts if part.files is not None)
    say(
        f"{backup.folder}: {backup.bytes / 1e6:.1f} MB, migration {backup.ledger.migration}, "
        f"{backup.ledger.rows.get('motcua.messages', 0)} messages, {files}."
    )


def _print_files(what: str, put: PutBack) -> None:
    """Print how many files were restored, and which differ."""
    say(f"{what}: {put.written} restored, {put.same} already there.")
    for name in put.differing:
        say(f"  differs from the backup, left unchanged: {name}", style="red")


def _age_text(age: timedelta) -> str:
    """Return an age in hours or days."""
    hours = age.total_seconds() / 3600
    return f"{hours:.0f} h" if hours < 48 else f"{hours / 24:.0f} days"


def _silent(what: str, done: int, of: int | None) -> None:
    """Ignore the progress. Used by the command that shows no progress bar."""
    return None


@contextmanager
def _progress_bars() -> Iterator[Progress]:
    """Provide a progress callback: bars in a terminal, otherwise a line at the beginning of each part."""
    seen: dict[str, object] = {}
    if not sys.stdout.isatty():

        def tell(what: str, done: int, of: int | None) -> None:
            if what not in seen:
                seen[what] = True
                say(what)

        yield tell
        return
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Bars(*columns, console=_console) as bars:

        def show(what: str, done: int, of: int | None) -> None:
            if of is None and done == 0:
                bars.console.print(what)
                return
            if what not in seen:
                seen[what] = bars.add_task(what, total=of)
            bars.update(seen[what], completed=done)  # type: ignore[arg-type]

        yield show
