/* SPDX-License-Identifier: Apache-2.0 */
#include "image/gpg.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/own.h"
#include "image/gpg_own.h"
#include "image/pgp_packets.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct gpg {
	gpgme_ctx_t ctx;
	struct gpg_wait wait;
	char *home;             /* made by us; NULL: the user's */
	bool holds_signals;     /* while there is a home of ours */
	sigset_t signals;       /* the mask before */
	struct secret password; /* for a home of ours */
	gpgme_key_t keys[GPG_KEYS_MAX + 1];
	size_t count;
};

static inline void data_release(gpgme_data_t *slot)
{
	if (*slot)
		gpgme_data_release(*slot);
}
#define auto_data __attribute__((cleanup(data_release)))

/* ---- life ---- */

void gpg_free(struct gpg *gpg)
{
	int saved = errno;

	if (!gpg)
		return;
	for (size_t i = 0; i < gpg->count; i++)
		gpgme_key_unref(gpg->keys[i]);
	if (gpg->ctx)
		gpgme_release(gpg->ctx);
	if (gpg->home)
		gpg_home_remove(gpg->home);
	free(gpg->home);
	secret_clear(&gpg->password);
	if (gpg->holds_signals)
		pthread_sigmask(SIG_SETMASK, &gpg->signals, NULL);
	free(gpg);
	errno = saved;
}

static int gpgme_fail(struct err *err, enum err_kind kind, gpgme_error_t status, const char *what)
{
	char words[200] = "";

	gpgme_strerror_r(status, words, sizeof(words));
	return err_set(err, kind, "%s: GnuPG says: %s", what, words);
}

void gpg_init(void)
{
	gpgme_check_version(NULL);
}

static int start(struct gpg *gpg, const char *home, struct err *err)
{
	gpg_init();
	if (gpgme_engine_check_version(GPGME_PROTOCOL_OpenPGP))
		return err_set(err, ERR_USAGE, "GnuPG is not installed: there is no program gpg");
	gpgme_error_t status = gpgme_new(&gpg->ctx);
	if (!status)
		status = gpgme_set_protocol(gpg->ctx, GPGME_PROTOCOL_OpenPGP);
	if (!status)
		status = gpgme_ctx_set_engine_info(gpg->ctx, GPGME_PROTOCOL_OpenPGP, NULL, home);
	if (status)
		return gpgme_fail(err, ERR_IO, status, "preparing gpgme");
	gpgme_set_offline(gpg->ctx, 1);
	gpg_wait_init(&gpg->wait, gpg->ctx);
	return 0;
}

int gpg_open(const char *home, struct gpg **out, struct err *err)
{
	auto_gpg struct gpg *gpg = xcalloc(1, sizeof(*gpg));

	if (start(gpg, home, err) < 0)
		return -1;
	*out = take(&gpg);
	return 0;
}

/* ---- a home of our own ---- */

static gpgme_error_t give_password(void *ctx, const char *hint, const char *info, int was_bad, int fd)
{
	const struct gpg *gpg = ctx;

	(void)hint, (void)info;
	if (!gpg->password.len || was_bad)
		return gpgme_error(GPG_ERR_CANCELED);
	if (gpgme_io_writen(fd, gpg->password.ptr, gpg->password.len) < 0 || gpgme_io_writen(fd, "\n", 1) < 0)
		return gpgme_error_from_syserror();
	return 0;
}

/* What ends a program must not leave a home with secret keys behind: it comes when the home has gone. */
static void hold_signals(struct gpg *gpg)
{
	sigset_t ends;

	sigemptyset(&ends);
	sigaddset(&ends, SIGTERM);
	sigaddset(&ends, SIGINT);
	sigaddset(&ends, SIGHUP);
	gpg->holds_signals = pthread_sigmask(SIG_BLOCK, &ends, &gpg->signals) == 0;
}

static int import(struct gpg *gpg, struct span keys, struct err *err)
{
	auto_data gpgme_data_t data = NULL;
	gpgme_error_t status = gpgme_data_new_from_mem(&data, keys.ptr, keys.len, 0);

	if (!status &&
			gpg_wait(&gpg->wait, gpg->ctx, gpgme_op_import_start(gpg->ctx, data), GPG_TIMEOUT,
					&status, err) < 0)
		return -1;
	if (status)
		return gpgme_fail(err, ERR_FORMAT, status, "reading the OpenPGP keys");
	gpgme_import_result_t result = gpgme_op_import_result(gpg->ctx);
	if (!result || result->secret_imported + result->secret_unchanged == 0)
		return err_set(err, ERR_FORMAT, "GnuPG found no secret key that it can use");
	return 0;
}

int gpg_open_keys(struct span keys, const struct secret *password, struct gpg **out, struct err *err)
{
	auto_gpg struct gpg *gpg = xcalloc(1, sizeof(*gpg));

	hold_signals(gpg);
	if (secret_from_span(&gpg->password, secret_span(password), err) < 0 ||
			gpg_home_make(&gpg->home, err) < 0 || start(gpg, gpg->home, err) < 0)
		return -1;
	gpgme_set_pinentry_mode(gpg->ctx, GPGME_PINENTRY_MODE_LOOPBACK);
	gpgme_set_passphrase_cb(gpg->ctx, give_password, gpg);
	if (import(gpg, keys, err) < 0)
		return -1;
	*out = take(&gpg);
	return 0;
}

/* ---- recipients ---- */

struct search {
	struct gpg *gpg;
	const char *who;
	const char *reason; /* why the last key that fitted cannot be used */
	char id[32];        /* of that key */
	bool too_many;
};

static bool fits(gpgme_key_t key, const char *who)
{
	for (gpgme_user_id_t uid = key->uids; uid; uid = uid->next) {
		/* all names of a revoked key are revoked; the key says it better */
		if ((uid->revoked || uid->invalid) && !key->revoked)
			continue;
		if ((uid->email && strcmp(uid->email, who) == 0) ||
				(uid->name && strcmp(uid->name, who) == 0))
			return true;
	}
	return false;
}

/* NULL when a message can be made to the key. */
static const char *why_not(gpgme_key_t key)
{
	if (key->revoked)
		return "has been revoked";
	if (key->expired)
		return "has expired";
	if (key->disabled)
		return "is disabled";
	if (key->invalid)
		return "is invalid";
	if (!key->can_encrypt)
		return "has no part for encryption that is valid now";
	return NULL;
}

static void consider(void *ctx, gpgme_key_t key)
{
	struct search *search = ctx;
	struct gpg *gpg = search->gpg;
	const char *reason = why_not(key);
	bool fit = fits(key, search->who);

	if (fit && !reason && gpg->count < GPG_KEYS_MAX) {
		gpg->keys[gpg->count++] = key;
		return;
	}
	if (fit && !reason)
		search->too_many = true;
	if (fit && reason) {
		search->reason = reason;
		snprintf(search->id, sizeof(search->id), "%s", key->subkeys ? key->subkeys->keyid : "");
	}
	gpgme_key_unref(key);
}

int gpg_address(struct gpg *gpg, const char *who, struct err *err)
{
	struct search search = { .gpg = gpg, .who = who };
	size_t before = gpg->count;
	gpgme_error_t status = 0;

	if (!*who)
		return err_set(err, ERR_USAGE, "an OpenPGP recipient without a name: pgp:<e-mail or name>");
	gpg->wait.key = consider;
	gpg->wait.key_ctx = &search;
	int waited = gpg_wait(&gpg->wait, gpg->ctx, gpgme_op_keylist_start(gpg->ctx, NULL, 0), GPG_TIMEOUT,
			&status, err);
	gpg->wait.key = NULL;
	if (waited < 0)
		return -1;
	if (status)
		return gpgme_fail(err, ERR_IO, status, "listing the public keys");
	if (search.too_many)
		return err_set(err, ERR_LIMIT, "more than %d keys of '%.200s'", GPG_KEYS_MAX, who);
	if (gpg->count > before)
		return 0;
	if (search.reason)
		return err_set(err, ERR_USAGE, "the key 0x%s of '%.200s' %s", search.id, who, search.reason);
	return err_set(err, ERR_NOT_FOUND,
			"no key found for '%.200s' in GnuPG's public keyring (an exact e-mail address or "
			"display "
			"name)",
			who);
}

/* ---- messages ---- */

static ssize_t write_buf(void *ctx, const void *bytes, size_t len)
{
	struct buf *out = ctx;

	buf_add(out, bytes, len);
	if (!out->over)
		return (ssize_t)len;
	errno = EFBIG;
	return -1;
}

/* What GnuPG made, seen with the eyes of who will read it. */
static int check_message(struct span message, struct err *err)
{
	struct pgp_message look;

	if (pgp_message_look(message, &look, err) < 0)
		return err_wrap(err, "GnuPG wrote a message that is none");
	if (look.sealed == PGP_SEALED)
		return 0;
	return err_set(err, ERR_USAGE,
			"GnuPG wrote a packet with the tag %u, which readers of layers do not know: put "
			"rfc4880 into "
			"its gpg.conf, or take AEAD out of the key's preferences",
			look.sealed);
}

int gpg_encrypt(struct gpg *gpg, struct span plain, struct buf *out, struct err *err)
{
	struct gpgme_data_cbs calls = { .write = write_buf };
	gpgme_encrypt_flags_t flags =
			GPGME_ENCRYPT_ALWAYS_TRUST | GPGME_ENCRYPT_NO_ENCRYPT_TO | GPGME_ENCRYPT_NO_COMPRESS;
	auto_buf struct buf message = BUF_MAX(2 * SECRET_MAX);
	auto_data gpgme_data_t in = NULL;
	auto_data gpgme_data_t sink = NULL;
	gpgme_error_t status = gpgme_data_new_from_mem(&in, plain.ptr, plain.len, 0);

	if (!status)
		status = gpgme_data_new_from_cbs(&sink, &calls, &message);
	if (!status &&
			gpg_wait(&gpg->wait, gpg->ctx,
					gpgme_op_encrypt_start(gpg->ctx, gpg->keys, flags, in, sink),
					GPG_TIMEOUT, &status, err) < 0)
		return -1;
	if (status)
		return gpgme_fail(err, ERR_IO, status, "encrypting");
	if (check_message(buf_span(&message), err) < 0)
		return -1;
	buf_add_span(out, buf_span(&message));
	return buf_check(out, "the OpenPGP message", err);
}

/* Room of the greatest size, filled up to len. */
struct plaintext {
	struct secret room;
	size_t len;
	bool over;
};

static ssize_t write_secret(void *ctx, const void *bytes, size_t len)
{
	struct plaintext *out = ctx;

	if (len > out->room.len - out->len) {
		out->over = true;
		errno = EFBIG;
		return -1;
	}
	memcpy(out->room.ptr + out->len, bytes, len);
	out->len += len;
	return (ssize_t)len;
}

static int why_undecrypted(const struct gpg *gpg, gpgme_error_t status, struct err *err)
{
	gpgme_err_code_t code = gpgme_err_code(status);

	if (code == GPG_ERR_NO_SECKEY)
		return err_set(err, ERR_AUTH, "no secret key for any recipient of the message");
	if (code == GPG_ERR_BAD_PASSPHRASE || code == GPG_ERR_CANCELED)
		return err_set(err, ERR_AUTH, "the OpenPGP key %s",
				gpg->password.len ? "has another password" : "needs a password");
	if (code == GPG_ERR_NO_DATA || code == GPG_ERR_BAD_DATA)
		return gpgme_fail(err, ERR_FORMAT, status, "the message");
	return gpgme_fail(err, ERR_AUTH, status, "the message does not open");
}

static int decrypt(struct gpg *gpg, struct span message, struct plaintext *plain, struct err *err)
{
	struct gpgme_data_cbs calls = { .write = write_secret };
	auto_data gpgme_data_t in = NULL;
	auto_data gpgme_data_t sink = NULL;
	gpgme_error_t status = gpgme_data_new_from_mem(&in, message.ptr, message.len, 0);
	int timeout = gpg->home ? GPG_TIMEOUT : GPG_TIMEOUT_PERSON;

	if (!status)
		status = gpgme_data_new_from_cbs(&sink, &calls, plain);
	if (!status &&
			gpg_wait(&gpg->wait, gpg->ctx, gpgme_op_decrypt_start(gpg->ctx, in, sink), timeout,
					&status, err) < 0)
		return -1;
	if (plain->over)
		return err_set(err, ERR_LIMIT, "the message holds more than %zu bytes", plain->room.len);
	return status ? why_undecrypted(gpg, status, err) : 0;
}

int gpg_decrypt(struct gpg *gpg, struct span message, struct secret *out, struct err *err)
{
	struct plaintext plain = { .room = SECRET_NONE };

	if (secret_alloc(&plain.room, SECRET_MAX, err) < 0)
		return -1;
	int status = decrypt(gpg, message, &plain, err);
	if (status == 0)
		status = secret_from_span(out, span_new(plain.room.ptr, plain.len), err);
	secret_clear(&plain.room);
	return status;
}
