"""The report as one HTML file that needs nothing else: read on a screen or a phone, printed from a browser."""

from __future__ import annotations

from base64 import b64encode
from functools import lru_cache

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from motcua.reports.publication.charts import Drawing
from motcua.reports.publication.document import Document
from motcua.settings import include_dir


def page(document: Document) -> bytes:
    """The report as HTML in UTF-8."""
    return _templates().get_template("publication.html").render(doc=document).encode()


def _data_uri(drawing: Drawing) -> str:
    # A picture of its own and not part of the page: what stands in it can neither run nor be styled from outside.
    return f"data:image/svg+xml;base64,{b64encode(drawing.svg.encode()).decode()}"


@lru_cache(maxsize=1)
def _templates() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(include_dir() / "templates" / "report"),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["data_uri"] = _data_uri
    return environment
