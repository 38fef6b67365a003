"""What a page is to somebody who hears it, walks it by keyboard, adds up its figures or prints it."""

from __future__ import annotations

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

A4 = {"width": 702, "height": 1031}
"""What paper shows between margins of 12 mm, in CSS pixels."""
HIGHEST = 4_000
"""CSS pixels of a page, of any width: six screens of a phone."""
_WIDER = "document.documentElement.scrollWidth - window.innerWidth"
_TOLD = r"""() => {
  const wrong = [], said = (each) => JSON.stringify(each.textContent.trim().replace(/\s+/g, " ").slice(0, 60));
  let before = 0;
  for (const heading of document.querySelectorAll("h1, h2, h3, h4, h5, h6")) {
    const level = Number(heading.tagName[1]);
    if (level > before + 1) wrong.push(`heading ${said(heading)} jumps from ${before} to ${level}`);
    before = level;
  }
  for (const table of document.querySelectorAll("main table")) {
    if (!table.caption?.textContent.trim()) wrong.push(`no caption: table ${said(table)}`);
    for (const head of table.querySelectorAll("th:not([scope])")) wrong.push(`head ${said(head)} of nothing`);
  }
  // As counts, sums and shares are written: not days, hours, phone numbers, codes.
  const figure = /^[-+−]?\d{1,3}(\.\d{3})*(,\d+)?( ?[%đ])?( ?\(.*%\))?( \/ \d[\d.]*)?$/;
  const right = (cell) => getComputedStyle(cell).textAlign === "right";
  for (const table of document.querySelectorAll("main table.rows")) {
    const heads = [...table.tHead.rows[0].cells];
    const rows = [...table.rows].filter((row) => !table.tHead.contains(row) && row.cells.length === heads.length);
    heads.forEach((head, at) => {
      const cells = rows.map((row) => row.cells[at]);
      const texts = cells.map((cell) => cell.textContent.trim().replace(/\s+/g, " "));
      const told = texts.filter((text) => text && text !== "–");
      // The head of a row names it, be it a number.
      const named = cells.some((cell) => cell.matches("th"));
      const counts = told.length && told.every((text) => figure.test(text)) && !named;
      if (counts && !right(head)) wrong.push(`figures ${said(head)} are not right`);
      if (cells.some((cell) => right(cell) !== right(head))) wrong.push(`${said(head)} stands apart from its cells`);
    });
  }
  return wrong;
}"""
_ON_PAPER = r"""() => {
  const wrong = [], name = (each) => `${each.tagName.toLowerCase()}.${each.className}`;
  for (const each of document.querySelectorAll("main *:not(.hidden, svg, svg *)")) {
    const style = getComputedStyle(each);
    if (!each.checkVisibility()) continue;
    if (each.matches("button, nav, input[type=search], input[type=submit]")) wrong.push(`${name(each)} is printed`);
    const cuts = style.overflowX !== "visible" || style.overflowY !== "visible" || each.matches("input, textarea");
    const more = each.scrollWidth > each.clientWidth + 1 || each.scrollHeight > each.clientHeight + 1;
    if (cuts && more) wrong.push(`${name(each)} is clipped`);
    if (each.matches("thead") && style.display !== "table-header-group") wrong.push("heads do not repeat");
    if (each.matches("table.rows tr") && style.breakInside !== "avoid") wrong.push("a row may break");
  }
  return wrong;
}"""


def faults(page: Page, within: str = "main") -> list[str]:
    """What is cut off, and what has not one heading of its own."""
    over = page.evaluate(_WIDER)
    headings = page.locator(f"{within} h1").count()
    return [f"{over} px wider than the window"] * (over > 0) + [f"{headings} headings"] * (headings != 1)


def findings(page: Page, *unasked: str) -> list[str]:
    """What axe calls moderate or worse, but for rules that are not asked."""
    found = Axe().run(page).response["violations"]
    return [
        f"{each['id']} at {each['nodes'][0]['target']}, {len(each['nodes'])} times"
        for each in found
        if each["impact"] != "minor" and each["id"] not in unasked
    ]


def untold(page: Page) -> list[str]:
    """Tables that do not say what they hold, figures that do not stand one below the other, headings that jump."""
    told: list[str] = page.evaluate(_TOLD)
    return told


def not_skipped(page: Page) -> list[str]:
    """A header that a keyboard has to walk through, on a page just opened."""
    page.keyboard.press("Tab")
    first = page.evaluate("document.activeElement.textContent")
    if first != "Đến nội dung":
        return [f"{first!r} comes first"]
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    # The content, or what follows it where nothing in it can be reached.
    left = page.evaluate("document.activeElement.closest('header') !== null")
    return ["the header is not skipped"] * left


def clipped_on_paper(page: Page) -> list[str]:
    """What a sheet of A4 would cut off, tear or print in vain. The window stays as it was."""
    before = page.viewport_size
    assert before
    page.emulate_media(media="print")
    page.set_viewport_size(A4)  # type: ignore[arg-type]
    wrong: list[str] = page.evaluate(_ON_PAPER)
    over = page.evaluate(_WIDER)
    page.emulate_media(media="screen")
    page.set_viewport_size(before)
    return wrong + [f"{over} px wider than the paper"] * (over > 0)


def height(page: Page) -> int:
    """How far down a page goes as it opens, in CSS pixels."""
    high: int = page.evaluate("document.documentElement.scrollHeight")
    return high
