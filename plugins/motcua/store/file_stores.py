"""Folders of files by their URL: on this machine, or in an S3-compatible store behind an Airflow connection.

``s3://connection@bucket/folder``: the connection has the access key as its login and the secret key as its password;
its extra ``endpoint_url`` names the store (MinIO, Ceph, …; without it Amazon's), ``region_name`` its region and
``verify`` a file with the authority of its certificate. Airflow's own provider for Amazon asks for the same, and brings
two dozen packages for services that nobody here has.
"""

from __future__ import annotations

import os
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from airflow.sdk import ObjectStoragePath

    from motcua.store.s3 import Buckets


class StoreUnusable(OSError):
    """The store does not answer, or not to this key; the message says why, and what to look at."""


def open_store(url: str) -> ObjectStoragePath:
    """The folder that a URL names; nothing is asked of it yet.

    Raises:
        StoreUnusable: an ``s3://`` URL names no connection, or one that is unknown or incomplete.
    """
    from airflow.sdk import ObjectStoragePath
    from airflow.sdk.io import attach

    address = urlsplit(url)
    if address.scheme == "s3":
        connection = address.netloc.rpartition("@")[0]
        if not connection:
            raise StoreUnusable(f"{url} names no Airflow connection: s3://connection@bucket/folder")
        # Airflow keeps the first of a connection for good, also in a child that was forked.
        files = _s3(connection, os.getpid())
        attach("s3", conn_id=connection, fs=files).fs = files
    return ObjectStoragePath(url)


@lru_cache
def _s3(name: str, process: int) -> Buckets:
    """Of a connection, once a process: a child that was forked cannot speak through its parent's."""
    from airflow.sdk.bases.hook import BaseHook
    from airflow.sdk.exceptions import AirflowException

    from motcua.store.s3 import Buckets

    try:
        connection = BaseHook.get_connection(name)
    except AirflowException as error:
        raise StoreUnusable(
            f"there is no Airflow connection {name}: set AIRFLOW_CONN_{name.upper()} ({error})"
        ) from None
    if not connection.login or not connection.password:
        raise StoreUnusable(f"the Airflow connection {name} lacks its access key (login) or its secret key (password)")
    extra: dict[str, Any] = connection.extra_dejson
    client = {option: extra[option] for option in ("region_name", "verify") if extra.get(option)}
    return Buckets(
        name,
        key=connection.login,
        secret=connection.password,
        endpoint_url=extra.get("endpoint_url") or None,
        client_kwargs={"region_name": "us-east-1"} | client,
    )
