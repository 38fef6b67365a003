"""An agency's settings in words: their names, their values, durations."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from motcua.reports import wording
from motcua.reports.wording import words_in


def settings_words() -> dict[str, Any]:
    """Those of the pages Thiết lập → Cơ quan."""
    return words_in("web/settings/words.vi")


def field_name(field: str) -> str:
    """A setting's name in words."""
    name: str = settings_words()["field"][field]
    return name


def setting_in_words(field: str, value: Any, procedures: Mapping[str, str | None]) -> str:  # noqa: ANN401 - as JSON holds it
    """A setting's value in words, from an agency or from the history.

    Args:
        field: its name in the agencies' file.
        value: in the file's form, or as the history keeps it.
        procedures: names of procedures by code.
    """
    said = settings_words()["value"]
    told: str
    if field == "report_recipients" and isinstance(value, dict):
        told = said["addresses"].format(number=value["addresses"], list=value["list"])
    elif field == "same_day_procedures":
        told = ", ".join(named(value, procedures)) if value else said["every_procedure"]
    elif field == "enabled_from":
        moment = datetime.fromisoformat(value) if isinstance(value, str) else value
        told = wording.moment(moment) if moment else said["not_enabled"]
    elif isinstance(value, bool):
        told = said["yes" if value else "no"]
    elif value is None or value in ([], ()):
        told = said["none"]
    elif field == "apology_day":
        told = settings_words()["apology_day"].get(value, value)
    elif field in ("result_hold", "retention"):
        told = duration_in_words(value)
    elif field == "kinds_off":
        told = ", ".join(settings_words()["kind"][each] for each in value)
    elif isinstance(value, (list, tuple)):
        told = ", ".join(each["name"] if isinstance(each, dict) else str(each) for each in value)
    else:
        told = str(value)
    return told


def named(codes: Iterable[str], procedures: Mapping[str, str | None]) -> list[str]:
    """Procedures by name and code; by code where nobody knows the name."""
    return [f"{procedures[code]} ({code})" if procedures.get(code) else code for code in codes]


_DURATION: Final = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?")


def duration_in_words(written: str) -> str:
    """A duration of the file, ``PT1H30M``, in words."""
    known: str | None = settings_words()["hold"].get(written)
    match = _DURATION.fullmatch(written)
    if known or match is None:
        return known or written
    told = [
        f"{number} {unit}"
        for number, unit in zip(match.groups(), settings_words()["units"], strict=True)
        if number and int(number)
    ]
    return " ".join(told) or settings_words()["hold"]["PT0S"]
