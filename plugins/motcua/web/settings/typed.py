"""What is typed on an agency's page of settings, what is wrong with it, and settings in words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

import yaml

from motcua.jobs.agency_settings import NotUndone
from motcua.jobs.handed_in.agencies import SettingsRefused, settings_of
from motcua.reports import wording
from motcua.settings import include_dir
from motcua.store.agencies import Agency

LONGEST: Final = 300
"""Letters of a reason, of a procedure's code, of an address."""
_BETWEEN: Final = re.compile(r"[\s,;]+")


@lru_cache(maxsize=1)
def words() -> dict[str, Any]:
    """The words of include/templates/web/settings/words.vi.yaml."""
    text = (include_dir() / "templates" / "web" / "settings" / "words.vi.yaml").read_text(encoding="utf-8")
    read: dict[str, Any] = yaml.safe_load(text)
    return read


@dataclass(frozen=True, slots=True)
class TypedSettings:
    """The fields of the form as they were typed, also those that do not count with the others."""

    same_day_excluded: bool
    same_day_procedures: tuple[str, ...]
    same_day_reason: str
    accented: bool
    result_hold: str
    apology_day: str
    report_recipients: tuple[str, ...]

    @classmethod
    def of_agency(cls, agency: Agency) -> TypedSettings:
        """As the form shows an agency."""
        return cls.of_settings(settings_of(agency))

    @classmethod
    def of_settings(cls, settings: Mapping[str, Any]) -> TypedSettings:
        """As the form shows settings in the form of the agencies' file."""
        return cls(
            same_day_excluded=settings["same_day_excluded"],
            same_day_procedures=tuple(settings["same_day_procedures"]),
            same_day_reason=settings["same_day_reason"] or "",
            accented=settings["accented"],
            result_hold=settings["result_hold"],
            apology_day=settings["apology_day"],
            report_recipients=tuple(settings["report_recipients"]),
        )

    @classmethod
    def of_form(cls, sent: Sequence[tuple[str, str]]) -> TypedSettings:
        """As a browser sends it: one field as often as procedures are chosen."""
        one = dict(sent)
        procedures = [code for name, code in sent if name == "procedure"] + parts(one.get("other_procedures", ""))
        return cls(
            same_day_excluded=one.get("same_day_excluded", "") != "",
            same_day_procedures=tuple(sorted({code.strip()[:LONGEST] for code in procedures} - {""})),
            same_day_reason=one.get("same_day_reason", "").strip()[: LONGEST + 1],
            accented=one.get("accented", "") == "yes",
            result_hold=one.get("result_hold", ""),
            apology_day=one.get("apology_day", ""),
            report_recipients=tuple(parts(one.get("report_recipients", ""))),
        )

    @property
    def settings(self) -> dict[str, object]:
        """In the form of the agencies' file; which procedures and why counts where same-day ones are left out."""
        leaves_out = self.same_day_excluded
        return {
            "same_day_excluded": leaves_out,
            "same_day_procedures": list(self.same_day_procedures) if leaves_out else [],
            "same_day_reason": (self.same_day_reason or None) if leaves_out else None,
            "accented": self.accented,
            "result_hold": self.result_hold,
            "apology_day": self.apology_day,
            "report_recipients": list(self.report_recipients),
        }


def parts(written: str) -> list[str]:
    """Words that stand apart by spaces, commas or lines."""
    return [each for each in _BETWEEN.split(written) if each]


def faults_of(refused: SettingsRefused, typed: TypedSettings) -> dict[str, str]:
    """What is wrong, in words, by the field that it is shown at."""
    said = words()["fault"]
    found: dict[str, str] = {}
    for fault in refused.faults:
        field, _, place = fault.field.partition(".")
        value = ""
        if field == "report_recipients" and place.isdigit():
            value = typed.report_recipients[int(place)]
        text = said.get(fault.key, said["other"]).format(value=value)
        found[field] = f"{found[field]} {text}" if field in found else text
    return found


def why_not_undone(refused: NotUndone | SettingsRefused) -> str:
    """Why a change cannot be set back, in words."""
    said = words()["not_undone"]
    if isinstance(refused, NotUndone):
        told: str = said[refused.why].format(fields=", ".join(field_name(each) for each in refused.fields))
        return told
    faults = words()["fault"]
    reasons = (faults.get(each.key, faults["other"]).format(value="") for each in refused.faults)
    told = said["refused"].format(faults=" ".join(reasons))
    return told


def field_name(field: str) -> str:
    """A setting's name in words."""
    name: str = words()["field"][field]
    return name


def setting_in_words(field: str, value: Any, procedures: Mapping[str, str | None]) -> str:  # noqa: ANN401 - as JSON holds it
    """A setting's value in words, from an agency or from the history.

    Args:
        field: its name in the agencies' file.
        value: in the file's form, or as the history keeps it.
        procedures: names of procedures by code.
    """
    said = words()["value"]
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
        told = words()["apology_day"].get(value, value)
    elif field in ("result_hold", "retention"):
        told = duration_in_words(value)
    elif field == "kinds_off":
        told = ", ".join(words()["kind"][each] for each in value)
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
    known: str | None = words()["hold"].get(written)
    match = _DURATION.fullmatch(written)
    if known or match is None:
        return known or written
    told = [
        f"{number} {unit}"
        for number, unit in zip(match.groups(), words()["units"], strict=True)
        if number and int(number)
    ]
    return " ".join(told) or words()["hold"]["PT0S"]
