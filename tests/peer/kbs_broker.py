# SPDX-License-Identifier: Apache-2.0
"""A key broker, written after the protocol's text and on Python's libraries alone, strict on what it is sent and, where
it is told to, wrong in what it answers.

    kbs_broker.py [--admin-key PEM]… [--tls PEM]      prints its port; until standard input ends

The first part of a path chooses the manners, STAGE-MANNER: http://127.0.0.1:PORT/get-tag is the URL of a broker whose
resources have a wrong tag, /plain that of a good one; what follows a '~' only makes it another one, "plain~2". Each
counts for itself:

    GET /NAME/journal      what it was asked, a line each: METHOD PATH STATUS; and COMPLAINT … for what no guest may send
    GET /NAME/resources    what an administrator has put there, as JSON: path to base64

The stages are auth, attest and get. The protocol that is spoken is 0.4.0, or that in a name such as "speaks-0.3.0".
"""
import argparse
import base64
import hashlib
import http.server
import json
import secrets
import ssl
import sys
import threading
import time

from jwcrypto import jwk, jws, jwt
from jwcrypto.common import JWException, base64url_encode
from kbs_jwe import compact, oldest, public_point, rsa_public, seal

ERRORS = "https://github.com/confidential-containers/kbs/errors/"
SECRET = b"a secret of the peer\x00\xff\n"
ADMIN_ALGS = ["EdDSA", "ES256", "ES384", "ES512"]
LONG = 2 * 1024 * 1024 + 1


def canonical(value):
    """RFC 8785, for values without numbers."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def no_twins(pairs):
    members = dict(pairs)
    assert len(members) == len(pairs), "a member is there twice"
    return members


def failure(variant, detail="because"):
    return compact({"type": ERRORS + variant, "detail": detail}).encode()


# ---- what is wrong on purpose --------------------------------------------------------------------------------------


class Raw(bytes):
    """Goes to the connection as it is; then it is closed."""


def status(code, variant=None, **headers):
    return code, failure(variant) if variant else b"", headers


def challenge(nonce, extra=""):
    return 200, compact({"nonce": nonce, "extra-params": extra}).encode(), {"Content-Type": "application/json"}


def select(name):
    return {"selected-hash-algorithm": name}


# "twice-503": twice, then well; numbers count from 1
FAULTS = {
    "401-attestation": lambda n: status(401, "AttestationError"),
    "401-html": lambda n: (401, b"<html>no</html>", {"Content-Type": "text/html"}),
    "401-empty": lambda n: status(401),
    "401-other": lambda n: status(401, "Surprise"),
    "401-twins": lambda n: (401, b'{"type":"a","type":"b","detail":"c"}', {}),
    "401-escape": lambda n: (401, failure("Surprise", "a\x1b[31mred\nline\u202e" + "x" * 5000), {}),
    "403": lambda n: status(403),
    "404": lambda n: status(404, "PluginNotFound"),
    "404-empty": lambda n: status(404),
    "413": lambda n: (413, b"payload reached size limit", {"Content-Type": "text/plain; charset=utf-8"}),
    "204": lambda n: status(204),
    "302": lambda n: (302, b"", {"Location": "/plain/kbs/v0/auth"}),
    "500": lambda n: status(500),
    "twice-503": lambda n: status(503) if n <= 2 else None,
    "once-429": lambda n: (429, b"", {"Retry-After": "1"}) if n == 1 else None,
    "once-cut": lambda n: Raw(b"HTTP/1.1 200 OK\r\nContent-Length: 400\r\n\r\n{\"nonce\":") if n == 1 else None,
    "once-closed": lambda n: Raw(b"") if n == 1 else None,
    "cut": lambda n: Raw(b"HTTP/1.1 200 OK\r\nContent-Length: 400\r\n\r\n{\"nonce\":"),
    "no-http": lambda n: Raw(b"SSH-2.0-OpenSSH_9\r\n"),
    "empty": lambda n: (200, b"", {}),
    "html": lambda n: (200, b"<html>welcome</html>", {"Content-Type": "text/html"}),
    "oversize": lambda n: (200, b'{"x":"' + b"x" * LONG + b'"}', {}),
    "deep": lambda n: (200, b"[" * 100000, {}),
    "number": lambda n: (200, b"7", {}),
    "header-flood": lambda n: (200, b"{}", {f"X-{i}": "x" * 1000 for i in range(200)}),
}
for name in ("TokenNotFound", "TokenVerifierError", "PolicyDeny", "PolicyEngineError", "PluginInternalError", "JweError",
             "SerdeError"):
    FAULTS["401-" + name] = lambda n, name=name: status(401, name)
FAULTS["once-401-attestation"] = lambda n: status(401, "AttestationError") if n == 1 else None
FAULTS["second-401-TokenNotFound"] = lambda n: status(401, "TokenNotFound") if n == 2 else None
FAULTS["once-401-TokenNotFound"] = lambda n: status(401, "TokenNotFound") if n == 1 else None
FAULTS["once-401-TokenVerifierError"] = lambda n: status(401, "TokenVerifierError") if n == 1 else None

ODD_NONCES = {
    "nonce-slashes": "//++//++//++//++//++//++//++//++//++//++//8=",
    "nonce-odd": "a\"b\\c/\u00e9\u0001\u007f\u2028\U0001f511",
    "nonce-long": "n" * 4000,
}
WRONG_CHALLENGES = {
    "nonce-empty": {"nonce": "", "extra-params": ""},
    "nonce-missing": {"extra-params": ""},
    "nonce-number": {"nonce": 7, "extra-params": ""},
    "nonce-huge": {"nonce": "n" * 5000, "extra-params": ""},
    "hash-unknown": {"nonce": "n", "extra-params": select("md5")},
    "hash-empty": {"nonce": "n", "extra-params": select("")},
    "hash-number": {"nonce": "n", "extra-params": select(384)},
    "hash-null": {"nonce": "n", "extra-params": select([])},
    "hash-sm3": {"nonce": "n", "extra-params": select("sm3")},
}
SELECTED = {"hash-sha256": "sha256", "hash-sha384": "SHA384", "hash-sha512": "Sha512"}
TOKENS = {
    "token-missing": {}, "token-number": {"token": 7}, "token-empty": {"token": ""}, "token-parts": {"token": "a.b"},
    "token-garbage": {"token": "a.!.c"}, "token-huge": {"token": "e." + "A" * 300000 + ".s"},
    "token-exp-text": {"token": "e30." + base64url_encode('{"exp":"x"}') + ".s"},
    "token-array": {"token": "e30." + base64url_encode("[]") + ".s"},
    "token-twins": {"token": "e30." + base64url_encode('{"exp":1,"exp":4102444800}') + ".s"},
}


# ---- a broker of one name ------------------------------------------------------------------------------------------


class Refusal(Exception):
    def __init__(self, variant, detail):
        super().__init__(detail)
        self.answer = (401, failure(variant, detail), {})


def expect(condition, what):
    if not condition:
        raise AssertionError(what)


class Broker:
    signer = jwk.JWK.generate(kty="EC", crv="P-256")
    admins = jwk.JWKSet()

    def __init__(self, name):
        self.lock = threading.Lock()
        stage, _, manner = name.split("~")[0].partition("-")
        stages = ("auth", "attest", "get")
        self.manners = {s: manner if s == stage else "" for s in stages}
        self.version = manner if stage == "speaks" else "0.4.0"
        self.sessions, self.journal, self.counts, self.resources = {}, [], {}, {}

    def answer(self, request):
        method, path = request.command, request.rest
        stage = {"auth": "auth", "attest": "attest"}.get(path.split("/")[1], "get")
        with self.lock:
            count = self.counts[stage] = self.counts.get(stage, 0) + 1
            manner = self.manners[stage]
            planned = FAULTS[manner](count) if manner in FAULTS else None
            try:
                answer = getattr(self, stage)(request, path) if planned is None else planned
            except Refusal as refusal:
                answer = refusal.answer
            except (AssertionError, ValueError, KeyError, TypeError) as error:
                self.journal.append(f"COMPLAINT {type(error).__name__} {error}")
                answer = status(401, "AttestationError")
            self.journal.append(f"{method} {path} {'raw' if isinstance(answer, Raw) else answer[0]}")
        return answer

    @staticmethod
    def body(request):
        expect(request.headers.get("Content-Type") == "application/json", "Content-Type of the request")
        return json.loads(request.body, object_pairs_hook=no_twins)

    def auth(self, request, path):
        expect(request.command == "POST" and path == "/auth", "method and path")
        expect("Authorization" not in request.headers, "a token in the request for a challenge")
        body, manner = self.body(request), self.manners["auth"]
        expect(set(body) == {"version", "tee", "extra-params"}, f"members {sorted(body)}")
        expect(body["tee"] == "sample", "tee")
        if manner == "version" or body["version"] != self.version:
            wanted = "0.9.0" if manner == "version" else self.version
            raise Refusal("AttestationError", "Attestation error: RCAR handshake Auth failed: KBS Client Protocol Version "
                          f"Mismatch: expect ={wanted} while the request is {body['version']}")
        extra = body["extra-params"]
        expect(extra == "" if self.version < "0.3" else set(extra) == {"supported-hash-algorithms"}, "extra-params")
        expect(not extra or {"sha256", "sha384", "sha512"} <= set(extra["supported-hash-algorithms"]), "hashes")
        if manner in WRONG_CHALLENGES:
            return 200, compact(WRONG_CHALLENGES[manner]).encode(), {}
        if manner == "twins":
            return 200, b'{"nonce":"a","nonce":"b","extra-params":""}', {}
        session = secrets.token_hex(16)
        nonce = ODD_NONCES.get(manner) or base64.b64encode(b"\xff\xef\xbe" + secrets.token_bytes(29)).decode()
        self.sessions[session] = {"nonce": nonce, "token": None}
        code, text, headers = challenge(nonce, select(SELECTED[manner]) if manner in SELECTED else "")
        if manner == "extra-members":
            text = compact({"nonce": nonce, "extra-params": {"other": 1}, "x": [{}]}).encode()
        if manner == "no-content-type":
            headers = {}
        if manner != "no-cookie":
            when = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(time.time() + 300))
            headers["Set-Cookie"] = f"kbs-session-id={session}; Expires={when}"
        return code, text, headers

    def session(self, request):
        cookies = request.headers.get_all("Cookie") or []
        expect(len(cookies) <= 1, "several Cookie fields")
        pairs = dict(pair.strip().split("=", 1) for pair in ";".join(cookies).split(";") if pair)
        expect(set(pairs) <= {"kbs-session-id"}, f"cookies {sorted(pairs)}")
        return self.sessions.get(pairs.get("kbs-session-id"))

    def attest(self, request, path):
        expect(request.command == "POST" and path == "/attest", "method and path")
        session, manner, new = self.session(request), self.manners["attest"], self.version == "0.4.0"
        if not session:
            raise Refusal("AttestationError", "no session")
        body = self.body(request)
        outer = {"init-data", "runtime-data", "tee-evidence"} if new else {"tee-pubkey", "tee-evidence"}
        expect(set(body) == outer, f"members {sorted(body)}")
        runtime = body["runtime-data"] if new else {**body, "nonce": session["nonce"]}
        expect(not new or set(runtime) == {"nonce", "tee-pubkey"}, f"members {sorted(runtime)}")
        expect(runtime["nonce"] == session["nonce"], "the nonce is another")
        key = runtime["tee-pubkey"]
        (public_point if key["kty"] == "EC" else rsa_public)(key)
        expect((key["alg"] == "RSA1_5") == (self.version < "0.2"), f"alg {key['alg']}")
        claims = self.judge(body, session["nonce"], key)
        life = {"expired": -600, "short": 20}.get(manner, 300)
        if manner == "nonce-echo":
            claims["nonce"] = "another"
        session["token"], session["key"] = self.issue(claims, life), key
        answer = TOKENS.get(manner, {"token": session["token"]})
        text = compact(answer)
        if manner == "twins":
            text = '{"token":"a.b.c",' + text[1:]
        if manner == "extra-members":
            text = text[:-1] + ',"x":1}'
        headers = {} if manner == "no-content-type" else {"Content-Type": "application/json"}
        return 200, text.encode(), headers

    def judge(self, body, nonce, key):
        """Recomputes what the evidence must be bound to; the claims of the token."""
        evidence, additional = body["tee-evidence"], None
        if self.version >= "0.3":
            expect(set(evidence) == {"primary_evidence", "additional_evidence"}, f"members {sorted(evidence)}")
            additional, evidence = evidence["additional_evidence"], evidence["primary_evidence"]
            expect(isinstance(additional, str), "additional evidence is no text")
        expect(set(evidence) == {"svn", "report_data"} and evidence["svn"] == "1", "sample evidence")
        hash_ = SELECTED.get(self.manners["auth"], "sha384").lower()
        plain = {"nonce": nonce, "tee-pubkey": key}
        whole = plain if additional is None else {**plain, "additional-evidence": additional}
        digest = hashlib.new(hash_, canonical(whole)).digest()
        expect(base64.b64decode(evidence["report_data"], validate=True) == digest, "report data")
        if additional:
            devices = json.loads(additional, object_pairs_hook=no_twins)
            expect(set(devices) == {"sampledevice"}, f"devices {sorted(devices)}")
            device = devices["sampledevice"]
            digest = hashlib.new(hash_, canonical(plain)).digest()
            expect(device == {"svn": "2", "report_data": base64.b64encode(digest).decode()}, "evidence of the device")
        document = body.get("init-data")
        expect(document is None or set(document) == {"format", "body"} and document["format"] == "toml", "init-data")
        return {"nonce": nonce, "tee-pubkey": key, "init-data": document and document["body"], "devices": additional}

    def issue(self, claims, life):
        header = {"typ": "JWT", "alg": "ES256", "jwk": {"alg": "ES256", **self.signer.export_public(as_dict=True)}}
        now = int(time.time())
        token = jws.JWS(compact({"iat": now, "exp": now + life, "iss": "peer", "tee-pubkey": claims["tee-pubkey"],
                                 "submods": {"cpu0": claims}}))
        token.add_signature(self.signer, None, compact(header))
        return token.serialize(compact=True)

    # ---- resources ----

    def claims(self, request):
        session, field = self.session(request), request.headers.get("Authorization")
        token = session["token"] if session else None
        if self.manners["get"] == "cookie-lost":
            token = None
        if not token and field:
            expect(field.startswith("Bearer "), "Authorization")
            token = field[7:]
        if not token:
            raise Refusal("TokenNotFound", "Attestation Token not found")
        seen = jws.JWS()
        try:
            seen.deserialize(token, self.signer)
        except jws.InvalidJWSSignature as error:
            raise Refusal("TokenVerifierError", "Token Verifier error") from error
        claims = json.loads(seen.payload)
        if claims["exp"] + 60 < time.time():
            raise Refusal("TokenVerifierError", "Token Verifier error")
        return claims

    def get(self, request, path):
        if request.command != "GET":
            return self.put(request, path)
        expect("Content-Type" not in request.headers and not request.body, "a body")
        claims, manner = self.claims(request), self.manners["get"]
        content = self.resources.get(path, SECRET)
        if path.endswith("/claims"):
            content = canonical(claims["submods"]["cpu0"])
        content = {"content-empty": b"", "content-long": b"x" * 500000}.get(manner, content)
        key = claims["tee-pubkey"]
        text = (oldest(key, content) if self.version < "0.2" else seal(key, content, manner)).encode()
        if manner == "behind":
            text += b"x"
        if manner == "cut-well":
            text = text[:-20]
        return 200, text, {} if manner == "no-content-type" else {"Content-Type": "application/json"}

    # ---- administrators ----

    def put(self, request, path):
        expect(request.command in ("POST", "DELETE") and path.startswith("/resource/"), "method and path")
        field = request.headers.get("Authorization") or ""
        expect(field.startswith("Bearer "), "no administrator's token")
        try:
            token = jwt.JWT(jwt=field[7:], key=self.admins, algs=ADMIN_ALGS, check_claims={"exp": None})
        except (JWException, ValueError) as error:
            raise Refusal("AdminAuthInitialization", "no issuer verifies the token") from error
        claims, header = json.loads(token.claims, object_pairs_hook=no_twins), json.loads(token.header)
        expect(set(header) == {"alg", "typ"} and header["typ"] == "JWT", f"header {header}")
        now = time.time()
        expect(claims["role"] == "admin" and now < claims["exp"] < now + 7201, f"claims {claims}")
        if path.endswith("/denied"):
            raise Refusal("AdminAuthInitialization", "role not allowed")
        self.resources[path] = request.body
        self.journal.append(f"ADMIN {header['alg']} {claims['role']} {len(request.body)}")
        return 200, b"", {"Content-Type": "text/xml"}


# ---- connections ---------------------------------------------------------------------------------------------------


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    brokers, lock = {}, threading.Lock()

    def broker(self, name):
        with self.lock:
            if name not in self.brokers:
                self.brokers[name] = Broker(name)
            return self.brokers[name]

    def handle_one(self):
        self.body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        name, _, rest = self.path[1:].partition("/")
        broker = self.broker(name)
        if rest == "journal":
            answer = 200, "".join(line + "\n" for line in broker.journal).encode(), {}
        elif rest == "resources":
            stored = {p: base64.b64encode(v).decode() for p, v in broker.resources.items()}
            answer = 200, compact(stored).encode(), {}
        elif rest.startswith("kbs/v0/"):
            self.rest = rest[len("kbs/v0"):]
            answer = broker.answer(self)
        else:
            answer = status(404)
        self.put_answer(answer)

    def put_answer(self, answer):
        if isinstance(answer, Raw):
            self.wfile.write(answer)
            self.close_connection = True
            return
        code, text, headers = answer
        self.send_response(code)
        for field, value in headers.items():
            self.send_header(field, value)
        if code != 204:
            self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = handle_one

    def log_message(self, *args):
        pass


class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 128

    def handle_error(self, request, client_address):  # who is sent too much goes away
        pass


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--admin-key", action="append", default=[], help="an administrator's public key, PEM")
    parser.add_argument("--tls", help="certificate and key for https, PEM")
    options = parser.parse_args()
    for path in options.admin_key:
        with open(path, "rb") as file:
            Broker.admins.add(jwk.JWK.from_pem(file.read()))
    server = Server(("127.0.0.1", 0), Handler)
    if options.tls:  # the handshake is for the thread of the connection
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(options.tls)
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    print(server.server_port, flush=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdin.read()


if __name__ == "__main__":
    main()
