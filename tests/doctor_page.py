"""The table of docs/operations/doctor.md: every fault that the doctor can name, with what to do.

``python -m tests.doctor_page`` writes it anew; a test holds the page against the code.
"""

from __future__ import annotations

from pathlib import Path

from motcua.jobs.doctor.faults import FAULTS

PAGE = Path(__file__).parents[1] / "docs" / "operations" / "doctor.md"
_BEGINS, _ENDS = "<!-- faults -->\n", "<!-- end of faults -->\n"


def page_with_table(page: str) -> str:
    """The page with the table as the code has it."""
    before, _, rest = page.partition(_BEGINS)
    _, _, after = rest.partition(_ENDS)
    rows = [
        f"| `{name}` | {fault.severity} | {_cell(fault.what)} | {_cell(fault.remedy)} |"
        for name, fault in FAULTS.items()
    ]
    head = ["| fault | | what it means | what to do |", "| --- | --- | --- | --- |"]
    return f"{before}{_BEGINS}" + "\n".join([*head, *rows]) + f"\n{_ENDS}{after}"


def _cell(words: str) -> str:
    return words.replace("|", "\\|").replace("<", "&lt;")


if __name__ == "__main__":
    PAGE.write_text(page_with_table(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
