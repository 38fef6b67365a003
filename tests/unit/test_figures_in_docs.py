"""The handbook's table of figures is the page's."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

from motcua.store.watching.metrics import backup_gauges, open_gauges, recent_gauges
from motcua.web.ledger_looks import LEDGER_UP
from tests.ground import in_ledger

PAGE = Path(__file__).parents[2] / "docs" / "operations" / "metrics.md"


def test_handbook_tells_every_figure_with_its_labels(agencies, tmp_path):
    table = PAGE.read_text(encoding="utf-8").partition("<!-- figures -->")[2].partition("<!-- end -->")[0]
    told = {
        name: {label.strip() for label in labels.partition(":")[0].split(",") if label.strip()}
        for name, labels in re.findall(r"^\| `(\w+)` \| ([^|]*)\|", table, re.M)
    }
    now = datetime.now(UTC)
    gauges = [*in_ledger(open_gauges, now), *in_ledger(recent_gauges, now)]
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "backup.json").write_text("{}")
    gauges += backup_gauges(tmp_path, now)
    assert told == {LEDGER_UP: set()} | {gauge.name: set(gauge.labels) for gauge in gauges}
