"""Provide a server on a Docker engine: a folder with the program, and a terminal for the handbook's commands."""

from __future__ import annotations

import os
import select
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.engine.engine import ROOT, Engine
from tests.engine.outside import NAME

_PATIENCE = 1800
"""Seconds after which a command counts as failed; even on a busy machine a command takes less."""
_OVERRIDE = """# Images that are built on this machine, because it can fetch none from a registry.
services:
  postgres: {image: local/postgres}
  redis: {image: local/redis}
  proxy: {image: local/caddy}
  init: {build: {args: {PYTHON_IMAGE: local/python}}}
"""
_HOSTS = "".join(
    f"  {name}: {{extra_hosts: ['{NAME}:host-gateway']}}\n" for name in ("airflow-scheduler", "airflow-worker", "watch")
)
"""Compose settings that give the server's address to the services that check whether the server can be reached."""


@dataclass
class Server:
    """One installation of the program; ``project`` is the folder with ``docker-compose.yaml``."""

    engine: Engine
    project: Path

    def clone(self, commit: str = "HEAD") -> None:
        """Clone the program at a commit into the folder; a later ``git pull`` fetches the newest version."""
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(self.project)], check=True)
        subprocess.run(["git", "reset", "--quiet", "--hard", commit], cwd=self.project, check=True)
        self.name_stand_ins()

    def name_stand_ins(self) -> None:
        """Let Compose use the stand-ins for the official images."""
        (self.project / "docker-compose.override.yaml").write_text(_OVERRIDE + _HOSTS, encoding="utf-8")

    # --- Typing commands

    def type(self, block: str, **variables: str | Path) -> str:
        """Run a block of the handbook unchanged in the project's folder, and return its output.

        Raises:
            AssertionError: A command failed; the message has its output.
        """
        done = subprocess.run(
            **self._process_arguments(block, variables),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=_PATIENCE,
        )
        assert done.returncode == 0, f"{block}\nended with {done.returncode}:\n{done.stdout[-4000:]}"
        return done.stdout

    def type_answering(self, block: str, answers: Sequence[tuple[str, str]], **variables: str | Path) -> str:
        """Run a block like :meth:`type`, at a terminal, and answer its questions.

        ``answers`` has, for each question in turn, its beginning and the answer.

        Raises:
            AssertionError: A command failed, or asked another question; the message has its output.
        """
        keyboard, terminal = os.openpty()
        process = subprocess.Popen(
            **self._process_arguments(block, variables), stdin=terminal, stdout=terminal, stderr=terminal
        )
        os.close(terminal)
        printed, seen, waiting = "", 0, list(answers)
        try:
            while part := _read_output(keyboard):
                printed += part
                # The program discards input that comes before its question is complete.
                while waiting and (at := printed.find(waiting[0][0], seen)) >= 0:
                    if (end := printed.find(":", at + len(waiting[0][0]) - 1)) < 0:
                        break
                    seen = end + 1
                    time.sleep(0.1)
                    os.write(keyboard, f"{waiting.pop(0)[1]}\n".encode())
            code = process.wait(timeout=_PATIENCE)
        except BaseException:
            process.kill()
            raise
        finally:
            os.close(keyboard)
        assert code == 0, f"{block}\nended with {code}:\n{printed[-4000:]}"
        assert not waiting, f"{block}\nnever asked for {waiting[0][0]}:\n{printed[-4000:]}"
        return printed

    def _process_arguments(self, block: str, variables: Mapping[str, str | Path]) -> dict[str, Any]:
        tools = self.project.parent / "bin"
        if not tools.exists():
            tools.mkdir()
            # No systemd runs here, so put a stand-in for systemctl into the folder ``bin``. The stand-in answers that
            # Docker starts with the machine.
            for name, text in (("sudo", 'exec "$@"'), ("systemctl", "echo enabled")):
                (tools / name).write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
                (tools / name).chmod(0o755)
        # Build the project's own image on a stand-in for its base image, too.
        given = self.engine.environment | {"USER": "lan", "TERM": "dumb", "PYTHON_IMAGE": "local/python"}
        given["PATH"] = os.pathsep.join((str(tools), given["PATH"]))
        return {
            "args": ["bash", "-e", "-u", "-o", "pipefail", "-c", block],
            "env": given | {name: str(value) for name, value in variables.items()},
            "cwd": self.project,
        }

    # --- Other queries

    def compose(self, *words: str, check: bool = True) -> str:
        """Run ``docker compose`` with these words, and return its output."""
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
        """Run a query on the server's ledger as administrator, and return the rows as text."""
        words = ("exec", "-T", "postgres", "psql", "--username=postgres", "--no-psqlrc", "-Atv", "ON_ERROR_STOP=1")
        printed = self.compose(*words, "-F", "\x1f", "-c", statement, "motcua")
        return [tuple(line.split("\x1f")) for line in printed.splitlines()]

    def containers(self) -> dict[str, str]:
        """Return the running containers as container id → service."""
        printed = self.compose("ps", "--no-trunc", "--format", "{{.ID}}\t{{.Service}}")
        return dict(line.split("\t") for line in printed.splitlines())

    def states(self) -> dict[str, str]:
        """Return the state of each service (``running``, ``exited`` and the like) with its health."""
        printed = self.compose("ps", "--all", "--format", "{{.Service}}\t{{.State}} {{.Health}}")
        return {name: state.strip() for name, state in (line.split("\t") for line in printed.splitlines())}


def _read_output(terminal: int) -> str:
    """Return the next output of the terminal; empty if the program has ended.

    Raises:
        AssertionError: Nothing was printed for ``_PATIENCE`` seconds.
    """
    assert select.select([terminal], [], [], _PATIENCE)[0], "nothing is printed any more"
    try:
        return os.read(terminal, 65536).decode(errors="replace")
    except OSError:
        return ""
