/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The audit log: one JSON object a line for each decision of the broker, appended with one write(2).
 *
 *     {"time":"2026-01-02T03:04:05.000000Z","event":"release","verdict":"refused","peer":"127.0.0.1:4711",
 *      "session":"…","tee":"tpm","resource":"resource/default/key/1","rule":"resource policy 'default'",
 *      "cause":"Access denied by policy","init_data":"<hex of the document>"}
 *
 * Events: attestation, release, administration. What does not apply is left out. Never in it: secrets, tokens, evidence.
 * Of a session the first eight characters stand: the whole is a credential.
 *
 * Errors: ERR_IO. Who cannot write the line must not do what it is about.
 */
#ifndef COCOON_E2E_KBS_AUDIT_H
#define COCOON_E2E_KBS_AUDIT_H

#include <stdbool.h>

struct audit;
struct clock;
struct err;

struct audit_entry {
	const char *event;
	bool allowed;
	const char *peer;
	const char *session; /* NULL or "" are left out, here and below */
	const char *tee;
	const char *resource; /* plugin and path, or the path of an administrator's request with its method */
	const char *status;   /* how far the evidence is trusted */
	const char *role;     /* of an administrator */
	const char *rule;
	const char *cause;
	const char *initdata; /* the digest that the TEE holds or the document has, as claims show it */
};

/* path: a file that is appended to, "-": standard error, NULL: nothing is written. */
int audit_open(const char *path, const struct clock *clock, struct audit **out, struct err *err)
		__attribute__((nonnull(2, 3), warn_unused_result));
void audit_free(struct audit *audit);

int audit_write(struct audit *audit, const struct audit_entry *entry, struct err *err)
		__attribute__((nonnull(1, 2), warn_unused_result));

#endif
