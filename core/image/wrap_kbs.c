/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packets for guests, wrapped here under a KEK in a file, without any provider:
 *
 *     recipient    kbs:///default/key/1=FILE     the KEK, which its owner also puts into the broker under that name
 *     key          kbs:///default/key/1=FILE     opens what was wrapped for that name
 */
#include "image/wrap.h"

#include "base/alloc.h"
#include "base/err.h"
#include "base/own.h"
#include "image/keys.h"
#include "image/packet.h"
#include "kbs/uri.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct kbs_recipient {
	struct recipient recipient;
	struct kbs_uri uri;
	struct secret kek;
	enum packet_form form;
};

struct kbs_opener {
	struct opener opener;
	struct kbs_uri uri;
	struct secret kek;
};

static int wrap(struct recipient *self, const struct secret *options, struct buf *element, struct err *err)
{
	const struct kbs_recipient *own = (const struct kbs_recipient *)self;
	auto_packet struct packet packet = PACKET_NONE;

	if (packet_seal(&own->uri, PACKET_A256GCM, &own->kek, SPAN_NONE, options, &packet, err) < 0)
		return -1;
	packet_format(&packet, own->form, element);
	return buf_check(element, "the key packet", err);
}

static void recipient_release(struct recipient *self)
{
	struct kbs_recipient *own = (struct kbs_recipient *)self;

	secret_clear(&own->kek);
	free(own);
}

/* The value begins behind the first ':': "///default/key/1=FILE" where the recipient was written as a plain URI. */
static int parse_uri(const char *value, size_t len, struct kbs_uri *out, struct err *err)
{
	auto_free char *whole = xasprintf("%s%.*s", strncmp(value, "//", 2) ? "" : "kbs:", (int)len, value);

	if (kbs_uri_parse(span_of(whole), out, err) < 0 || kbs_uri_check(out, err) < 0) {
		if (err)
			err->kind = ERR_USAGE;
		return err_wrap(err, "the resource of the key broker");
	}
	return 0;
}

static int recipient(const struct wrap_settings *settings, const char *value, struct recipient **out,
		struct err *err)
{
	size_t at = strcspn(value, "=");
	struct kbs_recipient *own = NULL;
	auto_secret struct secret kek = SECRET_NONE;
	struct kbs_uri uri;

	if (!value[at] || !value[at + 1] || at > KBS_URI_MAX)
		return err_set(err, ERR_USAGE,
				"'%.200s' is not of the form kbs:///REPOSITORY/TYPE/TAG=FILE with the file "
				"of a key of 32 bytes",
				value);
	if (parse_uri(value, at, &uri, err) < 0 || packet_read_kek(value + at + 1, &kek, err) < 0)
		return -1;
	own = xcalloc(1, sizeof(*own));
	own->recipient = (struct recipient){
		.scheme = PACKET_SCHEME, .wrap = wrap, .free = recipient_release
	};
	snprintf(own->recipient.name, sizeof(own->recipient.name), "kbs:///%.240s", uri.path);
	own->uri = uri;
	own->form = settings->packet_v2 ? PACKET_LONG : PACKET_SHORT;
	secret_move(&own->kek, &kek);
	*out = &own->recipient;
	return 0;
}

static int unwrap(struct opener *self, struct span element, struct secret *options, struct err *err)
{
	const struct kbs_opener *own = (const struct kbs_opener *)self;
	auto_packet struct packet packet = PACKET_NONE;
	struct kbs_uri uri;

	if (packet_parse(element, &packet, err) < 0 || packet_key_uri(&packet, &uri, err) < 0)
		return -1;
	if (!kbs_uri_is_same(&own->uri, &uri))
		return err_set(err, ERR_AUTH, "the packet needs the key '%s'", packet.kid);
	return packet_open(&packet, &own->kek, options, err);
}

static void opener_release(struct opener *self)
{
	struct kbs_opener *own = (struct kbs_opener *)self;

	secret_clear(&own->kek);
	free(own);
}

static int add_opener(const struct key *key, struct opener_list *out, struct err *err)
{
	auto_secret struct secret kek = SECRET_NONE;
	struct kbs_uri uri;

	if (kbs_uri_parse(span_of(key->name), &uri, err) < 0) {
		if (err)
			err->kind = ERR_USAGE;
		return err_wrap(err, "the key of the broker");
	}
	if (key->bytes.len != PACKET_KEK)
		return err_set(err, ERR_USAGE, "the key of '%s' has %zu bytes; it must have %d", key->name,
				key->bytes.len, PACKET_KEK);
	if (secret_from_span(&kek, secret_span(&key->bytes), err) < 0)
		return -1;
	struct kbs_opener *own = xcalloc(1, sizeof(*own));
	/* guests do not look at the provider's name either */
	own->opener = (struct opener){ .scheme = "provider.", .unwrap = unwrap, .free = opener_release };
	snprintf(own->opener.name, sizeof(own->opener.name), "key '%s'", key->name);
	own->uri = uri;
	secret_move(&own->kek, &kek);
	opener_list_add(out, &own->opener);
	return 0;
}

static int openers(const struct wrap_settings *settings, struct keys *keys, struct opener_list *out,
		struct err *err)
{
	(void)settings;
	for (size_t i = 0; i < keys->count; i++) {
		if (keys->items[i].form != KEY_KEK)
			continue;
		if (add_opener(&keys->items[i], out, err) < 0)
			return -1;
		keys->items[i].used = true;
	}
	return 0;
}

const struct wrap_kind wrap_kbs = { .protocol = "kbs", .recipient = recipient, .openers = openers };
