"""Gateway adapters: one module for each provider. The field ``adapter`` in the connection's extra names the module."""

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
    """A gateway's Airflow connection is missing, lacks a field or has an impossible value, or its adapter does not
    exist or lacks a package."""


def gateway_address(name: str) -> GatewayAddress:
    """Return the address in the Airflow connection ``sms_<name>``.

    Raises:
        GatewayMisconfigured: there is no such connection, it names no host, or it states an impossible value.
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
    """The fields of a connection that Airflow returned or that was read from the text of an environment variable."""

    @property
    def host(self) -> str | None:
        """Host name, with or without a leading https://."""

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
        """All other fields of the connection, from its JSON."""


def address_in(name: str, connection: ConnectionGiven) -> GatewayAddress:
    """Return the gateway address that a connection states.

    Raises:
        GatewayMisconfigured: the connection names no host, or states an impossible value.
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
    """Return the fault in the fields of a connection's extra. A limit that cannot be read is a fault, so that no
    message is sent without a limit."""
    try:
        if address.concurrency < 1 or min(address.timeout) <= 0:
            raise ValueError
    except (TypeError, ValueError):
        return "concurrency, connect_timeout and answer_timeout must be numbers above 0"
    try:
        if not all(limit is None or limit > 0 for limit in (address.segments_per_second, address.segments_per_day)):
            raise ValueError
    except (TypeError, ValueError):
        return "segments_per_second and segments_per_day must be numbers above 0, or left out for no limit"
    try:
        if address.prices == {}:
            raise ValueError
    except (KeyError, TypeError, ValueError):
        return f"price must be a number, or a number for each carrier: {', '.join(sorted(CARRIERS))}"
    try:
        if min(address.horizon, address.unknown_after) <= timedelta(0):
            raise ValueError
    except (TypeError, ValueError, OverflowError):
        return "horizon_hours and unknown_after_hours must be numbers above 0"
    if address.when_unknown not in get_args(UnknownPolicy):
        return "when_unknown must be hold or accept"
    try:
        empty = not address.carriers
    except (KeyError, TypeError):
        empty = True
    return f"carriers must be a list of {', '.join(sorted(CARRIERS))}" if empty else None


def open_gateway(name: str) -> Gateway:
    """Return the adapter of the gateway ``name``, ready to use.

    Raises:
        GatewayMisconfigured: the connection is missing or cannot be used, or its adapter cannot be loaded.
    """
    return gateway_at(gateway_address(name))


def gateway_at(address: GatewayAddress) -> Gateway:
    """Return the adapter that an address names.

    Raises:
        GatewayMisconfigured: the adapter does not exist, a package that it needs is not installed, or the address lacks
            a field of its provider.
    """
    name = address.name
    adapter = str(address.extra.get("adapter", "kannel"))
    path = f"motcua.gateways.{adapter}"
    try:
        module = import_module(path)
    except ModuleNotFoundError as missing:
        if missing.name != path:
            # The adapter exists, but a package that it needs is missing.
            raise GatewayMisconfigured(
                f"The adapter {adapter!r} of the Airflow connection sms_{name} needs {missing.name}, which is not"
                " installed."
            ) from missing
        raise GatewayMisconfigured(
            f"The Airflow connection sms_{name} names the adapter {adapter!r}, which is not in motcua/gateways/."
        ) from missing
    if (made := _gateway_class(module)) is None:
        raise GatewayMisconfigured(f"motcua/gateways/{adapter}.py defines no gateway.")
    return made(address)


def _gateway_class(module: ModuleType) -> Callable[[GatewayAddress], Gateway] | None:
    for _, member in inspect.getmembers(module, inspect.isclass):
        if member.__module__ == module.__name__ and member.__name__.endswith("Gateway") and member is not Gateway:
            return cast("Callable[[GatewayAddress], Gateway]", member)
    return None


def provider_of(adapter: str) -> type[Provider] | None:
    """Return an adapter's class, which describes its provider without any connection. ``None`` if there is no
    such adapter."""
    return (
        cast("type[Provider]", _gateway_class(import_module(f"{__name__}.{adapter}")))
        if adapter in adapters()
        else None
    )


def adapters() -> list[str]:
    """Return the names of all adapters."""
    return [
        module.name for module in iter_modules(__path__) if _gateway_class(import_module(f"{__name__}.{module.name}"))
    ]
