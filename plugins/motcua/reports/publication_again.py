"""What a manifest holds so that a report can be made again: by an auditor, years later, without the settings of then.

Figures come from the facts; what else stands in the files comes from here: names, what each agency leaves out, the
year's budget, the thresholds, complaints as they were counted. Where the files are made by the same software, they must
be the same again, so that nobody can change a word of the printed report and mend all hashes after it.
"""

from __future__ import annotations

import platform
import sys
from dataclasses import asdict
from functools import lru_cache
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any

from motcua.domain.reconciliation import (
    AgencyWords,
    Budget,
    Change,
    Closing,
    ComplaintCount,
    Difference,
    Figures,
    Orphan,
    QueryUsed,
    ReconciliationReport,
    Urged,
)
from motcua.settings import include_dir

_LIBRARIES = ("xlsxwriter", "typst", "matplotlib", "numpy", "jinja2")


def code_of_reports() -> list[Path]:
    """The modules that decide the bytes of a publication's files."""
    own = Path(__file__).parent
    return sorted(
        [*own.glob("publication*.py"), *(own / f"{name}.py" for name in ("charts", "spreadsheets", "wording"))]
    )


@lru_cache(maxsize=1)
def made_by() -> dict[str, str]:
    """What decides the bytes of the files: the code and words of reports, the libraries, the machine."""
    words = (include_dir() / "templates" / "report").iterdir()
    whole = sha256()
    for path in [*code_of_reports(), *sorted(path for path in words if path.is_file())]:
        whole.update(f"{path.name}\0{sha256(path.read_bytes()).hexdigest()}\n".encode())
    return {
        "reports": whole.hexdigest(),
        "python": ".".join(map(str, sys.version_info[:2])),
        "machine": f"{platform.system()} {platform.machine()}",
        **{name: version(name) for name in _LIBRARIES},
    }


def words_value(report: ReconciliationReport) -> dict[str, Any]:
    """All of a report that neither the closing nor the facts say, as a manifest holds it."""
    return {
        "made_by": made_by(),
        "previous_closing": report.previous_closing,
        "agencies": [asdict(each) | {"kinds_off": list(each.kinds_off)} for each in report.agencies],
        "procedures": dict(report.procedures),
        "complaints": [asdict(each) for each in report.complaints],
        "budget": asdict(report.budget),
        "thresholds": dict(report.thresholds),
        "urged": [asdict(each) for each in report.urged],
    }


def report_again(
    manifest: dict[str, Any],
    closing: Closing,
    figures: Figures,
    previous: Figures | None,
    differences: tuple[Difference, ...],
    orphans: tuple[Orphan, ...],
    changes: tuple[Change, ...],
) -> ReconciliationReport:
    """The report, from these figures and a manifest's words.

    Raises:
        KeyError, TypeError: the manifest was not written by ``words_value``.
    """
    words = manifest["words"]
    return ReconciliationReport(
        closing=closing,
        figures=figures,
        previous=previous,
        differences=differences,
        orphans=orphans,
        changes=changes,
        agencies=tuple(AgencyWords(**each | {"kinds_off": tuple(each["kinds_off"])}) for each in words["agencies"]),
        procedures=dict(words["procedures"]),
        complaints=tuple(ComplaintCount(**each) for each in words["complaints"]),
        budget=Budget(**words["budget"]),
        urged=tuple(Urged(**each) for each in words["urged"]),
        queries=tuple(QueryUsed(**each) for each in manifest["queries"]),
        software=manifest["software"],
        previous_closing=words["previous_closing"],
        thresholds=dict(words["thresholds"]),
    )
