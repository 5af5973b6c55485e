/* SPDX-License-Identifier: Apache-2.0 */
#include "guest/mount_luks.h"

#include "base/b64.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/own.h"
#include "base/random.h"
#include "base/run.h"
#include "codec/json.h"
#include "guest/mount_own.h"
#include "guest/privileges.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Two copies of the metadata and the areas of keyslots; the usual 16 MiB are a waste of the guest's memory where one
 * keyslot is all that there will be. */
#define METADATA_SIZE  "16k"
#define KEYSLOTS_SIZE  "1m"
#define HEADER_BYTES   ((off_t)2 * 1024 * 1024)
#define METADATA_MAX   ((size_t)64 * 1024)
/* milliseconds for a program, and bytes that even a slow disk takes in each further one */
#define PATIENCE       60000
#define WIPED_EACH     (UINT64_C(8) * 1024)
#define PATIENCE_MAX   (6 * 60 * 60 * 1000)
#define CRYPTSETUP_MAX 32

/* A call of cryptsetup. */
struct call {
	const struct mount_work *work;
	const char *argv[CRYPTSETUP_MAX];
	size_t count;
	struct span input;
	int patience;
};

static void call_add(struct call *call, const char *word)
{
	assert(call->count + 1 < CRYPTSETUP_MAX);
	call->argv[call->count++] = word;
}

static struct call call_of(const struct mount_work *work, const char *verb, struct span input)
{
	struct call call = {
		.work = work, .argv = { "cryptsetup" }, .count = 1, .input = input, .patience = PATIENCE
	};

	call_add(&call, verb);
	call_add(&call, "--batch-mode");
	if (input.len) {
		call_add(&call, "--key-file");
		call_add(&call, "-");
	}
	return call;
}

static int call_run(const struct call *call, struct buf *out, struct err *err)
{
	static const char *const environment[] = { "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C", NULL };
	const struct run run = { .what = "the program",
		.program = call->work->places->cryptsetup,
		.argv = call->argv,
		.environment = environment,
		.input = call->input,
		.timeout = call->patience };

	return run_program(&run, out, err);
}

static int call_end(const struct call *call, struct err *err)
{
	auto_buf struct buf out = BUF_MAX(METADATA_MAX);

	return call_run(call, &out, err);
}

/* ---- the header's file --------------------------------------------------------------------------------- */

/* Its folder, for us alone, with what is missing above it; and its name. */
static int header_place(struct mount_work *work, const char *suffix, struct err *err)
{
	static const struct identity ourselves = { .name = NULL };
	auto_buf struct buf path = BUF_MAX(sizeof(work->header) - 1);

	if (identity_folder(&ourselves, work->places->headers, 0700, err) < 0)
		return err_wrap(err, "for headers of volumes");
	buf_puts(&path, work->places->headers);
	buf_putc(&path, '/');
	b64url_encode(&path, span_of(work->device));
	buf_puts(&path, suffix);
	if (buf_check(&path, "the path of the header", err) < 0)
		return -1;
	memcpy(work->header, path.ptr, path.len + 1);
	return 0;
}

static int header_make(struct mount_work *work, struct err *err)
{
	auto_fd int fd = open(work->header, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0 && errno == EEXIST)
		return err_set(err, ERR_CONFLICT,
				"%s was formatted before, and its header is still in use: %s. Remove that "
				"file "
				"when no volume is open on the device, and its data are given up",
				work->device, work->header);
	if (fd < 0)
		return err_errno(err, ERR_IO, "making the header %s", work->header);
	work->header_ours = true;
	if (ftruncate(fd, HEADER_BYTES) < 0)
		return err_errno(err, ERR_IO, "making the header %s", work->header);
	return 0;
}

void luks_drop_header(struct mount_work *work)
{
	if (work->header_ours)
		unlink(work->header);
	work->header_ours = false;
}

/* ---- the steps ----------------------------------------------------------------------------------------- */

static int wiping_patience(uint64_t size)
{
	uint64_t needed = PATIENCE + size / WIPED_EACH;

	return needed < PATIENCE_MAX ? (int)needed : PATIENCE_MAX;
}

int luks_format(struct mount_work *work, struct span key, struct err *err)
{
	struct call call = call_of(work, "luksFormat", key);
	/* nobody but this guest ever sees the header: there is nothing to stretch a key against */
	static const char *const options[] = { "--type", "luks2", "--cipher", "aes-xts-plain64", "--key-size",
		"512", "--sector-size", "4096", "--pbkdf", "pbkdf2", "--pbkdf-force-iterations", "1000",
		"--luks2-metadata-size", METADATA_SIZE, "--luks2-keyslots-size", KEYSLOTS_SIZE };

	if (header_place(work, ".header", err) < 0 || header_make(work, err) < 0)
		return -1;
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		call_add(&call, options[i]);
	if (work->volume->integrity) {
		call_add(&call, "--integrity");
		call_add(&call, "hmac-sha256");
		/* a crash loses the volume anyway */
		call_add(&call, "--integrity-no-journal");
		call.patience = wiping_patience(work->size);
	}
	call_add(&call, "--header");
	call_add(&call, work->header);
	call_add(&call, work->device);
	if (call_end(&call, err) < 0)
		return err_wrap(err, "formatting %s", work->device);
	return 0;
}

int luks_copy_header(struct mount_work *work, struct err *err)
{
	struct call copy = call_of(work, "luksHeaderBackup", SPAN_NONE);
	struct call dump = call_of(work, "luksDump", SPAN_NONE);
	auto_buf struct buf text = BUF_MAX(METADATA_MAX);
	auto_json json_t *metadata = NULL;
	char suffix[32];

	/* cryptsetup makes the file, so that nobody else may have it */
	snprintf(suffix, sizeof(suffix), ".%016" PRIx64 ".copy", random_below(UINT64_MAX));
	if (header_place(work, suffix, err) < 0)
		return -1;
	call_add(&copy, work->device);
	call_add(&copy, "--header-backup-file");
	call_add(&copy, work->header);
	work->header_ours = true;
	if (call_end(&copy, err) < 0)
		return err_wrap(err, "reading the header on %s", work->device);
	call_add(&dump, "--dump-json-metadata");
	call_add(&dump, work->header);
	if (call_run(&dump, &text, err) < 0 || json_read(buf_span(&text), METADATA_MAX, &metadata, err) < 0 ||
			luks_header_check(metadata, work->volume->integrity, err) < 0)
		return err_wrap(err, "judging the header on %s", work->device);
	return 0;
}

int luks_open(struct mount_work *work, struct span key, struct err *err)
{
	struct call call = call_of(work, "open", key);
	const char *name = work->volume->mapper;

	if (snprintf(work->mapping, sizeof(work->mapping), "%s/%s", work->places->mapper, name) >=
			(int)sizeof(work->mapping))
		return err_set(err, ERR_LIMIT, "the path %s/%s is too long", work->places->mapper, name);
	if (!access(work->mapping, F_OK))
		return err_set(err, ERR_CONFLICT, "%s is there already: give another mapperName",
				work->mapping);
	call_add(&call, "--type");
	call_add(&call, "luks2");
	call_add(&call, "--disable-external-tokens");
	if (work->volume->integrity && !work->volume->encrypted)
		call_add(&call, "--integrity-no-journal");
	call_add(&call, "--header");
	call_add(&call, work->header);
	call_add(&call, work->device);
	call_add(&call, name);
	if (call_end(&call, err) < 0)
		return err_wrap(err, "opening the volume on %s", work->device);
	work->mapping_ours = true;
	return 0;
}

void luks_undo(struct mount_work *work, struct err *err)
{
	struct call call = call_of(work, "close", SPAN_NONE);
	struct err why = ERR_NONE;

	call_add(&call, work->volume->mapper);
	if (work->mapping_ours && call_end(&call, &why) < 0)
		err_wrap(err, "%s could not be closed again (%.200s)", work->mapping, why.text);
	work->mapping_ours = false;
	luks_drop_header(work);
}
