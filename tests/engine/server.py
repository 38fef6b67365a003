"""A server on an engine: a folder with the program, before which somebody sits and types what the handbook says."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.engine.engine import ROOT, Engine

_PATIENCE = 1800
"""Seconds after which a command has not merely a busy machine."""
_OVERRIDE = """# Images that no registry brings here.
services:
  postgres: {image: local/postgres}
  redis: {image: local/redis}
  proxy: {image: local/caddy}
  init: {build: {args: {PYTHON_IMAGE: local/python}}}
"""


@dataclass
class Server:
    """One installation; ``project`` is the folder with ``docker-compose.yaml``."""

    engine: Engine
    project: Path

    def unpack(self, commit: str | None = None) -> None:
        """Puts the program into the folder: the files of a commit, or those that lie here."""
        self.project.mkdir(parents=True, exist_ok=True)
        if commit is None:
            listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
            names = subprocess.run(listed, cwd=ROOT, check=True, capture_output=True).stdout.split(b"\0")
            for name in (each.decode() for each in names if each):
                if (ROOT / name).is_file():
                    (self.project / name).parent.mkdir(parents=True, exist_ok=True)
                    shutil.copy(ROOT / name, self.project / name)
        else:
            packed = subprocess.run(["git", "archive", commit], cwd=ROOT, check=True, capture_output=True).stdout
            subprocess.run(["tar", "-x"], cwd=self.project, input=packed, check=True)
        (self.project / "docker-compose.override.yaml").write_text(_OVERRIDE, encoding="utf-8")

    # --- Whoever sits before it

    def type(self, block: str, **variables: str | Path) -> str:
        """Runs a block of the handbook in the project's folder, as it stands; what it printed.

        Raises:
            AssertionError: a command of it failed; with everything that it printed.
        """
        done = subprocess.run(
            **self._typed(block, variables),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=_PATIENCE,
        )
        assert done.returncode == 0, f"{block}\nended with {done.returncode}:\n{done.stdout[-4000:]}"
        return done.stdout

    def type_answering(self, block: str, answers: Mapping[str, str], **variables: str | Path) -> str:
        """Like :meth:`type`, at a terminal: each time that a pattern is printed, its answer is typed.

        Raises:
            AssertionError: a command of it failed; with everything that it printed.
        """
        keyboard, terminal = os.openpty()
        process = subprocess.Popen(**self._typed(block, variables), stdin=terminal, stdout=terminal, stderr=terminal)
        os.close(terminal)
        printed, seen = "", 0
        try:
            while part := _read(keyboard):
                printed += part
                # What is typed before it is asked for is thrown away.
                asked = [
                    (found.end(), answer)
                    for pattern, answer in answers.items()
                    for found in re.finditer(pattern, printed[seen:])
                ]
                for end, answer in sorted(asked)[:1]:
                    seen += end
                    os.write(keyboard, f"{answer}\n".encode())
            code = process.wait(timeout=_PATIENCE)
        finally:
            os.close(keyboard)
        assert code == 0, f"{block}\nended with {code}:\n{printed[-4000:]}"
        return printed

    def _typed(self, block: str, variables: Mapping[str, str | Path]) -> dict[str, Any]:
        tools = self.project.parent / "bin"
        if not tools.exists():
            tools.mkdir()
            (tools / "sudo").write_text('#!/bin/sh\nexec "$@"\n', encoding="utf-8")
            (tools / "sudo").chmod(0o755)
        given = self.engine.environment | {"USER": "lan", "TERM": "dumb"}
        given["PATH"] = os.pathsep.join((str(tools), given["PATH"]))
        return {
            "args": ["bash", "-e", "-u", "-o", "pipefail", "-c", block],
            "env": given | {name: str(value) for name, value in variables.items()},
            "cwd": self.project,
        }

    # --- What is asked of it beside the handbook

    def compose(self, *words: str, check: bool = True) -> str:
        """Runs ``docker compose`` with these words; what it printed."""
        done = subprocess.run(
            ["docker", "compose", *words],
            cwd=self.project,
            env=self.engine.environment,
            capture_output=True,
            text=True,
            timeout=_PATIENCE,
            check=False,
        )
        assert not check or done.returncode == 0, f"{words}: {done.stdout[-2000:]}{done.stderr[-2000:]}"
        return done.stdout

    def rows(self, statement: str) -> list[tuple[str, ...]]:
        """What its ledger answers its administrator, as text."""
        words = ("exec", "-T", "postgres", "psql", "--username=postgres", "--no-psqlrc", "-Atv", "ON_ERROR_STOP=1")
        printed = self.compose(*words, "-F", "\x1f", "-c", statement, "motcua")
        return [tuple(line.split("\x1f")) for line in printed.splitlines()]

    def states(self) -> dict[str, str]:
        """By service: ``running``, ``exited`` and the like, with its health."""
        printed = self.compose("ps", "--all", "--format", "{{.Service}}\t{{.State}} {{.Health}}")
        return {name: state.strip() for name, state in (line.split("\t") for line in printed.splitlines())}


def _read(terminal: int) -> str:
    """The next that is printed there; empty: nobody is there any more."""
    try:
        return os.read(terminal, 65536).decode(errors="replace")
    except OSError:
        return ""
