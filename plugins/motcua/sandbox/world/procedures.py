"""Read the sandbox's pilot agencies and their procedures from include/sandbox/agencies.yaml."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cache
from typing import Literal
from zoneinfo import ZoneInfo

import holidays
import yaml
from pydantic import BaseModel, ConfigDict

from motcua.settings import include_dir

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
_CLOSING = time(17, 0)


class Procedure(BaseModel):
    """One administrative procedure. ``term`` is its legal term in working days, 0 for the same day."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    code: str
    name: str
    field: str
    term: int


class Agency(BaseModel):
    """One agency of the sandbox.

    ``login`` is the beginning of its officials' user names. ``weight`` is its share of all dossiers. ``pace`` says how
    slow it is (1: ordinary; higher is slower). ``old_codes`` is the share of its dossiers with a code in the style of
    2016. ``business``: firms apply there. ``past``: how it worked in the months before the demo began; ``None`` if it
    joined only days before. ``past_weight``: its share of dossiers at that time, if different.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    code: str
    aliases: tuple[str, ...]
    source: str
    login: str
    weight: int
    pace: float
    procedures: tuple[Procedure, ...]
    business: bool = False
    old_codes: float = 0.0
    past: Literal["steady", "improves", "games"] | None = None
    past_weight: int | None = None

    @property
    def written_code(self) -> str:
        """Return the agency's code as its source writes it. All but ``khanhhoa`` write it as QĐ 20/2020/QĐ-TTg does."""
        return self.code if self.source == "khanhhoa" else self.aliases[0]


@dataclass(frozen=True, slots=True)
class Pilot:
    """The pilot agencies, and the code of an agency outside the pilot that sometimes appears in a row."""

    agencies: tuple[Agency, ...]
    unknown_agency: str

    @property
    def shares(self) -> dict[Agency, int]:
        """Return the weight of each agency, its share of dossiers relative to the others."""
        return {agency: agency.weight for agency in self.agencies}

    def find(self, code: str) -> Agency | None:
        """Return the agency with this code or alias."""
        return next((agency for agency in self.agencies if code in (agency.code, *agency.aliases)), None)


@cache
def pilot() -> Pilot:
    """Return the agencies of include/sandbox/agencies.yaml, with the aliases of include/agencies.yaml.

    Raises:
        ValueError: an agency is missing in include/agencies.yaml, or a file cannot be used.
    """
    played = yaml.safe_load((include_dir() / "sandbox" / "agencies.yaml").read_text(encoding="utf-8"))
    configured = yaml.safe_load((include_dir() / "agencies.yaml").read_text(encoding="utf-8"))
    aliases = {agency["code"]: agency["aliases"] for agency in configured["agencies"]}
    unknown = [agency["code"] for agency in played["agencies"] if agency["code"] not in aliases]
    if unknown:
        raise ValueError(f"include/sandbox/agencies.yaml plays agencies that include/agencies.yaml lacks: {unknown}")
    agencies = (Agency(aliases=tuple(aliases[agency["code"]]), **agency) for agency in played["agencies"])
    return Pilot(tuple(agencies), played["unknown_agency"])


@cache
def _calendar() -> holidays.HolidayBase:
    return holidays.country_holidays("VN")


def working_day(day: date, count: int) -> date:
    """Return the ``count``-th working day after ``day``, or before it if ``count`` is negative.

    For 0, return ``day`` itself if it is a working day, or else the next working day.
    """
    return _calendar().get_nth_working_day(day, count)


def due_at(received_at: datetime, procedure: Procedure) -> datetime:
    """Return the closing time of the desk on the last day of the term.

    A dossier that is received after closing time counts as received on the next day.
    """
    local = received_at.astimezone(ZONE)
    day = working_day(local.date() + timedelta(days=local.time() >= _CLOSING), 0)
    return datetime.combine(working_day(day, procedure.term), _CLOSING, ZONE)


def in_office_hours(moment: datetime) -> bool:
    """Return whether a desk is open at a moment: 7:30-11:30 and 13:30-17:00 on working days."""
    local = moment.astimezone(ZONE)
    open_now = time(7, 30) <= local.time() < time(11, 30) or time(13, 30) <= local.time() < _CLOSING
    return open_now and _calendar().is_working_day(local.date())
