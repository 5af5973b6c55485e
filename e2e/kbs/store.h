/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the broker keeps: texts and secrets by name, in spaces of their own; in memory, or in a folder laid out as the
 * real service's LocalFs (kbs-protocol.md, 3.2), so that either can take over the other's.
 *
 *     FOLDER/repository/default\x2Fkey\x2Ftest                 the resource default/key/test, its bytes alone
 *     FOLDER/kbs/resource-policy.rego
 *     FOLDER/attestation_service_policy/default_cpu.rego
 *     FOLDER/reference_value/svn
 *
 * Every '/' of a key is written as the four characters \x2F. A folder is read anew each time, so that what is put there
 * by hand counts at once; writes are atomic, mode 0600, and folders that are made have mode 0700.
 *
 * Bounds: STORE_KEY_MAX bytes of [A-Za-z0-9_./-] in a key, whose file name must not begin with a dot; values of
 * STORE_VALUE_MAX bytes; in memory STORE_KEYS_MAX keys and STORE_BYTES_MAX bytes in all.
 * Ownership: heap object of the caller; values in memory are wiped when they go. Threads: one.
 * Errors: ERR_FORMAT (no such key can be), ERR_NOT_FOUND, ERR_LIMIT, ERR_IO.
 */
#ifndef COCOON_E2E_KBS_STORE_H
#define COCOON_E2E_KBS_STORE_H

#include "base/span.h"

#include <jansson.h>
#include <stdbool.h>

struct buf;
struct err;
struct store;

#define STORE_KEY_MAX   180
#define STORE_VALUE_MAX ((size_t)2 * 1024 * 1024)
#define STORE_KEYS_MAX  65536
#define STORE_BYTES_MAX ((size_t)512 * 1024 * 1024)

enum store_space {
	STORE_RESOURCES,
	STORE_RESOURCE_POLICY,
	STORE_APPRAISAL_POLICIES,
	STORE_REFERENCES,
	STORE_SPACES
};

/* folder NULL: in memory. */
int store_open(const char *folder, struct store **out, struct err *err)
		__attribute__((nonnull(2), warn_unused_result));
void store_free(struct store *store);
static inline void store_release(struct store **slot)
{
	store_free(*slot);
}
#define auto_store __attribute__((cleanup(store_release)))

int store_put(struct store *store, enum store_space space, const char *key, struct span value,
		struct err *err) __attribute__((nonnull(1, 3), warn_unused_result));
/* Appends the value to out, which is given its room at once. */
int store_get(struct store *store, enum store_space space, const char *key, struct buf *out, struct err *err)
		__attribute__((nonnull(1, 3, 4), warn_unused_result));
int store_delete(struct store *store, enum store_space space, const char *key, struct err *err)
		__attribute__((nonnull(1, 3), warn_unused_result));
/* The keys of a space as a sorted array of texts; names in a folder that are no keys are left out. */
int store_list(struct store *store, enum store_space space, json_t **out, struct err *err)
		__attribute__((nonnull(1, 3), warn_unused_result));

#endif
