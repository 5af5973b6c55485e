/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reference values, what policies hold evidence against (kbs-protocol.md, 4.6).
 *
 *     registered  {"version":"0.1.0","type":"sample","payload":"<base64 of {"svn":["1"],"major_version":1}>"}
 *     kept        {"version":"0.1.0","name":"svn","expiration":"2027-01-02T03:04:05Z","value":["1"]}
 *
 * Registering replaces by name. When a value would end is recorded and nothing else, as the real service does. Of the
 * types that it knows, sample is the one here.
 *
 * Bounds: those of the store, REFERENCES_MAX values. Ownership: heap object of the caller; the store is borrowed.
 * Errors: ERR_FORMAT, ERR_LIMIT, ERR_NOT_FOUND, those of the store.
 */
#ifndef COCOON_E2E_KBS_REFERENCES_H
#define COCOON_E2E_KBS_REFERENCES_H

#include "base/span.h"

#include <jansson.h>

struct clock;
struct err;
struct references;
struct store;

#define REFERENCES_MAX 4096

/* Reads what the store has. */
int references_open(struct store *store, const struct clock *clock, struct references **out, struct err *err)
		__attribute__((nonnull(1, 2, 3), warn_unused_result));
void references_free(struct references *references);

/* One message; all of its values or none. */
int references_register(struct references *references, struct span message, struct err *err)
		__attribute__((nonnull(1), warn_unused_result));

/* Name → value; borrowed until the next call. */
const json_t *references_all(const struct references *references) __attribute__((nonnull, returns_nonnull));

#endif
