/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a 401 asks for: the WWW-Authenticate field (RFC 9110 section 11.6.1) as registries use it (distribution: token
 * authentication specification).
 *
 *     Bearer realm="https://auth.example/token",service="registry.example",scope="repository:team/app:pull"
 *     Basic realm="a registry"
 *
 * One field may hold several challenges: the first Bearer counts, else the first Basic. Schemes and names are compared
 * without case; values are tokens or quoted texts; parameters that are not known are skipped, a known one that comes
 * twice in one challenge is refused.
 *
 * Bounds: those of the arrays. Errors: ERR_FORMAT, ERR_LIMIT; ERR_DENIED when it offers neither scheme.
 */
#ifndef COCOON_OCI_CHALLENGE_H
#define COCOON_OCI_CHALLENGE_H

#include "base/span.h"

struct err;

enum challenge_scheme { CHALLENGE_BASIC, CHALLENGE_BEARER };

struct challenge {
	enum challenge_scheme scheme;
	char realm[1024]; /* of Bearer: an URL; "" when absent */
	char service[256];
	char scope[512];
};

int challenge_parse(struct span field, struct challenge *out, struct err *err)
		__attribute__((nonnull(2), warn_unused_result));

#endif
