"""Take a picture of a demo's page as an agency's administrator sees it; crop it, and store it in a small file."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import typst
from PIL import Image
from playwright.sync_api import Browser, FloatRect, Locator, Page, sync_playwright

from motcua.domain.clock import VIETNAM
from motcua.sandbox.machine.deployment import ADMINISTRATOR, AGENCY_USER, kept_environment

FOLDER = Path(__file__).parents[2] / "docs" / "vi" / "hinh"
LARGEST = 150_000
"""Most bytes of a picture. A larger picture loads slowly and is no easier to read."""
NARROWEST = 700
"""Least width in pixels. Words on a narrower picture are hard to read."""
_WIDE, _SHARPNESS = 1000, 1.5
"""Width of the browser's window, and number of a picture's pixels for each pixel of the page, in each direction."""
_MARGIN = 10
_COLOURS = 128
_MARK = "each => { each.style.outline = '4px solid #d9480f'; each.style.outlineOffset = '4px'; }"


class CannotTake(Exception):
    """The demo does not show what a picture should show. The message states what is missing."""


_AS_STAFF_SEE_IT = """() => {
  document.activeElement.blur();
  for (const each of document.querySelectorAll('input[type^=date]')) {
    const [year, month, day, time] = each.value.split(/[-T]/);
    each.type = 'text';
    each.value = year ? [`${day}/${month}/${year}`, time].filter(Boolean).join(' ') : '';
  }
}"""
"""Script that removes the focus from the page's fields, and writes dates in the Vietnamese form.

Chromium itself writes dates in the language that it was built for.
"""


@dataclass(frozen=True, slots=True)
class Demo:
    """A running demo, by its folder."""

    folder: Path
    airflow: str
    phones: str
    """Address of the demo's page that shows the simulated phones."""
    password: str
    """Password of the agency's administrator."""

    @classmethod
    def in_folder(cls, folder: Path) -> Demo:
        """Return the demo that runs in a data folder.

        Raises:
            CannotTake: no demo was ever started there.
        """
        environment = kept_environment(folder)
        if not environment:
            raise CannotTake(f"no demo was ever started in {folder}")
        passwords = json.loads((folder / "airflow" / "passwords.json").read_text(encoding="utf-8"))
        phones = f"http://127.0.0.1:{json.loads(environment['AIRFLOW_CONN_SMS_KANNEL'])['port']}"
        return cls(folder, environment["AIRFLOW__API__BASE_URL"], phones, passwords[AGENCY_USER])

    def stop_results_of(self, agency: str, reason: str) -> None:
        """Stop, as the Department, an agency's messages about results for an hour.

        Raises:
            CannotTake: the command refused to do so.
        """
        until = datetime.now(VIETNAM) + timedelta(hours=1)
        stop = [str(Path(sys.executable).with_name("motcua")), "stop", "--kind", "result", "--agency", agency]
        stop += ["--until", f"{until:%Y-%m-%dT%H:%M}", "--reason", reason, "--as-department", "--by", ADMINISTRATOR]
        done = subprocess.run(stop, env=os.environ | {"MOTCUA_DATA": str(self.folder)}, capture_output=True, text=True)
        if done.returncode:
            raise CannotTake(f"motcua stop: {done.stderr[-500:]}")


@dataclass(frozen=True, slots=True)
class Visit:
    """A browser in which the administrator of the demo's first agency is signed in."""

    page: Page
    demo: Demo
    agency: str
    """Code of the agency."""

    def open(self, address: str) -> Page:
        """Open a staff page, by its address below ``/motcua/``."""
        self.page.goto(f"{self.demo.airflow}/motcua/{address}")
        return self.page

    def section(self, heading: str) -> Locator:
        """Return a heading of level 2, by its first words."""
        return self.page.get_by_role("heading", level=2, name=re.compile("^" + re.escape(heading))).first

    def under(self, heading: str) -> Locator:
        """Return the card right below a heading of level 2, or below the line that contains the heading."""
        line = self.section(heading).locator(
            "xpath=self::*[not(parent::*[@class='with-files'])] | parent::*[@class='with-files']"
        )
        return line.locator("xpath=following-sibling::*[contains(@class, 'card')][1]")

    def mark(self, where: Locator) -> None:
        """Draw a frame around an element, so that readers of the picture notice the element."""
        where.first.evaluate(_MARK)

    def first_of(self, whole: Locator, part: str, number: int) -> Locator:
        """Remove all but the first ``number`` parts of a list, and return the element that contains the list."""
        whole.locator(part).evaluate_all("(all, number) => all.slice(number).forEach(each => each.remove())", number)
        return whole

    def find_dossier(self, listed: str, said: str) -> str:
        """Open the dossiers of a list of messages until a page begins with a certain sentence; return its address.

        Args:
            listed: query string of the list of messages.
            said: a regular expression that the first sentence of the dossier's page must match.

        Raises:
            CannotTake: no dossier on the first page of the list has such a sentence.
        """
        self.open(f"messages?agency={self.agency}&{listed}")
        links = self.page.locator("main .code a").evaluate_all("all => all.map(each => each.href)")
        for link in links:
            self.page.goto(link)
            if re.search(said, self.page.locator("main .say").inner_text()):
                return str(link)
        raise CannotTake(f"no dossier of {listed} states {said!r} ({len(links)} opened)")


Shows = Callable[[Visit], list[Locator]]
"""A function that opens the page in the state to be shown, and returns the elements that the picture must contain."""


@contextmanager
def visit(demo: Demo) -> Iterator[Visit]:
    """Open a browser and sign in by Airflow's own form.

    Raises:
        CannotTake: there is no browser, or the administrator has no agency.
    """
    program = shutil.which("chromium")
    if program is None:
        raise CannotTake("Chromium is not installed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        try:
            page = _window(browser)
            page.goto(f"{demo.airflow}/motcua/settings")
            page.get_by_label("Username").fill(AGENCY_USER)
            page.get_by_label("Password").fill(demo.password)
            page.get_by_role("button", name="Sign in").click()
            page.wait_for_url(lambda url: "/auth/login" not in url)
            page.goto(f"{demo.airflow}/motcua/settings")
            link = page.locator("main tbody a").first.get_attribute("href") or ""
            if "code=" not in link:
                raise CannotTake(f"{AGENCY_USER} has no agency")
            yield Visit(page, demo, link.split("code=")[1])
        finally:
            browser.close()


def _window(browser: Browser) -> Page:
    size = {"width": _WIDE, "height": 900}
    context = browser.new_context(viewport=size, device_scale_factor=_SHARPNESS, locale="vi-VN")  # type: ignore[arg-type]
    context.set_default_timeout(60_000)
    return context.new_page()


def take(visiting: Visit, name: str, shows: Shows) -> int:
    """Take a picture, store it, and return its bytes.

    Raises:
        CannotTake: an element is missing, or the picture is too large or too narrow.
    """
    shown = shows(visiting)
    boxes = [box for each in shown if (box := each.first.bounding_box())]
    if len(boxes) < len(shown):
        raise CannotTake(f"{name}: an element of the picture is missing")
    page = visiting.page
    page.evaluate(_AS_STAFF_SEE_IT)
    down = page.evaluate("scrollY")
    left, right = min(box["x"] for box in boxes), max(box["x"] + box["width"] for box in boxes)
    top = min(box["y"] for box in boxes) + down
    bottom = max(box["y"] + box["height"] for box in boxes) + down
    x, y = max(left - _MARGIN, 0), max(top - _MARGIN, 0)
    clip: FloatRect = {"x": x, "y": y, "width": min(right + _MARGIN, _WIDE) - x, "height": bottom + _MARGIN - y}
    png = _small(page.screenshot(full_page=True, clip=clip))
    wide = Image.open(io.BytesIO(png)).width
    if len(png) > LARGEST or wide < NARROWEST:
        raise CannotTake(f"{name}: {len(png):,} bytes, {wide} pixels wide; crop it, or show a wider element")
    FOLDER.mkdir(exist_ok=True)
    kept = FOLDER / f"{name}.png"
    kept.write_bytes(png)
    kept.chmod(0o644)  # With the demo's settings, new files can be read only by their owner.
    return len(png)


def _small(png: bytes) -> bytes:
    """Return the same picture with few colours, which are enough for pages of text on plain backgrounds."""
    few = Image.open(io.BytesIO(png)).convert("RGB").quantize(_COLOURS, dither=Image.Dither.NONE)
    written = io.BytesIO()
    few.save(written, "PNG", optimize=True)
    return written.getvalue()


SOURCE = Path(__file__).parents[2] / "docs" / "vi" / "to-dan-tuong-quay.typ"
PDF = SOURCE.with_suffix(".pdf")


def print_sheet() -> bytes:
    """Return the sheet for the counter's wall as a PDF/A, with the fonts of typst and without a date.

    Raises:
        typst.TypstError: the sheet's source file has an error.
    """
    return typst.compile(
        SOURCE, root=SOURCE.parent, ignore_system_fonts=True, format="pdf", pdf_standards="a-2a", timestamp=0
    )
