"""Test the alert rules for Prometheus.

The rules use only figures (metrics) of the page ``/gateway/metrics``, are in Vietnamese, and link to existing pages of
the handbook.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from motcua.store.watching.metrics import backup_gauges, open_gauges, recent_gauges
from motcua.web.ledger_looks import LEDGER_UP
from tests.ground import in_ledger

ROOT = Path(__file__).parents[2]
RULES = [
    rule
    for group in yaml.safe_load((ROOT / "include" / "alerts" / "prometheus.rules.yaml").read_text(encoding="utf-8"))[
        "groups"
    ]
    for rule in group["rules"]
]
FUNCTIONS = {"and", "on", "unless", "or", "absent"}
PROMETHEUS_OWN = {"up"}
_LABELS = re.compile(r"\{([^}]*)\}")


def names_in(expression: str) -> set[str]:
    """Return the names of figures in an expression of Prometheus."""
    return set(re.findall(r"[a-z_][a-z_0-9]*", _LABELS.sub("", expression))) - FUNCTIONS


@pytest.fixture
def given(agencies, tmp_path):
    """Return all figures that ``/gateway/metrics`` can give, with their labels."""
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "backup.json").write_text("{}")
    now = datetime.now(UTC)
    gauges = [*in_ledger(open_gauges, now), *in_ledger(recent_gauges, now), *backup_gauges(tmp_path, now)]
    return {LEDGER_UP: ()} | {gauge.name: gauge.labels for gauge in gauges}


@pytest.mark.guarantee(
    "callbacks", "the alert rules for Prometheus use only figures that the page `/gateway/metrics` gives"
)
def test_rule_speaks_of_figures_and_labels_that_the_page_gives(given):
    assert RULES
    assert len({rule["alert"] for rule in RULES}) == len(RULES), "each rule must have a name of its own"
    for rule in RULES:
        names = names_in(rule["expr"])
        assert names, rule["alert"]
        assert names <= given.keys() | PROMETHEUS_OWN, rule["alert"]
        for name, labels in re.findall(r"(motcua_\w+)\{([^}]*)\}", rule["expr"]):
            assert set(re.findall(r"(\w+)=", labels)) <= set(given[name]), rule["alert"]
        told = set(re.findall(r"\$labels\.(\w+)", rule["annotations"]["summary"]))
        assert told <= {label for name in names & given.keys() for label in given[name]}, rule["alert"]


def test_every_figure_that_can_be_wrong_has_a_rule(given):
    """A figure without a rule raises no alert.

    Only the figures in ``only_shown`` need no rule. Most of them are for charts. ``motcua_checks_open`` counts alerts
    that the watch has already raised itself.
    """
    watched = set().union(*(names_in(rule["expr"]) for rule in RULES))
    only_shown = {
        "motcua_checks_open",
        "motcua_messages_open",
        "motcua_messages_today",
        "motcua_queue_oldest_seconds",
        "motcua_unknown_messages",
        "motcua_receipts_unread",
    }
    assert given.keys() - watched == only_shown


def test_handbook_tells_every_figure_with_its_labels(given):
    page = (ROOT / "docs" / "operations" / "metrics.md").read_text(encoding="utf-8")
    table = page.partition("<!-- figures -->")[2].partition("<!-- end -->")[0]
    told = {
        name: {label.strip() for label in labels.partition(":")[0].split(",") if label.strip()}
        for name, labels in re.findall(r"^\| `(\w+)` \| ([^|]*)\|", table, re.M)
    }
    assert told == {name: set(labels) for name, labels in given.items()}


def test_rule_tells_staff_in_vietnamese_what_is_wrong_and_where_to_read_on():
    assert RULES
    for rule in RULES:
        summary, page = rule["annotations"]["summary"], rule["annotations"]["runbook"]
        assert any(ord(letter) > 0x1E9F for letter in summary), "the summary must be accented Vietnamese"
        assert page.startswith("docs/operations/alerts/")
        assert (ROOT / page).is_file(), page
        assert rule["labels"]["severity"] in ("critical", "warning")
