/* SPDX-License-Identifier: Apache-2.0 */
/* What dev-kbs is told on its command line. */
#ifndef COCOON_E2E_KBS_SETTINGS_H
#define COCOON_E2E_KBS_SETTINGS_H

#include "base/opt.h"

#include <stdbool.h>
#include <stdint.h>

struct broker_options;
struct err;

struct settings {
	const char *listen, *cert, *key;
	const char *storage, *audit, *opa;
	struct opt_list resources; /* PATH=FILE */
	const char *signer_key, *signer_cert;
	const char *trust_cert, *trust_jwks;
	bool insecure_header_jwk;
	int64_t token_minutes;
	bool brief_token, allow_older, verbose_errors;
	int policy;
	struct opt_list allow_initdata;
	bool insecure_admin;
	struct opt_list admin_keys, admin_rules;
	const char *admin_issuer, *admin_audience;
	int log_level;
};

/* The options of the command line, for the one verb; ends in OPT_END. */
extern const struct opt settings_options[];
extern const struct settings settings_defaults;

/*
 * The broker's options, which borrow from the settings. *opa becomes the path of opa and is the caller's: NULL where
 * none was named and PATH has none. ERR_USAGE for a named one that is not there.
 */
int settings_use(const struct settings *settings, struct broker_options *out, char **opa, struct err *err)
		__attribute__((nonnull(1, 2, 3), warn_unused_result));

#endif
