"""What nobody needs to know is made: secrets, the pair of keys of the backups, folders."""

from __future__ import annotations

import os
import secrets
from base64 import urlsafe_b64encode
from datetime import UTC, datetime
from pathlib import Path

from motcua.jobs.backup.encrypting import read_identities
from motcua.jobs.doctor.examining import DOT_ENV, STORE
from motcua.jobs.doctor.server_files import CERTIFICATES, FOLDERS, SERVICES_USER, SITE_KEY
from motcua.jobs.doctor.written import SECRETS
from motcua.jobs.installing.files import WRITTEN, Files

IDENTITY = "identity.txt"
"""Where the private key of the backups is written, until somebody takes it to the safe."""
_OVERRIDE = "docker-compose.override.yaml"
_FERNET = "AIRFLOW_SECRET"


def new_secret() -> str:
    """Letters, digits, - and _; what begins with a dash would be taken for an option."""
    while (made := secrets.token_urlsafe(48)).startswith("-"):
        pass
    return made


def make_secrets(files: Files) -> int:
    """Makes each secret of .env that is empty; how many."""
    empty = [name for name in SECRETS if not files.value(DOT_ENV, name)]
    for name in empty:
        made = urlsafe_b64encode(os.urandom(32)).decode() if name == _FERNET else new_secret()
        files.put(DOT_ENV, name, made)
    return len(empty)


def make_keys(folder: Path, now: datetime) -> tuple[str, bool]:
    """The public key of the backups, and whether the pair was made now: the private one is written as age-keygen
    writes it, and one that lies there already is taken.

    Raises:
        BackupUnusable: what lies there is no key.
        OSError: it cannot be read or written.
    """
    from pyrage.x25519 import Identity

    path = folder / IDENTITY
    if path.exists():
        there = read_identities(path.read_text(encoding="utf-8").splitlines())
        return str(there[0].to_public()), False
    made = Identity.generate()
    public = str(made.to_public())
    lines = f"# created: {now.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}\n# public key: {public}\n{made}\n"
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as opened:
        opened.write(lines)
        opened.flush()
        os.fsync(opened.fileno())
    if os.geteuid() == 0:
        owner = folder.stat()
        os.chown(path, owner.st_uid, owner.st_gid)
    return public, True


def make_room_for_certificate(folder: Path) -> None:
    """Makes the folder that a certificate is put into, for whoever owns the files, where there is none yet."""
    path, owner = folder / CERTIFICATES, folder.stat()
    if not path.exists():
        path.mkdir(mode=0o700)
        if os.geteuid() == 0:
            os.chown(path, owner.st_uid, owner.st_gid)


def make_folders(folder: Path) -> list[str]:
    """Makes the folders that Compose mounts from here, for the services' user alone; those that could not be given to
    it."""
    left = []
    for name in FOLDERS:
        path = folder / name
        path.mkdir(mode=0o700, exist_ok=True)
        paths = [path, *(each for each in path.glob("*") if name == CERTIFICATES and each.is_file())]
        for each in paths:
            try:
                os.chown(each, SERVICES_USER, SERVICES_USER)
                each.chmod(0o700 if each.is_dir() else 0o600)
            except PermissionError:
                left.append(name)
                break
    return left


def for_the_safe(folder: Path) -> list[str]:
    """Files that no backup holds, and that somebody needs to set the server up again; without the private key, which is
    kept apart."""
    others = [name for name in (STORE, _OVERRIDE) if (folder / name).exists()]
    key = f"{CERTIFICATES}/{SITE_KEY}"
    return [*WRITTEN, *others, *([key] if (folder / key).exists() else [])]
