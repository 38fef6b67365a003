"""Invented reports of closings: plausible ones with the pilot's thirteen agencies, and ones with extreme content."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

from motcua.domain.dossiers import Kind
from motcua.domain.periods import Period
from motcua.domain.reconciliation import (
    STATES,
    AgencyFigures,
    AgencyWords,
    Budget,
    Change,
    ChangeCause,
    Closing,
    ComplaintCount,
    Difference,
    DifferenceReason,
    DossierFigures,
    Figures,
    Measure,
    MessageFigures,
    Orphan,
    OrphanSort,
    QueryUsed,
    ReasonCount,
    ReconciliationReport,
    Side,
    StopWords,
    Timing,
    Urged,
)
from motcua.reports.wording import publication_words

DAY = Period.parse("2026-11-24")
MONTH = Period.parse("2026-10")
NHA_TRANG, TU_PHAP, XAY_DUNG = "000.00.30.H32", "000.00.09.H32", "000.00.03.H32"
PROCEDURES = {
    "1.005129": "Cấp bản sao trích lục hộ tịch, bản sao Giấy khai sinh",
    "1.001193": "Đăng ký khai sinh",
    "2.002492": "Chuyển mục đích sử dụng đất phải được phép của cơ quan nhà nước có thẩm quyền",
    "1.004227": "Cấp giấy phép xây dựng nhà ở riêng lẻ",
    "2.001610": "Đăng ký thành lập doanh nghiệp tư nhân",
    "3.000181.000.00.00.H32": "Xác nhận tình trạng hôn nhân",
}
AGENCIES = (
    ("000.00.30.H32", "Ủy ban nhân dân thành phố Nha Trang"),
    ("000.00.31.H32", "Ủy ban nhân dân thành phố Cam Ranh"),
    ("000.05.30.H32", "Ủy ban nhân dân phường Lộc Thọ (thành phố Nha Trang)"),
    ("000.00.01.H32", "Văn phòng Ủy ban nhân dân tỉnh"),
    ("000.00.02.H32", "Sở Kế hoạch và Đầu tư"),
    ("000.00.03.H32", "Sở Xây dựng"),
    ("000.00.05.H32", "Sở Tài nguyên và Môi trường"),
    ("000.00.06.H32", "Sở Nông nghiệp và Phát triển nông thôn"),
    ("000.00.07.H32", "Sở Giao thông vận tải"),
    ("000.00.08.H32", "Sở Lao động - Thương binh và Xã hội"),
    ("000.00.09.H32", "Sở Tư pháp"),
    ("000.00.04.H32", "Sở Thông tin và Truyền thông"),
    ("000.00.10.H32", "Ban Quản lý Khu Kinh tế Vân Phong"),
)
"""Codes and names of the pilot's agencies. They are fixed here, because tests compare documents byte for byte."""
QUERIES = tuple(
    QueryUsed(f"reconciliation/{name}.sql", f"{number:064x}", figures)
    for number, (name, figures) in enumerate(
        (
            ("count_dossiers", "dossiers"),
            ("count_messages", "messages, reasons"),
            ("count_counted", "messages (at_source, out_of_scope)"),
            ("count_timings", "timings"),
            ("count_inquiries", "messages (reply), agencies (inquiries)"),
            ("forecast", "agencies (apologies)"),
            ("count_findings", "agencies (findings_open)"),
            ("find_orphans", "orphans"),
        ),
        1,
    )
)


def closing(period: Period = MONTH, **changes: Any) -> Closing:
    """Return a closing that was made six hours after the end of its period."""
    values: dict[str, Any] = {
        "closing_no": 41,
        "period": period,
        "corrects": None,
        "run_id": "scheduled__2026-11-25",
        "as_of": period.end + timedelta(hours=6),
        "known_version": 12_345,
        "known_transition": 23_456,
        "known_history": 34_567,
        "known_inquiry": 456,
        "known_receipt": 5_678,
        "data_as_of": period.end + timedelta(hours=5, minutes=57),
        "sources_unread": (),
        "segment_price": 330,
        "figures_hash": "ab" * 32,
        "difference": 0,
        "unexplained": 0,
        "closed_at": period.end + timedelta(hours=6, minutes=2),
    }
    return Closing(**values | changes)


def agency_words() -> tuple[AgencyWords, ...]:
    """Return the pilot's agencies: one has a kind switched off, one excludes same-day procedures, one is disabled."""
    words = [AgencyWords(code, name, enabled=True) for code, name in AGENCIES]
    words[1] = replace(words[1], kinds_off=("apology",), kinds_off_reason="Công văn số 12/STTTT-CNTT ngày 5/10/2026")
    words[2] = replace(words[2], same_day_excluded=True)
    words[-1] = replace(words[-1], enabled=False)
    return tuple(words)


def figures(seed: int = 1, scale: int = 40, procedures: dict[str, str] = PROCEDURES) -> Figures:
    """Return figures of all enabled agencies, in which every accounting identity holds."""
    chance = random.Random(seed)
    dossiers, messages, reasons, timings, agencies = [], [], [], [], []
    for number, agency in enumerate(each for each in agency_words() if each.enabled):
        code, poor = agency.agency_code, 0.04 + 0.03 * (number * 7 % 12)
        for procedure in ("", *list(procedures)[number % 3 :]) if number == 0 else list(procedures)[number % 3 :]:
            received = chance.randrange(scale // 4, scale * 2)
            online, late = chance.randrange(received + 1), chance.randrange(received // 8 + 1)
            resolved = received - late
            dossiers.append(
                DossierFigures(
                    code,
                    procedure,
                    carried_over=chance.randrange(scale),
                    received=received,
                    received_online=online,
                    received_postal=(received - online) // 5,
                    resolved_early=resolved // 2,
                    resolved_on_time=resolved - resolved // 2,
                    resolved_late=late,
                    withdrawn=resolved // 20,
                    open_in_time=chance.randrange(scale),
                    open_late=late // 2,
                    paused_in_time=chance.randrange(5),
                    due=received,
                    handed_over=resolved - 1,
                )
            )
            for kind, share in (("result", 1.0), ("supplement", 0.2), ("apology", 0.1)):
                at_source = int(received * share)
                if not at_source:
                    continue
                missing, dead = int(at_source * poor), int(at_source * poor / 2)
                unconfirmed = at_source // 30
                messages.append(
                    MessageFigures(
                        code,
                        procedure,
                        kind,  # type: ignore[arg-type]
                        at_source=at_source,
                        suppressed=missing,
                        cancelled=0,
                        undelivered=dead,
                        unconfirmed=unconfirmed,
                        delivered=at_source - missing - dead - unconfirmed,
                        segments=(at_source - missing) * 2,
                    )
                )
                if missing:
                    half = missing // 2
                    reasons.append(ReasonCount(code, procedure, kind, "suppressed", "missing", missing - half))  # type: ignore[arg-type]
                    if half:
                        reasons.append(ReasonCount(code, procedure, kind, "suppressed", "landline", half))  # type: ignore[arg-type]
                if dead:
                    reasons.append(ReasonCount(code, procedure, kind, "undelivered", "gateway status 2", dead))  # type: ignore[arg-type]
                if messages[-1].delivered and kind == "result":
                    timings.append(
                        Timing(code, procedure, "result", messages[-1].delivered, 4 + number, 60 + number * 11)
                    )
        timings.append(Timing(code, None, "result", 50, 5 + number, 62 + number * 10))
        agencies.append(
            AgencyFigures(
                code,
                apologies_right=chance.randrange(9),
                apologies_wrong=chance.randrange(3),
                late_untold=chance.randrange(4),
                inquiries=chance.randrange(60),
                inquiry_fees=chance.randrange(60) * 1000,
                told_without_result=chance.randrange(2),
                findings_open=chance.randrange(90),
            )
        )
    messages.append(MessageFigures("", "", "reply", at_source=5, delivered=5, segments=5))
    agencies.append(AgencyFigures("", inquiries=5, inquiry_fees=5000))
    timings.append(Timing(None, None, "result", 900, 6, 131))
    return Figures(tuple(dossiers), tuple(messages), tuple(reasons), tuple(timings), tuple(agencies))


def _difference(reason: str, **changes: Any) -> Difference:
    values: dict[str, Any] = {
        "side": "source",
        "reason": reason,
        "agency_code": NHA_TRANG,
        "procedure_code": "1.005129",
        "kind": "result",
        "dossier_code": "000.00.30.H32-261024-0007",
        "source": "khanhhoa",
        "source_transition_id": 90_417,
        "transition_id": None,
        "message_id": None,
        "occurred_at": datetime(2026, 10, 24, 8, 12, tzinfo=UTC),
    }
    return Difference(**values | changes)


def report(period: Period = MONTH, **changes: Any) -> ReconciliationReport:
    """Return a plausible report in which the accounting identity holds everywhere and two differences have reasons.

    Args:
        period: the period of the closing.
        changes: fields of the report that differ.
    """
    scale = 6 if period.is_day else 40
    differences = (
        _difference("cut_off"),
        _difference("quarantined", dossier_code="000.00.30.H32-261024-0011", source_transition_id=90_431),
    )
    orphans = (
        Orphan(
            "handed_over_untold",
            TU_PHAP,
            "1.001193",
            "000.00.09.H32-261020-0002",
            None,
            None,
            datetime(2026, 10, 26, 2, 5, tzinfo=UTC),
        ),
    )
    values: dict[str, Any] = {
        "closing": closing(period),
        "figures": figures(1, scale),
        "previous": figures(2, scale),
        "differences": differences,
        "orphans": orphans,
        "changes": (),
        "agencies": agency_words(),
        "procedures": PROCEDURES,
        "complaints": (ComplaintCount(NHA_TRANG, "no_result_yet", "upheld", 2), ComplaintCount("", "other", "open", 1)),
        "budget": Budget(period.first.year, 300_000_000, 3_412_200, 187_330_000),
        "urged": (
            Urged(XAY_DUNG, "delivered_of_tellable", 0.612, 0.7, 289),
            Urged(NHA_TRANG, "resolved_late", 0.124, 0.1, 240),
        ),
        "queries": QUERIES,
        "software": "MotcuaSMS 0.1.0",
    }
    return ReconciliationReport(**values | changes)


def unbalanced() -> ReconciliationReport:
    """Return a report in which one message is missing without an explanation, and one source was not read."""
    kept = report()
    first, *rest = kept.figures.messages
    broken = replace(first, at_source=first.at_source + 1)
    return replace(
        kept,
        closing=replace(kept.closing, difference=1, unexplained=1, sources_unread=("vanphong",)),
        figures=replace(kept.figures, messages=(broken, *rest)),
        differences=(*kept.differences, _difference("missing", dossier_code="000.00.30.H32-261024-0019")),
    )


def correction() -> ReconciliationReport:
    """Return a correction with a late receipt, and a dossier that was changed afterwards."""
    kept = report()
    return replace(
        kept,
        closing=replace(kept.closing, closing_no=58, corrects=41),
        changes=(
            Change(NHA_TRANG, "1.005129", "result", "delivered", 61, 62, ("late_receipt",)),
            Change(NHA_TRANG, "1.005129", "result", "unconfirmed", 3, 2, ("late_receipt",)),
            Change(TU_PHAP, "1.001193", "", "resolved_late", 2, 1, ("source_changed", "dossier_changed")),
        ),
    )


def empty() -> ReconciliationReport:
    """Return a report of a period in which nothing is known: no agency, no figure and no period before it."""
    return report(
        DAY,
        figures=Figures(),
        previous=None,
        differences=(),
        orphans=(),
        agencies=(),
        procedures={},
        complaints=(),
        budget=Budget(2026, None, None, None),
        urged=(),
        queries=(),
        closing=closing(DAY, data_as_of=None, segment_price=None),
    )


def zeros() -> ReconciliationReport:
    """Return a report with agencies whose figures are all zero."""
    codes = [each.agency_code for each in agency_words()]
    return replace(
        empty(),
        agencies=agency_words(),
        figures=Figures(
            tuple(DossierFigures(code, "") for code in codes),
            tuple(MessageFigures(code, "", "result") for code in codes),
            (),
            (),
            tuple(AgencyFigures(code) for code in codes),
        ),
        previous=Figures(),
    )


def everything() -> ReconciliationReport:
    """Return a monthly correction with everything for which a report has words, in more agencies than charts show."""
    words = publication_words()
    codes = [f"000.00.{number:02d}.H32" for number in range(40, 65)]
    kinds: tuple[Kind, ...] = get_args(Kind)
    reasons = [*words["reason"], "gateway status 34"]
    of_reasons = [
        ReasonCount(codes[0], "1.001193", "result", STATES[place % len(STATES)], reason, 100 - place)
        for place, reason in enumerate(reasons)
    ]
    messages = [
        MessageFigures(
            code, "1.001193", kind, at_source=70, out_of_scope=2, only_source=3, only_ledger=1, delivered=40,
            segments=90, **{state: 2 + place % 3 for state in STATES if state != "delivered"},
        )
        for place, code in enumerate(codes)
        for kind in kinds
    ]  # fmt: skip
    dossiers = [
        DossierFigures(code, procedure, 5, 60, 20, 10, 12, 20, 9, 3, 4, 6, 2, 1, 1, 50, 30)
        for code in codes
        for procedure in ("", "1.001193")
    ]
    seconds = (45, 150, 9_000, 400_000)
    return report(
        closing=closing(
            closing_no=77,
            corrects=41,
            sources_unread=("vanphong",),
            difference=9,
            unexplained=4,
            segment_price=330,
            known_quality_run=212,
        ),
        figures=Figures(
            tuple(dossiers),
            (*messages, MessageFigures("", "", "reply", at_source=5, delivered=5, segments=5)),
            tuple(of_reasons),
            tuple(
                Timing(code, None, "result", 40, seconds[place % 4], seconds[(place + 1) % 4])
                for place, code in enumerate(codes)
            ),
            tuple(AgencyFigures(code, 9, 8, 7, 30, 5, 5_000, 3, 2) for code in codes),
        ),
        previous=Figures(messages=tuple(replace(row, delivered=50) for row in messages[::2])),
        agencies=(
            AgencyWords(codes[0], "Sở Nội vụ", True, kinds, None, True),
            AgencyWords(codes[1], "Sở Tư pháp", False, ("apology",), "Công văn số 12"),
            *(AgencyWords(code, f"Xã số {place}", True) for place, code in enumerate(codes[2:], 2)),
        ),
        differences=tuple(
            _difference(reason, side=side, agency_code=codes[2])
            for reason in get_args(DifferenceReason)
            for side in get_args(Side)
        ),
        orphans=tuple(
            Orphan(sort, codes[3], "1.001193", None, 7, 8, datetime(2026, 10, 26, 2, 5, tzinfo=UTC))
            for sort in get_args(OrphanSort)
        ),
        changes=tuple(Change(codes[4], "", "result", "delivered", 1, 2, (cause,)) for cause in get_args(ChangeCause)),
        complaints=tuple(
            ComplaintCount(codes[5], claim, outcome, 2) for claim in words["claim"] for outcome in words["outcome"]
        ),
        budget=Budget(2026, None, 3_412_200, 187_330_000),
        urged=tuple(Urged(codes[6], measure, 0.612, 0.7, 289) for measure in get_args(Measure)),
        stops=stops(codes[0]),
    )


def stops(agency_code: str) -> tuple[StopWords, ...]:
    """Return a stop that ran out, a stop that was ended early, and a stop that goes on after the cut-off."""
    began = datetime(2026, 10, 26, 2, 5, tzinfo=UTC)
    hour, why = timedelta(hours=1), "Mẫu tin ghi sai tên Bộ phận Một cửa"
    return (
        StopWords(3, "", "", began, began + hour, None, why),
        StopWords(4, agency_code, "result", began + hour, began + 9 * hour, began + 2 * hour, FORMULA),
        StopWords(5, agency_code, "", MONTH.end - hour, MONTH.end + 90 * hour, None, why),
    )


FORMULA, LONG = "=cmd|' /C calc'!A0 \"<b>&amp;</b>\"", "X" * 200
NASTY_NAME = '#pagebreak() *đậm* _nghiêng_ `mã` $x^2$ @ai <script>alert("1")</script> \\ "ngoặc" {{ 7*7 }} %s'


def nasty() -> ReconciliationReport:
    """Return a report with 300 procedures and extreme texts.

    Names look like formulas, markup, templates and scripts, and some words are long without a blank.
    """
    procedures = {f"9.{number:06d}": f"Thủ tục {number} {'rất dài ' * (number % 9)}".strip() for number in range(300)}
    procedures["9.000000"], procedures["9.000001"] = FORMULA, LONG
    kept = figures(3, 12, procedures)
    many = {each.agency_code for each in agency_words()[:2]}

    def some(rows: Any) -> Any:
        """Keep all rows of two agencies. Keep each hundredth procedure of the others, to save time."""
        return tuple(row for row in rows if row.agency_code in many or (row.procedure_code or "0").endswith("00"))

    kept = replace(
        kept,
        dossiers=some(kept.dossiers),
        messages=some(kept.messages),
        reasons=some(kept.reasons),
        timings=some(kept.timings),
    )
    words = list(agency_words())
    words[0] = replace(words[0], name=NASTY_NAME)
    words[1] = replace(words[1], name=LONG, kinds_off=("result", "supplement", "apology"), kinds_off_reason=FORMULA)
    differences = tuple(
        _difference("missing", dossier_code=code, procedure_code=procedure, source=None, occurred_at=None)
        for code, procedure in (("=1+1", "9.000000"), ("@SUM(A1)", ""), ("-2+3", "9.000001"), ("+84", ""), ("'x", ""))
    ) + tuple(_difference("cut_off", dossier_code=f"H32.30-261024-{number:04d}") for number in range(500))
    orphan = Orphan("message_without_dossier", "", "", '\t=x, "y"\r\nz', 7, None, None)
    return replace(
        report(),
        agencies=tuple(words),
        procedures=procedures,
        figures=kept,
        previous=None,
        differences=differences,
        orphans=(orphan,),
        closing=closing(MONTH, sources_unread=("vanphong",), difference=0, unexplained=5),
        urged=(Urged("H99", "apologies_wrong", 0.75, 0.5, 32),),
        software='MotcuaSMS "0.1" <x>',
    )
