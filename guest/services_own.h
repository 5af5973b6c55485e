/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of guest/services share; nobody else includes this. */
#ifndef COCOON_GUEST_SERVICES_OWN_H
#define COCOON_GUEST_SERVICES_OWN_H

#include "base/span.h"
#include "guest/services.h"

#include <stdint.h>

struct err;

/* A field that a method reads: bytes, a text, or an integer. */
struct service_field {
	uint32_t number;
	struct span *bytes;
	struct span *text;
	uint64_t *varint;
	bool *has; /* NULL: of no interest */
};

/* The fields of a message; those that are absent stay as they are. */
enum grpc_status service_read(const struct services *services, struct span message,
		const struct service_field *fields, size_t count, struct err *err)
		__attribute__((nonnull(1, 3), warn_unused_result));

/* Logs why the call failed, and tells the caller the text; or the reason, where he may know. Always GRPC_INTERNAL. */
enum grpc_status service_fail(const struct services *services, const char *call, const char *text,
		const struct err *why, struct err *err) __attribute__((nonnull(1, 2, 3, 4)));

/* A method that exists and is not served: the status of either server. */
enum grpc_status service_not_supported(const struct services *services, const char *path,
		const char *grpc_text, struct err *err) __attribute__((nonnull(1, 2, 3)));

#endif
