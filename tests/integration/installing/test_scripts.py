"""Test ``scripts/set_up.sh`` and ``scripts/doctor.sh`` with a test double of ``docker`` that records its arguments."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.compose.project import ROOT

DOCKER = """#!/usr/bin/env bash
printf '%s\\n' "$*" >> "$CALLS"
[ "$*" != "compose --project-name motcua --file - build init" ] || cat >> "$CALLS"
case "$1 $2" in
"image inspect") exit "$NO_IMAGE" ;;
"run --rm") exit "$FILES_SAY" ;;
"compose config") exit "$COMPOSE_SAYS" ;;
"compose run") exit "$RUNNING_SAYS" ;;
esac
"""


def _run_script(folder: Path, script: str, *words: str, **says: str) -> tuple[int, list[str]]:
    """Run a script with the test double of Docker; return the exit code and Docker's arguments, line by line."""
    docker, calls = folder / "docker", folder / "calls"
    docker.write_text(DOCKER)
    docker.chmod(0o755)
    given = {"NO_IMAGE": "0", "FILES_SAY": "0", "COMPOSE_SAYS": "0", "RUNNING_SAYS": "0", **says}
    own = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
    environment = {**own, "PATH": f"{folder}:{os.environ['PATH']}", "CALLS": str(calls), **given}
    done = subprocess.run(
        ["bash", str(ROOT / "scripts" / script), *words],
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, calls.read_text().splitlines()


@pytest.mark.parametrize("script", ["set_up.sh", "doctor.sh"])
def test_image_is_made_where_there_is_none_with_the_build_arguments_of_the_environment(
    script: str, tmp_path: Path
) -> None:
    _, calls = _run_script(tmp_path, script, NO_IMAGE="1", PIP_NO_INDEX="1", PIP_FIND_LINKS="/source/wheels")
    assert calls[1] == "compose --project-name motcua --file - build init"
    made = yaml.safe_load(calls[2])["services"]["init"]
    assert made == {"image": "motcua", "build": {"context": ".", "args": ["PIP_NO_INDEX", "PIP_FIND_LINKS"]}}
    (tmp_path / "calls").unlink()
    _, calls = _run_script(tmp_path, script, NO_IMAGE="1")
    assert yaml.safe_load(calls[2])["services"]["init"]["build"] == {"context": ".", "args": []}
    (tmp_path / "calls").unlink()
    _, calls = _run_script(tmp_path, script)
    assert not [each for each in calls if " build " in each]


def test_set_up_runs_as_root_in_a_container_that_may_write_to_the_folder_alone(tmp_path: Path) -> None:
    code, calls = _run_script(tmp_path, "set_up.sh", "mail", FILES_SAY="1")
    assert code == 1
    (run,) = [each for each in calls if each.startswith("run ")]
    assert f"--user 0 --volume {ROOT}:/installation --volume /:/host:ro motcua" in run
    assert run.endswith("motcua motcua set-up /installation mail --machine /host")
    assert "--tty" not in run, "if there is no terminal, Docker must not be asked for one"


@pytest.mark.parametrize(
    ("says", "code"),
    [
        ({}, 0),
        ({"FILES_SAY": "1"}, 1),
        ({"RUNNING_SAYS": "1"}, 1),
        ({"COMPOSE_SAYS": "1"}, 1),
        ({"RUNNING_SAYS": "2"}, 2),
    ],
)
def test_doctor_exits_with_the_worse_code_of_its_two_checks(says: dict[str, str], code: int, tmp_path: Path) -> None:
    done, calls = _run_script(tmp_path, "doctor.sh", **says)
    assert done == code
    (run,) = [each for each in calls if each.startswith("run ")]
    assert "--network none" in run
    assert f"--volume {ROOT}:/installation:ro --volume /:/host:ro" in run
