"""A real Caddy with include/proxy/Caddyfile passes on exactly the requests that it should.

Behind it are three servers that record the requests they get.
"""

from __future__ import annotations

import json
import os
import posixpath
import shutil
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

import httpx
import pytest

from motcua.sandbox.machine.parts import Part
from motcua.sandbox.network.scripted import ScriptedGateway
from tests.compose.project import ROOT
from tests.ground import free_port
from tests.integration.installing.province import certificate

pytestmark = pytest.mark.alone

NAME = "motcua.test"
BACKENDS = {"callbacks": 8081, "intake": 8082, "airflow-apiserver": 8080}


def _answers(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/health").status_code == 200
    except httpx.HTTPError:
        return False


@dataclass
class Proxy:
    """A running Caddy."""

    behind: dict[str, ScriptedGateway]
    https: int
    http: int
    log: Path
    trusted: ssl.SSLContext

    def ask(self, path: str, method: str = "GET", **more: object) -> httpx.Response:
        """Send a request as a browser that knows the server's name."""
        url = f"https://127.0.0.1:{self.https}{path}"
        headers = {"Host": NAME, **more.pop("headers", {})}  # type: ignore[dict-item]
        with httpx.Client(verify=self.trusted) as client:
            return client.request(method, url, headers=headers, extensions={"sni_hostname": NAME}, **more)  # type: ignore[arg-type]


@pytest.fixture
def proxy(tmp_path: Path) -> Iterator[Callable[..., Proxy]]:
    """Return a function that starts Caddy; its arguments are the networks from which callbacks and pushes may come."""
    caddy = shutil.which("caddy") or pytest.skip("caddy is not on PATH")
    parts: list[Part] = []
    behind = {name: ScriptedGateway() for name in BACKENDS}
    for server in behind.values():
        server.answer = (200, "")

    def started(gateways: str = "127.0.0.1/32", pushes: str = "127.0.0.1/32") -> Proxy:
        certificate(tmp_path, NAME)
        https, http, health = free_port(), free_port(), free_port()
        text = (ROOT / "include" / "proxy" / "Caddyfile").read_text(encoding="utf-8")
        for name, port in BACKENDS.items():
            text = text.replace(f"reverse_proxy {name}:{port}", f"reverse_proxy 127.0.0.1:{behind[name].port}")
        text = text.replace("127.0.0.1:2020", f"127.0.0.1:{health}")
        text = text.replace("admin off", f"admin off\n\thttp_port {http}\n\thttps_port {https}", 1)
        (tmp_path / "Caddyfile").write_text(text, encoding="utf-8")
        place = tmp_path / "certificates"
        given = {
            "UI_URL": f"https://{NAME}",
            "SITE": NAME,
            "TLS": f"{place}/site.pem {place}/site.key",
            "GATEWAY_NETWORKS": gateways,
            "INTAKE_NETWORKS": pushes,
            "XDG_DATA_HOME": str(tmp_path),
            "XDG_CONFIG_HOME": str(tmp_path),
        }
        log = tmp_path / "caddy.log"
        words = [caddy, "run", "--config", str(tmp_path / "Caddyfile"), "--adapter", "caddyfile"]
        part = Part(
            "caddy", words, log, environment={**os.environ, **given}, ready=lambda: _answers(health), ready_within=20
        )
        part.start()
        parts.append(part)
        trusted = ssl.create_default_context(cafile=str(place / "site.pem"))
        return Proxy(behind, https, http, log, trusted)

    yield started
    for part in parts:
        part.kill()
    for server in behind.values():
        server.close()


@pytest.mark.guarantee(
    "rights", "calls of gateways and of software that pushes are accepted only from their registered networks"
)
def test_receipts_and_pushes_from_elsewhere_reach_nobody_whatever_way_is_written(proxy: Callable[..., Proxy]) -> None:
    it = proxy(gateways="10.20.2.7 10.30.0.0/16", pushes="10.0.0.0/8")
    for path in ("/gateway/receipts/kannel", "/gateway/inquiries/kannel", "/intake/DongBoHoSoMC", "/gateway/"):
        assert it.ask(path).status_code == 403, path
    nasty = ("//gateway/receipts/x", "/gateway//receipts/x", "/a/../gateway/receipts/x", "/gateway/%72eceipts/x")
    for path in (*nasty, "/GATEWAY/receipts/x", "/gateway/health/../receipts/x", "//intake/x", "/%69ntake/x"):
        it.ask(path)
    asked = [*it.behind["callbacks"].asked, *it.behind["intake"].asked]
    reached = {posixpath.normpath(unquote(each.target)) for each in asked}
    assert reached <= {"/gateway/health"}
    # These routes may be called from every network, because they show nothing or need a secret of their own.
    for path in ("/gateway/health", "/gateway/metrics", "/gateway/watch"):
        assert it.ask(path).status_code == 200
    assert it.ask("/gateway/receipts/kannel", headers={"X-Forwarded-For": "10.20.2.7"}).status_code == 403


def test_request_that_may_come_is_passed_on_with_the_callers_real_address(proxy: Callable[..., Proxy]) -> None:
    it = proxy()
    for path, name in (
        ("/gateway/receipts/kannel", "callbacks"),
        ("/intake/sign-in", "intake"),
        ("/motcua/", "airflow-apiserver"),
    ):
        assert it.ask(path, "POST", headers={"X-Forwarded-For": "10.1.1.1"}).status_code == 200
        (asked,) = it.behind[name].asked
        assert asked.target == path
        assert asked.headers["x-forwarded-for"] == "127.0.0.1", (
            "the header holds the caller's real address, not the one that the caller claims"
        )
    # Depending on its version, Caddy answers a body that is too large with the status 413 or 502.
    assert it.ask("/gateway/receipts/kannel", "POST", content=b"x" * 17_000).status_code in (413, 502)


@pytest.mark.guarantee(
    "rights", "passwords can be tried only on the sign-in page: /auth/token and workers' paths are closed"
)
def test_ways_that_are_no_person_s_are_shut(proxy: Callable[..., Proxy]) -> None:
    it = proxy()
    shut = ("/auth/token", "/auth/token/cli", "/execution/task-instances", "/AUTH/token", "/auth/%74oken")
    assert {it.ask(path, "POST").status_code for path in shut} == {404}
    for path in (
        "//auth/token",
        "/auth//token",
        "/auth/./token",
        "/x/../auth/token",
        "/auth/token/",
        "/auth/token?x=1",
    ):
        it.ask(path, "POST")
    asked = it.behind["airflow-apiserver"].asked
    through = [posixpath.normpath(unquote(each.target.partition("?")[0])) for each in asked]
    assert not [path for path in through if path.lstrip("/").startswith(("auth/token", "execution"))]


@pytest.mark.guarantee("rights", "the proxy's log holds no query, header or body")
def test_log_holds_no_query_and_no_header_also_where_nobody_answers(proxy: Callable[..., Proxy]) -> None:
    it = proxy()
    headers = {"Cookie": "session=hush", "Referer": "https://x/?a=hush"}
    path = "/gateway/receipts/kannel?secret=hush&to=0905123456"
    assert it.ask(path, headers=headers).status_code == 200
    it.behind["callbacks"].close()
    silent = it.ask(path, headers=headers)
    assert (silent.status_code, silent.text[:16]) == (502, "Trang đang khởi ")
    text = it.log.read_text(encoding="utf-8")
    asked = [each["request"]["uri"] for line in text.splitlines() if "request" in (each := json.loads(line))]
    assert len(asked) >= 2
    assert set(asked) == {"/gateway/receipts/kannel"}
    assert "hush" not in text
    assert "0905123456" not in text


def test_browser_is_told_to_stay_with_tls_and_who_says_no_name_gets_the_certificate(
    proxy: Callable[..., Proxy],
) -> None:
    it = proxy()
    answer = it.ask("/motcua/")
    assert answer.headers["strict-transport-security"] == "max-age=31536000"
    assert "server" not in answer.headers
    plain = httpx.get(f"http://127.0.0.1:{it.http}/motcua/", headers={"Host": NAME})
    assert plain.status_code in (301, 308)
    assert plain.headers["location"].startswith(f"https://{NAME}")
    # Like every client that calls an IP address, Kannel sends no server name in the TLS handshake.
    assert "BEGIN CERTIFICATE" in ssl.get_server_certificate(("127.0.0.1", it.https))
