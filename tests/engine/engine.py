"""Run a separate Docker engine, with stand-ins for the images that this machine cannot fetch from a registry.

The engine is Debian's (``docker.io``, ``docker-buildx``, ``docker-compose``). The Dockerfile beside this file builds
the images that the project's docker-compose.yaml and Dockerfile name, from Debian's and Python's packages. All data of
the engine is in one folder.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

from motcua.sandbox.machine.postgres import binaries

ROOT = Path(__file__).resolve().parents[2]
STAND_INS = ("python", "postgres", "redis", "caddy")
"""Targets of the Dockerfile, which become the images ``local/…``."""
_NEEDED = ("dockerd", "docker", "docker-compose", "debootstrap")
_GROUP = "motcua-engine"
_PATIENCE = 120.0
_BUILD_WITHIN = 1800.0


def why_none() -> str | None:
    """Return why this machine cannot run an engine; ``None`` if it can."""
    if os.geteuid() != 0:
        return "an engine needs root"
    if Path("/run/docker.sock").exists():
        # Two engines would use the same bridge and the same firewall rules.
        return "another engine runs on this machine"
    if missing := [program for program in _NEEDED if shutil.which(program) is None]:
        packages = "docker.io docker-cli docker-buildx docker-compose debootstrap"
        return f"no {', '.join(missing)} (apt-get install --no-install-recommends {packages})"
    return None


@dataclass
class Engine:
    """An engine with its data, socket and logs in ``folder``."""

    folder: Path
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def address(self) -> str:
        """Return the engine's address for the variable DOCKER_HOST."""
        return f"unix://{self.folder}/docker.sock"

    @property
    def environment(self) -> dict[str, str]:
        """Return the environment variables for the command ``docker``."""
        home = self.folder / "home"
        home.mkdir(exist_ok=True)
        return {"DOCKER_HOST": self.address, "HOME": str(home), "PATH": os.environ["PATH"]}

    def start(self) -> None:
        """Start the engine, which restarts the containers that were running when it last ended.

        Raises:
            AssertionError: The engine does not answer; the message has the end of its log.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "dockerd.log").open("ab") as log:
            self.process = subprocess.Popen(
                [
                    "dockerd",
                    f"--data-root={self.folder}/root",
                    f"--exec-root={self.folder}/exec",
                    f"--pidfile={self.folder}/dockerd.pid",
                    f"--host={self.address}",
                    # The control group distinguishes this engine's containers from those of other engines.
                    "--exec-opt=native.cgroupdriver=cgroupfs",
                    f"--cgroup-parent=/{_GROUP}",
                ],
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        begun = time.monotonic()
        while self.docker("info", check=False).returncode:
            waited = time.monotonic() - begun
            assert self.process.poll() is None, self._end_of_log()
            assert waited < _PATIENCE, self._end_of_log()
            time.sleep(0.3)

    def stop(self) -> float:
        """End the engine, and with it all containers, as when the machine shuts down; return how many seconds it took.

        Raises:
            AssertionError: The engine did not end within 90 seconds, systemd's limit.
        """
        assert self.process is not None
        begun = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(timeout=90)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"the engine did not end within 90 s:\n{self._end_of_log()}") from None
        return time.monotonic() - begun

    def lose_power(self) -> None:
        """Kill the engine and everything that runs in its containers."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()
        for pid in self._container_processes():
            _kill(pid)

    def _container_processes(self) -> list[int]:
        """Return the ids of the processes in containers and of the processes that supervise containers."""
        mark = str(self.folder / "exec").encode()
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    words = (entry / "cmdline").read_bytes()
                    group = (entry / "cgroup").read_bytes()
                except OSError:
                    continue
                if mark in words or f"/{_GROUP}/".encode() in group:
                    found.append(int(entry.name))
        return found

    def docker(self, *words: str, check: bool = True, within: float = _PATIENCE) -> subprocess.CompletedProcess[str]:
        """Run ``docker`` with these words.

        Raises:
            AssertionError: The command failed; the message has its output.
        """
        done = subprocess.run(
            ["docker", *words], env=self.environment, capture_output=True, text=True, timeout=within, check=False
        )
        assert not check or done.returncode == 0, (
            f"docker {' '.join(words)}: {done.stdout[-2000:]}{done.stderr[-2000:]}"
        )
        return done

    def make_stand_ins(self) -> None:
        """Build the images ``local/…`` that do not exist yet."""
        there = self.docker("image", "ls", "--format", "{{.Repository}}").stdout.split()
        if all(f"local/{name}" in there for name in STAND_INS):
            return
        base = self.folder / "base"
        base.mkdir(exist_ok=True)
        if not (base / "trixie").exists():
            subprocess.run(
                ["debootstrap", "--variant=minbase", "trixie", "trixie.part", _mirror()],
                cwd=base,
                check=True,
                stdout=subprocess.DEVNULL,
            )
            (base / "trixie.part").rename(base / "trixie")
        with subprocess.Popen(["tar", "-C", str(base / "trixie"), "-c", "."], stdout=subprocess.PIPE) as packed:
            subprocess.run(
                ["docker", "import", "-", "local/trixie"],
                env=self.environment,
                stdin=packed.stdout,
                check=True,
                stdout=subprocess.DEVNULL,
            )
        shutil.copy("/etc/ssl/certs/ca-certificates.crt", base / "ca.crt")
        for name in ("Dockerfile", "postgres-entrypoint.sh"):
            shutil.copy(Path(__file__).parent / name, base / name)
        # Copy PostgreSQL's programs from a Python package; their libraries are in a folder beside the package.
        package = binaries().parents[1]
        for part in (package, package.with_name(f"{package.name}.libs")):
            shutil.copytree(part, base / "pg" / part.name, dirs_exist_ok=True)
        (base / ".dockerignore").write_text("*\n!ca.crt\n!pg\n!postgres-entrypoint.sh\n", encoding="utf-8")
        for name in STAND_INS:
            self.docker("build", "-q", "--target", name, "-t", f"local/{name}", str(base), within=_BUILD_WITHIN)

    def _end_of_log(self) -> str:
        return (self.folder / "dockerd.log").read_text(encoding="utf-8", errors="replace")[-3000:]

    def clear(self) -> None:
        """Remove all containers, networks and volumes, and the project's own image."""
        if containers := self.docker("ps", "--all", "--quiet").stdout.split():
            self.docker("rm", "--force", "--volumes", *containers)
        self.docker("network", "prune", "--force")
        # Remove the volumes by name, because ``docker volume prune`` would silently skip those that it cannot remove.
        if volumes := self.docker("volume", "ls", "--quiet").stdout.split():
            self.docker("volume", "rm", "--force", *volumes)
        self.docker("image", "rm", "--force", "motcua", check=False)

    def end(self, *, keep: bool = False) -> None:
        """Remove the engine with its containers, and, unless ``keep``, its images."""
        if self.process is not None and self.process.poll() is None:
            self.clear()
            self.stop()
        if not keep:
            for line in reversed(Path("/proc/mounts").read_text(encoding="utf-8").splitlines()):
                if (place := line.split()[1]).startswith(str(self.folder)):
                    subprocess.run(["umount", "--lazy", place], check=False)
            shutil.rmtree(self.folder, ignore_errors=True)


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def _mirror() -> str:
    """Return the address from which this machine gets its packages."""
    for path in (*Path("/etc/apt/sources.list.d").glob("*.sources"), Path("/etc/apt/sources.list")):
        if path.exists() and (found := re.search(r"https?://\S+", path.read_text(encoding="utf-8"))):
            return found[0]
    raise AssertionError("the files of apt name no address of packages")
