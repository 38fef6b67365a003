"""Start a real S3-compatible server (SeaweedFS) on loopback, with a key that may write and a key that may only read."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from botocore.exceptions import BotoCoreError
from s3fs import S3FileSystem

from motcua.sandbox.machine.parts import Part
from tests.ground import free_port

BUCKET = "motcua"
KEYS = {"writer": ["Admin"], "reader": ["Read", "List"]}
"""The actions that each access key may do, by the key's name."""


def secret_of(name: str) -> str:
    return f"secret-of-{name}"


@dataclass(frozen=True, slots=True)
class S3Server:
    """A running server, with the port of its S3 interface."""

    port: int

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def connection(self, name: str = "writer", **changes: object) -> str:
        """Return the Airflow connection of an access key, in JSON as an operator writes it."""
        fields = {"conn_type": "aws", "login": name, "password": secret_of(name)}
        return json.dumps({**fields, "extra": {"endpoint_url": self.endpoint}, **changes})


@contextmanager
def running_s3(folder: Path) -> Iterator[S3Server]:
    """Run the server in an empty folder while the block runs, with an empty bucket."""
    folder.mkdir(parents=True, exist_ok=True)
    identities = [
        {"name": name, "credentials": [{"accessKey": name, "secretKey": secret_of(name)}], "actions": actions}
        for name, actions in KEYS.items()
    ]
    (folder / "s3.json").write_text(json.dumps({"identities": identities}), encoding="utf-8")
    (folder / "data").mkdir()
    listening = ("master.port", "master.port.grpc", "volume.port", "volume.port.grpc", "filer.port", "filer.port.grpc")
    ports = {name: free_port() for name in (*listening, "s3.port", "s3.port.grpc")}
    command = [
        *(str(Path(sys.executable).with_name("weed")), "-logtostderr=true", "server", f"-dir={folder / 'data'}"),
        *("-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-master.telemetry=false", "-master.volumeSizeLimitMB=64"),
        *("-filer", "-s3", f"-s3.config={folder / 's3.json'}", "-s3.autoCreateBucket=false"),
        *("-s3.port.iceberg=0", "-s3.port.lance=0", "-volume.preStopSeconds=0", "-volume.max=100"),
        *(f"-{name}={port}" for name, port in ports.items()),
    ]
    # The server answers before all of its parts run, so it is ready only when it has stored an object.
    server = Part(
        "S3",
        command,
        folder / "log",
        environment={"PATH": os.environ["PATH"], "HOME": str(folder)},
        ready=lambda: _holds_a_bucket(ports["s3.port"]),
    )
    try:
        server.start()
        yield S3Server(ports["s3.port"])
    finally:
        server.kill()


def _holds_a_bucket(port: int) -> bool:
    store = S3FileSystem(
        key="writer",
        secret=secret_of("writer"),
        endpoint_url=f"http://127.0.0.1:{port}",
        client_kwargs={"region_name": "us-east-1"},
        config_kwargs={"connect_timeout": 10, "read_timeout": 10, "retries": {"max_attempts": 0}},
        skip_instance_cache=True,
    )
    try:
        with suppress(FileExistsError):
            store.mkdir(BUCKET)
        store.pipe(f"{BUCKET}/ready", b"")
        store.rm(f"{BUCKET}/ready")
    except (OSError, BotoCoreError):
        return False
    return True
