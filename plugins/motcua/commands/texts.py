"""`motcua texts`: what every text looks like and costs, for every agency."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from motcua.jobs.configure_agencies import AgencyFileError
from motcua.jobs.preview_texts import (
    FIXED_WORDS,
    SHORTEST_VALUES,
    PreviewRow,
    TemplateCost,
    agencies_to_preview,
    preview_texts,
    where_the_dong_go,
    write_csv,
)
from motcua.settings import include_dir
from motcua.store.templates import TemplateFileError, load_templates

_PARTS = {
    FIXED_WORDS: "lời cố định",
    "dossier_code": "mã hồ sơ",
    "asked_code": "mã đã nhắn",
    "agency_name": "tên cơ quan",
    "due_date": "ngày hẹn trả",
    "step_name": "tên bước",
    "punctuality": "đúng hạn/trễ hạn",
}
# Wide enough for the tables where the output is a file or a pipe.
_WIDTH_OF_A_FILE = 140
# The four texts of the report first, then the other replies.
_ORDER = ("result", "supplement", "apology", "reply")


def texts(
    agencies: Annotated[
        Path | None,
        typer.Option(help="Tệp cơ quan theo mẫu include/agencies.yaml; mặc định là chính tệp đó."),
    ] = None,
    price: Annotated[int, typer.Option(min=0, help="Giá một tin (segment), đồng.")] = 800,
    csv: Annotated[Path | None, typer.Option(help="Ghi thêm mọi dòng, kèm nội dung, ra tệp CSV này.")] = None,
) -> None:
    """Xem trước mọi mẫu tin của mọi cơ quan: độ dài, bảng mã, số tin, số tiền, có dấu và không dấu."""
    try:
        known = agencies_to_preview(agencies or include_dir() / "agencies.yaml")
        templates = load_templates()
        in_order = [name for name in _ORDER if name in templates]
        in_order += [name for name in templates if name not in in_order]
        rows = preview_texts(map(templates.__getitem__, in_order), known, price)
        if csv:
            write_csv(rows, csv)
    except (AgencyFileError, TemplateFileError, OSError) as error:
        typer.echo(f"Lỗi: {error}", err=True)
        raise typer.Exit(1) from error

    console = Console()
    if not console.is_terminal:
        console = Console(width=_WIDTH_OF_A_FILE)
    for _, of_template in groupby(rows, key=lambda row: row.template_id):
        console.print(_template_table(list(of_template)))
        console.print()
    console.print(_cost_table(where_the_dong_go(rows), price))
    if csv:
        console.print(f"Đã ghi {_number(len(rows))} dòng vào {csv}", markup=False, highlight=False)


def _number(value: float) -> str:
    """Write a whole number as Vietnam does: 1.100."""
    return f"{round(value):,}".replace(",", ".")


def _template_table(rows: Sequence[PreviewRow]) -> Table:
    first = rows[0]
    table = Table(
        title=escape(f"{first.template_id} v{first.template_version}: {first.text}"),
        title_justify="left",
        title_style="",
        caption="đậm: chế độ cơ quan đang dùng; còn dư: số ký tự còn thêm được mà không thêm tin",
        caption_justify="left",
    )
    table.add_column("Cơ quan")
    table.add_column("Mã,\nký tự", justify="right")
    for accented, mode in ((True, "Có dấu"), (False, "Không dấu")):
        encodings = "/".join(sorted({row.encoding for row in rows if row.accented == accented}))
        table.add_column(f"{mode}\n{encodings}", justify="right")
        table.add_column("\ntin", justify="right")
        table.add_column("\nđồng", justify="right")
        table.add_column("\ncòn dư", justify="right")
    table.add_column("Lưu ý")
    for label, with_accents, without in _lines(rows):
        is_accented = bool(with_accents.agency and with_accents.agency.accented)
        cells = [label, str(len(with_accents.code)) if with_accents.code else ""]
        for row in (with_accents, without):
            style = "[bold]{}[/]" if row.accented == is_accented else "{}"
            figures = (row.length, row.segments, row.cost, row.to_spare)
            cells += [style.format(_number(figure)) for figure in figures]
        table.add_row(*cells, _notes(with_accents, without))
    return table


def _lines(rows: Sequence[PreviewRow]) -> Iterable[tuple[str, PreviewRow, PreviewRow]]:
    """Yield a label and the two modes of each line; agencies that a text does not tell apart share one."""
    pairs = list(zip(rows[::2], rows[1::2], strict=True))
    alike: dict[object, list[tuple[PreviewRow, PreviewRow]]] = {}
    for position, (with_accents, without) in enumerate(pairs):
        names_agency = "agency_name" in with_accents.shares
        accented = with_accents.agency and with_accents.agency.accented
        figures = (with_accents.length, without.length, len(with_accents.code or ""), accented)
        alike.setdefault(position if names_agency else figures, []).append((with_accents, without))
    for group in alike.values():
        with_accents, without = group[0]
        if with_accents.agency is None:
            label = "mọi cơ quan"
        elif len(group) > 1:
            label = f"{len(group)} cơ quan"
        else:
            label = with_accents.agency.name_in_texts
        yield escape(label), with_accents, without


def _notes(with_accents: PreviewRow, without: PreviewRow) -> str:
    used, other = without, with_accents
    if with_accents.agency and with_accents.agency.accented:
        used, other = with_accents, without
    notes = []
    for row, style in ((used, "yellow"), (other, "dim")):
        mode = "có dấu" if row.accented else "không dấu"
        notes += [f"[{style}]{mode}: {warning}[/]" for warning in _warnings(row)]
    return "\n".join(notes)


def _warnings(row: PreviewRow) -> Iterable[str]:
    if row.changed:
        yield f"bị cắt hoặc sửa: {_parts(row.changed)}"
    if row.tipped_by:
        warning = f"thừa {row.too_many} ký tự nên thêm 1 tin ({_parts(row.tipped_by)})"
        fitting = row.shares.get("agency_name", 0) - row.too_many
        if fitting >= SHORTEST_VALUES["agency_name"]:
            warning += f"; vừa nếu tên ≤ {fitting}"
        yield warning


def _parts(names: Iterable[str]) -> str:
    return ", ".join(_PARTS.get(name, name) for name in names)


def _cost_table(costs: Sequence[TemplateCost], price: int) -> Table:
    table = Table(
        title=f"Tiền đi đâu: đồng, bình quân một tin nhắn ({_number(price)} đồng một tin, chia theo ký tự)",
        title_justify="left",
        title_style="bold",
    )
    table.add_column("Mẫu")
    table.add_column("Phần")
    table.add_column("Có dấu", justify="right")
    table.add_column("Không dấu", justify="right")
    table.add_column("Không dấu\ntiết kiệm", justify="right")
    table.add_column("Vì sao")
    for cost in costs:
        for part in cost.accented.parts:
            accented, plain = cost.accented.parts[part], cost.unaccented.parts[part]
            table.add_row(
                cost.template_id if part == FIXED_WORDS else "",
                _PARTS.get(part, part),
                _number(accented),
                _number(plain),
                _number(accented - plain),
                _reason(cost) if part == FIXED_WORDS else "",
            )
        segments = (", ".join(map(str, mode.segments)) + " tin" for mode in (cost.accented, cost.unaccented))
        table.add_row(
            "",
            "[bold]cộng[/]",
            f"[bold]{_number(cost.accented.cost)}[/]",
            f"[bold]{_number(cost.unaccented.cost)}[/]",
            f"[bold]{_number(cost.saved_without_accents)}[/]",
            "có dấu {}, không dấu {}".format(*segments),
            end_section=True,
        )
    return table


def _reason(cost: TemplateCost) -> str:
    room = cost.room_in_one_segment
    if not cost.most_values:
        return f"{cost.fixed_length} ký tự, không có giá trị nào"
    if room < cost.least_values:
        verdict = "luôn hơn 1 tin"
    elif room < cost.most_values:
        verdict = "có khi hơn 1 tin"
    else:
        verdict = "vừa 1 tin"
    values = f"{cost.least_values}-{cost.most_values}"
    return f"lời {cost.fixed_length} ký tự, chừa {room}, giá trị cần {values}: {verdict}"
