/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The init-data document: a TOML text that a confidential guest is started with and whose digest its hardware
 * attests (Kata Containers src/libs/kata-types/src/initdata.rs, guest-components attestation-agent initdata.rs).
 *
 *     version = "0.1.0"
 *     algorithm = "sha256"
 *
 *     [data]
 *     "aa.toml" = '''
 *     [token_configs.kbs]
 *     url = "http://127.0.0.1:8080"
 *     '''
 *
 * The digest is taken over the exact bytes: a changed comment, blank line or line end is another digest. So a
 * document is written once, here, and from then on only carried; nothing that verifies may write it again.
 * initdata_render() gives the same bytes for the same input in every program.
 *
 * Three ways to look at a text: initdata_parse() accepts what every guest of today accepts and nothing else, for
 * what we emit and admit; initdata_inspect() explains everything else as warnings, for people who ask what they
 * have; and core/initdata/configs.h judges the files inside.
 *
 * Bounds: INITDATA_TEXT_MAX bytes of TOML. Upstream has no limit. An annotation holds at most 256 KiB, which is
 * 192 KiB of gzip; real documents (agent policies) shrink five to one, so 1 MiB is above what can be carried
 * usefully, below the 2 MiB that the attestation service takes as a request, and no bomb. INITDATA_ENTRIES_MAX
 * entries with keys of at most INITDATA_KEY_MAX bytes: the guest knows three.
 * Ownership: a struct initdata owns its members (auto_initdata). Errors: ERR_FORMAT, ERR_LIMIT.
 */
#ifndef COCOON_INITDATA_DOCUMENT_H
#define COCOON_INITDATA_DOCUMENT_H

#include "base/buf.h"
#include "base/span.h"
#include "crypto/digest.h"

#include <jansson.h>

struct err;

#define INITDATA_TEXT_MAX    (1U << 20)
#define INITDATA_ENTRIES_MAX 256
#define INITDATA_KEY_MAX     253
#define INITDATA_VERSION     "0.1.0"

/* The entries that a guest consumes; all others are measured and ignored. */
#define INITDATA_AA          "aa.toml"
#define INITDATA_CDH         "cdh.toml"
#define INITDATA_POLICY      "policy.rego"

struct initdata {
	char *version;   /* NULL (inspect alone) when it is no string */
	char *algorithm; /* as written; NULL (inspect alone) when it is no string */
	bool hashed;     /* alg is valid: algorithm is one of the three */
	enum digest_alg alg;
	json_t *data;    /* key → text; after inspect, values may have other types */
	struct buf text; /* the exact bytes */
};

void initdata_init(struct initdata *doc) __attribute__((nonnull));
void initdata_clear(struct initdata *doc) __attribute__((nonnull));
#define auto_initdata __attribute__((cleanup(initdata_clear)))

/*
 * Appends the document to out. `data` is an object of texts; its order does not matter, entries are written sorted
 * by the bytes of their keys. Refused (ERR_FORMAT, naming the entry): no or too many entries, values that are no
 * strings, NUL, and an aa.toml or cdh.toml that the guest's daemon would not start with.
 */
int initdata_render(enum digest_alg alg, const json_t *data, struct buf *out, struct err *err)
		__attribute__((nonnull(2, 3), warn_unused_result));

/*
 * Reads strictly: version 0.1.0, one of sha256, sha384, sha512, and a data table of strings. Unknown members at the
 * top are ignored as all guests do. `out` must be initialised or cleared; on failure it is empty.
 */
int initdata_parse(struct span toml, struct initdata *out, struct err *err)
		__attribute__((nonnull(2), warn_unused_result));

/*
 * Reads leniently: whatever is TOML. Appends to `warnings` (a JSON array) one text for each thing that some guest
 * would refuse or ignore. Fails only for a text that is no TOML at all or exceeds the limit.
 */
int initdata_inspect(struct span toml, struct initdata *out, json_t *warnings, struct err *err)
		__attribute__((nonnull(2, 3), warn_unused_result));

#endif
