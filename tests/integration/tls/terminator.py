"""Run a TLS proxy in front of a PostgreSQL server that has no TLS, as a pooler does.

The tests' PostgreSQL server is built without TLS. The proxy answers the client's TLS handshake with a certificate that
the test made, and passes the data on to the server::

    authority = Authority("Sở TT&TT")
    with terminating(server_port, authority.certificate("ledger.test", folder)) as front:
        psycopg.connect(host="ledger.test", hostaddr="127.0.0.1", port=front.port, sslmode="verify-full", ...)
"""

from __future__ import annotations

import socket
import ssl
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_SSL_REQUEST, _GSS_REQUEST = 80877103, 80877104


@dataclass(frozen=True)
class Certificate:
    """The files of a server's certificate and its key."""

    chain: Path
    key: Path


class Authority:
    """A certificate authority that signs certificates."""

    def __init__(self, name: str) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self._own = (
            self._certificate_builder(self._name, self._key.public_key())
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(self._key, hashes.SHA256())
        )

    def _certificate_builder(self, subject: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
        now = datetime.now(UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
        )

    def write(self, path: Path) -> Path:
        """Write the authority's own certificate, for ``sslrootcert``; return the path."""
        path.write_bytes(self._own.public_bytes(serialization.Encoding.PEM))
        return path

    def certificate(self, host: str, folder: Path) -> Certificate:
        """Write a certificate for a host, signed by this authority, and its key; return their paths."""
        key = ec.generate_private_key(ec.SECP256R1())
        signed = (
            self._certificate_builder(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)]), key.public_key())
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        files = Certificate(folder / f"{host}.pem", folder / f"{host}.key")
        files.chain.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
        files.key.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        return files


@dataclass
class Terminator:
    """A running TLS proxy: its port for clients, and the number of finished handshakes."""

    port: int
    finished_handshakes: int = 0


@contextmanager
def terminating(server_port: int, certificate: Certificate) -> Iterator[Terminator]:
    """Accept TLS connections on loopback while the block runs, and pass their data on to the server."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.chain, certificate.key)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        front = Terminator(listening.getsockname()[1])

        def take() -> None:
            while True:
                try:
                    client, _ = listening.accept()
                except OSError:
                    return
                threading.Thread(target=_serve, args=(client, context, server_port, front), daemon=True).start()

        taking = threading.Thread(target=take, daemon=True)
        taking.start()
        yield front
        # Closing a socket does not wake a waiting accept, but shutting it down does.
        listening.shutdown(socket.SHUT_RDWR)
        taking.join()


def _serve(client: socket.socket, context: ssl.SSLContext, server_port: int, front: Terminator) -> None:
    with client, suppress(OSError):
        while True:
            length, code = struct.unpack("!ii", _read_exactly(client, 8))
            if (length, code) == (8, _GSS_REQUEST):
                client.sendall(b"N")
                continue
            break
        if (length, code) != (8, _SSL_REQUEST):
            # Refuse a client that does not ask for TLS.
            return
        client.sendall(b"S")
        with (
            context.wrap_socket(client, server_side=True) as secured,
            socket.create_connection(("127.0.0.1", server_port)) as server,
        ):
            front.finished_handshakes += 1
            back = threading.Thread(target=_pass_on, args=(server, secured), daemon=True)
            back.start()
            _pass_on(secured, server)
            back.join()


def _read_exactly(source: socket.socket, length: int) -> bytes:
    read = b""
    while len(read) < length:
        piece = source.recv(length - len(read))
        if not piece:
            raise ConnectionError("the client is gone")
        read += piece
    return read


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while piece := source.recv(65536):
            target.sendall(piece)
    for end in (source, target):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
