"""Checks of the variables in the files or the environment. No service needs to run for these checks."""

from __future__ import annotations

import re
import stat
import string
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from pydantic import ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from motcua.domain.checks import Finding, fault
from motcua.domain.routing import CARRIERS
from motcua.gateways import GatewayMisconfigured, open_gateway, provider_of
from motcua.gateways.adapter import ConnectionField
from motcua.jobs.doctor.examining import (
    CALLBACKS,
    DOT_ENV,
    ENVIRONMENT,
    FILES,
    GATEWAYS,
    MAIL,
    OPTIONAL,
    SETTINGS,
    SOURCES,
    STORE,
    Examination,
    Installation,
    Variable,
    variable_of,
)
from motcua.jobs.watching.telling import goes_in_clear
from motcua.settings import BOUNDS, GONE, Settings, is_nowhere
from motcua.sources import UnknownAdapter, adapter, connection_of
from motcua.store.ledger.database import LEDGER
from motcua.store.ledger.environment import GivenConnection, read_connection
from motcua.store.upkeep import AIRFLOW

SECRETS = (
    "POSTGRES_PASSWORD",
    "MOTCUA_OWNER_PASSWORD",
    "MOTCUA_APP_PASSWORD",
    "MOTCUA_CALLBACKS_PASSWORD",
    "MOTCUA_INTAKE_PASSWORD",
    "MOTCUA_PAGES_PASSWORD",
    "MOTCUA_PURGE_PASSWORD",
    "MOTCUA_AIRFLOW_PASSWORD",
    "AIRFLOW_SECRET",
    "WATCH_PASSWORD",
)
"""Secrets of .env. Each must have a value of its own."""
AUDIT = "MOTCUA_AUDIT_PASSWORD"
"""Variable with the password of the role motcua_audit, as which people read the ledger directly. If nobody does so, the
variable is missing or empty."""
NEEDED = (*SECRETS, "BACKUP_RECIPIENTS", "UI_URL", "TLS", "GATEWAY_NETWORKS")
"""Variables without which Compose does not start. Compose itself names only one missing variable at a time."""
OF_SETTINGS = {"backup_time": "BACKUP_TIME", "backup_keep": "BACKUP_KEEP"}
"""Settings that are written in .env, each with its variable there. Compose passes each setting to the one service that
needs it."""
_OWN_VARIABLES = frozenset(
    {
        "MOTCUA_ADMIN_DSN",
        "MOTCUA_CI",
        "MOTCUA_PERSON",
        *(name for name in (*SECRETS, AUDIT) if name.startswith("MOTCUA_")),
    }
)
"""Variables ``MOTCUA_…`` that are not settings."""
_SHORTEST = 16
_IN_ADDRESSES = frozenset(string.ascii_letters + string.digits + "-._~")
_PLACEHOLDER = re.compile(
    r"(?:.*change[-_ ]?(?:me|it|this)\b.*|<.*>|\.{3}|…|x{3,}|(?:your|my|the)[-_ ].*|placeholder|password|passwd|secret"
    r"|mật khẩu|todo|tbd|fill[-_ ].*|example)",
    re.IGNORECASE | re.DOTALL,
)
_LOOPBACK = re.compile(r"127(?:\.\d+){1,3}|localhost|::1", re.IGNORECASE)
_IN_CLEAR = ("disable", "allow")
"""Values of ``sslmode`` with which PostgreSQL's client first tries to connect without TLS."""
_EXAMPLE_HOST = re.compile(r"(?:^|\.)example(?:\.(?:vn|com|org|net))?$", re.IGNORECASE)
MAIL_ADDRESS = re.compile(r"[^@\s,<>]+@[^@\s,<>]+\.[^@\s,<>.]+")
_LEDGER_ROLES = {"motcua_db": "motcua_app", "motcua_db_owner": "motcua_owner"} | {
    f"motcua_db_{part}": f"motcua_{part}" for part in ("callbacks", "intake", "pages", "purge")
}
REGISTERED = "registered"
"""Field in the extra of a gateway's Airflow connection: the registration number of brandname and texts. Only the doctor
and the set-up read it."""
PUBLICATIONS = "publications"
"""Name of the store of publications in ``Examination.unusable``."""
LEDGER_CONNECTIONS = tuple(_LEDGER_ROLES)
"""Airflow connections to the ledger. A process has only the connections that it needs."""


class _OnlyGiven(Settings):
    """The settings of an examined installation, without the settings of this process's environment."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        *others: Any,  # noqa: ANN401 - sources such as the environment, unused
        **by_name: Any,  # noqa: ANN401
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (init_settings,)


def read_settings(installation: Installation) -> tuple[Settings, list[Finding]]:
    """Read the settings of an installation, and find settings that cannot be read or no longer exist.

    A setting that cannot be read gets its default.
    """
    given = {
        name: found.value for name in Settings.model_fields if (found := setting_of(installation, name)) is not None
    }
    unreadable = [
        fault("setting_gone", each.where, GONE[each.name]) for each in installation.all() if each.name in GONE
    ]
    while True:
        try:
            return _OnlyGiven(**given), unreadable  # type: ignore[arg-type]
        except ValidationError as error:
            for each in error.errors(include_input=False, include_url=False):
                name = str(each["loc"][0])
                # The text of a value_error quotes the value, which may be a secret written in the wrong place.
                words = "" if each["type"] == "value_error" else f"{each['msg']}. "
                detail = f"{words}{Settings.model_fields[name].description}"
                unreadable.append(fault("setting_unreadable", where_of_setting(installation, name), detail))
                # A list with two wrong entries gives two errors for one setting, so the setting may be removed already.
                given.pop(name, None)


def setting_of(installation: Installation, name: str) -> Variable | None:
    """Return the variable that holds a setting, or the non-empty variable of .env from which Compose sets the setting.
    ``None`` if there is no such variable."""
    found = installation.find(f"MOTCUA_{name.upper()}")
    of_compose = installation.find(OF_SETTINGS[name]) if found is None and name in OF_SETTINGS else None
    return found or (of_compose if of_compose is not None and of_compose.value else None)


def where_of_setting(installation: Installation, name: str) -> str:
    """Return the place of a setting, or the place where it should be set."""
    found = setting_of(installation, name)
    return found.where if found is not None else installation.where(f"MOTCUA_{name.upper()}", SETTINGS)


def settings_together(examination: Examination) -> Iterator[Finding]:
    """Check that each setting is within its bounds, which may depend on other settings."""
    for name, must in {each.name: each.must for each in BOUNDS if not each.holds(examination.settings)}.items():
        where = where_of_setting(examination.installation, name)
        yield fault("setting_senseless", where, f"it must be {must}. {Settings.model_fields[name].description or ''}")


# --- Files and variables ---------------------------------------------------------------------------------------------


def files(examination: Examination) -> Iterator[Finding]:
    """Check that the files exist and that this process can read them. Also check that no other user has rights to them;
    settings.env is exempt."""
    installation = examination.installation
    if installation.folder is None:
        return
    for file in FILES:
        path = installation.folder / file
        if not path.exists():
            if file not in OPTIONAL:
                yield fault("file_missing", file)
            continue
        if (why := (installation.unreadable or {}).get(file)) is not None:
            yield fault("file_unreadable", file, why)
        mode = stat.S_IMODE(path.stat().st_mode)
        if file != SETTINGS and mode & 0o077:
            yield fault("file_open", file, f"its mode is {mode:03o}")


def variables(examination: Examination) -> Iterator[Finding]:
    """Check that required variables are set, and that no MOTCUA_ variable is misspelt."""
    installation = examination.installation
    if DOT_ENV in installation.given:
        for name in NEEDED:
            if name not in installation.given[DOT_ENV]:
                yield fault("variable_missing", f"{DOT_ENV}: {name}")
            elif not installation.value(name):
                yield fault("secret_empty" if name in SECRETS else "variable_missing", f"{DOT_ENV}: {name}")
    known = _OWN_VARIABLES | {f"MOTCUA_{name.upper()}" for name in Settings.model_fields} | GONE.keys()
    for each in installation.all():
        if each.name.startswith("MOTCUA_") and each.name not in known:
            yield fault("setting_unknown", each.where)


def watched_from(examination: Examination) -> Iterator[Finding]:
    """Check that a setting names another machine that watches this server."""
    yield from _destination_is_set(examination, "watched_from", "watched_from_nowhere")


def backups_go(examination: Examination) -> Iterator[Finding]:
    """Check that a setting names another machine or disk to which backups go each night."""
    yield from _destination_is_set(examination, "backups_go", "backups_stay_here")


def _destination_is_set(examination: Examination, setting: str, name: str) -> Iterator[Finding]:
    destination = str(getattr(examination.settings, setting) or "").strip()
    where = where_of_setting(examination.installation, setting)
    if is_nowhere(destination):
        yield fault(name, where, destination)
    # Only servers have the files beside docker-compose.yaml. An installation without the files, such as a demo, does
    # not need this setting.
    elif not destination and examination.installation.of_files and not _settings_are_unread(examination):
        yield fault(name, where, "it is not set")


def ui_address(examination: Examination) -> Iterator[Finding]:
    """Check that the pages' address is valid, has no path and is not the one of the example file. Also check that the
    addresses of the pages, of the intake app and of alerts do not use plain HTTP."""
    for name in ("UI_URL", "AIRFLOW__API__BASE_URL"):
        written = examination.installation.value(name)
        if not written:
            continue
        where = examination.installation.where(name, DOT_ENV)
        host, is_address = _host_of(written)
        if _is_of_example(host):
            yield fault("placeholder_left", where, "it is the example's address")
        elif not is_address or urlsplit(written).path.strip("/"):
            yield fault("ui_address_wrong", where)
        elif goes_by_plain_http(written):
            yield fault("address_in_clear", where, "users send their passwords there")
    for name, what in (
        ("MOTCUA_INTAKE_URL", "one-stop software sends dossiers there"),
        ("MOTCUA_WATCH_WEBHOOK", "alerts go there"),
    ):
        if goes_by_plain_http(examination.installation.value(name)):
            yield fault("address_in_clear", examination.installation.where(name, SETTINGS), what)


def _host_of(written: str) -> tuple[str, bool]:
    try:
        split = urlsplit(written)
        return split.hostname or "", split.scheme in ("http", "https") and bool(split.hostname)
    except ValueError:
        return "", False


def goes_by_plain_http(written: str) -> bool:
    """Whether an address uses plain HTTP to another machine, so that others can read what is sent there."""
    host, is_address = _host_of(written)
    return is_address and urlsplit(written).scheme == "http" and not _LOOPBACK.fullmatch(host)


def _is_of_example(host: str) -> bool:
    return bool(_EXAMPLE_HOST.search(host)) or host == "motcua.example.vn"


def backup_keys(examination: Examination) -> Iterator[Finding]:
    """Check that each recipient of backups is a public key."""
    from pyrage import RecipientError
    from pyrage.x25519 import Recipient

    for name in ("BACKUP_RECIPIENTS", "MOTCUA_BACKUP_RECIPIENTS"):
        keys = [key.strip() for key in examination.installation.value(name).split(",") if key.strip()]
        for place, key in enumerate(keys, 1):
            try:
                Recipient.from_str(key)
            except (RecipientError, ValueError):
                yield fault(
                    "backup_key_unreadable",
                    examination.installation.where(name, DOT_ENV),
                    f"number {place} of the list",
                )


# --- Secrets ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Secret:
    """A secret, and the place where it is set."""

    where: str
    holder: str
    """The account or role that the secret belongs to. A secret may be set in several places for one holder."""
    value: str
    ours: bool
    """Whether we chose the secret. A secret that a provider chose may be short."""
    may_be_empty: bool = False


_AS_WRITTEN_ELSEWHERE = {
    "AIRFLOW__API_AUTH__JWT_SECRET": "AIRFLOW_SECRET",
    "AIRFLOW__API__SECRET_KEY": "AIRFLOW_SECRET",
    "AIRFLOW__CORE__FERNET_KEY": "AIRFLOW_SECRET",
    "MOTCUA_WATCH_AIRFLOW_PASSWORD": "WATCH_PASSWORD",
    "MOTCUA_METRICS_SECRET": "MOTCUA_METRICS_SECRET",
}
_FERNET_KEYS = ("AIRFLOW_SECRET", "AIRFLOW__CORE__FERNET_KEY")
_ADDRESSES = {
    "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": "MOTCUA_AIRFLOW_PASSWORD",
    "AIRFLOW__CELERY__BROKER_URL": "MOTCUA_AIRFLOW_PASSWORD",
    "MOTCUA_ADMIN_DSN": "POSTGRES_PASSWORD",
}
"""Variables with an address that contains one of our secrets."""
_ROLE_PASSWORDS = {
    name: f"MOTCUA_{role.removeprefix('motcua_').upper()}_PASSWORD" for name, role in _LEDGER_ROLES.items()
} | {AIRFLOW: "MOTCUA_AIRFLOW_PASSWORD"}


def secrets_of(installation: Installation) -> Iterator[Secret]:
    """Yield every secret at each place where it is set, including secrets inside connections."""
    for each in installation.all():
        value = each.value.strip()
        if each.name in (*SECRETS, AUDIT):
            yield Secret(each.where, each.name, value, ours=True, may_be_empty=each.name == AUDIT)
        elif each.name in _AS_WRITTEN_ELSEWHERE:
            optional = each.name == "MOTCUA_METRICS_SECRET"
            yield Secret(each.where, _AS_WRITTEN_ELSEWHERE[each.name], value, ours=True, may_be_empty=optional)
        elif each.name in _ADDRESSES and "://" in value:
            try:
                password = urlsplit(value).password
            except ValueError:
                continue
            if password is not None:
                yield Secret(each.where, _ADDRESSES[each.name], password, ours=True)
        elif each.name.startswith("AIRFLOW_CONN_"):
            yield from _secrets_of_connection(each)


def _secrets_of_connection(each: Variable) -> Iterator[Secret]:
    given, name = read_connection(each.value), each.name.removeprefix("AIRFLOW_CONN_").lower()
    if given is None:
        return
    password = (given.password or "").strip()
    if name in _ROLE_PASSWORDS:
        yield Secret(each.where, _ROLE_PASSWORDS[name], password, ours=True)
    elif password or each.file == STORE or name.startswith("onestop_") or _sends(each, name):
        # Several connections may use the same account. They then have the same holder.
        account = f"{given.login}@{given.host}" if given.login else name
        yield Secret(f"{each.where}, password", account, password, ours=False)
    if not name.startswith("sms_"):
        return
    extra, provider = given.extra, provider_of(str(given.extra.get("adapter") or "kannel"))
    signs = extra.get("callback_hmac_key") or extra.get("private_key") or (provider and provider.receipts_signed_in)
    # A gateway with a callback address also needs a secret for its callbacks, unless the provider signs them.
    has_callback = bool(extra.get("callback_url")) or each.file == CALLBACKS
    secret = str(extra.get("callback_secret") or "").strip()
    if secret or (has_callback and not signs):
        yield Secret(f"{each.where}, callback_secret", f"callback of {name}", secret, ours=True)
    fields = [ConnectionField("callback_hmac_key", is_optional=True, is_secret=True)]
    for field in (*fields, *(provider.connection_fields if provider is not None else ())):
        value = str(extra.get(field.name) or "").strip()
        is_owed = not field.is_optional and field.of_callbacks == (each.file == CALLBACKS)
        if field.is_secret and (value or is_owed):
            yield Secret(f"{each.where}, {field.name}", f"{field.name} of {name}", value, ours=False)


def _sends(each: Variable, name: str) -> bool:
    """Whether a variable is a gateway's connection for senders. The callback service needs no password of a gateway."""
    return name.startswith("sms_") and each.file != CALLBACKS


def secrets(examination: Examination) -> Iterator[Finding]:
    """Check that no secret is empty, a placeholder, too short, unfit for its use, or used for another holder too."""
    from cryptography.fernet import Fernet

    by_value: dict[str, list[Secret]] = defaultdict(list)
    for each in secrets_of(examination.installation):
        in_dot_env = each.where.startswith(f"{DOT_ENV}: ")
        if not each.value:
            # Other checks report empty secrets of .env and of Airflow.
            if not each.may_be_empty and not in_dot_env and ": AIRFLOW__" not in each.where:
                yield fault("secret_empty", each.where)
                _mark_unusable(examination, each)
            continue
        if _PLACEHOLDER.fullmatch(each.value):
            yield fault("placeholder_left", each.where)
            _mark_unusable(examination, each)
            continue
        if each.where.rpartition(": ")[2] in _FERNET_KEYS:
            try:
                Fernet(each.value.encode())
            except ValueError:
                yield fault("fernet_key_invalid", each.where)
                continue
        elif each.ours and len(each.value) < _SHORTEST:
            yield fault("secret_short", each.where)
        elif in_dot_env and not _IN_ADDRESSES.issuperset(each.value):
            yield fault("secret_unfit", each.where)
        by_value[each.value].append(each)
    for same in by_value.values():
        holders = {each.holder for each in same}
        if len(holders) > 1:
            yield fault("secret_shared", "; ".join(sorted({each.where for each in same})))


def _mark_unusable(examination: Examination, secret: Secret) -> None:
    if ": AIRFLOW_CONN_" in secret.where:
        name = secret.where.partition(": AIRFLOW_CONN_")[2].partition(",")[0]
        examination.unusable.add(name.lower())


_AIRFLOW_SECRETS = {
    "AIRFLOW__API_AUTH__JWT_SECRET": "signs the tokens of users and tasks",
    "AIRFLOW__API__SECRET_KEY": "signs the sessions of the UI",
    "AIRFLOW__CORE__FERNET_KEY": "encrypts connections in Airflow's database",
}


def airflow_secrets(examination: Examination) -> Iterator[Finding]:
    """Check that the secrets which all components of Airflow must share are set."""
    installation = examination.installation
    for name, use in _AIRFLOW_SECRETS.items():
        if not any(installation.value(f"{name}{kind}") for kind in ("", "_CMD", "_SECRET")):
            yield fault("airflow_secret_missing", installation.where(name, DOT_ENV), use)


# --- Connections -----------------------------------------------------------------------------------------------------


def connections(examination: Examination) -> Iterator[Finding]:
    """Check that there are sources and gateways, and that each has a readable connection. Also check that no connection
    of a former source or gateway is left over, and that no connection to a database or a store is set to go without
    TLS."""
    installation, settings = examination.installation, examination.settings
    names = {"onestop": (SOURCES, read_sources(settings)), "sms": (GATEWAYS, list(settings.gateways))}
    if not settings.sources and not _settings_are_unread(examination):
        yield fault("no_source", installation.where("MOTCUA_SOURCES", SETTINGS))
    if not settings.gateways and not _settings_are_unread(examination):
        yield fault("no_gateway", installation.where("MOTCUA_GATEWAYS", SETTINGS))
    wanted = {f"{kind}_{name}": file for kind, (file, all_of) in names.items() for name in all_of}
    if not installation.of_files:
        wanted["motcua_db"] = ENVIRONMENT
    for conn_id, file in wanted.items():
        if file in (installation.unreadable or {}) or (installation.of_files and file not in installation.given):
            continue
        yield from _named_connection(examination, conn_id, file)
    for each in installation.all():
        conn_id = each.name.removeprefix("AIRFLOW_CONN_").lower()
        kind = conn_id.partition("_")[0]
        if each.name.startswith("AIRFLOW_CONN_") and kind in names and conn_id not in wanted:
            yield fault("connection_unused", each.where)
    for conn_id in LEDGER_CONNECTIONS[1:]:
        if installation.find(variable_of(conn_id)) is not None:
            yield from _named_connection(examination, conn_id, ENVIRONMENT)
    for each in installation.all():
        if each.name.startswith("AIRFLOW_CONN_") and not each.name.startswith("AIRFLOW_CONN_SMS_"):
            given = read_connection(each.value)
            if given is not None and str(given.extra.get("sslmode", "")).lower() in _IN_CLEAR:
                yield fault("connection_in_clear", each.where, f"sslmode is {given.extra['sslmode']}")
        elif each.name in _ADDRESSES and any(f"sslmode={way}" in each.value for way in _IN_CLEAR):
            yield fault("connection_in_clear", each.where)
    yield from _store_connection(examination)


def _store_connection(examination: Examination) -> Iterator[Finding]:
    installation = examination.installation
    url = installation.value("MOTCUA_PUBLICATIONS")
    if not url.startswith("s3://"):
        return
    conn_id = urlsplit(url).netloc.rpartition("@")[0]
    variable = variable_of(conn_id) if conn_id else "MOTCUA_PUBLICATIONS"
    given = installation.connection(conn_id) if conn_id else None
    if given is None:
        yield fault("connection_missing", installation.where(variable, STORE))
        examination.unusable.add(PUBLICATIONS)
    elif _is_of_example(_host_of(str(given.extra.get("endpoint_url") or ""))[0]):
        yield fault("placeholder_left", f"{installation.where(variable, STORE)}, endpoint_url")
        examination.unusable.add(PUBLICATIONS)
    elif goes_by_plain_http(str(given.extra.get("endpoint_url") or "")):
        yield fault("address_in_clear", f"{installation.where(variable, STORE)}, endpoint_url", "publications go there")


def read_sources(settings: Settings) -> list[str]:
    """Return the sources that have a database of their own, which we read. The rows of all other sources are in the
    ledger."""
    return [source for source, kind in settings.sources.items() if connection_of(source, kind) != LEDGER]


def _settings_are_unread(examination: Examination) -> bool:
    return SETTINGS in (examination.installation.unreadable or {}) or (
        examination.installation.of_files and SETTINGS not in examination.installation.given
    )


def _named_connection(examination: Examination, conn_id: str, file: str) -> Iterator[Finding]:
    installation, name = examination.installation, variable_of(conn_id)
    where = installation.where(name, file)
    if not installation.value(name):
        examination.unusable.add(conn_id)
        yield fault("connection_missing", where)
        return
    given = installation.connection(conn_id)
    if given is None or not given.host:
        examination.unusable.add(conn_id)
        yield fault("connection_unreadable", where)
    elif _is_of_example(given.host):
        examination.unusable.add(conn_id)
        yield fault("placeholder_left", where, "its host is the example's")


def adapters(examination: Examination) -> Iterator[Finding]:
    """Check that each source and gateway has an existing adapter and valid settings, and each carrier a gateway."""
    installation, settings = examination.installation, examination.settings
    for source, kind in settings.sources.items():
        try:
            adapter(kind)
        except UnknownAdapter as unknown:
            examination.unusable.add(f"onestop_{source}")
            yield fault("adapter_unknown", installation.where("MOTCUA_SOURCES", SETTINGS), str(unknown))
    served: set[str] = set()
    left_out = False
    for name in settings.gateways:
        if installation.of_files or f"sms_{name}" in examination.unusable:
            left_out = True
            continue
        where = installation.where(variable_of(f"sms_{name}"), GATEWAYS)
        try:
            gateway = open_gateway(name)
            # Each carrier needs a gateway that reaches all its numbers. A channel such as Zalo reaches only some of
            # them.
            served |= gateway.address.carriers if gateway.reaches_every_number else frozenset()
        except GatewayMisconfigured as wrong:
            examination.unusable.add(f"sms_{name}")
            left_out = True
            is_unknown = "names the adapter" in str(wrong)
            yield fault("adapter_unknown" if is_unknown else "gateway_misconfigured", where, str(wrong))
    if settings.gateways and not left_out and served != CARRIERS:
        where = installation.where("MOTCUA_GATEWAYS", SETTINGS)
        yield fault("carrier_unserved", where, ", ".join(sorted(CARRIERS - served)))


def brandnames(examination: Examination) -> Iterator[Finding]:
    """Check that no gateway was set up with an empty registration number of its brandname."""
    for name in examination.settings.gateways:
        given = examination.installation.connection(f"sms_{name}")
        if given is not None and REGISTERED in given.extra and not str(given.extra[REGISTERED] or "").strip():
            where = examination.installation.where(variable_of(f"sms_{name}"), GATEWAYS)
            yield fault("brandname_unregistered", where, str(given.extra.get("sender") or name))


def callback_secrets(examination: Examination) -> Iterator[Finding]:
    """Check that each gateway's callback address, if there is one, is valid and uses TLS. Also check that senders and
    callbacks have the same secret for the gateway."""
    installation = examination.installation
    for name in examination.settings.gateways:
        variable = variable_of(f"sms_{name}")
        sender = installation.connection(f"sms_{name}")
        if sender is None:
            continue
        address = str(sender.extra.get("callback_url") or "")
        where = f"{installation.where(variable, GATEWAYS)}, callback_url"
        if address:
            host, is_address = _host_of(address)
            if _is_of_example(host):
                yield fault("placeholder_left", where, "it is the example's address")
                examination.unusable.add(f"callback {name}")
            elif not is_address or not urlsplit(address).path.endswith(f"/gateway/receipts/{name}"):
                yield fault("callback_address_wrong", where)
                examination.unusable.add(f"callback {name}")
            elif goes_by_plain_http(address):
                yield fault("address_in_clear", where, "delivery reports and their secret go there")
                # Later checks skip unusable callbacks, so they do not send the secret to this address either.
                examination.unusable.add(f"callback {name}")
        provider = provider_of(str(sender.extra.get("adapter") or "kannel"))
        calls = bool(address or (provider is not None and provider.receipts_signed_in))
        if CALLBACKS not in installation.given or not calls:
            continue
        written = installation.given[CALLBACKS].get(variable, "")
        if not written.strip():
            yield fault("connection_missing", f"{CALLBACKS}: {variable}")
            continue
        expected = read_connection(written)
        if expected is None:
            yield fault("connection_unreadable", f"{CALLBACKS}: {variable}")
        elif _secrets_differ(sender, expected):
            yield fault("callback_secret_differs", f"{GATEWAYS} and {CALLBACKS}: {variable}, callback_secret")


def _secrets_differ(sender: GivenConnection, expected: GivenConnection) -> bool:
    shown, asked = (str(each.extra.get("callback_secret") or "") for each in (sender, expected))
    # Another check reports an empty secret.
    return bool(shown and asked) and shown != asked


def mail(examination: Examination) -> Iterator[Finding]:
    """Check that mails have a server, a sender and usable recipients, and that the login is sent with TLS."""
    installation, settings = examination.installation, examination.settings
    if MAIL in (installation.unreadable or {}) or (installation.of_files and MAIL not in installation.given):
        return
    name = variable_of("smtp_default")
    where = installation.where(name, MAIL)
    given = installation.connection("smtp_default")
    if given is None or not given.host:
        kind = "connection_unreadable" if installation.value(name) and given is None else "mail_missing"
        yield fault(kind, where)
        examination.unusable.add("smtp_default")
    elif _is_of_example(given.host):
        yield fault("placeholder_left", where, "its host is the example's")
        examination.unusable.add("smtp_default")
    else:
        if not given.extra.get("from_email"):
            yield fault("mail_sender_missing", where)
        if given.login and goes_in_clear(given):
            yield fault("mail_in_clear", where)
        if given.login and not given.password:
            yield fault("secret_empty", f"{where}, password")
            examination.unusable.add("smtp_default")
    if not settings.watch_recipients and not settings.watch_webhook:
        yield fault("no_alert_recipient", installation.where("MOTCUA_WATCH_RECIPIENTS", MAIL))
    if not settings.department_recipients and not _settings_are_unread(examination):
        yield fault("no_report_recipient", installation.where("MOTCUA_DEPARTMENT_RECIPIENTS", SETTINGS))
    for field in (
        "watch_recipients",
        "department_recipients",
        "home_affairs_recipients",
        "justice_recipients",
        "committee_recipients",
    ):
        for place, address in enumerate(getattr(settings, field), 1):
            if not MAIL_ADDRESS.fullmatch(address):
                variable = f"MOTCUA_{field.upper()}"
                yield fault("recipient_unusable", installation.where(variable, SETTINGS), f"number {place} of the list")
    if shared := addresses_of(settings.watch_recipients) & addresses_of(settings.department_recipients):
        where = installation.where("MOTCUA_DEPARTMENT_RECIPIENTS", SETTINGS)
        yield fault("recipients_shared", where, f"{len(shared)} of the addresses are in MOTCUA_WATCH_RECIPIENTS, too")


def addresses_of(recipients: Iterable[str]) -> frozenset[str]:
    """Return mail addresses without surrounding blanks and in lower case, so that they can be compared."""
    return frozenset(each.strip().casefold() for each in recipients)
