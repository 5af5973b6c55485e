/* SPDX-License-Identifier: Apache-2.0 */
#include "guest/hub_own.h"

#include "base/err.h"
#include "base/log.h"
#include "base/own.h"
#include "guest/config.h"
#include "kbs/uri.h"
#include "kms/kms.h"
#include "sealed/token.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define KBS "kbs"

/* ---- the verification key ------------------------------------------------------------------------------ */

/* A kid that is no URI names a file below one folder; links in it may not lead out of the folder. */
static int local_key(const struct hub *hub, const char *kid, struct secret *out, struct err *err)
{
	char folder[PATH_MAX], joined[PATH_MAX];

	snprintf(folder, sizeof(folder), "%s/sealed-secret", hub->root);
	auto_free char *base = realpath(folder, NULL);
	if (!base || !*kid)
		return err_set(err, ERR_DENIED,
				"KID is invalid. Must be a KBS URI or a credential path: '%s' is none", kid);
	if (snprintf(joined, sizeof(joined), "%s/%s", base, kid) >= (int)sizeof(joined))
		return err_set(err, ERR_LIMIT, "the kid is too long for a path");
	auto_free char *real = realpath(joined, NULL);
	if (!real)
		return err_errno(err, ERR_NOT_FOUND, "the key '%s' in '%s'", kid, base);
	size_t len = strlen(base);
	if (strncmp(real, base, len) != 0 || real[len] != '/')
		return err_set(err, ERR_DENIED, "Invalid KID Key Path: '%s' is not below '%s'", kid, base);
	return secret_read_file(out, real, err);
}

static int find_key(struct hub *hub, const char *kid, struct secret *out, struct err *err)
{
	struct kbs_uri uri;

	if (!strncasecmp(kid, "kbs:", 4) || !strncasecmp(kid, "kbs+", 4) ||
			kbs_uri_parse(span_of(kid), &uri, NULL) == 0)
		return hub_resource(hub, span_of(kid), out, err);
	return local_key(hub, kid, out, err);
}

static int open_signed(struct hub *hub, struct span text, struct sealed *out, struct err *err)
{
	auto_secret struct secret jwk = SECRET_NONE;

	if (sealed_read(text, out, err) < 0)
		return -1;
	if (!out->kid)
		return err_set(err, ERR_DENIED, "Could not find kid");
	if (find_key(hub, out->kid, &jwk, err) < 0)
		return err_wrap(err, "the key that verifies it");
	return sealed_verify(out, secret_span(&jwk), err);
}

/* The owner wants it so; that it happens must be seen each time. */
static int open_unsigned(struct span text, struct sealed *out, struct err *err)
{
	if (sealed_read_unsigned(text, out, err) < 0)
		return -1;
	log_warn("a secret is unsealed whose signature nobody has checked", NULL);
	return 0;
}

/* ---- what is inside ------------------------------------------------------------------------------------ */

static int open_vault(
		struct hub *hub, const struct sealed_secret *secret, struct secret *out, struct err *err)
{
	auto_kms struct kms *kms = NULL;

	if (!strcasecmp(secret->provider, KBS))
		return hub_resource(hub, span_of(secret->name), out, err);
	if (hub_kms(hub, secret->provider, secret->settings, &kms, err) < 0)
		return -1;
	return kms_get_secret(kms, secret->name, secret->annotations, out, err);
}

static int open_envelope(
		struct hub *hub, const struct sealed_secret *secret, struct secret *out, struct err *err)
{
	auto_secret struct secret key = SECRET_NONE;
	auto_kms struct kms *kms = NULL;

	if (!strcasecmp(secret->provider, KBS))
		return err_set(err, ERR_USAGE, "Unsupported provider: %s wraps no keys", secret->provider);
	if (hub_kms(hub, secret->provider, secret->settings, &kms, err) < 0 ||
			kms_decrypt(kms, secret->key_id, buf_span(&secret->key), secret->annotations, &key,
					err) < 0)
		return -1;
	return sealed_data_open(secret, &key, out, err);
}

int hub_unseal(struct hub *hub, struct span text, struct secret *out, struct err *err)
{
	auto_sealed struct sealed sealed = SEALED_NONE;

	if (!span_is_utf8(text))
		return err_set(err, ERR_FORMAT, "Secret string must be UTF-8");
	int result = hub->options.config->skip_verification ? open_unsigned(text, &sealed, err)
							    : open_signed(hub, text, &sealed, err);
	if (result < 0)
		return err_wrap(err, "parse SealedSecret failed");
	if (strcmp(sealed.secret.version, SEALED_VERSION) != 0)
		return err_set(err, ERR_FORMAT, "version not supported, only " SEALED_VERSION " supported");
	bool vault = sealed.secret.type == SEALED_VAULT;
	if ((vault ? open_vault : open_envelope)(hub, &sealed.secret, out, err) == 0)
		return 0;
	(void)hub_blame_text(err);
	return err_wrap(err, vault ? "unseal vault secret failed" : "unseal envelope secret failed");
}
