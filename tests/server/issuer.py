"""An issuer of tokens: keys, and a real server that publishes them."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

ALICE = "64b000000000000000000001"

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey


@dataclass
class Key:
    """A key pair, under the id by which it is published."""

    kid: str | None
    algorithm: str
    private: PrivateKey

    @classmethod
    def new(cls, algorithm: str, kid: str | None = "key-1", bits: int = 2048) -> "Key":
        private: PrivateKey
        if algorithm == "RS256":
            private = rsa.generate_private_key(65_537, bits)
        elif algorithm == "ES256":
            private = ec.generate_private_key(ec.SECP256R1())
        else:
            private = ed25519.Ed25519PrivateKey.generate()
        return cls(kid, algorithm, private)

    @property
    def pem(self) -> bytes:
        return self.private.public_key().public_bytes(
            Encoding.PEM, PublicFormat.SubjectPublicKeyInfo
        )

    @property
    def jwk(self) -> dict[str, Any]:
        algorithm: Any = jwt.get_algorithm_by_name(self.algorithm)
        jwk: dict[str, Any] = algorithm.to_jwk(self.private.public_key(), as_dict=True)
        jwk.pop("key_ops", None)
        if self.kid is not None:
            jwk["kid"] = self.kid
        return jwk

    def sign(self, claims: dict[str, Any] | None = None, **headers: Any) -> str:
        if self.kid is not None:
            headers.setdefault("kid", self.kid)
        return jwt.encode(
            good() if claims is None else claims, self.private, self.algorithm, headers
        )


def good(**changes: Any) -> dict[str, Any]:
    """The claims of a good token; a change to None takes one away."""
    claims = {"sub": ALICE, "exp": int(time.time()) + 600} | changes
    return {name: value for name, value in claims.items() if value is not None}


@dataclass
class Issuer:
    """What the server publishes, and how often it was asked."""

    keys: list[dict[str, Any]] = field(default_factory=list)
    body: bytes | None = None
    status: int = 200
    url: str = ""
    fetches: int = 0
    answer: threading.Event = field(default_factory=threading.Event)
    """Cleared, the server accepts and then says nothing."""

    def publish(self, *keys: Key) -> None:
        self.keys = [key.jwk for key in keys]


@contextmanager
def publishing(*keys: Key) -> Iterator[Issuer]:
    """A JWKS server on a free port of this machine."""
    issuer = Issuer()
    issuer.publish(*keys)
    issuer.answer.set()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            issuer.fetches += 1
            issuer.answer.wait(30)
            body = issuer.body
            if body is None:
                body = json.dumps({"keys": issuer.keys}).encode()
            with suppress(ConnectionError):  # one who waited too long is gone
                self.send_response(issuer.status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    issuer.url = f"http://127.0.0.1:{server.server_port}/jwks"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield issuer
    finally:
        issuer.answer.set()
        server.shutdown()
        thread.join()
        server.server_close()
