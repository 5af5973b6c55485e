/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image-crypt containerd-config: the part of containerd's configuration that makes it decrypt with our decoder
 * (image-encryption.md, 6.3 to 6.5).
 */
#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "codec/toml.h"
#include "image-crypt/verbs.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LAYER          "application/vnd.oci.image.layer.v1.tar"
#define PATH_MAX_BYTES 4096

struct config_settings {
	const char *decoder;
	const char *keys;
	const char *providers;
	int release;
};

static const char *const release_words[] = { "1.6", "1.7", "2.0", "2.1", "2.2", "2.3", NULL };
enum release { RELEASE_1_6, RELEASE_1_7, RELEASE_2_0, RELEASE_2_1, RELEASE_2_2, RELEASE_2_3 };

/* What is special about a release: the first of its patches that decrypts pods' images, where not all do. */
static const struct {
	const char *from;
	bool never;
} releases[] = {
	[RELEASE_1_6] = { NULL, false },
	[RELEASE_1_7] = { NULL, false },
	[RELEASE_2_0] = { NULL, true },
	[RELEASE_2_1] = { "2.1.9", false },
	[RELEASE_2_2] = { "2.2.2", false },
	[RELEASE_2_3] = { NULL, false },
};

static bool is_second(const struct config_settings *settings)
{
	return settings->release >= RELEASE_2_0;
}

/* ---- text ------------------------------------------------------------------------------------------------ */

static void put_string(struct buf *out, const char *text)
{
	toml_write_string(out, span_of(text));
}

/* The two processors bear containerd's own names: keys are handed to these alone. */
static void put_processor(const struct config_settings *settings, const char *end, const char *accepts,
		const char *returns, struct buf *out)
{
	auto_buf struct buf variable = BUF_MAX(2 * PATH_MAX_BYTES);

	buf_printf(&variable, "OCICRYPT_KEYPROVIDER_CONFIG=%s", settings->providers);
	buf_printf(out, "  [stream_processors.\"io.containerd.ocicrypt.decoder.v1.%s\"]\n", end);
	buf_printf(out, "    accepts = [%s]\n    returns = \"%s\"\n    path = ", accepts, returns);
	put_string(out, settings->decoder);
	buf_puts(out, "\n    args = [\"--decryption-keys-path\", ");
	put_string(out, settings->keys);
	buf_puts(out, "]\n    env = [");
	put_string(out, buf_text(&variable));
	buf_puts(out, "]\n");
}

static void put_processors(const struct config_settings *settings, struct buf *out)
{
	buf_puts(out,
			"[stream_processors]\n"
			"  # zstd stands here because keys reach a processor by its name, and only these two "
			"names get\n"
			"  # any; containerd sees by the bytes what the layer is compressed with.\n");
	put_processor(settings, "tar.gzip", "\"" LAYER "+gzip+encrypted\", \"" LAYER "+zstd+encrypted\"",
			LAYER "+gzip", out);
	put_processor(settings, "tar", "\"" LAYER "+encrypted\"", LAYER, out);
}

static void put_head(const struct config_settings *settings, struct buf *out)
{
	const char *release = release_words[settings->release];

	buf_printf(out, "# Encrypted images in containerd %s, decrypted by image-crypt-decoder.\n", release);
	buf_puts(out,
			"# Private keys lie in the folder behind --decryption-keys-path: PEM, DER or JWK, "
			"the password of\n"
			"# FILE in FILE.pass; certificates for pkcs7. Restart containerd afterwards.\n");
	if (releases[settings->release].from)
		buf_printf(out, "# Pods' images are decrypted from %s on; earlier patches of %s cannot.\n",
				releases[settings->release].from, release);
	if (releases[settings->release].never)
		buf_printf(out,
				"# WARNING: no %s decrypts the images of pods: they fail to pull. Clients "
				"that send "
				"keys\n# along (ctr-enc, nerdctl) are served.\n",
				release);
	buf_printf(out, "version = %d\n\n", is_second(settings) ? 3 : 2);
}

/*
 * The key model "node" makes the CRI plugin hand a payload to the decoder. 1.6 and 1.7 have it unless told otherwise, and
 * must not be told here: a table of the CRI plugin in an imported file takes the place of the whole one in config.toml,
 * with its registries and runtimes.
 */
static void put_cri(const struct config_settings *settings, struct buf *out)
{
	if (releases[settings->release].never)
		return;
	if (!is_second(settings)) {
		buf_puts(out,
				"\n# The CRI plugin's image_decryption.key_model is \"node\" unless "
				"config.toml says otherwise.\n"
				"# Leave it so, and do not set it here: a table of the CRI plugin in an "
				"imported file takes the\n"
				"# place of all that config.toml says about that plugin.\n");
		return;
	}
	buf_puts(out,
			"\n[plugins.'io.containerd.cri.v1.images']\n"
			"  # the transfer service, which pulls otherwise, gives no keys to the decoder\n"
			"  use_local_image_pull = true\n"
			"  [plugins.'io.containerd.cri.v1.images'.image_decryption]\n"
			"    key_model = \"node\"\n");
}

/* ---- the command ----------------------------------------------------------------------------------------- */

static int check_path(const char *option, const char *path, struct err *err)
{
	struct span text = span_of(path);

	if (!span_starts(text, "/"))
		return err_set(err, ERR_USAGE, "--%s '%.200s' must be an absolute path on the node", option,
				path);
	if (text.len >= PATH_MAX_BYTES || !span_is_utf8(text))
		return err_set(err, ERR_USAGE, "--%s is no path", option);
	return 0;
}

static int run(void *given, struct err *err)
{
	const struct config_settings *settings = given;
	auto_buf struct buf out = BUF_MAX((size_t)64 * 1024);
	const char *release = release_words[settings->release], *from = releases[settings->release].from;

	if (check_path("decoder", settings->decoder, err) < 0 ||
			check_path("keys", settings->keys, err) < 0 ||
			check_path("keyprovider-config", settings->providers, err) < 0)
		return -1;
	put_head(settings, &out);
	put_processors(settings, &out);
	put_cri(settings, &out);
	if (buf_check(&out, "the configuration", err) < 0)
		return -1;
	if (releases[settings->release].never)
		fprintf(stderr,
				"warning: containerd %s does not decrypt the images of pods; 1.6, 1.7, "
				"2.1.9, 2.2.2 "
				"and 2.3.0 do\n",
				release);
	if (from)
		fprintf(stderr, "note: containerd %s decrypts the images of pods from %s on\n", release,
				from);
	return fs_write_fd(STDOUT_FILENO, "standard output", buf_span(&out), err);
}

static const struct opt options[] = {
	OPT_ENUM(struct config_settings, release, "containerd", 'c', "RELEASE",
			"the containerd that reads it: 1.6, 1.7, 2.0, 2.1, 2.2 or 2.3", release_words,
			.required = true),
	OPT_TEXT(struct config_settings, decoder, "decoder", 0, "FILE", "the decoder's path on the node"),
	OPT_TEXT(struct config_settings, keys, "keys", 0, "DIR", "the folder of keys on the node"),
	OPT_TEXT(struct config_settings, providers, "keyprovider-config", 0, "FILE",
			"the configuration of key providers on the node; it need not exist"),
	OPT_END,
};

static const struct opt_example examples[] = {
	{ "a drop-in for a node with containerd 1.7; config.toml must import it",
			"image-crypt containerd-config --containerd 1.7 "
			">/etc/containerd/conf.d/encrypted.toml" },
	OPT_EXAMPLE_END,
};

static const struct config_settings defaults = {
	.decoder = "/usr/local/bin/image-crypt-decoder",
	.keys = "/etc/containerd/ocicrypt/keys",
	.providers = "/etc/containerd/ocicrypt/ocicrypt_keyprovider.conf",
};

const struct opt_verb containerd_config_verb = {
	.name = "containerd-config",
	.summary = "prints the configuration with which containerd decrypts images",
	.description = "The output is TOML for /etc/containerd/config.toml, or for a file that it imports. "
		       "The "
		       "decoder takes the place of ctd-decoder under containerd's own names of stream "
		       "processors, "
		       "because containerd hands keys to these alone.\n\nReleases differ: 1.6 and 1.7 "
		       "decrypt, 2.0 "
		       "does not for pods, 2.1 does from 2.1.9, 2.2 from 2.2.2, and 2.3; all 2.x need the "
		       "local "
		       "pull path, which the output asks for.",
	.options = options,
	.examples = examples,
	.size = sizeof(struct config_settings),
	.defaults = &defaults,
	.run = run,
};
