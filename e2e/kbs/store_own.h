/* SPDX-License-Identifier: Apache-2.0 */
/* The folder behind a store; keys are checked already. Nobody but e2e/kbs/store.c includes this. */
#ifndef COCOON_E2E_KBS_STORE_OWN_H
#define COCOON_E2E_KBS_STORE_OWN_H

#include "e2e/kbs/store.h"

/* Makes the folder and those of the spaces where they are missing, and makes sure that they can be written to. */
int store_folder_open(const char *folder, struct err *err) __attribute__((nonnull(1), warn_unused_result));
int store_folder_put(const char *folder, enum store_space space, const char *key, struct span value,
		struct err *err) __attribute__((nonnull(1, 3), warn_unused_result));
int store_folder_get(const char *folder, enum store_space space, const char *key, struct buf *out,
		struct err *err) __attribute__((nonnull(1, 3, 4), warn_unused_result));
int store_folder_delete(const char *folder, enum store_space space, const char *key, struct err *err)
		__attribute__((nonnull(1, 3), warn_unused_result));
/* Appends to the array. */
int store_folder_list(const char *folder, enum store_space space, json_t *keys, struct err *err)
		__attribute__((nonnull(1, 3), warn_unused_result));

#endif
