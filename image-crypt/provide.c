/* SPDX-License-Identifier: Apache-2.0 */
#include "image-crypt/provide.h"

#include "base/clock.h"
#include "base/err.h"
#include "kbs/admin.h"

#define KBS_TIMEOUT 20000

static int open_admin(const struct provide_options *options, struct kbs_admin **out, struct err *err)
{
	const struct kbs_admin_options admin = { .url = options->kbs,
		.origin_only = true,
		.key_file = options->auth_key,
		.ca_file = options->kbs_ca,
		.role = options->kbs_role,
		.claims_file = options->kbs_claims,
		.user_agent = "image-crypt/" COCOON_VERSION,
		.plain_http = options->plain_http,
		.clock = &clock_real,
		.timeout = KBS_TIMEOUT };
	bool more = options->kbs_ca || options->kbs_role || options->kbs_claims || options->plain_http;

	if (!options->kbs != !options->auth_key)
		return err_set(err, ERR_USAGE, "--kbs and --auth-private-key go together");
	if (!options->kbs && more)
		return err_set(err, ERR_USAGE,
				"--kbs-ca, --kbs-role, --kbs-claims and --plain-http say more about --kbs, "
				"which "
				"is missing");
	return options->kbs ? kbs_admin_open(&admin, out, err) : 0;
}

int provide_open(const struct provide_options *options, struct provide *out, struct err *err)
{
	*out = (struct provide){ .keys = OFFLINE_NONE };
	if ((options->keys_file && offline_load(options->keys_file, &out->keys, err) < 0) ||
			open_admin(options, &out->admin, err) < 0)
		return -1;
	out->service = (struct service){ .keys = options->keys_file ? &out->keys : NULL,
		.admin = out->admin,
		.numbers = options->numbers };
	return 0;
}

void provide_clear(struct provide *provide)
{
	kbs_admin_free(provide->admin);
	offline_clear(&provide->keys);
	*provide = (struct provide){ .keys = OFFLINE_NONE };
}
