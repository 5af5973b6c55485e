/* SPDX-License-Identifier: Apache-2.0 */
#include "image/wrap.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/err.h"
#include "image/keys.h"

#include <stdlib.h>
#include <string.h>

/* ---- recipients ------------------------------------------------------------------------------------------ */

/* What may stand behind each protocol, for messages. */
static const struct {
	const char *protocol, *form;
} forms[] = {
	{ "jwe", "jwe:PUBLIC-KEY-FILE" },
	{ "pkcs7", "pkcs7:CERTIFICATE-FILE" },
	{ "pgp", "pgp:EMAIL-OR-NAME" },
	{ "pkcs11", "pkcs11:FILE" },
	{ "provider", "provider:NAME[:PARAMETERS]" },
	{ "kbs", "kbs:///REPOSITORY/TYPE/TAG=FILE" },
};

static void put_forms(const struct wrap_kind *const *kinds, struct buf *out)
{
	for (size_t i = 0; kinds[i]; i++)
		for (size_t f = 0; f < sizeof(forms) / sizeof(forms[0]); f++)
			if (strcmp(kinds[i]->protocol, forms[f].protocol) == 0)
				buf_printf(out, "%s%s", out->len ? ", " : "", forms[f].form);
}

int recipient_open(const struct wrap_kind *const *kinds, const struct wrap_settings *settings,
		const char *text, struct recipient **out, struct err *err)
{
	auto_buf struct buf known = BUF_MAX(1024);
	struct span whole = span_of(text);
	size_t colon = span_find(whole, ':');
	struct span protocol = span_new(text, colon);

	put_forms(kinds, &known);
	if (colon == whole.len)
		return err_set(err, ERR_USAGE, "invalid recipient format '%.200s': the forms are %s", text,
				buf_text(&known));
	for (size_t i = 0; kinds[i]; i++) {
		if (!span_is(protocol, kinds[i]->protocol))
			continue;
		if (kinds[i]->recipient(settings, text + colon + 1, out, err) < 0)
			return err_wrap(err, "recipient '%.200s'", text);
		return 0;
	}
	return err_set(err, ERR_USAGE, "recipient '%.200s': protocol not recognized: the forms are %s", text,
			buf_text(&known));
}

void recipient_free(struct recipient *recipient)
{
	if (recipient)
		recipient->free(recipient);
}

/* ---- openers --------------------------------------------------------------------------------------------- */

void opener_list_add(struct opener_list *list, struct opener *opener)
{
	list->items = xreallocarray(list->items, list->count + 1, sizeof(list->items[0]));
	list->items[list->count++] = opener;
}

void opener_list_clear(struct opener_list *list)
{
	/* the last one first: some change what their predecessors put back (image/gpg.h) */
	for (size_t i = list->count; i--;)
		list->items[i]->free(list->items[i]);
	free(list->items);
	*list = (struct opener_list)OPENER_LIST_NONE;
}

/* Local ones first; within each half the order stays. */
static void sort(struct opener_list *list)
{
	struct opener_list sorted = OPENER_LIST_NONE;

	for (int remote = 0; remote < 2; remote++)
		for (size_t i = 0; i < list->count; i++)
			if (list->items[i]->remote == (remote == 1))
				opener_list_add(&sorted, list->items[i]);
	free(list->items);
	*list = sorted;
}

static const char *form_name(const struct key *key)
{
	switch (key->form) {
	case KEY_PRIVATE:
		return "a private key";
	case KEY_CERTIFICATE:
		return "a certificate";
	case KEY_PROVIDER:
		return "a key provider";
	case KEY_KEK:
		return "a key-encryption key";
	case KEY_GNUPG:
		return "the secret keys of GnuPG";
	case KEY_OTHER:
		break;
	}
	return "an OpenPGP ring or PKCS#11 description";
}

static int check_used(const struct wrap_kind *const *kinds, const struct keys *keys, struct err *err)
{
	auto_buf struct buf names = BUF_MAX(256);

	for (size_t i = 0; kinds[i]; i++)
		buf_printf(&names, "%s%s", i ? ", " : "", kinds[i]->protocol);
	for (size_t i = 0; i < keys->count; i++) {
		const struct key *key = &keys->items[i];
		if (key->used)
			continue;
		return err_set(err, ERR_USAGE,
				"key '%.300s' (%s%s%s) cannot be used: none of %s takes such a key",
				key->name, form_name(key), key->jwk.key ? ", " : "",
				key->jwk.key ? pkey_kind_name(pkey_kind(key->jwk.key)) : "",
				buf_text(&names));
	}
	return 0;
}

int openers_open(const struct wrap_kind *const *kinds, const struct wrap_settings *settings,
		struct keys *keys, struct opener_list *out, struct err *err)
{
	auto_openers struct opener_list list = OPENER_LIST_NONE;

	for (size_t i = 0; kinds[i]; i++)
		if (kinds[i]->openers(settings, keys, &list, err) < 0)
			return -1;
	if (check_used(kinds, keys, err) < 0)
		return -1;
	sort(&list);
	opener_list_clear(out);
	*out = list;
	list = (struct opener_list)OPENER_LIST_NONE;
	return 0;
}
