"""What stands beside docker-compose.yaml and in .env, held against what Compose and its services make of it."""

from __future__ import annotations

import re
import stat
from collections.abc import Iterator
from io import StringIO
from itertools import combinations
from pathlib import Path

from dotenv.parser import Binding, parse_stream

from motcua.domain.checks import Finding, fault
from motcua.jobs.doctor.examining import DOT_ENV, FILES, SETTINGS, Examination
from motcua.jobs.doctor.written import OF_SETTINGS, SECRETS
from motcua.store.airflow_roles import SIMPLE

LISTENING = {"UI_LISTEN": "127.0.0.1:8080", "CALLBACKS_LISTEN": "127.0.0.1:8081", "INTAKE_LISTEN": "127.0.0.1:8082"}
"""Where Compose publishes a port, with what it is where the variable is empty."""
KNOWN_OF_DOT_ENV = frozenset(
    {*SECRETS, *OF_SETTINGS.values(), *LISTENING, "BACKUP_RECIPIENTS", "UI_URL", "AIRFLOW_AUTH_MANAGER"}
)
"""What docker-compose.yaml reads."""
_OF_OTHERS = re.compile(r"(?:COMPOSE|DOCKER|BUILDKIT|MOTCUA|AIRFLOW_CONN)_.*|TZ|(?:HTTPS?|NO)_PROXY", re.IGNORECASE)
"""What Compose, Docker, or our programs read there; of MOTCUA_ it is told elsewhere."""
FOLDERS = ("backups", "statements", "files")
"""What docker-compose.yaml mounts from here; what is missing Docker makes as root's, and no service writes there."""
_LOOPBACK = re.compile(r"127(?:\.\d+){1,3}|localhost|\[?::1\]?", re.IGNORECASE)
_EVERYWHERE = ("", "0.0.0.0", "::")  # noqa: S104 - what is looked for
_VARIABLE = re.compile(r"\$\{?([A-Za-z_][A-Za-z0-9_]*)?")
_PRIVATE_KEY = b"AGE-SECRET-KEY-1"
_LARGEST_KEY = 65_536
"""Bytes: files of keys are small."""


def lines(examination: Examination) -> Iterator[Finding]:
    """Compose takes every value as it is written, and each variable stands once."""
    folder = examination.installation.folder
    if folder is None:
        return
    given = examination.installation.given
    for file in [each for each in FILES if each in given]:
        known = {*given.get(DOT_ENV, ()), *given[file]}
        seen: set[str] = set()
        for each in parse_stream(StringIO((folder / file).read_text(encoding="utf-8"))):
            if each.key is None:
                if each.error:
                    yield fault("line_unreadable", f"{file}: line {each.original.line}")
                continue
            if each.key in seen:
                yield fault("variable_twice", f"{file}: {each.key}")
            seen.add(each.key)
            if _is_cut(each, known) and not (file == DOT_ENV and each.key in SECRETS):
                yield fault("value_cut", f"{file}: {each.key}")


def _is_cut(each: Binding, known: set[str]) -> bool:
    """What stands in single quotes Compose takes as it is; in two signs of a dollar it sees one."""
    written = each.original.string.partition("=")[2].strip()
    if written.startswith("'"):
        return False
    value = (each.value or "").replace("$$", "").replace("\\$", "")
    return any(found[1] not in known for found in _VARIABLE.finditer(value))


def unknown(examination: Examination) -> Iterator[Finding]:
    """Every variable of .env is read by something."""
    for name in examination.installation.given.get(DOT_ENV, ()):
        if name not in KNOWN_OF_DOT_ENV and not _OF_OTHERS.fullmatch(name):
            yield fault("setting_unknown", f"{DOT_ENV}: {name}", "docker-compose.yaml does not read it")


def ports(examination: Examination) -> Iterator[Finding]:
    """Each is one, none is published twice, and nobody reaches the pages but the reverse proxy."""
    installation = examination.installation
    published: dict[str, tuple[str, int]] = {}
    for name, usual in LISTENING.items():
        if not installation.of_files and not installation.value(name):
            continue
        where = installation.where(name, DOT_ENV)
        host, _, port = (installation.value(name) or usual).rpartition(":")
        if not host and "." in port:
            host, port = port, usual.rpartition(":")[2]
        elif not port.isdecimal() or not 0 < int(port) < 65_536:
            yield fault("setting_unreadable", where, f"it is an address and a port, as {usual}")
            continue
        published[name] = host.strip("[]"), int(port)
        # Whoever else reaches the API server says whose address it is, and is believed.
        if name == "UI_LISTEN" and not _LOOPBACK.fullmatch(host):
            yield fault("pages_open", where, f"{host or 'every address'}, and FORWARDED_ALLOW_IPS is *")
    for (name, one), (other, two) in combinations(published.items(), 2):
        hosts = {one[0], two[0]}
        if one[1] == two[1] and (len(hosts) == 1 or hosts & set(_EVERYWHERE)):
            yield fault("port_twice", f"{installation.where(name, DOT_ENV)} and {other}", f"port {one[1]}")


def folders(examination: Examination) -> Iterator[Finding]:
    """What Compose mounts from here is there, a folder, and not open to all."""
    folder = examination.installation.folder
    if folder is None:
        return
    for name in FOLDERS:
        path = folder / name
        if not path.is_dir():
            why = "it is no folder" if path.exists() else "it is missing"
            yield fault("folder_unusable", name, f"{why}: sudo install -d -m 700 -o 50000 -g 50000 {name}")
        elif path.stat().st_mode & stat.S_IWOTH:
            yield fault("file_open", name, f"everybody may write there: chmod 700 {name}")


def private_keys(examination: Examination) -> Iterator[Finding]:
    """No private key of the backups lies on this server."""
    folder, settings = examination.installation.folder, examination.settings
    looked_in = [folder, folder / "backups"] if folder is not None else [settings.data, settings.backups_folder]
    for place in dict.fromkeys(looked_in):
        for path in sorted(place.iterdir()) if place.is_dir() else ():
            if _holds_key(path):
                yield fault("private_key_here", str(path.relative_to(folder) if folder is not None else path))


def _holds_key(path: Path) -> bool:
    try:
        if not path.is_file() or path.stat().st_size > _LARGEST_KEY:
            return False
        content = path.read_bytes()
    except OSError:
        # Nobody's to be read is nobody's to be stolen, as far as we see.
        return False
    return _PRIVATE_KEY in content.upper()


def copies(examination: Examination) -> Iterator[Finding]:
    """Copies of the files with secrets, such as .env.old, are closed, too."""
    folder = examination.installation.folder
    if folder is None:
        return
    for path in sorted({*folder.glob(".env*"), *folder.glob("*.env*")}):
        is_ours = path.name in FILES or path.name.endswith(".example") or path.name.startswith(SETTINGS)
        mode = stat.S_IMODE(path.stat().st_mode)
        if not is_ours and path.is_file() and mode & 0o077:
            yield fault("file_open", path.name, f"its mode is {mode:03o}")


def signing_in(examination: Examination) -> Iterator[Finding]:
    """People sign in by accounts, with passwords that nobody can read."""
    installation, name = examination.installation, "AIRFLOW_AUTH_MANAGER"
    if SIMPLE.rpartition(".")[2] in installation.value(name):
        yield fault("sign_in_open", installation.where(name, DOT_ENV))
