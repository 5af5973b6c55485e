# SPDX-License-Identifier: Apache-2.0
"""layout.py FOLDER LAYERS BYTES: an OCI layout FOLDER with one image, tagged t, of so many layers of so many bytes each
(about; at least 4096). A layer is a real gzip of a real tar with one file of noise, stored and not compressed, so that
making it takes little time and no tool is tempted to compress it anew."""

import gzip
import hashlib
import json
import os
import struct
import sys
import tarfile
import zlib

CHUNK = 65535  # the most that a stored block of deflate holds
NOISE = os.urandom(256 * CHUNK)


class Stored:
    """A gzip file of stored blocks, and its two digests."""

    def __init__(self, path):
        self.file = open(path, "wb", buffering=1 << 20)
        self.outer, self.inner, self.crc, self.size, self.packed = hashlib.sha256(), hashlib.sha256(), 0, 0, 0
        self.put(gzip.compress(b"", mtime=0)[:10])

    def put(self, data):
        self.file.write(data)
        self.outer.update(data)
        self.packed += len(data)

    def write(self, data):
        for at in range(0, len(data), CHUNK):
            piece = data[at : at + CHUNK]
            self.put(struct.pack("<BHH", 0, len(piece), len(piece) ^ 0xFFFF))
            self.put(piece)
        self.inner.update(data)
        self.crc = zlib.crc32(data, self.crc)
        self.size += len(data)

    def close(self):
        self.put(struct.pack("<BHHII", 1, 0, 0xFFFF, self.crc, self.size & 0xFFFFFFFF))
        self.file.close()


def layer(blobs, number, size):
    path = os.path.join(blobs, "new")
    out = Stored(path)
    entry = tarfile.TarInfo(f"file{number}")
    entry.size = max(size - size // 10000 - 2048, 1024)
    out.write(entry.tobuf())
    left = entry.size
    # every layer begins with noise of its own: no two have the same digest
    for data in [os.urandom(min(left, 1024))] + [NOISE] * (left // len(NOISE) + 1):
        data = data[:left]
        left -= len(data)
        if data:
            out.write(data)
    out.write(bytes(-entry.size % 512 + 1024))
    out.close()
    os.rename(path, os.path.join(blobs, out.outer.hexdigest()))
    return (
        {
            "mediaType": "application/vnd.oci.image.layer.v1.tar+gzip",
            "digest": "sha256:" + out.outer.hexdigest(),
            "size": out.packed,
        },
        "sha256:" + out.inner.hexdigest(),
    )


def document(blobs, value, media_type):
    text = json.dumps(value).encode()
    digest = hashlib.sha256(text).hexdigest()
    with open(os.path.join(blobs, digest), "wb") as file:
        file.write(text)
    return {"mediaType": media_type, "digest": "sha256:" + digest, "size": len(text)}


def main(folder, count, size):
    blobs = os.path.join(folder, "blobs", "sha256")
    os.makedirs(blobs)
    made = [layer(blobs, number, size) for number in range(count)]
    config = {
        "architecture": "amd64",
        "os": "linux",
        "config": {},
        "rootfs": {"type": "layers", "diff_ids": [diff_id for _, diff_id in made]},
    }
    manifest = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": document(blobs, config, "application/vnd.oci.image.config.v1+json"),
        "layers": [descriptor for descriptor, _ in made],
    }
    root = document(blobs, manifest, "application/vnd.oci.image.manifest.v1+json")
    root["annotations"] = {"org.opencontainers.image.ref.name": "t"}
    with open(os.path.join(folder, "index.json"), "w", encoding="utf-8") as file:
        json.dump({"schemaVersion": 2, "manifests": [root]}, file)
    with open(os.path.join(folder, "oci-layout"), "w", encoding="utf-8") as file:
        json.dump({"imageLayoutVersion": "1.0.0"}, file)


main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
