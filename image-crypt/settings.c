/* SPDX-License-Identifier: Apache-2.0 */
#include "image-crypt/settings.h"

#include "base/alloc.h"
#include "base/err.h"
#include "base/own.h"
#include "crypto/init.h"
#include "net/http.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CA_MAX           ((size_t)1024 * 1024)
#define PROVIDER_TIMEOUT 60000 /* ms: a provider may have to ask a broker, which may attest first */

static const char *env(const char *name)
{
	const char *value = getenv(name);

	return value && *value ? value : NULL;
}

/* One line USER:PASSWORD; the line end does not belong to the password. */
static int read_credentials(const char *path, struct secret *out, struct err *err)
{
	if (secret_read_file(out, path, err) < 0)
		return -1;
	while (out->len && strchr("\r\n", out->ptr[out->len - 1]))
		out->ptr[--out->len] = '\0';
	struct span line = secret_span(out);
	if (span_find(line, ':') == line.len || span_find(line, '\n') < line.len ||
			span_find(line, '\0') < line.len)
		return err_set(err, ERR_FORMAT, "'%s' does not hold one line USER:PASSWORD", path);
	return 0;
}

int access_init(const struct access_options *options, struct access *out, struct err *err)
{
	*out = (struct access){
		.oci = {
			.auth_file = options->auth_file,
			.plain_http = options->plain_http,
			.insecure = options->insecure,
			.user_agent = "image-crypt/" COCOON_VERSION,
		},
		.ca = BUF_MAX(CA_MAX),
	};
	if (crypto_init(true, err) < 0 || http_global_init(err) < 0)
		return -1;
	authfiles_find((const char *const *)environ, &out->files);
	out->oci.auth_files = out->files.paths;
	out->oci.proxy = out->files.proxy;
	out->oci.no_proxy = out->files.no_proxy;
	if (options->creds_file) {
		if (read_credentials(options->creds_file, &out->credentials, err) < 0)
			return err_wrap(err, "--creds-file");
		out->oci.credentials = (const char *)out->credentials.ptr;
	}
	if (options->ca_file) {
		if (http_ca_load(options->ca_file, &out->ca, err) < 0)
			return err_wrap(err, "--ca");
		out->oci.ca = buf_span(&out->ca);
	}
	return 0;
}

void access_clear(struct access *access)
{
	authfiles_clear(&access->files);
	free(access->ocicrypt_config);
	secret_clear(&access->credentials);
	buf_clear(&access->ca);
}

/* As ocicrypt looks for it: a file that is not there leaves it to the next place. NULL: none is there. */
static char *find_ocicrypt_config(void)
{
	const struct {
		const char *folder, *rest;
	} places[] = {
		{ env("OCICRYPT_CONFIG"), "" },
		{ env("XDG_CONFIG_HOME"), "/ocicrypt.conf" },
		{ env("HOME"), "/.config/ocicrypt.conf" },
		{ "/etc", "/ocicrypt.conf" },
	};

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		if (!places[i].folder)
			continue;
		auto_free char *path = xasprintf("%s%s", places[i].folder, places[i].rest);
		if (!strcmp(path, "internal") || access(path, F_OK) == 0)
			return take(&path);
	}
	return NULL;
}

int access_wrap_settings(struct access *access, struct wrap_settings *out, struct err *err)
{
	const char *hash = env("OCICRYPT_OAEP_HASHALG");

	free(access->ocicrypt_config);
	access->ocicrypt_config = find_ocicrypt_config();
	*out = (struct wrap_settings){
		.provider_config = env("OCICRYPT_KEYPROVIDER_CONFIG"),
		.provider_timeout = PROVIDER_TIMEOUT,
		.gnupg_home = env("GNUPGHOME"),
		.ocicrypt_config = access->ocicrypt_config,
		.oaep_sha1 = hash && !strcmp(hash, "sha1"),
	};
	if (hash && strcmp(hash, "sha1") != 0 && strcmp(hash, "sha256") != 0)
		return err_set(err, ERR_USAGE, "OCICRYPT_OAEP_HASHALG is '%s': it must be sha1 or sha256",
				hash);
	return 0;
}
