"""Describe page requests in words, for the pages and for the mail that announces them to the Department.

A page request is an order that a person gives on a staff page, such as to stop messages or to change recipients.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from motcua.domain.people import NEEDS_NO_MAIL, PageRequest
from motcua.reports.checks import stopped_in_words
from motcua.reports.mail import Mail, inline_styles, tidy
from motcua.reports.wording import count, moment, publication_words, words_in
from motcua.templating import templates

TOLD_OF = (5, 9)
"""Status codes about which citizens are informed."""


@dataclass(frozen=True, slots=True)
class RequestInWords:
    """One page request in words, as pages and mails show it."""

    request_no: int
    title: str
    lines: Sequence[str]
    asked: str
    needs_mail: bool
    """``True`` if the request is carried out only after a mail to the Department.

    The page or the next worker carries out other requests at once.
    """
    told_at: datetime | None
    applies_at: datetime | None
    untold_because: str | None
    ended_at: datetime | None
    outcome: str


@dataclass(frozen=True, slots=True)
class Names:
    """Names of agencies and statuses, by code."""

    agencies: Mapping[str, str]
    statuses: Mapping[int, str]


def request_words() -> dict[str, Any]:
    """Return the words about page requests."""
    return words_in("requests/words.vi")


def request_in_words(
    request: PageRequest,
    told: Mapping[str, Any] | None,
    names: Names,
    *,
    addresses_before: Sequence[str] | None = None,
) -> RequestInWords:
    """Describe a page request in words.

    Args:
        request: the page request.
        told: the effects of the request, such as dossiers by agency; ``None`` if they are not counted yet.
        names: names of agencies and statuses.
        addresses_before: the present recipients, for a request that changes them; ``None`` to show no address.
    """
    told = told or {}
    lines_of: Mapping[str, Callable[[], list[str]]] = {
        "map_status": lambda: _lines_of_status(request.wanted, told, names),
        "release": lambda: _lines_of_release(request.wanted, told, names),
        "recipients": lambda: _lines_of_recipients(request.wanted, told, addresses_before),
        "export_form": lambda: _lines_of_form(request.wanted, told, names),
        "stop": lambda: [request_words()["line"]["reason"].format(reason=request.wanted["reason"])],
        "go": lambda: [request_words()["line"]["gone"].format(messages=count(request.released or 0))],
        "confirm_year": lambda: _lines_of_year(request.wanted),
        "verify": lambda: [],
    }
    words = request_words()
    return RequestInWords(
        request.request_no,
        _title(request, names),
        lines_of[request.kind](),
        words["mail"]["asked"].format(by=request.asked_by, at=moment(request.asked_at)),
        request.kind not in NEEDS_NO_MAIL,
        request.told_at,
        request.applies_at,
        request.untold_because,
        request.ended_at,
        words["outcome"][request.outcome] + (f" ({request.ended_by})" if request.ended_by else "")
        if request.outcome
        else "",
    )


def _title(request: PageRequest, names: Names) -> str:
    titles, wanted = request_words()["title"], request.wanted
    if request.kind == "map_status":
        code = wanted["stands_for"]
        title = titles["taken_back" if code == wanted["written"] else "map_status"]
        return str(
            title.format(written=wanted["written"], source=wanted["source"], code=code, name=names.statuses[code])
        )
    if request.kind == "release":
        return str(titles["release"].format(messages=count(len(wanted["messages"]))))
    if request.kind == "recipients":
        return str(titles["recipients"].format(agency=names.agencies.get(wanted["agency"], wanted["agency"])))
    if request.kind in ("stop", "go"):
        code = wanted["agency"]
        what = stopped_in_words(wanted["kind"], names.agencies.get(code, code) if code else None)
        return str(titles[request.kind].format(what=what, until=moment(datetime.fromisoformat(wanted["until"]))))
    if request.kind == "confirm_year":
        return str(titles["confirm_year" if wanted["decision"] else "doubt_year"].format(year=wanted["year"]))
    return str(titles[request.kind].format(**wanted))


def _lines_of_status(wanted: Mapping[str, Any], told: Mapping[str, Any], names: Names) -> list[str]:
    line_words, code, before = request_words()["line"], wanted["stands_for"], wanted["stood_for"]
    lines = []
    if before in TOLD_OF:
        lines.append(line_words["stood_for"].format(code=before, name=names.statuses[before]))
    if code in TOLD_OF and "dossiers" in told:
        waiting: Mapping[str, int] = told["dossiers"]
        agencies = ", ".join(_agency_with_number(agency, number, names) for agency, number in waiting.items())
        line = line_words["tells" if waiting else "tells_later"]
        lines.append(line.format(name=names.statuses[code], dossiers=count(sum(waiting.values())), agencies=agencies))
    return lines


def _agency_with_number(agency: str, number: int, names: Names) -> str:
    return str(
        request_words()["line"]["of_agency"].format(agency=names.agencies.get(agency, agency), number=count(number))
    )


def _lines_of_release(wanted: Mapping[str, Any], told: Mapping[str, Any], names: Names) -> list[str]:
    line_words, kinds = request_words()["line"], publication_words()["kind"]
    lines = [line_words["reason"].format(reason=wanted["reason"])]
    if "messages" in told:
        lines += [
            line_words["goes_again"].format(
                agency=names.agencies.get(each["agency_code"], each["agency_code"]),
                messages=count(each["messages"]),
                kind=kinds[each["kind"]].lower(),
            )
            for each in told["messages"]
        ] or [line_words["goes_nowhere"]]
    return lines


def _lines_of_recipients(
    wanted: Mapping[str, Any], told: Mapping[str, Any], addresses_before: Sequence[str] | None
) -> list[str]:
    line_words = request_words()["line"]
    if addresses_before is not None and "addresses" in wanted:
        return [
            line_words["list_before"].format(addresses=", ".join(addresses_before) or line_words["nobody"]),
            line_words["list_after"].format(addresses=", ".join(wanted["addresses"]) or line_words["nobody"]),
        ]
    return [line_words["list_sizes"].format(**told)] if told else []


def _lines_of_year(wanted: Mapping[str, Any]) -> list[str]:
    decision = wanted["decision"]
    return [request_words()["line"]["decision"].format(decision=decision)] if decision else []


def _lines_of_form(wanted: Mapping[str, Any], told: Mapping[str, Any], names: Names) -> list[str]:
    line_words, form, before = request_words()["line"], wanted["form"], told.get("before")

    def line(which: str, after: str, old: str | None, **given: object) -> str:
        changed = old is not None and old != after
        return str(line_words[f"{which}_before" if changed else which].format(words=after, before=old, **given))

    def words(of: Mapping[str, Any], code: int) -> str:
        return "; ".join(of.get("statuses", {}).get(str(code), ())) or line_words["no_words"].format(code=code)

    def column(of: Mapping[str, Any]) -> str:
        return "; ".join(of.get("columns", {}).get("status", ()))

    lines = [
        line("form_column", column(form), None if before is None else column(before)),
        *(
            line(
                "form_status",
                words(form, code),
                None if before is None else words(before, code),
                code=code,
                name=names.statuses[code],
            )
            for code in TOLD_OF
        ),
    ]
    if "agencies" in told:
        agencies = ", ".join(names.agencies.get(code, code) for code in told["agencies"]) or line_words["nobody"]
        lines.append(line_words["form_agencies"].format(agencies=agencies))
    return lines


def requests_mail(requests: Sequence[RequestInWords], applies_at: datetime, page_url: str | None) -> Mail:
    """Compose the mail about page requests that are carried out at ``applies_at`` unless somebody withdraws them."""
    given = {"number": count(len(requests)), "at": moment(applies_at)}
    values: dict[str, Any] = {
        name: words.format(**given) for name, words in request_words()["mail"].items() if name != "asked"
    }
    values |= {"requests": requests, "page_url": page_url}
    environment = templates("requests", layouts="mail")
    return Mail(
        "yeu-cau",
        values["subject"],
        tidy(environment.get_template("mail.txt").render(values)),
        inline_styles(environment.get_template("mail.html").render(values)),
    )
