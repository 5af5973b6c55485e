/* SPDX-License-Identifier: Apache-2.0 */
#include "kms/kms.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/own.h"
#include "base/random.h"
#include "codec/json.h"
#include "kms/kms_own.h"

#include <string.h>
#include <strings.h>

#define GUEST_ROOT "/run/confidential-containers/cdh/kbs"
#define TIMEOUT    (30 * CLOCK_SECOND)

static const struct kms_provider *const providers[] = {
	&kms_aliyun_client_key,
	&kms_aliyun_sts_token,
	&kms_aliyun_ecs_ram_role,
	&kms_aws,
	&kms_ehsm,
};
#define PROVIDER_COUNT (sizeof(providers) / sizeof(providers[0]))

const char *kms_folder(const char *provider)
{
	static const char *const folders[][2] = {
		{ "aliyun", GUEST_ROOT "/kms-credential/aliyun" },
		{ "aws", GUEST_ROOT "/kms-credential/aws" },
		{ "ehsm", GUEST_ROOT "/kms-credential/ehsm" },
	};

	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
		if (!strcasecmp(folders[i][0], provider))
			return folders[i][1];
	return NULL;
}

/* ---- life ---- */

static const struct kms_provider *find_kind(const char *name, const char *client_type)
{
	for (size_t i = 0; i < PROVIDER_COUNT; i++)
		if (!strcasecmp(providers[i]->name, name) &&
				(!providers[i]->client_type ||
						!strcmp(providers[i]->client_type, client_type)))
			return providers[i];
	return NULL;
}

static const struct kms_provider *find(const char *name, const json_t *settings, struct err *err)
{
	const char *client_type = "";

	if (!kms_folder(name)) {
		err_set(err, ERR_USAGE, "Unsupported provider: %s", name);
		return NULL;
	}
	if (!json_is_object(settings)) {
		err_set(err, ERR_USAGE, "provider_settings is no object");
		return NULL;
	}
	const struct kms_provider *provider = find_kind(name, client_type);
	if (provider)
		return provider;
	if (kms_get_text(settings, "provider_settings", "client_type", &client_type, err) < 0)
		return NULL;
	provider = find_kind(name, client_type);
	if (!provider)
		err_set(err, ERR_USAGE,
				"provider_settings.client_type is none of client_key, sts_token and "
				"ecs_ram_role");
	return provider;
}

/* Copies of the settings that the provider reads, checked. */
static int take_settings(
		const struct kms_provider *provider, const json_t *settings, json_t *out, struct err *err)
{
	for (const struct kms_setting *at = provider->settings; at->name; at++) {
		const char *value = "";
		if (kms_get_text(settings, "provider_settings", at->name, &value, err) < 0)
			return -1;
		if (at->check(value, err) < 0)
			return err_wrap(err, "provider_settings.%s", at->name);
		/* a text out of JSON is one */
		if (json_object_set_new(out, at->name, json_string(value)) < 0)
			abort();
	}
	return 0;
}

static char *copy(const char *text)
{
	return text ? xstrdup(text) : NULL;
}

int kms_open(const char *name, const json_t *settings, const struct kms_options *options, struct kms **out,
		struct err *err)
{
	const struct kms_provider *provider = find(name, settings, err);
	auto_json json_t *own = json_object();

	if (!provider || take_settings(provider, settings, own, err) < 0)
		return kms_blame_caller(err);
	struct kms *kms = xcalloc(1, sizeof(*kms));
	kms->provider = provider;
	kms->settings = take(&own);
	kms->folder = xstrdup(options->folder ? options->folder : kms_folder(provider->name));
	kms->guest_root = xstrdup(options->guest_root ? options->guest_root : GUEST_ROOT);
	kms->endpoint = copy(options->endpoint);
	kms->metadata = copy(options->metadata);
	kms->ca_file = copy(options->ca_file);
	kms->clock = options->clock;
	kms->random = options->random ? options->random : random_bytes;
	*out = kms;
	return 0;
}

void kms_free(struct kms *kms)
{
	int saved = errno;

	if (!kms)
		return;
	json_decref(kms->settings);
	free(kms->folder);
	free(kms->guest_root);
	free(kms->endpoint);
	free(kms->metadata);
	free(kms->ca_file);
	free(kms);
	errno = saved;
}

const char *kms_setting(const struct kms *kms, const char *name)
{
	const char *value = json_string_value(json_object_get(kms->settings, name));

	if (!value)
		abort();
	return value;
}

int kms_settings(const struct kms *kms, json_t **out, struct err *err)
{
	(void)err;
	*out = json_deep_copy(kms->settings);
	if (!*out)
		abort();
	return 0;
}

/* ---- operations ---- */

static void begin(struct kms *kms)
{
	kms->deadline = clock_mono(kms->clock) + TIMEOUT;
	kms->broken = false;
}

/* Names the provider in the reason of a failure. */
static int end(const struct kms *kms, int result, struct err *err)
{
	return result < 0 ? err_wrap(err, "key service %s", kms->provider->name) : 0;
}

static int cannot(const struct kms *kms, const char *what, struct err *err)
{
	const char *kind = kms->provider->client_type;

	return err_set(err, ERR_USAGE, "key service %s%s%s cannot %s", kms->provider->name,
			kind ? " with client_type " : "", kind ? kind : "", what);
}

int kms_decrypt(struct kms *kms, const char *key_id, struct span cipher, const json_t *annotations,
		struct secret *plain, struct err *err)
{
	const struct kms_provider *provider = kms->provider;

	if (!provider->decrypt)
		return cannot(kms, "decrypt keys", err);
	begin(kms);
	int result = provider->decrypt(kms, key_id, cipher, annotations, plain, err);
	if (result < 0 && kms->broken)
		result = provider->decrypt(kms, key_id, cipher, annotations, plain, err);
	return end(kms, result, err);
}

int kms_encrypt(struct kms *kms, const char *key_id, const struct secret *plain, struct buf *cipher,
		json_t **annotations, struct err *err)
{
	const struct kms_provider *provider = kms->provider;

	if (!provider->encrypt)
		return cannot(kms, "encrypt keys", err);
	begin(kms);
	int result = provider->encrypt(kms, key_id, plain, cipher, annotations, err);
	if (result < 0 && kms->broken)
		result = provider->encrypt(kms, key_id, plain, cipher, annotations, err);
	return end(kms, result, err);
}

int kms_get_secret(struct kms *kms, const char *name, const json_t *annotations, struct secret *out,
		struct err *err)
{
	const struct kms_provider *provider = kms->provider;

	if (!provider->get_secret)
		return cannot(kms, "give secrets", err);
	begin(kms);
	int result = provider->get_secret(kms, name, annotations, out, err);
	if (result < 0 && kms->broken)
		result = provider->get_secret(kms, name, annotations, out, err);
	return end(kms, result, err);
}
