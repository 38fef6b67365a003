"""Write the words of a report into a manifest, and read them, so that the report's files can be made again.

Figures are counted from the ledger's facts. Everything else in the files comes from the words in the manifest: names,
which messages each agency does not want, the year's budget, thresholds, and counts of complaints. From facts and words
the same software must make the same files again. Nobody can therefore change a word of the printed report and hide the
change by adapting all hashes.
"""

from __future__ import annotations

import platform
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import datetime
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
    PushedWords,
    QueryUsed,
    ReconciliationReport,
    StopWords,
    Urged,
)
from motcua.reports.publication.csv_tables import utc
from motcua.settings import include_dir

_LIBRARIES = ("xlsxwriter", "typst", "matplotlib", "numpy", "jinja2")


@lru_cache(maxsize=1)
def made_by() -> dict[str, str]:
    """Return everything that determines the bytes of a publication's files: our source code, the machine, libraries.

    The source code is identified by a hash over all of it, because nearly every part of it may determine a byte of a
    file.
    """
    source = sha256()
    own, templates = Path(__file__).parents[2], include_dir() / "templates" / "report"
    for folder, paths in ((own, own.rglob("*.py")), (templates, templates.iterdir())):
        for path in sorted(paths):
            source.update(f"{path.relative_to(folder)}\0{sha256(path.read_bytes()).hexdigest()}\n".encode())
    return {
        "source": source.hexdigest(),
        "machine": f"{platform.system()} {platform.machine()}",
        **{name: version(name) for name in _LIBRARIES},
    }


def words_value(report: ReconciliationReport) -> dict[str, Any]:
    """Return everything in a report that does not follow from the closing or the facts, in the form of the manifest."""
    return {
        "made_by": made_by(),
        "previous_closing": report.previous_closing,
        "agencies": [_agency_value(each) for each in report.agencies],
        "procedures": dict(report.procedures),
        "complaints": [asdict(each) for each in report.complaints],
        "budget": asdict(report.budget),
        "thresholds": dict(report.thresholds),
        "urged": [asdict(each) for each in report.urged],
        # Empty parts are left out, so that the manifest is the same as in versions before these parts existed.
        **({"stops": stops_value(report.stops)} if report.stops else {}),
        **({"pushed": pushed_value(report.pushed)} if report.pushed else {}),
    }


def _agency_value(agency: AgencyWords) -> dict[str, Any]:
    """Return an agency in the form of the manifest.

    Fields that manifests did not always have are left out if they are empty, so that older manifests stay the same.
    """
    value = asdict(agency) | {"kinds_off": list(agency.kinds_off)}
    procedures, reason = list(value.pop("same_day_procedures")), value.pop("same_day_reason")
    return (
        value
        | ({"same_day_procedures": procedures} if procedures else {})
        | ({"same_day_reason": reason} if reason else {})
    )


def agency_of(value: Mapping[str, Any]) -> AgencyWords:
    """Read an agency from a manifest."""
    lists = {name: tuple(value.get(name, ())) for name in ("kinds_off", "same_day_procedures")}
    return AgencyWords(**dict(value) | lists)


def stops_value(stops: Iterable[StopWords]) -> list[dict[str, Any]]:
    """Return stops in the form of the manifest."""
    return [
        {name: utc(value) if isinstance(value, datetime) else value for name, value in asdict(each).items()}
        for each in stops
    ]


def pushed_value(pushed: Iterable[PushedWords]) -> list[dict[str, Any]]:
    """Return agencies whose data is pushed, in the form of the manifest."""
    return [asdict(each) for each in pushed]


def _stop(value: Mapping[str, Any]) -> StopWords:
    moments = {
        name: None if value[name] is None else datetime.fromisoformat(value[name])
        for name in ("stopped_at", "until", "ended_at")
    }
    return StopWords(**dict(value) | moments)


def report_again(
    manifest: dict[str, Any],
    closing: Closing,
    figures: Figures,
    previous: Figures | None,
    differences: tuple[Difference, ...],
    orphans: tuple[Orphan, ...],
    changes: tuple[Change, ...],
) -> ReconciliationReport:
    """Build a report from given figures and a manifest's words.

    Raises:
        KeyError, TypeError: The manifest was not written by ``words_value``.
    """
    words = manifest["words"]
    return ReconciliationReport(
        closing=closing,
        figures=figures,
        previous=previous,
        differences=differences,
        orphans=orphans,
        changes=changes,
        agencies=tuple(agency_of(each) for each in words["agencies"]),
        procedures=dict(words["procedures"]),
        complaints=tuple(ComplaintCount(**each) for each in words["complaints"]),
        budget=Budget(**words["budget"]),
        urged=tuple(Urged(**each) for each in words["urged"]),
        queries=tuple(QueryUsed(**each) for each in manifest["queries"]),
        software=manifest["software"],
        previous_closing=words["previous_closing"],
        thresholds=dict(words["thresholds"]),
        stops=tuple(_stop(each) for each in words.get("stops", ())),
        pushed=tuple(PushedWords(**each) for each in words.get("pushed", ())),
    )
