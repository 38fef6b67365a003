"""Test users and roles of Airflow's FAB authentication: what they may do on the staff pages, and how they sign in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from motcua.settings import settings
from motcua.store.agencies import save_agencies
from motcua.store.ledger.database import close_ledger_pool
from motcua.store.people import give_agency
from tests.ground import NHA_TRANG, NOW, Server, agency, in_ledger, ledger_connections
from tests.sign_in_words import compiled, written
from tests.web.fab import USERS, WATCH, asked_in_a_process

pytestmark = pytest.mark.alone


@pytest.fixture(scope="module")
def found(postgres: Server, migrated: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """Return the report of ``tests.web.fab``. All tests share one Airflow, because its start takes half a minute."""
    name = postgres.fresh_database(migrated, "fab")
    with pytest.MonkeyPatch.context() as patch:
        for variable, address in ledger_connections(postgres.admin_dsn, name).items():
            patch.setenv(variable, address)
        settings.cache_clear()
        in_ledger(save_agencies, [agency(NHA_TRANG)], "tests")
        for user in ("cuc", "quy"):
            in_ledger(give_agency, user, NHA_TRANG, "lan", NOW)
        yield asked_in_a_process(tmp_path_factory.mktemp("fab"))
        close_ledger_pool()
    settings.cache_clear()
    postgres.drop_database(name)


@pytest.mark.guarantee("pages", "a visitor's role on the staff pages follows from the roles in Airflow")
def test_fabs_roles_are_those_of_the_pages(found):
    auditor, own, operator = "Kiểm tra, chỉ xem", "Quản trị của cơ quan", "Sở Thông tin và Truyền thông"
    clerk = "Cán bộ Bộ phận Một cửa"
    assert {name: each["is"] for name, each in found.items() if "is" in each} == {
        "kiem": [auditor, "kiem"],
        "cuc": [own, "cuc"],
        "quy": [clerk, "quy"],
        "lan": [operator, "lan"],
        # Airflow's own roles below Op see no agency's rows until an administrator gives the user an agency.
        "vy": [clerk, "vy"],
        "hoa": [clerk, "hoa"],
        "phuc": [operator, "phuc"],
        "minh": [operator, "minh"],
        "ngoai": [clerk, "ngoai"],
    }
    # Each list has the status of four pages: dossiers, data quality, carrier statements, users.
    assert {name: each["statuses"] for name, each in found.items() if "statuses" in each} == {
        "kiem": [200, 200, 200, 403],
        "cuc": [200, 303, 403, 403],
        "quy": [200, 403, 403, 403],
        "lan": [200, 200, 200, 200],
        "vy": [200, 403, 403, 403],
        "hoa": [200, 403, 403, 403],
        "phuc": [200, 200, 200, 200],
        "minh": [200, 200, 200, 200],
        "ngoai": [200, 403, 403, 403],
        "wrong password": [401],
    }
    assert {name for name in USERS if found[name]["unknown"]} == {"vy", "hoa", "ngoai"}, (
        "only these users have no agency"
    )
    assert found["lan"]["accounts"][: len(USERS) + 1] == sorted([*USERS, WATCH]), "the page must list all accounts"


@pytest.mark.guarantee("pages", "an agency's people have no right in Airflow, on a server and in the demo")
def test_roles_of_ours_may_do_in_airflow_what_they_need_and_no_more(found):
    # Each tuple has: the statuses of access to connections, variables and other accounts; the DAGs that are shown; and
    # the statuses of listing runs, starting a run and pausing a DAG.
    asked = ("airflow", "dags", "runs", "starts", "pauses")
    seen = {name: tuple(found[name][each] for each in asked) for name in ("kiem", "cuc", "quy", "lan", "minh")}
    nothing = ([403, 403, 403], [], 403, 403, 403)
    assert seen == {
        "kiem": nothing,
        "cuc": nothing,
        "quy": nothing,
        "lan": ([200, 403, 403], ["check_quality"], 200, 200, 200),
        "minh": ([200, 200, 200], ["check_quality"], 200, 200, 200),
    }


@pytest.mark.guarantee("pages", "a user who may see no DAG is led from Airflow's console to the staff pages")
def test_console_is_for_those_who_see_something_there(found):
    led = {name: found[name]["console"] for name in ("kiem", "cuc", "quy", "lan", "vy")}
    away, stays = ["/motcua/", "/motcua/"], [None, None]
    assert led == {"kiem": away, "cuc": away, "quy": away, "lan": stays, "vy": stays}


def test_command_that_makes_the_roles_may_be_repeated_and_undoes_other_changes_of_rights(found):
    """A second run of the command must restore the rights of our roles.

    The command must not give a person's account to the watch, the program that checks the system from outside Airflow.
    """
    first, again, taken = found["roles"]
    assert first == again
    assert first.startswith("0 Roles VanHanh, CoQuan, Quay, KiemTra, GiamSat are as they should be.")
    # Between the first two calls, CoQuan got the right to change connections, and VanHanh lost this right. The second
    # call must undo both changes.
    assert first.endswith("The watch signs in as giam-sat.")
    assert taken.startswith("2 lan is a person's account"), "a person's account must not become the watch's"


@pytest.mark.guarantee("watch", "the watch reads runs in Airflow with an account that has no other right")
def test_watch_sees_runs_with_the_account_that_the_command_made(found):
    # The users lan, hoa, phuc and minh each started one run.
    assert found["watch"]["all runs"] == 4
    assert found["watch"]["red runs"] == 0
    assert found["watch"]["refused"] == [403, 403, 403, 403]


@pytest.mark.guarantee("pages", "people sign in, and change their own password, in Vietnamese")
def test_people_sign_in_and_change_their_password_in_vietnamese(found):
    said = found["sign-in"]
    assert "Nhập tên đăng nhập và mật khẩu của chính bạn: Tên đăng nhập: Mật khẩu: Đăng nhập" in said["sign-in"]
    assert "Tên đăng nhập hoặc mật khẩu không đúng." in said["wrong"]
    assert said["came to"] == "/motcua/calendar", "the sign-in must lead to the page that was asked for"
    assert "Đổi mật khẩu Mật khẩu * Hãy chọn mật khẩu dài" in said["password"]
    assert "Hai lần nhập mật khẩu không giống nhau" in said["not the same"]
    assert "Đã đổi mật khẩu Tài khoản của tôi" in said["own account"]
    assert said["old and new password"] == [401, 201]
    assert said["others' accounts"] != "/auth/users/list/", "an agency's administrator must not see other accounts"
    english = ("Sign In", "Username", "Password", "Invalid login", "Save", "Back", "Profile")
    assert not [
        word for page in ("sign-in", "wrong", "password", "own account") for word in english if word in said[page]
    ]


@pytest.mark.guarantee("rights", "an account is locked after five wrong passwords in a row; a new password unlocks it")
def test_account_rests_after_wrong_passwords_in_a_row_until_it_gets_a_new_one(found):
    guessed = found["guessed"]
    assert guessed["after four"] == [False] * 4 + [True]
    assert guessed["after five"] == [False] * 5 + [False], "the right password must be refused too"
    assert guessed["after a new password"]
    assert "sau năm lần sai liên tiếp, tài khoản tạm khóa 15 phút" in found["sign-in"]["wrong"]


def test_words_of_the_sign_in_page_are_compiled_as_they_are_written():
    """Airflow reads only the compiled Vietnamese words of the sign-in page, so they must match the written ones."""
    words = {each.id: each.string for each in written() if each.id}
    assert words["Sign In"] == "Đăng nhập"
    assert {each.id: each.string for each in compiled() if each.id} == words, "run: python -m tests.sign_in_words"
