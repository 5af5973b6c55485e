/* SPDX-License-Identifier: Apache-2.0 */
/* sealed-secrets convert: Secrets in manifests become sealed ones, as text, so that comments and order stay. */
#include "base/alloc.h"
#include "base/b64.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/own.h"
#include "codec/json.h"
#include "codec/line.h"
#include "codec/yamledit.h"
#include "sealed-secrets/input.h"
#include "sealed-secrets/jwks.h"
#include "sealed-secrets/manifests.h"
#include "sealed-secrets/plan.h"
#include "sealed-secrets/revise.h"
#include "sealed-secrets/uses.h"
#include "sealed-secrets/verbs.h"
#include "sealed/secret.h"
#include "sealed/token.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

struct convert {
	struct opt_rest files;
	const char *key;
	const char *kid;
	const char *plan;
	const char *repository;
	bool with_namespace;
	struct opt_list env;
	bool in_place;
	bool force;
	int form;
};

#define SHOWN_MAX 200

/* Of all files. */
struct work {
	const struct convert *settings;
	struct pkey *key;
	char *kid;
	struct plan plan;
	json_t *report; /* [{"file","object","where","resource"}] */
};

/* Of one file. */
struct page {
	struct work *work;
	const char *file;
	struct revision revision;
	const struct object *object; /* the Secret at hand */
	const struct place *place;   /* the pod at hand */
};

/* ---- names ---- */

/* As brokers store names: letters, digits, '_', '-', '.', and no '.' in front. */
static char *segment(const char *text)
{
	char *name = xstrdup(text);

	for (char *c = name; *c; c++)
		if (!isalnum((unsigned char)*c) && *c != '_' && *c != '-' && (*c != '.' || c == name))
			*c = '_';
	return name;
}

static int name_uri(const struct convert *settings, const char *namespace, const char *type, const char *tag,
		struct kbs_uri *out, struct err *err)
{
	bool with = settings->with_namespace && *namespace;
	auto_free char *whole = xasprintf("%s%s%s", with ? namespace : "", with ? "." : "", type);
	auto_free char *type_name = segment(whole), *tag_name = segment(tag);
	auto_free char *uri = xasprintf("kbs:///%s/%s/%s", settings->repository, type_name, tag_name);

	if (kbs_uri_parse(span_of(uri), out, err) < 0 || kbs_uri_check(out, err) < 0) {
		err->kind = ERR_USAGE;
		return -1;
	}
	return 0;
}

/* ---- sealing ---- */

static int seal(struct work *work, const struct kbs_uri *uri, struct buf *sealed, struct err *err)
{
	auto_sealed_secret struct sealed_secret secret = SEALED_SECRET_NONE;
	auto_buf struct buf payload = BUF_MAX(SEALED_PAYLOAD_MAX), name = BUF_MAX(KBS_URI_MAX + 16);

	kbs_uri_format(uri, &name);
	secret.type = SEALED_VAULT;
	secret.version = xstrdup(SEALED_VERSION);
	secret.provider = xstrdup("kbs");
	secret.name = xstrdup(buf_text(&name));
	secret.settings = json_object();
	secret.annotations = json_object();
	sealed_secret_format(&secret, &payload);
	if (buf_check(&payload, "the payload", err) < 0)
		return -1;
	return sealed_seal(buf_span(&payload), work->kid, work->key, sealed, err);
}

/* The plain bytes become a resource of the plan, and the sealed text takes their place. */
static int replace(struct page *page, const struct kbs_uri *uri, struct span plain,
		const struct revise_at *at, const char *label, const char *where, bool encode,
		struct err *err)
{
	struct work *work = page->work;
	auto_buf struct buf sealed = BUF_MAX(SEALED_MAX), encoded = BUF_MAX(2 * SEALED_MAX);

	if (plan_add(&work->plan, uri, plain, err) < 0) {
		if (err->kind == ERR_CONFLICT)
			return err_wrap(err,
					"two Secrets would be the same resource (--with-namespace tells them "
					"apart)");
		return -1;
	}
	if (seal(work, uri, &sealed, err) < 0)
		return -1;
	b64_encode(&encoded, buf_span(&sealed));
	revise(&page->revision, at, encode ? buf_text(&encoded) : buf_text(&sealed));
	json_array_append_new(work->report,
			json_pack("{s:o,s:s,s:s,s:s}", "file", json_line(SHOWN_MAX, "%s", page->file),
					"object", label, "where", where, "resource", uri->path));
	return 0;
}

/* ---- Secrets ---- */

/* Types that Kubernetes itself reads: sealed text would break them. */
static const char *kept_for(const char *type)
{
	static const char *const kept[] = { "kubernetes.io/service-account-token", "kubernetes.io/dockercfg",
		"kubernetes.io/dockerconfigjson", "bootstrap.kubernetes.io/token", "helm.sh/release.v1",
		NULL };

	for (const char *const *item = kept; type && *item; item++)
		if (!strcmp(type, *item))
			return *item;
	return NULL;
}

static void warn_kept(const char *name, const char *type)
{
	auto_json json_t *shown = json_line(SHOWN_MAX, "%s", name);

	fprintf(stderr, "warning: Secret %s stays as it is: Kubernetes reads %s itself%s\n",
			json_string_value(shown), type,
			strstr(type, "docker") ? " (see 'sealed-secrets registry-auth')" : "");
}

static int convert_entry(void *ctx, const struct candidate *candidate, struct err *err)
{
	struct page *page = ctx;
	const struct object *object = page->object;
	const char *key = strchr(candidate->where, '.') + 1;
	bool encode = span_starts(span_of(candidate->where), "data.");
	auto_free char *label = xasprintf("Secret %s", object->name);
	auto_free char *member = xmemdup0(candidate->where, (size_t)(key - 1 - candidate->where));
	struct revise_at at = { .document = object->document };
	struct kbs_uri uri;

	if (candidate->fault)
		return err_set(err, ERR_FORMAT, "%s: %s", candidate->where, candidate->fault);
	if (sealed_is(candidate->text))
		return 0;
	revise_at_add(&at, object->steps, object->depth);
	revise_at_key(&at, member);
	revise_at_key(&at, key);
	if (name_uri(page->work->settings, object->namespace, object->name, key, &uri, err) < 0)
		return -1;
	return replace(page, &uri, candidate->text, &at, label, candidate->where, encode, err);
}

static int convert_object(void *ctx, const struct object *object, struct err *err)
{
	struct page *page = ctx;
	const char *type = json_text_at(object->json, "type", NULL);

	if (strcmp(object->kind, "Secret") != 0)
		return 0;
	if (kept_for(type)) {
		warn_kept(object->name, type);
		return 0;
	}
	page->object = object;
	if (!*object->name)
		return err_set(err, ERR_FORMAT, "a Secret without a name");
	return manifests_entries(object, convert_entry, page, err) < 0
			? err_wrap(err, "Secret %s", object->name)
			: 0;
}

/* ---- literal values in environments ---- */

static bool is_asked_for(const struct convert *settings, const char *name)
{
	for (size_t i = 0; name && i < settings->env.count; i++)
		if (span_glob(span_of(settings->env.items[i]), span_of(name)))
			return true;
	return false;
}

static int convert_variable(struct page *page, const char *list, size_t container, size_t variable,
		const json_t *item, struct err *err)
{
	const struct place *place = page->place;
	const char *name = json_text_at(item, "name", NULL), *value = json_text_at(item, "value", NULL);
	const char *workload = strrchr(place->label, '/');
	struct revise_at at = { .document = place->document };
	struct kbs_uri uri;

	if (!value || !*value || !is_asked_for(page->work->settings, name) || sealed_is(span_of(value)))
		return 0;
	workload = workload ? workload + 1 : strchr(place->label, ' ') + 1;
	auto_free char *tag = xasprintf("%s-%zu.%s", list, container, name);
	auto_free char *where = xasprintf("%s[%zu].env[%zu].value", list, container, variable);
	revise_at_add(&at, place->steps, place->depth);
	revise_at_key(&at, "spec");
	revise_at_key(&at, list);
	revise_at_index(&at, container);
	revise_at_key(&at, "env");
	revise_at_index(&at, variable);
	revise_at_key(&at, "value");
	if (name_uri(page->work->settings, place->pod.namespace, workload, tag, &uri, err) < 0)
		return -1;
	return replace(page, &uri, span_of(value), &at, place->label, where, false, err);
}

static int convert_pod(struct page *page, struct err *err)
{
	const json_t *container, *item;
	size_t i, k;

	for (const char *const *list = manifests_containers; *list; list++)
		json_array_foreach (json_at(page->place->pod.object, "spec", *list, NULL), i, container)
			json_array_foreach (json_object_get(container, "env"), k, item)
				if (convert_variable(page, *list, i, k, item, err) < 0)
					return err_wrap(err, "%s", page->place->label);
	return 0;
}

/* ---- files ---- */

static int convert_text(struct page *page, struct err *err)
{
	auto_manifest struct manifest manifest = MANIFEST_NONE;

	if (manifest_read(buf_span(&page->revision.text), &manifest, err) < 0 ||
			manifests_objects(&manifest, convert_object, page, err) < 0)
		return -1;
	for (size_t i = 0; i < manifest.count; i++) {
		page->place = &manifest.places[i];
		if (convert_pod(page, err) < 0)
			return -1;
	}
	return revise_all(&page->revision, err);
}

static int write_page(const struct convert *settings, const struct page *page, struct err *err)
{
	struct span text = buf_span(&page->revision.text);

	if (!settings->in_place)
		return output_secret(NULL, text, false, err);
	return page->revision.count ? fs_write_atomic(page->file, text, 0666, err) : 0;
}

/* Nothing is written before all files are converted and the plan, without which all would be lost, is on disk. */
static int write_all(const struct convert *settings, struct work *work, struct page *pages, struct err *err)
{
	if (work->plan.count && plan_save(&work->plan, settings->plan, settings->force, err) < 0)
		return err_wrap(err, "the plan");
	for (size_t i = 0; i < settings->files.count; i++)
		if (write_page(settings, &pages[i], err) < 0)
			return err_wrap(err,
					"keep '%s', which holds what was converted, and convert the rest "
					"with "
					"another --plan",
					settings->plan);
	if (settings->form == FORM_JSON)
		return json_print(json_pack("{s:s?,s:O}", "plan", work->plan.count ? settings->plan : NULL,
						  "converted", work->report),
				err);
	fprintf(stderr, "%zu sealed, %zu resources%s%s\n", json_array_size(work->report), work->plan.count,
			work->plan.count ? " to provision from " : "",
			work->plan.count ? settings->plan : "");
	return 0;
}

static int check_settings(const struct convert *settings, struct err *err)
{
	if (!settings->key || !settings->plan)
		return err_set(err, ERR_USAGE,
				"--key and --plan are needed: what signs, and where the secrets go");
	if (settings->files.count > 1 && !settings->in_place)
		return err_set(err, ERR_USAGE, "several files are converted --in-place");
	for (size_t i = 0; settings->in_place && i < settings->files.count; i++)
		if (!strcmp(settings->files.items[i], "-"))
			return err_set(err, ERR_USAGE, "standard input cannot be changed --in-place");
	if (settings->form == FORM_JSON && !settings->in_place)
		return err_set(err, ERR_USAGE,
				"--output json goes with --in-place: the manifest is the output otherwise");
	return 0;
}

static int run(void *given, struct err *err)
{
	const struct convert *settings = given;
	struct work work = { .settings = settings, .plan = PLAN_NONE, .report = json_array() };
	struct page *pages = xcalloc(settings->files.count, sizeof(*pages));
	int result = check_settings(settings, err);

	if (!result)
		result = jwks_signing(settings->key, settings->kid, &work.key, &work.kid, err);
	for (size_t i = 0; i < settings->files.count; i++) {
		pages[i] = (struct page){
			.work = &work, .file = settings->files.items[i], .revision = REVISION_NONE
		};
		if (!result && (result = input_text(pages[i].file, &pages[i].revision.text, err)) == 0 &&
				convert_text(&pages[i], err) < 0)
			result = err_wrap(err, "'%s'", pages[i].file);
	}
	if (!result)
		result = write_all(settings, &work, pages, err);
	for (size_t i = 0; i < settings->files.count; i++)
		revision_clear(&pages[i].revision);
	free(pages);
	plan_clear(&work.plan);
	json_decref(work.report);
	pkey_free(work.key);
	free(work.kid);
	return result;
}

static const struct opt options[] = {
	OPT_TEXT(struct convert, key, "key", 0, "FILE", "the private P-256 key to sign with: JWK or PEM"),
	OPT_TEXT(struct convert, kid, "kid", 0, "KID", "its id, when it is not in the JWK"),
	OPT_TEXT(struct convert, plan, "plan", 0, "FILE",
			"where the secrets go, for 'provision'; a new private file"),
	OPT_TEXT(struct convert, repository, "repository", 0, "NAME",
			"of the resources kbs:///NAME/SECRET/KEY (default without this option)"),
	OPT_FLAG(struct convert, with_namespace, "with-namespace", 0,
			"resources kbs:///NAME/NAMESPACE.SECRET/KEY"),
	OPT_LIST(struct convert, env, "env", 0, "GLOB",
			"literal values of such variables are sealed, too; may be repeated"),
	OPT_FLAG(struct convert, in_place, "in-place", 'i',
			"change the files instead of printing the manifest"),
	OPT_FLAG(struct convert, force, "force", 0, "overwrite the plan"),
	OPT_ENUM(struct convert, form, "output", 'o', "FORM", "how to say what was done", form_words),
	OPT_END,
};

static const struct opt_arg args[] = {
	OPT_REST(struct convert, files, "FILE", 1, 256, "manifests, YAML or JSON; - for standard input"),
	OPT_ARG_END,
};

static const struct opt_example examples[] = {
	{ "from plain Secrets to sealed ones",
			"sealed-secrets convert --in-place deploy/*.yaml --key team-private.json --plan "
			"secrets.plan\n"
			"sealed-secrets provision secrets.plan --kbs https://kbs.example:8080 "
			"--auth-private-key admin.key\n"
			"kubectl apply -f deploy/" },
	OPT_EXAMPLE_END,
};

static const struct convert defaults = { .repository = "default" };

const struct opt_verb convert_verb = {
	.name = "convert",
	.summary = "turns the Secrets of manifests into sealed ones",
	.description = "Each value of a Secret becomes a sealed name for the resource "
		       "kbs:///REPOSITORY/SECRET/KEY, and its "
		       "bytes go into a plan, which 'provision' puts into the key broker. Pods keep using "
		       "the Secret as "
		       "before; the guest unseals its environment and files. Comments and order of the "
		       "manifests stay, and "
		       "what is sealed already stays as it is.\n\n"
		       "The plan holds the secrets: it is private, and is best deleted once it is "
		       "provisioned.",
	.options = options,
	.args = args,
	.examples = examples,
	.size = sizeof(struct convert),
	.defaults = &defaults,
	.run = run,
};
