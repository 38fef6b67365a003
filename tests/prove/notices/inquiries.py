"""Prove that texts to 9029 get right and fast replies, with a real Kannel, a million dossiers and a database restart.

The judge shares no code with the system. A formula makes the dossiers, once in SQL and once in Python, so the right
reply to each question is known beforehand. The reply texts are typed here again, not read from the template files.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import os
import random
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from motcua.sandbox.machine.parts import Part
from motcua.sandbox.machine.postgres import EmbeddedPostgres
from tests.gateways.real_kannel import IS_INSTALLED, FakeCarrier, Kannel
from tests.ground import ask, connection_uri, free_port, listens, make_ledger, until
from tests.prove import Figure, none, noted

DOSSIERS = 1_000_000
THROUGH_KANNEL = 1_000
A_SECOND, SECONDS = 50, 60
RESTART_AT, AWAY = 30.0, 1.0
"""Second of the minute under load at which PostgreSQL is stopped, and seconds until it is started again."""
SECRET = "prove-inquiries-word"

# ------------------------------------------------------------------ the world, and its right replies

AGENCIES = [f"000.00.{30 + n}.H32" for n in range(13)]
ACCENTED = 3
"""Position in ``AGENCIES`` of the agency whose replies have accents."""
STEPS = [("Thẩm định", "Tham dinh"), ("Trình ký", "Trinh ky"), ("Ký duyệt", "Ky duyet"), ("Trả kết quả", "Tra ket qua")]
SHARED = 50
"""Number of codes that agency 0 and agency 1 both use."""

_WORLD = """
INSERT INTO motcua.dossiers (
    source_id, agency_code, dossier_code, phone_refusal, msisdn, step_name, status_code, due_at, finished_at,
    updated_at, picked_up_at
)
SELECT
    1,
    (%(agencies)s::text[])[1 + n %% 13],
    CASE n %% 3
        WHEN 0 THEN (160000000 + n)::text
        WHEN 1 THEN 'H32.' || n %% 13 || '-260925-' || lpad(n::text, 7, '0')
        ELSE '000.00.' || 30 + n %% 13 || '.H32-1912' || 10 + n %% 19 || '-' || lpad(n::text, 7, '0')
    END,
    'missing',
    NULL,
    (%(steps)s::text[])[1 + n %% 4],
    CASE n %% 4 WHEN 3 THEN 9 ELSE 4 END,
    CASE n %% 5 WHEN 0 THEN NULL WHEN 1 THEN now() - interval '3 days 1 hour' ELSE now() + interval '9 days' END,
    CASE WHEN n %% 4 = 3 THEN now() - CASE WHEN n %% 2 = 0 THEN interval '1 day' ELSE interval '5 days' END END,
    now() - interval '6 days',
    now()
FROM generate_series(1, %(dossiers)s) AS n
"""
_SHARED = """
INSERT INTO motcua.dossiers (
    source_id, agency_code, dossier_code, msisdn, step_name, status_code, due_at, updated_at, picked_up_at
)
SELECT 1, agency, '2016.' || 1000 + n, '+84' || 910000000 + 100 * position + n, 'Thẩm định', 4,
    now() + interval '9 days', now(), now()
FROM generate_series(0, %(shared)s - 1) AS n,
    unnest(%(agencies)s::text[]) WITH ORDINALITY AS a (agency, position)
"""


def code_of(n: int) -> str:
    """Return the code of the n-th dossier by the formula of ``_WORLD``."""
    if n % 3 == 0:
        return str(160000000 + n)
    if n % 3 == 1:
        return f"H32.{n % 13}-260925-{n:07}"
    return f"000.00.{30 + n % 13}.H32-1912{10 + n % 19}-{n:07}"


def reply_about(n: int) -> str:
    """Return the only right reply about the n-th dossier."""
    accents = n % 13 == ACCENTED
    late = n % 5 == 1 and (
        n % 4 != 3 or n % 2 == 0
    )  # finished dossiers (n % 4 == 3) got their result 5 days ago, before their due time
    words = [("chưa có ngày hẹn trả", "chua co ngay hen tra"), ("Trễ hạn", "Tre han"), ("Đúng hạn", "Dung han")]
    state = words[0 if n % 5 == 0 else 1 if late else 2]
    step = STEPS[n % 4]
    if accents:
        return f"Hồ sơ của quý Ông/Bà ({code_of(n)}) hiện đang ở bước {step[0]}, trạng thái hồ sơ: {state[0]}."
    return f"Ho so cua quy Ong/Ba ({code_of(n)}) hien dang o buoc {step[1]}, trang thai ho so: {state[1]}."


HELP = "Soan tin: MCKH (ma so ho so) gui 9029. Ma so ho so ghi tren Giay tiep nhan ho so va hen tra ket qua."
APOLOGY = "He thong tra cuu dang ban. Ong/Ba vui long nhan lai sau it phut."


def unknown(code: str) -> str:
    return (
        f"Khong tim thay ho so ({code}). Ong/Ba vui long kiem tra lai ma so tren Giay tiep nhan ho so hoac lien he Bo "
        "phan Mot cua."
    )


def several(code: str) -> str:
    """Return the reply about a code that two agencies use."""
    return (
        f"Ma so ho so ({code}) co o nhieu co quan. Ong/Ba vui long nhan lai: MCKH (ma so ho so) (ma co quan) gui 9029."
    )


FORMS = (
    *("MCKH {}", "mckh {}", "MCKH_{}", "mckh{}", "Mckh  {}.", 'MCKH "{}"', "MCKH: {}", "MCKH ({})"),
    *("MCKH ho so so {} a", "mckh {} cam on", "MCKH {} {}x9", "MCKH  {} ?", "mckh MCKH {}", "{} mckh", "MCKH-{}"),
)


@dataclass(frozen=True)
class Question:
    """A text, the phone that sends it, and the only right reply."""

    phone: str
    text: str
    reply: str
    kind: str


_SHARES = {"known": 70, "mistyped": 8, "unknown": 8, "help": 4, "several": 3, "own": 4, "named": 3}


def questions(lot: random.Random, phones: Iterator[int]) -> Iterator[Question]:
    """Yield endless questions, mostly about codes of existing dossiers, in many spellings."""
    while True:
        phone = f"84{next(phones)}"
        n = lot.randrange(1, DOSSIERS + 1)
        (kind,) = lot.choices(list(_SHARES), list(_SHARES.values()))
        match kind:
            case "known":
                code = code_of(n)
                spelled = lot.choice((code, code.lower()))
                text = lot.choice(FORMS).format(spelled, spelled)
                yield Question(phone, text, reply_about(n), "known code")
            case "mistyped":
                n += -n % 3
                n = n if n <= DOSSIERS else 3
                digits = code_of(n)
                wrong = "".join(lot.choice({"0": "0Oo", "1": "1lI"}.get(digit, digit)) for digit in digits)
                yield Question(phone, f"MCKH {wrong}", reply_about(n), "O for 0, l for 1")
            case "unknown":
                code = f"17{lot.randrange(10**7):07}"
                yield Question(
                    phone, lot.choice(("MCKH {}", "mckh{}.", "MCKH_{}")).format(code), unknown(code), "unknown"
                )
            case "help":
                yield Question(phone, lot.choice(("MCKH", "mckh ", "MCKH .", "MCKH ?")), HELP, "keyword alone")
            case "several":
                code = f"2016.{1000 + lot.randrange(SHARED)}"
                yield Question(phone, f"MCKH {code}", several(code), "code of two agencies")
            case "own":
                shared, position = lot.randrange(SHARED), lot.choice((1, 2))
                code = f"2016.{1000 + shared}"
                reply = f"Ho so cua quy Ong/Ba ({code}) hien dang o buoc Tham dinh, trang thai ho so: Dung han."
                yield Question(f"84{910000000 + 100 * position + shared}", f"mckh {code}", reply, "own of two")
            case "named":
                code = f"2016.{1000 + lot.randrange(SHARED)}"
                reply = f"Ho so cua quy Ong/Ba ({code}) hien dang o buoc Tham dinh, trang thai ho so: Dung han."
                yield Question(phone, f"MCKH {code} {lot.choice(AGENCIES[:2])}", reply, "agency named")


# ---------------------------------------------------------------- the system under proof


class Ledger:
    """A PostgreSQL server of this proof, whose ledger has a million dossiers."""

    def __init__(self, folder: Path) -> None:
        self._server = EmbeddedPostgres(folder / "postgres", free_port())
        self._server.folder.mkdir(mode=0o711)
        self._server.set_up()
        self._part = self._server.part(folder / "postgres.log")
        self._part.start()
        self.dsn = make_ledger(self._server.admin_dsn)
        self.app_uri = connection_uri(self._server.admin_dsn, "motcua_app", "motcua")
        ask(self.dsn, "INSERT INTO motcua.sources (name) VALUES ('prove')")
        agencies = "INSERT INTO motcua.agencies (agency_code, name, accented) VALUES (%s, %s, %s)"
        for position, agency in enumerate(AGENCIES):
            ask(self.dsn, agencies, agency, f"Cơ quan {position}", position == ACCENTED)
        steps = [accented for accented, _ in STEPS]
        ask(self.dsn, _WORLD, {"agencies": AGENCIES, "steps": steps, "dossiers": DOSSIERS})
        ask(self.dsn, _SHARED, {"agencies": AGENCIES[:2], "shared": SHARED})
        ask(self.dsn, "VACUUM ANALYZE motcua.dossiers")
        ask(self.dsn, "CHECKPOINT")

    def count(self, condition: str = "true") -> int:
        (found,) = ask(self.dsn, f"SELECT count(*) AS inquiries FROM motcua.inquiries AS i WHERE {condition}")
        return int(found["inquiries"])

    def restart(self) -> float:
        """Stop PostgreSQL as an operator would, and start it again; return the seconds from the stop to the start."""
        began = time.monotonic()
        self.stop()
        time.sleep(AWAY)
        self._part.start()
        return time.monotonic() - began

    def stop(self) -> None:
        self._part.stop()


@contextlib.contextmanager
def _callbacks(folder: Path, ledger: Ledger) -> Iterator[tuple[int, Path]]:
    """Run the callbacks app alone under uvicorn; yield its port and its log."""
    port, log = free_port(), folder / "callbacks.log"
    extra = {"adapter": "kannel", "callback_secret": SECRET}
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "MOTCUA_"))}
    environment |= {
        "AIRFLOW_HOME": str(folder / "airflow"),
        "AIRFLOW_CONN_MOTCUA_DB": ledger.app_uri,
        "AIRFLOW_CONN_SMS_KANNEL": json.dumps({"conn_type": "http", "host": "127.0.0.1", "extra": extra}),
        # A few thousand phones send inquiries here, as fast as possible, so the usual limit would refuse some.
        "MOTCUA_INQUIRIES_PER_GATEWAY": "100000",
    }
    command = [sys.executable, "-m", "uvicorn", "motcua.web.callbacks:standalone", "--port", str(port)]
    command += ["--http", "motcua.web.protocol:HeadersInTime"]
    command.append("--no-proxy-headers")
    with Part("callbacks", command, log, environment=environment, folder=folder, ready=lambda: listens(port)):
        yield port, log


# ---------------------------------------------------------------- a real Kannel

_KANNEL_GROUPS = """
group = sms-service
keyword = default
get-url = "{get_url}"
accept-x-kannel-headers = true
max-messages = 8
concatenation = true
"""


def _count_answered(carrier: FakeCarrier) -> int:
    return len({part.receiver for part in list(carrier.parts)})


def _parts_by_phone(carrier: FakeCarrier) -> dict[str, list[tuple[float, str]]]:
    """Return, for each phone, the parts of the texts that it got, each with its time."""
    received: dict[str, list[tuple[float, str]]] = {}
    for part in list(carrier.parts):
        received.setdefault(part.receiver, []).append((part.at, part.words(accented=part.kind != b"text")))
    return received


def _through_kannel(folder: Path, port: int, asked: Sequence[Question]) -> list[Figure]:
    name, reach = "round trips through a real Kannel with the right reply", f"{THROUGH_KANNEL} of {THROUGH_KANNEL}"
    if not IS_INSTALLED:
        return [Figure(name, "skipped: the Debian package kannel is not installed", reach, False)]
    url = f"http://127.0.0.1:{port}/gateway/inquiries/kannel?secret={SECRET}&sender=%p&to=%P&text=%a&time=%T&id=%I"
    carrier = FakeCarrier()
    kannel = Kannel(folder / "kannel", carrier=carrier.group, groups=_KANNEL_GROUPS.format(get_url=url))
    sent: dict[str, float] = {}
    try:
        carrier.connect()
        for question in asked:
            while len(sent) - _count_answered(carrier) > 20:
                time.sleep(0.002)
                if time.monotonic() - max(sent.values()) > 10:
                    break
            sent[question.phone] = time.monotonic()
            carrier.text(question.phone, question.text)
        with contextlib.suppress(AssertionError):
            until(lambda: _count_answered(carrier) >= len(asked), 20)
        time.sleep(1)  # the last parts of long replies arrive within this second
        received = _parts_by_phone(carrier)
    finally:
        kannel.stop()
        carrier.close()
    wrong = Counter(
        question.kind
        for question in asked
        if "".join(words for _, words in received.get(question.phone, [])) != question.reply
    )
    took = sorted(parts[0][0] - sent[phone] for phone, parts in received.items() if phone in sent)
    value = f"{len(asked) - wrong.total()} of {len(asked)}" + "".join(
        f"; {kind}: {n} wrong" for kind, n in wrong.items()
    )
    figures = [Figure(name, value, reach, len(asked) == THROUGH_KANNEL and not wrong)]
    if took:
        value = f"{took[len(took) // 2] * 1000:.0f} and {took[-1] * 1000:.0f} ms"
        figures.append(Figure("round trip through Kannel, p50 and longest", value, "≤ 2 s", took[-1] <= 2))
    return figures


# ---------------------------------------------------------------- a minute under load


@dataclass(frozen=True)
class Answered:
    """The answer to one question: when the question was due, how long the answer took, and its text.

    The text is ``None`` if no answer came.
    """

    at: float
    seconds: float
    words: str | None


async def _ask(port: int, question: Question, message_id: str) -> str | None:
    path = (
        f"/gateway/inquiries/kannel?secret={SECRET}&sender={question.phone}&to=9029"
        f"&text={quote(question.text)}&time={int(time.time())}&id={message_id}"
    )
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(f"GET {path} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n".encode())
        head, _, body = (await reader.read(-1)).partition(b"\r\n\r\n")
    finally:
        writer.close()
    return body.decode("utf-8") if head.startswith(b"HTTP/1.1 200") and body else None


async def _ask_for_a_minute(port: int, asked: Sequence[Question], restart: threading.Thread) -> list[Answered]:
    began = time.monotonic()

    async def one(position: int, question: Question) -> Answered:
        due = position / A_SECOND
        await asyncio.sleep(max(0.0, began + due - time.monotonic()))
        words = None
        with contextlib.suppress(OSError, TimeoutError):
            words = await asyncio.wait_for(_ask(port, question, f"load-{position}"), 10)
        # Measure from the time at which the question was due, so that a late start counts as waiting.
        return Answered(due, time.monotonic() - began - due, words)

    async def restarter() -> None:
        await asyncio.sleep(RESTART_AT)
        restart.start()

    *answers, _ = await asyncio.gather(*(one(n, question) for n, question in enumerate(asked)), restarter())
    return [answer for answer in answers if answer is not None]


def _under_load(port: int, ledger: Ledger, asked: Sequence[Question]) -> list[Figure]:
    away: list[float] = []
    restart = threading.Thread(target=lambda: away.append(ledger.restart()))
    answers = asyncio.run(_ask_for_a_minute(port, asked, restart))
    restart.join()
    took = sorted(answer.seconds for answer in answers)
    p50, p99 = took[len(took) // 2], took[len(took) * 99 // 100]
    lost = sum(answer.words is None for answer in answers)
    fixed = sum(answer.words == APOLOGY for answer in answers)
    wrong = sum(
        answer.words not in (None, APOLOGY, question.reply) for answer, question in zip(answers, asked, strict=True)
    )
    during = Counter(
        "unanswered" if a.words is None else "asked to text again" if a.words == APOLOGY else f"right ({q.kind})"
        for a, q in zip(answers, asked, strict=True)
        if RESTART_AT <= a.at <= RESTART_AT + away[0] + 0.2
    )
    alone = sorted(a.seconds for a in answers if not RESTART_AT - 0.5 <= a.at <= RESTART_AT + away[0] + 2)
    quiet = alone[len(alone) * 99 // 100]
    share = fixed / len(asked)
    return [
        noted(f"{len(asked)} inquiries, {A_SECOND} a second, {DOSSIERS:,} dossiers: p50", f"{p50 * 1000:.1f} ms"),
        Figure("p99 over the minute, restart included", f"{p99 * 1000:.0f} ms", "≤ 100 ms", p99 <= 0.1),
        Figure("p99 without the restart", f"{quiet * 1000:.0f} ms", "≤ 100 ms", quiet <= 0.1),
        Figure("longest", f"{took[-1] * 1000:.0f} ms", "≤ 2 s", took[-1] <= 2),
        none(f"unanswered while PostgreSQL restarted ({away[0]:.1f} s)", lost),
        Figure("replies during the restart", ", ".join(f"{n} {k}" for k, n in during.most_common()), "listed", True),
        Figure("replies in the minute that ask to text again later", f"{fixed} ({share:.1%})", "< 5 %", share < 0.05),
        none("replies that are neither right nor ask to text again later", wrong),
    ]


def _figure_of_counted(ledger: Ledger, expected: int) -> Figure:
    with contextlib.suppress(AssertionError):
        until(lambda: ledger.count() >= expected, 15)
    inquiries = ledger.count()
    with_reply = ledger.count(
        "EXISTS (SELECT 1 FROM motcua.messages AS m WHERE m.message_id = i.message_id"
        " AND m.kind = 'reply' AND m.state = 'accepted')"
    )
    good = inquiries == with_reply == expected
    return Figure("inquiries counted, each with its reply", f"{inquiries}, {with_reply}", str(expected), good)


def figures(seed: int) -> list[Figure]:
    lot = random.Random(seed)
    phones = itertools.count(920000000)
    made = questions(lot, phones)
    # Each phone asks one question, so that a reply can be assigned to its question by the phone.
    of_phones = {question.phone: question for question in itertools.islice(made, THROUGH_KANNEL)}
    while len(of_phones) < THROUGH_KANNEL:
        of_phones.setdefault((question := next(made)).phone, question)
    through_kannel = list(of_phones.values())
    load = list(itertools.islice(made, A_SECOND * SECONDS))
    with tempfile.TemporaryDirectory(prefix="motcua-prove-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o711)
        ledger = Ledger(folder)
        try:
            with _callbacks(folder, ledger) as (port, log):
                found = _through_kannel(folder, port, through_kannel)
                before = ledger.count()
                found += _under_load(port, ledger, load)
                found.append(_figure_of_counted(ledger, before + len(load)))
        finally:
            ledger.stop()
        written = log.read_text(encoding="utf-8", errors="replace")
        leaked = sum(q.phone in written or q.phone[2:] in written for q in [*through_kannel, *load])
        return [*found, none("numbers and secrets in the app's log", leaked + written.count(SECRET))]
