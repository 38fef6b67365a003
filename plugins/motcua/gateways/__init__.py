"""One module for each SMS provider; the connection's extra field ``adapter`` names the module."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from datetime import timedelta
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType
from typing import Any, Protocol, cast, get_args

from motcua.domain.routing import CARRIERS
from motcua.gateways.adapter import Gateway, GatewayAddress, Provider, UnknownPolicy


class GatewayMisconfigured(Exception):
    """A gateway's Airflow connection is missing, incomplete or names an adapter that does not exist."""


def gateway_address(name: str) -> GatewayAddress:
    """The gateway behind the Airflow connection ``sms_<name>``.

    Raises:
        GatewayMisconfigured: there is no such connection, or it names no host.
    """
    from airflow.sdk.bases.hook import BaseHook
    from airflow.sdk.exceptions import AirflowNotFoundException

    try:
        connection = BaseHook.get_connection(f"sms_{name}")
    except AirflowNotFoundException as missing:
        raise GatewayMisconfigured(
            f"There is no Airflow connection sms_{name}: set AIRFLOW_CONN_SMS_{name.upper()}."
        ) from missing
    return address_in(name, connection)


class ConnectionGiven(Protocol):
    """A connection, as Airflow gives it or as it is written."""

    @property
    def host(self) -> str | None:
        """With or without https:// before it."""

    @property
    def port(self) -> int | None: ...  # noqa: D102

    @property
    def login(self) -> str | None: ...  # noqa: D102

    @property
    def password(self) -> str | None: ...  # noqa: D102

    @property
    def schema(self) -> str | None:
        """http or https."""

    @property
    def extra_dejson(self) -> dict[str, Any]:
        """What else it says."""


def address_in(name: str, connection: ConnectionGiven) -> GatewayAddress:
    """The gateway that a connection leads to.

    Raises:
        GatewayMisconfigured: it names no host, or says what cannot be.
    """
    if not connection.host:
        raise GatewayMisconfigured(f"The Airflow connection sms_{name} names no host.")
    scheme = connection.schema if connection.schema in ("http", "https") else "http"
    port = f":{connection.port}" if connection.port else ""
    host = connection.host.removeprefix("http://")
    base_url = host if host.startswith("https://") else f"{scheme}://{host}"
    address = GatewayAddress(
        name=name,
        base_url=f"{base_url}{port}",
        login=connection.login or "",
        password=connection.password or "",
        extra=connection.extra_dejson,
    )
    if fault := _fault(address):
        raise GatewayMisconfigured(f"The Airflow connection sms_{name}: {fault}.")
    return address


def _fault(address: GatewayAddress) -> str | None:
    """What is wrong with the fields of a connection's extra; limits that cannot be read must not mean no limit."""
    try:
        if address.concurrency < 1 or min(address.timeout) <= 0:
            raise ValueError
    except (TypeError, ValueError):
        return "concurrency, connect_timeout and answer_timeout are numbers above 0"
    try:
        if not all(limit is None or limit > 0 for limit in (address.segments_per_second, address.segments_per_day)):
            raise ValueError
    except (TypeError, ValueError):
        return "segments_per_second and segments_per_day are numbers above 0, or left out for no limit"
    try:
        if address.prices == {}:
            raise ValueError
    except (KeyError, TypeError, ValueError):
        return f"price is a number, or one by carrier: {', '.join(sorted(CARRIERS))}"
    try:
        if min(address.horizon, address.unknown_after) <= timedelta(0):
            raise ValueError
    except (TypeError, ValueError, OverflowError):
        return "horizon_hours and unknown_after_hours are numbers above 0"
    if address.when_unknown not in get_args(UnknownPolicy):
        return "when_unknown is hold or accept"
    try:
        empty = not address.carriers
    except (KeyError, TypeError):
        empty = True
    return f"carriers is a list of {', '.join(sorted(CARRIERS))}" if empty else None


def open_gateway(name: str) -> Gateway:
    """The adapter for the gateway ``name``, ready to use.

    Raises:
        GatewayMisconfigured: its connection is missing or names an adapter that does not exist.
    """
    return gateway_at(gateway_address(name))


def gateway_at(address: GatewayAddress) -> Gateway:
    """The adapter that an address names.

    Raises:
        GatewayMisconfigured: it does not exist, or something that it needs is not installed.
    """
    name = address.name
    adapter = str(address.extra.get("adapter", "kannel"))
    path = f"motcua.gateways.{adapter}"
    try:
        module = import_module(path)
    except ModuleNotFoundError as missing:
        if missing.name != path:
            # The adapter is there; something that it needs is not.
            raise GatewayMisconfigured(
                f"The adapter {adapter!r} of the Airflow connection sms_{name} needs {missing.name}, which is not"
                " installed."
            ) from missing
        raise GatewayMisconfigured(
            f"The Airflow connection sms_{name} names the adapter {adapter!r}, which is not in motcua/gateways/."
        ) from missing
    if (made := _defined_in(module)) is None:
        raise GatewayMisconfigured(f"motcua/gateways/{adapter}.py defines no gateway.")
    return made(address)


def _defined_in(module: ModuleType) -> Callable[[GatewayAddress], Gateway] | None:
    for _, member in inspect.getmembers(module, inspect.isclass):
        if member.__module__ == module.__name__ and member.__name__.endswith("Gateway") and member is not Gateway:
            return cast("Callable[[GatewayAddress], Gateway]", member)
    return None


def provider_of(adapter: str) -> type[Provider] | None:
    """What an adapter says of its provider, whatever its connections say; ``None``: there is no such adapter here."""
    return (
        cast("type[Provider]", _defined_in(import_module(f"{__name__}.{adapter}"))) if adapter in adapters() else None
    )


def adapters() -> list[str]:
    """Names of the kinds of providers that can be called here."""
    return [module.name for module in iter_modules(__path__) if _defined_in(import_module(f"{__name__}.{module.name}"))]
