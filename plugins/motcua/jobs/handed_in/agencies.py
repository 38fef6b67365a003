"""Agencies' settings from their YAML file and back: read, compare with the ledger, import, export."""

from __future__ import annotations

import logging
import re
import sys
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Annotated, Any, Final, Literal, NamedTuple

import yaml
from email_validator import EmailNotValidError, validate_email
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Strict,
    StrictBool,
    StrictStr,
    TypeAdapter,
    ValidationError,
)
from pydantic_core import PydanticCustomError

from motcua.domain.clock import VIETNAM
from motcua.domain.phones.numbering_plan import find_province
from motcua.domain.phones.reading import holds_phone
from motcua.settings import include_dir
from motcua.store.agencies import (
    Agency,
    FormerName,
    duration_text,
    hold_import_lock,
    list_agencies,
    save_agencies,
    silences,
)
from motcua.store.ledger.database import Connection, connect

log = logging.getLogger(__name__)

AGENCYS_OWN: Final = frozenset({"same_day_excluded"})
"""Settings through which an agency may silence itself; through any other the Department alone may."""

_KINDS: Final = ("result", "supplement", "apology")
_LONGEST_HOLD = timedelta(days=1)
_RETENTION = (timedelta(days=30), timedelta(days=3650))


class AgencyFileError(ValueError):
    """The agencies' file cannot be used; each line of the message names the file, the agency and the field."""


class ImportRefused(Exception):
    """Nothing was written, and the message says why."""


class Fault(NamedTuple):
    """What is wrong with a setting."""

    field: str
    key: str
    """Names the fault, for words in another language."""
    words: str


class SettingsRefused(ValueError):
    """These settings cannot be an agency's."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("; ".join(f"{fault.field}: {fault.words}" for fault in faults))
        self.faults = tuple(faults)


# --- Reading a file -----------------------------------------------------------------------------


class _Loader(yaml.SafeLoader):
    """YAML without two of its traps: a field written twice is refused, a date that is none stays a text.

    A day in quotes is a text too, and whoever writes YAML by a program writes it so: the fields that hold days read it.
    """

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        written: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in written:
                    raise yaml.constructor.ConstructorError(None, None, f"{key.value} is written twice", key.start_mark)
                written.add(key.value)
        return super().construct_mapping(node, deep)

    def construct_day_or_text(self, node: yaml.ScalarNode) -> date | str:
        try:
            return self.construct_yaml_timestamp(node)
        except ValueError:
            return str(node.value)


_Loader.add_constructor("tag:yaml.org,2002:timestamp", _Loader.construct_day_or_text)


def _words(value: str) -> str:
    value = unicodedata.normalize("NFC", value.strip())
    if not value:
        raise PydanticCustomError("blank", "must not be blank")
    if not value.isprintable():
        raise PydanticCustomError("not_visible", "must be one line of visible characters")
    return value


def _province(value: str) -> str:
    if find_province(value) is None:
        # Its old landlines would pass for mobiles, and strangers be texted.
        raise ValueError("is no province of Vietnam")
    return value


def _sensible(value: date) -> date:
    if not 2000 <= value.year <= 2100:
        raise ValueError("must lie in the years 2000 to 2100")
    return value


_WRITTEN_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_WRITTEN_TIME = re.compile(
    _WRITTEN_DAY.pattern + r"[T ][0-9]{2}:[0-9]{2}(:[0-9]{2})?( ?(Z|[+-][0-9]{2}(:?[0-9]{2})?))?"
)


def _unquoted(value: object) -> object:
    """The day or the time that a text says, as it would be read without quotes; anything else as it is."""
    if isinstance(value, str):
        try:
            if _WRITTEN_DAY.fullmatch(value):
                return date.fromisoformat(value)
            if _WRITTEN_TIME.fullmatch(value):
                return datetime.fromisoformat(value.replace(" +", "+").replace(" -", "-").replace(" Z", "Z"))
        except ValueError:
            pass
    return value


def _moment(value: object) -> object:
    """A day, or a time; one without a zone is meant as it stands in the file: by the clock of Vietnam."""
    value = _unquoted(value)
    if isinstance(value, date):
        value = value if isinstance(value, datetime) else datetime.combine(value, time())
        _sensible(value)
        return value if value.tzinfo else value.replace(tzinfo=VIETNAM)
    if value is None or value is False:
        return value
    raise ValueError("write a day (2026-12-01), a time (2026-12-01 07:00:00), or false for not enabled")


_DURATION = TypeAdapter(timedelta)


def _duration(value: object) -> object:
    if not isinstance(value, str) or not value.startswith("P"):
        # A bare number would be seconds to one reader and minutes to another.
        raise ValueError("write a duration as PT15M (minutes), PT2H (hours) or P365D (days)")
    try:
        duration = _DURATION.validate_python(value)
    except ValidationError:
        raise ValueError("write a duration as PT15M (minutes), PT2H (hours) or P365D (days)") from None
    if duration.microseconds:
        raise ValueError("must be whole seconds")
    return duration


def _hold(value: timedelta) -> timedelta:
    if value > _LONGEST_HOLD:
        raise PydanticCustomError("hold_too_long", "must be a day at most: a result held longer is no news")
    return value


def _retention(value: timedelta) -> timedelta:
    if not _RETENTION[0] <= value <= _RETENTION[1] or value % timedelta(days=1):
        raise ValueError("must be whole days, from P30D to P3650D")
    return value


def _address(value: str) -> str:
    try:
        return validate_email(value, check_deliverability=False, allow_smtputf8=False, test_environment=True).normalized
    except EmailNotValidError as wrong:
        raise PydanticCustomError("no_address", "{why}", {"why": str(wrong)}) from None


_Words = Annotated[StrictStr, AfterValidator(_words)]
_Day = Annotated[date, Strict(), AfterValidator(_sensible), BeforeValidator(_unquoted)]
_Duration = Annotated[timedelta, BeforeValidator(_duration)]


class _NameEntry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    name: _Words
    short_name: _Words | None = None
    until: _Day


class _AgencyEntry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    code: _Words
    aliases: tuple[_Words, ...] = ()
    name: _Words
    short_name: _Words | None = None
    former_names: tuple[_NameEntry, ...] = ()
    province: Annotated[StrictStr, AfterValidator(_province)] = "khanh_hoa"
    enabled_from: Annotated[datetime | Literal[False] | None, BeforeValidator(_moment)] = None
    valid_from: _Day | None = None
    valid_until: _Day | None = None
    successor_code: _Words | None = None
    kinds_off: tuple[Literal["result", "supplement", "apology"], ...] = ()
    kinds_off_reason: _Words | None = None
    same_day_excluded: StrictBool = False
    same_day_procedures: tuple[_Words, ...] = ()
    same_day_reason: _Words | None = None
    accented: StrictBool = False
    result_hold: Annotated[_Duration, AfterValidator(_hold)] = timedelta(0)
    waits_for_opening: StrictBool = False
    apology_day: Literal["calendar", "working_day"] = "calendar"
    report_recipients: tuple[Annotated[StrictStr, AfterValidator(_address)], ...] = ()
    retention: Annotated[_Duration, AfterValidator(_retention)] = timedelta(days=365)

    def agency(self) -> Agency:
        values = {name: getattr(self, name) for name in type(self).model_fields if name != "code"}
        return Agency(
            agency_code=self.code,
            **values
            | {
                "enabled_from": self.enabled_from or None,
                "kinds_off": tuple(kind for kind in _KINDS if kind in self.kinds_off),
                "same_day_procedures": tuple(sorted(set(self.same_day_procedures))),
                "aliases": tuple(sorted(self.aliases)),
                "report_recipients": tuple(dict.fromkeys(self.report_recipients)),
                "former_names": tuple(
                    FormerName(each.name, each.short_name, each.until)
                    for each in sorted(self.former_names, key=lambda each: each.until)
                ),
            },
        )


FIELDS: Final = tuple(_AgencyEntry.model_fields)
"""Every field that an entry of the file may have, in the order in which it is exported."""


STANDARD_INPUT = Path("-")
"""In place of a file's path: what is handed to a command that has no such file, as one in a container."""


def _entries(path: Path) -> list[_AgencyEntry]:
    try:
        written_down = sys.stdin.buffer.read() if path == STANDARD_INPUT else path.read_bytes()
        content: Any = yaml.load(written_down.decode("utf-8"), _Loader)  # noqa: S506 - a SafeLoader
    except yaml.MarkedYAMLError as failure:
        words = ": ".join(filter(None, (failure.context, failure.problem)))
        line = f"line {failure.problem_mark.line + 1}: " if failure.problem_mark else ""
        raise AgencyFileError(f"{path}: {line}{words}") from None
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as failure:
        raise AgencyFileError(f"{path}: {str(failure).splitlines()[0]}") from None
    written = content.get("agencies") if isinstance(content, dict) else None
    if not isinstance(written, list) or not written:
        raise AgencyFileError(f"{path}: needs a list under 'agencies:'.")
    if len(content) > 1:
        raise AgencyFileError(f"{path}: has more than 'agencies:': {', '.join(str(k) for k in content)}.")
    entries, faults = [], []
    for position, each in enumerate(written, 1):
        try:
            entries.append(_AgencyEntry.model_validate(each))
        except ValidationError as error:
            name = each.get("code") if isinstance(each, dict) else None
            faults += [f"{path}: agency {name or position}: {each.field}: {each.words}" for each in _faults_of(error)]
    if faults:
        raise AgencyFileError("\n".join(faults))
    return entries


def _faults_of(error: ValidationError) -> list[Fault]:
    return [
        Fault(
            ".".join(str(part) for part in fault["loc"] if not str(part).startswith("function-")) or "entry",
            fault["type"],
            fault["msg"].removeprefix("Value error, "),
        )
        for fault in error.errors()
    ]


def _check(path: Path, agencies: Sequence[Agency], known: Mapping[str, Agency] | None) -> None:
    """Looks for what contradicts itself in a file, and with the ledger where that is known."""
    faults = [
        f"agency {agency.agency_code}: {fault.field}: {fault.words}" for agency in agencies for fault in _faults(agency)
    ]
    if known is not None:
        unexplained = [agency for agency in agencies if _lacks_reason(agency, known.get(agency.agency_code))]
        faults += [f"agency {agency.agency_code}: {_NO_REASON.field}: {_NO_REASON.words}" for agency in unexplained]
    together = {**(known or {}), **{agency.agency_code: agency for agency in agencies}}
    if len({agency.agency_code for agency in agencies}) == len(agencies):
        owners: dict[str, list[str]] = {}
        for agency in together.values():
            for code in (agency.agency_code, *agency.aliases):
                owners.setdefault(code, []).append(agency.agency_code)
        twice = {code: " and ".join(each) for code, each in owners.items() if len(each) > 1}
    else:
        codes = [agency.agency_code for agency in agencies]
        twice = {code: "both entries" for code in codes if codes.count(code) > 1}
    faults += [f"the code {code} stands for two agencies: {where}." for code, where in twice.items()]
    for agency in agencies:
        fault = _fault_of_successor(agency, together, complete=known is not None)
        faults += [f"agency {agency.agency_code}: successor_code: {fault}"] if fault else []
    if faults:
        raise AgencyFileError("\n".join(f"{path}: {fault}" for fault in faults))


_NO_REASON = Fault(
    "same_day_reason", "no_reason", "must say why same-day procedures are left out; every publication shows it"
)


def _lacks_reason(agency: Agency, before: Agency | None) -> bool:
    """Whether same-day procedures are left out without a reason; where nothing else was asked before, that may stay."""
    if not agency.same_day_excluded or agency.same_day_reason:
        return False
    stays = before is not None and before.same_day_excluded and before.same_day_reason is None
    return not (before and stays and before.same_day_procedures == agency.same_day_procedures)


def _faults(agency: Agency) -> Iterator[Fault]:
    begin, end, enabled = agency.valid_from, agency.valid_until, agency.enabled_from
    for field, reason, is_needed in (
        ("kinds_off_reason", agency.kinds_off_reason, bool(agency.kinds_off)),
        ("same_day_reason", agency.same_day_reason, agency.same_day_excluded),
    ):
        if reason and holds_phone(reason):
            words = "something in it looks like a phone number; every publication shows it"
            yield Fault(field, "holds_phone", words)
        if reason and not is_needed:
            nothing = "no kind is off" if field == "kinds_off_reason" else "same-day procedures are told"
            yield Fault(field, "needless_reason", f"is there, but {nothing}")
    if agency.kinds_off and not agency.kinds_off_reason:
        yield Fault("kinds_off_reason", "no_reason", "must say why kinds are off; every publication shows it")
    if agency.same_day_procedures and not agency.same_day_excluded:
        yield Fault("same_day_procedures", "needless_procedures", "are there, but same-day procedures are told")
    if begin and end and end < begin:
        yield Fault("valid_until", "before_valid_from", f"{end} is before valid_from, {begin}")
    if enabled and begin and enabled.astimezone(VIETNAM).date() < begin:
        yield Fault("enabled_from", "before_valid_from", f"is before valid_from, {begin}")
    if enabled and end and enabled.astimezone(VIETNAM).date() > end:
        yield Fault("enabled_from", "after_valid_until", f"is after valid_until, {end}")
    days = [former.until for former in agency.former_names]
    if len(set(days)) < len(days):
        yield Fault("former_names", "same_day_twice", "two names end on one day")
    if begin and days and min(days) < begin:
        yield Fault("former_names", "before_valid_from", f"until {min(days)} is before valid_from, {begin}")
    if end and days and max(days) >= end:
        words = f"until {max(days)} leaves no day for the last name before valid_until, {end}"
        yield Fault("former_names", "after_valid_until", words)


def _fault_of_successor(agency: Agency, together: Mapping[str, Agency], *, complete: bool) -> str | None:
    if agency.successor_code is None:
        return None
    if agency.valid_until is None:
        return "needs valid_until: the day after which the successor is in charge"
    successor = together.get(agency.successor_code)
    if successor is None:
        return f"no agency has the code {agency.successor_code}" if complete else None
    if successor.valid_from and successor.valid_from > agency.valid_until + timedelta(days=1):
        return f"nobody would be in charge from {agency.valid_until} to {successor.valid_from}"
    path = [agency.agency_code]
    following: Agency | None = agency
    while following and following.successor_code:
        path.append(following.successor_code)
        if following.successor_code in path[:-1]:
            return f"goes round in a circle: {' → '.join(path)}"
        following = together.get(following.successor_code)
    return None


def read_agencies(path: Path) -> list[Agency]:
    """The agencies in a file, checked.

    Raises:
        AgencyFileError: the file cannot be read, a field is wrong, or a code stands for two agencies.
    """
    agencies = [entry.agency() for entry in _entries(path)]
    _check(path, agencies, None)
    return agencies


# --- Comparing with the ledger ------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One setting that a file would change, or that a change of the history changed; values as that writes them."""

    field: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class AgencyChange:
    """What a file would change at one agency."""

    agency: Agency
    is_new: bool
    fields: tuple[FieldChange, ...]
    silences: tuple[str, ...]
    """Settings through which messages would be kept from citizens who get them now."""

    @property
    def departments(self) -> tuple[str, ...]:
        """Settings of this change that only the Department may change so: whole kinds, and what silences the agency
        through more than same-day procedures.
        """
        kinds = [each.field for each in self.fields if each.field.startswith("kinds_off")]
        return tuple(dict.fromkeys([*kinds, *(each for each in self.silences if each not in AGENCYS_OWN)]))


@dataclass(frozen=True, slots=True)
class Comparison:
    """A file held against the ledger."""

    agencies: tuple[Agency, ...]
    """All that the file names, as they would be."""
    changes: tuple[AgencyChange, ...]
    not_in_file: tuple[Agency, ...]
    """They stay as they are."""
    ledger: tuple[Agency, ...]
    """What was compared with."""

    @property
    def silencing(self) -> tuple[AgencyChange, ...]:
        """Changes that ask for confirmation."""
        return tuple(change for change in self.changes if change.silences)

    @property
    def for_department(self) -> tuple[AgencyChange, ...]:
        """Changes that only the Department may make."""
        return tuple(change for change in self.changes if change.departments)


def settings_of(agency: Agency) -> dict[str, Any]:
    """An agency's settings by the file's field names, in its order; durations as it writes them."""
    values = {"code": agency.agency_code, **asdict(agency)}
    return {
        name: duration_text(values[name])
        if isinstance(values[name], timedelta)
        else list(values[name])
        if isinstance(values[name], tuple)
        else values[name]
        for name in FIELDS
    }


def compare(path: Path, enabled_from: datetime | None = None) -> Comparison:
    """What importing a file would change. An agency without ``enabled_from`` in the file keeps the one it has.

    Raises:
        AgencyFileError: the file cannot be used.
    """
    entries = _entries(path)
    with connect() as connection:
        ledger = list_agencies(connection)
        known = {agency.agency_code: agency for agency in ledger}
        wanted = []
        for entry in entries:
            agency = entry.agency()
            if entry.enabled_from is None:
                before = known.get(agency.agency_code)
                agency = replace(agency, enabled_from=(before and before.enabled_from) or enabled_from)
            wanted.append(agency)
        _check(path, wanted, known)
        differing = [(known.get(agency.agency_code), agency) for agency in wanted]
        differing = [(before, after) for before, after in differing if before != after]
        silenced = silences(
            connection,
            [
                (after.agency_code, settings_of(before) if before else None, settings_of(after))
                for before, after in differing
            ],
        )
    named = {agency.agency_code for agency in wanted}
    return Comparison(
        agencies=tuple(wanted),
        changes=tuple(_change(before, after, silenced[after.agency_code]) for before, after in differing),
        not_in_file=tuple(agency for agency in ledger if agency.agency_code not in named),
        ledger=tuple(ledger),
    )


def _change(before: Agency | None, after: Agency, silenced: Sequence[str]) -> AgencyChange:
    # A new agency differs from one that has nothing but a code and a name.
    base = before or Agency(after.agency_code, "", None, after.province, None, False, False, (), timedelta(0), ())
    old, new = settings_of(base), settings_of(after)
    return AgencyChange(
        agency=after,
        is_new=before is None,
        fields=tuple(FieldChange(name, old[name], new[name]) for name in FIELDS if old[name] != new[name]),
        silences=tuple(silenced),
    )


# --- One agency's own settings ------------------------------------------------------------------


def with_settings(before: Agency, typed: Mapping[str, object]) -> Agency:
    """The agency with some settings typed anew, checked as a file's are.

    Args:
        before: as it is in the ledger.
        typed: by the file's field names, in its form: a duration is ``PT15M``.

    Raises:
        SettingsRefused: a setting is wrong, contradicts another one, or only the Department may change it so.
    """
    asked = {"code": before.agency_code, "name": before.name, "province": before.province}
    try:
        entry = _AgencyEntry.model_validate(asked | dict(typed)).agency()
    except ValidationError as error:
        raise SettingsRefused(_faults_of(error)) from None
    after = replace(before, **{name: getattr(entry, name) for name in typed})
    faults = [*_faults(after), *([_NO_REASON] if _lacks_reason(after, before) else [])]
    if faults:
        raise SettingsRefused(faults)
    return after


def compare_agency(connection: Connection, before: Agency, after: Agency) -> AgencyChange | None:
    """What changes at one agency; ``None``: nothing."""
    if before == after:
        return None
    code = before.agency_code
    (silenced,) = silences(connection, [(code, settings_of(before), settings_of(after))]).values()
    return _change(before, after, silenced)


# --- Importing ----------------------------------------------------------------------------------


def import_agencies(
    path: Path,
    changed_by: str,
    enabled_from: datetime | None = None,
    *,
    by_department: bool = False,
    confirm: Callable[[Comparison], bool] | None = None,
    show: Callable[[Comparison], None] | None = None,
) -> Sequence[Agency]:
    """Writes what a file changes to the ledger and returns the file's agencies; agencies that it does not name stay.

    An agency that the file gives no ``enabled_from`` keeps the one it has, so that no import silences it by leaving
    a line out; one that has none gets ``enabled_from``, where that is given.

    Args:
        path: the file.
        changed_by: who imports, for the history.
        enabled_from: of agencies that have no such date, neither in the file nor in the ledger.
        by_department: in the Department's name, which alone may silence more than same-day procedures.
        confirm: asked where the file would silence an agency; without it such a file is refused.
        show: told what the file changes, before anything is asked or written: it may be older than what it undoes.

    Raises:
        AgencyFileError: the file cannot be used; nothing is written.
        ImportRefused: it may not be imported like this, or was not confirmed; nothing is written.
    """
    comparison = compare(path, enabled_from)
    if show:
        show(comparison)
    if comparison.for_department and not by_department:
        raise ImportRefused(
            "Nothing was written: only the Department may change "
            + "; ".join(
                f"{', '.join(each.departments)} of {each.agency.agency_code}" for each in comparison.for_department
            )
            + " like this (--as-department, if you act for it). An agency may silence no more than same-day procedures."
        )
    if comparison.silencing and not (confirm and confirm(comparison)):
        raise ImportRefused(
            "Nothing was written: not confirmed that "
            f"{', '.join(each.agency.agency_code for each in comparison.silencing)} "
            f"{'is' if len(comparison.silencing) == 1 else 'are'} silenced (--yes, where nobody can be asked)."
        )
    with connect() as connection:
        hold_import_lock(connection)
        if list_agencies(connection) != list(comparison.ledger):
            raise ImportRefused(
                "Nothing was written: the settings were changed meanwhile; look at the difference again."
            )
        save_agencies(
            connection, [change.agency for change in comparison.changes], changed_by, by_department=by_department
        )
    for change in comparison.silencing:
        log.warning(
            "Agency %s is silenced through %s, by %s.",
            change.agency.agency_code,
            ", ".join(change.silences),
            changed_by,
        )
    return comparison.agencies


# --- Exporting ----------------------------------------------------------------------------------


def export_agencies(agencies: Sequence[Agency]) -> str:
    """The file that says what the ledger says: every field of every agency, ordered by code."""
    entries = []
    for agency in sorted(agencies, key=lambda agency: agency.agency_code):
        entry = settings_of(agency)
        entry["enabled_from"] = _written(agency.enabled_from)
        entries.append(entry)
    body = yaml.safe_dump(
        {"agencies": entries}, allow_unicode=True, sort_keys=False, width=120, default_flow_style=None
    )
    return f"{file_header()}\n{body}"


def file_header() -> str:
    """The comment that explains each field: the last one before the agencies in include/agencies.yaml."""
    text = (include_dir() / "agencies.yaml").read_text(encoding="utf-8")
    return text.partition("\nagencies:")[0].rpartition("\n\n")[2]


def _written(moment: datetime | None) -> datetime | date | Literal[False]:
    if moment is None:
        return False
    local = moment.astimezone(VIETNAM)
    return local.date() if local.timetz().replace(tzinfo=None) == time() else local
