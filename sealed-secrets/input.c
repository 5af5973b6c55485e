/* SPDX-License-Identifier: Apache-2.0 */
#include "sealed-secrets/input.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/keyfile.h"
#include "base/own.h"
#include "codec/json.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

const char *const form_words[] = { "text", "json", NULL };

static bool is_standard(const char *name)
{
	return !name || strcmp(name, "-") == 0;
}

static int refuse_terminal(const char *source, const char *what, struct err *err)
{
	if (is_standard(source) && isatty(STDIN_FILENO))
		return err_set(err, ERR_USAGE, "standard input is a terminal: name a file, or pipe the %s in",
				what);
	return 0;
}

/* straight into wiped memory */
static int read_fd(int fd, const char *name, struct secret *out, struct err *err)
{
	auto_secret struct secret room = SECRET_NONE;
	size_t len = 0;

	if (secret_alloc(&room, SECRET_MAX, err) < 0)
		return -1;
	for (;;) {
		ssize_t got = len < room.len ? read(fd, room.ptr + len, room.len - len)
					     : read(fd, &(char){ 0 }, 1);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_errno(err, ERR_IO, "reading %s", name);
		if (!got)
			return secret_from_span(out, span_new(room.ptr, len), err);
		if (len == room.len)
			return err_set(err, ERR_LIMIT, "%s holds more than %zu bytes", name, SECRET_MAX);
		len += (size_t)got;
	}
}

int input_secret(const char *source, struct secret *out, struct err *err)
{
	uint64_t fd;

	if (refuse_terminal(source, "secret", err) < 0)
		return -1;
	if (is_standard(source))
		return read_fd(STDIN_FILENO, "standard input", out, err);
	if (strncmp(source, "fd:", 3) != 0)
		return secret_read_file(out, source, err);
	if (!span_number(span_of(source + 3), 1023, &fd))
		return err_set(err, ERR_USAGE, "'%s' is no descriptor: fd:NUMBER", source);
	return read_fd((int)fd, source, out, err);
}

int input_text(const char *source, struct buf *out, struct err *err)
{
	/* all at once: a buffer that grows leaves copies behind */
	(void)buf_room(out, out->max);
	return is_standard(source) ? fs_read_stdin(out, err) : fs_read(source, out, err);
}

int input_sealed(const char *source, struct buf *room, struct span *out, struct err *err)
{
	if (refuse_terminal(source, "sealed secret", err) < 0 || input_text(source, room, err) < 0)
		return -1;
	*out = span_trim(buf_span(room));
	return 0;
}

int output_secret(const char *path, struct span bytes, bool force, struct err *err)
{
	if (!is_standard(path))
		return keyfile_write(path, bytes, KEYFILE_PRIVATE, force, err);
	if (fflush(stdout) != 0)
		return err_errno(err, ERR_IO, "writing to standard output");
	return fs_write_fd(STDOUT_FILENO, "standard output", bytes, err);
}
