"""Generate secrets and the key pair of the backups, and create folders, so that nobody has to type a secret."""

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
"""Name of the file with the backups' private key. The file stays on the server until somebody moves it to a safe."""
_OVERRIDE = "docker-compose.override.yaml"
_FERNET = "AIRFLOW_SECRET"


def new_secret() -> str:
    """Return a random secret of letters, digits, - and _. It never begins with a dash, because a program would read it
    as an option."""
    while (made := secrets.token_urlsafe(48)).startswith("-"):
        pass
    return made


def make_secrets(files: Files) -> int:
    """Generate each empty secret of .env, and return how many there were."""
    empty = [name for name in SECRETS if not files.value(DOT_ENV, name)]
    for name in empty:
        made = urlsafe_b64encode(os.urandom(32)).decode() if name == _FERNET else new_secret()
        files.put(DOT_ENV, name, made)
    return len(empty)


def make_keys(folder: Path, now: datetime) -> tuple[str, bool]:
    """Return the public key of the backups, and whether the key pair is new.

    The private key is written in the format of age-keygen. If the file exists already, its key is used.

    Raises:
        BackupUnusable: the existing file holds no key.
        OSError: the file cannot be read or written.
    """
    from pyrage.x25519 import Identity

    path = folder / IDENTITY
    if path.exists():
        identities = read_identities(path.read_text(encoding="utf-8").splitlines())
        return str(identities[0].to_public()), False
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
    """Create the folder for a certificate, if it is missing, with the owner of the folder above."""
    path, owner = folder / CERTIFICATES, folder.stat()
    if not path.exists():
        path.mkdir(mode=0o700)
        if os.geteuid() == 0:
            os.chown(path, owner.st_uid, owner.st_gid)


def make_folders(folder: Path) -> list[str]:
    """Create the folders that Compose mounts, for the services' user only.

    Returns:
        Names of the folders that could not be given to that user.
    """
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
    """Return the files to keep in a safe: no backup holds them, and they are needed to set up the server again.

    The private key of the backups is not among them, because it must be stored separately.
    """
    others = [name for name in (STORE, _OVERRIDE) if (folder / name).exists()]
    key = f"{CERTIFICATES}/{SITE_KEY}"
    return [*WRITTEN, *others, *([key] if (folder / key).exists() else [])]
