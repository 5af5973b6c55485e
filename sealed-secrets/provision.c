/* SPDX-License-Identifier: Apache-2.0 */
/* sealed-secrets provision: puts resources into a key broker, with its owner's key. */
#include "base/alloc.h"
#include "base/b64.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/own.h"
#include "codec/json.h"
#include "codec/yaml.h"
#include "kbs/admin.h"
#include "kbs/message.h"
#include "kube/name.h"
#include "sealed-secrets/input.h"
#include "sealed-secrets/plan.h"
#include "sealed-secrets/settings.h"
#include "sealed-secrets/verbs.h"

#include <stdio.h>
#include <string.h>

struct provision {
	struct opt_rest plans;
	struct opt_list resources;
	struct opt_list references;
	const char *policy;
	const char *kbs;
	const char *key;
	const char *token;
	const char *ca;
	const char *role;
	const char *claims;
	bool plain_http;
	bool elsewhere;
	bool dry_run;
	const char *namespace;
	const char *config;
	int form;
};

enum { AS_TEXT, AS_JSON, AS_SECRET, AS_KBSCONFIG };
static const char *const as_words[] = { "text", "json", "secret", "kbsconfig", NULL };

#define OUTPUT_MAX ((size_t)32 * 1024 * 1024)

/* ---- to a broker ---- */

static int check_place(const struct provision *settings, struct err *err)
{
	if (!settings->kbs)
		return err_set(err, ERR_USAGE, "--kbs is missing: the key broker's URL");
	if (settings_in_pod() && !settings->elsewhere)
		return err_set(err, ERR_DENIED,
				"this runs in a pod: the administrator's key of a key broker must never be "
				"in the cluster "
				"whose workloads it protects; in another cluster, of a CI system, say "
				"--other-cluster");
	return 0;
}

static int put_policy(const struct provision *settings, struct kbs_admin *admin, struct err *err)
{
	auto_buf struct buf rego = BUF_MAX(KBS_BODY_MAX);

	if (!settings->policy || settings->dry_run)
		return 0;
	if (input_text(settings->policy, &rego, err) < 0)
		return -1;
	return kbs_admin_resource_policy(admin, buf_span(&rego), err) < 0
			? err_wrap(err, "the resource policy")
			: 0;
}

/* NAME=JSON */
static int put_reference(
		const struct provision *settings, struct kbs_admin *admin, const char *word, struct err *err)
{
	const char *equals = strchr(word, '=');
	json_error_t why;

	if (!equals || equals == word)
		return err_set(err, ERR_USAGE, "'%s': a name and its value, as in svn=[\"1\"]", word);
	auto_free char *name = xmemdup0(word, (size_t)(equals - word));
	if (!span_is_utf8(span_of(word)))
		return err_set(err, ERR_USAGE, "a reference value is no text in UTF-8");
	auto_json json_t *value = json_loads(equals + 1, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, &why);
	if (!value)
		return err_set(err, ERR_USAGE, "the value of '%s' is no JSON: %s", name, why.text);
	return settings->dry_run ? 0 : kbs_admin_reference_value(admin, name, value, err);
}

static int put_all(const struct provision *settings, const struct plan *plan, struct err *err)
{
	const struct kbs_admin_options options = { .url = settings->kbs,
		.key_file = settings->key,
		.token_file = settings->token,
		.ca_file = settings->ca,
		.role = settings->role,
		.claims_file = settings->claims,
		.user_agent = "sealed-secrets/" COCOON_VERSION,
		.plain_http = settings->plain_http,
		.clock = &clock_real };
	auto_kbs_admin struct kbs_admin *admin = NULL;
	auto_json json_t *done = json_array();

	if (check_place(settings, err) < 0 || kbs_admin_open(&options, &admin, err) < 0)
		return -1;
	for (size_t i = 0; i < plan->count; i++) {
		const struct resource *item = &plan->items[i];
		if (!settings->dry_run && kbs_admin_put(admin, &item->uri, buf_span(&item->bytes), err) < 0)
			return err_wrap(err, "%zu of %zu resources are provisioned; then '%s'", i,
					plan->count, item->uri.path);
		if (settings->form == AS_TEXT)
			printf("kbs:///%s\n", item->uri.path);
		json_array_append_new(done, json_string(item->uri.path));
	}
	for (size_t i = 0; i < settings->references.count; i++)
		if (put_reference(settings, admin, settings->references.items[i], err) < 0)
			return -1;
	if (put_policy(settings, admin, err) < 0)
		return -1;
	return settings->form == AS_JSON
			? json_print(json_pack("{s:s,s:b,s:O}", "kbs", settings->kbs, "dryRun",
						     settings->dry_run, "resources", done),
					  err)
			: 0;
}

/* ---- for the operator of Trustee: Secret S, key K is the resource default/S/K ---- */

/* REPOSITORY/TYPE/TAG into the last two. */
static int split(const struct kbs_uri *uri, char **type, const char **tag, struct err *err)
{
	const char *first = strchr(uri->path, '/');
	const char *second = first ? strchr(first + 1, '/') : NULL;

	if (!second || strncmp(uri->path, "default/", 8) != 0 || strcmp(uri->plugin, "resource") != 0)
		return err_set(err, ERR_USAGE,
				"'%s': the operator's resources are all kbs:///default/SECRET/KEY",
				uri->path);
	*type = xmemdup0(first + 1, (size_t)(second - first - 1));
	*tag = second + 1;
	if (!name_is_label(span_of(*type)))
		return err_set(err, ERR_USAGE,
				"'%s' becomes the name of a Secret and of a volume: at most 63 small "
				"letters, "
				"digits and '-', which neither begins nor ends it",
				*type);
	return 0;
}

/* {SECRET: {KEY: base64}} */
static int group(const struct plan *plan, json_t *secrets, struct err *err)
{
	for (size_t i = 0; i < plan->count; i++) {
		auto_free char *type = NULL;
		auto_wiped_buf struct buf encoded = BUF_MAX(2 * SECRET_MAX);
		const char *tag = NULL;
		if (split(&plan->items[i].uri, &type, &tag, err) < 0)
			return -1;
		if (!json_object_get(secrets, type))
			json_object_set_new(secrets, type, json_object());
		(void)buf_room(&encoded, b64_encoded_len(plan->items[i].bytes.len) + 1);
		b64_encode(&encoded, buf_span(&plan->items[i].bytes));
		json_object_set_new(json_object_get(secrets, type), tag,
				json_stringn(buf_text(&encoded), encoded.len));
	}
	return 0;
}

static int print_secrets(const struct provision *settings, const json_t *secrets, struct err *err)
{
	auto_wiped_buf struct buf text = BUF_MAX(OUTPUT_MAX);
	const char *name;
	json_t *data;

	/* all at once: a buffer that grows leaves copies behind */
	(void)buf_room(&text, OUTPUT_MAX);
	json_object_foreach ((json_t *)(uintptr_t)secrets, name, data) {
		auto_json json_t *secret = json_pack("{s:s,s:s,s:{s:s,s:s},s:s,s:O}", "apiVersion", "v1",
				"kind", "Secret", "metadata", "name", name, "namespace", settings->namespace,
				"type", "Opaque", "data", data);
		if (!secret)
			return err_set(err, ERR_USAGE, "--namespace is no text in UTF-8");
		buf_puts(&text, "---\n");
		yaml_write(&text, secret);
	}
	if (buf_check(&text, "the Secrets", err) < 0)
		return -1;
	return output_secret(NULL, buf_span(&text), false, err);
}

/* A patch of the list, which others write, too: each name is appended, none is replaced. */
static int print_patch(const struct provision *settings, const json_t *secrets, struct err *err)
{
	json_t *patch = json_array();
	const char *name;
	json_t *data;

	json_object_foreach ((json_t *)(uintptr_t)secrets, name, data)
		json_array_append_new(patch,
				json_pack("{s:s,s:s,s:s}", "op", "add", "path", "/spec/kbsSecretResources/-",
						"value", name));
	fprintf(stderr,
			"apply the Secrets first (--output secret), then: kubectl -n %s patch kbsconfig %s "
			"--type json -p "
			"\"$PATCH\"\n",
			settings->namespace, settings->config);
	return json_print(patch, err);
}

static int run(void *given, struct err *err)
{
	const struct provision *settings = given;
	auto_plan struct plan plan = PLAN_NONE;
	auto_json json_t *secrets = json_object();

	for (size_t i = 0; i < settings->plans.count; i++)
		if (plan_load(&plan, settings->plans.items[i], err) < 0)
			return -1;
	for (size_t i = 0; i < settings->resources.count; i++)
		if (plan_add_word(&plan, settings->resources.items[i], err) < 0)
			return -1;
	bool to_broker = settings->form == AS_TEXT || settings->form == AS_JSON;
	if (!plan.count && !(to_broker && (settings->references.count || settings->policy)))
		return err_set(err, ERR_USAGE, "nothing to provision: name plans, or --resource URI=FILE");
	if (to_broker)
		return put_all(settings, &plan, err);
	if (settings->references.count || settings->policy)
		return err_set(err, ERR_USAGE,
				"--reference-value and --resource-policy go to a broker, not into Secrets");
	if (group(&plan, secrets, err) < 0)
		return -1;
	return settings->form == AS_SECRET ? print_secrets(settings, secrets, err)
					   : print_patch(settings, secrets, err);
}

static const struct opt options[] = {
	OPT_LIST(struct provision, resources, "resource", 0, "URI=FILE",
			"a resource and its bytes: a file, - for standard input, fd:NUMBER; may be repeated"),
	OPT_LIST(struct provision, references, "reference-value", 0, "NAME=JSON",
			"a reference value of the attestation policy; may be repeated"),
	OPT_TEXT(struct provision, policy, "resource-policy", 0, "FILE",
			"the broker's one policy of who gets what, in Rego"),
	OPT_TEXT(struct provision, kbs, "kbs", 0, "URL", "the key broker"),
	OPT_TEXT(struct provision, key, "auth-private-key", 0, "FILE",
			"the administrator's private key: Ed25519, P-256, P-384 or P-521"),
	OPT_TEXT(struct provision, token, "admin-token-file", 0, "FILE",
			"a token of the administrator's instead"),
	OPT_TEXT(struct provision, ca, "cert-file", 0, "FILE",
			"the only roots to trust for the broker, in PEM"),
	OPT_TEXT(struct provision, role, "role", 0, "ROLE", "in the token (admin without this option)"),
	OPT_TEXT(struct provision, claims, "claims", 0, "FILE", "further claims of the token: a JSON object"),
	OPT_FLAG(struct provision, plain_http, "plain-http", 0, "allow http beyond this machine"),
	OPT_FLAG(struct provision, elsewhere, "other-cluster", 0,
			"this pod is in another cluster than the workloads"),
	OPT_FLAG(struct provision, dry_run, "dry-run", 0, "say what would be put, and put nothing"),
	OPT_ENUM(struct provision, form, "output", 'o', "FORM",
			"text or json: put into the broker, and say what; secret, kbsconfig: print objects "
			"for the "
			"operator of Trustee",
			as_words),
	OPT_TEXT(struct provision, namespace, "namespace", 'n', "NAMESPACE",
			"of the operator (trustee-operator-system without this option)"),
	OPT_TEXT(struct provision, config, "kbsconfig-name", 0, "NAME",
			"of the KbsConfig (kbsconfig without this option)"),
	OPT_END,
};

static const struct opt_arg args[] = {
	OPT_REST(struct provision, plans, "PLAN", 0, 64,
			"what 'convert' and 'registry-auth' have written; - for standard input"),
	OPT_ARG_END,
};

static const struct opt_example examples[] = {
	{ "what convert has taken out of manifests",
			"sealed-secrets provision secrets.plan --kbs https://kbs.example:8080 "
			"--auth-private-key admin.key" },
	{ "one secret, from a password manager",
			"pass show db | head -c -1 | sealed-secrets provision --kbs https://kbs.example:8080 "
			"\\\n"
			"    --auth-private-key admin.key --resource kbs:///default/db/password=-" },
	{ "for the operator of Trustee",
			"sealed-secrets provision secrets.plan --output secret | kubectl apply -f -\n"
			"kubectl -n trustee-operator-system patch kbsconfig kbsconfig --type json \\\n"
			"    -p \"$(sealed-secrets provision secrets.plan --output kbsconfig)\"" },
	OPT_EXAMPLE_END,
};

static const struct provision defaults = { .namespace = "trustee-operator-system", .config = "kbsconfig" };

const struct opt_verb provision_verb = {
	.name = "provision",
	.summary = "puts resources into a key broker",
	.description = "Every resource is created or replaced; the first that the broker refuses ends the "
		       "command, which can "
		       "be run again. Brokers do not tell what they hold: keep the plan's list elsewhere.\n\n"
		       "With --output secret and kbsconfig nothing is sent: the operator of Trustee makes "
		       "resources of "
		       "Secrets in its own, trusted cluster. It notices a new Secret in its list, but not "
		       "new content of "
		       "one that is there: change its name, or touch a ConfigMap of the KbsConfig.",
	.options = options,
	.args = args,
	.examples = examples,
	.size = sizeof(struct provision),
	.defaults = &defaults,
	.run = run,
};
