"""Test that the handbook can be followed: its commands are valid, its steps are numbered, its pages are listed.

A server's administrator types the commands of the six pages of docs/vi/quan-tri. ``make prove ONLY=install`` shows that
these pages lead to a first message, and through a reboot, an upgrade and a restore.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

import pytest

from motcua.jobs.installing.files import WRITTEN
from motcua.jobs.installing.making import IDENTITY
from tests.compose.project import OURS, ROOT, steps, titles
from tests.compose.typed_commands import NotUnderstood, lines_of, understand, understand_program

pytestmark = pytest.mark.alone

SITUATIONS = ("cai-dat", "hang-ngay", "khi-co-loi", "khoi-dong-lai", "nang-cap", "khoi-phuc")
"""The pages of the handbook, below docs/vi/quan-tri; each is about one situation, such as a reboot."""
STEPS = "Từng bước"
SERVICES_ASKED = {
    **{f"vi/quan-tri/{page}": 2 for page in SITUATIONS},
    "operations/server": 0,
    "operations/restore": 2,
    "operations/upgrade": 8,
}
"""For each page below docs, the least number of commands in its blocks that run in a service of the project."""


def text_of(page: str) -> str:
    return (ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8")


def blocks_of(text: str) -> list[str]:
    return re.findall(r"^ *```sh\n(.*?)^ *```$", text, re.M | re.S)


def commands_within(text: str) -> Iterator[str]:
    """Yield the commands within sentences and tables, except commands in which "…" stands for a part."""
    for quoted in re.findall(r"`((?:docker compose|motcua) [^`]+)`", text):
        if "…" not in shlex.split(quoted):
            yield quoted


@pytest.mark.parametrize(("page", "least"), SERVICES_ASKED.items())
def test_every_command_of_the_handbook_exists(page: str, least: int) -> None:
    services = [understand(line.strip()) for block in blocks_of(text_of(page)) for line in lines_of(block)]
    assert len([name for name in services if name in OURS]) >= least


@pytest.mark.parametrize("page", SITUATIONS)
def test_every_command_within_a_sentence_of_a_situation_exists(page: str) -> None:
    wrong = []
    for command in commands_within(text_of(f"vi/quan-tri/{page}")):
        try:
            if command.startswith("motcua "):
                understand_program(shlex.split(command))
            else:
                understand(command)
        except NotUnderstood as unknown:
            wrong.append(f"{command}: {unknown}")
    assert not wrong


def test_command_that_is_wrong_is_not_understood() -> None:
    scheduler = "docker compose exec airflow-scheduler motcua"
    for line in (
        "docker compose exec nobody motcua identity",
        "docker compose frobnicate",
        "docker compose up --detatch",
        "docker compose restart nobody",
        "docker compose logs --tial 50 watch",
        f"{scheduler} messages sent",
        f"{scheduler} messages sent --since yesterday",
        f"{scheduler} agencies import - --silently < agencies.yaml",
    ):
        with pytest.raises(NotUnderstood):
            understand(line)


@pytest.mark.parametrize("page", SITUATIONS)
def test_every_step_of_a_situation_has_a_title(page: str) -> None:
    name = f"vi/quan-tri/{page}"
    assert list(titles(name, STEPS).values()) == list(steps(name, STEPS))


@pytest.mark.parametrize("page", SITUATIONS)
def test_the_page_of_a_situation_has_at_most_130_lines(page: str) -> None:
    assert len(text_of(f"vi/quan-tri/{page}").splitlines()) <= 130


def test_the_restore_begins_with_what_set_up_has_put_into_the_safe() -> None:
    (safe,) = re.findall(r"^\| `SAFE` \|.*$", text_of("vi/quan-tri/khoi-phuc"), re.M)
    assert all(f"`{file}`" in safe for file in (*WRITTEN, IDENTITY))


def test_the_situations_are_listed_first_where_staff_find_what_to_read() -> None:
    _, _, first, *_ = [line for line in text_of("vi/README").splitlines() if line.startswith("| ")]
    assert sorted(re.findall(r"\]\(quan-tri/([\w-]+)\.md\)", first)) == sorted(SITUATIONS)
