"""Read the agencies' settings from a YAML file, compare them with the ledger, import them and export them. A changed
setting *silences* an agency if the change withholds messages from citizens who receive messages now."""

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
"""Settings through which an agency itself may withhold messages from its citizens. Only the Department may change other
settings that withhold messages from citizens."""

_KINDS: Final = ("result", "supplement", "apology")
_LONGEST_HOLD = timedelta(days=1)
_RETENTION = (timedelta(days=30), timedelta(days=3650))


class AgencyFileError(ValueError):
    """The agencies' file cannot be used. Each line of the message names the file and, if a setting is wrong, the agency
    and the field."""


class ImportRefused(Exception):
    """An import was refused and nothing was written. The message gives the reason."""


class Fault(NamedTuple):
    """One wrong setting of an agency."""

    field: str
    key: str
    """Identifier of the fault. Staff pages use it to find their own text for the fault."""
    words: str
    """English text of the fault."""


class SettingsRefused(ValueError):
    """The settings are not valid for an agency. ``faults`` lists each wrong setting."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("; ".join(f"{fault.field}: {fault.words}" for fault in faults))
        self.faults = tuple(faults)


# --- Reading a file -----------------------------------------------------------------------------


class _Loader(yaml.SafeLoader):
    """A YAML loader that refuses a field written twice in one mapping.

    A date that does not exist stays a text, so that the error names the field. A day in quotes, which is how programs
    write YAML, stays a text, too; the fields that hold days parse such texts.
    """

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Read a mapping and refuse a field that is written twice."""
        written: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in written:
                    raise yaml.constructor.ConstructorError(None, None, f"{key.value} is written twice", key.start_mark)
                written.add(key.value)
        return super().construct_mapping(node, deep)

    def construct_day_or_text(self, node: yaml.ScalarNode) -> date | str:
        """Read a day or a time; return the text itself if there is no such day."""
        try:
            return self.construct_yaml_timestamp(node)
        except ValueError:
            return str(node.value)


_Loader.add_constructor("tag:yaml.org,2002:timestamp", _Loader.construct_day_or_text)


def _read_text_line(value: str) -> str:
    """Return the text in NFC without outer spaces; refuse blank text and text with invisible characters."""
    value = unicodedata.normalize("NFC", value.strip())
    if not value:
        raise PydanticCustomError("blank", "must not be blank")
    if not value.isprintable():
        raise PydanticCustomError("not_visible", "must be one line of visible characters")
    return value


def _check_province(value: str) -> str:
    """Refuse a name that is no province of Vietnam."""
    if find_province(value) is None:
        # In an unknown province, old landline numbers look like mobile numbers, and the system texts strangers.
        raise ValueError("is no province of Vietnam")
    return value


def _check_year(value: date) -> date:
    """Refuse a day outside the years 2000 to 2100, which is a typing error."""
    if not 2000 <= value.year <= 2100:
        raise ValueError("must lie in the years 2000 to 2100")
    return value


_WRITTEN_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_WRITTEN_TIME = re.compile(
    _WRITTEN_DAY.pattern + r"[T ][0-9]{2}:[0-9]{2}(:[0-9]{2})?( ?(Z|[+-][0-9]{2}(:?[0-9]{2})?))?"
)


def _parse_quoted(value: object) -> object:
    """Parse a text that holds a day or a time, as YAML reads it without quotes; return any other value unchanged."""
    if isinstance(value, str):
        try:
            if _WRITTEN_DAY.fullmatch(value):
                return date.fromisoformat(value)
            if _WRITTEN_TIME.fullmatch(value):
                return datetime.fromisoformat(value.replace(" +", "+").replace(" -", "-").replace(" Z", "Z"))
        except ValueError:
            pass
    return value


def _read_moment(value: object) -> object:
    """Read a day or a time. A time without a zone is in Vietnam's time zone; a day means 00:00 of that day there."""
    value = _parse_quoted(value)
    if isinstance(value, date):
        value = value if isinstance(value, datetime) else datetime.combine(value, time())
        _check_year(value)
        return value if value.tzinfo else value.replace(tzinfo=VIETNAM)
    if value is None or value is False:
        return value
    raise ValueError("write a day (2026-12-01), a time (2026-12-01 07:00:00), or false for not enabled")


_DURATION = TypeAdapter(timedelta)


def _read_duration(value: object) -> object:
    """Read an ISO 8601 duration of whole seconds."""
    if not isinstance(value, str) or not value.startswith("P"):
        # Some people would understand a bare number as seconds, others as minutes.
        raise ValueError("write a duration as PT15M (minutes), PT2H (hours) or P365D (days)")
    try:
        duration = _DURATION.validate_python(value)
    except ValidationError:
        raise ValueError("write a duration as PT15M (minutes), PT2H (hours) or P365D (days)") from None
    if duration.microseconds:
        raise ValueError("must be whole seconds")
    return duration


def _check_hold(value: timedelta) -> timedelta:
    """Refuse a result hold of more than a day."""
    if value > _LONGEST_HOLD:
        raise PydanticCustomError("hold_too_long", "must be a day at most: a result held longer is no news")
    return value


def _check_retention(value: timedelta) -> timedelta:
    """Refuse a retention that is not whole days from 30 to 3650."""
    if not _RETENTION[0] <= value <= _RETENTION[1] or value % timedelta(days=1):
        raise ValueError("must be whole days, from P30D to P3650D")
    return value


def _check_address(value: str) -> str:
    """Return the normalized mail address; refuse an invalid one."""
    try:
        return validate_email(value, check_deliverability=False, allow_smtputf8=False, test_environment=True).normalized
    except EmailNotValidError as wrong:
        raise PydanticCustomError("no_address", "{why}", {"why": str(wrong)}) from None


_TextLine = Annotated[StrictStr, AfterValidator(_read_text_line)]
_Day = Annotated[date, Strict(), AfterValidator(_check_year), BeforeValidator(_parse_quoted)]
_Duration = Annotated[timedelta, BeforeValidator(_read_duration)]


class _NameEntry(BaseModel):
    """One former name of an agency, as an entry of the file writes it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: _TextLine
    short_name: _TextLine | None = None
    until: _Day


class _AgencyEntry(BaseModel):
    """One entry of the agencies' file; pydantic checks each field."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    code: _TextLine
    aliases: tuple[_TextLine, ...] = ()
    name: _TextLine
    short_name: _TextLine | None = None
    former_names: tuple[_NameEntry, ...] = ()
    province: Annotated[StrictStr, AfterValidator(_check_province)] = "khanh_hoa"
    enabled_from: Annotated[datetime | Literal[False] | None, BeforeValidator(_read_moment)] = None
    valid_from: _Day | None = None
    valid_until: _Day | None = None
    successor_code: _TextLine | None = None
    kinds_off: tuple[Literal["result", "supplement", "apology"], ...] = ()
    kinds_off_reason: _TextLine | None = None
    same_day_excluded: StrictBool = False
    same_day_procedures: tuple[_TextLine, ...] = ()
    same_day_reason: _TextLine | None = None
    accented: StrictBool = False
    result_hold: Annotated[_Duration, AfterValidator(_check_hold)] = timedelta(0)
    waits_for_opening: StrictBool = False
    apology_day: Literal["calendar", "working_day"] = "calendar"
    report_recipients: tuple[Annotated[StrictStr, AfterValidator(_check_address)], ...] = ()
    retention: Annotated[_Duration, AfterValidator(_check_retention)] = timedelta(days=365)

    def agency(self) -> Agency:
        """Return the entry as an agency, with lists in a fixed order and without repeated values."""
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
"""All fields of an entry in the agencies' file, in the order of the export."""


STANDARD_INPUT = Path("-")
"""A path that stands for standard input. A command inside a container cannot open files of the host."""


def _read_entries(path: Path) -> list[_AgencyEntry]:
    """Read and check the entries of an agencies' file.

    Raises:
        AgencyFileError: the file cannot be read, or a field is wrong.
    """
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
            faults += [
                f"{path}: agency {name or position}: {each.field}: {each.words}"
                for each in _faults_of_validation(error)
            ]
    if faults:
        raise AgencyFileError("\n".join(faults))
    return entries


def _faults_of_validation(error: ValidationError) -> list[Fault]:
    """Return pydantic's errors as faults of settings."""
    return [
        Fault(
            ".".join(str(part) for part in fault["loc"] if not str(part).startswith("function-")) or "entry",
            fault["type"],
            fault["msg"].removeprefix("Value error, "),
        )
        for fault in error.errors()
    ]


def _check_agencies(path: Path, agencies: Sequence[Agency], known: Mapping[str, Agency] | None) -> None:
    """Refuse agencies that contradict themselves or each other, or the ledger's agencies where these are known.

    Raises:
        AgencyFileError: at least one contradiction; the message lists all of them.
    """
    faults = [
        f"agency {agency.agency_code}: {fault.field}: {fault.words}"
        for agency in agencies
        for fault in _find_contradictions(agency)
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
    """Return whether an agency leaves out same-day procedures without a reason.

    A missing reason is allowed where the ledger has the same setting without a reason and with the same procedures.
    """
    if not agency.same_day_excluded or agency.same_day_reason:
        return False
    stays = before is not None and before.same_day_excluded and before.same_day_reason is None
    return not (before and stays and before.same_day_procedures == agency.same_day_procedures)


def _find_contradictions(agency: Agency) -> Iterator[Fault]:
    """Yield the contradictions between the settings of one agency."""
    begin, end, enabled = agency.valid_from, agency.valid_until, agency.enabled_from
    for field, reason, is_needed in (
        ("kinds_off_reason", agency.kinds_off_reason, bool(agency.kinds_off)),
        ("same_day_reason", agency.same_day_reason, agency.same_day_excluded),
    ):
        if reason and holds_phone(reason):
            words = "something in it looks like a phone number; every publication shows it"
            yield Fault(field, "holds_phone", words)
        if reason and not is_needed:
            nothing = "no kind is off" if field == "kinds_off_reason" else "same-day procedures are not left out"
            yield Fault(field, "needless_reason", f"is set, but {nothing}")
    if agency.kinds_off and not agency.kinds_off_reason:
        yield Fault("kinds_off_reason", "no_reason", "must say why kinds are off; every publication shows it")
    if agency.same_day_procedures and not agency.same_day_excluded:
        yield Fault("same_day_procedures", "needless_procedures", "are set, but same-day procedures are not left out")
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
    """Return why the successor of an agency is not possible, or ``None`` if nothing is wrong.

    Args:
        agency: the agency to check.
        together: all known agencies by code.
        complete: whether ``together`` holds every agency, so that an unknown successor is a fault.
    """
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
    """Return the checked agencies of a file.

    Raises:
        AgencyFileError: the file cannot be read, a field is wrong, or settings contradict each other.
    """
    agencies = [entry.agency() for entry in _read_entries(path)]
    _check_agencies(path, agencies, None)
    return agencies


# --- Comparing with the ledger ------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class FieldChange:
    """The change of one setting, by a file or in the history of settings. Values are written as in the file."""

    field: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class AgencyChange:
    """The changes of one agency's settings, by a file or by the settings page."""

    agency: Agency
    is_new: bool
    fields: tuple[FieldChange, ...]
    silences: tuple[str, ...]
    """Settings whose change withholds messages from citizens who receive messages now."""

    @property
    def departments(self) -> tuple[str, ...]:
        """Return the changed settings that only the Department may change in this way.

        These are the kinds of messages that are off, the reason why they are off, and other settings whose change
        silences the agency, except same-day procedures.
        """
        kinds = [each.field for each in self.fields if each.field.startswith("kinds_off")]
        return tuple(dict.fromkeys([*kinds, *(each for each in self.silences if each not in AGENCYS_OWN)]))


@dataclass(frozen=True, slots=True)
class Comparison:
    """The difference between a file and the agencies of the ledger."""

    agencies: tuple[Agency, ...]
    """All agencies of the file, with the settings that they would have after the import."""
    changes: tuple[AgencyChange, ...]
    not_in_file: tuple[Agency, ...]
    """Agencies of the ledger that the file does not name. The import leaves them unchanged."""
    ledger: tuple[Agency, ...]
    """All agencies of the ledger at the time of the comparison."""

    @property
    def silencing(self) -> tuple[AgencyChange, ...]:
        """Return the changes that silence an agency and need a confirmation."""
        return tuple(change for change in self.changes if change.silences)

    @property
    def for_department(self) -> tuple[AgencyChange, ...]:
        """Return the changes that only the Department may make."""
        return tuple(change for change in self.changes if change.departments)


def settings_of(agency: Agency) -> dict[str, Any]:
    """Return an agency's settings by the file's field names, in the file's order; durations are ISO 8601 texts."""
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
    """Return what an import of the file would change.

    An agency without ``enabled_from`` in the file keeps the date that the ledger has. If the ledger has none, the
    agency gets the argument ``enabled_from``.

    Raises:
        AgencyFileError: the file cannot be used.
    """
    entries = _read_entries(path)
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
        _check_agencies(path, wanted, known)
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
        changes=tuple(_compare_settings(before, after, silenced[after.agency_code]) for before, after in differing),
        not_in_file=tuple(agency for agency in ledger if agency.agency_code not in named),
        ledger=tuple(ledger),
    )


def _compare_settings(before: Agency | None, after: Agency, silenced: Sequence[str]) -> AgencyChange:
    """Return the difference between an agency's old and new settings; ``before`` is ``None`` for a new agency."""
    # A new agency is compared with an agency that has only a code and a province, so that each of its settings counts
    # as changed.
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
    """Return the agency with some settings replaced, checked by the rules of the agencies' file.

    Args:
        before: the agency as the ledger has it.
        typed: the new settings by the file's field names, in the file's form: a duration is ``PT15M``.

    Raises:
        SettingsRefused: a setting is wrong, contradicts another setting, or lacks its reason.
    """
    required = {"code": before.agency_code, "name": before.name, "province": before.province}
    try:
        entry = _AgencyEntry.model_validate(required | dict(typed)).agency()
    except ValidationError as error:
        raise SettingsRefused(_faults_of_validation(error)) from None
    after = replace(before, **{name: getattr(entry, name) for name in typed})
    faults = [*_find_contradictions(after), *([_NO_REASON] if _lacks_reason(after, before) else [])]
    if faults:
        raise SettingsRefused(faults)
    return after


def compare_agency(connection: Connection, before: Agency, after: Agency) -> AgencyChange | None:
    """Return the change of one agency's settings, or ``None`` if nothing changes."""
    if before == after:
        return None
    code = before.agency_code
    (silenced,) = silences(connection, [(code, settings_of(before), settings_of(after))]).values()
    return _compare_settings(before, after, silenced)


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
    """Write the changes of a file to the ledger and return the file's agencies.

    Agencies that the file does not name stay unchanged. An agency without ``enabled_from`` in the file keeps the date
    that the ledger has, so that a missing line silences no agency. If the ledger has no date either, the agency gets
    the argument ``enabled_from``.

    Args:
        path: the file.
        changed_by: the person who imports, for the history.
        enabled_from: the date for agencies that have none in the file and none in the ledger.
        by_department: whether the import is in the Department's name. Only the Department may change which kinds of
            messages are off, or silence an agency by another setting than same-day procedures.
        confirm: asks for a confirmation when the file would silence an agency. Without ``confirm``, such a file is
            refused.
        show: receives the comparison before the confirmation and before any write. An old file may undo newer settings,
            and the comparison shows the loss.

    Raises:
        AgencyFileError: the file cannot be used. Nothing is written.
        ImportRefused: the import is not allowed or was not confirmed. Nothing is written.
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
            + " like this. Add --as-department if you act for it. An agency may silence only same-day procedures."
        )
    if comparison.silencing and not (confirm and confirm(comparison)):
        raise ImportRefused(
            "Nothing was written: not confirmed that "
            f"{', '.join(each.agency.agency_code for each in comparison.silencing)} "
            f"{'is' if len(comparison.silencing) == 1 else 'are'} silenced. Add --yes if nobody can be asked."
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
    """Return the ledger's agencies as the text of an agencies' file: every field of every agency, ordered by code."""
    entries = []
    for agency in sorted(agencies, key=lambda agency: agency.agency_code):
        entry = settings_of(agency)
        entry["enabled_from"] = _exported_moment(agency.enabled_from)
        entries.append(entry)
    body = yaml.safe_dump(
        {"agencies": entries}, allow_unicode=True, sort_keys=False, width=120, default_flow_style=None
    )
    return f"{file_header()}\n{body}"


def file_header() -> str:
    """Return the comment of include/agencies.yaml that explains each field. This comment is the last one before the
    list of agencies."""
    text = (include_dir() / "agencies.yaml").read_text(encoding="utf-8")
    return text.partition("\nagencies:")[0].rpartition("\n\n")[2]


def _exported_moment(moment: datetime | None) -> datetime | date | Literal[False]:
    """Return a moment as the file writes it: a day for midnight in Vietnam, ``False`` for no moment."""
    if moment is None:
        return False
    local = moment.astimezone(VIETNAM)
    return local.date() if local.timetz().replace(tzinfo=None) == time() else local
