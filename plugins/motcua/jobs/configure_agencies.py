"""Agencies' settings from their YAML file."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, StrictBool, StrictStr, ValidationError

from motcua.domain.occasions import VIETNAM
from motcua.store.agencies import Agency, list_agencies, save_agencies
from motcua.store.database import connect


class AgencyFileError(ValueError):
    """The agencies' file cannot be used; the message names the file, the agency and the field."""


def _words(value: str) -> str:
    value = unicodedata.normalize("NFC", value.strip())
    if not value:
        raise ValueError("must not be blank")
    return value


_Words = Annotated[StrictStr, AfterValidator(_words)]


class _AgencyEntry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    code: _Words
    aliases: tuple[_Words, ...] = ()
    name: _Words
    short_name: _Words | None = None
    province: StrictStr = "khanh_hoa"
    enabled_from: datetime | date | None = None
    accented: StrictBool = False
    same_day_excluded: StrictBool = False
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
            agency_code=self.code,
            name=self.name,
            short_name=self.short_name,
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
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as failure:
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
            fault = first["msg"].removeprefix("Value error, ")
            raise AgencyFileError(f"{path}: agency {name or position}: {where}: {fault}") from None
    written = [code for agency in agencies for code in (agency.agency_code, *agency.aliases)]
    for code in written:
        if written.count(code) > 1:
            raise AgencyFileError(f"{path}: the code {code} stands for two agencies.")
    return agencies


def import_agencies(path: Path, changed_by: str, enabled_from: datetime | None = None) -> Sequence[Agency]:
    """Writes the settings in the file to the ledger and returns them; agencies that it does not name stay.

    An agency that the file gives no ``enabled_from`` keeps the one it has, so that no import silences it by leaving
    a line out; one that has none gets ``enabled_from``, where that is given.

    Raises:
        AgencyFileError: the file cannot be used; nothing is written.
    """
    agencies = read_agencies(path)
    with connect() as connection:
        known = {agency.agency_code: agency.enabled_from for agency in list_agencies(connection)}
        agencies = [
            replace(agency, enabled_from=agency.enabled_from or known.get(agency.agency_code) or enabled_from)
            for agency in agencies
        ]
        save_agencies(connection, agencies, changed_by)
    return agencies
