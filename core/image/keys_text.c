/* SPDX-License-Identifier: Apache-2.0 */
/* The forms in which a person writes a key on the command line. */
#include "base/alloc.h"
#include "base/err.h"
#include "base/own.h"
#include "image/keys.h"
#include "image/keys_own.h"
#include "image/packet.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FD_MAX (1 << 20)

/* The text less what says where the password is. */
struct parts {
	size_t name_len;
	const char *word; /* "file=…", "fd=…", "pass=…", a bare password, or NULL */
};

static bool is_known(const char *word)
{
	return strncmp(word, "file=", 5) == 0 || strncmp(word, "fd=", 3) == 0 ||
			strncmp(word, "pass=", 5) == 0;
}

static struct parts split(const char *text)
{
	const char *colon = strchr(text, ':');

	for (const char *at = colon; at; at = strchr(at + 1, ':'))
		if (is_known(at + 1))
			return (struct parts){ (size_t)(at - text), at + 1 };
	if (!colon || access(text, F_OK) == 0)
		return (struct parts){ strlen(text), NULL };
	return (struct parts){ (size_t)(colon - text), colon + 1 };
}

static int read_fd(const char *number, struct secret *out, struct err *err)
{
	auto_secret struct secret room = SECRET_NONE;
	uint64_t fd = 0;
	size_t len = 0;

	if (!span_number(span_of(number), FD_MAX, &fd))
		return err_set(err, ERR_USAGE, "'fd=' needs the number of an open descriptor");
	if (secret_alloc(&room, SECRET_MAX, err) < 0)
		return -1;
	for (;;) {
		ssize_t n = read((int)fd, room.ptr + len, room.len - len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(err, ERR_IO, "cannot read the password from descriptor %d", (int)fd);
		if (!n)
			break;
		len += (size_t)n;
		if (len == room.len)
			return err_set(err, ERR_LIMIT, "the password on descriptor %d has no end", (int)fd);
	}
	return secret_from_span(out, span_new(room.ptr, len), err);
}

/* Whatever the word says; `in_sight` when it is the password itself. */
static int read_password(const char *word, struct secret *out, bool *in_sight, struct err *err)
{
	if (strncmp(word, "file=", 5) == 0) {
		if (secret_read_file(out, word + 5, err) < 0)
			return err_wrap(err, "password");
		key_drop_line_end(out);
		return 0;
	}
	if (strncmp(word, "fd=", 3) == 0) {
		if (read_fd(word + 3, out, err) < 0)
			return -1;
		key_drop_line_end(out);
		return 0;
	}
	*in_sight = true;
	return secret_from_span(out, span_of(strncmp(word, "pass=", 5) == 0 ? word + 5 : word), err);
}

static int add_file(struct keys *keys, const char *text, struct err *err)
{
	auto_secret struct secret bytes = SECRET_NONE, password = SECRET_NONE;
	struct parts parts = split(text);
	auto_free char *name = xmemdup0(text, parts.name_len);
	bool in_sight = false;

	if (!*name)
		return err_set(err, ERR_USAGE,
				"a key without a file: write FILE, FILE:file=PASSWORDFILE or "
				"FILE:fd=NUMBER");
	if (secret_read_file(&bytes, name, err) < 0)
		return err_wrap(err, "key");
	if (parts.word && read_password(parts.word, &password, &in_sight, err) < 0)
		return err_wrap(err, "key '%.300s'", name);
	keys->password_in_sight = keys->password_in_sight || in_sight;
	return keys_add_bytes(keys, name, &bytes, &password, err);
}

/* "name" or "name:attributes" */
static int add_provider(struct keys *keys, const char *text, struct err *err)
{
	const char *colon = strchrnul(text, ':');
	auto_free char *name = xmemdup0(text, (size_t)(colon - text));

	return keys_add_provider(keys, name, *colon ? colon + 1 : "", err);
}

/* "kbs:///default/key/1=FILE": the file holds the bare key. */
static int add_kek(struct keys *keys, const char *text, const char *equals, struct err *err)
{
	auto_secret struct secret bytes = SECRET_NONE;
	auto_free char *name = xmemdup0(text, (size_t)(equals - text));

	if (packet_read_kek(equals + 1, &bytes, err) < 0)
		return err_wrap(err, "key '%.300s'", name);
	struct key *key = key_append(keys, KEY_KEK, name, err);
	if (!key)
		return -1;
	secret_move(&key->bytes, &bytes);
	return 0;
}

int keys_add(struct keys *keys, const char *text, struct err *err)
{
	const char *slashes = strstr(text, "://"), *equals = slashes ? strchr(slashes, '=') : NULL;

	if (strncmp(text, "provider:", 9) == 0)
		return add_provider(keys, text + 9, err);
	if (strcmp(text, "pgp:") == 0)
		return key_append(keys, KEY_GNUPG, text, err) ? 0 : -1;
	if (equals && (strncmp(text, "kbs:", 4) == 0 || strncmp(text, "kbs+", 4) == 0))
		return add_kek(keys, text, equals, err);
	return add_file(keys, text, err);
}
