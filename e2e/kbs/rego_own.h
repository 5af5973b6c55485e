/* SPDX-License-Identifier: Apache-2.0 */
/* The process behind a policy. Nobody but e2e/kbs/rego.c includes this. */
#ifndef COCOON_E2E_KBS_REGO_OWN_H
#define COCOON_E2E_KBS_REGO_OWN_H

#include "base/span.h"

#include <jansson.h>
#include <stdbool.h>
#include <sys/types.h>

struct err;
struct http;

struct opa {
	char *program;
	char folder[32]; /* of the socket; "" before it is made */
	char *socket;
	pid_t pid; /* 0: none runs */
	struct http *http;
};

/* Starts the process and waits until it answers. */
int opa_start(struct opa *opa, struct err *err) __attribute__((nonnull(1), warn_unused_result));
/* False when it has ended by itself. */
bool opa_lives(struct opa *opa) __attribute__((nonnull));
/* Ends the process and removes its folder. */
void opa_stop(struct opa *opa) __attribute__((nonnull));

/* One request. status is that of HTTP; *answer is a new reference, NULL when the body is empty. */
int opa_ask(struct opa *opa, const char *method, const char *path, struct span body, int *status,
		json_t **answer, struct err *err) __attribute__((nonnull(1, 2, 3, 5, 6), warn_unused_result));

#endif
