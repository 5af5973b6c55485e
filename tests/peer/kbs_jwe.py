# SPDX-License-Identifier: Apache-2.0
"""The JWE of kbs_broker.py's answers, by hand, so that every part of it can be another: seal(KEY, CONTENT, MANNER)."""
import json
import secrets
import struct

from cryptography.hazmat.primitives import hashes, keywrap
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.concatkdf import ConcatKDFHash
from jwcrypto import jwe, jwk
from jwcrypto.common import base64url_decode, base64url_encode

CURVES = {"P-256": (ec.SECP256R1(), 32), "P-384": (ec.SECP384R1(), 48), "P-521": (ec.SECP521R1(), 66)}


def compact(value):
    return json.dumps(value, separators=(",", ":"))


def number(text):
    return int.from_bytes(base64url_decode(text), "big")


def public_point(key):
    assert set(key) == {"kty", "crv", "alg", "x", "y"}, f"members of the key: {sorted(key)}"
    curve, size = CURVES[key["crv"]]
    assert key["crv"] != "P-384" and key["alg"] == "ECDH-ES+A256KW", key
    assert len(base64url_decode(key["x"])) == len(base64url_decode(key["y"])) == size, "a coordinate's length"
    return ec.EllipticCurvePublicNumbers(number(key["x"]), number(key["y"]), curve).public_key()


def rsa_public(key):
    assert set(key) == {"kty", "alg", "n", "e"}, f"members of the key: {sorted(key)}"
    assert key["alg"] in ("RSA-OAEP-256", "RSA1_5") and len(base64url_decode(key["n"])) == 256, "kind of key"
    return rsa.RSAPublicNumbers(number(key["e"]), number(key["n"])).public_key()


def wrap_ec(key, cek, manner):
    """Members of the header, and the wrapped key."""
    point, crv = public_point(key), key["crv"]
    size = CURVES[crv][1]
    ephemeral = ec.generate_private_key(point.curve)
    while manner == "epk-zeros" and ephemeral.public_key().public_numbers().x >> 8 * size - 8:
        ephemeral = ec.generate_private_key(point.curve)
    info = b""
    for part in (b"ECDH-ES+A256KW", b"me" if manner == "apu" else b"", b""):
        info += struct.pack(">I", len(part)) + part
    info += struct.pack(">I", 128 if manner == "kdf" else 256)
    kek = ConcatKDFHash(hashes.SHA256(), 32, info).derive(ephemeral.exchange(ec.ECDH(), point))
    if manner == "epk-curve":
        crv = "P-384"
        ephemeral = ec.generate_private_key(ec.SECP384R1())
    numbers, size = ephemeral.public_key().public_numbers(), CURVES[crv][1]
    epk = {"crv": crv, "kty": "EC", "x": base64url_encode(numbers.x.to_bytes(size, "big")),
           "y": base64url_encode(numbers.y.to_bytes(size, "big"))}
    if manner == "epk-off-curve":
        epk["y"] = epk["x"]
    if manner == "epk-zero":
        epk["x"] = epk["y"] = base64url_encode(bytes(size))
    if manner == "epk-short":
        epk["x"] = base64url_encode(numbers.x.to_bytes(size, "big")[:-1])
    header = {"epk": epk}
    if manner == "epk-missing":
        header = {}
    if manner == "apu":
        header["apu"] = base64url_encode(b"me")
    return header, keywrap.aes_key_wrap(kek, cek)


def wrap(key, cek, manner):
    if key["kty"] == "EC":
        return wrap_ec(key, cek, manner)
    hash_ = hashes.SHA1() if manner == "oaep-sha1" else hashes.SHA256()
    return {}, rsa_public(key).encrypt(cek, padding.OAEP(padding.MGF1(hash_), hash_, None))


HEADERS = {  # manners of a header that is sealed with the rest
    "order": lambda head: json.dumps(dict(reversed(head.items())), indent=1),
    "unknown-member": lambda head: compact({**head, "x-unknown": {"a": [1]}, "kid": "k", "typ": "JOSE"}),
    "crit": lambda head: compact({**head, "crit": ["x"], "x": 1}),
    "zip": lambda head: compact({**head, "zip": "DEF"}),
    "alg-dir": lambda head: compact({**head, "alg": "dir"}),
    "alg-direct": lambda head: compact({**head, "alg": "ECDH-ES"}),
    "alg-a128kw": lambda head: compact({**head, "alg": "ECDH-ES+A128KW"}),
    "alg-none": lambda head: compact({**head, "alg": "none"}),
    "alg-missing": lambda head: compact({m: v for m, v in head.items() if m != "alg"}),
    "enc-unknown": lambda head: compact({**head, "enc": "A256XYZ"}),
    "enc-confused": lambda head: compact({**head, "enc": "A128GCM"}),
    "enc-missing": lambda head: compact({m: v for m, v in head.items() if m != "enc"}),
    "header-twins": lambda head: '{"alg":"none",' + compact(head)[1:],
    "header-array": lambda head: compact([head]),
    "header-cut": lambda head: compact(head)[:-1],
    "header-deep": lambda head: compact(head)[:-1] + ',"x":' + "[" * 5000 + "]" * 5000 + "}",
}


def flip(text):
    return ("B" if text[0] == "A" else "A") + text[1:]


def seal(key, content, manner):
    """The five members of an answer, as text."""
    if manner.startswith("enc-") and manner[4:] in ("A128GCM", "A192GCM", "A256CBC-HS512", "A128CBC-HS256"):
        return foreign(key, key["alg"], manner[4:], content)
    if manner == "alg-rsa1_5":
        return foreign(key, "RSA1_5", "A256GCM", content)
    if manner == "alg-rsa-oaep":
        return foreign(key, "RSA-OAEP", "A256GCM", content)
    if manner == "wrong-key":
        key = {**jwk.JWK.generate(kty="EC", crv=key["crv"]).export_public(as_dict=True), "alg": key["alg"]}
    cek, iv = secrets.token_bytes(32), secrets.token_bytes(16 if manner == "iv-long" else 12)
    more, wrapped = wrap(key, cek, manner)
    head = {"alg": key["alg"], "enc": "A256GCM", **more}
    protected = base64url_encode(HEADERS.get(manner, compact)(head))
    aad = "" if manner == "no-aad" else protected
    sealed = AESGCM(cek).encrypt(iv, content, aad.encode())
    if manner == "tag-cut":
        sealed = sealed[:-4]
    cut = len(content)
    answer = {"protected": protected, "encrypted_key": base64url_encode(wrapped), "iv": base64url_encode(iv),
              "ciphertext": base64url_encode(sealed[:cut]), "tag": base64url_encode(sealed[cut:])}
    if manner == "protected":  # the same to a reader, other bytes
        answer["protected"] = base64url_encode(" " + compact(head))
    elif manner in answer:
        answer[manner] = flip(answer[manner])
    if manner.startswith("without-"):
        del answer[manner[8:]]
    if manner == "padded":
        answer = {m: v + "=" * (-len(v) % 4) for m, v in answer.items()}
    if manner == "aad":
        answer["aad"] = base64url_encode(b"more")
    if manner == "tag-number":
        answer["tag"] = 1
    if manner == "twins":
        return '{"tag":"AAAA",' + compact(answer)[1:]
    if manner == "compact":
        return ".".join(answer[m] for m in ("protected", "encrypted_key", "iv", "ciphertext", "tag"))
    if manner == "jwe-array":
        return compact([answer])
    return compact(answer)


def oldest(key, content):
    """As version 0.1 had it: the header is no base64, nothing authenticates it, and the tag is behind the ciphertext."""
    cek, iv = secrets.token_bytes(32), secrets.token_bytes(12)
    wrapped = rsa_public(key).encrypt(cek, padding.PKCS1v15())
    return compact({"protected": '{"alg":"RSA1_5","enc":"A256GCM"}', "encrypted_key": base64url_encode(wrapped),
                    "iv": base64url_encode(iv), "tag": "",
                    "ciphertext": base64url_encode(AESGCM(cek).encrypt(iv, content, None))})


def foreign(key, alg, enc, content):
    """By jwcrypto, with what is never sent."""
    message = jwe.JWE(content, compact({"alg": alg, "enc": enc}), algs=[alg, enc])
    message.add_recipient(jwk.JWK(**{m: v for m, v in key.items() if m != "alg"}))
    names = ("protected", "encrypted_key", "iv", "ciphertext", "tag")
    return compact(dict(zip(names, message.serialize(compact=True).split("."))))
