"""What a manifest holds so that a report can be made again: by an auditor, years later, without the settings of then.

Figures come from the facts; what else stands in the files comes from here: names, what each agency leaves out, the
year's budget, the thresholds, complaints as they were counted. Made again by the rendering that made them, with the
same libraries, the files must be the same, so that nobody can change a word of the printed report and mend all hashes
after it.
"""

from __future__ import annotations

import platform
import sys
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import datetime
from functools import lru_cache
from importlib.metadata import version
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
from motcua.reports.publication.rendering import RENDERING, RENDERINGS

_LIBRARIES = ("xlsxwriter", "typst", "matplotlib", "numpy", "jinja2")

_BEFORE_THE_NUMBER = {"e97fa7a0ec5afa2cea27c93ad451d608e1fd35c466ef899ecf0fa18e12b33c72": 1}
"""The rendering of publications that name none, from before it had a number: they name a hash over the files of the
software that made them, as ``reports``. Of any other hash nobody knows the rendering."""


@lru_cache(maxsize=1)
def made_by() -> dict[str, Any]:
    """What made a publication's files: the rendering, the machine, Python, the libraries."""
    return {
        "rendering": RENDERING,
        "python": ".".join(map(str, sys.version_info[:2])),
        "machine": f"{platform.system()} {platform.machine()}",
        **{name: version(name) for name in _LIBRARIES},
    }


def rendering_of(by: Mapping[str, Any]) -> int:
    """Number of the rendering by which a publication's files are made again: its own, or where this software does not
    know that, the present one.

    Args:
        by: ``made_by`` of a manifest, of whatever version of this software.

    Raises:
        TypeError, AttributeError: it was not written by any.
    """
    number = _named_rendering(by)
    return number if number in RENDERINGS else RENDERING


def _named_rendering(by: Mapping[str, Any]) -> Any:  # noqa: ANN401 - whatever stands there
    return by.get("rendering", _BEFORE_THE_NUMBER.get(by.get("reports", ""), by.get("reports")))


def made_otherwise(by: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """What decides the bytes of files and was another thing, or another version, than it is here: by name, the one of
    then and the one of here. Nothing: the files must be the same again.

    A rendering that this software knows is no other one. Python is no part of it: libraries decide, and what packs
    workbooks is not looked at.

    Args:
        by: ``made_by`` of a manifest, of whatever version of this software.

    Raises:
        TypeError, AttributeError: it was not written by any.
    """
    here = {name: value for name, value in made_by().items() if name != "python"}
    here["rendering"] = rendering_of(by)
    then = dict(by) | {"rendering": _named_rendering(by)}
    return {name: (then.get(name), value) for name, value in here.items() if then.get(name) != value}


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
