# SPDX-License-Identifier: Apache-2.0
"""The peer of tests/drivers/jose_speed: the same operations with jwcrypto.

    jose.py prepare FOLDER                  keys, payload, and what jwcrypto makes of it
    jose.py measure FOLDER MILLISECONDS     a line of JSON for each operation
    jose.py judge FOLDER                    token.cocoon and message.cocoon must be of that payload
"""
import json
import secrets
import sys
import time

from jwcrypto import jwe, jwk, jws

JWE = json.dumps({"alg": "ECDH-ES+A256KW", "enc": "A256GCM"})
JWS = json.dumps({"alg": "ES256", "kid": "bench"})
ALGS = ["ECDH-ES+A256KW", "A256GCM"]


def at(folder, name):
    with open(f"{folder}/{name}", "rb") as file:
        return file.read()


def put(folder, name, data):
    with open(f"{folder}/{name}", "wb") as file:
        file.write(data)


def sign(key, payload):
    token = jws.JWS(payload)
    token.add_signature(key, "ES256", JWS)
    return token.serialize(compact=True).encode()


def verify(key, text):
    token = jws.JWS()
    token.deserialize(text.decode(), key, alg="ES256")
    return token.payload


def seal(key, payload):
    message = jwe.JWE(payload, JWE, algs=ALGS)
    message.add_recipient(key)
    return message.serialize().encode()


def unseal(key, text):
    message = jwe.JWE(algs=ALGS)
    message.deserialize(text.decode(), key)
    return message.payload


def prepare(folder):
    payload = secrets.token_bytes(1024)
    put(folder, "payload", payload)
    for name, make, act in (("sign", "token", sign), ("seal", "message", seal)):
        key = jwk.JWK.generate(kty="EC", crv="P-256")
        put(folder, f"{name}.jwk", key.export(as_dict=False).encode())
        put(folder, make, act(key, payload))


def keys(folder):
    return (jwk.JWK.from_json(at(folder, f"{name}.jwk").decode()) for name in ("sign", "seal"))


def measure(folder, milliseconds):
    signer, recipient = keys(folder)
    payload, token, message = (at(folder, name) for name in ("payload", "token", "message"))
    operations = (
        ("sign", lambda: sign(signer, payload), None),
        ("verify", lambda: verify(signer, token), payload),
        ("seal", lambda: seal(recipient, payload), None),
        ("open", lambda: unseal(recipient, message), payload),
    )
    for name, act, wanted in operations:
        count, began, took = 0, time.perf_counter(), 0.0
        while took * 1000 < int(milliseconds):
            got = act()
            assert wanted is None or got == wanted, name
            count, took = count + 1, time.perf_counter() - began
        print(json.dumps({"who": "jwcrypto", "what": name, "us": round(took * 1e6 / count, 2)}))


def judge(folder):
    signer, recipient = keys(folder)
    payload = at(folder, "payload")
    assert verify(signer, at(folder, "token.cocoon")) == payload, "token.cocoon"
    assert unseal(recipient, at(folder, "message.cocoon")) == payload, "message.cocoon"


if __name__ == "__main__":
    {"prepare": prepare, "measure": measure, "judge": judge}[sys.argv[1]](*sys.argv[2:])
