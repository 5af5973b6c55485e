/* SPDX-License-Identifier: Apache-2.0 */
/* sealed-secrets registry-auth: pull secrets as the file that guests read, to be kept in a key broker. */
#include "base/alloc.h"
#include "base/b64.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/own.h"
#include "codec/json.h"
#include "sealed-secrets/input.h"
#include "sealed-secrets/manifests.h"
#include "sealed-secrets/plan.h"
#include "sealed-secrets/verbs.h"

#include <stdio.h>
#include <string.h>

struct registry_auth {
	struct opt_rest files;
	const char *to;
	const char *uri;
	const char *plan;
	bool force;
};

#define AUTH_MAX ((size_t)60 * 1024)

/* What has been read so far: {"HOST": {"auth": "…"}}, and of what. */
struct gather {
	json_t *auths;
	const char *file;
	size_t secrets; /* pull secrets among the manifests */
};

/* ---- one entry ---- */

/* user:password as a guest splits it: it cuts newlines off both ends of the password. */
static int check_login(struct span login, const char *host, struct err *err)
{
	size_t colon = span_find(login, ':');

	if (colon == login.len || !colon)
		return err_set(err, ERR_FORMAT, "the entry of '%s' holds no user:password", host);
	struct span password = span_from(login, colon + 1);
	if (span_starts(password, "\n") || span_ends(password, "\n"))
		return err_set(err, ERR_FORMAT,
				"the password for '%s' begins or ends with a newline, which guests cut off",
				host);
	if (!span_is_utf8(login))
		return err_set(err, ERR_FORMAT, "the entry of '%s' is no text", host);
	return 0;
}

static int check_auth(const char *auth, const char *host, struct err *err)
{
	auto_secret struct secret login = SECRET_NONE;
	size_t len = 0;

	if (secret_alloc(&login, b64_decoded_max(strlen(auth)) + 1, err) < 0)
		return -1;
	if (b64_decode_raw(span_of(auth), login.ptr, &len, err) < 0)
		return err_wrap(err, "the entry of '%s': auth", host);
	return check_login(span_new(login.ptr, len), host, err);
}

/* Docker writes username and password beside auth, and some tools these alone. */
static int auth_of(const json_t *entry, const char *host, json_t **out, struct err *err)
{
	const char *auth = NULL, *user = NULL, *password = NULL;

	if (json_opt_text(entry, host, "auth", &auth, err) < 0 ||
			json_opt_text(entry, host, "username", &user, err) < 0 ||
			json_opt_text(entry, host, "password", &password, err) < 0)
		return -1;
	if (json_text_at(entry, "identitytoken", NULL) || json_text_at(entry, "registrytoken", NULL))
		return err_set(err, ERR_DENIED,
				"the entry of '%s' is a token, which guests do not read: make one of user "
				"and "
				"password",
				host);
	if (auth && *auth) {
		*out = json_string(auth);
		return check_auth(auth, host, err);
	}
	if (!user || !password)
		return err_set(err, ERR_DENIED,
				"the entry of '%s' is empty: a helper may have its credentials", host);
	auto_wiped_buf struct buf login = BUF_MAX(SECRET_MAX), encoded = BUF_MAX(2 * SECRET_MAX);
	(void)buf_room(&login, strlen(user) + strlen(password) + 2);
	buf_puts(&login, user);
	buf_putc(&login, ':');
	buf_puts(&login, password);
	if (buf_check(&login, "a login", err) < 0 || check_login(buf_span(&login), host, err) < 0)
		return -1;
	(void)buf_room(&encoded, b64_encoded_len(login.len) + 1);
	b64_encode(&encoded, buf_span(&login));
	*out = json_stringn(buf_text(&encoded), encoded.len);
	return 0;
}

static int add_entry(struct gather *gather, const char *host, const json_t *entry, struct err *err)
{
	auto_json json_t *auth = NULL;
	const json_t *old = json_at(gather->auths, host, "auth", NULL);

	if (strchr(host, '*'))
		return err_set(err, ERR_DENIED, "'%s': guests know no wildcards: name the registry", host);
	if (auth_of(entry, host, &auth, err) < 0)
		return -1;
	if (old && !json_equal(old, auth))
		return err_set(err, ERR_CONFLICT, "two different entries for '%s'", host);
	json_object_set_new(gather->auths, host, json_pack("{s:O}", "auth", auth));
	return 0;
}

/* ---- documents ---- */

static int add_config(struct gather *gather, const json_t *config, struct err *err)
{
	const json_t *auths = json_object_get(config, "auths"), *entry;
	const char *host;

	if (json_object_size(json_object_get(config, "credHelpers")) || json_object_get(config, "credsStore"))
		return err_set(err, ERR_DENIED,
				"credential helpers are programs of this machine, which guests do not have: "
				"log in "
				"without a helper, or name files without credHelpers and credsStore");
	if (!json_is_object(auths) || !json_object_size(auths))
		return err_set(err, ERR_FORMAT, "no entries below auths");
	json_object_foreach ((json_t *)(uintptr_t)auths, host, entry)
		if (add_entry(gather, host, entry, err) < 0)
			return -1;
	return 0;
}

static bool is_pull_secret(const char *where)
{
	return !strcmp(where, "data..dockerconfigjson") || !strcmp(where, "stringData..dockerconfigjson");
}

static int add_secret_entry(void *ctx, const struct candidate *candidate, struct err *err)
{
	struct gather *gather = ctx;
	auto_json json_t *config = NULL;

	if (!is_pull_secret(candidate->where))
		return 0;
	gather->secrets++;
	if (candidate->fault)
		return err_set(err, ERR_FORMAT, "%s: %s", candidate->where, candidate->fault);
	if (json_read(candidate->text, MANIFEST_TEXT_MAX, &config, err) < 0 ||
			add_config(gather, config, err) < 0)
		return err_wrap(err, "%s", candidate->where);
	return 0;
}

static int add_object(void *ctx, const struct object *object, struct err *err)
{
	if (strcmp(object->kind, "Secret") != 0)
		return 0;
	if (manifests_entries(object, add_secret_entry, ctx, err) < 0)
		return err_wrap(err, "Secret %s", object->name);
	return 0;
}

static int add_file(struct gather *gather, const char *path, struct err *err)
{
	auto_wiped_buf struct buf text = BUF_MAX(MANIFEST_TEXT_MAX);
	auto_manifest struct manifest manifest = MANIFEST_NONE;
	size_t before = gather->secrets;

	if (input_text(path, &text, err) < 0)
		return -1;
	if (manifest_read(buf_span(&text), &manifest, err) < 0)
		return err_wrap(err, "'%s'", path);
	const json_t *first = json_array_get(manifest.documents, 0);
	int result;
	if (!manifest_has_objects(&manifest) && json_object_get(first, "auths"))
		result = add_config(gather, first, err);
	else
		result = manifests_objects(&manifest, add_object, gather, err);
	if (!result && manifest_has_objects(&manifest) && gather->secrets == before)
		result = err_set(err, ERR_FORMAT, "holds no pull secret (kubernetes.io/dockerconfigjson)");
	return result < 0 ? err_wrap(err, "'%s'", path) : 0;
}

/* ---- the command ---- */

static int deliver(const struct registry_auth *settings, struct span text, struct err *err)
{
	auto_plan struct plan plan = PLAN_NONE;
	struct kbs_uri uri;

	if (!settings->plan)
		return output_secret(settings->to, text, settings->force, err);
	if (kbs_uri_parse(span_of(settings->uri), &uri, err) < 0) {
		err->kind = ERR_USAGE;
		return -1;
	}
	if (plan_add(&plan, &uri, text, err) < 0 ||
			plan_save(&plan, settings->plan, settings->force, err) < 0)
		return -1;
	printf("%s\n", settings->plan);
	fprintf(stderr, "in cdh.toml: [image] authenticated_registry_credentials_uri = \"%s\"\n",
			settings->uri);
	return 0;
}

static int run(void *given, struct err *err)
{
	const struct registry_auth *settings = given;
	auto_json json_t *auths = json_object();
	struct gather gather = { .auths = auths };
	auto_json json_t *whole = json_object();

	if (!settings->plan != !settings->uri || (settings->plan && settings->to))
		return err_set(err, ERR_USAGE, "--plan goes with --uri, and not with --to");
	for (size_t i = 0; i < settings->files.count; i++)
		if (add_file(&gather, settings->files.items[i], err) < 0)
			return -1;
	json_object_set(whole, "auths", auths);
	char *text = json_text(whole, true);
	struct span bytes = span_of(text);
	int result = bytes.len > AUTH_MAX
			? err_set(err, ERR_LIMIT, "more than %zu bytes of credentials", AUTH_MAX)
			: deliver(settings, bytes, err);
	explicit_bzero(text, bytes.len);
	free(text);
	return result;
}

static const struct opt options[] = {
	OPT_TEXT(struct registry_auth, to, "to", 0, "FILE", "write a new file that its owner alone can read"),
	OPT_TEXT(struct registry_auth, plan, "plan", 0, "FILE", "write a plan for 'provision' instead"),
	OPT_TEXT(struct registry_auth, uri, "uri", 0, "URI", "the resource, with --plan"),
	OPT_FLAG(struct registry_auth, force, "force", 'f', "overwrite what is there"),
	OPT_END,
};

static const struct opt_arg args[] = {
	OPT_REST(struct registry_auth, files, "FILE", 1, 64,
			"docker's config.json, or manifests with pull secrets; - for standard input"),
	OPT_ARG_END,
};

static const struct opt_example examples[] = {
	{ "the pull secret of a namespace, for guests that pull images themselves",
			"kubectl get secret regcred -o yaml | sealed-secrets registry-auth - \\\n"
			"    --plan regcred.plan --uri kbs:///default/credential/regcred\n"
			"sealed-secrets provision regcred.plan --kbs https://kbs.example:8080 "
			"--auth-private-key admin.key" },
	OPT_EXAMPLE_END,
};

const struct opt_verb registry_auth_verb = {
	.name = "registry-auth",
	.summary = "pull secrets as the file that guests read",
	.description = "A guest that pulls images itself reads {\"auths\":{HOST:{\"auth\":…}}} and nothing "
		       "else. What it could "
		       "not read is refused: credential helpers, identity tokens, wildcards, passwords with "
		       "newlines at "
		       "their ends.",
	.options = options,
	.args = args,
	.examples = examples,
	.size = sizeof(struct registry_auth),
	.run = run,
};
