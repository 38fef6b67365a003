"""Read a provider's monthly carrier statement (bảng kê) line by line, as its form describes.

A form is a file in include/statements. It describes the columns and words of a provider's file and the agreement with
the provider, so that new headings or a new contract need no code. A file is imported as a whole or refused as a whole.
Numbers, times and words must follow the form. A cell that could have two meanings is refused, with its line and column.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, TypeAlias, cast

import yaml
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from motcua.domain.clock import VIETNAM
from motcua.domain.periods import Period
from motcua.domain.routing import CARRIERS
from motcua.domain.words import clean_cell, fold, heading_key
from motcua.jobs.handed_in.faults import MOST_FAULTS, FaultCode, FileFault, FileRefused
from motcua.jobs.handed_in.tables import (
    ColumnSpec,
    Sheet,
    Table,
    Workbook,
    find_table,
    is_workbook,
    not_rounded,
    read_sheet,
    read_values,
    word_of,
    wrong,
)
from motcua.settings import include_dir

if TYPE_CHECKING:
    import pandas as pd


Direction: TypeAlias = Literal["mt", "mo"]
"""``mt``: a message that was sent. ``mo``: an inquiry to 9029."""
Status: TypeAlias = Literal["accepted", "delivered", "undelivered"]
Column: TypeAlias = Literal[
    "direction",
    "reference",
    "gateway_reference",
    "msisdn",
    "sent_at",
    "segments",
    "price",
    "amount",
    "carrier",
    "status",
]
REFERENCES: Final[tuple[Column, ...]] = ("reference", "gateway_reference")
"""Columns with a reference of a message: our own reference, which the provider returns, and the provider's own."""
IDENTITIES: Final[tuple[Column, ...]] = (*REFERENCES, "msisdn")
"""Columns that identify the message of a line. A form needs at least one of them."""
_NAME: Final = re.compile(r"[a-z0-9_]+")


class FormError(Exception):
    """A form is missing or cannot be used. The message names the form and the reason."""


class _Frozen(BaseModel):
    """A part of a form. An instance cannot be changed, and unknown fields are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Tolerance(_Frozen):
    """The agreed differences between a carrier statement and the ledger. Larger differences make the run fail."""

    seconds: int = Field(default=300, ge=0, le=86_400)
    """Largest difference between the provider's time and ours, in seconds."""
    segments_percent: Decimal = Field(default=Decimal(1), ge=0, le=100)
    amount_percent: Decimal = Field(default=Decimal(1), ge=0, le=100)
    inquiries_percent: Decimal = Field(default=Decimal(1), ge=0, le=100)


def _check_carriers(value: dict[str, Any]) -> dict[str, Any]:
    """Refuse carriers that the system does not know."""
    unknown = sorted(value.keys() - CARRIERS)
    if unknown:
        raise ValueError(f"unknown carriers {', '.join(unknown)}; there are: {', '.join(sorted(CARRIERS))}")
    return value


class StatementForm(_Frozen):
    """The format of one provider's carrier statement and the agreement with the provider.

    The comments of the shipped forms in include/statements explain each field.
    """

    gateway: str = Field(pattern=r"^[a-z0-9_]+$")
    sheets: dict[Direction, tuple[str, ...]] = {}
    columns: dict[Column, tuple[str, ...]]
    directions: dict[Direction, tuple[str, ...]] = {}
    statuses: dict[Status, tuple[str, ...]] = {}
    carriers: Annotated[dict[str, tuple[str, ...]], AfterValidator(_check_carriers)] = {}
    totals: tuple[str, ...] = ()
    total_required: bool = False
    decimal: Literal[",", "."] = ","
    dates: tuple[str, ...] = Field(min_length=1)
    unit: Literal["segment", "message"] = "segment"
    """The unit that the provider bills. With ``message``, a line is one message unless the column ``segments`` gives
    another number."""
    undelivered_is_billed: bool = True
    inquiry_share_percent: Decimal = Field(default=Decimal(100), ge=0, le=100)
    inquiry_lines: Literal["each", "summary"] = "each"
    tolerance: Tolerance = Tolerance()

    @model_validator(mode="after")
    def _check_words(self) -> StatementForm:
        """Refuse a form without a required heading, or with one word for two meanings."""
        for column in sorted(self.required - {"amount"}):
            if not self.columns.get(column):
                raise ValueError(f"columns: {column} needs a heading")
        if not any(self.columns.get(column) for column in IDENTITIES):
            raise ValueError(f"columns: one of {', '.join(IDENTITIES)} needs a heading")
        for what, words in (
            ("columns", self.columns),
            ("directions", self.directions),
            ("statuses", self.statuses),
            ("carriers", self.carriers),
        ):
            keys = [
                heading_key(word) if what == "columns" else (False, fold(word))
                for meant in cast("dict[str, tuple[str, ...]]", words).values()
                for word in set(meant)
            ]
            twice = sorted({word for bracketed, word in keys if keys.count((bracketed, word)) > 1})
            if twice:
                raise ValueError(f"{what}: {', '.join(twice)} stands there twice")
        return self

    @property
    def required(self) -> frozenset[Column]:
        """Return the columns that a carrier statement must have."""
        wanted: set[Column] = {"sent_at"}
        if self.unit == "segment":
            wanted.add("segments")
        if self.columns.get("amount"):
            wanted.add("amount")
        return frozenset(wanted)


def _folder() -> Path:
    """Return the folder of the forms."""
    return include_dir() / "statements"


def form_names() -> list[str]:
    """Return the names of all forms."""
    return sorted(path.stem for path in _folder().glob("*.yaml"))


@lru_cache(maxsize=32)
def load_form(name: str) -> StatementForm:
    """Return the form in ``include/statements/<name>.yaml``.

    Raises:
        FormError: the form does not exist or cannot be used.
    """
    path = _folder() / f"{name}.yaml"
    if not _NAME.fullmatch(name) or not path.is_file():
        raise FormError(f"There is no form {name}; there are: {', '.join(form_names()) or 'none'}.")
    return read_form(path)


def read_form(path: Path) -> StatementForm:
    """Return the form in a file.

    Raises:
        FormError: the form cannot be used.
    """
    try:
        return StatementForm.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except ValidationError as error:
        what = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}".lstrip(": ") for each in error.errors())
        raise FormError(f"{path.name}: {what}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise FormError(f"{path.name} is no YAML in UTF-8: {error}") from None


AMOUNT_PLACES: Final = 2
"""Decimal places of an amount in đồng. Amounts are stored as whole hundredths of a đồng."""
PRICE_PLACES: Final = 4
"""Decimal places of a price in đồng. Prices are stored as whole ten-thousandths of a đồng."""
MOST_LINES: Final = 2_000_000
"""Most lines of a file. A million lines need 1.3 GB of memory."""
_DIGITS: Final = 12
"""Most digits of a number before its decimal sign."""
_WHOLE_DIGITS: Final = 9
"""Most digits of a number of segments, so that it fits an integer of the ledger."""
_LARGEST_SUM: Final = 10**15
"""Largest sum that the ledger can store, of all segments or of all amounts in hundredths of a đồng."""
_MASKED: Final = re.compile(r"[*xX#]")
# Matches a number of Vietnam with nine or ten digits after the country code, or a number of another country.
_NUMBER: Final = re.compile(r"84[0-9]{9,10}|(?!84)[1-9][0-9]{7,14}")
_FIRST_ROWS: Final = 1000
"""Number of first rows that are searched for the month, or for lines on a sheet that the form does not name."""
_MOST_OF_A_COLUMN: Final = MOST_FAULTS * 50
"""Most faults of one column that are counted. The error message names at most ``MOST_FAULTS`` faults."""


@dataclass(frozen=True)
class Statement:
    """A readable carrier statement. Amounts are in hundredths of a đồng, prices in ten-thousandths."""

    month: date
    """First day of the month that the statement is about."""
    lines: pd.DataFrame
    """One row per line, with the columns ``direction, line_no, reference, gateway_reference, msisdn, sent_at, segments,
    price, amount, carrier, status, billed``. Times are in UTC."""
    covers: frozenset[Direction]
    """Directions that the file covers. A sheet without lines covers its direction, too: there was nothing to bill."""

    def of(self, direction: Direction) -> pd.DataFrame:
        """Return the lines of one direction."""
        return self.lines[self.lines["direction"] == direction]

    @property
    def segments(self) -> int:
        """Return the number of billed segments, or of billed messages if the provider bills messages."""
        sent = self.of("mt")
        return int(sent.loc[sent["billed"], "segments"].sum())

    @property
    def amount(self) -> Decimal:
        """Return the đồng that the provider bills for sent messages."""
        return Decimal(int(self.of("mt")["amount"].sum())).scaleb(-AMOUNT_PLACES)

    @property
    def inquiries(self) -> int:
        """Return the number of inquiries."""
        return int(self.of("mo")["segments"].sum())

    @property
    def revenue(self) -> Decimal:
        """Return the đồng that the provider owes to us for inquiries."""
        return Decimal(int(self.of("mo")["amount"].sum())).scaleb(-AMOUNT_PLACES)

    @property
    def last_at(self) -> datetime:
        """Return the latest time of all lines."""
        return cast("datetime", self.lines["sent_at"].max().to_pydatetime())


_MONTHS: Final = (
    # Matches 2026-11, 202611 or 2026.11, but not a whole date such as 2026-11-05, because such a date is the day on
    # which the file was made.
    re.compile(r"(?<!\d)(?P<year>20\d\d)[-_. ]?(?P<month>0[1-9]|1[0-2])(?!\d|[-_. ][0-3]\d(?![\dh]))"),
    re.compile(r"(?<!\d)(?<!\d[-_. ])(?P<month>0?[1-9]|1[0-2])[-_. ](?P<year>20\d\d)(?!\d)"),
)


def month_in_name(name: str) -> date | None:
    """Return the month in a file's name, as ``2026-11``, ``202611`` or ``11-2026``.

    The result is ``None`` if the name has no month or several months.
    """
    for form in _MONTHS:
        found = {(int(each["year"]), int(each["month"])) for each in form.finditer(name)}
        if found:
            return date(*found.pop(), 1) if len(found) == 1 else None
    return None


def read_statement(
    content: bytes, name: str, form: StatementForm, month: date | None = None, now: datetime | None = None
) -> Statement:
    """Return a checked carrier statement: all lines are readable and in one month, and a total in the file equals their
    sum.

    Args:
        content: bytes of the file.
        name: name of the file. Its ending or the content distinguishes a workbook from CSV.
        form: the provider's format. Its times are in Vietnam's time zone.
        month: first day of the month; by default the month in the name, and otherwise the month of the first line.
        now: present time. Lines later than this plus the agreed tolerance are refused; with ``None`` no line is too
            late.

    Raises:
        FileRefused: the file cannot be imported. The error has all faults by line and column, and the month if known.
    """
    month = month or month_in_name(name)
    try:
        tables = list(_read_tables(content, name, form))
        month = month or _first_month(tables, form)
        if month is None:
            raise FileRefused(name, [FileFault("bad_month")])
        return _check_tables(tables, name, form, month, now)
    except FileRefused as refused:
        refused.month = month
        raise


def _check_tables(
    tables: Sequence[tuple[Direction, Table]], name: str, form: StatementForm, month: date, now: datetime | None
) -> Statement:
    """Return the carrier statement of these tables.

    Raises:
        FileRefused: at least one line or total is wrong, or the file is too large.
    """
    import pandas as pd

    faults: list[FileFault] = []
    parts = []
    readers = [_Reader(table, form, direction, month, now) for direction, table in tables]
    filled = any(reader.has_lines for reader in readers)
    for reader in readers:
        if filled and not reader.has_lines:
            # The provider has nothing to bill in this direction, and the other sheet has lines.
            reader.check_total_of_none()
        else:
            parts.append(reader.lines())
        faults += reader.faults
    if faults:
        raise FileRefused(name, sorted(faults, key=lambda fault: (fault.sheet or "", fault.line or 0)))
    lines = pd.concat(parts, ignore_index=True)
    if len(lines) > MOST_LINES:
        raise FileRefused(name, [FileFault("too_many_lines", values={"most": MOST_LINES})])
    for column in ("segments", "amount"):
        if lines[column].astype("float64").sum() > _LARGEST_SUM:
            heading = tables[0][1].headings.get(column)
            raise FileRefused(name, [FileFault("too_large_number", tables[0][1].sheet, heading=heading)])
    covers: set[Direction] = set(lines["direction"].unique())
    if len(tables) > 1:
        covers |= {direction for direction, _ in tables}
    return Statement(month, lines, frozenset(covers))


def _read_tables(content: bytes, name: str, form: StatementForm) -> Iterable[tuple[Direction, Table]]:
    """Yield the table of each direction in the file.

    Raises:
        FileRefused: the file has no such table, or lines are on a sheet that the form does not name.
    """
    columns = _columns(form)
    if not is_workbook(content, name):
        yield "mt", find_table(read_sheet(content, name), name, columns)
        return
    book = Workbook(content, name)
    chosen: dict[Direction, str] = {}
    for direction, wanted in form.sheets.items():
        known = next((sheet for each in wanted for sheet in book.names if fold(sheet) == fold(each)), None)
        if known is not None:
            chosen[direction] = known
    if not chosen:
        if form.sheets and len(book.names) > 1:
            raise FileRefused(name, [FileFault("no_sheet", values={"names": ", ".join(sum(form.sheets.values(), ()))})])
        chosen["mt"] = book.names[0]
    found = {
        direction: find_table(book.read(sheet, decimal=form.decimal), name, columns)
        for direction, sheet in chosen.items()
    }
    for sheet in book.names:
        # A sheet that the form does not name is refused if it has lines. Otherwise nobody would notice that these lines
        # are missing. Such a sheet may be a copy named “MT (2)”, or the second part of a long sheet.
        if sheet not in chosen.values():
            first = book.read(sheet, decimal=form.decimal, most=_FIRST_ROWS)
            if _looks_like_lines(first, name, form, found.values()):
                raise FileRefused(name, [FileFault("extra_sheet", sheet)])
    yield from found.items()


def _looks_like_lines(sheet: Sheet, name: str, form: StatementForm, others: Iterable[Table]) -> bool:
    """Return whether a sheet has a heading with rows below, or rows that fit below the heading of another sheet."""
    try:
        if len(find_table(sheet, name, _columns(form)).rows):
            return True
    except FileRefused:
        pass
    for table in others:
        at, many = table.columns["sent_at"], table.columns.get("segments", table.columns["sent_at"])
        if max(at, many) < sheet.cells.shape[1]:
            times = _parse_times(sheet.cells.iloc[:, at].map(clean_cell), form.dates)
            if (times.notna() & (at == many or sheet.cells.iloc[:, many].str.fullmatch("[0-9]{1,4}"))).any():
                return True
    return False


def _first_month(tables: Sequence[tuple[Direction, Table]], form: StatementForm) -> date | None:
    """Return the first day of the month of the first readable line; ``None`` if no time is readable."""
    for _, table in tables:
        first = table.rows.iloc[:_FIRST_ROWS, table.columns["sent_at"]].map(clean_cell)
        times = _parse_times(first, form.dates)
        if times.notna().any():
            return cast("date", times.dropna().iloc[0].tz_convert(VIETNAM).date().replace(day=1))
    return None


def _parse_times(texts: pd.Series, forms: Sequence[str]) -> pd.Series:
    """Return the times in UTC. A text that fits none of the forms becomes NaT."""
    import pandas as pd

    found = pd.Series(pd.NaT, index=texts.index, dtype="datetime64[ns]")
    for form in (*forms, "%Y-%m-%d %H:%M:%S"):
        missing = found.isna()
        if not missing.any():
            break
        read = pd.to_datetime(texts[missing], format=form, errors="coerce")
        # A time in nanoseconds cannot represent every year that a text may contain.
        found[missing] = read.where(read.dt.year.between(2000, 2199)).astype("datetime64[ns]")
    moments: pd.Series = found.dt.tz_localize(VIETNAM).dt.tz_convert("UTC")
    return moments


# --- Columns ----------------------------------------------------------------------------------------------------


def _columns(form: StatementForm) -> dict[str, ColumnSpec]:
    """Return the specification of each column, as the form describes it.

    The form also describes how a time is written; ``_parse_times`` reads the times. The columns ``direction``,
    ``carrier`` and ``status`` are not read if the form lists no words for them.
    """

    def word(meanings: Mapping[Any, Iterable[str]]) -> Any:  # noqa: ANN401 - a type for pydantic
        return word_of(meanings, [word for each in meanings.values() for word in each])

    reference = Annotated[str, AfterValidator(not_rounded), AfterValidator(_check_reference)]
    types: dict[Column, Any] = {
        "direction": word(form.directions),
        "reference": reference,
        "gateway_reference": reference,
        "msisdn": Annotated[str | None, BeforeValidator(_read_msisdn)],
        "sent_at": str,
        "segments": _number_type(form, 0),
        "price": _number_type(form, PRICE_PLACES),
        "amount": _number_type(form, AMOUNT_PLACES),
        "carrier": word(form.carriers),
        "status": word(form.statuses),
    }
    unread = {
        column
        for column, words in (("direction", form.directions), ("carrier", form.carriers), ("status", form.statuses))
        if not words
    }
    return {
        column: ColumnSpec(
            () if column in unread else form.columns.get(column, ()),
            value,
            required=column in form.required,
            filled=column in form.required and column != "sent_at",
            no_phones=column in (*REFERENCES, "segments", "price", "amount"),
        )
        for column, value in types.items()
    }


def _check_reference(written: str) -> str:
    """Refuse a text that cannot be a reference."""
    if not re.fullmatch(r"[\x21-\x7e]{1,100}", written):
        raise wrong("bad_reference")
    return written


def _read_msisdn(written: str) -> str | None:
    """Return a phone number with its country code; ``None`` if a part of the number is masked."""
    if _MASKED.search(written):
        return None
    not_rounded(written)
    # A spreadsheet may have stored the phone number as a decimal number: 905123456.0.
    whole = re.sub(r"^([0-9]+)[.,]0+$", r"\1", written)
    full = re.sub(r"^0084", "84", re.sub(r"[\s().+-]", "", whole))
    full = re.sub(r"^840(?=[0-9]{9,10}$)", "84", full)
    if re.fullmatch(r"0[0-9]{9,10}", full):
        full = "84" + full[1:]
    elif re.fullmatch(r"[35789][0-9]{8}", full):
        full = "84" + full
    if not _NUMBER.fullmatch(full):
        raise wrong("bad_phone")
    return "+" + full


def _number_type(form: StatementForm, places: int) -> Any:  # noqa: ANN401 - a type for pydantic
    """Return a type that reads a number with up to ``places`` decimal places as a whole number of its smallest unit.
    The type uses no float, which could change the number."""
    point, comma = re.escape(_thousands(form)), re.escape(form.decimal)
    whole = rf"([0-9]+|[0-9]{{1,3}}(?:{point}[0-9]{{3}})+)"
    # Three decimals are refused, because the decimal sign may be meant as a thousands separator.
    decimals = "[0-9]{1,2}|[0-9]{4}" if places > 2 else "[0-9]{1,2}"
    number = re.compile(f"{whole}(?:{comma}({decimals}))?" if places else f"{whole}()")
    example = f"1{_thousands(form)}234{form.decimal}5"

    def read(written: str) -> int:
        found = number.fullmatch(re.sub(r"\s*(?:đ|đồng|vnd|vnđ)$", "", written, flags=re.IGNORECASE))
        if found is None:
            raise wrong("bad_number", example=example) if places else wrong("bad_whole")
        units = found[1].replace(_thousands(form), "")
        if len(units) > (_DIGITS if places else _WHOLE_DIGITS):
            raise wrong("too_large_number")
        return int(units + (found[2] or "").ljust(places, "0"))

    return Annotated[int, BeforeValidator(read)]


def _thousands(form: StatementForm) -> str:
    """Return the thousands separator of the form."""
    return "." if form.decimal == "," else ","


# --- Lines ------------------------------------------------------------------------------------------------------


class _Reader:
    """Reads the lines of one sheet and collects their faults."""

    def __init__(
        self, table: Table, form: StatementForm, direction: Direction, month: date, now: datetime | None
    ) -> None:
        self.table, self.form, self.direction, self.month, self.now = table, form, direction, month, now
        self.faults: list[FileFault] = []
        self._totals = tuple(fold(word) for word in form.totals)
        self._rows, self._total = self._split_total()
        lines = set(map(int, self._rows.index)) if table.spilt else ()
        self.faults += [self.table.fault("cells_beyond", index) for index in table.spilt if index not in lines]

    @property
    def has_lines(self) -> bool:
        """Return whether the sheet has more than a heading, a total and notes."""
        return len(self._rows) > 0

    def check_total_of_none(self) -> None:
        """Check that the total of a sheet without lines is 0, if the sheet has a total."""
        if self._total is not None and not self.faults:
            self._check_total({"segments": 0, "amount": 0}, self._total)

    def _fault(self, code: FaultCode, where: pd.Series, column: Column | None = None, **values: object) -> None:
        """Add a fault for each marked row, up to ``_MOST_OF_A_COLUMN`` rows: a slipped column makes all rows wrong."""
        found = where.index[where.to_numpy()][:_MOST_OF_A_COLUMN]
        self.faults += [self.table.fault(code, int(index), column, **values) for index in found]

    def lines(self) -> pd.DataFrame:
        """Return the lines with the columns of ``Statement.lines``. If ``faults`` is not empty, the values must not be
        used."""
        import pandas as pd

        rows, form = self._rows, self.form
        if not len(rows):
            self.faults.append(FileFault("no_lines", self.table.sheet))
        columns = {column: spec for column, spec in _columns(form).items() if column != "sent_at"}
        read = read_values(self.table, columns, rows, most_wrong=_MOST_OF_A_COLUMN)
        self.faults += read.all_faults
        lines = read.rows.assign(line_no=rows.index + 1, sent_at=self._read_times())
        for column in ("segments", "price", "amount"):
            lines[column] = pd.array(lines[column].to_numpy(), dtype="Int64")
        if form.unit == "message":
            lines["segments"] = lines["segments"].fillna(1)
        lines["direction"] = lines["direction"].where(lines["direction"].notna(), self.direction)
        if not any(column in wrongs for wrongs in read.faults.values() for column in IDENTITIES):
            self._fault("no_identity", lines[list(IDENTITIES)].isna().all(axis=1) & ~self._holds_count(lines))
        if "amount" in self.table.columns:
            lines["billed"] = lines["amount"].fillna(0) > 0
        else:
            lines["billed"] = form.undelivered_is_billed | (lines["status"] != "undelivered")
        if self._total is None and form.total_required:
            self.faults.append(FileFault("no_total", self.table.sheet))
        if self._total is not None and not self.faults:
            self._check_total({column: int(lines[column].sum()) for column in ("segments", "amount")}, self._total)
        return lines

    def _holds_count(self, lines: pd.DataFrame) -> pd.Series:
        """Return for each line whether it sums up several inquiries and therefore identifies no single inquiry."""
        return (lines["direction"] == "mo") & (self.form.inquiry_lines == "summary")

    def _split_total(self) -> tuple[pd.DataFrame, int | None]:
        """Return the rows that are lines, and the index of the total's row.

        Notes and signatures are no lines. They have no cell below a heading of the form.
        """
        rows = self.table.rows
        times = self.table.texts("sent_at")
        assert times is not None
        read = list(self.table.columns.values())
        totals: list[int] = []
        untimed: list[int] = []
        # The label of a total may stand in the column of the time.
        worded = (times != "") & ~times.str.match("[0-9]")
        labelled = worded & times.where(worded, "").map(self._is_total).astype(bool) if worded.any() else worded
        for index in rows.index[(labelled | (times == "")).to_numpy()]:
            cells = [each for each in map(clean_cell, rows.loc[index]) if each]
            if cells and self._is_total(cells[0]):
                totals.append(int(index))
            elif labelled[index]:
                labelled[index] = False
            elif not totals and any(map(clean_cell, rows.loc[index].iloc[read])):
                untimed.append(int(index))
        self.faults += [self.table.fault("missing", index, "sent_at") for index in untimed[:_MOST_OF_A_COLUMN]]
        kept = rows[~(labelled | (times == "")).to_numpy()]
        if not totals:
            return kept, None
        after = kept.index > totals[0]
        self.faults += [self.table.fault("after_total", int(index)) for index in kept.index[after][:MOST_FAULTS]]
        return kept[~after], totals[0]

    def _is_total(self, text: str) -> bool:
        """Return whether a text is the label of a total."""
        first = fold(text) if text else ""
        return bool(first) and any(first == label or first.startswith(f"{label} ") for label in self._totals)

    def _read_times(self) -> pd.Series:
        """Return the times of the lines in UTC, and add faults for wrong times."""
        texts = self.table.texts("sent_at", self._rows)
        assert texts is not None
        moments = _parse_times(texts, self.form.dates)
        example = datetime(self.month.year, self.month.month, 5, 8, 30)  # noqa: DTZ001 - shown as it is written
        self._fault("bad_time", moments.isna(), "sent_at", example=example.strftime(self.form.dates[0]))
        begins, ends = Period.month_of(self.month).start, Period.month_of(self.month).end
        outside = moments.notna() & ((moments < begins) | (moments >= ends))
        self._fault("outside_month", outside, "sent_at", month=f"{self.month.month}/{self.month.year}")
        if self.now is not None:
            latest = self.now + timedelta(seconds=self.form.tolerance.seconds)
            self._fault("future", moments.notna() & ~outside & (moments > latest), "sent_at")
        return moments

    def _check_total(self, counted: Mapping[str, int], index: int) -> None:
        """Compare the total in the file with the sum of the lines."""
        columns = {
            column: replace(spec, filled=False) for column, spec in _columns(self.form).items() if column in counted
        }
        read = read_values(self.table, columns, self.table.rows.loc[[index]])
        for column, places, close in (("segments", 0, 0), ("amount", AMOUNT_PLACES, 10**AMOUNT_PLACES - 1)):
            stated = read.rows[column].iloc[0]
            # The provider may round a total to whole đồng.
            if stated is not None and abs(stated - counted[column]) > close:
                details = {
                    "told": self._format_number(stated, places),
                    "counted": self._format_number(counted[column], places),
                }
                self.faults.append(self.table.fault("bad_total", index, column, **details))
        self.faults += read.all_faults

    def _format_number(self, value: int, places: int) -> str:
        """Return a number in the form's notation."""
        whole, part = divmod(value, 10**places)
        text = f"{whole:,}".replace(",", _thousands(self.form))
        return f"{text}{self.form.decimal}{part:0{places}}" if part else text
