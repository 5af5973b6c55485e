# SPDX-License-Identifier: Apache-2.0
"""Sealed secrets by jwcrypto, each way.

    sealed.py seal KEY.jwk URI [CHANGE]     a vault, sealed with a private key that has a kid; CHANGE makes it another one
    sealed.py verify KEY.jwk                prints the payload of standard input's
"""
import json
import sys

from jwcrypto import jwk, jws
from jwcrypto.common import base64url_encode

CHANGES = {  # of the header
    "": {}, "typ": {"typ": "JWT"}, "without-b64": {"b64": None}, "b64-false": {"b64": False},
    "crit": {"crit": ["exp"], "exp": 1}, "alg-none": {"alg": "none"}, "no-kid": {"kid": None},
}


def load(path):
    with open(path, encoding="utf-8") as file:
        return jwk.JWK.from_json(file.read())


def seal(path, uri, change=""):
    key = load(path)
    header = {"kid": key.get("kid"), "alg": "ES256", "b64": True, **CHANGES[change]}
    payload = {"annotations": {}, "provider_settings": {}, "provider": "kbs", "name": uri, "type": "vault", "version": "0.1.0"}
    header = {name: value for name, value in header.items() if value is not None}
    covered = base64url_encode(json.dumps(header)) + "." + base64url_encode(json.dumps(payload))
    # by the part of jwcrypto that signs: the whole of it insists that a b64 be critical
    made = jws.JWSCore("ES256", key, "{}", b"").engine.sign(key, covered.encode())
    sys.stdout.write(f"sealed.{covered}.{base64url_encode(made)}")


def verify(path):
    key, text = load(path), sys.stdin.read()
    first, rest = text.split(".", 1)
    assert first == "sealed", first
    token = jws.JWS()
    token.allowed_algs = ["ES256"]
    token.deserialize(rest, key)
    header = json.loads(token.objects["protected"])
    assert header == {"b64": True, "alg": "ES256", "kid": key.get("kid")}, header
    print(json.dumps(json.loads(token.payload)))


{"seal": seal, "verify": verify}[sys.argv[1]](*sys.argv[2:])
