"""Test whether the project runs with another version of Airflow, in an environment of its own.

    scripts/try_airflow.py VERSION [FOLDER]

The script resolves the requirements of pyproject.toml with Airflow at that version. Packages that need not change keep
their locked version, as with ``make lock`` after a change of Airflow's pin. Airflow's constraints files are not used.
In the new environment, the script then runs ``tests/dags`` and starts the whole system once (``motcua smoke``). The
exit code is 1 if a check failed, and 2 if the version could not be tried. See docs/operations/upgrade.md.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
UV = Path(sys.executable).with_name("uv")
"""The project's own uv, from its environment."""
_PIN = re.compile(r"^apache-airflow==")
_LOCKED = re.compile(r"^([A-Za-z0-9_.-]+)(?:\[.*?\])?==([^ ;\\\n]+)", re.MULTILINE)
_BEFORE_RELEASE = re.compile(r"(?:a|b|rc|\.dev)\d+$")


class CannotTry(Exception):
    """Raised if the version does not exist or cannot be tried. The message gives the reason."""


def inputs(pyproject: Path, version: str) -> list[str]:
    """Return the requirements of pyproject.toml, with Airflow pinned to the given version.

    Raises:
        CannotTry: pyproject.toml does not pin Airflow.
    """
    project = tomllib.loads(pyproject.read_text(encoding="utf-8"))["project"]
    wanted = [
        *project["dependencies"],
        *(each for extra in project["optional-dependencies"].values() for each in extra),
    ]
    if not any(map(_PIN.match, wanted)):
        raise CannotTry("pyproject.toml does not pin apache-airflow")
    kept = [each for each in wanted if not _PIN.match(each)]
    own = [f"apache-airflow=={version}"]
    if _BEFORE_RELEASE.search(version):
        # A pre-release of Airflow needs pre-releases of its parts. No other package may be a pre-release.
        own += [f"apache-airflow-core=={version}", "apache-airflow-task-sdk>=1.0.0.dev0"]
    return [*own, *kept]


def changes(before: str, after: str) -> list[str]:
    """Return one line for each package whose version differs between two locks, or that only one of them has."""
    then, now = dict(_LOCKED.findall(before)), dict(_LOCKED.findall(after))
    return [
        f"{name} {then.get(name, 'new')} → {now.get(name, 'gone')}"
        for name in sorted(then.keys() | now.keys())
        if then.get(name) != now.get(name)
    ]


def _run(command: Sequence[str | Path], **given: str) -> int:
    print(f"$ {' '.join(map(str, command))}", flush=True)
    environment = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    return subprocess.run(command, cwd=PROJECT, env=environment | given, check=False).returncode


def try_version(version: str, folder: Path) -> list[str]:
    """Create the environment and run the checks. Return the names of the checks that failed.

    Raises:
        CannotTry: the version does not exist, or its requirements conflict with the project's.
    """
    folder.mkdir(parents=True, exist_ok=True)
    wanted, lock, venv = folder / "requirements.in", folder / "requirements.lock", folder / "venv"
    wanted.write_text("\n".join(inputs(PROJECT / "pyproject.toml", version)) + "\n", encoding="utf-8")
    before = (PROJECT / "requirements.lock").read_text(encoding="utf-8")
    # uv keeps the versions of an existing lock wherever the requirements permit.
    lock.write_text(before, encoding="utf-8")
    here = ".".join(map(str, sys.version_info[:2]))
    resolving = [UV, "pip", "compile", "--universal", "--python-version", here, "--generate-hashes", "-q"]
    if _run([*resolving, wanted, "-o", lock]):
        raise CannotTry(f"the project's requirements conflict with apache-airflow {version}; see above")
    differing = changes(before, lock.read_text(encoding="utf-8"))
    print("\n".join(differing) or "No package changes.", flush=True)
    if _run([UV, "venv", "-q", "--clear", "--python", sys.executable, venv]):
        raise CannotTry("the environment could not be made; see above")
    python = venv / "bin" / "python"
    installing = [UV, "pip", "install", "-q", "--python", python, "--no-deps"]
    if _run([*installing, "--require-hashes", "-r", lock]) or _run([*installing, "--no-build-isolation", "-e", "."]):
        raise CannotTry("the packages could not be installed; see above")
    # PATH begins with the environment's programs, because Airflow finds its own programs by PATH.
    given = {"MOTCUA_DATA": str(folder / "data"), "PATH": f"{venv / 'bin'}{os.pathsep}{os.environ['PATH']}"}
    checks = {
        "the contracts of the DAGs": [python, "-m", "pytest", "-q", "tests/dags", "-o", f"cache_dir={folder}/cache"],
        "the whole system, once": [venv / "bin" / "motcua", "smoke"],
    }
    return [name for name, command in checks.items() if _run(command, **given)]


def main(arguments: Sequence[str]) -> int:
    """Try one version and print the result."""
    if not arguments or len(arguments) > 2 or not re.fullmatch(r"\d+(?:\.\d+)+\w*", arguments[0]):
        print("Name one version: make try-airflow VERSION=3.3.3. pip index versions apache-airflow lists the versions.")
        return 2
    version = arguments[0]
    folder = Path(arguments[1]) if len(arguments) == 2 else PROJECT / "out" / "try-airflow" / version
    try:
        short = try_version(version, folder.resolve())
    except CannotTry as refusal:
        print(f"Airflow {version} cannot be tried: {refusal}.", file=sys.stderr)
        return 2
    result = f"{', '.join(short)} FAILED" if short else "all checks passed"
    print(f"Airflow {version}: {result}. Its lock: {folder / 'requirements.lock'}")
    return int(bool(short))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
