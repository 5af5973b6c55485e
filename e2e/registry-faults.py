#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A registry that is up to no good, in front of one that is not: registry-faults.py REGISTRY FOLDER

The first part of a repository's name says what is wrong, the rest is the repository behind it:

    as/shop/app           nothing: what the registry says
    drip/shop/app         manifests come in some fifty pieces, within three seconds
    wait/shop/app         the answer takes half a minute
    sick/shop/app         as FOLDER/health says at the moment: as, wait, or 429, 503
    race/shop/app         a tag is the tag "good" and the tag "bad" in turn, at each request
    lie/shop/app          manifests are those of the tag "bad", whatever was asked for
    made/NAME             the manifest is the file NAME in FOLDER, whatever was asked for
    huge/x, endless/x     a manifest of 5 MiB; one without length or end
    packed/x              a manifest that says that it is compressed
    away/N/shop/app       manifests are at the address in line N of FOLDER/targets (from 0)
    blob/N/shop/app       blobs are there
    realm/N/shop/app      tokens are there
    pages/N/shop/app      the rest of the list of referrers is there

GET /asked says how often each sick path was asked, and how often before the time that it was told to wait was over.
A second listener, the bait, is what nobody may be led to: GET /bait says how often somebody came.
Prints both ports, then serves until it is killed.
"""

import gzip
import http.client
import http.server
import json
import os
import socketserver
import sys
import threading
import time

registry, folder = sys.argv[1], sys.argv[2]
RETRY_AFTER, UNDER_WAY = 2, 0.5  # seconds
lock = threading.Lock()
counts = {"race": 0, "bait": 0, "asked": 0, "early": 0}


def line_of(name, number):
    with open(os.path.join(folder, name), encoding="utf-8") as file:
        return file.read().splitlines()[number]


def health():
    try:
        return line_of("health", 0)
    except OSError:
        return "as"


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def handle_error(self, request, client_address):
        pass  # who asked has gone


class Bait(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        with lock:
            counts["bait"] += 1
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    do_HEAD = do_POST = do_GET

    def log_message(self, *what):
        pass


class Registry(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    told = float("-inf")  # when it said 429

    def say(self, status, body=b"", **fields):
        self.send_response(status)
        for name, value in fields.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def manifest(self, body, **fields):
        self.say(200, body, Content_Type="application/vnd.oci.image.manifest.v1+json", **fields)

    def behind(self, path):
        """What the registry says: status, type, body."""
        upstream = http.client.HTTPConnection(registry, timeout=30)
        accept = {"Accept": self.headers.get("Accept", "*/*")}
        upstream.request("GET", path, headers=accept)
        answer = upstream.getresponse()
        body = answer.read()
        upstream.close()
        return answer.status, answer.headers.get("Content-Type", "text/plain"), body

    def forward(self, path):
        status, kind, body = self.behind(path)
        self.say(status, body, Content_Type=kind)

    def drip(self, path):
        status, kind, body = self.behind(path)
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        step = max(len(body) // 50, 1)
        for at in range(0, len(body), step):
            self.wfile.write(body[at : at + step])
            self.wfile.flush()
            time.sleep(0.06)

    def sick(self, path):
        state, now = health(), time.monotonic()
        with lock:
            counts["asked"] += 1
            # who asked while the word was still on its way to him is not counted
            if self.told + UNDER_WAY < now < self.told + RETRY_AFTER:
                counts["early"] += 1
            elif state == "429":
                Registry.told = now
        while health() == "wait" and time.monotonic() < now + 30:
            time.sleep(0.1)
        if state in ("429", "503"):
            fields = {"Retry_After": str(RETRY_AFTER)} if state == "429" else {}
            self.say(int(state), **fields)
        else:
            self.forward(path)

    def big(self, length):
        self.send_response(200)
        self.send_header("Content-Type", "application/vnd.oci.image.manifest.v1+json")
        if length:
            self.send_header("Content-Length", str(length))
        else:
            self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        piece = b" " * 65536
        for _ in range((length or 1 << 26) // len(piece)):
            self.wfile.write(piece if length else b"10000\r\n" + piece + b"\r\n")
        self.close_connection = True

    def do_GET(self):
        parts = self.path.split("?")[0].split("/")[2:]  # behind /v2/
        if self.path == "/asked":
            return self.say(200, json.dumps(counts).encode())
        if self.path == "/bait":
            return self.say(200, str(counts["bait"]).encode())
        if not parts or not parts[0]:
            return self.say(200, b"{}")
        fault, rest = parts[0], "/v2/" + "/".join(parts[1:])
        what = parts[-2] if len(parts) > 2 else ""
        asks = what == "manifests"
        if fault == "wait":
            time.sleep(30)
        if fault == "sick":
            return self.sick(rest)
        if fault == "drip" and asks:
            return self.drip(rest)
        if fault == "race" and asks and ":" not in parts[-1]:
            with lock:
                counts["race"] += 1
                tag = "good" if counts["race"] % 2 else "bad"
            return self.forward("/v2/" + "/".join(parts[1:-1]) + "/" + tag)
        if fault == "lie" and asks:
            return self.forward("/v2/" + "/".join(parts[1:-1]) + "/bad")
        if fault == "made" and asks:
            with open(os.path.join(folder, parts[1]), "rb") as file:
                return self.manifest(file.read())
        if fault in ("huge", "endless"):
            return self.big(5 << 20 if fault == "huge" else 0)
        if fault == "packed":
            return self.manifest(gzip.compress(b" " * (64 << 20)), Content_Encoding="gzip")
        if fault in ("away", "blob", "realm", "pages"):
            return self.elsewhere(fault, int(parts[1]), what, "/v2/" + "/".join(parts[2:]))
        return self.forward(rest)

    def elsewhere(self, fault, number, what, path):
        target = line_of("targets", number)
        if (fault, what) in (("away", "manifests"), ("blob", "blobs")):
            return self.say(307, Location=target)
        if fault == "realm":
            return self.say(401, WWW_Authenticate=f'Bearer realm="{target}",service="registry"')
        if (fault, what) == ("pages", "referrers"):
            index = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": []}
            link = f'<{target}>; rel="next"'
            return self.say(200, json.dumps(index).encode(), Content_Type=index["mediaType"], Link=link)
        return self.forward(path)

    do_HEAD = do_GET

    def log_message(self, *what):
        pass


def main():
    bait = Server(("127.0.0.1", 0), Bait)
    threading.Thread(target=bait.serve_forever, daemon=True).start()
    server = Server(("127.0.0.1", 0), Registry)
    print(server.server_port, bait.server_port, flush=True)
    server.serve_forever()


main()
