"""Takes a picture of a page of the demo: opened as its agency's administrator, cropped to what it shows, kept small."""

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
"""Bytes of a picture; more is slow to load and not read better."""
NARROWEST = 700
"""Pixels from left to right, below which words on a picture are hard to read."""
_WIDE, _SHARPNESS = 1000, 1.5
"""The browser's window, and pixels of a picture for each of the page's."""
_MARGIN = 10
_COLOURS = 128
_MARK = "each => { each.style.outline = '4px solid #d9480f'; each.style.outlineOffset = '4px'; }"


class CannotTake(Exception):
    """The demo does not show what a picture is to show; the message says what is missing."""


_AS_STAFF_SEE_IT = """() => {
  document.activeElement.blur();
  for (const each of document.querySelectorAll('input[type^=date]')) {
    const [year, month, day, time] = each.value.split(/[-T]/);
    each.type = 'text';
    each.value = year ? [`${day}/${month}/${year}`, time].filter(Boolean).join(' ') : '';
  }
}"""
"""Nothing is being typed, and days are written as in Viet Nam: Chromium writes them by the language it was made for."""


@dataclass(frozen=True, slots=True)
class Demo:
    """A running demo, by the folder that it lives in."""

    folder: Path
    airflow: str
    phones: str
    """Address of its wall of phones."""
    password: str
    """Of the agency's administrator."""

    @classmethod
    def in_folder(cls, folder: Path) -> Demo:
        """The demo that runs in a data folder.

        Raises:
            CannotTake: none was ever started there.
        """
        environment = kept_environment(folder)
        if not environment:
            raise CannotTake(f"no demo was ever started in {folder}")
        passwords = json.loads((folder / "airflow" / "passwords.json").read_text(encoding="utf-8"))
        phones = f"http://127.0.0.1:{json.loads(environment['AIRFLOW_CONN_SMS_KANNEL'])['port']}"
        return cls(folder, environment["AIRFLOW__API__BASE_URL"], phones, passwords[AGENCY_USER])

    def stop_results_of(self, agency: str, reason: str) -> None:
        """Has the Department stop an agency's results for an hour.

        Raises:
            CannotTake: the command refused.
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
        """Opens one of our pages, by its address below ``/motcua/``."""
        self.page.goto(f"{self.demo.airflow}/motcua/{address}")
        return self.page

    def section(self, heading: str) -> Locator:
        """A heading of the second rank, by how it begins."""
        return self.page.get_by_role("heading", level=2, name=re.compile("^" + re.escape(heading))).first

    def under(self, heading: str) -> Locator:
        """What stands right below a heading of the second rank, or below the line that holds it."""
        line = self.section(heading).locator(
            "xpath=self::*[not(parent::*[@class='with-files'])] | parent::*[@class='with-files']"
        )
        return line.locator("xpath=following-sibling::*[contains(@class, 'card')][1]")

    def mark(self, where: Locator) -> None:
        """Draws a frame around what the reader is to look at."""
        where.first.evaluate(_MARK)

    def first_of(self, whole: Locator, part: str, number: int) -> Locator:
        """What holds a list, with its first parts alone."""
        whole.locator(part).evaluate_all("(all, number) => all.slice(number).forEach(each => each.remove())", number)
        return whole

    def find_dossier(self, listed: str, said: str) -> str:
        """The address of the newest dossier of a list whose first sentence reads so.

        Args:
            listed: query of the list of messages.
            said: a regular expression for the sentence.

        Raises:
            CannotTake: the list's first page has none.
        """
        self.open(f"messages?agency={self.agency}&{listed}")
        links = self.page.locator("main .code a").evaluate_all("all => all.map(each => each.href)")
        for link in links:
            self.page.goto(link)
            if re.search(said, self.page.locator("main .say").inner_text()):
                return str(link)
        raise CannotTake(f"no dossier of {listed} says {said!r} ({len(links)} looked at)")


Shows = Callable[[Visit], list[Locator]]
"""Opens the page as it is to be seen, and says what of it is to be on the picture."""


@contextmanager
def visit(demo: Demo) -> Iterator[Visit]:
    """Opens a browser and signs in by Airflow's own form.

    Raises:
        CannotTake: there is no browser, or the administrator was given no agency.
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
                raise CannotTake(f"{AGENCY_USER} was given no agency")
            yield Visit(page, demo, link.split("code=")[1])
        finally:
            browser.close()


def _window(browser: Browser) -> Page:
    size = {"width": _WIDE, "height": 900}
    context = browser.new_context(viewport=size, device_scale_factor=_SHARPNESS, locale="vi-VN")  # type: ignore[arg-type]
    context.set_default_timeout(60_000)
    return context.new_page()


def take(visiting: Visit, name: str, shows: Shows) -> int:
    """Takes a picture and keeps it; returns its bytes.

    Raises:
        CannotTake: what is to be seen is not there, or the picture is too large or too narrow.
    """
    shown = shows(visiting)
    boxes = [box for each in shown if (box := each.first.bounding_box())]
    if len(boxes) < len(shown):
        raise CannotTake(f"{name}: not all that is to be seen is there")
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
        raise CannotTake(f"{name}: {len(png):,} bytes, {wide} pixels wide; show less, or something wider")
    FOLDER.mkdir(exist_ok=True)
    kept = FOLDER / f"{name}.png"
    kept.write_bytes(png)
    kept.chmod(0o644)  # the demo has files made for nobody else's eyes
    return len(png)


def _small(png: bytes) -> bytes:
    """The same picture in few colours: pages are words on plain grounds."""
    few = Image.open(io.BytesIO(png)).convert("RGB").quantize(_COLOURS, dither=Image.Dither.NONE)
    written = io.BytesIO()
    few.save(written, "PNG", optimize=True)
    return written.getvalue()


SOURCE = Path(__file__).parents[2] / "docs" / "vi" / "to-dan-tuong-quay.typ"
PDF = SOURCE.with_suffix(".pdf")


def print_sheet() -> bytes:
    """The sheet as a PDF/A, with fonts that typst brings and no date.

    Raises:
        typst.TypstError: the source is broken.
    """
    return typst.compile(
        SOURCE, root=SOURCE.parent, ignore_system_fonts=True, format="pdf", pdf_standards="a-2a", timestamp=0
    )
