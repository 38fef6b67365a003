"""Test the pages about data quality: what they show, and the acknowledgement of findings."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from html import unescape
from urllib.parse import parse_qs, urlsplit

import pytest
from fastapi.testclient import TestClient

from motcua.domain.clock import VIETNAM
from motcua.jobs.listing import lists as declared
from motcua.quality.report_data import BrokenAgency
from motcua.quality.reporting import NoSuchAgency
from motcua.reports.quality.urgency import most_urgent
from motcua.web.quality import charts, quality_page
from tests.ground import TU_PHAP
from tests.quality_samples import agency_report, broken, department_report, figures, rows, trend
from tests.web.visiting import VISITING

AGENCY = f"/motcua/quality/findings?code={TU_PHAP}"


class Told:
    """Sample reports that replace the ledger's, and a record of the acknowledgements that the pages made."""

    def __init__(self) -> None:
        self.run_no: int | None = 41
        self.department = department_report()
        self.agency = agency_report()
        self.rows = rows()
        self.decisions: list[tuple[int, str, str, date]] = []

    def agency_report(self, connection, run_no, code):
        if code != TU_PHAP:
            raise NoSuchAgency(f"no agency {code}")
        return self.agency

    def urgent_rows(self, connection, run_no, agency_code, chosen, first, most):
        own = [each for each in self.rows if chosen.takes(each.rule)]
        return most_urgent(own, len(own))[0][first : first + most]

    def acknowledge(self, connection, finding_id, by, why, until, now, agencies):
        self.decisions.append((finding_id, by, why, until))
        return finding_id > 9_000


@pytest.fixture
def told(agencies, monkeypatch) -> Told:
    """Make the pages show sample reports; the ledger itself has no quality run."""
    known = Told()
    monkeypatch.setattr(quality_page, "last_run_no", lambda _: known.run_no)
    monkeypatch.setattr(quality_page, "department_report", lambda *_, **__: known.department)
    monkeypatch.setattr(declared, "urgent_rows", known.urgent_rows)
    for name in ("agency_report", "acknowledge"):
        monkeypatch.setattr(quality_page, name, getattr(known, name))
    return known


@pytest.fixture
def staff(app, told) -> Iterator[TestClient]:
    with VISITING.browse(app) as http:
        yield http


def text_of(answer) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", answer.text.split("<body>")[1])).split())


def form_of(page: str, finding: int) -> dict[str, str]:
    """Return the fields of a finding's form, as a browser would send them."""
    item = page[page.index(f'id="loi-{finding}"') :]
    forms = re.findall(r"<form.*?</form>", item[: item.index("</li>")], re.DOTALL)
    form = next(each for each in forms if 'value="recheck"' not in each)
    return {name: unescape(value) for name, value in re.findall(r'name="(\w+)" value="([^"]*)"', form)}


def in_days(days: int) -> str:
    return (datetime.now(VIETNAM).date() + timedelta(days=days)).isoformat()


# ------------------------------------------------------------------------------------------------- what is shown


def test_department_sees_the_worst_first_what_broke_and_whom_to_urge(staff):
    answer = staff.get("/motcua/quality")
    assert answer.status_code == 200
    text = text_of(answer)
    for expected in (
        "1 kiểm tra không chạy được.",
        "R4 Trả kết quả ngay khi xong",
        "Cần đôn đốc 10 cơ quan",
        "UBND TP Nha Trang ( 15 )",
        "Nguồn vanphong không đọc được",
        "2.967 lỗi cần xử lý",
        "95,5 lỗi trên 1.000 hồ sơ −2,9 so với lần trước",
        "211 lỗi mới , 17 tái diễn , 2.799 chưa sửa : cộng 3.027 lỗi , trừ 60 lỗi đã tạm chấp nhận",
        "đã tạm chấp nhận còn 2.967 lỗi cần xử lý ;",
        "96 đã sửa",
        "Cộng 2.968 cần xử lý: 2.967 lỗi, 0 dấu hiệu, 0 lưu ý, 1 việc của Sở và của đơn vị phần mềm một cửa.",
        "Ba việc cần làm trước",
        "Mã kiểm chứng 4c9ff21b4c9ff21b",
    ):
        assert expected in text, expected
    names = re.findall(r'quality/findings\?code=[^"]+"><b>([^<]+)</b>', answer.text)
    assert names[:3] == ["UBND TP Nha Trang", "Sở Xây dựng", "Sở NN-PTNT"]
    assert len(names) == 13


def test_agency_sees_its_rows_the_latest_and_gravest_first_with_masked_numbers(staff, told):
    told.rows.sort(key=lambda each: each.finding_id * 7919 % 1009)
    answer = staff.get(AGENCY)
    text = text_of(answer)
    assert "tỷ lệ lỗi cao thứ 3 trong 13 cơ quan được xếp hạng" in text
    assert "11 lỗi đã quá hạn sửa." in text
    listed = re.findall(r'<li id="loi-(\d+)">', answer.text)
    assert len(listed) == 10
    assert listed[:2] == ["9001", "9002"], "findings reported to the Department must come first"
    assert 'rel="next"' in answer.text
    assert 'rel="prev"' not in answer.text
    last = staff.get(AGENCY + "&page=15")
    assert len(re.findall(r'<li id="loi-(\d+)">', last.text)) == 6
    assert 'rel="next"' not in last.text
    assert "lan, 6:15 ngày 26/11/2026" in text_of(last), "acknowledged findings must come last"
    assert "02•• ••• 001" in text_of(staff.get(AGENCY + "&rule=P2"))


def test_page_of_one_rule_shows_its_findings_alone(staff):
    answer = staff.get(AGENCY + "&rule=R1")
    assert len(re.findall(r'<li id="loi-(\d+)">', answer.text)) == 9
    assert "Kết quả từng kiểm tra" not in answer.text, "the page must show only the rows"
    whole = staff.get(AGENCY + "&rule=nothing").text
    assert f"code={TU_PHAP}&amp;rule=P1&amp;state=to_do#danh-sach" in whole
    assert len(re.findall(r'<li id="loi-(\d+)">', whole)) == 10


def test_empty_states_are_told_in_words(staff, told):
    told.rows = []
    clean = figures(TU_PHAP, "Sở Tư pháp", 0, (0, 0, 0, 0), None)
    told.agency = agency_report(
        previous=None, figures=clean, results=(), to_do_first=(), trend=(), shares=(), suggestions=(), rank=None
    )
    text = text_of(staff.get(AGENCY))
    for expected in (
        "Không có lỗi nào.",
        "Không có việc nào.",
        "Chưa đủ hai tuần có kiểm tra để vẽ.",
        "Chưa có lần kiểm tra nào của ngày làm việc trước để so sánh.",
    ):
        assert expected in text
    assert "Không có trang này." in text_of(staff.get(AGENCY + "&page=70"))
    told.agency = replace(told.agency, broken=(broken("R4"),))
    assert "Không có lỗi nào trong những kiểm tra đã chạy được." in text_of(staff.get(AGENCY))
    told.run_no = None
    for address in ("/motcua/quality", AGENCY):
        assert "Chưa có lần kiểm tra nào." in text_of(staff.get(address))


def test_broken_agency_is_told_in_words_and_has_no_figures(staff, told):
    reason = "Có hồ sơ được tính hơn một lần."
    agencies = told.department.agencies
    gone = replace(agencies[-1], broken_reason=reason, dossiers=0, found=0, per_thousand=None, ranked=False)
    told.department = replace(
        told.department,
        agencies=(*agencies[:-1], gone),
        broken_agencies=(BrokenAgency(gone.agency_code, gone.name, reason), BrokenAgency("zz", "zz", reason)),
    )
    text = text_of(staff.get("/motcua/quality"))
    assert "2 cơ quan không kiểm tra được." in text
    assert f"{gone.name} ({gone.agency_code}): {reason}" in text
    assert f"zz: {reason}" in text
    assert text.count("không kiểm tra được") == 2, "the words must be in the notice and in the agency's line"
    told.agency = replace(told.agency, figures=replace(told.agency.figures, broken_reason=reason))
    text = text_of(staff.get(AGENCY))
    assert f"Lần này không kiểm tra được dữ liệu của cơ quan. {reason}" in text
    assert "lỗi cần xử lý" not in text
    assert "Kết quả từng kiểm tra" not in text


def test_unknown_agency_is_told_and_odd_page_numbers_are_the_first_page(staff):
    for query in ("?code=nobody", "?code=%00"):
        answer = staff.get(f"/motcua/quality/findings{query}")
        assert answer.status_code == 404
        assert "Không có cơ quan này" in text_of(answer)
    for page in ("0", "-1", "x", "99999999999999999999", ""):
        assert len(re.findall(r"<li id=", staff.get(f"{AGENCY}&page={page}").text)) == 10


def test_chart_is_dashed_over_a_week_that_has_no_run():
    """A week without a check must leave a gap in the curve, with a dashed line across and no invented figure."""
    chart = charts.trend_chart(
        trend({"phone_missing": 45.0, "phone_invalid": 27.0, "status": 21.0, "other": 4.0}, gap=5)
    )
    assert [len(curve.pieces) for curve in chart.curves] == [2] * 4
    for curve in chart.curves:
        before, after = (piece.split() for piece in curve.pieces)
        assert curve.bridges == (f"{before[-1]} {after[0]}",)
    assert all(len(curve.dots) == 11 for curve in chart.curves)
    assert [figure for _, figure in chart.lines] == ["0", "20", "40", "60", "80"]
    points = [point.split(",") for curve in chart.curves for piece in curve.pieces for point in piece.split()]
    assert all(30 <= float(x) <= 600 and 0 <= float(y) <= 200 for x, y in points)
    assert charts.trend_chart(()) is None


def test_chart_of_runs_every_other_week_is_lines_and_not_specks():
    """With a run only every other week, the chart must connect the points and not show single dots."""
    points = trend({"phone_missing": 45.0, "phone_invalid": 27.0, "status": 21.0, "other": 4.0})
    every_other = [
        replace(point, per_thousand=None, by_group={}) if place % 2 else point for place, point in enumerate(points)
    ]
    chart = charts.trend_chart(every_other)
    assert [len(curve.bridges) for curve in chart.curves] == [len(points[::2]) - 1] * 4
    assert not any(curve.pieces for curve in chart.curves)


def test_chart_of_too_few_dossiers_for_a_rate_shows_the_findings_and_says_why(staff, told):
    few = tuple(
        replace(
            point,
            dossiers=40,
            per_thousand=None,
            by_group=dict.fromkeys(point.by_group),
            found_by_group={group: place for place, group in enumerate(point.found_by_group, 3)},
        )
        for point in trend({"phone_missing": 45.0, "phone_invalid": 27.0, "status": 21.0, "other": 4.0}, gap=5)
    )
    told.agency = agency_report(trend=few)
    answer = staff.get(AGENCY)
    text = text_of(answer)
    assert "Diễn biến 12 tuần: số lỗi" in text
    assert "số lỗi trên 1.000 hồ sơ" not in text
    assert "Chưa đủ hai tuần mà mỗi tuần có từ 100 hồ sơ được kiểm tra" in text
    drawn = [charts.trend_chart(few).curves[place] for place in range(4)]
    assert [curve.last for curve in drawn] == [3, 4, 5, 6]
    assert all(len(curve.pieces) == 2 and len(curve.dots) == 11 for curve in drawn)
    assert answer.text.count("<polyline") == 12, "each curve needs two pieces and a dashed link"
    one = [few[0], *(replace(point, run_no=None, found_by_group={}) for point in few[1:])]
    assert charts.trend_chart(one) is None, "one run is no line"
    assert not charts.trend_chart(trend({"phone_missing": 45.0})).is_counted


# --------------------------------------------------------------------------------------- acknowledging findings


def test_acknowledging_keeps_who_why_and_until_when_and_comes_back_to_the_row(staff, told):
    page = staff.get(AGENCY + "&rule=P1&page=1").text
    fields = form_of(page, 9005) | {"why": "  Công dân cao tuổi,\r\n không dùng di động ", "until": in_days(30)}
    answer = staff.post("/motcua/quality/findings", data=fields)
    assert answer.status_code == 303
    address = urlsplit(answer.headers["location"])
    assert (address.path, address.fragment) == ("/motcua/quality/findings", "loi-9005")
    assert parse_qs(address.query) == {"code": [TU_PHAP], "rule": ["P1"], "page": ["1"], "said": ["acknowledged"]}
    until = date.fromisoformat(in_days(30))
    assert told.decisions == [(9005, "lan", "Công dân cao tuổi, không dùng di động", until)]
    assert "Đã tạm chấp nhận." in text_of(staff.get(answer.headers["location"]))


def test_acknowledgement_is_taken_back_as_of_yesterday(staff, told):
    """Withdrawing an acknowledgement sets its last day to yesterday, so that it ends at once."""
    fields = form_of(staff.get(AGENCY + "&rule=P2&page=4").text, 9072)
    assert fields["decision"] == "take_back"
    answer = staff.post("/motcua/quality/findings", data=fields)
    assert answer.status_code == 303
    assert told.decisions == [(9072, "lan", "Bỏ tạm chấp nhận", date.fromisoformat(in_days(-1)))]


def test_what_is_missing_is_told_and_nothing_typed_is_lost(staff, told):
    typed = form_of(staff.get(AGENCY).text, 9005) | {"why": "Có công văn 1263/STTTT-CNTT", "until": in_days(7)}
    for changes, said in (
        ({"why": " \n "}, "Cần ghi lý do."),
        ({"why": "x" * 501}, "Lý do dài quá 500 chữ."),
        ({"why": "gọi 0905/123/456"}, "Không ghi số điện thoại"),
        ({"until": ""}, "Ngày phải từ hôm nay"),
        ({"until": "31/12/2026"}, "Ngày phải từ hôm nay"),
        ({"until": in_days(-1)}, "Ngày phải từ hôm nay"),
        ({"until": in_days(400)}, "Ngày phải từ hôm nay"),
    ):
        fields = typed | changes
        answer = staff.post("/motcua/quality/findings", data=fields)
        assert answer.status_code == 422
        assert said in text_of(answer)
        assert not fields["why"].strip() or fields["why"] in unescape(answer.text)
    assert told.decisions == []
    assert staff.post("/motcua/quality/findings", data=typed | {"until": in_days(0)}).status_code == 303


def test_form_from_elsewhere_changes_nothing(staff, told):
    fields = form_of(staff.get(AGENCY).text, 9005) | {"why": "Lý do", "until": in_days(7)}
    answer = staff.post("/motcua/quality/findings", data=fields | {"token": "đ"})
    assert (answer.status_code, "Chưa ghi nhận gì." in text_of(answer)) == (403, True)
    elsewhere = {"Sec-Fetch-Site": "cross-site"}
    assert staff.post("/motcua/quality/findings", data=fields, headers=elsewhere).status_code == 403
    staff.cookies.set("_token", "another-session")
    assert staff.post("/motcua/quality/findings", data=fields).status_code == 403
    assert told.decisions == []


def test_what_is_no_form_is_refused(staff, told):
    fields = form_of(staff.get(AGENCY).text, 9005) | {"why": "Lý do", "until": in_days(7)}
    address = "/motcua/quality/findings"
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    assert staff.post(address, json=fields).status_code == 415
    assert staff.post(address, content=b"token=" + b"x" * 20_000, headers=form).status_code == 413
    assert staff.post(address, content=b"&".join([b"a=1"] * 30), headers=form).status_code == 400
    assert staff.post(address, data=fields | {"finding": "1; DROP"}).status_code == 400
    assert staff.post(address, data=fields | {"finding": "17"}).status_code == 404, (
        "an unknown finding must not be found"
    )
    assert [each[0] for each in told.decisions] == [17]


def test_auditor_sees_what_others_accepted_and_may_not_acknowledge(staff, told):
    fields = form_of(staff.get(AGENCY).text, 9005) | {"why": "Lý do", "until": in_days(7)}
    VISITING.visit_as("auditor")
    assert "Danh sách cần xử lý" in staff.get(AGENCY).text
    assert "Tạm chấp nhận đến" in staff.get(AGENCY + "&rule=P2&page=4").text
    answer = staff.post("/motcua/quality/findings", data=fields)
    assert answer.status_code == 403
    assert "Chỉ quản trị của cơ quan đó và Sở" in text_of(answer)
    assert told.decisions == []


def test_agency_with_few_dossiers_says_why_it_stands_last(staff):
    page = text_of(staff.get("/motcua/quality"))
    assert page.count("Sở TT-TT ít hồ sơ, chỉ ghi số lỗi 22 1 lỗi – ") == 1, "the line must have counts and no rate"
    assert page.count("ít hồ sơ, chỉ ghi số lỗi") == 1
    assert page.index("UBND TP Nha Trang") < page.index("ít hồ sơ, chỉ ghi số lỗi")


@pytest.mark.guarantee(
    "reconciliation", "a quality run without an earlier run to compare with is not called the first run"
)
def test_run_with_none_of_an_earlier_day_is_not_called_the_first(staff, told):
    second = replace(told.agency.run, run_no=2)
    told.department = replace(told.department, previous=None, run=second)
    told.agency = replace(told.agency, previous=None, run=second)
    for address in ("/motcua/quality", AGENCY):
        page = text_of(staff.get(address))
        assert "Lần kiểm tra số 2" in page
        assert "đầu tiên" not in page
        assert "Chưa có lần kiểm tra nào của ngày làm việc trước để so sánh." in page
