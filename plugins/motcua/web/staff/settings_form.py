"""What is typed on an agency's page of settings, and what is wrong with it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from motcua.jobs.agency_settings.editing import NotUndone
from motcua.jobs.handed_in.agencies import SettingsRefused, settings_of
from motcua.reports.agency_settings import field_name, settings_words
from motcua.store.agencies import Agency

LONGEST: Final = 300
"""Letters of a reason, of a procedure's code, of an address."""
_BETWEEN: Final = re.compile(r"[\s,;]+")


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
    said = settings_words()["fault"]
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
    said = settings_words()["not_undone"]
    if isinstance(refused, NotUndone):
        told: str = said[refused.why].format(fields=", ".join(field_name(each) for each in refused.fields))
        return told
    faults = settings_words()["fault"]
    reasons = (faults.get(each.key, faults["other"]).format(value="") for each in refused.faults)
    told = said["refused"].format(faults=" ".join(reasons))
    return told
