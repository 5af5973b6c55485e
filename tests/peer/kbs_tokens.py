# SPDX-License-Identifier: Apache-2.0
"""Tokens that a key broker must refuse, beside some that it must take: lines NAME STATUS VARIANT. The guest is that of
kbs_guest.py.

    kbs_tokens.py tokens URL PATH SIGNER STRANGER-URL
        bearer tokens for the resource: of the broker's signer, whose key is in PEM, of others, and of another broker
    kbs_tokens.py admins URL KEY
        tokens of administrators, of the right key, which is in PEM, and of others
"""
import hashlib
import hmac
import json
import sys
import time

from jwcrypto import jwk, jws
from jwcrypto.common import base64url_decode, base64url_encode
from kbs_guest import Guest, report


def encode(value):
    return base64url_encode(value if isinstance(value, (str, bytes)) else json.dumps(value, separators=(",", ":")))


def tokens(url, path, signer_file, stranger_url):
    guest = Guest(url)
    guest.auth()
    guest.attest(guest.attestation())
    head, payload, signature = guest.token.split(".")
    header, claims = json.loads(base64url_decode(head)), json.loads(base64url_decode(payload))
    with open(signer_file, "rb") as file:
        signer = jwk.JWK.from_pem(file.read())
    stranger, now = jwk.JWK.generate(kty="EC", crv="P-256"), int(time.time())
    public = {**stranger.export_public(as_dict=True), "alg": "ES256"}

    def sign(head_text, body_text, key=signer):
        """ES256, over whatever the two texts say."""
        covered = encode(head_text) + "." + encode(body_text)
        made = jws.JWSCore("ES256", key, "{}", b"").engine.sign(key, covered.encode())
        return covered + "." + encode(made)

    def mac(secret, head_text):
        covered = encode(head_text) + "." + payload
        return covered + "." + encode(hmac.new(secret, covered.encode(), hashlib.sha256).digest())

    def without(members, name):
        return {m: v for m, v in members.items() if m != name}

    def attempt(name, token, scheme="Bearer "):
        report(name, guest.fetch, path, scheme + token)

    attempt("good", guest.token)
    attempt("signed-here", sign(header, claims))
    attempt("expired", sign(header, {**claims, "exp": now - 120}))
    attempt("expired-within-leeway", sign(header, {**claims, "exp": now - 30}))
    attempt("without-exp", sign(header, without(claims, "exp")))
    attempt("exp-text", sign(header, {**claims, "exp": "4102444800"}))
    attempt("exp-negative", sign(header, {**claims, "exp": -1}))
    attempt("tampered-payload", head + "." + encode({**claims, "exp": now + 10 ** 6}) + "." + signature)
    attempt("tampered-header", encode({**header, "kid": "x"}) + "." + payload + "." + signature)
    raw = base64url_decode(signature)
    attempt("tampered-signature", f"{head}.{payload}.{encode(raw[:40] + bytes([raw[40] ^ 1]) + raw[41:])}")
    attempt("signature-cut", f"{head}.{payload}.{encode(raw[:-1])}")
    attempt("signature-long", f"{head}.{payload}.{encode(raw + bytes(1))}")
    attempt("signature-zero", f"{head}.{payload}.{encode(bytes(64))}")
    attempt("signature-empty", f"{head}.{payload}.")
    last = chr(ord(signature[-1]) + 1)  # bits that no byte has; Q, g, w and A are what encoders leave
    attempt("signature-loose-bits", guest.token[:-1] + last)
    attempt("signature-padded", guest.token + "==")
    attempt("two-parts", f"{head}.{payload}")
    attempt("four-parts", guest.token + ".AAAA")
    attempt("half", guest.token[:len(guest.token) // 2])
    other = encode({**claims, "x": "~~~???"}).replace("_", "/").replace("-", "+")
    attempt("standard-alphabet", f"{head}.{other}.{signature}")
    attempt("garbage", "x")
    attempt("stranger", sign({**header, "jwk": public}, claims, stranger))
    attempt("stranger-under-our-key", sign(header, claims, stranger))
    attempt("stranger-by-kid", sign({**without(header, "jwk"), "kid": "x"}, claims, stranger))
    attempt("stranger-by-jku", sign({**without(header, "jwk"), "jku": "http://127.0.0.1:1/", "kid": "x"}, claims, stranger))
    attempt("stranger-with-x5c", sign({**header, "jwk": {**public, "x5c": ["AAAA"]}}, claims, stranger))
    attempt("without-jwk", sign(without(header, "jwk"), claims))
    attempt("jwk-without-alg", sign({**header, "jwk": without(header["jwk"], "alg")}, claims))
    attempt("jwk-other-alg", sign({**header, "jwk": {**header["jwk"], "alg": "ES384"}}, claims))
    attempt("jwk-text", sign({**header, "jwk": json.dumps(header["jwk"])}, claims))
    attempt("jwk-off-curve", sign({**header, "jwk": {**header["jwk"], "y": header["jwk"]["x"]}}, claims))
    for alg in ("none", "None", "NONE", ""):
        attempt(f"alg-none-{alg or 'empty'}", encode({**header, "alg": alg}) + "." + payload + ".")
    attempt("alg-none-signed", sign({**header, "alg": "none"}, claims))
    attempt("alg-missing", sign(without(header, "alg"), claims))
    attempt("alg-es384", sign({**header, "alg": "ES384"}, claims))
    attempt("alg-rs256", sign({**header, "alg": "RS256"}, claims))
    attempt("alg-case", sign({**header, "alg": "es256"}, claims))
    for name, secret in (("pem", signer.export_to_pem()), ("x", base64url_decode(header["jwk"]["x"])),
                         ("jwk", json.dumps(header["jwk"]).encode()), ("empty", b"")):
        attempt(f"hs256-{name}", mac(secret, {**header, "alg": "HS256"}))
    attempt("hs256-jwk-oct", mac(b"x" * 32, {"alg": "HS256", "typ": "JWT", "jwk": {
        "kty": "oct", "alg": "HS256", "k": encode(b"x" * 32)}}))
    attempt("crit", sign({**header, "crit": ["exp"], "exp": 1}, claims))
    attempt("crit-empty", sign({**header, "crit": []}, claims))
    attempt("crit-unknown", sign({**header, "crit": ["x-y"], "x-y": True}, claims))
    attempt("crit-b64", sign({**header, "crit": ["b64"], "b64": True}, claims))
    attempt("b64-false", sign({**header, "b64": False}, claims))
    attempt("b64-false-crit", sign({**header, "crit": ["b64"], "b64": False}, claims))
    text = json.dumps(header, separators=(",", ":"))
    attempt("duplicate-alg", sign('{"alg":"ES256",' + text[1:], claims))
    attempt("duplicate-jwk", sign('{"jwk":' + json.dumps(public) + "," + text[1:], claims))
    attempt("duplicate-exp", sign(header, '{"exp":1,' + json.dumps(claims)[1:]))
    attempt("duplicate-submods", sign(header, '{"submods":{},' + json.dumps(claims)[1:]))
    attempt("claims-array", sign(header, [claims]))
    attempt("claims-empty", sign(header, ""))
    attempt("claims-cut", sign(header, json.dumps(claims)[:-1]))
    attempt("claims-behind", sign(header, json.dumps(claims) + "x"))
    attempt("claims-nested", sign(header, json.dumps(claims)[:-1] + ',"x":' + "[" * 2000 + "]" * 2000 + "}"))
    attempt("claims-no-utf8", sign(header, json.dumps(claims).encode()[:-1] + b',"x":"\xff"}'))
    attempt("without-tee-key", sign(header, without(claims, "submods")))
    attempt("header-large", sign({**header, "x": "x" * 20 * 1024}, claims))
    attempt("header-larger", sign({**header, "x": "x" * 60 * 1024}, claims))
    attempt("header-oversize", sign({**header, "x": "x" * 100 * 1024}, claims))
    attempt("scheme-basic", guest.token, "Basic ")
    attempt("scheme-lower", guest.token, "bearer ")
    attempt("scheme-none", guest.token, "")
    attempt("scheme-empty", "")
    replay = Guest(stranger_url)
    replay.key = guest.key
    replay.auth()
    replay.attest(replay.attestation())
    attempt("of-another-broker", replay.token)
    # a good session speaks for a bad token; a session that never attested does not
    report("no-session-no-token", guest.ask, "GET", "/resource/" + path)
    guest.ask("GET", "/resource/" + path, None, Cookie=guest.cookie, Authorization="Bearer x")
    fresh = Guest(url)
    fresh.auth()
    report("session-unattested", fresh.fetch, path)
    guest.cookie = fresh.cookie
    report("session-unattested-good-token", lambda: guest.open(guest.ask(
        "GET", "/resource/" + path, None, Cookie=fresh.cookie, Authorization="Bearer " + guest.token)))


def admins(url, key_file):
    with open(key_file, "rb") as file:
        key = jwk.JWK.from_pem(file.read())
    now = int(time.time())
    good, header = {"role": "admin", "exp": now + 600}, {"alg": "EdDSA", "typ": "JWT"}

    def sign(claims, head=None, with_=key):
        head = head or header
        covered = encode(head) + "." + encode(claims)
        made = jws.JWSCore("EdDSA", with_, "{}", b"").engine.sign(with_, covered.encode())
        return covered + "." + encode(made)

    def attempt(name, token, where="/resource/default/admin/1"):
        report(name, lambda: Guest(url).ask("POST", where, b"x", Authorization="Bearer " + token))

    attempt("good", sign(good))
    attempt("expired", sign({**good, "exp": now - 120}))
    attempt("without-exp", sign({"role": "admin"}))
    attempt("without-role", sign({"exp": now + 600}))
    attempt("role-number", sign({**good, "role": 1}))
    attempt("role-other", sign({**good, "role": "guest"}))
    attempt("role-twice", sign(json.dumps({**good, "role": "guest"})[:-1] + ',"role":"admin"}'))
    attempt("stranger", sign(good, None, jwk.JWK.generate(kty="OKP", crv="Ed25519")))
    attempt("alg-none", encode({"alg": "none"}) + "." + encode(good) + ".")
    attempt("alg-es256", sign(good, {"alg": "ES256"}))
    attempt("crit", sign(good, {**header, "crit": ["exp"], "exp": 1}))
    mac = encode({"alg": "HS256"}) + "." + encode(good)
    attempt("hs256", mac + "." + encode(hmac.new(key.export_to_pem(), mac.encode(), hashlib.sha256).digest()))
    half = sign(good)
    attempt("cut", half[:-4])
    attempt("tampered", half.replace(half.split(".")[1], encode({**good, "x": 1})))
    attempt("policy-by-other", sign({**good, "role": "guest"}), "/resource-policy")
    report("nobody", Guest(url).ask, "POST", "/resource/default/admin/1", b"x")


{"tokens": tokens, "admins": admins}[sys.argv[1]](*sys.argv[2:])
