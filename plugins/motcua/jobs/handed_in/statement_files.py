"""Reads a provider's monthly statement (bảng kê) line by line, as its form says.

A form is a file in include/statements, how a provider writes its file and what was agreed with it: one that changes its
headings, or a new contract, needs no code. A statement is taken whole or not at all. Numbers, times and words count
only where they are written as the form says: what could be read in two ways is refused, with its line and column.
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
"""``mt``: a message that was sent; ``mo``: an inquiry to 9029."""
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
"""Ours, which the provider gives back, and the provider's own."""
IDENTITIES: Final[tuple[Column, ...]] = (*REFERENCES, "msisdn")
"""Columns by which a line finds its message; a form needs one of them."""
_NAME: Final = re.compile(r"[a-z0-9_]+")


class FormError(Exception):
    """A form is missing or cannot be used; the message says which and why."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Tolerance(_Frozen):
    """What may differ without making a run red, as agreed with the provider."""

    seconds: int = Field(default=300, ge=0, le=86_400)
    """Between the provider's time and ours."""
    segments_percent: Decimal = Field(default=Decimal(1), ge=0, le=100)
    amount_percent: Decimal = Field(default=Decimal(1), ge=0, le=100)
    inquiries_percent: Decimal = Field(default=Decimal(1), ge=0, le=100)


def _carriers(value: dict[str, Any]) -> dict[str, Any]:
    unknown = sorted(value.keys() - CARRIERS)
    if unknown:
        raise ValueError(f"unknown carriers {', '.join(unknown)}; there are: {', '.join(sorted(CARRIERS))}")
    return value


class StatementForm(_Frozen):
    """How one provider writes its statement, and what was agreed with it; the shipped forms say what each field is."""

    gateway: str = Field(pattern=r"^[a-z0-9_]+$")
    sheets: dict[Direction, tuple[str, ...]] = {}
    columns: dict[Column, tuple[str, ...]]
    directions: dict[Direction, tuple[str, ...]] = {}
    statuses: dict[Status, tuple[str, ...]] = {}
    carriers: Annotated[dict[str, tuple[str, ...]], AfterValidator(_carriers)] = {}
    totals: tuple[str, ...] = ()
    total_required: bool = False
    decimal: Literal[",", "."] = ","
    dates: tuple[str, ...] = Field(min_length=1)
    unit: Literal["segment", "message"] = "segment"
    """What it bills; of messages a line is one unless a column says how many."""
    undelivered_is_billed: bool = True
    inquiry_share_percent: Decimal = Field(default=Decimal(100), ge=0, le=100)
    inquiry_lines: Literal["each", "summary"] = "each"
    tolerance: Tolerance = Tolerance()

    @model_validator(mode="after")
    def _can_be_read(self) -> StatementForm:
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
        """Columns without which a statement is refused."""
        wanted: set[Column] = {"sent_at"}
        if self.unit == "segment":
            wanted.add("segments")
        if self.columns.get("amount"):
            wanted.add("amount")
        return frozenset(wanted)


def _folder() -> Path:
    return include_dir() / "statements"


def form_names() -> list[str]:
    """Names of the forms that there are."""
    return sorted(path.stem for path in _folder().glob("*.yaml"))


@lru_cache(maxsize=32)
def load_form(name: str) -> StatementForm:
    """The form ``include/statements/<name>.yaml``.

    Raises:
        FormError: there is none, or it cannot be used.
    """
    path = _folder() / f"{name}.yaml"
    if not _NAME.fullmatch(name) or not path.is_file():
        raise FormError(f"There is no form {name}; there are: {', '.join(form_names()) or 'none'}.")
    return read_form(path)


def read_form(path: Path) -> StatementForm:
    """A form in a file.

    Raises:
        FormError: it cannot be used.
    """
    try:
        return StatementForm.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except ValidationError as error:
        what = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}".lstrip(": ") for each in error.errors())
        raise FormError(f"{path.name}: {what}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise FormError(f"{path.name} is no YAML in UTF-8: {error}") from None


AMOUNT_PLACES: Final = 2
"""Decimal places of an amount in đồng; it is held as a whole number of hundredths."""
PRICE_PLACES: Final = 4
"""Likewise of a price, in ten-thousandths."""
MOST_LINES: Final = 2_000_000
"""Of a file: a million of them need 1.3 GB."""
_DIGITS: Final = 12
"""Of a number before its decimal sign, at most."""
_WHOLE_DIGITS: Final = 9
"""Of a number of segments, at most: what an integer of the ledger can hold."""
_LARGEST_SUM: Final = 10**15
"""Of all segments, and of all amounts in hundredths of a đồng: what the ledger can hold."""
_MASKED: Final = re.compile(r"[*xX#]")
# Of Vietnam with nine or ten digits after the country's code, or of another country.
_NUMBER: Final = re.compile(r"84[0-9]{9,10}|(?!84)[1-9][0-9]{7,14}")
_FIRST_ROWS: Final = 1000
"""Rows in which the month, or lines on a sheet that the form does not name, are looked for."""
_MOST_OF_A_COLUMN: Final = MOST_FAULTS * 50
"""Faults of one column that are counted; of these ``MOST_FAULTS`` are told."""


@dataclass(frozen=True)
class Statement:
    """A statement that can be taken; amounts in hundredths of a đồng, prices in ten-thousandths."""

    month: date
    """Its first day."""
    lines: pd.DataFrame
    """``direction, line_no, reference, gateway_reference, msisdn, sent_at, segments, price, amount, carrier, status,
    billed``; times in UTC."""
    covers: frozenset[Direction]
    """What it tells of: also a sheet without a line tells that there was none."""

    def of(self, direction: Direction) -> pd.DataFrame:
        """The lines of one direction."""
        return self.lines[self.lines["direction"] == direction]

    @property
    def segments(self) -> int:
        """Segments billed, or messages of a provider that bills these."""
        sent = self.of("mt")
        return int(sent.loc[sent["billed"], "segments"].sum())

    @property
    def amount(self) -> Decimal:
        """Đồng billed for them."""
        return Decimal(int(self.of("mt")["amount"].sum())).scaleb(-AMOUNT_PLACES)

    @property
    def inquiries(self) -> int:
        """Inquiries."""
        return int(self.of("mo")["segments"].sum())

    @property
    def revenue(self) -> Decimal:
        """Đồng owed to us for them."""
        return Decimal(int(self.of("mo")["amount"].sum())).scaleb(-AMOUNT_PLACES)

    @property
    def last_at(self) -> datetime:
        """Time of the last line."""
        return cast("datetime", self.lines["sent_at"].max().to_pydatetime())


_MONTHS: Final = (
    # 2026-11, 202611, 2026.11, but not the day 2026-11-05, on which a file was made.
    re.compile(r"(?<!\d)(?P<year>20\d\d)[-_. ]?(?P<month>0[1-9]|1[0-2])(?!\d|[-_. ][0-3]\d(?![\dh]))"),
    re.compile(r"(?<!\d)(?<!\d[-_. ])(?P<month>0?[1-9]|1[0-2])[-_. ](?P<year>20\d\d)(?!\d)"),
)


def month_in_name(name: str) -> date | None:
    """The month that a file's name tells: ``2026-11``, ``202611``, ``11-2026``; ``None``: it tells none, or several."""
    for form in _MONTHS:
        found = {(int(each["year"]), int(each["month"])) for each in form.finditer(name)}
        if found:
            return date(*found.pop(), 1) if len(found) == 1 else None
    return None


def read_statement(
    content: bytes, name: str, form: StatementForm, month: date | None = None, now: datetime | None = None
) -> Statement:
    """A statement, checked: every line readable, all in one month, the total equal to the sum of the lines.

    Args:
        content: of the file.
        name: of the file; CSV unless it ends as a workbook does, or is one. Tells the month where it holds one.
        form: how the provider writes; its times are those of Vietnam's clock.
        month: its first day; by default what the name tells, else the month of the first line.
        now: lines later than that, but for the agreed tolerance, are refused; by default none is.

    Raises:
        FileRefused: the file cannot be taken; with every fault by line and column, and the month where it is known.
    """
    month = month or month_in_name(name)
    try:
        tables = list(_tables(content, name, form))
        month = month or _first_month(tables, form)
        if month is None:
            raise FileRefused(name, [FileFault("bad_month")])
        return _checked(tables, name, form, month, now)
    except FileRefused as refused:
        refused.month = month
        raise


def _checked(
    tables: Sequence[tuple[Direction, Table]], name: str, form: StatementForm, month: date, now: datetime | None
) -> Statement:
    import pandas as pd

    faults: list[FileFault] = []
    parts = []
    readers = [_Reader(table, form, direction, month, now) for direction, table in tables]
    filled = any(reader.has_lines for reader in readers)
    for reader in readers:
        if filled and not reader.has_lines:
            # Nothing to bill in this month, while the other sheet has lines.
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


def _tables(content: bytes, name: str, form: StatementForm) -> Iterable[tuple[Direction, Table]]:
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
        # What nobody reads would be missed by nobody: a copy such as “MT (2)”, or where a long sheet goes on.
        if sheet not in chosen.values():
            first = book.read(sheet, decimal=form.decimal, most=_FIRST_ROWS)
            if _looks_like_lines(first, name, form, found.values()):
                raise FileRefused(name, [FileFault("extra_sheet", sheet)])
    yield from found.items()


def _looks_like_lines(sheet: Sheet, name: str, form: StatementForm, others: Iterable[Table]) -> bool:
    """Whether it has a heading of its own with rows below, or rows that fit below the heading of another sheet."""
    try:
        if len(find_table(sheet, name, _columns(form)).rows):
            return True
    except FileRefused:
        pass
    for table in others:
        at, many = table.columns["sent_at"], table.columns.get("segments", table.columns["sent_at"])
        if max(at, many) < sheet.cells.shape[1]:
            times = _times(sheet.cells.iloc[:, at].map(clean_cell), form.dates)
            if (times.notna() & (at == many or sheet.cells.iloc[:, many].str.fullmatch("[0-9]{1,4}"))).any():
                return True
    return False


def _first_month(tables: Sequence[tuple[Direction, Table]], form: StatementForm) -> date | None:
    for _, table in tables:
        first = table.rows.iloc[:_FIRST_ROWS, table.columns["sent_at"]].map(clean_cell)
        times = _times(first, form.dates)
        if times.notna().any():
            return cast("date", times.dropna().iloc[0].tz_convert(VIETNAM).date().replace(day=1))
    return None


def _times(texts: pd.Series, forms: Sequence[str]) -> pd.Series:
    """The moments in UTC; NaT for what none of the forms reads."""
    import pandas as pd

    found = pd.Series(pd.NaT, index=texts.index, dtype="datetime64[ns]")
    for form in (*forms, "%Y-%m-%d %H:%M:%S"):
        missing = found.isna()
        if not missing.any():
            break
        read = pd.to_datetime(texts[missing], format=form, errors="coerce")
        # Nanoseconds cannot tell every year that can be written.
        found[missing] = read.where(read.dt.year.between(2000, 2199)).astype("datetime64[ns]")
    moments: pd.Series = found.dt.tz_localize(VIETNAM).dt.tz_convert("UTC")
    return moments


# --- Columns ----------------------------------------------------------------------------------------------------


def _columns(form: StatementForm) -> dict[str, ColumnSpec]:
    """What the form says of each column; how a time is written is told by the form, too, and read apart. A column of
    which the form knows no word is not read."""

    def word(meanings: Mapping[Any, Iterable[str]]) -> Any:  # noqa: ANN401 - a type for pydantic
        return word_of(meanings, [word for each in meanings.values() for word in each])

    reference = Annotated[str, AfterValidator(not_rounded), AfterValidator(_reference)]
    types: dict[Column, Any] = {
        "direction": word(form.directions),
        "reference": reference,
        "gateway_reference": reference,
        "msisdn": Annotated[str | None, BeforeValidator(_msisdn)],
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


def _reference(written: str) -> str:
    if not re.fullmatch(r"[\x21-\x7e]{1,100}", written):
        raise wrong("bad_reference")
    return written


def _msisdn(written: str) -> str | None:
    """A number with its country's code; ``None``: it is masked in part."""
    if _MASKED.search(written):
        return None
    not_rounded(written)
    # 905123456.0: a table of numbers that were taken for such.
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
    """Whole numbers of the smallest unit with so many decimal places; exact, no float in between."""
    point, comma = re.escape(_thousands(form)), re.escape(form.decimal)
    whole = rf"([0-9]+|[0-9]{{1,3}}(?:{point}[0-9]{{3}})+)"
    # Three decimals would be thousands in the other notation.
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
    return "." if form.decimal == "," else ","


# --- Lines ------------------------------------------------------------------------------------------------------


class _Reader:
    """Reads the lines of one sheet and gathers what is wrong in it."""

    def __init__(
        self, table: Table, form: StatementForm, direction: Direction, month: date, now: datetime | None
    ) -> None:
        self.table, self.form, self.direction, self.month, self.now = table, form, direction, month, now
        self.faults: list[FileFault] = []
        self._totals = tuple(fold(word) for word in form.totals)
        self._rows, self._total = self._body()
        lines = set(map(int, self._rows.index)) if table.spilt else ()
        self.faults += [self.table.fault("cells_beyond", index) for index in table.spilt if index not in lines]

    @property
    def has_lines(self) -> bool:
        """Whether there is more than a heading, a total and notes."""
        return len(self._rows) > 0

    def check_total_of_none(self) -> None:
        """Where there is no line, a total may say so: it is 0."""
        if self._total is not None and not self.faults:
            self._check_total({"segments": 0, "amount": 0}, self._total)

    def _fault(self, code: FaultCode, where: pd.Series, column: Column | None = None, **values: object) -> None:
        """One fault for each of these rows: of a column that slipped every one, and nobody reads a million."""
        found = where.index[where.to_numpy()][:_MOST_OF_A_COLUMN]
        self.faults += [self.table.fault(code, int(index), column, **values) for index in found]

    def lines(self) -> pd.DataFrame:
        """The lines, in the columns of ``Statement.lines``; meaningless where there are faults."""
        import pandas as pd

        rows, form = self._rows, self.form
        if not len(rows):
            self.faults.append(FileFault("no_lines", self.table.sheet))
        columns = {column: spec for column, spec in _columns(form).items() if column != "sent_at"}
        read = read_values(self.table, columns, rows, most_wrong=_MOST_OF_A_COLUMN)
        self.faults += read.all_faults
        lines = read.rows.assign(line_no=rows.index + 1, sent_at=self._moments())
        for column in ("segments", "price", "amount"):
            lines[column] = pd.array(lines[column].to_numpy(), dtype="Int64")
        if form.unit == "message":
            lines["segments"] = lines["segments"].fillna(1)
        lines["direction"] = lines["direction"].where(lines["direction"].notna(), self.direction)
        if not any(column in wrongs for wrongs in read.faults.values() for column in IDENTITIES):
            self._fault("no_identity", lines[list(IDENTITIES)].isna().all(axis=1) & ~self._summed_up(lines))
        if "amount" in self.table.columns:
            lines["billed"] = lines["amount"].fillna(0) > 0
        else:
            lines["billed"] = form.undelivered_is_billed | (lines["status"] != "undelivered")
        if self._total is None and form.total_required:
            self.faults.append(FileFault("no_total", self.table.sheet))
        if self._total is not None and not self.faults:
            self._check_total({column: int(lines[column].sum()) for column in ("segments", "amount")}, self._total)
        return lines

    def _summed_up(self, lines: pd.DataFrame) -> pd.Series:
        """Lines that count inquiries instead of being one."""
        return (lines["direction"] == "mo") & (self.form.inquiry_lines == "summary")

    def _body(self) -> tuple[pd.DataFrame, int | None]:
        """The rows that are lines, and the index of the total's row.

        Notes and signatures, which have nothing below any of the headings that are read, are no lines.
        """
        rows = self.table.rows
        times = self.table.texts("sent_at")
        assert times is not None
        read = list(self.table.columns.values())
        totals: list[int] = []
        untimed: list[int] = []
        # The label of a total may stand where the time does.
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
        first = fold(text) if text else ""
        return bool(first) and any(first == label or first.startswith(f"{label} ") for label in self._totals)

    def _moments(self) -> pd.Series:
        texts = self.table.texts("sent_at", self._rows)
        assert texts is not None
        moments = _times(texts, self.form.dates)
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
        columns = {
            column: replace(spec, filled=False) for column, spec in _columns(self.form).items() if column in counted
        }
        read = read_values(self.table, columns, self.table.rows.loc[[index]])
        for column, places, close in (("segments", 0, 0), ("amount", AMOUNT_PLACES, 10**AMOUNT_PLACES - 1)):
            told = read.rows[column].iloc[0]
            # A total may be rounded to whole đồng.
            if told is not None and abs(told - counted[column]) > close:
                said = {"told": self._written(told, places), "counted": self._written(counted[column], places)}
                self.faults.append(self.table.fault("bad_total", index, column, **said))
        self.faults += read.all_faults

    def _written(self, value: int, places: int) -> str:
        whole, part = divmod(value, 10**places)
        text = f"{whole:,}".replace(",", _thousands(self.form))
        return f"{text}{self.form.decimal}{part:0{places}}" if part else text
