/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/secret.h"

#include "base/err.h"
#include "base/own.h"
#include "crypto/ossl.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <string.h>
#include <unistd.h>

void secret_clear(struct secret *secret)
{
	int saved = errno;

	if (secret->ptr)
		OPENSSL_secure_clear_free(secret->ptr, secret->len + 1);
	*secret = (struct secret)SECRET_NONE;
	errno = saved;
}

int secret_alloc(struct secret *out, size_t len, struct err *err)
{
	secret_clear(out);
	if (len > SECRET_MAX) {
		err_set(err, ERR_LIMIT, "a secret of %zu bytes; at most %zu are allowed", len, SECRET_MAX);
		return -1;
	}
	out->ptr = OPENSSL_secure_zalloc(len + 1);
	if (!out->ptr) {
		ossl_fail(err, ERR_LIMIT, "no room for a secret of %zu bytes in the secure heap", len);
		return -1;
	}
	out->len = len;
	return 0;
}

int secret_from_span(struct secret *out, struct span bytes, struct err *err)
{
	auto_secret struct secret copy = SECRET_NONE;

	if (secret_alloc(&copy, bytes.len, err) < 0)
		return -1;
	if (bytes.len)
		memcpy(copy.ptr, bytes.ptr, bytes.len);
	secret_move(out, &copy);
	return 0;
}

int secret_random(struct secret *out, size_t len, struct err *err)
{
	auto_secret struct secret fresh = SECRET_NONE;

	if (secret_alloc(&fresh, len, err) < 0)
		return -1;
	if (RAND_priv_bytes(fresh.ptr, (int)len) != 1)
		return ossl_fail(err, ERR_IO, "drawing %zu random bytes", len);
	secret_move(out, &fresh);
	return 0;
}

void secret_move(struct secret *out, struct secret *from)
{
	struct secret moved = *from;

	*from = (struct secret)SECRET_NONE;
	secret_clear(out);
	*out = moved;
}

bool secret_is(const struct secret *secret, struct span bytes)
{
	if (secret->len != bytes.len)
		return false;
	return !bytes.len || CRYPTO_memcmp(secret->ptr, bytes.ptr, bytes.len) == 0;
}

int secret_read_file(struct secret *out, const char *path, struct err *err)
{
	auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
	auto_secret struct secret room = SECRET_NONE;
	size_t used = 0;

	if (fd < 0)
		return err_errno(err, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, "cannot open '%s'", path);
	if (secret_alloc(&room, SECRET_MAX, err) < 0)
		return err_wrap(err, "reading '%s'", path);
	for (;;) {
		ssize_t n = read(fd, room.ptr + used, room.len - used);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(err, ERR_IO, "cannot read '%s'", path);
		if (!n)
			break;
		used += (size_t)n;
		if (used == room.len)
			return err_set(err, ERR_LIMIT, "'%s' is longer than %zu bytes", path, room.len - 1);
	}
	return secret_from_span(out, span_new(room.ptr, used), err);
}
