"""Describe the settings of an agency in words: names, values and durations."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from motcua.reports import wording
from motcua.reports.wording import words_in


def settings_words() -> dict[str, Any]:
    """Return the words of the pages Thiết lập → Cơ quan."""
    return words_in("web/settings/words.vi")


def field_name(field: str) -> str:
    """Return a setting's name in words."""
    name: str = settings_words()["field"][field]
    return name


def setting_in_words(field: str, value: Any, procedures: Mapping[str, str | None]) -> str:  # noqa: ANN401 - as JSON holds it
    """Return a setting's value in words.

    Args:
        field: the setting's name in the agencies' file.
        value: the value, as the agencies' file and the history of settings write it.
        procedures: names of procedures by code.
    """
    value_words = settings_words()["value"]
    text: str
    if field == "report_recipients" and isinstance(value, dict):
        text = value_words["addresses"].format(number=value["addresses"], list=value["list"])
    elif field == "same_day_procedures":
        text = ", ".join(named(value, procedures)) if value else value_words["every_procedure"]
    elif field == "enabled_from":
        moment = datetime.fromisoformat(value) if isinstance(value, str) else value
        text = wording.moment(moment) if moment else value_words["not_enabled"]
    elif isinstance(value, bool):
        text = value_words["yes" if value else "no"]
    elif value is None or value in ([], ()):
        text = value_words["none"]
    elif field == "apology_day":
        text = settings_words()["apology_day"].get(value, value)
    elif field in ("result_hold", "retention"):
        text = duration_in_words(value)
    elif field == "kinds_off":
        text = ", ".join(settings_words()["kind"][each] for each in value)
    elif isinstance(value, (list, tuple)):
        text = ", ".join(each["name"] if isinstance(each, dict) else str(each) for each in value)
    else:
        text = str(value)
    return text


def named(codes: Iterable[str], procedures: Mapping[str, str | None]) -> list[str]:
    """Return procedures by name and code, or by code alone if the name is unknown."""
    return [f"{procedures[code]} ({code})" if procedures.get(code) else code for code in codes]


_DURATION: Final = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?")


def duration_in_words(written: str) -> str:
    """Return a duration such as ``PT1H30M``, as the agencies' file writes it, in words."""
    known: str | None = settings_words()["hold"].get(written)
    match = _DURATION.fullmatch(written)
    if known or match is None:
        return known or written
    parts = [
        f"{number} {unit}"
        for number, unit in zip(match.groups(), settings_words()["units"], strict=True)
        if number and int(number)
    ]
    return " ".join(parts) or settings_words()["hold"]["PT0S"]
