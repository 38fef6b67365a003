"""The report as one HTML file that needs nothing else: read on a screen or a phone, printed from a browser."""

from __future__ import annotations

from base64 import b64encode
from functools import lru_cache

from jinja2 import Environment

from motcua.reports.publication.charts import Drawing
from motcua.reports.publication.document import Document
from motcua.templating import templates


def page(document: Document) -> bytes:
    """The report as HTML in UTF-8."""
    return _templates().get_template("publication.html").render(doc=document).encode()


def _data_uri(drawing: Drawing) -> str:
    # A picture of its own and not part of the page: what stands in it can neither run nor be styled from outside.
    return f"data:image/svg+xml;base64,{b64encode(drawing.svg.encode()).decode()}"


@lru_cache(maxsize=1)
def _templates() -> Environment:
    return templates("report", {"data_uri": _data_uri}, keep_last_newline=True)
