"""Test a month whose messages went by Zalo and by SMS: it is closed, published and verified.

The test computes the month's costs a second time with pandas and compares them with the publication.
"""

from __future__ import annotations

import io
import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from motcua.domain.clock import VIETNAM
from motcua.domain.periods import Period
from motcua.jobs.publications.publishing import publish
from motcua.jobs.publications.verifying import verify_publication
from motcua.jobs.reconciliation.closing import close_period
from tests.ground import NHA_TRANG, NOW, TU_PHAP, gateway_connection, report, run_at, take_in
from tests.integration.sending.conftest import zalo_connection

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
FIRST_OF_DECEMBER = datetime(2026, 12, 1, 7, 30, tzinfo=VIETNAM)
VIETTEL, MOBIFONE, VINAPHONE = "098", "090", "091"
ZALO, KANNEL, SMS = 200, {"MobiFone": 412.5, "other": 350}, 360


@pytest.fixture
def month(one_stop: Any, channels: Any, configure: Any, rows: Any, tmp_path: Path) -> Path:
    """Send results of two agencies on three days and in one night; return the folder of publications.

    One of the agencies sends accented texts. One SMS is reported undelivered.
    """
    configure(
        MOTCUA_PUBLICATIONS=f"file://{tmp_path}",
        MOTCUA_SEGMENT_PRICE=str(SMS),
        AIRFLOW_CONN_SMS_ZALO=zalo_connection(channels.zalo.url, price=ZALO),
        AIRFLOW_CONN_SMS_KANNEL=gateway_connection(channels.sms.port, price=KANNEL),
    )
    number = 0
    for at in (NOW, NOW + 2 * DAY, NOW + 2 * DAY + 13 * HOUR, NOW + 5 * DAY):
        for agency in (NHA_TRANG, TU_PHAP):
            for prefix in (VIETTEL, MOBIFONE, VINAPHONE):
                number += 1
                phone = f"{prefix}5123{number:03}"
                if number % 5 == 0:
                    channels.zalo.by_number[f"84{phone[1:]}"] = [-118]
                one_stop.both(9, f"D-{number:02}", agency, at=at, updated_at=at, applicant_phone=phone)
        run_at(at)
    last = rows("SELECT reference FROM motcua.attempts WHERE gateway = 'kannel' ORDER BY attempt_id DESC LIMIT 1")
    report(last[0]["reference"], "2")
    return tmp_path


def segments(text: str) -> int:
    """Count a text's SMS segments by the lengths of the GSM standard.

    The text must hold no character of GSM-7's extension table.
    """
    alone, joined = (160, 153) if text.isascii() else (70, 67)
    return 1 if len(text) <= alone else -(-len(text) // joined)


def money_by_pandas(rows: Any) -> pd.DataFrame:
    """Compute each agency's costs from texts, numbers and accepted attempts.

    The columns are the price of all messages and, for messages by Zalo, their number, the SMS segments of their texts,
    and their price.
    """
    messages = pd.DataFrame(rows("SELECT message_id, agency_code, text, msisdn FROM motcua.messages"))
    took = pd.DataFrame(rows("SELECT message_id, gateway, outcome FROM motcua.attempts"))
    found = messages.merge(took[took["outcome"] == "accepted"], on="message_id", validate="one_to_one")
    found["segments"] = found["text"].map(segments)
    by_sms = found["msisdn"].str.startswith("+8490").map({True: KANNEL["MobiFone"], False: KANNEL["other"]})
    is_zalo = found["gateway"] == "zalo"
    found["paid"] = (found["segments"] * by_sms).where(~is_zalo, ZALO)
    found["zalo_paid"] = is_zalo * ZALO
    found["zalo_segments"] = found["segments"].where(is_zalo, 0)
    found["zalo_messages"] = is_zalo.astype(int)
    return found.groupby("agency_code")[["paid", "zalo_messages", "zalo_segments", "zalo_paid"]].sum()


def saved_in(page: str) -> dict[str, list[int]]:
    """Return the figures of the report's table of savings against SMS alone, by agency."""
    table = page.partition("Tiết kiệm so với chỉ gửi SMS, theo cơ quan")[2].partition("</table>")[0]
    lines = [re.findall(r"<td[^>]*>\s*([^<]*?)\s*</td>", row) for row in table.split("<tr")]
    return {line[0]: [int(cell.replace(".", "")) for cell in line[1:]] for line in lines if line}


@pytest.mark.guarantee(
    "publications",
    "a publication of a month with two channels verifies; pandas computes the same costs from texts and attempts",
)
def test_month_of_two_channels_verifies_and_its_money_is_what_pandas_finds(month, one_stop, channels, rows):
    closing = close_period(Period.parse("2026-11"), "tests", FIRST_OF_DECEMBER).closing
    found = money_by_pandas(rows)
    published = publish(closing.closing_no, FIRST_OF_DECEMBER)
    folder = month / published.folder
    published_channels = pd.read_csv(io.BytesIO((folder / "csv/channels.csv").read_bytes()), keep_default_na=False)
    assert set(published_channels["gateway"]) == {"zalo", "kannel"}
    of_zalo = (
        published_channels[published_channels["gateway"] == "zalo"].groupby("agency_code")[["taken", "segments"]].sum()
    )
    assert of_zalo.values.tolist() == found[["zalo_messages", "zalo_segments"]].values.tolist()
    total = int(found["paid"].sum() + 0.5)
    assert published.manifest["words"]["budget"]["spent_in_period"] == total
    by_sms = found["zalo_segments"] * SMS
    saved = saved_in((folder / "bao-cao.html").read_text())
    expected = pd.DataFrame(
        {
            "messages": found["zalo_messages"],
            "segments": found["zalo_segments"],
            "by_sms": by_sms,
            "paid": found["zalo_paid"],
            "saved": by_sms - found["zalo_paid"],
        }
    )
    names = {NHA_TRANG: "Ủy ban nhân dân thành phố Nha Trang", TU_PHAP: "Sở Tư pháp"}
    assert saved == {
        **{names[code]: [int(each) for each in row] for code, row in zip(expected.index, expected.values, strict=True)},
        "Toàn tỉnh": [int(each) for each in expected.sum()],
    }
    # After the closing, the desk corrects the phone number of the undelivered message, and the message is sent by Zalo.
    # The publication must still verify.
    (undelivered,) = rows("SELECT dossier_id FROM motcua.messages WHERE state = 'undelivered'")
    (code,) = rows("SELECT dossier_code, agency_code FROM motcua.dossiers WHERE dossier_id = %s", *undelivered.values())
    later = FIRST_OF_DECEMBER + HOUR
    waiting = {"status_code": 9, "at_one_stop_desk": True}
    one_stop.dossier(*code.values(), **waiting, applicant_phone="0985123987", updated_at=later)
    take_in(later)
    before = len(channels.zalo.sent)
    run_at(later)
    assert len(channels.zalo.sent) == before + 1
    checked = verify_publication(str(published.publication_no))
    assert [str(each) for each in checked.faults] == []
    assert checked.remarks == []
