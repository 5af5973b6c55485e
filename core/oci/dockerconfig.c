/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/dockerconfig.h"

#include "base/alloc.h"
#include "base/b64.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/own.h"
#include "base/run.h"
#include "codec/json.h"
#include "oci/store.h"

#include <stdlib.h>
#include <string.h>

#define HELPER_TIMEOUT 60000 /* ms: a keyring may ask a person */
#define HELPER_MAX     ((size_t)64 * 1024)
#define HELPER_PREFIX  "docker-credential-"
#define NOT_FOUND      "credentials not found in native keychain"
#define IDENTITY_USER  "<token>"
#define HUB            "docker.io"
#define HUB_SERVER     "https://index.docker.io/v1/"

/* All names that Docker Hub goes by, as keys of these files. */
static const char *const hub_names[] = { HUB, "index.docker.io", "registry-1.docker.io", HUB_SERVER };

void oci_login_clear(struct oci_login *login)
{
	free(login->user);
	secret_clear(&login->password);
	secret_clear(&login->identity);
	*login = (struct oci_login)OCI_LOGIN_NONE;
}

static void hand_over(struct oci_login *out, struct oci_login *from)
{
	oci_login_clear(out);
	*out = *from;
	*from = (struct oci_login)OCI_LOGIN_NONE;
}

/* The bytes behind the last that counts: editors and `echo` leave line ends, docker NULs. */
static struct span without_tail(struct span text)
{
	while (text.len && (!text.ptr[text.len - 1] || strchr("\r\n", text.ptr[text.len - 1])))
		text.len--;
	return text;
}

int oci_login_parse(struct span text, struct oci_login *out, struct err *err)
{
	size_t colon = span_find(text, ':');
	struct span password = without_tail(span_from(text, colon + 1));
	auto_secret struct secret copy = SECRET_NONE;

	if (colon == text.len || !colon)
		return err_set(err, ERR_FORMAT, "credentials must have the form user:password");
	for (size_t i = 0; i < colon + 1 + password.len; i++)
		if ((unsigned char)text.ptr[i] < 0x20)
			return err_set(err, ERR_FORMAT, "the credentials hold a control byte");
	if (secret_from_span(&copy, password, err) < 0)
		return -1;
	oci_login_clear(out);
	out->user = xmemdup0(text.ptr, colon);
	secret_move(&out->password, &copy);
	return 0;
}

/* ---- helpers ---- */

/* A name that cannot leave the folders of PATH. */
static bool is_helper_name(const char *name)
{
	size_t len = strlen(name);

	return len && len < 128 &&
			strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") ==
			len;
}

static int read_helper(struct span text, struct oci_login *out, struct err *err)
{
	auto_json json_t *answer = NULL;
	auto_oci_login struct oci_login fresh = OCI_LOGIN_NONE;
	const char *user = NULL, *secret = NULL;

	if (json_read(text, HELPER_MAX, &answer, err) < 0 ||
			json_get_text(answer, "", "Username", &user, err) < 0 ||
			json_get_text(answer, "", "Secret", &secret, err) < 0)
		return -1;
	bool identity = !strcmp(user, IDENTITY_USER);
	if (secret_from_span(identity ? &fresh.identity : &fresh.password, span_of(secret), err) < 0)
		return -1;
	fresh.user = identity ? NULL : xstrdup(user);
	hand_over(out, &fresh);
	return 0;
}

/* credential-helpers: "get", the server on standard input, JSON on standard output. */
static int run_helper(const char *name, const char *server, struct buf *said, bool *known, struct err *err)
{
	auto_free char *program = xasprintf(HELPER_PREFIX "%s", name);
	const char *const argv[] = { program, "get", NULL };
	struct run run = { .what = "the credential helper",
		.argv = argv,
		.input = span_of(server),
		.keep_stderr = true,
		.timeout = HELPER_TIMEOUT };
	struct err failure = ERR_NONE;

	*known = !run_program(&run, said, &failure);
	/* that it knows nothing is said so, with the exit code of a failure */
	if (*known || (failure.kind == ERR_DENIED && span_starts(span_trim(buf_span(said)), NOT_FOUND)))
		return 0;
	if (err)
		*err = failure;
	if (err && failure.kind == ERR_DENIED)
		err->kind = ERR_AUTH;
	return -1;
}

static int ask_helper(const char *name, const char *host, struct oci_login *out, struct err *err)
{
	struct buf said = BUF_MAX(HELPER_MAX);
	bool known = false;

	if (!is_helper_name(name))
		return err_set(err, ERR_FORMAT, "'%.40s' cannot be the name of a credential helper", name);
	/* at once, so that no smaller copy of a secret is left behind by growing */
	(void)buf_room(&said, HELPER_MAX);
	int result = run_helper(name, strcmp(host, HUB) ? host : HUB_SERVER, &said, &known, err);
	if (!result && known && read_helper(buf_span(&said), out, err) < 0)
		result = err_wrap(err, "what the credential helper '" HELPER_PREFIX "%s' printed", name);
	explicit_bzero(said.ptr, said.cap);
	buf_clear(&said);
	return result;
}

/* ---- the file ---- */

/* The member for the host, under any name of Docker Hub's where it is that. */
static json_t *for_host(const json_t *table, const char *host)
{
	json_t *found = json_object_get(table, host);

	for (size_t i = 0; !found && !strcmp(host, HUB) && i < sizeof(hub_names) / sizeof(hub_names[0]); i++)
		found = json_object_get(table, hub_names[i]);
	return found;
}

static int find_helper(const json_t *config, const char *host, const char **name, struct err *err)
{
	json_t *helpers = NULL;

	if (json_opt_object(config, "", "credHelpers", &helpers, err) < 0 ||
			json_opt_text(config, "", "credsStore", name, err) < 0)
		return -1;
	const json_t *own = for_host(helpers, host);
	if (own && !json_is_string(own))
		return err_set(err, ERR_FORMAT, "credHelpers.%.100s: must be a text", host);
	/* docker: an empty name says that there is none */
	if (own)
		*name = json_string_value(own);
	if (*name && !**name)
		*name = NULL;
	return 0;
}

/* "https://registry.example/v1/" means registry.example in docker's old files. */
static bool is_old_key(const char *key, const char *host)
{
	struct span name = span_of(key);

	if (span_starts(name, "https://"))
		name = span_from(name, 8);
	else if (span_starts(name, "http://"))
		name = span_from(name, 7);
	else
		return false;
	name.len = span_find(name, '/');
	if (span_is(name, host))
		return true;
	for (size_t i = 0; !strcmp(host, HUB) && i < sizeof(hub_names) / sizeof(hub_names[0]); i++)
		if (span_is(name, hub_names[i]))
			return true;
	return false;
}

static const json_t *find_entry(json_t *auths, const char *host, const char *repository)
{
	auto_free char *key = xasprintf("%s/%s", host, repository);
	const char *name = NULL;
	json_t *entry = NULL;

	/* containers-auth.json(5): the repository, then each folder above it, then the host */
	for (char *slash; (slash = strrchr(key, '/')); *slash = '\0')
		if ((entry = json_object_get(auths, key)))
			return entry;
	if ((entry = for_host(auths, host)))
		return entry;
	json_object_foreach (auths, name, entry)
		if (is_old_key(name, host))
			return entry;
	return NULL;
}

static int decode_auth(const char *text, struct oci_login *out, struct err *err)
{
	auto_secret struct secret plain = SECRET_NONE;
	size_t len = 0;

	if (secret_alloc(&plain, b64_decoded_max(strlen(text)) + 1, err) < 0)
		return -1;
	if (b64_decode_raw(span_of(text), plain.ptr, &len, NULL) < 0)
		return err_set(err, ERR_FORMAT, "auth is not base64 of user:password");
	return oci_login_parse(span_new(plain.ptr, len), out, err);
}

static int read_entry(const json_t *entry, struct oci_login *out, struct err *err)
{
	auto_oci_login struct oci_login fresh = OCI_LOGIN_NONE;
	const char *basic = NULL, *identity = NULL;

	if (json_opt_text(entry, "auths[]", "auth", &basic, err) < 0 ||
			json_opt_text(entry, "auths[]", "identitytoken", &identity, err) < 0)
		return -1;
	bool has_basic = basic && *basic, has_identity = identity && *identity;
	if (has_basic && decode_auth(basic, &fresh, err) < 0)
		return -1;
	if (has_identity && secret_from_span(&fresh.identity, span_of(identity), err) < 0)
		return -1;
	/* an empty entry is what docker leaves where the password is in credsStore */
	if (!has_basic && !has_identity)
		return 0;
	hand_over(out, &fresh);
	return 0;
}

static bool is_found(const struct oci_login *login)
{
	return login->user || login->identity.len;
}

/* helpers: those that the document names may run. */
static int find(const json_t *config, bool helpers, const char *host, const char *repository,
		struct oci_login *out, struct err *err)
{
	auto_oci_login struct oci_login fresh = OCI_LOGIN_NONE;
	const char *helper = NULL;
	json_t *auths = NULL;

	if ((helpers && find_helper(config, host, &helper, err) < 0) ||
			json_opt_object(config, "", "auths", &auths, err) < 0 ||
			(helper && ask_helper(helper, host, &fresh, err) < 0))
		return -1;
	const json_t *entry = is_found(&fresh) ? NULL : find_entry(auths, host, repository);
	if (entry && read_entry(entry, &fresh, err) < 0)
		return err_wrap(err, "the entry for %s", host);
	if (!is_found(&fresh))
		return 0;
	hand_over(out, &fresh);
	return 0;
}

static int find_in_text(struct span text, bool helpers, const char *host, const char *repository,
		struct oci_login *out, struct err *err)
{
	auto_json json_t *config = NULL;

	if (json_read(text, DOCKERCONFIG_MAX, &config, err) < 0)
		return -1;
	return find(config, helpers, host, repository, out, err);
}

int dockerconfig_find(struct span text, const char *host, const char *repository, struct oci_login *out,
		struct err *err)
{
	return find_in_text(text, true, host, repository, out, err);
}

/* ---- all of them ---- */

static int find_in_file(const char *path, bool may_be_missing, const struct oci_place *place,
		struct oci_login *out, struct err *err)
{
	struct buf text = BUF_MAX(DOCKERCONFIG_MAX);
	struct err failure = ERR_NONE;
	/* at once, so that no smaller copy of a secret is left behind by growing */
	(void)buf_room(&text, DOCKERCONFIG_MAX);
	int result = fs_read(path, &text, &failure);

	/* ERR_NOT_FOUND of a helper is another matter */
	bool missing = result < 0 && failure.kind == ERR_NOT_FOUND && may_be_missing;
	if (!result && dockerconfig_find(buf_span(&text), place->host, place->repository, out, &failure) < 0)
		result = err_wrap(&failure, "'%s'", path);
	if (text.ptr)
		explicit_bzero(text.ptr, text.cap);
	buf_clear(&text);
	if (!result || missing)
		return 0;
	if (err)
		*err = failure;
	return -1;
}

int oci_login_find(const struct oci_access *access, const struct oci_place *place, struct oci_login *out,
		struct err *err)
{
	if (access->credentials)
		return oci_login_parse(span_of(access->credentials), out, err);
	for (size_t i = 0; access->auth_texts && i < access->auth_text_count && !is_found(out); i++)
		if (find_in_text(access->auth_texts[i], false, place->host, place->repository, out, err) < 0)
			return err_wrap(err, "the credentials' text %zu of %zu", i + 1,
					access->auth_text_count);
	if (access->auth_texts)
		return 0;
	if (access->auth_file)
		return find_in_file(access->auth_file, false, place, out, err);
	for (size_t i = 0; access->auth_files && access->auth_files[i] && !is_found(out); i++)
		if (find_in_file(access->auth_files[i], true, place, out, err) < 0)
			return -1;
	return 0;
}
