/* SPDX-License-Identifier: Apache-2.0 */
/* image-crypt keygen: new keys, for recipients, for key brokers, and sets for guests without a broker. */
#include "base/alloc.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/keyfile.h"
#include "base/own.h"
#include "crypto/pkey.h"
#include "image-crypt/verbs.h"
#include "image/packet.h"
#include "kbs/offline.h"

#include <stdio.h>
#include <unistd.h>

struct keygen_settings {
	int type;
	int64_t bits;
	int64_t offline;
	bool force;
	const char *out;
};

static const char *const type_words[] = { "rsa", "p256", "p384", "p521", "ed25519", "kek", NULL };
enum { TYPE_RSA, TYPE_P256, TYPE_P384, TYPE_P521, TYPE_ED25519, TYPE_KEK };

#define PUBLIC_MAX 8192
#define BITS       3072

/* The private key into the file, its public half beside it. */
static int write_pair(const struct keygen_settings *settings, const struct pkey *key, struct err *err)
{
	auto_free char *beside = xasprintf("%s.pub", settings->out);
	auto_secret struct secret private = SECRET_NONE;
	auto_buf struct buf public = BUF_MAX(PUBLIC_MAX);

	if (pkey_format_private(key, &private, err) < 0 || pkey_format_public(key, &public, err) < 0 ||
			keyfile_write(settings->out, secret_span(&private), KEYFILE_PRIVATE, settings->force,
					err) < 0)
		return -1;
	if (keyfile_write(beside, buf_span(&public), KEYFILE_PUBLIC, settings->force, err) < 0) {
		(void)unlink(settings->out);
		return -1;
	}
	printf("%s\n%s\n", settings->out, beside);
	return 0;
}

static int write_one(const struct keygen_settings *settings, const struct secret *bytes, struct err *err)
{
	if (keyfile_write(settings->out, secret_span(bytes), KEYFILE_PRIVATE, settings->force, err) < 0)
		return -1;
	printf("%s\n", settings->out);
	return 0;
}

static int make_offline(const struct keygen_settings *settings, struct err *err)
{
	auto_offline struct offline set = OFFLINE_NONE;
	auto_secret struct secret text = SECRET_NONE;

	if (offline_generate((size_t)settings->offline, &set, err) < 0 ||
			offline_format(&set, &text, err) < 0)
		return -1;
	return write_one(settings, &text, err);
}

static int make_kek(const struct keygen_settings *settings, struct err *err)
{
	auto_secret struct secret kek = SECRET_NONE;

	if (secret_random(&kek, PACKET_KEK, err) < 0)
		return -1;
	return write_one(settings, &kek, err);
}

static int run(void *given, struct err *err)
{
	static const enum pkey_kind kinds[] = { PKEY_RSA, PKEY_P256, PKEY_P384, PKEY_P521, PKEY_ED25519 };
	const struct keygen_settings *settings = given;
	auto_pkey struct pkey *key = NULL;

	if (settings->offline && (settings->type >= 0 || settings->bits))
		return err_set(err, ERR_USAGE,
				"--offline-kbc makes a set of its own: leave out --type and "
				"--bits");
	if (settings->offline)
		return make_offline(settings, err);
	if (settings->bits && settings->type > TYPE_RSA)
		return err_set(err, ERR_USAGE, "--bits is for --type rsa alone");
	if (settings->type == TYPE_KEK)
		return make_kek(settings, err);
	int type = settings->type < 0 ? TYPE_RSA : settings->type;
	unsigned bits = settings->bits ? (unsigned)settings->bits : BITS;
	if (pkey_generate(kinds[type], type == TYPE_RSA ? bits : 0, &key, err) < 0)
		return -1;
	return write_pair(settings, key, err);
}

static const struct opt options[] = {
	OPT_ENUM(struct keygen_settings, type, "type", 't', "TYPE",
			"rsa (without this option), p256, p384, p521 for jwe:; ed25519 for a key broker's "
			"administrator; kek for a key-encryption key",
			type_words),
	OPT_INT(struct keygen_settings, bits, "bits", 0, "BITS", 2048, 4096,
			"of an RSA key: 2048, 3072 (without this option) or 4096"),
	OPT_INT(struct keygen_settings, offline, "offline-kbc", 0, "COUNT", 1, OFFLINE_KEYS_MAX,
			"a set of so many key-encryption keys for guests with the offline_fs_kbc"),
	OPT_FLAG(struct keygen_settings, force, "force", 'f', "overwrite what is there"),
	OPT_END,
};

static const struct opt_arg args[] = {
	OPT_ONE(struct keygen_settings, out, "FILE",
			"the new key; its public half gets .pub behind the name"),
	OPT_ARG_END,
};

static const struct opt_example examples[] = {
	{ "a pair for the recipient jwe:team.key.pub", "image-crypt keygen team.key" },
	{ "a key that a key broker gives to guests",
			"image-crypt keygen --type kek nginx.kek\n"
			"image-crypt encrypt --kbs-key kbs:///default/image_key/nginx=nginx.kek oci:a "
			"oci:b" },
	{ "ten keys for guests without a broker",
			"image-crypt keygen --offline-kbc 10 aa-offline_fs_kbc-keys.json" },
	OPT_EXAMPLE_END,
};

static const struct keygen_settings defaults = { .type = -1 };

const struct opt_verb keygen_verb = {
	.name = "keygen",
	.summary = "makes keys",
	.description = "Private keys are written as PKCS#8 in PEM, public ones as SubjectPublicKeyInfo in "
		       "PEM, "
		       "key-encryption keys as 32 bytes as they are.\n\n"
		       "A private file is readable by its owner alone. Nothing is overwritten without "
		       "--force.",
	.options = options,
	.args = args,
	.examples = examples,
	.size = sizeof(struct keygen_settings),
	.defaults = &defaults,
	.run = run,
};
