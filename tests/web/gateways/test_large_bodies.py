"""Test that a real server answers bodies that are too large, even if the caller reads only after sending all bytes."""

from __future__ import annotations

import json

import pytest
from fastapi import FastAPI, Request, Response

from motcua.web.callbacks import create_standalone
from motcua.web.forms import PageRefused, sent_file, sent_form
from motcua.web.intake import create_standalone as create_intake
from tests.web.gateways.test_real_server import Running, everything, in_this_process, request

pytestmark = pytest.mark.alone

LARGE = 33 * 1024 * 1024


def answered(server: Running, target: str, headers: str = "", size: int = LARGE, *, chunked: bool = False) -> bytes:
    """Send a body of ``size`` bytes, then read and return the whole answer."""
    piece = b"x" * 65536
    with server.connection() as connected:
        length = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {size}"
        connected.sendall(request(target, "POST", f"Connection: close\r\n{length}\r\n{headers}"))
        for _ in range(size // len(piece)):
            connected.sendall(b"10000\r\n" + piece + b"\r\n" if chunked else piece)
        connected.sendall(b"0\r\n\r\n" if chunked else b"")
        return everything(connected)


@pytest.mark.guarantee(
    "intake", "a body that is too large is answered, not cut off, also if the caller reads only after sending"
)
@pytest.mark.parametrize("chunked", [False, True])
def test_intake_answers_a_body_that_is_too_large_in_the_protocols_shape(ledger, chunked):
    with in_this_process(create_intake()) as server:
        for target, code in (("/intake/call", "05"), ("/intake/sign-in", 5)):
            head, _, body = answered(server, target, chunked=chunked).partition(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 413 "), target
            assert json.loads(body)["error_code"] == code
        # A caller who asks first (Expect: 100-continue) is refused before it sends the body.
        with server.connection() as connected:
            asked = f"Content-Length: {LARGE}\r\nExpect: 100-continue\r\n"
            connected.sendall(request("/intake/call", "POST", asked))
            assert everything(connected).startswith(b"HTTP/1.1 413 ")


def test_callback_answers_a_body_that_is_too_large(agencies, configure):
    extra = {"adapter": "kannel", "callback_secret": "receipt-word-9"}
    configure(AIRFLOW_CONN_SMS_KANNEL=json.dumps({"conn_type": "http", "host": "127.0.0.1", "extra": extra}))
    with in_this_process(create_standalone()) as server:
        answer = answered(server, "/gateway/receipts/kannel?reference=r-1", "X-Motcua-Secret: receipt-word-9\r\n")
    assert answer.startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize(
    ("target", "kind"), [("/form", "application/x-www-form-urlencoded"), ("/file", "multipart/form-data; boundary=x")]
)
def test_page_answers_a_form_that_is_too_large(target, kind):
    app = FastAPI()

    @app.exception_handler(PageRefused)
    def refused(_: Request, refusal: PageRefused) -> Response:
        return Response(str(refusal.refusal), refusal.status, {"Connection": "close"})

    @app.post("/form")
    async def form(request: Request) -> Response:
        await sent_form(request)
        return Response()

    @app.post("/file")
    async def file(request: Request) -> Response:
        async with sent_file(request, 1024, on_disk=True):
            return Response()

    with in_this_process(app) as server:
        assert answered(server, target, f"Content-Type: {kind}\r\n").startswith(b"HTTP/1.1 413 ")
