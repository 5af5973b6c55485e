/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The scheme "pgp": OpenPGP messages, made and opened by GnuPG (image/gpg.h). A recipient is an e-mail address or a
 * display name of GnuPG's public keyring. Keys are files with secret keys, or "pgp:", one's own GnuPG.
 */
#include "image/wrap.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/own.h"
#include "image/gpg.h"
#include "image/keys.h"
#include "image/pgp_packets.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define SCHEME "pgp"

/* ---- wrapping ---- */

struct pgp_recipient {
	struct recipient base;
	struct gpg *gpg;
};

static int wrap(struct recipient *self, const struct secret *options, struct buf *element, struct err *err)
{
	return gpg_encrypt(((struct pgp_recipient *)self)->gpg, secret_span(options), element, err);
}

static void recipient_end(struct recipient *self)
{
	gpg_free(((struct pgp_recipient *)self)->gpg);
	free(self);
}

static int recipient(const struct wrap_settings *settings, const char *value, struct recipient **out,
		struct err *err)
{
	auto_gpg struct gpg *gpg = NULL;

	if (gpg_open(settings->gnupg_home, &gpg, err) < 0 || gpg_address(gpg, value, err) < 0)
		return -1;
	struct pgp_recipient *self = xcalloc(1, sizeof(*self));
	self->gpg = take(&gpg);
	self->base.wrap = wrap;
	self->base.free = recipient_end;
	snprintf(self->base.scheme, sizeof(self->base.scheme), SCHEME);
	snprintf(self->base.name, sizeof(self->base.name), SCHEME ":%.200s", value);
	*out = &self->base;
	return 0;
}

/* ---- opening ---- */

struct pgp_opener {
	struct opener base;
	const char *home;       /* of KEY_GNUPG; borrowed of the settings */
	const struct key *file; /* of secret keys, or NULL; borrowed of struct keys */
	struct gpg *gpg;        /* made when the first message comes */
	struct err broken;      /* why it could not be made */
};

static int get_ready(struct pgp_opener *self)
{
	if (self->gpg)
		return 0;
	if (self->broken.kind != ERR_OK)
		return -1;
	if (self->file)
		return gpg_open_keys(secret_span(&self->file->bytes), &self->file->password, &self->gpg,
				&self->broken);
	return gpg_open(self->home, &self->gpg, &self->broken);
}

/* To whom the message is, for who finds no key of his own there. */
static void list_recipients(const struct pgp_message *message, struct buf *out)
{
	const size_t shown = 8;

	for (size_t i = 0; i < message->count && i < shown; i++)
		buf_printf(out, "%s0x%" PRIx64, i ? ", " : "", message->ids[i]);
	if (message->count > shown)
		buf_printf(out, " and %zu more", message->count - shown);
}

static int unwrap(struct opener *base, struct span element, struct secret *options, struct err *err)
{
	struct pgp_opener *self = (struct pgp_opener *)base;
	auto_buf struct buf ids = BUF_MAX(512);
	struct pgp_message message;

	if (pgp_message_look(element, &message, err) < 0)
		return -1;
	if (get_ready(self) < 0)
		return err_set(err, self->broken.kind, "%s", self->broken.text);
	if (gpg_decrypt(self->gpg, element, options, err) == 0)
		return 0;
	list_recipients(&message, &ids);
	return err_wrap(err, "the OpenPGP message to %s", ids.len ? buf_text(&ids) : "nobody's key");
}

static void opener_end(struct opener *self)
{
	gpg_free(((struct pgp_opener *)self)->gpg);
	free(self);
}

static int openers(const struct wrap_settings *settings, struct keys *keys, struct opener_list *out,
		struct err *err)
{
	(void)err;
	for (size_t i = 0; i < keys->count; i++) {
		struct key *item = &keys->items[i];
		bool file = item->form == KEY_OTHER && pgp_is_secret_keys(secret_span(&item->bytes));
		if (!file && item->form != KEY_GNUPG)
			continue;
		gpg_init();
		struct pgp_opener *self = xcalloc(1, sizeof(*self));
		self->home = settings->gnupg_home;
		self->file = file ? item : NULL;
		self->base.unwrap = unwrap;
		self->base.free = opener_end;
		snprintf(self->base.scheme, sizeof(self->base.scheme), SCHEME);
		snprintf(self->base.name, sizeof(self->base.name), "key '%.200s'", item->name);
		opener_list_add(out, &self->base);
		item->used = true;
	}
	return 0;
}

const struct wrap_kind wrap_pgp = { .protocol = SCHEME, .recipient = recipient, .openers = openers };
