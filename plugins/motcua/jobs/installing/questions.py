"""Define the ten questions of a set-up: what each asks, where its answer is written, and how it is checked."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args
from urllib.parse import urlsplit

from motcua import gateways, sources
from motcua.domain.checks import Finding
from motcua.domain.clock import VIETNAM
from motcua.domain.people import is_person, read_person
from motcua.jobs.doctor.examining import CALLBACKS, DOT_ENV, GATEWAYS, MAIL, SETTINGS, SOURCES, variable_of
from motcua.jobs.doctor.server_files import INTERNAL, OWN_CERTIFICATE, why_no_network
from motcua.jobs.doctor.written import REGISTERED, addresses_of
from motcua.jobs.installing import trying
from motcua.jobs.installing.files import Files, lists
from motcua.jobs.installing.making import make_keys, make_room_for_certificate, new_secret
from motcua.jobs.installing.talking import Talk, Wrong, until_good, words
from motcua.jobs.mailing import SMTP_CONNECTION
from motcua.reports.mail import Mail
from motcua.settings import NOWHERE, is_nowhere
from motcua.store.ledger.environment import GivenConnection

Name: TypeAlias = Literal[
    "pages", "certificate", "sources", "gateway", "receipts", "mail", "alerts", "reports", "outside", "backups"
]
"""Names of the questions, in their order. A single question can be asked again by its name."""
NAMES: tuple[Name, ...] = get_args(Name)

_NAME = re.compile(r"[a-z0-9_]+")
_MACHINE = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?")
_THIS_MACHINE = ("localhost", "127.0.0.1", "::1")
_SSLMODES = ("require", "verify-full", "verify-ca", "prefer", "disable")
_SCHEMAS = ("http", "https")
_OWN_TLS, _STARTTLS, _PLAIN = "tls", "starttls", "plain"
_TLS_OF_MAIL: Mapping[str, Mapping[str, bool | None]] = {
    _STARTTLS: {"disable_ssl": True, "disable_tls": None},
    _OWN_TLS: {"disable_ssl": None, "disable_tls": True},
    _PLAIN: {"disable_ssl": True, "disable_tls": True},
}
_PORT_OF_MAIL_TLS = 465
_RECIPIENTS = {
    "department": "MOTCUA_DEPARTMENT_RECIPIENTS",
    "home_affairs": "MOTCUA_HOME_AFFAIRS_RECIPIENTS",
    "justice": "MOTCUA_JUSTICE_RECIPIENTS",
    "committee": "MOTCUA_COMMITTEE_RECIPIENTS",
}
"""Settings with the recipients of reports. Only the Department's recipients are required."""
_ALERTS = "MOTCUA_WATCH_RECIPIENTS"


def _answers(answer: str) -> Sequence[str]:
    """Return the words that a person may type for one answer, such as “no”. The first one is proposed."""
    return tuple(words()["answer"][answer])


def ask(talk: Talk, name: Name, number: int, of: int) -> None:
    """Ask a question, check the answer, and save it. The present value stays in force until the answer is saved.

    Raises:
        EOFError: the input ended.
        OSError: the files cannot be written.
    """
    texts = words()["questions"][name]
    talk.speaker.say("")
    talk.tell("head", "head", number=number, of=of, title=texts["title"])
    talk.speaker.say(str(texts["why"]))
    talk.tell("example", example=texts["example"])
    _QUESTIONS[name](talk)


# --- 1 and 2: the pages -----------------------------------------------------------------------------------------------


def _ask_pages(talk: Talk) -> None:
    """Ask for the pages' address."""

    def answer(draft: Files) -> Iterable[Finding]:
        before = draft.value(DOT_ENV, "UI_URL")
        answered = talk.field("url", before, wrong=_wrong_url)
        url = _with_scheme(answered)
        draft.put(DOT_ENV, "UI_URL", url)
        _follow_pages(draft, before, url)
        return trying.try_pages(draft, talk.now)

    if until_good(talk, answer):
        talk.good("pages", url=talk.files.value(DOT_ENV, "UI_URL"))


def _with_scheme(said: str) -> str:
    """Return an address with its scheme, ``https`` by default, and without a slash at its end."""
    return (said if "://" in said else f"https://{said}").rstrip("/")


def _wrong_url(said: str) -> Wrong:
    """Return why a text is no address of the pages; ``None`` for a valid address."""
    try:
        split = urlsplit(_with_scheme(said))
        # ``split.port`` raises a ValueError for an invalid port.
        is_name = bool(split.hostname) and not split.path and not split.query and split.port in (None, 443)
    except ValueError:
        return "url", {}
    is_plain = is_name and split.username is None and not split.fragment and " " not in said
    return None if is_plain and split.scheme == "https" else ("url", {})


def _receipts_address(url: str, gateway: str) -> str:
    """Return the address to which a gateway sends its delivery receipts."""
    return f"{url}/gateway/receipts/{gateway}"


def _follow_pages(draft: Files, before: str, url: str) -> None:
    """Change a gateway's receipt address if it was derived from the pages' previous address. If the pages had no
    address before, set each empty receipt address."""
    for name in _gateways_of(draft):
        given = draft.connection(GATEWAYS, f"sms_{name}")
        if given is None:
            continue
        present = given.extra.get("callback_url")
        if present == _receipts_address(before, name) if before else not present:
            changed = _connection_fields(given, "http") | {
                "extra": {**given.extra, "callback_url": _receipts_address(url, name)}
            }
            draft.put_connection(GATEWAYS, f"sms_{name}", changed)


def _connection_fields(given: GivenConnection, kind: str) -> dict[str, Any]:
    """Return a connection as the mapping of fields that ``put_connection`` expects."""
    fields = {name: getattr(given, name) for name in ("host", "schema", "port", "login", "password")}
    return {"conn_type": kind, **fields, "extra": dict(given.extra)}


def _ask_certificate(talk: Talk) -> None:
    """Ask for the certificate: the province's own files, Caddy's internal certificate, or a mail address for a public
    certificate authority."""

    def wrong(typed: str) -> Wrong:
        is_one = typed.casefold() in (*_answers("files"), INTERNAL) or trying.is_mail_address(typed)
        return None if is_one else ("certificate", {})

    def answer(draft: Files) -> Iterable[Finding]:
        before = draft.value(DOT_ENV, "TLS")
        typed = talk.field("certificate", _answers("files")[0] if before == OWN_CERTIFICATE else before, wrong=wrong)
        is_own = typed.casefold() in _answers("files")
        draft.put(DOT_ENV, "TLS", OWN_CERTIFICATE if is_own else typed)
        if not is_own:
            return ()
        talk.trying("certificate", host=urlsplit(draft.value(DOT_ENV, "UI_URL")).hostname or "")
        return trying.try_certificate(draft, talk.now)

    make_room_for_certificate(talk.files.folder)
    if until_good(talk, answer):
        talk.good("certificate")


# --- 3: sources -------------------------------------------------------------------------------------------------------


def _wrong_names(said: str) -> Wrong:
    """Return why a text is no list of names; ``None`` for a list of names."""
    return None if lists(said) and all(map(_NAME.fullmatch, lists(said))) else ("names", {})


def _sources_of(draft: Files) -> dict[str, str]:
    """Return the sources of the settings with their adapters."""
    pairs = (each.partition("=") for each in lists(draft.value(SETTINGS, "MOTCUA_SOURCES")))
    return {name: kind or "contract" for name, _, kind in pairs}


def _ask_sources(talk: Talk) -> None:
    """Ask for the sources and for the connection of each."""
    before = _sources_of(talk.files)
    names = list(dict.fromkeys(lists(talk.field("sources", ",".join(before), wrong=_wrong_names))))
    for name in names:

        def answer(draft: Files, name: str = name) -> Iterable[Finding]:
            return _ask_source(talk, draft, name)

        if until_good(talk, answer):
            kind = _sources_of(talk.files)[name]
            is_pushed = sources.adapter(kind).is_pushed
            good = words()["questions"]["sources"]["pushed" if is_pushed else "good"].format(name=name)
            talk.tell("good", "good", what=good)
    kept = {name: kind for name, kind in _sources_of(talk.files).items() if name in names}
    talk.files.put(SETTINGS, "MOTCUA_SOURCES", ",".join(f"{name}={kept[name]}" for name in names))
    wanted = {variable_of(f"onestop_{name}") for name in names}
    talk.files.take_out(SOURCES, set(talk.files.names(SOURCES, "AIRFLOW_CONN_ONESTOP_")) - wanted)
    talk.files.save()


def _ask_source(talk: Talk, draft: Files, name: str) -> Iterable[Finding]:
    """Ask for one source's adapter and connection, and check them."""
    known = _sources_of(draft)
    kinds = {each.__module__.rpartition(".")[2]: each for each in sources.adapters()}
    kind = _choose(talk, "adapter", kinds, known.get(name, "contract"), name=name)
    draft.put(SETTINGS, "MOTCUA_SOURCES", ",".join(f"{one}={other}" for one, other in ({**known, name: kind}).items()))
    if kinds[kind].is_pushed:
        return ()
    conn_id = kinds[kind].connection_id(name)
    before = draft.connection(SOURCES, conn_id)
    extra = dict(before.extra) if before is not None else {"connect_timeout": 5}
    given = {
        "conn_type": "postgres",
        "host": talk.field("host", _field_of(before, "host"), name=name),
        "port": int(talk.field("port", _field_of(before, "port") or "5432", wrong=_wrong_port, name=name)),
        "schema": talk.field("database", _field_of(before, "schema"), name=name),
        "login": talk.field("login", _field_of(before, "login"), name=name),
        "password": talk.field("password", _field_of(before, "password"), secret=True, name=name),
    }
    mode = talk.field(
        "sslmode", str(extra.get("sslmode") or "require"), wrong=_refuse_others("sslmode", _SSLMODES), name=name
    )
    draft.put_connection(SOURCES, conn_id, {**given, "extra": {**extra, "sslmode": mode}})
    talk.trying("sources", name=name, place=f"{given['host']}:{given['port']}")
    return trying.try_source(draft, name, kind, talk.now)


def _choose(talk: Talk, asked: str, of: Iterable[str], default: str, name: str) -> str:
    """Ask for one of several adapters."""
    adapter_words = words()["adapters"]
    shown = "; ".join(f"{each}: {adapter_words[each]}" if each in adapter_words else each for each in of)
    return talk.field(asked, default, wrong=_refuse_others("adapter", of, adapters=shown), adapters=shown, name=name)


def _field_of(given: GivenConnection | None, name: str) -> str:
    """Return a field of a connection as text; empty if there is no connection or the field has no value."""
    return "" if given is None else str(getattr(given, name) or "")


def _wrong_port(said: str) -> Wrong:
    """Return why a text is no port; ``None`` for a valid port."""
    return None if said.isdecimal() and 0 < int(said) < 65_536 else ("port", {})


def _refuse_others(told: str, of: Iterable[str], **facts: object) -> Callable[[str], Wrong]:
    """Return a function that refuses answers that are not in a list."""
    allowed = tuple(of)
    return lambda said: None if said in allowed else (told, facts)


# --- 4 and 5: gateways ------------------------------------------------------------------------------------------------


def _gateways_of(draft: Files) -> list[str]:
    """Return the gateways that have a connection in the files."""
    names = lists(draft.value(SETTINGS, "MOTCUA_GATEWAYS"))
    return [name for name in names if draft.connection(GATEWAYS, f"sms_{name}") is not None]


def _ask_gateways(talk: Talk) -> None:
    """Ask for the gateways and for the connection of each."""
    names = talk.field("gateways", ",".join(_gateways_of(talk.files)) or "kannel", wrong=_wrong_names)
    wanted = list(dict.fromkeys(lists(names)))
    for name in wanted:

        def answer(draft: Files, name: str = name) -> Iterable[Finding]:
            return _ask_gateway(talk, draft, name)

        if until_good(talk, answer):
            talk.good("gateway", name=name)
    talk.files.put(SETTINGS, "MOTCUA_GATEWAYS", ",".join(wanted))
    for file in (GATEWAYS, CALLBACKS):
        kept = {variable_of(f"sms_{name}") for name in wanted}
        talk.files.take_out(file, set(talk.files.names(file, "AIRFLOW_CONN_SMS_")) - kept)
    talk.files.save()


def _ask_gateway(talk: Talk, draft: Files, name: str) -> Iterable[Finding]:
    """Ask for one gateway's adapter and connection, and check them."""
    conn_id = f"sms_{name}"
    before, expected = draft.connection(GATEWAYS, conn_id), draft.connection(CALLBACKS, conn_id)
    extra = dict(before.extra) if before is not None else {}
    kinds = gateways.adapters()
    usual = str(extra.get("adapter") or (name if name in kinds else "kannel"))
    kind = _choose(talk, "gateway_adapter", kinds, usual, name=name)
    provider = gateways.provider_of(kind)
    assert provider is not None, "the adapter was chosen from the existing ones"
    usual_schema = _field_of(before, "schema") or ("http" if provider.plain_port else "https")
    given: dict[str, Any] = {
        "conn_type": "http",
        "schema": talk.field("schema", usual_schema, wrong=_refuse_others("schema", _SCHEMAS), name=name),
        "host": talk.field("host", _field_of(before, "host") or provider.usual_host, name=name),
    }
    usual_port = _field_of(before, "port") or str(443 if given["schema"] == "https" else provider.plain_port or 80)
    given |= {
        "port": int(talk.field("port", usual_port, wrong=_wrong_port, name=name)),
        "login": talk.field("login", _field_of(before, "login"), name=name) if provider.needs_login else None,
        "password": talk.field("password", _field_of(before, "password"), secret=True, name=name),
    }
    sender = None
    if provider.names_sender:
        sender = talk.field("sender", str(extra.get("sender") or "MotcuaSMS"), name=name)
    usual_number = str(extra.get(REGISTERED) or "") or (_answers("unregistered")[0] if REGISTERED in extra else "")
    number = talk.field("registered", usual_number, name=name)
    of_callbacks = dict(expected.extra) if expected is not None else {}
    for field in provider.connection_fields:
        of_whom = of_callbacks if field.of_callbacks else extra
        if field.is_login:
            of_whom[field.name] = given["login"]
        elif not field.is_optional:
            # The field of a new adapter may have no text yet.
            what = words()["connection_fields"].get(field.name, field.name)
            usual_value = str(of_whom.get(field.name) or "")
            of_whom[field.name] = talk.field(
                "connection_field", usual_value, secret=field.is_secret, name=name, what=what
            )
    extra |= {
        "adapter": kind,
        "sender": sender,
        REGISTERED: "" if number.casefold() in _answers("unregistered") else number,
    }
    url = draft.value(DOT_ENV, "UI_URL")
    if provider.receipts_signed_in is None:
        # The gateway must present this secret. It is generated once and written to both files.
        secret = of_callbacks.get("callback_secret") or extra.get("callback_secret") or new_secret()
        address = extra.get("callback_url") or (_receipts_address(url, name) if url else None)
        extra |= {"callback_url": address, "callback_secret": secret}
        of_callbacks["callback_secret"] = secret
    draft.put(SETTINGS, "MOTCUA_GATEWAYS", ",".join(dict.fromkeys([*_gateways_of(draft), name])))
    draft.put_connection(GATEWAYS, conn_id, {**given, "extra": extra})
    shown = {**of_callbacks, "adapter": kind}
    draft.put_connection(CALLBACKS, conn_id, {"conn_type": "http", "host": given["host"], "extra": shown})
    if provider.receipts_signed_in is not None and url:
        talk.tell("webhook", url=_receipts_address(url, name))
    talk.trying("gateway", name=name, place=f"{given['schema']}://{given['host']}:{given['port']}")
    return trying.try_gateway(draft, name, talk.now)


def _ask_receipts(talk: Talk) -> None:
    """Ask for the networks from which gateways, and clients that push dossiers, may connect."""

    def wrong(typed: str) -> Wrong:
        return ("networks", {}) if any(why_no_network(each) is not None for each in lists(typed)) else None

    draft = talk.files.draft()
    hosts = (draft.connection(GATEWAYS, f"sms_{name}") for name in _gateways_of(draft))
    found = " ".join(dict.fromkeys(address for host in hosts for address in trying.addresses_at(host)))
    for name, usual in (("gateway_networks", found), ("intake_networks", "127.0.0.1/32")):
        variable = name.upper()
        typed = talk.field(name, draft.value(DOT_ENV, variable) or usual, wrong=wrong)
        draft.put(DOT_ENV, variable, " ".join(lists(typed)))
    talk.files = draft
    draft.save()
    talk.good("receipts")


# --- 6 to 8: mail -----------------------------------------------------------------------------------------------------


def _ask_mail(talk: Talk) -> None:
    """Ask for the mail server."""

    def answer(draft: Files) -> Iterable[Finding]:
        before = draft.connection(MAIL, SMTP_CONNECTION)
        extra = dict(before.extra) if before is not None else {"timeout": 30}
        host = talk.field("mail_host", _field_of(before, "host"))
        port = int(talk.field("mail_port", _field_of(before, "port") or "587", wrong=_wrong_port))
        ways = (_STARTTLS, _OWN_TLS, *_answers("no"))
        way = talk.field("mail_tls", _proposed_mail_tls(before, port), wrong=_refuse_others("mail_tls", ways))
        login = talk.field("mail_login", _field_of(before, "login"), may_be_empty=True)
        password = talk.field("mail_password", _field_of(before, "password"), secret=True) if login else ""
        sender = talk.field("from_email", str(extra.get("from_email") or ""), wrong=_wrong_mails)
        extra |= {"from_email": sender, **_TLS_OF_MAIL[_PLAIN if way in _answers("no") else way]}
        given = {"conn_type": "smtp", "host": host, "port": port, "login": login, "password": password}
        draft.put_connection(MAIL, SMTP_CONNECTION, {**given, "extra": extra})
        talk.trying("mail", place=f"{host}:{port}")
        found = trying.try_mail(draft, talk.now)
        recipients = lists(draft.value(MAIL, _ALERTS))
        return found or (_try_mailing(talk, draft, recipients[0]) if recipients else [])

    talk.mailed.clear()
    if until_good(talk, answer):
        talk.good("mail")
    if not lists(talk.files.value(MAIL, _ALERTS)):
        talk.speaker.say(words()["mail"]["later"])


def _proposed_mail_tls(before: GivenConnection | None, port: int) -> str:
    """Return the proposed answer for the TLS of mail: the present answer, or for a new port the usual TLS of that
    port."""
    if before is None or before.port != port:
        return _OWN_TLS if port == _PORT_OF_MAIL_TLS else _STARTTLS
    ways = {
        name: [bool(before.extra.get(key)) for key in ("disable_ssl", "disable_tls")]
        == [bool(flags[key]) for key in ("disable_ssl", "disable_tls")]
        for name, flags in _TLS_OF_MAIL.items()
    }
    way = next((name for name, fits in ways.items() if fits), _OWN_TLS)
    return _answers("no")[0] if way == _PLAIN else way


def _try_mailing(talk: Talk, draft: Files, recipient: str) -> list[Finding]:
    """Send a test mail, unless one was sent to this address in this conversation."""
    if recipient in talk.mailed:
        return []
    texts = words()["mail"]
    talk.tell("trying", what=texts["trying"].format(recipient=recipient))
    text = texts["text"].format(url=draft.value(DOT_ENV, "UI_URL"))
    html = "".join(f"<p>{escape(each)}</p>" for each in text.split("\n\n"))
    failed = trying.send_mail(draft, recipient, Mail("set-up", texts["subject"], text, html), talk.now)
    if failed is not None:
        return [failed]
    talk.mailed.add(recipient)
    talk.tell("good", "good", what=texts["sent"].format(recipient=recipient))
    return []


def _wrong_mails(said: str) -> Wrong:
    """Return why a text is no list of mail addresses; ``None`` for a list of mail addresses."""
    wrong = [each for each in said.split(",") if not trying.is_mail_address(each.strip())]
    return ("mails", {"which": ", ".join(map(str.strip, wrong))}) if wrong else None


def _apart_from(others: str) -> Callable[[str], Wrong]:
    """Return a function that refuses invalid addresses and addresses that are in ``others``."""

    def wrong(said: str) -> Wrong:
        shared = addresses_of(lists(said)) & addresses_of(lists(others))
        return _wrong_mails(",".join(lists(said))) or (
            ("shared", {"which": ", ".join(sorted(shared))}) if shared else None
        )

    return wrong


def _ask_alerts(talk: Talk) -> None:
    """Ask for the recipients of alerts."""

    def answer(draft: Files) -> Iterable[Finding]:
        apart = _apart_from(draft.value(SETTINGS, _RECIPIENTS["department"]))
        recipients = lists(talk.field("alerts", draft.value(MAIL, _ALERTS), wrong=apart))
        draft.put(MAIL, _ALERTS, ",".join(recipients))
        return _try_mailing(talk, draft, recipients[0])

    if until_good(talk, answer):
        talk.good("alerts")


def _ask_reports(talk: Talk) -> None:
    """Ask for the recipients of reports."""
    draft = talk.files.draft()
    apart = _apart_from(draft.value(MAIL, _ALERTS))
    for name, variable in _RECIPIENTS.items():
        before = draft.value(SETTINGS, variable)
        typed = talk.field(name, before, wrong=apart, may_be_empty=name != "department")
        draft.put(SETTINGS, variable, ",".join(lists(typed)))
    talk.files = draft
    draft.save()
    talk.good("reports")


# --- 9 and 10: the watch from outside, and the backups ----------------------------------------------------------------


def _signed_nowhere(talk: Talk, said: str, before: str) -> str:
    """Return the answer “nowhere”, signed with the person's name and the day. It states that no other machine watches
    this server, or gets its backups. If the person keeps a signed answer, it stays unchanged."""
    if said == before:
        return before
    who = before.split(",")[1].strip() if before.startswith(f"{NOWHERE},") and before.count(",") > 1 else ""
    person = talk.field(
        "person", who, wrong=lambda name: None if is_person(name) and "," not in name else ("person", {})
    )
    return f"{NOWHERE}, {read_person(person)}, {talk.now.astimezone(VIETNAM).date().isoformat()}"


def _is_elsewhere(talk: Talk, said: str) -> bool:
    """Return whether a text is the name of another machine than this one."""
    here = (*_THIS_MACHINE, (urlsplit(talk.files.value(DOT_ENV, "UI_URL")).hostname or "").casefold())
    return bool(_MACHINE.fullmatch(said)) and said.casefold() not in here


def _ask_outside(talk: Talk) -> None:
    """Ask for the other machine that watches this server."""
    before = talk.files.value(SETTINGS, "MOTCUA_WATCHED_FROM")

    def wrong(typed: str) -> Wrong:
        is_one = typed == before or typed.casefold() in (NOWHERE, *_answers("no")) or _is_elsewhere(talk, typed)
        return None if is_one else ("machine", {})

    typed = talk.field("outside", before, wrong=wrong)
    draft = talk.files.draft()
    nowhere = typed.casefold() in (NOWHERE, *_answers("no")) or is_nowhere(typed)
    draft.put(SETTINGS, "MOTCUA_WATCHED_FROM", _signed_nowhere(talk, typed, before) if nowhere else typed)
    if not nowhere and not draft.value(CALLBACKS, "MOTCUA_METRICS_SECRET"):
        # The other machine authenticates with this secret.
        draft.put(CALLBACKS, "MOTCUA_METRICS_SECRET", new_secret())
    _save_and_report(talk, draft, "watched_from_nowhere", "outside")


def _save_and_report(talk: Talk, draft: Files, name: str, question: Name) -> None:
    """Save a draft. If the person signed that there is no other machine, show the finding that stays open. Otherwise
    show that the answer is good."""
    talk.files = draft
    draft.save()
    red = [each for each in trying.try_places(draft, talk.now) if each.name == name]
    talk.find(red)
    if not red:
        talk.good(question)


def _ask_backups(talk: Talk) -> None:
    """Ask where backups go, and generate the backups' key pair if there is none."""
    variable = "MOTCUA_BACKUPS_GO"
    first = talk.files.value(SETTINGS, variable)

    def wrong(said: str) -> Wrong:
        is_folder = said.startswith("/") and len(Path(said).parts) > 1
        is_one = (
            said == first or said.casefold() in (NOWHERE, *_answers("no")) or is_folder or _is_elsewhere(talk, said)
        )
        return None if is_one else ("place", {})

    def answer(draft: Files) -> Iterable[Finding]:
        before = draft.value(SETTINGS, variable)
        place = talk.field("backups", before, wrong=wrong)
        nowhere = place.casefold() in (NOWHERE, *_answers("no")) or is_nowhere(place)
        draft.put(SETTINGS, variable, _signed_nowhere(talk, place, before) if nowhere else place.rstrip("/"))
        if not place.startswith("/"):
            if draft.value(DOT_ENV, "BACKUPS").startswith("/"):
                draft.put(DOT_ENV, "BACKUPS", "./backups")
            return ()
        folder = place.rstrip("/")
        draft.put(DOT_ENV, "BACKUPS", folder)
        talk.trying("backups", place=folder)
        looked = trying.try_places(draft, talk.now)
        return [each for each in looked if each.name == "backups_stay_here" or each.subject == folder]

    is_good = until_good(talk, answer)
    if not talk.files.value(DOT_ENV, "BACKUP_RECIPIENTS"):
        draft = talk.files.draft()
        key, talk.made_key = make_keys(draft.folder, talk.now)
        draft.put(DOT_ENV, "BACKUP_RECIPIENTS", key)
        talk.files = draft
        draft.save()
        end_words = words()["end"]
        talk.speaker.say(end_words["key"] if talk.made_key else end_words["key_found"], "head")
    if is_good:
        _save_and_report(talk, talk.files, "backups_stay_here", "backups")


_QUESTIONS: Mapping[Name, Callable[[Talk], None]] = {
    "pages": _ask_pages,
    "certificate": _ask_certificate,
    "sources": _ask_sources,
    "gateway": _ask_gateways,
    "receipts": _ask_receipts,
    "mail": _ask_mail,
    "alerts": _ask_alerts,
    "reports": _ask_reports,
    "outside": _ask_outside,
    "backups": _ask_backups,
}
