"""The table of docs/vi/kiem-tra-nguon.md: everything that a check of a source can find, with what to do.

``python -m tests.unit.domain.checking.source_check_page`` writes it anew; a test holds the page against the code.
"""

from __future__ import annotations

from pathlib import Path

from motcua.domain.checks import CHECKS, KINDS
from motcua.reports.checking import check_words

PAGE = Path(__file__).parents[4] / "docs" / "vi" / "kiem-tra-nguon.md"
_BEGINS, _ENDS = "<!-- findings -->\n", "<!-- end of findings -->\n"


def page_with_table(page: str) -> str:
    """The page with the table as the code has it."""
    before, _, rest = page.partition(_BEGINS)
    _, _, after = rest.partition(_ENDS)
    words = check_words()
    rows = []
    for kind in KINDS:
        said = words["findings"][kind]
        cells = (f"`{kind}`", said["title"], words["weight"][CHECKS[kind].severity], said["why"], said["action"])
        rows.append(f"| {' | '.join(map(_cell, cells))} |")
    head = ["| mã | điều sai | mức độ | vì sao cần sửa | cần làm |", "| --- | --- | --- | --- | --- |"]
    return f"{before}{_BEGINS}" + "\n".join([*head, *rows]) + f"\n{_ENDS}{after}"


def _cell(words: str) -> str:
    return words.replace("|", "\\|").replace("<", "&lt;")


if __name__ == "__main__":
    PAGE.write_text(page_with_table(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
