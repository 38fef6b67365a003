"""Open folders of files by their URL: on this machine, or in an S3-compatible store behind an Airflow connection.

In ``s3://connection@bucket/folder`` the connection has the access key as its login and the secret key as its password.
The connection's extra ``endpoint_url`` names the store, such as MinIO or Ceph; without it the store is Amazon's. The
extra ``region_name`` gives the store's region, and ``verify`` names a file with the authority that signed the store's
certificate. Airflow's own provider for Amazon reads the same settings, but brings two dozen packages for services that
are not used here.
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
    """Raised if the store does not answer or refuses the key. The message gives the reason and what to check."""


def open_store(url: str) -> ObjectStoragePath:
    """Return the folder that a URL names, without any request to the store.

    Raises:
        StoreUnusable: an ``s3://`` URL names no connection, or an unknown or incomplete connection.
    """
    from airflow.sdk import ObjectStoragePath
    from airflow.sdk.io import attach

    address = urlsplit(url)
    if address.scheme == "s3":
        connection = address.netloc.rpartition("@")[0]
        if not connection:
            raise StoreUnusable(f"{url} names no Airflow connection: s3://connection@bucket/folder")
        # Airflow caches the first file system of a connection for ever, even in a forked child. The cached file system
        # is replaced here by the file system of this process.
        files = _s3(connection, os.getpid())
        attach("s3", conn_id=connection, fs=files).fs = files
    return ObjectStoragePath(url)


@lru_cache
def _s3(name: str, process: int) -> Buckets:
    """Return the file system of an Airflow connection in a process.

    Each process has its own file system, because a forked child cannot use the network connections of its parent.
    """
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
