/* SPDX-License-Identifier: Apache-2.0 */
#include "image-crypt/keyring.h"

#include "base/buf.h"
#include "base/err.h"
#include "image/annotation.h"

#include <stdio.h>

static const struct wrap_kind *const kinds[] = { &wrap_jwe, &wrap_pkcs7, &wrap_pgp, &wrap_pkcs11, &wrap_kbs,
	&wrap_provider, NULL };

const char *const packet_words[] = { "v1", "v2", NULL };

static int open_all(const struct wrap_settings *settings, const struct opt_list *names,
		struct recipients *out, struct err *err)
{
	for (size_t i = 0; i < names->count; i++) {
		if (recipient_open(kinds, settings, names->items[i], &out->items[out->count], err) < 0)
			return -1;
		out->count++;
	}
	return 0;
}

int recipients_open(const struct wrap_settings *settings, const struct opt_list *names,
		const struct opt_list *kbs_keys, struct recipients *out, struct err *err)
{
	*out = (struct recipients){ .count = 0 };
	if (open_all(settings, kbs_keys, out, err) < 0)
		return err_wrap(err, "--kbs-key");
	return open_all(settings, names, out, err);
}

void recipients_clear(struct recipients *recipients)
{
	while (recipients->count)
		recipient_free(recipients->items[--recipients->count]);
}

int recipients_wrap(const struct recipients *recipients, const struct secret *options, json_t *annotations,
		struct err *err)
{
	auto_buf struct buf element = BUF_MAX(WRAP_ELEMENT_MAX);

	for (size_t i = 0; i < recipients->count; i++) {
		struct recipient *recipient = recipients->items[i];
		buf_reset(&element);
		if (recipient->wrap(recipient, options, &element, err) < 0 ||
				buf_check(&element, "the wrapped key", err) < 0 ||
				annotation_add(annotations, recipient->scheme, buf_span(&element), err) < 0)
			return err_wrap(err, "wrapping the key for '%s'", recipient->name);
	}
	return 0;
}

int keyring_open(const struct wrap_settings *settings, const struct opt_list *keys,
		const struct opt_list *kbs_keys, struct keyring *out, struct err *err)
{
	for (size_t i = 0; i < kbs_keys->count; i++)
		if (keys_add(&out->keys, kbs_keys->items[i], err) < 0)
			return err_wrap(err, "--kbs-key");
	for (size_t i = 0; i < keys->count; i++)
		if (keys_add(&out->keys, keys->items[i], err) < 0)
			return err_wrap(err, "--key");
	if (out->keys.password_in_sight)
		fprintf(stderr,
				"warning: a password on the command line can be seen by every process of "
				"this machine: "
				"use :file= or :fd=\n");
	return openers_open(kinds, settings, &out->keys, &out->openers, err);
}

void keyring_clear(struct keyring *ring)
{
	opener_list_clear(&ring->openers);
	keys_clear(&ring->keys);
}
