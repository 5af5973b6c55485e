/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Replays inputs through a fuzz target without a fuzzing engine, so that every build kind and both compilers run the
 * corpora: each argument is a file, or a folder whose files are all read. Says how many it ran, fails when a name
 * cannot be read or there was none, and crashes where the target does, after the name was shown.
 */
#include "base/alloc.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/own.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* as libFuzzer's own ceiling for what it loads without being told another */
#define INPUT_MAX (1024 * 1024)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay_file(const char *path, unsigned *count)
{
	auto_buf struct buf input = BUF_MAX(INPUT_MAX);
	struct err err = ERR_NONE;

	if (fs_read(path, &input, &err) < 0) {
		fprintf(stderr, "%s\n", err.text);
		return -1;
	}
	/* an exact copy on the heap: one byte read too far is seen by the sanitizers */
	auto_free uint8_t *copy = xmalloc(input.len);
	if (input.len)
		memcpy(copy, input.ptr, input.len);
	fprintf(stderr, "%s\n", path);
	LLVMFuzzerTestOneInput(copy, input.len);
	(*count)++;
	return 0;
}

static int replay_folder(const char *path, unsigned *count)
{
	struct dirent **entries = NULL;
	int n = scandir(path, &entries, NULL, alphasort);
	int status = n < 0 ? -1 : 0;

	for (int i = 0; i < n; i++) {
		auto_buf struct buf name = BUF_MAX(4096);
		buf_printf(&name, "%s/%s", path, entries[i]->d_name);
		if (entries[i]->d_name[0] != '.' && replay_file(buf_text(&name), count) < 0)
			status = -1;
		free(entries[i]);
	}
	free(entries);
	return status;
}

int main(int argc, char **argv)
{
	unsigned count = 0;
	int status = 0;

	for (int i = 1; i < argc; i++) {
		struct stat what;
		if (stat(argv[i], &what) < 0) {
			perror(argv[i]);
			status = -1;
		} else if ((S_ISDIR(what.st_mode) ? replay_folder : replay_file)(argv[i], &count) < 0) {
			status = -1;
		}
	}
	printf("%u inputs replayed\n", count);
	return status < 0 || !count;
}
