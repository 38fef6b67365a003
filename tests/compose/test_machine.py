"""The machine of these tests refuses what Docker would: what passes there was not passed over."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.compose.machine import Machine
from tests.compose.project import ENV_FILES, complete_environment, steps

pytestmark = pytest.mark.alone


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    """One with its files and no container."""
    machine = Machine(tmp_path / "machine")
    environment = complete_environment()
    (machine.project / ".env").write_text("".join(f"{name}={value}\n" for name, value in environment.items()))
    for file in ENV_FILES:
        (machine.project / file).touch()
    yield machine
    machine.lose()


def test_what_docker_refuses_is_refused(machine: Machine) -> None:
    run = "docker compose run --rm --no-deps init cat"
    for typed, said in (
        ("docker compose exec backup motcua backup list", 'service "backup" is not running'),
        (f"{run} < .env", "the input device is not a TTY"),
        (f"echo | {run}", "the input device is not a TTY"),
        (f"{run} > copied", "the input device is not a TTY"),
        ("cd .. && docker compose ps", "no configuration file provided"),
        ("docker compose frobnicate", "nothing that the harness knows"),
        ("rm gateways.env && docker compose config --quiet", "gateways.env"),
        ("touch gateways.env && rm .env && docker compose config --quiet", "set it in .env"),
    ):
        with pytest.raises(AssertionError, match=said):
            machine.type(typed)


def test_folder_that_the_image_s_user_may_not_use_is_refused(machine: Machine) -> None:
    give = "sudo install -d -m 700 -o 50000 -g 50000 {}"
    run = "docker compose run --rm --no-deps backup true\ndocker compose run --rm --no-deps init true"
    for folder, other in (("backups", "statements"), ("statements", "backups")):
        for left in ("", f"mkdir -m 500 {folder}", f"{give.format(folder)}; touch {folder}/x && chmod 000 {folder}/x"):
            machine.type(f"rm -rf {folder} {other}\n{give.format(other)}\n{left}")
            with pytest.raises(AssertionError, match=r"may not use it as /opt/motcua/\.data/(backups|statements)"):
                machine.type(run)


def test_container_sees_the_folders_that_it_mounts_and_no_other(machine: Machine) -> None:
    machine.type(steps("restore", "From a backup")[2][0], COPIES=machine.folder / "bin")
    machine.type("echo kept | docker compose run --rm -T --no-deps init tee /opt/motcua/.data/publications/x")
    assert machine.type("docker compose run --rm --no-deps backup cat /opt/motcua/.data/publications/x") == "kept\n"
    with pytest.raises(AssertionError, match="No such file"):
        machine.type("docker compose run --rm --no-deps callbacks cat /opt/motcua/.data/publications/x")
    owner = (machine.folder / "volumes" / "publications" / "x").stat().st_uid
    assert owner == (50000 if os.geteuid() == 0 else os.geteuid())
