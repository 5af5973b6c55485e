/* SPDX-License-Identifier: Apache-2.0 */
#include "base/alloc.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/own.h"
#include "base/run.h"
#include "image/gpg_own.h"

#include <errno.h>
#include <ftw.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/vfs.h>

#define PLACE        "/dev/shm"
#define KILL_TIMEOUT 5000

/* The agent would measure for a second how much work a password should make; the copies here live for moments, and in
 * memory. And no smart card has a part in this. */
static const char agent_conf[] = "s2k-count 65536\ndisable-scdaemon\n";

static int configure(const char *home, struct err *err)
{
	auto_free char *path = xasprintf("%s/gpg-agent.conf", home);

	return fs_write_atomic(path, SPAN_LIT(agent_conf), 0600, err);
}

int gpg_home_make(char **out, struct err *err)
{
	char path[] = PLACE "/gnupg-XXXXXX"; /* short: it is a part of a socket's name */
	struct statfs place = { .f_type = 0 };

	if (statfs(PLACE, &place) < 0 || (place.f_type != TMPFS_MAGIC && place.f_type != RAMFS_MAGIC))
		return err_set(err, ERR_USAGE,
				PLACE
				" is no tmpfs, and OpenPGP keys are not put onto a disk: import the file "
				"with gpg, and give pgp: as the key");
	if (!mkdtemp(path))
		return err_errno(err, ERR_IO, "making a GnuPG home in " PLACE);
	if (configure(path, err) < 0) {
		gpg_home_remove(path);
		return -1;
	}
	*out = xstrdup(path);
	return 0;
}

static void gpgconf(const char *home, const char *option, const char *value)
{
	const char *program = gpgme_get_dirinfo("gpgconf-name");
	const char *argv[] = { program ? program : "gpgconf", "--homedir", home, option, value, NULL };
	struct run run = { .what = "gpgconf", .argv = argv, .timeout = KILL_TIMEOUT };
	auto_buf struct buf said = BUF_MAX(4096);

	/* a failure leaves an agent that ends by itself when it finds its home gone */
	if (run_program(&run, &said, NULL) < 0)
		return;
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *where)
{
	(void)status, (void)kind, (void)where;
	remove(path);
	return 0;
}

void gpg_home_remove(const char *home)
{
	int saved = errno;

	gpgconf(home, "--kill", "gpg-agent");
	gpgconf(home, "--remove-socketdir", NULL);
	nftw(home, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	errno = saved;
}
