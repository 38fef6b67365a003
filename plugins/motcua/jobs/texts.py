"""Previews the texts of messages, and registers templates with the gateways' providers.

The preview shows what every template costs for every agency before a single message is sent. Each template is rendered
for each agency with a dossier's code in the short form of 2016 and in today's long form, the longest step name and the
longest date, with and without accents. Providers bill each segment of a text.

Senders send nothing from a version of a template that is not registered at the gateway, so that no money is spent on a
message that the provider would refuse. A message with an unregistered version waits, and the run fails.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import fmean
from typing import NamedTuple

from motcua.domain.texts import (
    GSM_ALONE,
    GSM_PER_PART,
    UCS2_ALONE,
    UCS2_PER_PART,
    Encoding,
    Registration,
    RegistrationKey,
    Template,
    remove_accents,
    render,
    segment_text,
)
from motcua.gateways import GatewayMisconfigured, open_gateway
from motcua.jobs.handed_in.agencies import read_agencies
from motcua.jobs.listing.reading import Listing
from motcua.reports import wording
from motcua.settings import settings
from motcua.store.ledger.database import connect
from motcua.store.notices.registrations import registrations, remove_registration, save_registrations
from motcua.store.notices.templates import load_template_versions, load_templates, version_in_name

# A dossier's code of 2016 has 9 characters. Since Thông tư 01/2018/TT-VPCP, article 19, a code consists of the agency's
# code and an ending such as LONG_CODE_ENDING. Both have 25 characters together if the agency's code has the national
# form (QCVN 102, such as 000.00.04.H32).
SHORT_CODE = "160915001"
LONG_CODE_ENDING = "-160915-0001"
# Dates are written without leading zeros, so dates in the last three months are the longest.
LONGEST_DATE = "15/12/2016"
# This is the longest name among the steps of a one-stop software of 2016.
LONGEST_STEP_NAME = "Chờ thực hiện nghĩa vụ tài chính"

# These are the shortest lengths of values: a dossier's code of 2016, the shortest name among the pilot's agencies (Sở
# GTVT), the shortest step (Xử lý). A value can cause a further segment only by the characters that it has beyond this
# length.
SHORTEST_VALUES = {"dossier_code": 9, "asked_code": 9, "agency_name": 7, "step_name": 5}

FIXED_WORDS = "fixed_words"


class AgencyToPreview(NamedTuple):
    """An agency with the fields that a text shows; ``accented`` if the agency's texts have accents."""

    agency_code: str
    name: str
    short_name: str | None
    accented: bool

    @property
    def name_in_texts(self) -> str:
        """The short name if there is one, otherwise the name."""
        return self.short_name or self.name


def agencies_to_preview(path: Path) -> list[AgencyToPreview]:
    """Return the agencies of a file that ``motcua agencies import`` could read.

    Raises:
        AgencyFileError: the file cannot be read, or an entry is wrong.
    """
    return [
        AgencyToPreview(agency.agency_code, agency.name, agency.short_name, agency.accented)
        for agency in read_agencies(path)
    ]


@dataclass(frozen=True, slots=True)
class PreviewRow:
    """One template as one agency would send it. `agency` is None if the text shows nothing of an agency.

    `length` counts septets or UTF-16 units, and `shares` divides the length among the fixed words and the parameters.
    `cost` is in đồng. `to_spare` is how much longer the text may get in the same number of segments. If shorter values
    would save a segment, `too_many` is the length by which the text must shrink for that. `tipped_by` then names the
    parameters that are longer than in `SHORTEST_VALUES`, the largest excess first. Otherwise `too_many` is 0 and
    `tipped_by` is empty. `changed` names the parameters that the rules for values cut or rewrote.
    """

    template_id: str
    template_version: int
    agency: AgencyToPreview | None
    code: str | None
    accented: bool
    text: str
    encoding: Encoding
    length: int
    shares: Mapping[str, int]
    segments: int
    cost: int
    to_spare: int
    too_many: int
    tipped_by: tuple[str, ...]
    changed: tuple[str, ...]


def preview_texts(
    templates: Iterable[Template], agencies: Sequence[AgencyToPreview], price_per_segment: int
) -> list[PreviewRow]:
    """Render every template for every agency, with each length of code, with accents and without.

    A template without parameters is rendered once for all agencies. `price_per_segment` is in đồng.
    """
    rows = []
    for template in templates:
        for agency in agencies if template.parameters else (None,):
            for code in _codes(template, agency):
                values = _realistic_values(template, agency, code)
                for accented in (True, False):
                    rows.append(_preview(template, agency, code, values, accented, price_per_segment))
    return rows


def _codes(template: Template, agency: AgencyToPreview | None) -> tuple[str | None, ...]:
    if agency is None or not {"dossier_code", "asked_code"} & set(template.parameters):
        return (None,)
    return (SHORT_CODE, agency.agency_code + LONG_CODE_ENDING)


def _realistic_values(template: Template, agency: AgencyToPreview | None, code: str | None) -> dict[str, str]:
    values = {
        "dossier_code": code or "",
        "asked_code": code or "",
        "agency_name": agency.name_in_texts if agency else "",
        "due_date": LONGEST_DATE,
        "step_name": LONGEST_STEP_NAME,
    }
    return values | {name: max(words.values(), key=len) for name, words in template.choices.items()}


def _preview(
    template: Template,
    agency: AgencyToPreview | None,
    code: str | None,
    values: Mapping[str, str],
    accented: bool,
    price_per_segment: int,
) -> PreviewRow:
    rendered = render(template, values, accented)
    measured = segment_text(rendered.text)
    shares = {
        name: _units(value, measured.encoding)
        for name, value in zip(template.parameters, rendered.parameters, strict=True)
    }
    savings = {name: shares[name] - SHORTEST_VALUES[name] for name in shares if name in SHORTEST_VALUES}
    savings = {name: saving for name, saving in savings.items() if saving > 0}
    too_many = measured.length - capacity(measured.encoding, measured.segments - 1)
    is_tipped = measured.segments > 1 and too_many <= sum(savings.values())
    return PreviewRow(
        template_id=template.template_id,
        template_version=template.version,
        agency=agency,
        code=code,
        accented=accented,
        text=rendered.text,
        encoding=measured.encoding,
        length=measured.length,
        shares={FIXED_WORDS: measured.length - sum(shares.values()), **shares},
        segments=measured.segments,
        cost=measured.segments * price_per_segment,
        to_spare=capacity(measured.encoding, measured.segments) - measured.length,
        too_many=too_many if is_tipped else 0,
        tipped_by=tuple(sorted(savings, key=savings.__getitem__, reverse=True)) if is_tipped else (),
        changed=tuple(
            name
            for name, shown in zip(template.parameters, rendered.parameters, strict=True)
            if shown != (values[name] if accented else remove_accents(values[name]))
        ),
    )


@dataclass(frozen=True, slots=True)
class WhereRegistered:
    """The gateways in use, divided by whether a version of a template is registered there."""

    at: tuple[str, ...]
    missing: tuple[str, ...]


def where_registered(templates: Iterable[Template]) -> dict[str, WhereRegistered] | None:
    """Return where the templates that go through gateways are registered, by template id. Return None if no ledger is
    connected.

    Templates of replies are left out, because a reply is not sent through a gateway like other messages: the gateway of
    the short code calls the callbacks app with the citizen's text, and the answer to this call is the reply.
    """
    from airflow.sdk.exceptions import AirflowNotFoundException

    try:
        with connect() as ledger:
            known = registrations(ledger)
    except AirflowNotFoundException:
        return None
    found = {}
    for template in templates:
        if not template.template_id.startswith("reply"):
            version = (template.template_id, template.version)
            at = tuple(name for name in settings().gateways if (name, *version) in known)
            missing = tuple(name for name in settings().gateways if name not in at)
            found[template.template_id] = WhereRegistered(at, missing)
    return found


def capacity(encoding: Encoding, segments: int) -> int:
    """Return how many septets or UTF-16 units fit in this number of segments."""
    alone, per_part = (GSM_ALONE, GSM_PER_PART) if encoding == "GSM-7" else (UCS2_ALONE, UCS2_PER_PART)
    return alone if segments == 1 else segments * per_part


def _units(value: str, encoding: Encoding) -> int:
    # A value in GSM-7 may be part of a text that is not in GSM-7, and then counts in UTF-16 units.
    return len(value.encode("utf-16-le")) // 2 if encoding == "UCS-2" else segment_text(value).length


@dataclass(frozen=True, slots=True)
class ModeCost:
    """The average cost of one template with or without accents, in đồng, and the cost of each part of its text.

    A text's cost is divided by length: each character costs the same.
    """

    segments: tuple[int, ...]
    cost: float
    parts: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class TemplateCost:
    """How the cost of a template divides into its parts, over all its previewed rows.

    `fixed_length` is the length of the fixed words. `least_values` and `most_values` are the smallest and the largest
    length of all values together. All three are lengths without accents.
    """

    template_id: str
    template_version: int
    fixed_length: int
    least_values: int
    most_values: int
    accented: ModeCost
    unaccented: ModeCost

    @property
    def room_in_one_segment(self) -> int:
        """How many characters all values together may have in one segment without accents."""
        return GSM_ALONE - self.fixed_length

    @property
    def saved_without_accents(self) -> float:
        """How much less an average message costs without accents, in đồng."""
        return self.accented.cost - self.unaccented.cost


def where_the_dong_go(rows: Iterable[PreviewRow]) -> list[TemplateCost]:
    """Divide the average cost of each template's messages among the fixed words and the values."""
    by_template: dict[tuple[str, int], list[PreviewRow]] = {}
    for row in rows:
        by_template.setdefault((row.template_id, row.template_version), []).append(row)
    costs = []
    for (template_id, version), of_template in by_template.items():
        plain = [row for row in of_template if not row.accented]
        values = [row.length - row.shares[FIXED_WORDS] for row in plain]
        costs.append(
            TemplateCost(
                template_id,
                version,
                plain[0].shares[FIXED_WORDS],
                min(values),
                max(values),
                _mode_cost([row for row in of_template if row.accented]),
                _mode_cost(plain),
            )
        )
    return costs


def _mode_cost(rows: Sequence[PreviewRow]) -> ModeCost:
    return ModeCost(
        tuple(sorted({row.segments for row in rows})),
        fmean(row.cost for row in rows),
        {
            part: fmean(row.cost * row.shares[part] / row.length if row.length else 0 for row in rows)
            for part in rows[0].shares
        },
    )


def _yes_or_no(*, so: bool) -> str:
    return str(wording.list_words()["truth"]["yes" if so else "no"])


def forms_at_gateways() -> dict[str, bool]:
    """Return for each gateway in use, if its connection can be read, whether it sends every text with accents because
    accents cost nothing there. Other gateways send the form that the agency chose."""
    forms = {}
    for name in settings().gateways:
        with suppress(GatewayMisconfigured):
            forms[name] = open_gateway(name).accents_cost_nothing
    return forms


def texts_list(rows: Sequence[PreviewRow], forms: Mapping[str, bool]) -> Listing:
    """Return every row of the previews as a list; ``forms`` comes from ``forms_at_gateways``."""
    return Listing("texts").of(
        rows,
        agency_code=lambda row, seen: row.agency.agency_code if row.agency else None,
        agency=lambda row, seen: row.agency.name_in_texts if row.agency else None,
        accented=lambda row, seen: _yes_or_no(so=row.accented),
        used_by_agency=lambda row, seen: _yes_or_no(so=row.agency.accented == row.accented) if row.agency else None,
        gateways=lambda row, seen: ", ".join(name for name in forms if _is_sent_at(row, forms[name])) or None,
        tipped_by=lambda row, seen: " ".join(row.tipped_by) or None,
        changed=lambda row, seen: " ".join(row.changed) or None,
    )


def _is_sent_at(row: PreviewRow, always_accented: bool) -> bool:
    """Returns whether a gateway sends this form of the text."""
    return row.accented if always_accented or row.agency is None else row.accented == row.agency.accented


class RegistrationRefused(ValueError):
    """A registration, or its removal, was refused; the text states why."""


def register_all(gateway: str, changed_by: str, reason: str | None = None) -> dict[RegistrationKey, str]:
    """Registers the newest version of every template at a gateway. Returns the changed registrations, each with the
    kind of change.

    Raises:
        RegistrationRefused: the gateway is not in use, or ``changed_by`` is empty.
    """
    newest = load_templates().values()
    return _register([Registration(gateway, each.template_id, each.version) for each in newest], changed_by, reason)


def register_text(
    gateway: str,
    name: str,
    changed_by: str,
    reason: str | None = None,
    *,
    provider_template_id: str | None = None,
    accented_provider_template_id: str | None = None,
) -> str | None:
    """Registers one version of a template, such as ``result.v1``, with the provider's ids. Returns ``registered`` or
    ``changed``, or None if nothing changed. An id that is not given stays as it was.

    Raises:
        RegistrationRefused: the gateway is not in use, there is no such template, ``changed_by`` or an id is empty, or
            an id is for a form of the text (with or without accents) that the gateway never sends.
    """
    ids = (provider_template_id, accented_provider_template_id)
    if any(each is not None and not each.strip() for each in ids):
        raise RegistrationRefused("The provider's id of a template is empty.")
    template_id, version = _version(name)
    if (template_id, version) not in (known := load_template_versions()):
        names = ", ".join(f"{each}.v{number}" for each, number in sorted(known))
        raise RegistrationRefused(f"There is no template {name}; there are {names}.")
    if provider_template_id and not accented_provider_template_id and forms_at_gateways().get(gateway):
        raise RegistrationRefused(f"{gateway} sends every text with accents: give the id of the accented template.")
    wanted = Registration(gateway, template_id, version, *(each and each.strip() for each in ids))
    return _register([wanted], changed_by, reason).get(wanted.key)


def unregister_text(gateway: str, name: str, changed_by: str, reason: str) -> None:
    """Removes a registration, also of a gateway or a version that is no longer in use. Senders then send no more
    messages with that version at that gateway.

    Raises:
        RegistrationRefused: the version is not registered there, or the person or the reason is missing.
    """
    template_id, version = _version(name)
    if not changed_by.strip() or not reason.strip():
        raise RegistrationRefused("To unregister a template, give the name of a person and a reason.")
    key = (gateway, template_id, version)
    with connect() as ledger:
        if not remove_registration(
            ledger, key, changed_by=changed_by.strip(), reason=reason.strip(), now=datetime.now(UTC)
        ):
            at = sorted(known for known, *registered in registrations(ledger) if registered == [template_id, version])
            where = f"only at {', '.join(at)}" if at else "nowhere"
            raise RegistrationRefused(f"{name} is not registered at {gateway}: it is {where}.")


def _register(wanted: list[Registration], changed_by: str, reason: str | None) -> dict[RegistrationKey, str]:
    unknown = {each.gateway for each in wanted}.difference(settings().gateways)
    if unknown:
        in_use = ", ".join(settings().gateways) or "none"
        raise RegistrationRefused(f"There is no gateway {', '.join(unknown)}: MOTCUA_GATEWAYS names {in_use}.")
    if not changed_by.strip():
        raise RegistrationRefused("To register a template, give the name of a person.")
    with connect() as ledger:
        return save_registrations(
            ledger,
            wanted,
            changed_by=changed_by.strip(),
            reason=(reason or "").strip() or None,
            now=datetime.now(UTC),
        )


def _version(name: str) -> tuple[str, int]:
    found = version_in_name(name)
    if found is None:
        raise RegistrationRefused(f"{name} is no version of a template: write it like its file's name, result.v1.")
    return found
