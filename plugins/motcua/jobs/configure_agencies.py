"""Agencies' settings from their YAML file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, StrictStr, ValidationError

from motcua.domain.occasions import VIETNAM
from motcua.store.agencies import Agency, list_agencies, save_agencies
from motcua.store.database import connect


class AgencyFileError(ValueError):
    """The agencies' file cannot be used; the message names the file, the agency and the field."""


class _AgencyEntry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    code: StrictStr = Field(min_length=1)
    aliases: tuple[StrictStr, ...] = ()
    name: StrictStr = Field(min_length=1)
    short_name: StrictStr | None = None
    province: StrictStr = "khanh_hoa"
    enabled_from: datetime | date | None = None
    accented: bool = False
    same_day_excluded: bool = False
    kinds_off: tuple[Literal["result", "supplement", "apology"], ...] = ()
    result_hold: timedelta = timedelta(0)

    def agency(self) -> Agency:
        enabled = self.enabled_from
        if isinstance(enabled, datetime):
            # YAML gives a time without a zone as it stands in the file: the clock of Vietnam.
            enabled = enabled if enabled.tzinfo else enabled.replace(tzinfo=VIETNAM)
        elif enabled is not None:
            enabled = datetime.combine(enabled, time(), VIETNAM)
        return Agency(
            agency_code=self.code.strip(),
            name=self.name.strip(),
            short_name=self.short_name.strip() if self.short_name and self.short_name.strip() else None,
            province=self.province,
            enabled_from=enabled,
            accented=self.accented,
            same_day_excluded=self.same_day_excluded,
            kinds_off=self.kinds_off,
            result_hold=self.result_hold,
            aliases=self.aliases,
        )


def read_agencies(path: Path) -> list[Agency]:
    """The agencies in a file, checked.

    Raises:
        AgencyFileError: the file cannot be read, a field is wrong, or a code stands for two agencies.
    """
    try:
        content: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as failure:
        raise AgencyFileError(f"{path}: {str(failure).splitlines()[0]}") from None
    entries = content.get("agencies") if isinstance(content, dict) else None
    if not isinstance(entries, list) or not entries:
        raise AgencyFileError(f"{path}: needs a list under 'agencies:'.")
    agencies = []
    for position, entry in enumerate(entries, 1):
        try:
            agencies.append(_AgencyEntry.model_validate(entry).agency())
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"]) or "entry"
            name = entry.get("code") if isinstance(entry, dict) else None
            raise AgencyFileError(f"{path}: agency {name or position}: {where}: {first['msg']}") from None
    written = [code for agency in agencies for code in (agency.agency_code, *agency.aliases)]
    for code in written:
        if written.count(code) > 1:
            raise AgencyFileError(f"{path}: the code {code} stands for two agencies.")
    return agencies


def import_agencies(path: Path, changed_by: str, enabled_from: datetime | None = None) -> Sequence[Agency]:
    """Writes the settings in the file to the ledger and returns them; agencies that it does not name stay.

    ``enabled_from`` enables the agencies that the file leaves without a date and that are not enabled yet.

    Raises:
        AgencyFileError: the file cannot be used; nothing is written.
    """
    agencies = read_agencies(path)
    with connect() as connection:
        enabled = {agency.agency_code: agency.enabled_from for agency in list_agencies(connection)}
        if enabled_from is not None:
            agencies = [
                agency
                if agency.enabled_from is not None
                else replace(agency, enabled_from=enabled.get(agency.agency_code) or enabled_from)
                for agency in agencies
            ]
        save_agencies(connection, agencies, changed_by)
    return agencies
