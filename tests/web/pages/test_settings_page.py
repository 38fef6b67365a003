"""Test the pages of settings.

An agency's administrator changes the settings of his own agency, and can undo a change. Before he saves settings, he
can see which messages they would have sent on the last working day. Changes by page and by file are in one history.
"""

from __future__ import annotations

import html
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import yaml

from motcua.domain.clock import VIETNAM
from motcua.domain.working_days import WorkingCalendar
from motcua.jobs.agency_settings import rehearse_last_working_day
from motcua.jobs.handed_in.agencies import compare, export_agencies, import_agencies
from motcua.jobs.notices.apologizing import apologize
from motcua.jobs.notices.picking_up import pick_up
from motcua.store.agencies import list_agencies, save_agencies
from motcua.store.browsing import procedures_called
from tests.ground import NHA_TRANG, TU_PHAP, agency, in_ledger, take_in
from tests.web.visiting import VISITING

PAGE = f"/motcua/settings/agency?code={NHA_TRANG}"
FORM = "/motcua/settings/agency"


def words(answer) -> str:
    main = answer.text.partition("<main")[2].partition("</main>")[0]
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", main)).split())


def fields_of(text: str, form: int = 0) -> dict[str, object]:
    """Return the fields that a browser would send if a person submitted one of the page's forms unchanged."""
    main = text[text.index("<main") :]
    part = re.findall(r'<form[^>]*action="/motcua/settings/agency[^>]*>(.*?)</form>', main, re.S)[form]
    sent: dict[str, object] = {}
    for tag in re.findall(r"<input[^>]*>", part):
        name, value = (re.search(rf'{each}="([^"]*)"', tag) for each in ("name", "value"))
        if 'type="checkbox"' in tag or 'type="radio"' in tag:
            if " checked" not in tag:
                continue
            if name[1] == "procedure":
                sent.setdefault("procedure", []).append(html.unescape(value[1]))
                continue
        if name[1] == "procedure":
            sent.setdefault("procedure", []).append(html.unescape(value[1]))
        else:
            sent[name[1]] = html.unescape(value[1]) if value else ""
    for name, options in re.findall(r'<select name="(\w+)"[^>]*>(.*?)</select>', part, re.S):
        sent[name] = re.search(r'value="([^"]*)" selected', options)[1]
    for name, value in re.findall(r'<textarea name="(\w+)"[^>]*>(.*?)</textarea>', part, re.S):
        sent[name] = html.unescape(value)
    return sent


def send(staff, decision: str, page=None, **changes):
    """Send the page's form with some fields changed."""
    page = page or staff.get(PAGE)
    assert page.status_code in (200, 409, 422), words(page)
    return staff.post(FORM, data=fields_of(page.text) | {"decision": decision} | changes)


def confirm(staff, asked):
    return staff.post(FORM, data=fields_of(asked.text))


def kept(rows, code: str = NHA_TRANG):
    """Return the stored changes of an agency's settings, the oldest first."""
    return rows("SELECT * FROM motcua.agency_changes WHERE agency_code = %s ORDER BY change_id", code)


def now_is(rows, *names: str, code: str = NHA_TRANG):
    """Return the present values of these settings of an agency."""
    (row,) = rows(f"SELECT {', '.join(names)} FROM motcua.agencies WHERE agency_code = %s", code)
    return tuple(row.values())


LEFT_OUT = {"same_day_excluded": "yes", "same_day_reason": "Trả ngay tại quầy"}


@pytest.fixture
def hoa(staff):
    """Yield a browser of Hoa, an administrator of Nha Trang."""
    VISITING.visit_as("agency", NHA_TRANG, name="hoa")
    yield staff
    VISITING.visit_as("operator")


# --- Setting ------------------------------------------------------------------------------------


@pytest.mark.guarantee(
    "settings",
    "an agency's administrator sets what the agency may decide; the history of settings shows the person's name",
)
def test_administrator_sets_his_agency_up_and_the_file_says_the_same(hoa, rows, tmp_path, an_hour_later):
    done = send(
        *(hoa, "save"),
        accented="yes",
        result_hold="PT15M",
        waits_for_opening="yes",
        apology_day="working_day",
        report_recipients="a@x.vn\nb@x.vn",
    )
    assert done.status_code == 303
    assert "Đã lưu. Riêng người nhận báo cáo" in words(hoa.get(done.headers["location"]))
    assert now_is(rows, "accented", "report_recipients") == (True, []), "recipients must not change before the mail"
    an_hour_later()
    assert now_is(rows, "accented", "result_hold", "waits_for_opening", "apology_day", "report_recipients") == (
        *(True, timedelta(minutes=15), True, "working_day", ["a@x.vn", "b@x.vn"]),
    )
    last = kept(rows)[-1]
    assert (last["changed_by"], last["by_department"], last["silences"]) == ("hoa", False, [])
    file = tmp_path / "now.yaml"
    file.write_text(export_agencies(in_ledger(list_agencies)), encoding="utf-8")
    assert compare(file).changes == ()
    (entry,) = [each for each in yaml.safe_load(file.read_text())["agencies"] if each["code"] == NHA_TRANG]
    assert (entry["accented"], entry["result_hold"], entry["waits_for_opening"]) == (True, "PT15M", True)
    assert "Tin nhắn có dấu : không → có" in words(hoa.get(PAGE))
    assert "Chờ cổng ưu tiên nhận lại : không → có" in words(hoa.get(PAGE))


def test_page_names_no_gateway_that_is_not_in_use(hoa):
    assert "zalo" not in words(hoa.get(PAGE)).lower()


def test_agency_without_history_has_its_page_and_its_file_and_can_be_set(hoa, rows):
    """An agency has no history if a restore or a person wrote its row while triggers were off."""
    rows("SET session_replication_role = replica")
    rows("DELETE FROM motcua.agency_changes WHERE agency_code = %s", NHA_TRANG)
    rows("RESET session_replication_role")
    page = hoa.get(PAGE)
    assert page.status_code == 200
    assert "Chưa có lần thay đổi nào được ghi." in words(page)
    assert hoa.get(f"/motcua/settings/agency/file?code={NHA_TRANG}&format=csv").status_code == 200
    assert send(hoa, "save", page, accented="yes").status_code == 303
    assert now_is(rows, "accented") == (True,)
    assert [each["changed_by"] for each in kept(rows)] == ["hoa"]


@pytest.mark.guarantee(
    "settings", "a setting that keeps messages from citizens is asked twice, and published with its reason"
)
def test_leaving_out_a_procedure_is_asked_again_and_says_what_it_does(hoa, rows):
    asked = send(hoa, "save", **LEFT_OUT, other_procedures="1.001193, 2.000815")
    assert asked.status_code == 200
    assert "Công dân sẽ không còn nhận được một số tin." in words(asked)
    assert "1.001193, 2.000815" in words(asked)
    assert now_is(rows, "same_day_excluded") == (False,), "the preview must set nothing"
    done = confirm(hoa, asked)
    assert done.status_code == 303, words(done)
    names = ("same_day_excluded", "same_day_procedures", "same_day_reason")
    assert now_is(rows, *names) == (True, ["1.001193", "2.000815"], "Trả ngay tại quầy")
    assert kept(rows)[-1]["silences"] == ["same_day_excluded"]
    # If fewer procedures are excluded, no citizen loses messages, so the page does not ask for confirmation.
    assert send(hoa, "save", procedure=["2.000815"]).status_code == 303
    assert now_is(rows, *names) == (True, ["2.000815"], "Trả ngay tại quầy")
    asked = send(hoa, "save", same_day_all="yes")
    assert "mọi thủ tục trong ngày" in words(asked), "the page must say that all procedures are excluded"
    assert now_is(rows, *names) == (True, ["2.000815"], "Trả ngay tại quầy"), "the preview must set nothing"
    assert confirm(hoa, asked).status_code == 303
    assert now_is(rows, *names) == (True, [], "Trả ngay tại quầy"), "an empty list must mean all procedures"
    assert fields_of(hoa.get(PAGE).text)["same_day_all"] == "yes", "the page must show the choice of all procedures"
    assert "Không đổi gì." in words(hoa.get(send(hoa, "save").headers["location"]))
    assert send(hoa, "save", same_day_excluded="").status_code == 303
    assert now_is(rows, *names) == (False, [], None)


@pytest.mark.guarantee(
    "settings", "if no procedure is ticked, messages are sent for all; excluding all procedures is a choice of its own"
)
def test_no_procedure_ticked_leaves_none_out(hoa, rows, day_before):
    names = ("same_day_excluded", "same_day_procedures", "same_day_reason")
    told = send(hoa, "try", **LEFT_OUT)
    assert "Chưa chọn thủ tục nào, nên vẫn nhắn tin với mọi thủ tục trong ngày." in words(told)
    assert "Không tin nào khác đi" in words(told)
    assert fields_of(told.text)["same_day_reason"] == LEFT_OUT["same_day_reason"], "typed words must stay"
    done = send(hoa, "save", **LEFT_OUT)
    assert done.status_code == 303, "no confirmation is needed, as no message is lost"
    assert "Không đổi gì. Chưa chọn thủ tục nào để không nhắn" in words(hoa.get(done.headers["location"]))
    assert now_is(rows, *names) == (False, [], None)
    assert "3 tin khác đi" in words(send(hoa, "try", **LEFT_OUT, same_day_all="yes"))
    # After the last tick is removed, messages are sent for all procedures again.
    confirm(hoa, send(hoa, "save", **LEFT_OUT, procedure=["1.001193"]))
    assert now_is(rows, *names) == (True, ["1.001193"], "Trả ngay tại quầy")
    assert send(hoa, "save", procedure=[]).status_code == 303
    assert now_is(rows, *names) == (False, [], None)


def test_what_is_wrong_is_said_at_its_field_and_nothing_typed_is_lost(hoa, rows):
    before = rows("SELECT * FROM motcua.agencies ORDER BY 1")
    every = {"same_day_excluded": "yes", "same_day_all": "yes"}
    for changes, field, said in (
        (every, "same_day_reason", "Cần ghi lý do"),
        (
            LEFT_OUT | {"same_day_all": "yes", "same_day_reason": "gọi 0905123456"},
            "same_day_reason",
            "giống số điện thoại",
        ),
        (LEFT_OUT | {"same_day_reason": "x" * 301}, "same_day_reason", "Nhiều nhất 300 chữ"),
        ({"report_recipients": "a@x.vn khong-phai"}, "report_recipients", "Không phải địa chỉ thư: khong-phai"),
        ({"result_hold": "PT3H"}, "result_hold", "chỉ Sở Thông tin và Truyền thông quyết định"),
        ({"result_hold": "P2D"}, "result_hold", "Nhiều nhất là một ngày"),
        ({"result_hold": "15"}, "result_hold", "Không dùng được"),
        ({"apology_day": "never"}, "apology_day", "Không có lựa chọn này"),
    ):
        for decision in ("try", "save"):
            answer = send(hoa, decision, **{"accented": "yes", "report_recipients": "giu@x.vn"} | changes)
            assert answer.status_code == 422, changes
            (fault,) = re.findall(rf'<p class="fault" id="loi-{field}">(.*?)</p>', answer.text)
            assert said in html.unescape(fault)
            assert f'aria-describedby="loi-{field}"' in answer.text or field == "apology_day"
            if field not in ("result_hold", "apology_day"):
                assert fields_of(answer.text)["accented"] == "yes"
    assert rows("SELECT * FROM motcua.agencies ORDER BY 1") == before


def test_saving_unchanged_settings_leaves_no_row_in_the_history(hoa, rows):
    before = kept(rows)
    done = send(hoa, "save")
    assert "Không đổi gì." in words(hoa.get(done.headers["location"]))
    assert kept(rows) == before


def test_a_hold_that_the_department_set_stays_and_may_be_made_shorter(hoa, rows):
    """An administrator may shorten a waiting time that only the Department may set, but may not lengthen it again."""
    changed = [agency(NHA_TRANG, result_hold=timedelta(hours=5))]
    in_ledger(save_agencies, changed, "so", by_department=True)
    page = hoa.get(PAGE)
    assert '<option value="PT5H" selected>5 giờ</option>' in page.text
    assert send(hoa, "save", accented="yes").status_code == 303
    assert now_is(rows, "accented", "result_hold") == (True, timedelta(hours=5))
    assert send(hoa, "save", result_hold="PT1H").status_code == 303
    assert send(hoa, "save", result_hold="PT5H").status_code == 422


# --- Settings that somebody else changed meanwhile ----------------------------------------------


@pytest.mark.guarantee(
    "settings", "a form does not overwrite settings that a page or file changed after the form was opened"
)
def test_what_was_changed_meanwhile_is_told_and_nothing_typed_is_lost(hoa, rows, tmp_path):
    page = hoa.get(PAGE)
    file = tmp_path / "file.yaml"
    (own,) = [each for each in in_ledger(list_agencies) if each.agency_code == NHA_TRANG]
    changed = replace(own, apology_day="working_day", report_recipients=("moi@x.vn",))
    file.write_text(export_agencies([changed]), encoding="utf-8")
    import_agencies(file, "binh")
    before = rows("SELECT * FROM motcua.agencies ORDER BY 1")
    told = send(hoa, "save", page, accented="yes", result_hold="PT30M")
    assert told.status_code == 409
    assert "trong lúc đó thiết lập đã được đổi" in words(told)
    assert re.search(r"binh, .*: Ngày xin lỗi: .* → Chỉ gửi vào ngày làm việc", words(told))
    assert rows("SELECT * FROM motcua.agencies ORDER BY 1") == before
    again = fields_of(told.text)
    assert (again["accented"], again["result_hold"]) == ("yes", "PT30M"), "typed values must stay"
    assert (again["apology_day"], again["report_recipients"]) == ("working_day", "moi@x.vn"), (
        "untouched fields must show the new values"
    )
    assert send(hoa, "save", told).status_code == 303
    assert now_is(rows, "accented", "apology_day", "report_recipients") == (True, "working_day", ["moi@x.vn"])


# --- Undoing a change ---------------------------------------------------------------------------


def undo(staff, change_id: int):
    page = staff.get(PAGE)
    fields = fields_of(page.text) | {"decision": "undo", "change": str(change_id)}
    return staff.post(FORM, data=fields)


@pytest.mark.guarantee(
    "settings", "each change of an agency's settings can be undone, and the undoing is recorded as a change too"
)
def test_change_is_set_back_by_a_change_of_its_own(hoa, rows):
    confirm(hoa, send(hoa, "save", **LEFT_OUT, other_procedures="1.1"))
    send(hoa, "save", accented="yes")
    left_out, accents = (each["change_id"] for each in kept(rows)[-2:])
    asked = undo(hoa, left_out)
    assert "Hoàn tác thay đổi" in words(asked)
    assert "Không nhắn với thủ tục giải quyết trong ngày có → không" in words(asked)
    assert now_is(rows, "same_day_excluded") == (True,), "the preview must set nothing"
    done = confirm(hoa, asked)
    assert "Đã hoàn tác." in words(hoa.get(done.headers["location"]))
    assert now_is(rows, "same_day_excluded", "same_day_reason", "accented") == (False, None, True), (
        "later changes must stay"
    )
    back = kept(rows)[-1]
    assert (back["changed_by"], back["silences"]) == ("hoa", [])
    # Undoing the undo ends messages to citizens again, so the page must say so.
    asked = undo(hoa, back["change_id"])
    assert "Công dân sẽ không còn nhận được một số tin." in words(asked)
    assert confirm(hoa, asked).status_code == 303
    assert now_is(rows, "same_day_procedures", "same_day_reason") == (["1.1"], "Trả ngay tại quầy")
    assert kept(rows)[-1]["silences"] == ["same_day_excluded"]
    assert confirm(hoa, undo(hoa, accents)).status_code == 303
    assert now_is(rows, "accented") == (False,)


def test_change_that_cannot_be_set_back_is_refused_with_the_reason(hoa, rows, an_hour_later):
    first = kept(rows)[0]["change_id"]
    in_ledger(save_agencies, [agency(NHA_TRANG, kinds_off=("apology",), accented=True)], "so", by_department=True)
    send(hoa, "save", report_recipients="a@x.vn")
    an_hour_later()
    send(hoa, "save", result_hold="PT15M")
    send(hoa, "save", result_hold="PT30M")
    of_file, addresses, shorter = (each["change_id"] for each in kept(rows)[-4:-1])
    before = rows("SELECT * FROM motcua.agencies ORDER BY 1")
    for change, said in (
        (first, "lần ghi đầu tiên"),
        (of_file, "chỉ đổi được bằng tệp thiết lập"),
        (addresses, "Lịch sử không giữ địa chỉ thư"),
        (shorter, "Đã có lần thay đổi sau đó ở: Chờ trước khi báo có kết quả"),
        (10**9, "Không còn gì để hoàn tác"),
        (kept(rows, TU_PHAP)[0]["change_id"], "Không còn gì để hoàn tác"),
    ):
        refused = undo(hoa, change)
        assert refused.status_code == 409, said
        assert said in words(refused)
    assert rows("SELECT * FROM motcua.agencies ORDER BY 1") == before


def test_what_the_history_does_not_hold_is_said_before_the_undo(hoa, rows, an_hour_later):
    """The history holds no mail addresses, so an undo must say that the recipients stay as they are."""
    (before,) = [each for each in in_ledger(list_agencies) if each.agency_code == NHA_TRANG]
    in_ledger(save_agencies, [replace(before, accented=True, report_recipients=("a@x.vn",))], "hoa")
    asked = undo(hoa, kept(rows)[-1]["change_id"])
    assert "Người nhận báo cáo chất lượng giữ như hiện nay" in words(asked)
    assert confirm(hoa, asked).status_code == 303
    assert now_is(rows, "accented", "report_recipients") == (False, ["a@x.vn"])
    asked = undo(hoa, kept(rows)[-1]["change_id"])
    assert "giữ như hiện nay" not in words(asked), "a change without addresses must not mention them"
    buttons = hoa.get(PAGE).text.count('value="undo"')
    send(hoa, "save", report_recipients="b@x.vn")
    an_hour_later()
    page = hoa.get(PAGE)
    assert "Không hoàn tác được: lịch sử không giữ địa chỉ thư." in words(page)
    assert page.text.count('value="undo"') == buttons, "a change of addresses must have no button to undo it"


def test_undo_is_asked_anew_where_the_settings_were_changed_meanwhile(hoa, rows):
    """If settings changed after the page asked for confirmation of an undo, the page must ask again."""
    send(hoa, "save", accented="yes")
    asked = undo(hoa, kept(rows)[-1]["change_id"])
    send(hoa, "save", apology_day="working_day")
    again = confirm(hoa, asked)
    assert "Hoàn tác thay đổi" in words(again)
    assert now_is(rows, "accented") == (True,)
    assert confirm(hoa, again).status_code == 303
    assert now_is(rows, "accented", "apology_day") == (False, "working_day")


# --- Trying settings on the last working day ----------------------------------------------------------------


def last_worked() -> datetime:
    """Return midnight (in Vietnam) at the beginning of the last working day before today."""
    day = datetime.now(VIETNAM).date() - timedelta(days=1)
    while not WorkingCalendar().is_working_day(day):
        day -= timedelta(days=1)
    return datetime.combine(day, datetime.min.time(), VIETNAM)


@pytest.fixture
def day_before(staff, one_stop):
    """Make dossiers with results of the last working day, and return the moment of the results.

    Three dossiers, of two procedures, were received on the day of their result; one of them has a landline. One dossier
    took several days. Another dossier has its result today.
    """
    now = datetime.now(UTC)
    at = last_worked() + timedelta(hours=10)
    done = {"status_code": 9, "at_one_stop_desk": True, "updated_at": at}
    same_day = done | {"received_at": at - timedelta(hours=1), "due_at": at + timedelta(hours=4)}
    for code, procedure, values in (
        ("A", "1.001193", same_day),
        ("B", "2.000815", same_day),
        ("C", "1.009994", done | {"received_at": at - timedelta(days=9), "due_at": at + timedelta(days=9)}),
        ("D", "1.001193", same_day | {"applicant_phone": "0258 3822 001"}),
    ):
        values = {"applicant_phone": "0905771482", "procedure_name": f"Thủ tục {code}"} | values
        one_stop.both(9, code, at=at, procedure_code=procedure, **values)
    one_stop.both(9, "HÔM NAY", at=now, applicant_phone="0905771482", received_at=at, updated_at=now)
    take_in(now=now)
    return at


def tried(answer) -> dict[str, tuple[str, str]]:
    """Return for each dossier the outcome under the present settings and under the typed settings."""
    part = answer.text.partition('id="thu"')[2].partition("<h2>")[0]
    found = re.findall(
        r'<td class="code">.*?>([^<]+)</a>.*?data-name="Hiện nay">(.*?)</td>.*?ghi">(.*?)</td>', part, re.S
    )
    return {code: (html.unescape(now), re.sub("<[^>]+>", "", html.unescape(typed))) for code, now, typed in found}


@pytest.mark.guarantee(
    "settings",
    "unsaved settings can be tried with the last working day's data and apologies; trying changes nothing",
)
def test_last_working_day_is_rehearsed_under_the_settings_as_typed(hoa, rows, day_before):
    hoa.get(PAGE)
    before = [rows(f"SELECT * FROM motcua.{table} ORDER BY 1") for table in ("agencies", "messages", "transitions")]
    answer = send(hoa, "try", **LEFT_OUT, other_procedures="1.001193")
    assert answer.status_code == 200, words(answer)
    told = tried(answer)
    assert {code: (now[:3], typed[:3]) for code, (now, typed) in told.items()} == {
        "A": ("Gửi", "Khô"),
        "B": ("Gửi", "Gửi"),
        "C": ("Gửi", "Gửi"),
        "D": ("Khô", "Khô"),
    }
    assert next(iter(told)) in "AD", "dossiers that differ must come first"
    assert "2 tin khác đi" in words(answer), "D counts, because its reason differs"
    assert "Khi lưu, hệ thống sẽ hỏi lại" in words(answer)
    assert "09•• ••• 482" in answer.text
    assert "771482" not in answer.text
    assert fields_of(answer.text)["procedure"] == ["1.001193"], "typed values must stay"
    assert before == [
        rows(f"SELECT * FROM motcua.{table} ORDER BY 1") for table in ("agencies", "messages", "transitions")
    ]
    known = next(each for each in in_ledger(list_agencies) if each.agency_code == NHA_TRANG)
    bounded = in_ledger(rehearse_last_working_day, known, known, datetime.now(UTC), most=2)
    assert (bounded.is_whole, len({each.dossier_code for each in bounded.messages})) == (False, 2)


def test_rehearsal_counts_segments_and_money_of_accents_and_waits_as_the_hold_says(hoa, rows, day_before, configure):
    """The page must show what accents would cost. A message that would wait longer must count as different."""
    configure(MOTCUA_SEGMENT_PRICE="800")
    answer = send(hoa, "try", accented="yes", result_hold="PT2H")
    sums = re.findall(r'<tr><th scope="row"><b>(Hiện nay|Đang ghi)</b></th>(.*?)</tr>', answer.text)
    figures = {name: [int(each.replace(".", "")) for each in re.findall(r">([\d.]+)<", row)] for name, row in sums}
    assert figures["Hiện nay"][0] == figures["Đang ghi"][0] == 3
    assert figures["Đang ghi"][1] > figures["Hiện nay"][1]
    assert all(segments * 800 == cost for _, segments, cost in figures.values())
    assert "3 tin khác đi" in words(answer), "a delay of two hours must count as different"
    held = send(hoa, "try", result_hold="PT2H")
    assert all(typed.startswith("Gửi") for code, (_, typed) in tried(held).items() if code != "D")


@pytest.fixture
def evening(staff, one_stop):
    """Make dossiers due between the evening of the last working day and twenty days later, and return the evening."""
    at = last_worked() + timedelta(hours=17, minutes=30)
    begun = {"received_at": at - timedelta(days=9), "updated_at": at - timedelta(days=2), "due_at": at}
    for code, values in (
        ("MAI", {"due_at": at + timedelta(days=1)}),
        ("MAI, MÁY BÀN", {"due_at": at + timedelta(days=1), "applicant_phone": "0258 3822 001"}),
        ("NGÀY KIA", {"due_at": at + timedelta(days=3)}),
        ("ĐÃ XONG", {"due_at": at + timedelta(days=1), "status_code": 9, "at_one_stop_desk": True}),
        ("HÔM ẤY", {}),
        ("TUẦN SAU", {"due_at": at + timedelta(days=20)}),
    ):
        values = {"status_code": 4, "applicant_phone": "0905771482"} | begun | values
        one_stop.both(values["status_code"], code, at=values["updated_at"], desk=values["status_code"] == 9, **values)
    pick_up("khanhhoa", now=at - timedelta(hours=1))
    pick_up("khanhhoa", now=at + timedelta(minutes=1))
    return at


@pytest.mark.guarantee(
    "settings",
    "unsaved settings can be tried with the last working day's data and apologies; trying changes nothing",
)
@pytest.mark.parametrize("apology_day", ["calendar", "working_day"])
def test_rehearsed_apologies_are_those_that_the_evening_makes(hoa, rows, evening, apology_day):
    known = next(each for each in in_ledger(list_agencies) if each.agency_code == NHA_TRANG)
    typed = replace(known, apology_day=apology_day, accented=True)
    rehearsal = in_ledger(rehearse_last_working_day, known, typed, evening + timedelta(days=1))
    apologies = [each for each in rehearsal.messages if each.kind == "apology"]
    told = {each.dossier_code: each.typed.message for each in apologies if each.typed is not None}
    by_now = {each.dossier_code: each.now.message.end for each in apologies if each.now is not None}
    assert by_now == {"MAI": "would_go", "MAI, MÁY BÀN": "suppressed"}, "an evening must cover the day after it"
    in_ledger(save_agencies, [typed], "lan")
    apologize(now=evening + timedelta(minutes=2))
    made = rows(
        "SELECT d.dossier_code, m.state, m.reason, m.segments FROM motcua.messages AS m"
        " INNER JOIN motcua.dossiers AS d USING (dossier_id)"
        " WHERE m.kind = 'apology' AND m.agency_code = %s AND m.occurred_at = %s",
        NHA_TRANG,
        evening,
    )
    assert {row["dossier_code"]: (row["state"], row["reason"]) for row in made} == {
        code: ("queued" if message.end == "would_go" else message.end, message.reason) for code, message in told.items()
    }
    gone = [row["segments"] for row in made if row["state"] == "queued"]
    assert (rehearsal.typed.messages, rehearsal.typed.segments) == (len(gone), sum(gone))


def test_rehearsed_apologies_are_on_the_page(hoa, rows, evening):
    answer = send(hoa, "try", accented="yes")
    told = tried(answer)
    assert set(told) == {"MAI", "MAI, MÁY BÀN"}
    assert all(each.startswith("Gửi") for each in told["MAI"])
    assert "2 hồ sơ xét xin lỗi" not in words(answer), "the finished dossier must be counted too"
    assert "3 hồ sơ xét xin lỗi" in words(answer)
    assert rows("SELECT message_id FROM motcua.messages") == []


def test_agency_that_is_not_enabled_is_rehearsed_as_if_it_had_been(hoa, rows, day_before):
    """An agency that sends nothing yet can try settings on past dossiers as if it had already begun to send."""
    rows("UPDATE motcua.agencies SET enabled_from = NULL WHERE agency_code = %s", NHA_TRANG)
    answer = send(hoa, "try", accented="yes")
    assert "Hôm đó cơ quan chưa nhắn tin; đây là thử như đã bắt đầu." in words(answer)
    assert {code for code, (now, _) in tried(answer).items() if now.startswith("Gửi")} == {"A", "B", "C"}


# --- Who may change settings --------------------------------------------------------------------


def test_auditor_sees_settings_and_history_and_no_address_and_sets_nothing(staff, rows):
    in_ledger(save_agencies, [agency(NHA_TRANG, report_recipients=("an@x.vn", "ba@x.vn"))], "lan")
    sent = fields_of(staff.get(PAGE).text) | {"decision": "save", "accented": "yes"}
    VISITING.visit_as("auditor")
    page = staff.get(PAGE)
    assert "2 địa chỉ." in words(page)
    assert "@x.vn" not in page.text
    assert "Lưu thiết lập" not in words(page)
    assert "Hoàn tác" not in words(page)
    assert page.text.count("<fieldset disabled>") == 6
    for decision in ("save", "try", "undo"):
        refused = staff.post(FORM, data=sent | {"decision": decision})
        assert refused.status_code == 403
        assert "Chỉ quản trị của cơ quan đó và Sở Thông tin và Truyền thông mới đổi" in words(refused)
    VISITING.visit_as("operator")
    assert now_is(rows, "accented") == (False,)


def test_another_agency_is_as_if_it_were_not_there_and_the_department_sets_any(hoa, rows):
    """An agency's administrator must not see another agency. The Department can set any agency's settings."""
    sent = fields_of(hoa.get(PAGE).text) | {"decision": "save", "accented": "yes", "code": TU_PHAP}
    assert hoa.get(f"/motcua/settings/agency?code={TU_PHAP}").status_code == 404
    assert hoa.post(FORM, data=sent).status_code == 404
    assert "Tư pháp" not in words(hoa.get("/motcua/settings"))
    VISITING.visit_as("operator")
    page = hoa.get(f"/motcua/settings/agency?code={TU_PHAP}")
    accented = "no" if now_is(rows, "accented", code=TU_PHAP)[0] else "yes"
    fields = fields_of(page.text) | {"decision": "save", "accented": accented}
    assert hoa.post(FORM, data=fields).status_code == 303
    assert kept(rows, TU_PHAP)[-1]["changed_by"] == "lan"


def test_what_only_the_department_may_switch_is_shown_locked_with_the_reason(hoa):
    """An administrator sees, but cannot change, the settings of his agency that the Department decides."""
    changed = agency(NHA_TRANG, kinds_off=("apology",), kinds_off_reason="Công văn 9/STTTT")
    in_ledger(save_agencies, [changed], "so", by_department=True)
    shown = words(hoa.get(PAGE))
    assert re.search(r"Loại tin đã tắt Xin lỗi chậm trả: Công văn 9/STTTT Khóa\. Chỉ Sở", shown)
    assert "Lưu dữ liệu cá nhân 365 ngày Khóa." in shown


def test_phones_to_mend_are_listed_without_a_number_or_a_name(hoa, one_stop, rows):
    one_stop.dossier("CO SO", applicant_phone="0905771482")
    one_stop.dossier("CO DINH", applicant_phone="0258 3822 001", applicant_name="Nguyễn Thị Huệ")
    one_stop.dossier("XONG", applicant_phone="", finished_at=datetime.now(UTC))
    one_stop.dossier("KHAC", TU_PHAP, applicant_phone="")
    pick_up("khanhhoa")
    page = hoa.get(f"/motcua/settings/phones?code={NHA_TRANG}")
    shown = words(page)
    assert "1 trên 2 hồ sơ" in shown
    assert "CO DINH" in shown
    for absent in ("CO SO", "XONG", "KHAC", "3822", "Huệ"):
        assert absent not in shown
    assert hoa.get(f"/motcua/settings/phones?code={TU_PHAP}").status_code == 404


def test_procedures_stand_in_the_order_of_vietnamese_words(rows):
    for number, name in enumerate(("Chứng thực bản sao", "Đăng ký kết hôn", "Chấm dứt hoạt động", "Cấp bản sao")):
        rows("INSERT INTO motcua.procedures (procedure_code, name) VALUES (%s, %s)", f"9.{number}", name)
    told = [each.name for each in in_ledger(procedures_called) if each.procedure_code.startswith("9.")]
    assert told == ["Cấp bản sao", "Chấm dứt hoạt động", "Chứng thực bản sao", "Đăng ký kết hôn"]
