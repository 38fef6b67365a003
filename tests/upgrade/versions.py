"""Write an earlier version of the program from the repository's history into a folder."""

from __future__ import annotations

import io
import os
import subprocess
import tarfile
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from motcua.store.ledger.migrations import BEGINNING
from tests.compose.project import ROOT

EARLIEST = "660d4bfdd6ccb352ad71d22c852ae7df69cb3ac6"
"""Commit of version 0.2.0, the earliest that can be upgraded and that may run beside the present version.

Later versions follow the rules of docs/decisions/schema.md. If a version removes something from the schema that 0.2.0
needs, this constant must be changed to a later version.
"""
_MIGRATIONS = "include/sql/migrations"
_TAKEN = ("plugins", "include", "dags", "tests", "pyproject.toml")


class NoHistory(Exception):
    """The earlier version is not in the repository. The message states why, and what to do."""


@dataclass(frozen=True)
class Version:
    """One version of the program in a folder of its own."""

    name: str
    root: Path

    def environment(self) -> Mapping[str, str]:
        """Return the environment in which ``python -m`` runs this version's code, including its ``tests``.

        Tests of another version may import names that this version lacks.
        """
        return {**os.environ, "PYTHONPATH": f"{self.root / 'plugins'}{os.pathsep}{self.root}"}

    @property
    def migrations(self) -> list[str]:
        """Return the names of the version's migrations, in order."""
        return sorted(path.stem for path in (self.root / _MIGRATIONS).glob("*.sql"))


def present() -> Version:
    """Return the version of the working copy."""
    return Version("this version", ROOT)


def earlier_commits(repository: Path = ROOT, earliest: str = EARLIEST) -> list[str]:
    """Return the commits of the versions from which an upgrade is proven by default.

    These are the version before the newest migration and the earliest version that may run beside the present one. If
    both are the same commit, it is returned once.

    Raises:
        NoHistory: the folder is no clone of the repository, or a clone without its history.
    """
    known = {path.stem for path in (repository / _MIGRATIONS).glob("*.sql")}
    before = known - {max(known)}
    # Follow only the main branch: no installation ever ran a commit of a side branch.
    for commit in _git(repository, "rev-list", "--first-parent", "HEAD").decode().split():
        names = _git(repository, "ls-tree", "--name-only", commit, f"{_MIGRATIONS}/").decode().split()
        later = {Path(name).stem for name in names if name.endswith(".sql") and Path(name).stem > BEGINNING}
        if later <= before or commit == earliest:
            return [commit] if commit == earliest else [commit, _named(repository, earliest)]
    raise NoHistory(_why_none(repository))


def take_out(commit: str, folder: Path, repository: Path = ROOT) -> Version:
    """Write the version of a commit, branch or tag into a folder, with its version number like an installed package.

    Raises:
        NoHistory: the repository does not have this commit.
    """
    archive = _git(repository, "archive", "--format=tar", commit, "--", *_TAKEN)
    with tarfile.open(fileobj=io.BytesIO(archive)) as tree:
        tree.extractall(folder, filter="data")
    number = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    installed = folder / "plugins" / f"motcua-{number}.dist-info"
    installed.mkdir()
    (installed / "METADATA").write_text(f"Metadata-Version: 2.1\nName: motcua\nVersion: {number}\n", encoding="utf-8")
    short = _git(repository, "rev-parse", "--short", commit).decode().strip()
    return Version(f"{number} ({short})", folder)


def _named(repository: Path, commit: str) -> str:
    return _git(repository, "rev-parse", "--verify", "--quiet", f"{commit}^{{commit}}").decode().strip()


def _git(repository: Path, *arguments: str) -> bytes:
    done = subprocess.run(["git", "-C", str(repository), *arguments], capture_output=True, check=False)
    if done.returncode:
        raise NoHistory(f"{_why_none(repository)} git says: {done.stderr.decode(errors='replace').strip()[-300:]}")
    return done.stdout


def _why_none(repository: Path) -> str:
    asked = ["git", "-C", str(repository), "rev-parse", "--is-shallow-repository"]
    shallow = subprocess.run(asked, capture_output=True, text=True, check=False)
    if shallow.returncode:
        return f"{repository} is no clone of the repository: an earlier version is taken out of its history."
    if shallow.stdout.strip() == "true":
        return "This clone is shallow and lacks the earlier version: git fetch --unshallow."
    return "The history holds no such version."
