# SPDX-License-Identifier: Apache-2.0
"""packed.py FOLDER LAYERS BYTES IMAGES: an OCI layout FOLDER of images tagged 1 to IMAGES, which share so many layers of
so many bytes each (as packed; about) and differ in a variable of their configs. The lowest layer has /etc/passwd and
/etc/group, all have a file of data that gzip (level 6, as builders pack) makes half as large, as it does with programs.

The data is packed once and repeated, as members of one gzip file, so that half a gigabyte takes seconds to make."""

import gzip
import hashlib
import json
import os
import random
import sys
import tarfile

PIECE = 4 << 20
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
PASSWD = b"root:x:0:0:root:/root:/bin/sh\napp:x:1000:1000::/data:/bin/sh\n"
GROUP = b"root:x:0:\napp:x:1000:\n"


def data():
    """Blocks out of a few, some new: matches and literals in turn."""
    some = random.Random(7)
    known = [some.randbytes(48) for _ in range(400)]
    return b"".join(some.choice(known) if some.random() < 0.8 else some.randbytes(48) for _ in range(PIECE // 48))


def entry(name, size):
    info = tarfile.TarInfo(name)
    info.size = size
    return info.tobuf()


def small(name, text):
    return entry(name, len(text)) + text + bytes(-len(text) % 512)


def layer(blobs, number, size, piece, packed):
    """The tar's head, the pieces, its end: each a member."""
    head = b""
    if number == 0:
        head = small("etc/passwd", PASSWD) + small("etc/group", GROUP)
    count = max(1, round(size / len(packed)))
    head += entry(f"opt/data{number}", count * len(piece))
    tail = bytes(-(count * len(piece)) % 512 + 1024)
    outer, inner, total = hashlib.sha256(), hashlib.sha256(), 0
    path = os.path.join(blobs, "new")
    with open(path, "wb") as file:
        for plain, member in [(head, None)] + [(piece, packed)] * count + [(tail, None)]:
            member = member or gzip.compress(plain, 6, mtime=0)
            file.write(member)
            outer.update(member)
            inner.update(plain)
            total += len(member)
    os.rename(path, os.path.join(blobs, outer.hexdigest()))
    return (
        {
            "mediaType": "application/vnd.oci.image.layer.v1.tar+gzip",
            "digest": "sha256:" + outer.hexdigest(),
            "size": total,
        },
        "sha256:" + inner.hexdigest(),
    )


def document(blobs, value, media_type):
    text = json.dumps(value).encode()
    digest = hashlib.sha256(text).hexdigest()
    with open(os.path.join(blobs, digest), "wb") as file:
        file.write(text)
    return {"mediaType": media_type, "digest": "sha256:" + digest, "size": len(text)}


def image(blobs, name, made):
    config = {
        "architecture": "amd64",
        "os": "linux",
        "config": {
            "User": "1000:1000",
            "WorkingDir": "/data",
            "Env": ["PATH=/usr/local/bin:/usr/bin:/bin", f"IMAGE={name}"],
            "Entrypoint": ["/usr/local/bin/app"],
            "Cmd": ["--port", "8080"],
        },
        "rootfs": {"type": "layers", "diff_ids": [diff_id for _, diff_id in made]},
        "history": [{"created_by": f"COPY data{i} /opt/ # a line as builders write it"} for i in range(len(made))],
    }
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": document(blobs, config, "application/vnd.oci.image.config.v1+json"),
        "layers": [descriptor for descriptor, _ in made],
    }
    root = document(blobs, manifest, MANIFEST)
    root["annotations"] = {"org.opencontainers.image.ref.name": name}
    return root


def main(folder, layers, size, images):
    blobs = os.path.join(folder, "blobs", "sha256")
    os.makedirs(blobs)
    piece = data()
    packed = gzip.compress(piece, 6, mtime=0)
    if size < len(packed):
        piece = piece[: int(len(piece) * size / len(packed))]
        packed = gzip.compress(piece, 6, mtime=0)
    made = [layer(blobs, number, size, piece, packed) for number in range(layers)]
    roots = [image(blobs, str(number + 1), made) for number in range(images)]
    with open(os.path.join(folder, "index.json"), "w", encoding="utf-8") as file:
        json.dump({"schemaVersion": 2, "manifests": roots}, file)
    with open(os.path.join(folder, "oci-layout"), "w", encoding="utf-8") as file:
        json.dump({"imageLayoutVersion": "1.0.0"}, file)


main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
