"""Reports of data quality with known figures for tests. People and dossiers are invented."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from motcua.domain.quality import Acknowledged, Run, SourceState, TextableShare
from motcua.quality.report_data import (
    AgencyFigures,
    AgencyReport,
    Change,
    DepartmentReport,
    Group,
    RowToCorrect,
    RuleResult,
    RuleWords,
    Suggestion,
    ThresholdUsed,
    ToDo,
    TrendPoint,
)

TU_PHAP = "000.00.09.H32"
GROUPS: tuple[Group, ...] = ("phone_missing", "phone_invalid", "status", "other")
AT = datetime(2026, 11, 25, 23, 15, tzinfo=UTC)
"""6:15 in Khánh Hòa on Thursday, 26/11/2026."""

RULES = {
    code: RuleWords(
        code=code, severity=severity, owner=owner, level=level, group=group, mendable=code not in ("R1", "R4"),
        title=title, explanation=explanation, action=action,
    )
    for code, severity, owner, level, group, title, explanation, action in (
        ("P1", "critical", "agency", "dossier", "phone_missing", "Không có số điện thoại",
         "Ô số điện thoại để trống, nên công dân không nhận được tin nhắn nào.",
         "Hỏi công dân và nhập số di động khi tiếp nhận hồ sơ."),
        ("P2", "warning", "agency", "dossier", "phone_invalid", "Số cố định, không nhận được tin nhắn",
         "Số cố định không nhận được tin nhắn.",
         "Hỏi thêm số di động; vẫn có thể giữ số cố định sau số di động."),
        ("R1", "critical", "agency", "dossier", "status", "Báo có kết quả rồi chuyển lại",
         "Hồ sơ được chuyển “Đã xử lý xong” rồi quay lại xử lý; công dân có thể đã bị mời đến khi chưa có kết quả.",
         "Chỉ chuyển “Đã xử lý xong” khi giấy tờ đã về Bộ phận Một cửa; gọi điện xin lỗi công dân đã nhận tin."),
        ("R7", "warning", "agency", "dossier", "status", "Quá hẹn mà không có động tĩnh",
         "Đã quá ngày hẹn trả, vẫn đang xử lý và 3 ngày làm việc không có thay đổi nào.",
         "Cập nhật tình trạng thật; chưa xong thì gửi Phiếu xin lỗi và hẹn lại ngày trả."),
        ("R4", "warning", "agency", "agency_month", "status", "Trả kết quả ngay khi xong",
         "Phần lớn hồ sơ của tháng được ghi “xong” và “đã trả” trong vòng 2 phút.",
         "Ghi trạng thái đúng lúc sự việc xảy ra, không ghi bù cuối ngày."),
        ("S1", "info", "source", "source", "other", "Nguồn im lặng bất thường",
         "Không có thay đổi nào từ nguồn trong thời gian dài hơn thường lệ.",
         "Kiểm tra phần mềm một cửa và đường truyền."),
        ("P14", "info", "agency", "dossier", "other", "Số điện thoại nhắn được nhưng nhập chưa đúng",
         "Hệ thống đã tự hiểu đúng số.",
         "Nhập lại số theo đúng 10 chữ số."),
    )
}  # fmt: skip

RUN = Run(
    run_no=41,
    run_id="scheduled__2026-11-25T23:15:00+00:00",
    as_of=AT,
    day=date(2026, 11, 26),
    working_day=True,
    data_as_of=AT - timedelta(minutes=4),
    since=date(2026, 9, 1),
    rules=(),
    thresholds={},
    dossiers=31_870,
    findings=1_903,
    broken=0,
    content_hash="4c9ff21b" * 8,
    previous_seal="91ab03de" * 8,
    seal="91ab03de" * 8,
    sealed_at=AT + timedelta(seconds=40),
)
PREVIOUS = replace(
    RUN,
    run_no=40,
    run_id="scheduled__2026-11-24T23:15:00+00:00",
    as_of=AT - timedelta(days=1),
    day=date(2026, 11, 25),
    data_as_of=AT - timedelta(days=1, minutes=5),
)
LAST_FRIDAY = replace(PREVIOUS, day=date(2026, 11, 20), as_of=AT - timedelta(days=6))


def per_thousand(found: int, dossiers: int) -> float | None:
    """Return the rate as reports give it: ``None`` for fewer than 100 dossiers."""
    return found / dossiers * 1000 if dossiers >= 100 else None


def result(code: str, found: int, dossiers: int, change: Change | None = None, **changes: Any) -> RuleResult:
    values: dict[str, Any] = {
        "rule": RULES[code],
        "status": "checked",
        "broken_reason": None,
        "found": found,
        "acknowledged": 0,
        "remind_agency": 0,
        "remind_department": 0,
        "per_thousand": per_thousand(found, dossiers),
        "change": change
        or Change(standing=found, previous_found=found, previous_per_thousand=per_thousand(found, dossiers)),
    }
    return RuleResult(**values | changes)


def broken(code: str) -> RuleResult:
    return RuleResult(RULES[code], "broken", "ProgrammingError: cột due_at không có", 0, 0, 0, 0, None, Change())


def figures(
    code: str, name: str, dossiers: int, by_group: tuple[int, int, int, int], before: float | None, **changes: Any
) -> AgencyFigures:
    found = sum(by_group)
    values: dict[str, Any] = {
        "agency_code": code,
        "name": name,
        "dossiers": dossiers,
        "found": found,
        "acknowledged": 0,
        "by_group": dict(zip(GROUPS, by_group, strict=True)),
        "remind_agency": 0,
        "remind_department": 0,
        "per_thousand": per_thousand(found, dossiers),
        "change": Change(new=3, standing=found - 3, fixed=5, previous_found=found + 2, previous_per_thousand=before),
        "ranked": dossiers >= 100,
    }
    return AgencyFigures(**values | changes)


def trend(last: Mapping[Group, float], gap: int | None = 5) -> tuple[TrendPoint, ...]:
    monday = date(2026, 9, 7)
    points = []
    for place in range(12):
        week = monday + timedelta(weeks=place)
        label = f"T{week.isocalendar().week}"
        if place == gap:
            points.append(TrendPoint(label, week, None, 0, 0, None, dict.fromkeys(GROUPS, None), {}, None))
            continue
        grown = 1 + (11 - place) * 0.06 + (place % 3) * 0.01
        bands = {group: value * grown for group, value in last.items()}
        found = {group: round(rate * 31) for group, rate in bands.items()}
        rate, textable = sum(bands.values()), 0.98 - 0.08 * grown
        points.append(TrendPoint(label, week, 20 + place, 31_000, 900, rate, bands, found, textable))
    return tuple(points)


THRESHOLDS = (
    ThresholdUsed("R7", "silent_days", "Số ngày làm việc không có thay đổi nào", 3.0, 3.0),
    ThresholdUsed("R4", "collected_share", "Tỷ lệ hồ sơ của tháng, %", 75.0, 80.0),
    ThresholdUsed("", "least_dossiers", "Số hồ sơ tối thiểu để xét một tháng", 30.0, 30.0),
)


def agency_report(**changes: Any) -> AgencyReport:
    """Return the report of Sở Tư pháp: 2,188 dossiers, 143 findings, of which 4 are acknowledged and 139 open.

    The report also has one finding about the agency's month and two findings of severity ``info``.
    """
    dossiers = 2_188
    values: dict[str, Any] = {
        "run": RUN,
        "previous": PREVIOUS,
        "agency_code": TU_PHAP,
        "agency_name": "Sở Tư pháp",
        "figures": figures(
            TU_PHAP,
            "Sở Tư pháp",
            dossiers,
            (62, 41, 40, 0),
            61.7,
            acknowledged=4,
            remind_agency=9,
            remind_department=2,
            change=Change(12, 3, 128, 8, 136, 61.7),
        ),
        "rank": 3,
        "ranked": 13,
        "results": (
            result("P1", 62, dossiers, Change(7, 0, 55, 4, 59, 27.1), remind_agency=6, remind_department=2),
            result("R1", 9, dossiers, Change(2, 1, 6, 0, 7, 3.2)),
            result("P2", 41, dossiers, Change(2, 0, 39, 3, 42, 19.3), acknowledged=4),
            result("R7", 31, dossiers, Change(1, 2, 28, 1, 29, 13.3), remind_agency=3),
            result("R4", 1, dossiers),
            result("P14", 2, dossiers),
        ),
        "broken": (),
        "to_do_first": (
            ToDo(RULES["P1"], 62, "62 hồ sơ, 2 hồ sơ quá hạn, phải báo Sở; chiếm 43,4% số lỗi của cơ quan."),
            ToDo(RULES["R1"], 9, "9 hồ sơ, 7 công dân đã nhận tin mời đến."),
            ToDo(RULES["R7"], 31, "31 hồ sơ, hồ sơ lâu nhất im lặng từ 2/11/2026."),
        ),
        "trend": trend({"phone_missing": 28.3, "phone_invalid": 18.7, "status": 17.4, "other": 0.9}),
        "shares": (
            TextableShare(TU_PHAP, "agency", "", "", date(2026, 11, 1), 712, 634, 705, 655, "Sở Tư pháp"),
            TextableShare(TU_PHAP, "procedure", "9", "Thủ tục hiếm", date(2026, 11, 1), 3, 1, 2, 2, "Sở Tư pháp"),
            TextableShare(
                TU_PHAP,
                "procedure",
                "2.000635",
                "Cấp bản sao trích lục hộ tịch",
                date(2026, 11, 1),
                214,
                148,
                190,
                151,
                "Sở Tư pháp",
            ),
            TextableShare(
                TU_PHAP, "desk_user", "CB-7f3a09c2", "CB-7f3a09c2", date(2026, 11, 1), 96, 51, 88, 70, "Sở Tư pháp"
            ),
        ),
        "suggestions": (
            Suggestion(
                "hold_time",
                TU_PHAP,
                "Sở Tư pháp",
                "12,0% kết quả được rút lại trong vòng 20 phút. Thời gian chờ 20 phút trước khi nhắn đã tránh được"
                " 31 tin sai trong tháng này.",
                {"minutes": 20, "share": 0.12, "prevented": 31},
            ),
        ),
        "thresholds": THRESHOLDS,
        "has_news": True,
    }
    return AgencyReport(**values | changes)


AGENCIES = (
    ("000.00.30.H32", "UBND TP Nha Trang", 9_840, (690, 402, 310, 61), 152.3),
    ("000.00.31.H32", "UBND TP Cam Ranh", 4_120, (160, 101, 64, 12), 78.0),
    ("000.05.30.H32", "UBND phường Lộc Thọ", 3_905, (110, 70, 52, 9), 61.9),
    ("000.00.01.H32", "VP UBND tỉnh", 210, (2, 1, 0, 0), 14.3),
    ("000.00.02.H32", "Sở KH-ĐT", 2_790, (61, 40, 33, 8), 53.0),
    ("000.00.03.H32", "Sở Xây dựng", 1_590, (98, 41, 39, 5), 98.7),
    ("000.00.05.H32", "Sở TN-MT", 2_604, (70, 66, 41, 10), 88.0),
    ("000.00.06.H32", "Sở NN-PTNT", 804, (44, 17, 20, 4), 53.1),
    ("000.00.07.H32", "Sở GTVT", 1_816, (50, 39, 28, 6), 68.0),
    ("000.00.08.H32", "Sở LĐ-TBXH", 1_421, (42, 32, 21, 4), 70.0),
    (TU_PHAP, "Sở Tư pháp", 2_188, (62, 41, 40, 0), 61.7),
    ("000.00.04.H32", "Sở TT-TT", 22, (1, 0, 0, 0), None),
    ("000.00.10.H32", "BQL KKT Vân Phong", 391, (9, 6, 4, 1), 51.2),
)


def department_report(**changes: Any) -> DepartmentReport:
    """Return the report of thirteen agencies.

    UBND TP Nha Trang is the largest and the worst. Sở Xây dựng is small but second by rate.
    """
    agencies = [
        figures(*agency[:4], agency[4], remind_agency=agency[3][1] // 10, remind_department=agency[3][2] // 20)
        for agency in AGENCIES
    ]
    agencies.sort(key=lambda each: (not each.ranked, -(each.per_thousand or 0)))
    whole: tuple[int, int, int, int] = tuple(  # type: ignore[assignment]
        sum(agency[3][place] for agency in AGENCIES) for place in range(4)
    )
    dossiers = sum(agency[2] for agency in AGENCIES)
    values: dict[str, Any] = {
        "run": replace(RUN, dossiers=dossiers, findings=sum(whole), broken=1),
        "previous": PREVIOUS,
        "figures": figures(
            "",
            "",
            dossiers,
            whole,
            98.4,
            acknowledged=60,
            remind_agency=sum(each.remind_agency for each in agencies),
            remind_department=sum(each.remind_department for each in agencies),
            change=Change(211, 17, sum(whole) - 228, 96, sum(whole) - 132, 98.4),
        ),
        "agencies": tuple(agencies),
        "results": (
            result("P1", whole[0], dossiers, Change(120, 0, whole[0] - 120, 61, whole[0] - 59, 43.5)),
            result("R1", 214, dossiers, Change(31, 9, 174, 2, 176, 5.5), remind_department=20),
            broken("R4"),
            result("P2", whole[1], dossiers, acknowledged=60),
            result("R7", 558, dossiers, remind_agency=120, remind_department=4),
            result("S1", 1, dossiers, Change(new=1, previous_found=0, previous_per_thousand=0.0)),
        ),
        "broken": (broken("R4"),),
        "to_do_first": (
            ToDo(RULES["R7"], 558, "558 hồ sơ ở 9 cơ quan, 4 hồ sơ đã đến hạn báo Sở."),
            ToDo(RULES["R1"], 214, "214 hồ sơ, riêng UBND TP Nha Trang 96."),
            ToDo(RULES["P1"], whole[0], "1.399 hồ sơ; Sở Xây dựng có tỷ lệ cao thứ hai."),
        ),
        "trend": trend({"phone_missing": 44.1, "phone_invalid": 26.9, "status": 20.4, "other": 3.8}),
        "shares": (
            TextableShare(
                "000.00.30.H32",
                "agency",
                "",
                "UBND TP Nha Trang",
                date(2026, 11, 1),
                3_240,
                2_210,
                3_100,
                2_205,
                "UBND TP Nha Trang",
            ),
        ),
        "suggestions": agency_report().suggestions,
        "sources": (
            SourceState("khanhhoa", AT - timedelta(minutes=4), AT - timedelta(hours=7), 12, False),
            SourceState("vanphong", AT - timedelta(hours=13), AT - timedelta(hours=14), 0, True),
        ),
        "thresholds": THRESHOLDS,
        "has_news": True,
    }
    return DepartmentReport(**values | changes)


def row(number: int = 1, code: str = "P1", **changes: Any) -> RowToCorrect:
    values: dict[str, Any] = {
        "finding_id": 9_000 + number,
        "rule": RULES[code],
        "state": "standing",
        "agency_code": TU_PHAP,
        "agency_name": "Sở Tư pháp",
        "subject": f"000.00.09.H32-261102-{number:04d}",
        "dossier_code": f"000.00.09.H32-261102-{number:04d}",
        "procedure_code": "2.000635",
        "procedure_name": "Cấp bản sao trích lục hộ tịch",
        "month": None,
        "what": "Ô số điện thoại để trống.",
        "since": AT - timedelta(days=9),
        "first_seen": AT - timedelta(days=8),
        "last_seen": AT,
        "age_days": 8,
        "deadline": date(2026, 11, 30),
        "department_on": date(2026, 12, 7),
        "stage": "in_time",
        "masked_phone": None,
        "acknowledged": None,
    }
    return RowToCorrect(**values | changes)


def rows() -> list[RowToCorrect]:
    """Return the 143 findings of Sở Tư pháp, one about the agency's month, and two of severity ``info``."""
    late = {"stage": "remind_agency", "deadline": date(2026, 11, 20), "age_days": 12}
    told = {
        "stage": "remind_department",
        "deadline": date(2026, 11, 12),
        "department_on": date(2026, 11, 19),
        "age_days": 20,
    }
    accepted = Acknowledged("lan", "Công dân cao tuổi, không dùng di động", date(2026, 12, 31), AT)
    built = [row(number, **(told if number <= 2 else late if number <= 8 else {})) for number in range(1, 63)]
    built += [
        row(
            number,
            "R1",
            state="new" if number < 65 else "standing",
            what="Chuyển “Đã xử lý xong” lúc 16:41 ngày 24/11/2026, quay lại “Đang xử lý” sau 12 phút.",
        )
        for number in range(63, 72)
    ]
    built += [
        row(
            number,
            "P2",
            what="Số cố định 0258***001.",
            masked_phone="02•• ••• 001",
            acknowledged=accepted if number < 76 else None,
        )
        for number in range(72, 113)
    ]
    built += [
        row(number, "R7", what="Quá hẹn 6 ngày, không có thay đổi nào từ 2/11/2026.", **(late if number < 116 else {}))
        for number in range(113, 144)
    ]
    built.append(
        row(
            144,
            "R4",
            subject="tháng 11/2026",
            dossier_code=None,
            procedure_code=None,
            procedure_name=None,
            month=date(2026, 11, 1),
            what="83% của 712 hồ sơ được ghi “xong” và “đã trả” trong vòng 2 phút (ngưỡng 75%).",
        )
    )
    built += [row(number, "P14") for number in (145, 146)]
    return built


def rows_of_a_source() -> list[RowToCorrect]:
    """Return two findings of a source, which no agency can correct."""
    nothing: dict[str, Any] = {"dossier_code": None, "procedure_code": None, "procedure_name": None}
    return [
        row(number, "S1", subject="khanhhoa", agency_code=None, agency_name=None, **nothing) for number in (901, 902)
    ]
