"""One module for each SMS provider; the connection's extra field ``adapter`` names the module."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from importlib import import_module
from typing import cast

from motcua.gateways.adapter import Gateway, GatewayAddress


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
    try:
        usable = address.concurrency > 0 and min(address.timeout) > 0
    except (TypeError, ValueError):
        usable = False
    if not usable:
        raise GatewayMisconfigured(
            f"The Airflow connection sms_{name}: concurrency, connect_timeout and answer_timeout are numbers above 0."
        )
    return address


def open_gateway(name: str) -> Gateway:
    """The adapter for the gateway ``name``, ready to use.

    Raises:
        GatewayMisconfigured: its connection is missing or names an adapter that does not exist.
    """
    address = gateway_address(name)
    adapter = str(address.extra.get("adapter", "kannel"))
    try:
        module = import_module(f"motcua.gateways.{adapter}")
    except ModuleNotFoundError as missing:
        raise GatewayMisconfigured(
            f"The Airflow connection sms_{name} names the adapter {adapter!r}, which is not in motcua/gateways/."
        ) from missing
    for _, member in inspect.getmembers(module, inspect.isclass):
        if member.__module__ == module.__name__ and member.__name__.endswith("Gateway"):
            gateway: Gateway = cast("Callable[[GatewayAddress], Gateway]", member)(address)
            return gateway
    raise GatewayMisconfigured(f"motcua/gateways/{adapter}.py defines no gateway.")
