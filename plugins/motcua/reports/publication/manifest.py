"""What a manifest holds beside figures: the words of a report, so that its files can be made again from the facts.

Figures come from the facts; what else stands in the files comes from here: names, what each agency leaves out, the
year's budget, the thresholds, complaints as they were counted. Made again by what made them, the files must be the
same, so that nobody can change a word of the printed report and mend all hashes after it.
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
    """What decides the bytes of a publication's files: our own source, the machine, the libraries.

    The source is named by a hash over all of it. Which of it decides a byte nobody can list: a sum of the domain does.
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
    """All of a report that neither the closing nor the facts say, as a manifest holds it."""
    return {
        "made_by": made_by(),
        "previous_closing": report.previous_closing,
        "agencies": [_agency_value(each) for each in report.agencies],
        "procedures": dict(report.procedures),
        "complaints": [asdict(each) for each in report.complaints],
        "budget": asdict(report.budget),
        "thresholds": dict(report.thresholds),
        "urged": [asdict(each) for each in report.urged],
        # Where there are none it is no part: such a manifest is as it was before there were stops.
        **({"stops": stops_value(report.stops)} if report.stops else {}),
        **({"pushed": pushed_value(report.pushed)} if report.pushed else {}),
    }


def _agency_value(agency: AgencyWords) -> dict[str, Any]:
    """An agency as a manifest holds it; without procedures and reason it is as it was before there were any."""
    value = asdict(agency) | {"kinds_off": list(agency.kinds_off)}
    procedures, reason = list(value.pop("same_day_procedures")), value.pop("same_day_reason")
    return (
        value
        | ({"same_day_procedures": procedures} if procedures else {})
        | ({"same_day_reason": reason} if reason else {})
    )


def agency_of(value: Mapping[str, Any]) -> AgencyWords:
    """The agency that a manifest holds."""
    lists = {name: tuple(value.get(name, ())) for name in ("kinds_off", "same_day_procedures")}
    return AgencyWords(**dict(value) | lists)


def stops_value(stops: Iterable[StopWords]) -> list[dict[str, Any]]:
    """Stops as a manifest holds them."""
    return [
        {name: utc(value) if isinstance(value, datetime) else value for name, value in asdict(each).items()}
        for each in stops
    ]


def pushed_value(pushed: Iterable[PushedWords]) -> list[dict[str, Any]]:
    """Agencies that are told by pushes, as a manifest holds them."""
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
