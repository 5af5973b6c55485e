/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the annotations of one object may weigh: 262144 bytes, keys and values together (Kubernetes
 * apimachinery, ValidateAnnotationsSize). `kubectl apply` without --server-side stores a second copy of the object
 * in an annotation of its own and so halves it.
 */
#ifndef COCOON_INITDATA_BUDGET_H
#define COCOON_INITDATA_BUDGET_H

#include <jansson.h>
#include <stddef.h>

struct err;

#define ANNOTATIONS_MAX 262144

/* Bytes of all keys and string values; NULL weighs nothing. */
size_t annotations_size(const json_t *annotations);

/* What annotations_size() would be after `key` was set to a value of value_len bytes. */
size_t annotations_size_with(const json_t *annotations, const char *key, size_t value_len)
		__attribute__((nonnull(2)));

/* ERR_LIMIT with the numbers when `size` exceeds ANNOTATIONS_MAX. */
int annotations_check(size_t size, struct err *err) __attribute__((warn_unused_result));

#endif
