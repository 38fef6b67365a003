"""A machine with Docker Compose, as far as the handbook uses it: services are processes, volumes are folders.

There is no Docker engine here. ``Machine`` puts a program ``docker`` on the path of whoever types the handbook's
commands; what Compose makes of the project's files says ``docker-compose config`` itself, and the services get exactly
that: commands, environments, healthchecks, the order of need, volumes. Replaced are addresses (loopback, free ports)
and folders of the image. Each container sees the volumes that it mounts and none else. What is mounted from the machine
must be readable, and writable where the mount is, for the image's user, whom the processes are when we are root.

A service's root is read-only where Compose says so: whoever runs in it may write to its volumes and to /tmp alone, as
far as we are root. Of /tmp it has its own where a file of it is named; what a program puts there by itself is
everybody's. Not modelled: read-only mounts are not enforced, and networks do not separate.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

import psycopg
from psycopg import sql

from motcua.sandbox.machine.parts import Hung, Part
from motcua.sandbox.machine.postgres import EmbeddedPostgres, _become_nobody, binaries
from motcua.store.ledger.provisioning import with_database
from tests.compose.project import ENV_FILES, ROOT, image_environment
from tests.ground import ask, free_port

IMAGE_USER = 50000
PORTS = (5432, 6379, 8080, 8081, 8082, 8974)
_PATIENCE = 600
"""Seconds after which a command has not merely a busy machine."""
_AS_ROOT = os.geteuid() == 0
# The code may lie where the image's user could not go.
_AS_IMAGE_USER = _become_nobody(IMAGE_USER, IMAGE_USER) if _AS_ROOT else None
_TARGETS = ("/opt/motcua/.data", "/opt/airflow")
"""Folders of the image that a container has for itself."""
_MADE_IN_IMAGE = ("/opt/airflow/logs", *(f"/opt/motcua/.data/{name}" for name in ("publications", "journal", "watch")))

_DOCKER = """#!{python} -IS
import json, os, socket, sys
with socket.socket(socket.AF_UNIX) as machine:
    machine.connect({address!r})
    socket.send_fds(machine, [json.dumps([os.getcwd(), sys.argv[1:]]).encode()], [0, 1, 2])
    sys.exit(int(machine.recv(16) or b"70"))
"""
# Who may not become another user has nobody to give a folder to.
_SUDO = (
    '#!/bin/sh\nexec "$@"\n'
    if _AS_ROOT
    else """#!/bin/bash
[ "$1" = chown ] && exit 0
words=(); while [ $# -gt 0 ]; do case "$1" in -o|-g) shift 2;; *) words+=("$1"); shift;; esac; done
exec "${words[@]}"
"""
)


class Refused(Exception):
    """Docker or Compose would refuse this; the message says why."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise Refused(f"{self.prog}: {message}")


def _parser(verb: str, *flags: str, command: bool = False, services: bool = False) -> _Parser:
    parser = _Parser(prog=f"docker compose {verb}", add_help=False, allow_abbrev=False)
    for flag in flags:
        parser.add_argument(*flag.split("|"), action="store_true")
    if command:
        parser.add_argument("-e", "--env", action="append", default=[])
        parser.add_argument("service")
        parser.add_argument("command", nargs=argparse.REMAINDER)
    if services:
        parser.add_argument("services", nargs="*")
    return parser


PARSERS = {
    "build": _parser("build"),
    "config": _parser("config", "--quiet|-q", "--images"),
    "up": _parser("up", "--detach|-d", "--wait", "--build", "--no-deps", services=True),
    "run": _parser("run", "--rm", "-T|--no-tty", "--no-deps", command=True),
    "exec": _parser("exec", "-T|--no-tty", command=True),
    "stop": _parser("stop", services=True),
    "ps": _parser("ps"),
}
"""What the handbook types of ``docker compose``, by its first word."""


@dataclass
class Container:
    """What a process sees instead of the image's file system."""

    service: str
    folder: Path
    mounts: dict[str, Path]
    """Folders of the machine by their place in the container."""

    def own(self, target: str) -> Path:
        return self.folder / target.strip("/").replace("/", "-")


@dataclass
class Machine:
    """One machine; ``project`` has ``docker-compose.yaml`` in it, ``folder`` is all that is lost with the machine."""

    folder: Path
    left_out: frozenset[str] = frozenset()
    """Services that ``up`` does not start here, while commands are run as if it had; whoever uses it says why."""
    ports: dict[int, int] = field(default_factory=lambda: {port: free_port() for port in PORTS})
    running: dict[str, Part] = field(default_factory=dict)
    containers: dict[str, Container] = field(default_factory=dict)
    sessions: set[int] = field(default_factory=set)
    stopped_by_force: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        # Other users, PostgreSQL's among them, must pass through.
        self.folder.mkdir(mode=0o711, parents=True)
        self.project.mkdir()
        for file in ("docker-compose.yaml", *(f"{name}.example" for name in (".env", *ENV_FILES))):
            shutil.copy(ROOT / file, self.project / file)
        (self.folder / "bin").mkdir()
        # An address of a socket has room for a hundred letters.
        self._address = Path(tempfile.mkdtemp(prefix="motcua-docker-")) / "s"
        words = {"docker": _DOCKER.format(python=sys.executable, address=str(self._address)), "sudo": _SUDO}
        for name, text in words.items():
            (self.folder / "bin" / name).write_text(text, encoding="utf-8")
            (self.folder / "bin" / name).chmod(0o755)
        self._listening = socket.socket(socket.AF_UNIX)
        self._listening.bind(str(self._address))
        self._listening.listen()
        threading.Thread(target=self._serve, daemon=True).start()

    @property
    def project(self) -> Path:
        return self.folder / "motcua"

    # --- Whoever sits before it

    def type(self, block: str, **variables: str | Path) -> str:
        """Runs a block of the handbook in the project's folder, as it stands; what it printed.

        Raises:
            AssertionError: a command of it failed; with everything that it printed.
        """
        answer = subprocess.run(
            **self._typed(block, variables),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=_PATIENCE,
        )
        assert answer.returncode == 0, f"{block}\nended with {answer.returncode}:\n{answer.stdout[-4000:]}"
        return answer.stdout

    def type_answering(self, block: str, question: str, answer: str, **variables: str | Path) -> str:
        """Like :meth:`type`, at a terminal: ``answer`` is typed each time that ``question``, a pattern, is printed.

        Raises:
            AssertionError: a command of it failed; with everything that it printed.
        """
        keyboard, terminal = os.openpty()
        process = subprocess.Popen(
            **self._typed(block, variables), stdin=terminal, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        os.close(terminal)
        assert process.stdout is not None
        printed, asked = b"", 0
        try:
            while part := os.read(process.stdout.fileno(), 65536):
                printed += part
                # What is typed before it is asked for is thrown away.
                while asked < len(re.findall(question.encode(), printed)):
                    asked += 1
                    os.write(keyboard, f"{answer}\n".encode())
            code = process.wait(timeout=_PATIENCE)
        finally:
            os.close(keyboard)
            process.stdout.close()
        assert code == 0, f"{block}\nended with {code}:\n{printed.decode(errors='replace')[-4000:]}"
        return printed.decode()

    def _typed(self, block: str, variables: Mapping[str, str | Path]) -> dict[str, Any]:
        given = {
            "PATH": os.pathsep.join((str(self.folder / "bin"), os.environ["PATH"])),
            "HOME": "/nonexistent",
            "USER": "lan",
        }
        return {
            "args": ["bash", "-e", "-u", "-o", "pipefail", "-c", block],
            "env": given | {name: str(value) for name, value in variables.items()},
            "cwd": self.project,
        }

    def lose_power(self) -> None:
        for part in self.running.values():
            part.kill()
        self.running.clear()
        for pid in self.left_over():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def come_back(self, order: Sequence[str], apart: float) -> Counter[str]:
        """As the engine does when a machine starts: each container that is to restart is started, whatever needs what,
        and again when it ends, after a pause that doubles.

        Args:
            order: of the services, as they are started.
            apart: seconds between two of them.

        Returns:
            How often a service had to be started again, by name, once all were healthy together.

        Raises:
            Refused: they were not within ``_PATIENCE``.
        """
        services = self.services()
        begun = time.monotonic()
        due = {name: begun + place * apart for place, name in enumerate(order)}
        pause = dict.fromkeys(order, 0.1)
        again: Counter[str] = Counter()
        while True:
            now = time.monotonic()
            for name in [name for name, part in self.running.items() if not part.alive]:
                del self.running[name]
                again[name] += 1
                due[name], pause[name] = now + pause[name], min(60.0, 2 * pause[name])
            for name in [name for name, at in due.items() if at <= now]:
                del due[name]
                with suppress(Hung):
                    self._launch(services, name)
                if name not in self.running:
                    again[name] += 1
                    due[name], pause[name] = now + pause[name], min(60.0, 2 * pause[name])
            # What the others need is asked first: it tells soonest that it is not worth while to ask them.
            asked = sorted(order, key=lambda name: name not in ("postgres", "redis"))
            if not due and all(self._is_healthy(services, name) for name in asked) and self._all_run():
                return again
            if now - begun > _PATIENCE:
                raise Refused(
                    f"not healthy together: {[name for name in asked if not self._is_healthy(services, name)]}"
                )
            time.sleep(0.2)

    def _all_run(self) -> bool:
        return all(part.alive for part in self.running.values())

    def lose(self) -> None:
        """As in a fire: nothing ends in an orderly way, and nothing of its disk is left."""
        self.lose_power()
        self._listening.close()
        shutil.rmtree(self._address.parent)
        shutil.rmtree(self.folder)

    def left_over(self) -> dict[int, str]:
        """Living processes of the machine: in the sessions that were begun here, and those that know its folder."""
        found = {}
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    state = (entry / "stat").read_text().rpartition(")")[2].split()
                    knows = f"HOME={self.folder}\0".encode() in (entry / "environ").read_bytes()
                    if state[0] != "Z" and (knows or int(state[3]) in self.sessions):
                        found[int(entry.name)] = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                except OSError:
                    continue
        return found

    # --- docker

    def _serve(self) -> None:
        while True:
            try:
                typed, _ = self._listening.accept()
            except OSError:
                return
            # What breaks here breaks that command alone, and is told by the thread.
            threading.Thread(target=self._answer, args=(typed,), daemon=True).start()

    def _answer(self, typed: socket.socket) -> None:
        with typed:
            words, files, _, _ = socket.recv_fds(typed, 65536, 3)
            cwd, arguments = json.loads(words)
            try:
                code = self._docker(Path(cwd), arguments, files)
            except Refused as refusal:
                os.write(files[2], f"{refusal}\n".encode())
                code = 1
            finally:
                for each in files:
                    os.close(each)
            typed.send(str(code).encode())

    def _docker(self, cwd: Path, words: Sequence[str], files: Sequence[int]) -> int:
        if words[:1] != ["compose"] or len(words) < 2 or words[1] not in PARSERS:
            raise Refused(f"docker {' '.join(words)} is nothing that the harness knows")
        if cwd != self.project:
            raise Refused(f"no configuration file provided: not found in {cwd}")
        verb = words[1]
        asked = PARSERS[verb].parse_args(words[2:])
        services = self.services()
        if verb in ("run", "exec") and not asked.no_tty and any(map(_is_redirected, files)):
            raise Refused("the input device is not a TTY")
        if verb == "config" and asked.images:
            os.write(
                files[1], "".join(f"{image}\n" for image in {each["image"]: 0 for each in services.values()}).encode()
            )
        elif verb == "up":
            if not asked.detach:
                raise Refused("up without --detach would not come back")
            names = asked.services or list(services)
            # What they need is left as it is.
            alone = {name: {**services[name], "depends_on": {}} for name in names}
            self._up(alone if asked.no_deps else services, names, asked.wait)
        elif verb == "run":
            if not asked.no_deps:
                self._up(services, list(services[asked.service].get("depends_on", {})), wait=False, needed=True)
            return self._run(services, asked.service, asked.command, asked.env, files)
        elif verb == "exec":
            if asked.service in self.left_out:
                return self._run(services, asked.service, asked.command, asked.env, files)
            if asked.service not in self.running or not self.running[asked.service].alive:
                raise Refused(f'service "{asked.service}" is not running')
            container = self.containers[asked.service]
            return self._end(services, container, asked.command, asked.env, files)
        elif verb == "stop":
            self.stop(asked.services or None)
        elif verb == "ps":
            for name in self.running:
                # As of now, not of the last time that somebody looked.
                self.wait_until_healthy(name, services)
                os.write(files[1], f"{name} healthy\n".encode())
        return 0

    def services(self) -> dict[str, dict[str, Any]]:
        """The services as Compose reads them from the project's files.

        Raises:
            Refused: Compose refuses the files; its own words.
        """
        answer = subprocess.run(
            ["docker-compose", "config", "--format", "json"],
            env={"PATH": os.environ["PATH"], "HOME": str(self.project)},
            cwd=self.project,
            capture_output=True,
            text=True,
            timeout=60,
        )
        if answer.returncode:
            raise Refused(answer.stderr)

        def plain(node: Any) -> Any:
            # Its answer is written to be read by Compose again.
            if isinstance(node, dict):
                return {key: plain(value) for key, value in node.items()}
            if isinstance(node, list):
                return [plain(value) for value in node]
            return node.replace("$$", "$") if isinstance(node, str) else node

        read = plain(json.loads(answer.stdout))
        self._volumes = read["volumes"]
        services: dict[str, dict[str, Any]] = read["services"]
        return services

    def _up(self, services: Mapping[str, Any], names: Sequence[str], wait: bool, needed: bool = False) -> None:
        """Starts services, what they need first; returns when they are started, or healthy, or were waited for."""
        reached: set[tuple[str, str]] = set()

        def bring(name: str, condition: str) -> None:
            if name in self.left_out or (name, condition) in reached:
                return
            for other, each in services[name].get("depends_on", {}).items():
                bring(other, each["condition"])
            if condition == "service_completed_successfully":
                self._complete(services, name)
            else:
                self._start(services, name)
            if condition == "service_healthy":
                self.wait_until_healthy(name, services)
            reached.add((name, condition))

        def depth(name: str) -> int:
            return 1 + max((depth(other) for other in services[name].get("depends_on", {})), default=0)

        waited_for = dict.fromkeys(names, "service_healthy" if wait or needed else "service_started")
        for name in sorted(names, key=depth):
            ends = services[name].get("restart") == "no"
            bring(name, "service_completed_successfully" if ends else waited_for[name])

    def _complete(self, services: Mapping[str, Any], name: str) -> None:
        with (self.folder / f"{name}.log").open("ab") as log:
            files = [os.open(os.devnull, os.O_RDONLY), log.fileno(), log.fileno()]
            code = self._run(services, name, services[name]["command"], [], files)
            os.close(files[0])
        if code:
            raise Refused(f'service "{name}" didn\'t complete successfully: exit {code}\n{self.log(name)[-3000:]}')

    def _run(
        self, services: Mapping[str, Any], name: str, command: Sequence[str], added: Sequence[str], files: Sequence[int]
    ) -> int:
        container = self._create(services, name)
        try:
            return self._end(services, container, command or services[name]["command"], added, files)
        finally:
            shutil.rmtree(container.folder)

    def _end(
        self,
        services: Mapping[str, Any],
        container: Container,
        command: Sequence[str],
        added: Sequence[str],
        files: Sequence[int],
    ) -> int:
        """Runs a command in a container to its end."""
        environment = self._environment(services, container) | dict(each.split("=", 1) for each in added)
        process = subprocess.Popen(
            self._here(container, list(command)),
            env=environment,
            stdin=files[0],
            stdout=files[1],
            stderr=files[2],
            cwd=ROOT,
            start_new_session=True,
            preexec_fn=_AS_IMAGE_USER,
        )
        return process.wait(timeout=_PATIENCE)

    def _start(self, services: Mapping[str, Any], name: str) -> None:
        if name in self.running and self.running[name].alive:
            return
        self.containers[name] = self._create(services, name)
        self._launch(services, name)

    def _launch(self, services: Mapping[str, Any], name: str) -> None:
        """Starts the process of a container that is there."""
        container = self.containers[name]
        if name == "postgres":
            self.running[name] = self._start_postgres(services[name])
        else:
            part = Part(
                name,
                self._here(container, services[name]["command"]),
                self.folder / f"{name}.log",
                environment=self._environment(services, container),
                folder=ROOT,
                before_exec=_AS_IMAGE_USER,
            )
            part.begin()
            self.running[name] = part
        assert self.running[name].process is not None
        self.sessions.add(self.running[name].process.pid)

    @property
    def postgres(self) -> EmbeddedPostgres:
        """The service's server; it is there once the service was started."""
        return EmbeddedPostgres(self.folder / "volumes" / "ledger", self.ports[5432])

    def rows(self, statement: str, *, past_guards: bool = False) -> list[tuple[Any, ...]]:
        """What its ledger answers its administrator."""
        with psycopg.connect(with_database(self.postgres.admin_dsn, "motcua")) as connection:
            if past_guards:
                connection.execute("SET session_replication_role = replica")
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def _start_postgres(self, service: Mapping[str, Any]) -> Part:
        server = self.postgres
        is_new = not (server.data / "PG_VERSION").exists()
        if is_new:
            server.set_up()
            options = service["command"][service["command"].index("-c") + 1 :: 2]
            with (server.data / "postgresql.conf").open("a", encoding="utf-8") as configuration:
                for name, value in (option.split("=", 1) for option in options):
                    configuration.write(f"{name} = '{value}'\n")
        part = server.part(self.folder / "postgres.log")
        part.start()
        if is_new:
            password = service["environment"]["POSTGRES_PASSWORD"]
            ask(server.admin_dsn, sql.SQL("ALTER ROLE postgres PASSWORD {}").format(sql.Literal(password)))
            server.password_file.write_text(password, encoding="ascii")
        return part

    def stop(self, names: Sequence[str] | None = None) -> None:
        """As Compose does it: what others need last; TERM, the service's grace, KILL."""
        services = self.services()
        wanted = set(self.running if names is None else names) & set(self.running)
        while wanted:
            needed = {other for name in wanted for other in services[name].get("depends_on", ())}
            wave = wanted - needed
            wanted -= wave
            parts = {name: self.running.pop(name) for name in wave}
            for part in parts.values():
                part.tell_to_stop()
            begun = time.monotonic()
            for name, part in parts.items():
                grace = _seconds(services[name].get("stop_grace_period", "10s"))
                try:
                    part.wait(max(0.1, begun + grace - time.monotonic()))
                except Hung:
                    self.stopped_by_force.append(name)

    def wait_until_healthy(self, name: str, services: Mapping[str, Any] | None = None) -> None:
        """Runs the service's own healthcheck until it succeeds, for as long as Compose would.

        Raises:
            Refused: the service ended, or is not healthy in time.
        """
        known = services or self.services()
        check = known[name]["healthcheck"]
        patience = _seconds(check.get("start_period", "0s")) + check["retries"] * _seconds(check["interval"])
        begun = time.monotonic()
        while not self._is_healthy(known, name):
            if not self.running[name].alive:
                raise Refused(f"{name} ended:\n{self.log(name)[-3000:]}")
            if time.monotonic() - begun > patience:
                raise Refused(f"{name} is unhealthy:\n{self.log(name)[-3000:]}")
            time.sleep(0.3)

    def _is_healthy(self, services: Mapping[str, Any], name: str) -> bool:
        kind, *words = services[name]["healthcheck"]["test"]
        container = self.containers[name]
        try:
            check = subprocess.run(
                self._here(container, words if kind == "CMD" else ["sh", "-c", *words]),
                env=self._environment(services, container),
                cwd=ROOT,
                capture_output=True,
                timeout=60,
            )
        except subprocess.TimeoutExpired:
            return False
        return check.returncode == 0

    def log(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text(encoding="utf-8", errors="replace")

    # --- Containers

    def told(self, name: str) -> dict[str, str]:
        services = self.services()
        return self._environment(services, self._create(services, name))

    def _environment(self, services: Mapping[str, Any], container: Container) -> dict[str, str]:
        service = services[container.service]
        given = {
            "PATH": os.pathsep.join((str(Path(sys.executable).parent), str(binaries()), os.environ["PATH"])),
            # By it what is left over is known.
            "HOME": str(self.folder),
            "USER": "motcua",
            # Compose's network does not exist here: loopback only.
            "AIRFLOW__API__HOST": "127.0.0.1",
        }
        if "build" in service:
            given |= self._here(container, image_environment()) | {"MOTCUA_DATA": str(container.own(_TARGETS[0]))}
        told: dict[str, str] = self._here(container, service.get("environment", {}))
        return given | told

    def _create(self, services: Mapping[str, Any], name: str) -> Container:
        """A container's folders, with its volumes in them."""
        parent = self.folder / "containers"
        parent.mkdir(exist_ok=True, mode=0o711)
        container = Container(name, Path(tempfile.mkdtemp(prefix=f"{name}-", dir=parent)), {})
        is_ours = "build" in services[name]
        for volume in services[name].get("volumes", ()):
            container.mounts[volume["target"]] = self._mounted(volume, is_ours)
        if is_ours:
            for target in _TARGETS:
                container.own(target).mkdir()
            (container.own("/opt/airflow") / "airflow.cfg").touch()
            for target in _MADE_IN_IMAGE:
                if target not in container.mounts:
                    self._inside(container, target).mkdir()
            for target, source in container.mounts.items():
                self._inside(container, target).symlink_to(source)
        if not services[name].get("read_only"):
            for path in (container.folder, *container.folder.rglob("*")):
                _give(path)
        if services[name].get("tmpfs"):
            container.own("/tmp").mkdir()
            _give(container.own("/tmp"))
        return container

    @staticmethod
    def _inside(container: Container, target: str) -> Path:
        own = next(each for each in _TARGETS if target.startswith(f"{each}/"))
        return container.own(own) / target.removeprefix(f"{own}/")

    def _mounted(self, volume: Mapping[str, Any], is_ours: bool) -> Path:
        source: str = volume["source"]
        may_write = not volume.get("read_only")
        if volume["type"] == "volume":
            device: str | None = self._volumes[source].get("driver_opts", {}).get("device")
            if device is None:
                place = self.folder / "volumes" / source
                if not place.exists():
                    place.parent.mkdir(exist_ok=True, mode=0o711)
                    place.mkdir(mode=0o755)
                    # Docker gives a new volume the owner that the folder has in the image.
                    _give(place)
                return place
            source = device
            if not Path(source).is_dir():
                raise Refused(f"failed to mount local volume {volume['source']}: {source}: no such file or directory")
        place = Path(source)
        if not place.exists():
            # Docker makes it, for itself.
            place.mkdir(mode=0o755 if _AS_ROOT else 0o555)
        if is_ours and (cannot := _cannot_be_used(place, may_write)):
            raise Refused(f"{cannot}: the user {IMAGE_USER} of the image may not use it as {volume['target']}")
        return place

    def _here(self, container: Container, node: Any) -> Any:
        """A part of the files with its hosts, ports and folders replaced by this machine's."""
        if isinstance(node, dict):
            return {key: self._here(container, value) for key, value in node.items()}
        if isinstance(node, list):
            return [self._here(container, value) for value in node]
        if not isinstance(node, str):
            return node
        node = re.sub(r"(?<![\w/])/tmp/(?=[\w.-]+$)", f"{container.own('/tmp')}/", node)
        places = {target: container.own(target) for target in _TARGETS} | {"/opt/motcua": ROOT}
        for target, place in (container.mounts | places).items():
            if place == container.mounts.get(target) and target.startswith(_TARGETS):
                continue
            node = re.sub(rf"(?<![\w/]){re.escape(target)}(?=[\s/]|$)", str(place), node)
        services = "|".join(("postgres", "redis", "airflow-apiserver", "callbacks"))
        node = re.sub(rf"(?<=[@/])({services})(?=:\d{{4}}(?:/|$))", "127.0.0.1", node).replace("0.0.0.0", "127.0.0.1")
        return re.sub(r"\b\d{4}\b", lambda found: str(self.ports.get(int(found[0]), found[0])), node)


def _is_redirected(descriptor: int) -> bool:
    """From or to a file, or from a pipe: a terminal in between would spoil it, and Docker wants to be told ``-T``."""
    mode = os.fstat(descriptor).st_mode
    return stat.S_ISREG(mode) or (stat.S_ISFIFO(mode) and not fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_WRONLY)


def _give(path: Path) -> None:
    if _AS_ROOT:
        os.chown(path, IMAGE_USER, IMAGE_USER, follow_symlinks=False)


def _seconds(duration: str) -> float:
    """Of a duration as Compose writes it: ``2m0s``."""
    return sum(
        float(number) * {"h": 3600, "m": 60, "s": 1}[unit] for number, unit in re.findall(r"(\d+)([hms])", duration)
    )


def _cannot_be_used(folder: Path, may_write: bool) -> Path | None:
    """What the image's user may not read in it, or, where it writes, its folders that it may not write to."""
    for path in _everything_in(folder):
        wanted = 4 | (may_write and path.is_dir()) * 2 | path.is_dir() * 1
        if _AS_ROOT:
            facts = path.stat()
            shift = 6 if facts.st_uid == IMAGE_USER else 3 if facts.st_gid == IMAGE_USER else 0
            allowed = (facts.st_mode >> shift) & 7
        else:
            allowed = sum(bit for bit in (1, 2, 4) if os.access(path, bit))
        if wanted & ~allowed:
            return path
    return None


def _everything_in(folder: Path) -> Iterator[Path]:
    yield folder
    yield from (path for path in folder.rglob("*") if not path.is_symlink())
