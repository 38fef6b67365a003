"""Run ``make prove ONLY=quality`` on a small simulated province.

The proof plants known defects. The quality check must find all of them and no fault in any other dossier.
"""

from __future__ import annotations

from motcua.quality.rules import load_rules
from tests.ground import Server
from tests.planting.defects import build
from tests.prove.oversight.quality import judge_world, planted_ledger


def test_every_planted_defect_is_found_nobody_else_accused_and_doctored_runs_noticed(postgres: Server, migrated: str):
    world = build(seed=1, clean=2400, planted=200)
    with planted_ledger(postgres.admin_dsn, world, migrated) as (dsn, numbered):
        figures, faults = judge_world(world, dsn, numbered)
    assert not faults, "\n".join(faults)
    assert {figure.name.split(" ")[0] for figure in figures} >= set(load_rules().rules)
    assert [(figure.name, figure.value) for figure in figures if not figure.ok] == [], (
        "a rule with 0 planted needs rows in tests/planting/defects.py: planters(), STATISTICS or plant_sources()"
    )
    assert sum(figure.name.startswith("noticed") for figure in figures) == 4, "all four falsified runs must be noticed"
