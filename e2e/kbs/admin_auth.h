/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may administer the broker (kbs-protocol.md, 2.1): nobody, anybody, or who shows a JWT of a known key whose role
 * may use the path.
 *
 *     Authorization: Bearer <JWT>       {"role":"admin","exp":…[,"iss":…,"aud":…]}, alg by the key's kind
 *     rule                              admin=^/kbs/.+$          POSIX extended, over path and query
 *
 * exp counts with 60 s of leeway; nbf and iat are not looked at, as the real service does not. iss and aud count where
 * they are asked for. The first rule of the role that matches allows.
 *
 * Ownership: heap object of the caller; options may go. Errors of opening: ERR_USAGE, those of keys.
 */
#ifndef COCOON_E2E_KBS_ADMIN_AUTH_H
#define COCOON_E2E_KBS_ADMIN_AUTH_H

#include "base/opt.h"
#include "base/span.h"

#include <stdbool.h>
#include <stdint.h>

struct admin_auth;
struct err;

#define ADMIN_RULE_DEFAULT "admin=^/kbs/.+$"

struct admin_auth_options {
	bool insecure;                      /* anybody */
	const struct opt_list *public_keys; /* files; empty and not insecure: nobody */
	const struct opt_list *rules;       /* ROLE=REGEX; empty: ADMIN_RULE_DEFAULT */
	const char *issuer, *audience;      /* NULL: any */
};

int admin_auth_open(const struct admin_auth_options *options, struct admin_auth **out, struct err *err)
		__attribute__((nonnull(1, 2), warn_unused_result));
void admin_auth_free(struct admin_auth *auth);

/*
 * uri is path and query as they were sent, now seconds since 1970. *role, of ADMIN_ROLE_MAX bytes, names who it is, for
 * the audit log. Refused: ERR_DENIED, with the words of the real service.
 */
#define ADMIN_ROLE_MAX 64
int admin_auth_check(const struct admin_auth *auth, struct span authorization, const char *uri, int64_t now,
		char role[static ADMIN_ROLE_MAX], struct err *err)
		__attribute__((nonnull(1, 3, 5), warn_unused_result));

#endif
