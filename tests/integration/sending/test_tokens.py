"""Test Zalo's tokens: one sender renews them before its first message, and stores them outside the ledger."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest

from motcua.domain.tokens import Tokens
from motcua.gateways.adapter import GatewayAnswer
from motcua.gateways.zalo import ZaloGateway
from motcua.sandbox.network.scripted_zalo import FIRST_REFRESH_TOKEN
from motcua.settings import settings
from motcua.store.notices.gateways import note_tokens, tokens_failing
from motcua.store.tokens import TokenFile, TokensUnusable
from tests.ground import NOW, in_ledger, queue_results, send_at, states, take_in

HOUR = timedelta(hours=1)


def queue(one_stop, at):
    """Queue the result of a new dossier at the moment ``at``."""
    one_stop.both(9, f"D-{at:%d%H%M}", at=at, applicant_phone=f"0905{at:%d%H%M}")
    take_in(at)


def request_counts(channels):
    return len(channels.zalo.sent), len(channels.sms.asked)


@pytest.mark.guarantee(
    "tokens", "tokens are fetched before the first message and renewed after three quarters of their lifetime"
)
def test_tokens_are_got_before_the_first_message_and_renewed_in_time(one_stop, channels, rows):
    queue_results(one_stop)
    send_at()
    assert (channels.zalo.renewals, request_counts(channels)) == (1, (1, 0))
    for hours, renewals in ((18, 1), (19, 2), (24, 2)):
        queue(one_stop, NOW + hours * HOUR)
        send_at(NOW + hours * HOUR)
        assert channels.zalo.renewals == renewals, hours
    kept = rows("SELECT tokens_until, tokens_fault FROM motcua.gateways WHERE name = 'zalo'")
    assert [tuple(row.values()) for row in kept] == [(NOW + 44 * HOUR, None)]


@pytest.mark.guarantee("tokens", "two senders renew a gateway's tokens once")
def test_two_senders_renew_once(one_stop, channels, rows):
    queue_results(one_stop, 20)
    senders = [threading.Thread(target=send_at, kwargs={"run_id": f"run {number}"}) for number in range(2)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    assert channels.zalo.renewals == 1
    send_at()
    assert set(states(rows)) == {("accepted", None)}
    assert sum(request_counts(channels)) == 20


@pytest.mark.guarantee("tokens", "tokens are stored encrypted in their own file, and in no ledger, journal or log")
def test_tokens_lie_encrypted_in_a_file_of_their_own(one_stop, channels, rows, caplog):
    queue_results(one_stop)
    send_at()
    (file,) = settings().tokens_folder.iterdir()
    assert file.stat().st_mode & 0o777 == 0o600
    secrets = (FIRST_REFRESH_TOKEN, channels.zalo.refresh_token, channels.zalo.access_token)
    places = [file.read_bytes().decode(), caplog.text]
    places += [path.read_text() for path in settings().journal_folder.rglob("*") if path.is_file()]
    places += [str(rows("SELECT * FROM motcua.gateways"))]
    assert [secret for secret in secrets for place in places if secret in place] == []
    assert TokenFile("zalo", FIRST_REFRESH_TOKEN).read().tokens.access == channels.zalo.access_token
    assert not settings().tokens_folder.is_relative_to(settings().journal_folder)


@pytest.mark.guarantee(
    "tokens",
    "a renewal that fails or is killed is retried and raises an alert; sending goes on while the old token is valid",
)
def test_renewal_that_fails_is_told_at_once_and_sending_goes_on(one_stop, channels, rows):
    queue_results(one_stop)
    send_at()
    later = NOW + 21 * HOUR
    channels.zalo.refresh_token = "used by somebody else"
    queue(one_stop, later)
    send_at(later)
    assert request_counts(channels) == (2, 0)
    (failing,) = in_ledger(tokens_failing, ["zalo", "kannel"])
    assert failing.tokens_fault == "200 renewal refused -14014"
    assert failing.tokens_until == NOW + 25 * HOUR
    assert failing.finding.key == "tokens_not_renewed/zalo"
    over = NOW + 26 * HOUR
    queue(one_stop, over)
    send_at(over)
    assert request_counts(channels) == (2, 1), "without a valid token, messages go by SMS"
    channels.zalo.refresh_token = "second-refresh-token"
    channels.set_up(refresh_token="second-refresh-token")
    after = over + HOUR
    queue(one_stop, after)
    send_at(after)
    assert request_counts(channels) == (3, 1), "a new refresh token in the connection is used at once"
    assert in_ledger(tokens_failing, ["zalo"]) == []


class Killed(BaseException):
    pass


@pytest.mark.guarantee(
    "tokens",
    "a renewal that fails or is killed is retried and raises an alert; sending goes on while the old token is valid",
)
@pytest.mark.parametrize("left", [False, True])
def test_renewal_that_was_killed(one_stop, channels, rows, monkeypatch, left):
    queue_results(one_stop)
    renew = ZaloGateway.renew

    def killed(self, session, refresh_token, now):
        if left:
            renew(self, session, refresh_token, now)
        raise Killed

    with monkeypatch.context() as dying:
        dying.setattr(ZaloGateway, "renew", killed)
        with pytest.raises(Killed):
            send_at()
    assert rows("SELECT 1 FROM motcua.attempts") == [], "no attempt was committed"
    send_at(NOW + HOUR)
    assert request_counts(channels) == ((0, 1) if left else (1, 0))
    failing = in_ledger(tokens_failing, ["zalo"])
    assert [each.tokens_fault for each in failing] == (
        ["200 renewal refused -14014; a renewal that began at 2026-11-25 03:00 UTC never ended"] if left else []
    )


@pytest.mark.guarantee(
    "tokens", "a failed renewal counts as over once the tokens are valid, also if the renewal was not recorded"
)
def test_failure_is_over_once_tokens_are_good(one_stop, channels, rows):
    queue_results(one_stop)
    send_at()
    in_ledger(note_tokens, "zalo", tokens=None, fault="200 renewal refused -14014", now=NOW)
    assert in_ledger(tokens_failing, ["zalo"]) != []
    send_at(NOW + HOUR)
    assert in_ledger(tokens_failing, ["zalo"]) == []


def test_file_of_another_key_is_refused_and_of_another_first_token_is_begun_anew(channels, configure):
    """Tokens encrypted with another key are refused; a new first token in the connection starts a new file."""
    file = TokenFile("zalo", FIRST_REFRESH_TOKEN)
    tokens = Tokens("a", "b", NOW, NOW + HOUR, NOW + 9 * HOUR)
    file.keep(tokens)
    assert file.read().tokens == tokens
    other = TokenFile("zalo", "other")
    assert (other.read().tokens, other.read().refresh) == (None, "other")
    other.begin(NOW)
    assert (file.read().tokens, file.read().renewing_since, other.read().renewing_since) == (tokens, None, NOW)
    other.keep(tokens)
    assert [path.name for path in settings().tokens_folder.iterdir()] == [other.path.name]
    file = other
    configure(AIRFLOW__CORE__FERNET_KEY="B" * 43 + "=")
    with pytest.raises(TokensUnusable, match="cannot be decrypted with this AIRFLOW__CORE__FERNET_KEY"):
        file.read()
    configure(AIRFLOW__CORE__FERNET_KEY="")
    with pytest.raises(TokensUnusable, match="tokens are stored only encrypted"):
        file.keep(tokens)


@pytest.mark.guarantee("tokens", "an access token that is refused early is renewed at once")
def test_access_token_that_is_refused_before_its_time_is_renewed_at_once(one_stop, channels, rows):
    queue_results(one_stop)
    send_at()
    channels.zalo.access_token = "taken back"
    for minutes in (10, 20):
        queue(one_stop, NOW + timedelta(minutes=minutes))
        send_at(NOW + timedelta(minutes=minutes))
    assert channels.zalo.renewals == 2
    assert set(states(rows)) == {("accepted", None)}
    assert in_ledger(tokens_failing, ["zalo"]) == []


@pytest.mark.guarantee(
    "tokens",
    "a renewal that fails or is killed is retried and raises an alert; sending goes on while the old token is valid",
)
def test_sending_goes_on_with_a_valid_token_while_the_tokens_folder_cannot_be_written(
    one_stop, channels, rows, monkeypatch
):
    queue_results(one_stop)
    send_at()
    later = NOW + 21 * HOUR

    def full(file, now):
        raise TokensUnusable("files cannot be written")

    monkeypatch.setattr(TokenFile, "begin", full)
    queue(one_stop, later)
    send_at(later)
    assert request_counts(channels) == (2, 0)
    assert [each.tokens_fault for each in in_ledger(tokens_failing, ["zalo"])] == ["files cannot be written"]


@pytest.mark.guarantee(
    "tokens",
    "a renewal that fails or is killed is retried and raises an alert; sending goes on while the old token is valid",
)
def test_renewal_on_which_the_adapter_fails_ends_no_sender(one_stop, channels, rows, monkeypatch):
    def fails(self, session, refresh_token, now):
        raise LookupError("a charset that is none")

    monkeypatch.setattr(ZaloGateway, "renew", fails)
    queue_results(one_stop)
    send_at()
    assert request_counts(channels) == (0, 1)
    assert [each.tokens_fault for each in in_ledger(tokens_failing, ["zalo"])] == ["LookupError"]


@pytest.mark.guarantee(
    "tokens", "a failed renewal counts as over once the tokens are valid, also if the renewal was not recorded"
)
def test_failure_to_replace_a_refused_token_is_not_over_for_a_process_that_knows_of_no_refusal(
    one_stop, channels, rows
):
    queue_results(one_stop)
    send_at()
    channels.zalo.access_token, channels.zalo.refresh_token = "taken back", "used by somebody else"
    refused, afterwards = NOW + timedelta(minutes=10), NOW + timedelta(minutes=12)
    queue(one_stop, refused)
    send_at(refused)
    send_at(refused + timedelta(minutes=1))
    assert in_ledger(tokens_failing, ["zalo"]) != []
    send_at(afterwards)
    assert in_ledger(tokens_failing, ["zalo"]) != []


def test_renewal_that_gets_no_answer_does_not_hold_up_sms(one_stop, channels, rows, monkeypatch):
    by_sms, seen = threading.Event(), []

    def hangs(self, session, refresh_token, now):
        seen.append(by_sms.wait(20))
        return GatewayAnswer("unknown", code="ReadTimeout")

    monkeypatch.setattr(ZaloGateway, "renew", hangs)
    channels.sms.before_answer = lambda asked: by_sms.set()
    queue_results(one_stop)
    send_at()
    assert request_counts(channels) == (0, 1)
    assert seen == [True], "the message must go by SMS while the renewal is still open"
