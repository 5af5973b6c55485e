/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Wrapping by key providers (image/provider.h):
 *
 *     recipient    provider:NAME[:ATTRIBUTES]     a provider that is not configured is an error, never left out
 *     key          provider:NAME[:ATTRIBUTES]
 *
 * Configured providers are also asked without a key that names them: it is their configuration which says that they are
 * to be asked, and what containerd hands to a decoder names none.
 */
#include "image/wrap.h"

#include "base/alloc.h"
#include "base/err.h"
#include "base/own.h"
#include "image/keys.h"
#include "image/provider.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TIMEOUT_DEFAULT 60000

/* Each has a config of its own: files are small, and owners come and go in any order. */
struct provider_link {
	struct provider_config *config;
	const struct provider *provider;
	char *attributes; /* NULL: none */
	int timeout;
};

struct provider_recipient {
	struct recipient recipient;
	struct provider_link link;
};

struct provider_opener {
	struct opener opener;
	struct provider_link link;
};

static void link_clear(struct provider_link *link)
{
	provider_config_free(link->config);
	free(link->attributes);
}

static int link_open(const struct wrap_settings *settings, const char *name, const char *attributes,
		struct provider_link *out, struct err *err)
{
	auto_provider_config struct provider_config *config = NULL;

	if (provider_name_check(name, err) < 0)
		return -1;
	if (!settings->provider_config)
		return err_set(err, ERR_USAGE,
				"the key provider '%s' is not configured: OCICRYPT_KEYPROVIDER_CONFIG names "
				"no "
				"file",
				name);
	if (provider_config_load(settings->provider_config, &config, err) < 0)
		return -1;
	const struct provider *provider = provider_find(config, name, err);
	if (!provider || provider_check(provider, err) < 0)
		return err_wrap(err, "'%s'", settings->provider_config);
	out->provider = provider;
	out->config = take(&config);
	out->attributes = attributes ? xstrdup(attributes) : NULL;
	out->timeout = settings->provider_timeout > 0 ? settings->provider_timeout : TIMEOUT_DEFAULT;
	return 0;
}

/* ---- wrapping ------------------------------------------------------------------------------------------ */

static int wrap(struct recipient *self, const struct secret *options, struct buf *element, struct err *err)
{
	const struct provider_link *link = &((struct provider_recipient *)self)->link;

	return provider_wrap(link->provider, link->timeout, link->attributes, options, element, err);
}

static void recipient_release(struct recipient *self)
{
	struct provider_recipient *own = (struct provider_recipient *)self;

	link_clear(&own->link);
	free(own);
}

static int recipient(const struct wrap_settings *settings, const char *value, struct recipient **out,
		struct err *err)
{
	size_t len = strcspn(value, ":");
	auto_free char *name = xmemdup0(value, len);
	struct provider_link link = { .config = NULL };

	if (link_open(settings, name, value[len] ? value + len + 1 : PROVIDER_ENABLED, &link, err) < 0)
		return -1;
	struct provider_recipient *own = xcalloc(1, sizeof(*own));
	own->recipient = (struct recipient){ .wrap = wrap, .free = recipient_release };
	snprintf(own->recipient.scheme, sizeof(own->recipient.scheme), "provider.%s", name);
	snprintf(own->recipient.name, sizeof(own->recipient.name), "provider:%s", name);
	own->link = link;
	*out = &own->recipient;
	return 0;
}

/* ---- unwrapping ---------------------------------------------------------------------------------------- */

static int unwrap(struct opener *self, struct span element, struct secret *options, struct err *err)
{
	const struct provider_link *link = &((struct provider_opener *)self)->link;

	return provider_unwrap(link->provider, link->timeout, link->attributes, element, options, err);
}

static void opener_release(struct opener *self)
{
	struct provider_opener *own = (struct provider_opener *)self;

	link_clear(&own->link);
	free(own);
}

static int add_opener(const struct wrap_settings *settings, const char *name, const char *attributes,
		struct opener_list *out, struct err *err)
{
	struct provider_link link = { .config = NULL };

	if (link_open(settings, name, attributes, &link, err) < 0)
		return -1;
	struct provider_opener *own = xcalloc(1, sizeof(*own));
	own->opener = (struct opener){ .remote = true, .unwrap = unwrap, .free = opener_release };
	snprintf(own->opener.scheme, sizeof(own->opener.scheme), "provider.%s", name);
	snprintf(own->opener.name, sizeof(own->opener.name), "key provider '%s'", name);
	own->link = link;
	opener_list_add(out, &own->opener);
	return 0;
}

static bool is_named(const struct keys *keys, const char *name)
{
	for (size_t i = 0; i < keys->count; i++)
		if (keys->items[i].form == KEY_PROVIDER && !strcmp(keys->items[i].name, name))
			return true;
	return false;
}

/* Those of the configuration that no key names and that can be reached. */
static int add_configured(const struct wrap_settings *settings, const struct keys *keys,
		struct opener_list *out, struct err *err)
{
	auto_provider_config struct provider_config *config = NULL;

	if (!settings->provider_config)
		return 0;
	if (provider_config_load(settings->provider_config, &config, err) < 0)
		return -1;
	for (size_t i = 0; i < provider_count(config); i++) {
		const struct provider *provider = provider_at(config, i);
		if (is_named(keys, provider_name(provider)) || provider_check(provider, NULL) < 0)
			continue;
		if (add_opener(settings, provider_name(provider), NULL, out, err) < 0)
			return -1;
	}
	return 0;
}

static int openers(const struct wrap_settings *settings, struct keys *keys, struct opener_list *out,
		struct err *err)
{
	for (size_t i = 0; i < keys->count; i++) {
		struct key *key = &keys->items[i];
		if (key->form != KEY_PROVIDER)
			continue;
		if (add_opener(settings, key->name, key->attributes, out, err) < 0)
			return -1;
		key->used = true;
	}
	return add_configured(settings, keys, out, err);
}

const struct wrap_kind wrap_provider = { .protocol = "provider", .recipient = recipient, .openers = openers };
