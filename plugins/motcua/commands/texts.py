"""Commands ``motcua texts``: appearance and cost of each text for each agency, and where it is registered."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from motcua.commands.lists import csv_of
from motcua.commands.terminal import By, print_rows, refuse, say, signed
from motcua.jobs.handed_in.agencies import AgencyFileError
from motcua.jobs.texts import (
    FIXED_WORDS,
    SHORTEST_VALUES,
    PreviewRow,
    TemplateCost,
    WhereRegistered,
    agencies_to_preview,
    forms_at_gateways,
    preview_texts,
    register_all,
    register_text,
    texts_list,
    unregister_text,
    where_registered,
    where_the_dong_go,
)
from motcua.reports.wording import count, words_in
from motcua.settings import include_dir, settings
from motcua.store.ledger.database import connect
from motcua.store.notices.registrations import RegistrationChange, list_registrations, registration_changes
from motcua.store.notices.templates import TemplateFileError, load_templates

app = typer.Typer(invoke_without_command=True)

# The width of the tables if the output is a file or a pipe.
_FILE_WIDTH = 140
# These texts are shown first, in this order. The other texts follow.
_ORDER = ("result", "supplement", "apology", "reply")


def _texts_words() -> dict[str, Any]:
    """Return the texts of include/templates/commands/texts.vi.yaml."""
    return words_in("commands/texts.vi")


@app.callback()
def texts(
    context: typer.Context,
    agencies: Annotated[
        Path | None,
        typer.Option(help="File of agencies. By default, include/agencies.yaml."),
    ] = None,
    price: Annotated[int, typer.Option(min=0, help="Price of a segment, in VND.")] = 800,
    csv: Annotated[Path | None, typer.Option(help="Write also every row with its text to this CSV file.")] = None,
) -> None:
    """Preview every text of every agency: length, encoding, segments, cost, and the gateways where it is registered."""
    if context.invoked_subcommand:
        return
    try:
        known = agencies_to_preview(agencies or include_dir() / "agencies.yaml")
        templates = load_templates()
        in_order = [name for name in _ORDER if name in templates]
        in_order += [name for name in templates if name not in in_order]
        rows = preview_texts(map(templates.__getitem__, in_order), known, price)
        if csv:
            csv.write_bytes(csv_of(texts_list(rows, forms_at_gateways())))
        registered = where_registered(templates.values())
    except (AgencyFileError, TemplateFileError, OSError) as error:
        typer.echo(_texts_words()["fault"].format(why=error), err=True)
        raise typer.Exit(1) from error

    wide = Console()
    if not wide.is_terminal:
        wide = Console(width=_FILE_WIDTH)
    for template_id, of_template in groupby(rows, key=lambda row: row.template_id):
        wide.print(_template_table(list(of_template), (registered or {}).get(template_id)))
        wide.print()
    wide.print(_cost_table(where_the_dong_go(rows), price))
    if in_full := [name for name, always in forms_at_gateways().items() if always]:
        wide.print(_texts_words()["always_accented"].format(gateways=", ".join(in_full)))
    if registered is None:
        wide.print(_texts_words()["no_ledger"])
    if csv:
        say(_texts_words()["written"].format(rows=count(len(rows)), path=csv))


# ---------------------------------------------------------------- registrations

_MINUTES = 60
_Gateway = Annotated[str, typer.Argument(help="Name in MOTCUA_GATEWAYS.")]


@app.command("register")
def register(
    gateway: _Gateway,
    template: Annotated[str | None, typer.Argument(help="Template and version, such as result.v1.")] = None,
    every: Annotated[bool, typer.Option("--all", help="The newest version of every template.")] = False,
    provider_template_id: Annotated[
        str | None, typer.Option(help="The provider's own id of the text without accents, where it gives one.")
    ] = None,
    accented_provider_template_id: Annotated[
        str | None, typer.Option(help="The provider's own id of the accented text, where it gives one.")
    ] = None,
    by: By = None,
    because: Annotated[
        str | None, typer.Option(help="The evidence, for example the provider's letter. It is stored.")
    ] = None,
) -> None:
    """Record that a gateway's provider has registered a text. Only registered texts are sent."""
    who = signed(by)
    ids = {
        "provider_template_id": provider_template_id,
        "accented_provider_template_id": accented_provider_template_id,
    }
    if every == (template is not None) or (every and any(ids.values())):
        raise refuse("Name one template, such as result.v1, or --all. The provider's ids belong to one template.")
    if template is None:
        changed = register_all(gateway, who, because)
        say(f"{len(changed)} template(s) newly registered at {gateway}; the others were already.")
    else:
        change = register_text(gateway, template, who, because, **ids)
        say(f"{template} is {change or 'already registered so'} at {gateway}.")
    minutes = settings().gateway_stop.total_seconds() / _MINUTES
    say(f"Messages that waited for it are sent within {minutes:g} minutes, with the next run.")


@app.command("unregister")
def unregister(
    gateway: _Gateway,
    template: Annotated[str, typer.Argument(help="Template and version, such as result.v1.")],
    because: Annotated[str, typer.Option(help="The reason. It is stored with the change.")],
    by: By = None,
) -> None:
    """Record that a text is no longer registered. The gateway then gets no more messages with that text."""
    unregister_text(gateway, template, signed(by), because)
    say(f"{template} is no longer registered at {gateway}: its messages go through another gateway, or wait.")


@app.command("registrations")
def show_registrations(
    history: Annotated[bool, typer.Option("--history", help="List every change instead, the latest first.")] = False,
    limit: Annotated[int, typer.Option(min=1, help="With --history, list at most this many changes.")] = 50,
) -> None:
    """List which texts are registered at which gateway, since when and by whom."""
    with connect() as connection:
        rows = registration_changes(connection, limit) if history else list_registrations(connection)
    lines = []
    for row in rows:
        if isinstance(row, RegistrationChange):
            key = row.gateway, row.template_id, row.template_version
            ids = row.ids_after or row.ids_before or (None, None)
            lines.append((key, ids, row.changed_at, row.changed_by, row.reason, row.change))
        else:
            ids = (row.registration.provider_template_id, row.registration.accented_provider_template_id)
            lines.append((row.registration.key, ids, row.registered_at, row.registered_by, row.reason, ""))
    print_rows(
        {
            "gateway": lambda each: each[0][0],
            "template": lambda each: f"{each[0][1]}.v{each[0][2]}",
            **({"change": itemgetter(5)} if history else {}),
            "provider's id": lambda each: each[1][0],
            "id of the accented text": lambda each: each[1][1],
            "since": itemgetter(2),
            "by": itemgetter(3),
            "why": itemgetter(4),
        },
        lines,
        empty="Nothing was ever registered." if history else "Nothing is registered: nothing can be sent.",
    )


# ---------------------------------------------------------------- the preview


def _template_table(rows: Sequence[PreviewRow], registered: WhereRegistered | None) -> Table:
    """Return the preview of one template as a table."""
    first, words = rows[0], _texts_words()
    table = Table(
        title=escape(f"{first.template_id} v{first.template_version}: {first.text}"),
        title_justify="left",
        title_style="",
        caption=words["caption"] + (escape(_registered(registered)) if registered else ""),
        caption_justify="left",
    )
    table.add_column(words["agency"])
    table.add_column(words["code"], justify="right")
    for accented, mode in ((True, words["mode"]["accented"]), (False, words["mode"]["plain"])):
        encodings = "/".join(sorted({row.encoding for row in rows if row.accented == accented}))
        table.add_column(f"{mode}\n{encodings}", justify="right")
        table.add_column(f"\n{words['segments']}", justify="right")
        table.add_column(f"\n{words['dong']}", justify="right")
        table.add_column(f"\n{words['to_spare']}", justify="right")
    table.add_column(words["note"])
    for label, with_accents, without in _preview_lines(rows):
        is_accented = bool(with_accents.agency and with_accents.agency.accented)
        cells = [label, str(len(with_accents.code)) if with_accents.code else ""]
        for row in (with_accents, without):
            style = "[bold]{}[/]" if row.accented == is_accented else "{}"
            figures = (row.length, row.segments, row.cost, row.to_spare)
            cells += [style.format(count(round(figure))) for figure in figures]
        table.add_row(*cells, _notes(with_accents, without))
    return table


def _registered(where: WhereRegistered) -> str:
    """Return where a template is registered, as a line."""
    words = _texts_words()
    line = words["registered"].format(where=", ".join(where.at) or words["nowhere"])
    if where.missing:
        line += words["missing"].format(where=", ".join(where.missing))
    return f"\n{line}"


def _preview_lines(rows: Sequence[PreviewRow]) -> Iterable[tuple[str, PreviewRow, PreviewRow]]:
    """Yield each line's label, and its text with and without accents. Agencies with equal figures share a line."""
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
            label = _texts_words()["every_agency"]
        elif len(group) > 1:
            label = _texts_words()["some_agencies"].format(number=len(group))
        else:
            label = with_accents.agency.name_in_texts
        yield escape(label), with_accents, without


def _notes(with_accents: PreviewRow, without: PreviewRow) -> str:
    """Return the warnings about the text with and without accents. Warnings about the text in use are highlighted."""
    used, other = without, with_accents
    if with_accents.agency and with_accents.agency.accented:
        used, other = with_accents, without
    notes = []
    for row, style in ((used, "yellow"), (other, "dim")):
        mode = _texts_words()["mode"]["accented" if row.accented else "plain"].lower()
        notes += [f"[{style}]{mode}: {warning}[/]" for warning in _warnings(row)]
    return "\n".join(notes)


def _warnings(row: PreviewRow) -> Iterable[str]:
    """Yield the warnings about one text."""
    words = _texts_words()["warning"]
    if row.changed:
        yield words["changed"].format(parts=_part_names(row.changed))
    if row.tipped_by:
        warning = words["too_many"].format(number=row.too_many, parts=_part_names(row.tipped_by))
        fitting = row.shares.get("agency_name", 0) - row.too_many
        if fitting >= SHORTEST_VALUES["agency_name"]:
            warning += words["fits"].format(number=fitting)
        yield warning


def _part_names(names: Iterable[str]) -> str:
    """Return the names of parts of a text, as staff call them."""
    return ", ".join(_texts_words()["part"].get(name, name) for name in names)


def _cost_table(costs: Sequence[TemplateCost], price: int) -> Table:
    """Return the costs of the templates as a table."""
    words = _texts_words()
    texts = words["cost"]
    table = Table(
        title=texts["title"].format(price=count(price)),
        title_justify="left",
        title_style="bold",
    )
    table.add_column(texts["template"])
    table.add_column(texts["part"])
    table.add_column(words["mode"]["accented"], justify="right")
    table.add_column(words["mode"]["plain"], justify="right")
    table.add_column(texts["saved"], justify="right")
    table.add_column(texts["why"])
    for cost in costs:
        for part in cost.accented.parts:
            accented, plain = cost.accented.parts[part], cost.unaccented.parts[part]
            table.add_row(
                cost.template_id if part == FIXED_WORDS else "",
                words["part"].get(part, part),
                count(round(accented)),
                count(round(plain)),
                count(round(accented - plain)),
                _reason(cost) if part == FIXED_WORDS else "",
            )
        segments = [", ".join(map(str, mode.segments)) for mode in (cost.accented, cost.unaccented)]
        table.add_row(
            "",
            f"[bold]{texts['total']}[/]",
            f"[bold]{count(round(cost.accented.cost))}[/]",
            f"[bold]{count(round(cost.unaccented.cost))}[/]",
            f"[bold]{count(round(cost.saved_without_accents))}[/]",
            texts["segments"].format(accented=segments[0], plain=segments[1]),
            end_section=True,
        )
    return table


def _reason(cost: TemplateCost) -> str:
    """Return why a template needs its number of segments."""
    room, texts = cost.room_in_one_segment, _texts_words()["cost"]
    if not cost.most_values:
        return str(texts["no_values"].format(number=cost.fixed_length))
    verdict = "always_more" if room < cost.least_values else "at_times_more" if room < cost.most_values else "fits"
    return str(
        texts["values"].format(
            fixed=cost.fixed_length,
            room=room,
            least=cost.least_values,
            most=cost.most_values,
            verdict=texts[verdict],
        )
    )
