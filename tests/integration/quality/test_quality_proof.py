"""A small planted world, by the oracle of ``make prove ONLY=quality``: all defects are found, nobody else accused."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from motcua.quality.rules import load_rules
from tests.ground import Server
from tests.planting.defects import build
from tests.prove import Figure
from tests.prove.oversight.quality import judge_world, planted_ledger


@pytest.fixture(scope="module")
def told(postgres: Server, migrated: str) -> Iterator[tuple[list[Figure], list[str]]]:
    world = build(seed=1, clean=2400, planted=200)
    with planted_ledger(postgres.admin_dsn, world, migrated) as (dsn, numbered):
        yield judge_world(world, dsn, numbered)


def test_every_planted_defect_is_found_and_nobody_else_accused(told):
    figures, faults = told
    assert faults == []
    assert {figure.name.split(" ")[0] for figure in figures} >= set(load_rules().rules)


def test_seals_hold_and_what_is_doctored_is_noticed(told):
    figures, _ = told
    assert [(figure.name, figure.value) for figure in figures if not figure.ok] == []
    assert sum(figure.name.startswith("noticed") for figure in figures) == 4
