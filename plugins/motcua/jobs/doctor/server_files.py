"""Check .env and the files and folders beside docker-compose.yaml, as Compose and its services will use them."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from datetime import datetime
from io import StringIO
from ipaddress import ip_network
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from dotenv.parser import Binding, parse_stream

from motcua.domain.checks import Finding, fault
from motcua.domain.clock import VIETNAM
from motcua.jobs.doctor.examining import DOT_ENV, FILES, SETTINGS, Examination, Installation
from motcua.jobs.doctor.written import AUDIT, MAIL_ADDRESS, NEEDED, OF_SETTINGS, SECRETS, where_of_setting
from motcua.store.airflow_roles import SIMPLE

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

LISTENING = {"HTTPS_LISTEN": "443", "HTTP_LISTEN": "80"}
"""Variables for a published port, each with the port that Compose uses if the variable is empty."""
NETWORKS = ("GATEWAY_NETWORKS", "INTAKE_NETWORKS")
"""Variables of the proxy that list from which addresses and networks clients may connect, separated by blanks."""
KNOWN_OF_DOT_ENV = frozenset(
    {
        *(*NEEDED, AUDIT, *OF_SETTINGS.values(), *LISTENING, *NETWORKS),
        *("BACKUPS", "AIRFLOW_AUTH_MANAGER"),
    }
)
"""Variables of .env that docker-compose.yaml reads."""
_OF_OTHERS = re.compile(r"(?:COMPOSE|DOCKER|BUILDKIT|MOTCUA|AIRFLOW_CONN)_.*|TZ|(?:HTTPS?|NO)_PROXY", re.IGNORECASE)
"""Variables of .env that Compose, Docker or our programs read. Another check finds misspelt MOTCUA_ variables."""
FOLDERS = ("backups", "statements", "files", "certificates")
"""Folders that docker-compose.yaml mounts.

Docker creates a missing folder with root as its owner, and no service can write there.
"""
BACKUPS = "BACKUPS"
"""Variable of .env that names another folder for backups than the default one."""
CERTIFICATES, SITE, SITE_KEY = "certificates", "site.pem", "site.key"
OWN_CERTIFICATE = f"/{CERTIFICATES}/{SITE} /{CERTIFICATES}/{SITE_KEY}"
"""Value of the variable TLS if the province has its own certificate: the two files as the proxy sees them."""
INTERNAL = "internal"
"""Value of TLS if the province has no certificate of its own. The proxy then makes its own certificates."""
SERVICES_USER = 50_000
"""Id of the user who runs the services and owns the folders that they write to."""
_WIDEST = {4: 8, 6: 16}
"""The shortest prefix, in bits, that a network may have, by version of the Internet Protocol."""
_EVERYWHERE = ("", "0.0.0.0", "::")  # noqa: S104 - what is looked for
_VARIABLE = re.compile(r"\$\{?([A-Za-z_][A-Za-z0-9_]*)?")
_PRIVATE_KEY = b"AGE-SECRET-KEY-1"
_LARGEST_KEY = 65_536
"""Files with more bytes than this are not searched for a private key, because files with keys are small."""


def lines(examination: Examination) -> Iterator[Finding]:
    """Check that every line can be read, that Compose drops no part of a value, and that each variable is set only once
    in a file."""
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
    """Return whether a value has a ``$`` without a known variable's name, so that Compose would drop a part of it.
    Compose does not change a value in single quotes, and reads ``$$`` as ``$``."""
    written = each.original.string.partition("=")[2].strip()
    if written.startswith("'"):
        return False
    value = (each.value or "").replace("$$", "").replace("\\$", "")
    return any(found[1] not in known for found in _VARIABLE.finditer(value))


def unknown(examination: Examination) -> Iterator[Finding]:
    """Check that Compose, Docker or one of our programs reads each variable of .env."""
    for name in examination.installation.given.get(DOT_ENV, ()):
        if name not in KNOWN_OF_DOT_ENV and not _OF_OTHERS.fullmatch(name):
            yield fault("setting_unknown", f"{DOT_ENV}: {name}", "docker-compose.yaml does not read it")


def ports(examination: Examination) -> Iterator[Finding]:
    """Check that each published port is a port number, and that no port is published twice."""
    installation = examination.installation
    published: dict[str, tuple[str, int]] = {}
    for name, usual in LISTENING.items():
        if not installation.of_files and not installation.value(name):
            continue
        host, _, port = (installation.value(name) or usual).rpartition(":")
        if not port.isdecimal() or not 0 < int(port) < 65_536:
            detail = f"it must be a port, or an address and a port, as {usual} or 10.20.3.1:{usual}"
            yield fault("setting_unreadable", installation.where(name, DOT_ENV), detail)
            continue
        published[name] = host.strip("[]"), int(port)
    for (name, one), (other, two) in combinations(published.items(), 2):
        hosts = {one[0], two[0]}
        if one[1] == two[1] and (len(hosts) == 1 or hosts & set(_EVERYWHERE)):
            yield fault("port_twice", f"{installation.where(name, DOT_ENV)} and {other}", f"port {one[1]}")


def networks(examination: Examination) -> Iterator[Finding]:
    """Check that GATEWAY_NETWORKS and INTAKE_NETWORKS list valid addresses and networks, none of them too wide."""
    installation = examination.installation
    for name in NETWORKS:
        for each in installation.value(name).split():
            if (why := why_no_network(each)) is not None:
                yield fault("setting_unreadable", installation.where(name, DOT_ENV), f"{each} is {why}")


def why_no_network(written: str) -> str | None:
    """Return why an entry is not a usable address or network. ``None`` if the entry is usable."""
    try:
        network = ip_network(written, strict=False)
    except ValueError:
        return "neither an address nor a network, as 10.20.2.7 or 10.20.3.0/24"
    return None if network.prefixlen >= _WIDEST[network.version] else "nearly everybody"


def folders(examination: Examination) -> Iterator[Finding]:
    """Check that each folder that Compose mounts exists, is a folder, and is not writable by everybody."""
    installation = examination.installation
    if installation.folder is None:
        return
    for name in FOLDERS:
        path = backups_folder(installation) if name == "backups" else installation.folder / name
        shown = (installation.value(BACKUPS) or name) if name == "backups" else name
        if path is None:
            continue
        if not path.is_dir():
            why = "it is no folder" if path.exists() else "it is missing"
            yield fault("folder_unusable", shown, f"{why}: sudo install -d -m 700 -o 50000 -g 50000 {shown}")
        elif path.stat().st_mode & stat.S_IWOTH:
            yield fault("file_open", shown, f"everybody may write there: chmod 700 {shown}")


def backups_folder(installation: Installation) -> Path | None:
    """Return the folder of backups as this process sees it. ``None`` if the settings come from no folder."""
    if installation.folder is None:
        return None
    written = installation.value(BACKUPS) or "backups"
    return installation.machine / written.lstrip("/") if written.startswith("/") else installation.folder / written


def other_disk(examination: Examination) -> Iterator[Finding]:
    """Check a folder named by MOTCUA_BACKUPS_GO: BACKUPS must name it too, it must be on another disk than the settings
    files, and the services must be able to write to it."""
    installation = examination.installation
    path, destination = backups_folder(installation), str(examination.settings.backups_go or "").strip()
    if path is None or installation.folder is None or not destination.startswith("/"):
        return
    where, written = where_of_setting(installation, "backups_go"), installation.value(BACKUPS)
    if destination != written:
        yield fault("backups_stay_here", where, f"it is {destination}, and {BACKUPS} is {written}", why="elsewhere")
    elif path.is_dir() and path.stat().st_dev == installation.folder.stat().st_dev:
        yield fault("backups_stay_here", where, f"{destination} is on the disk of {FILES[0]} itself", why="same_disk")
    if path.is_dir() and not _may_write(path.stat()):
        detail = f"user {SERVICES_USER} may not write there: sudo chown {SERVICES_USER}:{SERVICES_USER} {destination}"
        yield fault("folder_unusable", destination, detail)


def _may_write(there: os.stat_result) -> bool:
    needed = stat.S_IWOTH | stat.S_IXOTH
    if there.st_uid == SERVICES_USER:
        needed <<= 6
    elif there.st_gid == SERVICES_USER:
        needed <<= 3
    return there.st_mode & needed == needed


# --- The certificate of the pages ------------------------------------------------------------------------------------


def certificate(examination: Examination) -> Iterator[Finding]:
    """Check that the proxy has a certificate for the host name of the staff pages, or can get one."""
    installation = examination.installation
    written = installation.value("TLS")
    if installation.folder is None or not written or written == INTERNAL or MAIL_ADDRESS.fullmatch(written):
        return
    where = installation.where("TLS", DOT_ENV)
    words = written.split()
    if len(words) != 2 or not all(word.startswith(f"/{CERTIFICATES}/") for word in words):
        detail = f"it must be {OWN_CERTIFICATE}, a mail address, or {INTERNAL}"
        yield fault("setting_unreadable", where, detail)
        return
    host = urlsplit(installation.value("UI_URL")).hostname or ""
    try:
        shown, key = ((installation.folder / word.lstrip("/")).read_bytes() for word in words)
    except PermissionError:
        # The files are readable for the services' user only, so another user cannot check them.
        return
    except FileNotFoundError as missing:
        name = Path(str(missing.filename)).name
        yield fault("certificate_wrong", where, f"{name} is missing", why="missing", file=name)
        return
    except OSError as error:
        yield fault("certificate_wrong", where, error.strerror or "", why="unreadable")
        return
    wrong = _why_wrong(shown, key, host, examination.now)
    if wrong is not None:
        why, detail, facts = wrong
        yield fault("certificate_wrong", where, detail, why=why, **facts)


def _why_wrong(shown: bytes, key: bytes, host: str, now: datetime) -> tuple[str, str, dict[str, str]] | None:
    """Return what is wrong with a certificate and its key: a code, the detail, and facts; ``None`` if all is right."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
    from cryptography.x509 import load_pem_x509_certificates

    try:
        own = load_pem_x509_certificates(shown)[0]
    except ValueError:
        return "unreadable", f"{SITE} is no certificate in PEM", {}
    try:
        private = load_pem_private_key(key, password=None)
    except (ValueError, TypeError):
        return "unreadable", f"{SITE_KEY} is no key in PEM, or asks for a password", {}
    as_bytes = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    if private.public_key().public_bytes(*as_bytes) != own.public_key().public_bytes(*as_bytes):
        return "other_key", f"{SITE_KEY} is the key of another certificate", {}
    begins, ends = (
        f"{each.astimezone(VIETNAM):%d/%m/%Y}" for each in (own.not_valid_before_utc, own.not_valid_after_utc)
    )
    if now < own.not_valid_before_utc:
        return "not_yet", f"it is valid from {begins} on", {"day": begins}
    if now > own.not_valid_after_utc:
        return "over", f"it ended on {ends}", {"day": ends}
    names = _names_of(own)
    if host and not any(_is_for(name, host) for name in names):
        all_names = ", ".join(names) or "nobody"
        return "other_name", f"it is for {all_names}, not for {host}", {"names": all_names, "host": host}
    return None


def _names_of(own: Certificate) -> list[str]:
    """Return the DNS names of a certificate that browsers check. Browsers ignore the common name."""
    from cryptography.x509 import DNSName, ExtensionNotFound, SubjectAlternativeName

    try:
        return own.extensions.get_extension_for_class(SubjectAlternativeName).value.get_values_for_type(DNSName)
    except ExtensionNotFound:
        return []


def _is_for(name: str, host: str) -> bool:
    """Return whether a name of a certificate covers a host. A leading ``*`` stands for exactly one label."""
    name, host = name.casefold().rstrip("."), host.casefold().rstrip(".")
    return name == host or (name.startswith("*.") and host.partition(".")[2] == name[2:])


def private_keys(examination: Examination) -> Iterator[Finding]:
    """Check that no private key for backups lies in the folder of the settings or in the folder of the backups."""
    folder, settings = examination.installation.folder, examination.settings
    backups = backups_folder(examination.installation) or settings.backups_folder
    looked_in = [settings.data if folder is None else folder, backups]
    for place in dict.fromkeys(looked_in):
        for path in _paths_in(place):
            if _holds_key(path):
                is_below = folder is not None and path.is_relative_to(folder)
                yield fault("private_key_here", str(path.relative_to(folder) if is_below and folder else path))


def _paths_in(place: Path) -> list[Path]:
    """Return the paths in a folder. The list is empty if this process may not read the folder."""
    try:
        return sorted(place.iterdir())
    except OSError:
        return []


def _holds_key(path: Path) -> bool:
    try:
        if not path.is_file() or path.stat().st_size > _LARGEST_KEY:
            return False
        content = path.read_bytes()
    except OSError:
        # A file that this process cannot read is not reported.
        return False
    return _PRIVATE_KEY in content.upper()


def copies(examination: Examination) -> Iterator[Finding]:
    """Check that copies of files with secrets, such as .env.old, are readable for their owner only."""
    folder = examination.installation.folder
    if folder is None:
        return
    for path in sorted({*folder.glob(".env*"), *folder.glob("*.env*")}):
        is_ours = path.name in FILES or path.name.endswith(".example") or path.name.startswith(SETTINGS)
        mode = stat.S_IMODE(path.stat().st_mode)
        if not is_ours and path.is_file() and mode & 0o077:
            yield fault("file_open", path.name, f"its mode is {mode:03o}")


def signing_in(examination: Examination) -> Iterator[Finding]:
    """Check that people sign in with accounts, and not by Airflow's simple sign-in, which stores passwords in clear."""
    installation, name = examination.installation, "AIRFLOW_AUTH_MANAGER"
    if SIMPLE.rpartition(".")[2] in installation.value(name):
        yield fault("sign_in_open", installation.where(name, DOT_ENV))
