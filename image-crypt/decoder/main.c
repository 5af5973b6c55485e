/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image-crypt-decoder: the process that containerd starts for every encrypted layer (image-encryption.md, 6.2).
 * Standard input is the encrypted layer, standard output the plain one, descriptor 3 the payload.
 */
#include "base/alloc.h"
#include "base/err.h"
#include "base/own.h"
#include "base/program.h"
#include "codec/json.h"
#include "crypto/init.h"
#include "image-crypt/decoder/flow.h"
#include "image-crypt/decoder/region.h"
#include "image/annotation.h"
#include "image/payload.h"
#include "image/wrap.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define PAYLOAD_FD       3
/* an attestation may stand behind a provider's answer */
#define PROVIDER_TIMEOUT 60000
/* time in which containerd sees an exit, on a busy machine too */
#define NOTICED_NS       500000000L
#define KEYS_OPTION      "decryption-keys-path"

struct settings {
	const char *keys;
	bool verify_first;
};

/* ---- the payload ----------------------------------------------------------------------------------------- */

static int no_payload(struct err *err)
{
	return err_set(err, ERR_IO,
			"read payload: read configFd: bad file descriptor: containerd gave no payload for "
			"this "
			"layer. It does so for the processors io.containerd.ocicrypt.decoder.v1.tar and "
			"….tar.gzip "
			"alone, and where image decryption is on (see 'image-crypt containerd-config')");
}

static int read_payload(struct payload *out, struct err *err)
{
	auto_region struct region region = REGION_NONE;

	if (region_read(&region, PAYLOAD_FD, PAYLOAD_MAX, err) < 0)
		return err_wrap(err, "read payload: read configFd");
	return payload_parse(span_new(region.ptr, region.len), out, err);
}

/* ---- keys ------------------------------------------------------------------------------------------------ */

/* Rings and tokens need other programs and modules, which a node rarely has: they are left out and said so. */
static bool drop_foreign(struct keys *keys)
{
	size_t kept = 0;

	for (size_t i = 0; i < keys->count; i++) {
		struct key swapped = keys->items[i];
		if (swapped.form == KEY_OTHER)
			continue;
		keys->items[i] = keys->items[kept];
		keys->items[kept++] = swapped;
	}
	bool dropped = kept < keys->count;
	while (keys->count > kept)
		key_clear(&keys->items[--keys->count]);
	return dropped;
}

static int gather_keys(const char *folder, struct payload *payload, struct err *err)
{
	size_t skipped = 0;

	if (folder && keys_add_folder(&payload->keys, folder, &skipped, err) < 0)
		return -1;
	if (skipped)
		fprintf(stderr, "warning: %zu file%s in '%s' %s no private key for decryption\n", skipped,
				skipped == 1 ? "" : "s", folder, skipped == 1 ? "is" : "are");
	if (drop_foreign(&payload->keys))
		payload->foreign = true;
	if (payload->foreign)
		fprintf(stderr,
				"warning: OpenPGP and PKCS#11 keys are passed over: this decoder opens jwe, "
				"pkcs7 and provider.* keys\n");
	return 0;
}

/* ---- the layer ------------------------------------------------------------------------------------------- */

static int open_options(const struct payload *payload, const struct opener_list *openers,
		struct public_options *public, struct private_options *private,
		unsigned char nonce[static LAYER_NONCE], struct err *err)
{
	const json_t *annotations = json_object_get(payload->descriptor, "annotations");

	if (annotation_get_public(annotations, public, err) < 0)
		return -1;
	if (annotation_unwrap(annotations, openers, private, err) < 0) {
		/* the keys are the node's, not words of a command line: exit code 1 */
		if (err && err->kind == ERR_USAGE)
			err->kind = ERR_AUTH;
		return -1;
	}
	return options_nonce(public, private, nonce, err);
}

static const char *folder_for_spool(void)
{
	const char *given = getenv("TMPDIR");

	return given && *given ? given : "/var/tmp";
}

static int copy_layer(const struct settings *settings, const struct payload *payload,
		const struct opener_list *openers, bool *gone, struct err *err)
{
	auto_private_options struct private_options private = PRIVATE_OPTIONS_NONE;
	struct public_options public;
	unsigned char nonce[LAYER_NONCE];

	if (open_options(payload, openers, &public, &private, nonce, err) < 0)
		return err_wrap(err, "call to DecryptLayer failed");
	const struct flow flow = {
		.key = &private.key,
		.nonce = nonce,
		.mac = public.mac,
		.verify_first = settings->verify_first,
		.spool = folder_for_spool(),
		.in = STDIN_FILENO,
		.out = STDOUT_FILENO,
	};
	if (flow_run(&flow, gone, err) == 0)
		return 0;
	if (err->kind == ERR_AUTH)
		err_wrap(err, "could not properly decrypt byte stream; exp hmac and actual hmac differ");
	return err_wrap(err, "could not copy data");
}

/* containerd's own default names a file that most nodes do not have: no file, no providers. */
static const char *provider_config(void)
{
	const char *path = getenv("OCICRYPT_KEYPROVIDER_CONFIG");

	if (!path || !*path)
		return NULL;
	if (access(path, F_OK) == 0 || errno != ENOENT)
		return path;
	fprintf(stderr,
			"warning: OCICRYPT_KEYPROVIDER_CONFIG names '%s', which is not there: no key "
			"providers\n",
			path);
	return NULL;
}

static int decode(const struct settings *settings, bool *gone, struct err *err)
{
	static const struct wrap_kind *const kinds[] = { &wrap_jwe, &wrap_pkcs7, &wrap_provider, NULL };
	const struct wrap_settings wraps = {
		.provider_config = provider_config(),
		.provider_timeout = PROVIDER_TIMEOUT,
	};
	auto_payload struct payload payload = PAYLOAD_NONE;
	auto_openers struct opener_list openers = OPENER_LIST_NONE;

	if (read_payload(&payload, err) < 0 || gather_keys(settings->keys, &payload, err) < 0)
		return -1;
	if (openers_open(kinds, &wraps, &payload.keys, &openers, err) < 0)
		return err_wrap(err, "call to DecryptLayer failed");
	return copy_layer(settings, &payload, &openers, gone, err);
}

static int run(void *given, struct err *err)
{
	bool gone = false;

	/* whoever reads the layer may leave: an error of the write, not the end of the process */
	signal(SIGPIPE, SIG_IGN);
	/* before anything is opened that could take its number */
	if (fcntl(PAYLOAD_FD, F_GETFD) < 0)
		return no_payload(err);
	if (crypto_ignore_config(err) < 0 || crypto_init(true, err) < 0)
		return -1;
	if (decode(given, &gone, err) == 0)
		return 0;
	if (gone)
		return 1;
	/* 2 is for wrong words on the command line */
	if (err->kind == ERR_USAGE)
		err->kind = ERR_DENIED;
	return -1;
}

/*
 * containerd reads standard output to its end and then asks whether the decoder has failed, without waiting for it: when
 * the end of the output and of the process come together, what was said here is often lost, and a person reads "wrong
 * diff id" instead. So another process, which has nothing but the pipe, keeps that open until the exit has been noticed.
 */
static void end_after_the_exit(void)
{
	struct stat status;

	if (fstat(STDOUT_FILENO, &status) < 0 || !S_ISFIFO(status.st_mode) || fork() != 0)
		return;
	close_range(0, STDOUT_FILENO - 1, 0);
	close_range(STDOUT_FILENO + 1, ~0U, 0);
	nanosleep(&(const struct timespec){ .tv_nsec = NOTICED_NS }, NULL);
	_exit(0);
}

/* ---- the program ----------------------------------------------------------------------------------------- */

static const struct opt options[] = {
	OPT_TEXT(struct settings, keys, KEYS_OPTION, 0, "DIR",
			"folder with private keys and certificates; NAME.pass is the password of NAME"),
	OPT_FLAG(struct settings, verify_first, "verify-first", 0,
			"write nothing before the whole layer has been verified"),
	OPT_END,
};

static const struct opt_section sections[] = {
	{ "DESCRIPTORS",
			"Standard input is the encrypted layer, standard output the layer, descriptor 3 the "
			"payload: "
			"the layer's descriptor with its wrapped keys, and keys that a client of containerd "
			"sent "
			"along." },
	{ "ENVIRONMENT",
			"OCICRYPT_KEYPROVIDER_CONFIG names the file with the key providers to ask.\n\nTMPDIR "
			"is the "
			"folder for the temporary file of --verify-first; /var/tmp without it." },
	OPT_SECTION_END,
};

/* containerd's configurations may have the option with one dash, as Go's programs take it. */
static void add_dashes(int argc, char **argv)
{
	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
		if (strncmp(argv[i], "-" KEYS_OPTION, strlen("-" KEYS_OPTION)) == 0)
			argv[i] = xasprintf("-%s", argv[i]);
}

int main(int argc, char **argv)
{
	static const char *const see_also[] = { "image-crypt(1)", "containerd-config.toml(5)", NULL };
	const struct opt_verb verbs[] = {
		{
				.summary = "decrypts the layers of encrypted images for containerd",
				.options = options,
				.size = sizeof(struct settings),
				.run = run,
		},
		OPT_VERB_END,
	};
	const struct opt_program program = {
		.name = "image-crypt-decoder",
		.summary = "decrypts the layers of encrypted images for containerd",
		.description = "containerd starts this program for every encrypted layer that it unpacks, "
			       "when its "
			       "configuration names it as stream processor; 'image-crypt containerd-config' "
			       "prints "
			       "such a configuration.\n\nThe HMAC of a layer is known at its end alone. "
			       "Until then the "
			       "last mebibyte is held back, so that a layer which was tampered with is never "
			       "complete; "
			       "with --verify-first nothing of it is written.",
		.version = COCOON_VERSION,
		.verbs = verbs,
		.see_also = see_also,
		.sections = sections,
	};

	json_wipe_freed();
	add_dashes(argc, argv);
	int status = program_main(&program, argc, argv);
	if (status != 0)
		end_after_the_exit();
	return status;
}
