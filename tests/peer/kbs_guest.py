# SPDX-License-Identifier: Apache-2.0
"""A guest of a key broker, written after the protocol's text and on Python's libraries alone, so that the broker and the
guests of this repository cannot be wrong together. The sample TEE proves nothing: tests alone can use it.

    kbs_guest.py get URL PATH [--key KIND] [--zero] [--initdata FILE] [--devices] [--bearer] [--extra] [--affirming]
        attests, checks the token, fetches the resource, opens it and prints it
    kbs_guest.py attestations URL          ways to attest: one line each, NAME STATUS VARIANT
    kbs_guest.py auths URL                 requests for a challenge: the same
    kbs_guest.py spend URL PATH FILE       fetches with what another guest's GetToken gave: token and key

URL is the broker's; KIND one of P-256, P-384, P-521, RSA, RSA1_5. What is refused ends "get" with 1 and STATUS VARIANT
on standard error.
"""
import argparse
import base64
import hashlib
import http.client
import json
import sys
import time
import urllib.parse

from jwcrypto import jwe, jwk, jws
from jwcrypto.common import base64url_decode, base64url_encode

PROFILE = "tag:github.com,2024:confidential-containers/Trustee"
ISSUER = "CoCo-Attestation-Service"
ERRORS = "https://github.com/confidential-containers/kbs/errors/"
KINDS = {  # how each key is made, and the alg of its public part
    "P-256": ({"kty": "EC", "crv": "P-256"}, "ECDH-ES+A256KW"),
    "P-384": ({"kty": "EC", "crv": "P-384"}, "ECDH-ES+A256KW"),
    "P-521": ({"kty": "EC", "crv": "P-521"}, "ECDH-ES+A256KW"),
    "RSA": ({"kty": "RSA", "size": 2048}, "RSA-OAEP-256"),
    "RSA1_5": ({"kty": "RSA", "size": 2048}, "RSA1_5"),
}


class Refused(Exception):
    def __init__(self, status, body):
        try:
            variant = json.loads(body)["type"].removeprefix(ERRORS)
        except (ValueError, KeyError, TypeError):
            variant = "-"
        super().__init__(f"{status} {variant}")


def b64(data):
    return base64.b64encode(data).decode()


def canonical(value):
    """RFC 8785, for values without numbers."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def bound(value):
    return hashlib.sha384(canonical(value)).digest()


class Guest:
    def __init__(self, url, kind="P-256", zero=False):
        self.where = urllib.parse.urlsplit(url)
        parameters, self.alg = KINDS[kind]
        self.key = jwk.JWK.generate(**parameters)
        while zero and not any(base64url_decode(self.public()[m])[0] == 0 for m in "xy"):
            self.key = jwk.JWK.generate(**parameters)
        self.cookie = self.nonce = self.token = ""

    def public(self):
        return {**self.key.export_public(as_dict=True), "alg": self.alg}

    def ask(self, method, path, body=None, **headers):
        """The body of an answer that is 200; Refused otherwise."""
        connection = http.client.HTTPConnection(self.where.netloc, timeout=60)
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        if data is not None:
            headers["Content-Type"] = "application/json"
        connection.request(method, self.where.path.rstrip("/") + "/kbs/v0" + path, data, headers)
        answer = connection.getresponse()
        text = answer.read()
        if answer.status != 200:
            raise Refused(answer.status, text)
        cookie = answer.getheader("Set-Cookie")
        if cookie:
            name, _, value = cookie.split(";")[0].partition("=")
            assert name == "kbs-session-id" and len(value) == 32 and int(value, 16) >= 0, cookie
            assert "expires=" in cookie.lower(), cookie
            self.cookie = cookie.split(";")[0]
        assert answer.getheader("Content-Type") == "application/json" or not text, answer.getheaders()
        return text

    # ---- request, challenge ----

    def auth(self, **other):
        body = {"version": "0.4.0", "tee": "sample", "extra-params": {"supported-hash-algorithms": ["sha384"]}}
        answer = json.loads(self.ask("POST", "/auth", {**body, **other}))
        assert set(answer) == {"nonce", "extra-params"} and answer["extra-params"] == "", answer
        assert len(base64.b64decode(answer["nonce"], validate=True)) == 32, answer
        self.nonce = answer["nonce"]

    # ---- attestation, response ----

    def evidence(self, nonce, key, devices=False):
        additional = ""
        if devices:
            report = bound({"nonce": nonce, "tee-pubkey": key})
            additional = json.dumps({"sampledevice": {"svn": "2", "report_data": b64(report)}})
        report = bound({"additional-evidence": additional, "nonce": nonce, "tee-pubkey": key})
        return report, {"primary_evidence": {"svn": "1", "report_data": b64(report)}, "additional_evidence": additional}

    def attestation(self, initdata=None, devices=False, extra=False):
        self.report, evidence = self.evidence(self.nonce, self.public(), devices)
        sent = {**self.public(), "use": "enc", "kid": "mine", "key_ops": []} if extra else self.public()
        document = None if initdata is None else {"format": "toml", "body": initdata}
        return {"init-data": document, "runtime-data": {"nonce": self.nonce, "tee-pubkey": sent},
                "tee-evidence": evidence}

    def attest(self, body):
        answer = json.loads(self.ask("POST", "/attest", body, Cookie=self.cookie))
        assert set(answer) == {"token"}, answer
        self.token = answer["token"]

    def check_token(self, attestation, affirming=False):
        """Its signature by the key in its header, and every claim that this guest can know."""
        token = jws.JWS()
        token.allowed_algs = ["ES256"]
        token.deserialize(self.token)
        header = json.loads(token.objects["protected"])
        assert header["typ"] == "JWT" and header["jwk"]["alg"] == header["alg"] == "ES256", header
        token.verify(jwk.JWK(**header["jwk"]))
        claims, now = json.loads(token.payload), time.time()
        assert claims["eat_profile"] == PROFILE and claims["iss"] == ISSUER, claims
        assert set(claims["ear.verifier-id"]) == {"developer", "build"}, claims
        assert now - 60 < claims["iat"] <= now + 1 and claims["iat"] < claims["exp"], claims
        devices = bool(attestation["tee-evidence"]["additional_evidence"])
        assert len(claims["submods"]) == 1 + devices and "cpu0" in claims["submods"], claims
        module = claims["submods"]["cpu0"]
        assert module["ear.status"] == ("affirming" if affirming else "contraindicated"), module
        assert module["ear.appraisal-policy-id"] == "default", module
        seen = module["ear.veraison.annotated-evidence"]
        assert seen["report_data"] == b64(self.report), seen
        assert seen["sample"]["svn"] == "1", seen
        assert seen["runtime_data_claims"] == {
            "nonce": self.nonce, "tee-pubkey": self.public(),
            "additional-evidence": attestation["tee-evidence"]["additional_evidence"]}, seen
        if attestation["init-data"]:
            digest = hashlib.sha256(attestation["init-data"]["body"].encode()).digest()
            assert seen["init_data"] == b64(digest), seen
        else:
            assert "init_data" not in seen, seen

    # ---- resources ----

    def fetch(self, path, bearer=None):
        headers = {"Cookie": self.cookie} if bearer is None else {"Authorization": bearer}
        return self.open(self.ask("GET", "/resource/" + path, None, **headers))

    def open(self, text):
        sealed = json.loads(text)
        assert set(sealed) == {"protected", "encrypted_key", "iv", "ciphertext", "tag"}, sealed
        head = json.loads(base64url_decode(sealed["protected"]))
        # other guests write the header once more and authenticate that: alg, enc, then the others sorted
        rest = {name: head[name] for name in sorted(head) if name not in ("alg", "enc")}
        again = json.dumps({"alg": head["alg"], "enc": head["enc"], **json.loads(canonical(rest))}, separators=(",", ":"))
        assert base64url_encode(again) == sealed["protected"], head
        assert head["alg"] == self.alg and head["enc"] == "A256GCM", head
        assert len(base64url_decode(sealed["iv"])) == 12 and len(base64url_decode(sealed["tag"])) == 16, sealed
        message = jwe.JWE(algs=[self.alg, "A256GCM"])
        message.deserialize(text.decode(), self.key)
        return message.payload


def report(name, work, *arguments):
    """One line: how the broker took it."""
    try:
        work(*arguments)
        print(name, 200, "-")
    except Refused as refused:
        print(name, refused)
    except (ConnectionError, http.client.HTTPException):
        print(name, "closed", "-")


# ---- get ----

def get(options):
    initdata = open(options.initdata, encoding="utf-8").read() if options.initdata else None
    guest = Guest(options.url, options.key, options.zero)
    guest.auth()
    body = guest.attestation(initdata, options.devices, options.extra)
    guest.attest(body)
    first = guest.token
    guest.attest(body)
    assert guest.token == first, "attesting twice gives another token"
    guest.check_token(body, options.affirming)
    sys.stdout.buffer.write(guest.fetch(options.path, "Bearer " + guest.token if options.bearer else None))


def spend(options):
    with open(options.file, encoding="utf-8") as file:
        given = json.load(file)
    assert set(given) == {"token", "tee_keypair"}, sorted(given)
    guest = Guest(options.url)
    guest.key = jwk.JWK.from_pem(given["tee_keypair"].encode())
    guest.alg = KINDS["RSA" if guest.key["kty"] == "RSA" else "P-256"][1]
    sys.stdout.buffer.write(guest.fetch(options.path, "Bearer " + given["token"]))


# ---- attestations and requests that are refused, beside some that are not ----

def attestations(options):
    def attempt(name, change, cookie=None):
        guest = Guest(options.url)
        guest.auth()
        body = guest.attestation()
        changed = change(guest, body)
        guest.cookie = guest.cookie if cookie is None else cookie
        report(name, guest.attest, body if changed is None else changed)

    def rebind(guest, body, nonce=None, key=None):
        key = key or guest.public()
        body["runtime-data"]["tee-pubkey"] = key
        body["tee-evidence"] = guest.evidence(nonce or guest.nonce, key)[1]

    def set_report(body, digest):
        body["tee-evidence"]["primary_evidence"]["report_data"] = b64(digest)

    def flipped(guest, body):
        set_report(body, guest.report[:-1] + bytes([guest.report[-1] ^ 1]))

    def foreign_nonce(guest, body):
        other = Guest(options.url)
        other.auth()
        rebind(guest, body, other.nonce)
        body["runtime-data"]["nonce"] = other.nonce

    def foreign_key(guest, body):  # of who did not prove anything
        body["runtime-data"]["tee-pubkey"] = Guest(options.url).public()

    def devices(guest, body, name="sampledevice", spoil=False, text=False, primary=True):
        digest = bound({"nonce": guest.nonce, "tee-pubkey": guest.public()})
        one = {"svn": "2", "report_data": b64(digest[::-1] if spoil else digest)}
        additional = json.dumps({name: json.dumps(one) if text else one})
        if primary:
            set_report(body, bound({"additional-evidence": additional, "nonce": guest.nonce, "tee-pubkey": guest.public()}))
        body["tee-evidence"]["additional_evidence"] = additional

    def without(*path):
        def change(guest, body):
            at = body
            for step in path[:-1]:
                at = at[step]
            del at[path[-1]]
        return change

    def assign(value, *path):
        def change(guest, body):
            at = body
            for step in path[:-1]:
                at = at[step]
            at[path[-1]] = value
        return change

    attempt("good", lambda guest, body: None)
    attempt("no-initdata-member", without("init-data"))
    attempt("unknown-member", assign("x", "unknown"))
    attempt("initdata", assign({"format": "toml", "body": 'version = "0.1.0"\nalgorithm = "sha256"\n[data]\n'}, "init-data"))
    attempt("initdata-json", assign({"format": "json", "body": "{}"}, "init-data"))
    attempt("initdata-no-toml", assign({"format": "toml", "body": "= x"}, "init-data"))
    attempt("initdata-text", assign("version = 1", "init-data"))
    attempt("no-cookie", lambda guest, body: None, "")
    attempt("unknown-cookie", lambda guest, body: None, "kbs-session-id=" + "0" * 32)
    attempt("odd-cookie", lambda guest, body: None, "kbs-session-id=../../x")
    attempt("report-flipped", flipped)
    attempt("report-padded", lambda guest, body: set_report(body, guest.report + bytes(16)))
    attempt("report-short", lambda guest, body: set_report(body, guest.report[:-1]))
    attempt("report-empty", lambda guest, body: set_report(body, b""))
    attempt("report-sha256", lambda guest, body: set_report(body, hashlib.sha256(canonical(
        {"additional-evidence": "", "nonce": guest.nonce, "tee-pubkey": guest.public()})).digest()))
    attempt("report-of-device-form", lambda guest, body: set_report(body, bound(
        {"nonce": guest.nonce, "tee-pubkey": guest.public()})))
    attempt("nonce-wrong", lambda guest, body: rebind(guest, body, b64(bytes(32))))
    attempt("nonce-of-another", foreign_nonce)
    attempt("nonce-swapped", assign(b64(bytes(32)), "runtime-data", "nonce"))
    attempt("nonce-missing", without("runtime-data", "nonce"))
    attempt("key-of-another", foreign_key)
    attempt("key-missing", without("runtime-data", "tee-pubkey"))
    attempt("key-extra-unhashed", lambda guest, body: body["runtime-data"]["tee-pubkey"].update(use="enc", kid="1"))
    attempt("key-extra-hashed", lambda guest, body: rebind(guest, body, None, {**guest.public(), "use": "enc"}))
    attempt("key-without-alg", lambda guest, body: rebind(
        guest, body, None, {m: v for m, v in guest.public().items() if m != "alg"}))
    attempt("key-oct", lambda guest, body: rebind(guest, body, None, {"kty": "oct", "alg": "A256KW", "k": "AAAA"}))
    attempt("evidence-missing", without("tee-evidence"))
    attempt("evidence-primary-missing", without("tee-evidence", "primary_evidence"))
    attempt("evidence-additional-missing", without("tee-evidence", "additional_evidence"))
    attempt("evidence-additional-object", assign({}, "tee-evidence", "additional_evidence"))
    attempt("evidence-hyphens", lambda guest, body: body.update({"tee-evidence": {
        m.replace("_", "-"): v for m, v in body["tee-evidence"].items()}}))
    attempt("devices", devices)
    attempt("devices-unbound", lambda guest, body: devices(guest, body, primary=False))
    attempt("devices-spoilt", lambda guest, body: devices(guest, body, spoil=True))
    attempt("devices-as-text", lambda guest, body: devices(guest, body, text=True))
    attempt("devices-unknown", lambda guest, body: devices(guest, body, name="toaster"))
    attempt("old-form", lambda guest, body: {
        "tee-pubkey": guest.public(), "tee-evidence": body["tee-evidence"]["primary_evidence"]})
    attempt("no-json", lambda guest, body: b"{")
    attempt("empty", lambda guest, body: b"")
    attempt("cut", lambda guest, body: json.dumps(body).encode()[:-1])
    attempt("duplicate", lambda guest, body: b'{"init-data":null,' + json.dumps(body).encode()[1:])
    attempt("deep", lambda guest, body: b"[" * 100000)
    attempt("oversize", lambda guest, body: json.dumps({**body, "x": "x" * 2 ** 21}).encode())

    # a session that failed is as it was; who attested is told so again, whatever the evidence
    guest = Guest(options.url)
    guest.auth()
    body, bad = guest.attestation(), guest.attestation()
    set_report(bad, bytes(48))
    report("retry-bad", guest.attest, bad)
    report("retry-good", guest.attest, body)
    report("again-bad", guest.attest, bad)


def auths(options):
    for name, body in (
            ("good", {}), ("unknown-member", {"x": 1}), ("extra-params-text", {"extra-params": ""}),
            ("extra-params-null", {"extra-params": None}),
            ("version-old", {"version": "0.1.1"}), ("version-new", {"version": "0.5.0"}),
            ("version-none", {"version": "four"}), ("version-number", {"version": 4}),
            ("tee-unknown", {"tee": "toaster"}), ("tee-number", {"tee": 1}), ("tee-case", {"tee": "Sample"})):
        report(name, lambda: Guest(options.url).auth(**body))
    whole = b'{"version":"0.4.0","tee":"sample","extra-params":""}'
    for name, body in (
            ("no-extra-params", b'{"version":"0.4.0","tee":"sample"}'), ("no-version", b'{"tee":"sample","extra-params":""}'),
            ("empty", b""), ("array", b"[]"), ("cut", whole[:-1]), ("behind", whole + b"x"), ("deep", b"[" * 100000),
            ("duplicate", b'{"tee":"sample",' + whole[1:]), ("oversize", whole[:-1] + b',"x":"' + b"x" * 2 ** 21 + b'"}')):
        report(name, Guest(options.url).ask, "POST", "/auth", body)
    report("get", Guest(options.url).ask, "GET", "/auth")


def main():
    parser = argparse.ArgumentParser()
    verbs = parser.add_subparsers(required=True)
    one = verbs.add_parser("get")
    one.set_defaults(run=get)
    one.add_argument("url")
    one.add_argument("path")
    one.add_argument("--key", choices=KINDS, default="P-256")
    one.add_argument("--initdata")
    for flag in ("zero", "devices", "bearer", "extra", "affirming"):
        one.add_argument("--" + flag, action="store_true")
    for work in (attestations, auths):
        one = verbs.add_parser(work.__name__)
        one.set_defaults(run=work)
        one.add_argument("url")
    one = verbs.add_parser("spend")
    one.set_defaults(run=spend)
    for name in ("url", "path", "file"):
        one.add_argument(name)
    options = parser.parse_args()
    try:
        options.run(options)
    except Refused as refused:
        sys.exit(str(refused))


if __name__ == "__main__":
    main()
