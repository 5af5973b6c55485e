/* SPDX-License-Identifier: Apache-2.0 */
#include "tee/tsm.h"

#include "base/alloc.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/hex.h"
#include "base/own.h"
#include "base/random.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define NAME_BYTES 16
#define TEXT_MAX   64 /* of provider and generation */

struct request {
	const char *provider;
	struct span data; /* empty: the provider alone is asked for */
	struct buf *out, *aux;
};

/* The folder is missing where the kernel has no such interface, and ENXIO says that no provider is there. */
static int make_entry(const char *entry, struct err *err)
{
	if (mkdir(entry, 0700) == 0)
		return 0;
	bool absent = errno == ENOENT || errno == ENOTDIR || errno == ENXIO;
	return err_errno(err, absent ? ERR_NOT_FOUND : ERR_IO, "making the entry '%s'", entry);
}

static int read_file(const char *entry, const char *name, struct buf *out, struct err *err)
{
	auto_free char *path = xasprintf("%s/%s", entry, name);

	return fs_read(path, out, err);
}

/* All in one write: the kernel takes the bytes when the file is closed. */
static int write_data(const char *entry, struct span data, struct err *err)
{
	unsigned char field[TSM_DATA_LEN] = { 0 };
	auto_free char *path = xasprintf("%s/inblob", entry);
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return err_errno(err, ERR_IO, "opening '%s'", path);
	if (data.len)
		memcpy(field, data.ptr, data.len);
	int rc = fs_write_fd(fd, path, span_new(field, sizeof(field)), err);
	if (close(fd) < 0 && rc == 0)
		return err_errno(err, ERR_IO, "writing '%s'", path);
	return rc;
}

static int check_provider(const char *entry, const char *wanted, struct err *err)
{
	auto_buf struct buf text = BUF_MAX(TEXT_MAX);

	if (read_file(entry, "provider", &text, err) < 0)
		return -1;
	struct span found = span_trim(buf_span(&text));
	if (!span_is(found, wanted))
		return err_set(err, ERR_NOT_FOUND, "the provider of reports is '%.*s', not '%s'",
				SPAN_ARG(found), wanted);
	return 0;
}

static int check_generation(const char *entry, uint64_t writes, struct err *err)
{
	auto_buf struct buf text = BUF_MAX(TEXT_MAX);
	uint64_t generation;

	if (read_file(entry, "generation", &text, err) < 0)
		return -1;
	if (!span_number(span_trim(buf_span(&text)), UINT32_MAX, &generation))
		return err_set(err, ERR_FORMAT, "the generation of '%s' is no number", entry);
	if (generation != writes)
		return err_set(err, ERR_RETRY, "somebody else wrote to '%s' (generation %u instead of %u)",
				entry, (unsigned)generation, (unsigned)writes);
	return 0;
}

static int read_aux(const char *entry, struct buf *aux, struct err *err)
{
	struct err why = ERR_NONE;

	if (read_file(entry, "auxblob", aux, &why) == 0 || why.kind == ERR_NOT_FOUND)
		return 0;
	return err_set(err, why.kind, "%s", why.text);
}

static int ask(const char *entry, const struct request *request, struct err *err)
{
	if (check_provider(entry, request->provider, err) < 0)
		return -1;
	if (!request->out)
		return 0;
	if (write_data(entry, request->data, err) < 0 || read_file(entry, "outblob", request->out, err) < 0)
		return -1;
	if (request->aux && read_aux(entry, request->aux, err) < 0)
		return -1;
	return check_generation(entry, 1, err);
}

static int with_entry(const char *folder, const struct request *request, struct err *err)
{
	unsigned char name[NAME_BYTES];
	char hex[2 * NAME_BYTES];

	random_bytes(name, sizeof(name));
	hex_encode_raw(hex, span_new(name, sizeof(name)));
	auto_free char *entry = xasprintf("%s/cocoon-%.*s", folder, (int)sizeof(hex), hex);
	if (make_entry(entry, err) < 0)
		return -1;
	int rc = ask(entry, request, err);
	if (rmdir(entry) < 0 && rc == 0)
		return err_errno(err, ERR_IO, "removing the entry '%s'", entry);
	return rc;
}

int tsm_probe(const char *folder, const char *provider, struct err *err)
{
	const struct request request = { .provider = provider };

	return with_entry(folder, &request, err);
}

int tsm_report(const char *folder, const char *provider, struct span report_data, struct buf *out,
		struct buf *aux, struct err *err)
{
	const struct request request = { .provider = provider, .data = report_data, .out = out, .aux = aux };

	if (report_data.len > TSM_DATA_LEN)
		return err_set(err, ERR_USAGE, "report data of %zu bytes exceed the field's %d",
				report_data.len, TSM_DATA_LEN);
	return with_entry(folder, &request, err);
}
