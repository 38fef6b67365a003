"""Find faults of a page for people who use a screen reader or a keyboard, compare figures, or print the page."""

from __future__ import annotations

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

A4 = {"width": 702, "height": 1031}
"""CSS pixels of an A4 sheet between margins of 12 mm."""
HIGHEST = 4_000
"""Largest height that a page may have at any width, in CSS pixels: six screens of a phone."""
_WIDTH_BEYOND_WINDOW = "document.documentElement.scrollWidth - window.innerWidth"
_UNLABELLED = r"""() => {
  const wrong = [], said = (each) => JSON.stringify(each.textContent.trim().replace(/\s+/g, " ").slice(0, 60));
  let before = 0;
  for (const heading of document.querySelectorAll("h1, h2, h3, h4, h5, h6")) {
    const level = Number(heading.tagName[1]);
    if (level > before + 1) wrong.push(`heading ${said(heading)} jumps from ${before} to ${level}`);
    before = level;
  }
  for (const table of document.querySelectorAll("main table")) {
    if (!table.caption?.textContent.trim()) wrong.push(`no caption: table ${said(table)}`);
    for (const head of table.querySelectorAll("th:not([scope])")) wrong.push(`head ${said(head)} has no scope`);
  }
  // This matches counts, sums and shares, but no days, hours, phone numbers and codes.
  const figure = /^[-+−]?\d{1,3}(\.\d{3})*(,\d+)?( ?[%đ])?( ?\(.*%\))?( \/ \d[\d.]*)?$/;
  const right = (cell) => getComputedStyle(cell).textAlign === "right";
  for (const table of document.querySelectorAll("main table.rows")) {
    const heads = [...table.tHead.rows[0].cells];
    const rows = [...table.rows].filter((row) => !table.tHead.contains(row) && row.cells.length === heads.length);
    heads.forEach((head, at) => {
      const cells = rows.map((row) => row.cells[at]);
      const texts = cells.map((cell) => cell.textContent.trim().replace(/\s+/g, " "));
      const told = texts.filter((text) => text && text !== "–");
      // A head of a row is a name and no figure, even if it is a number.
      const named = cells.some((cell) => cell.matches("th"));
      const counts = told.length && told.every((text) => figure.test(text)) && !named;
      if (counts && !right(head)) wrong.push(`${said(head)} is not aligned right`);
      if (cells.some((cell) => right(cell) !== right(head))) wrong.push(`cells not aligned like ${said(head)}`);
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
    if (each.matches("thead") && style.display !== "table-header-group") wrong.push("head is not repeated");
    if (each.matches("table.rows tr") && style.breakInside !== "avoid") wrong.push("a row may be split");
  }
  return wrong;
}"""


def faults(page: Page, within: str = "main") -> list[str]:
    """Return two kinds of faults: a page wider than the window, and a page without exactly one main heading."""
    over = page.evaluate(_WIDTH_BEYOND_WINDOW)
    headings = page.locator(f"{within} h1").count()
    return [f"{over} px wider than the window"] * (over > 0) + [f"{headings} headings"] * (headings != 1)


def findings(page: Page, *unasked: str) -> list[str]:
    """Return the accessibility faults that axe calls moderate or worse, except those by the rules ``unasked``."""
    found = Axe().run(page).response["violations"]
    return [
        f"{each['id']} at {each['nodes'][0]['target']}, {len(each['nodes'])} times"
        for each in found
        if each["impact"] != "minor" and each["id"] not in unasked
    ]


def untold(page: Page) -> list[str]:
    """Return headings that skip a level, tables without a caption, heads without a scope, and figures not aligned."""
    told: list[str] = page.evaluate(_UNLABELLED)
    return told


def not_skipped(page: Page) -> list[str]:
    """Return a fault if a keyboard cannot skip the header of a page that was just opened."""
    page.keyboard.press("Tab")
    first = page.evaluate("document.activeElement.textContent")
    if first != "Đến nội dung":
        return [f"{first!r} comes first"]
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    # The focus is now in the content, or after it if no element of the content can get the focus.
    left = page.evaluate("document.activeElement.closest('header') !== null")
    return ["the header is not skipped"] * left


def clipped_on_paper(page: Page) -> list[str]:
    """Return what an A4 sheet would cut off or split, and buttons and other controls that would be printed."""
    before = page.viewport_size
    assert before
    page.emulate_media(media="print")
    page.set_viewport_size(A4)  # type: ignore[arg-type]
    wrong: list[str] = page.evaluate(_ON_PAPER)
    over = page.evaluate(_WIDTH_BEYOND_WINDOW)
    page.emulate_media(media="screen")
    page.set_viewport_size(before)
    return wrong + [f"{over} px wider than the paper"] * (over > 0)


def height(page: Page) -> int:
    """Return the height of a page right after it is opened, in CSS pixels."""
    high: int = page.evaluate("document.documentElement.scrollHeight")
    return high
