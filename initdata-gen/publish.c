/* SPDX-License-Identifier: Apache-2.0 */
/* initdata-gen publish: what the owner of data gives to the key broker, signed. */
#include "agentpolicy/policy.h"
#include "base/alloc.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/hex.h"
#include "base/own.h"
#include "codec/json.h"
#include "crypto/init.h"
#include "initdata-gen/maker.h"
#include "initdata-gen/places.h"
#include "initdata-gen/profile.h"
#include "initdata-gen/report.h"
#include "initdata-gen/source.h"
#include "initdata-gen/text.h"
#include "initdata-gen/verbs.h"
#include "initdata/bundle.h"
#include "jose/jws.h"
#include "profile/class.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static const char *const trust_words[] = { "affirming", "any", NULL };

struct publish {
	struct maker_options maker;
	struct opt_rest files;
	const char *name, *to, *key, *kid;
	struct opt_list resources, values;
	const char *not_before, *not_after;
	int trust;
	bool allow_sample;
};

/* ---- documents ---- */

struct published {
	char *label;
	struct buf text;
	json_t *images;      /* NULL: not known */
	char *kernel_params; /* NULL: not known */
	char rules_sha256[65];
};

struct published_list {
	struct published *items;
	size_t count;
};

static void published_clear(struct published_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		free(list->items[i].label);
		free(list->items[i].kernel_params);
		buf_clear(&list->items[i].text);
		json_decref(list->items[i].images);
	}
	free(list->items);
}

static struct published *append(struct published_list *list, const char *label, struct span text)
{
	list->items = xreallocarray(list->items, list->count + 1, sizeof(*list->items));
	struct published *item = &list->items[list->count++];

	*item = (struct published){ .label = xstrdup(label), .text = BUF_MAX(INITDATA_TEXT_MAX) };
	buf_add_span(&item->text, text);
	return item;
}

/* Files that hold documents, or manifests whose pods carry them. */
static int from_sources(const struct publish *settings, struct published_list *list, struct err *err)
{
	for (size_t i = 0; i < settings->files.count; i++) {
		auto_source_list struct source_list sources = SOURCE_LIST_NONE;

		if (source_load(settings->files.items[i], SOURCE_AUTO, &sources, err) < 0)
			return -1;
		for (size_t k = 0; k < sources.count; k++) {
			const char *label = sources.items[k].label;
			append(list, label ? label : settings->files.items[i],
					buf_span(&sources.items[k].text));
		}
	}
	return 0;
}

static char *join(const json_t *words)
{
	struct buf out = BUF_MAX(SIZE_MAX / 2);
	const json_t *word;
	size_t i;

	json_array_foreach (words, i, word)
		buf_printf(&out, "%s%s", i ? " " : "", json_string_value(word));
	return buf_take(&out);
}

static int make_place(struct maker *maker, const struct profile *profile, const struct manifest *manifest,
		const struct place *place, struct published_list *list, struct err *err)
{
	auto_made struct made made;

	made_init(&made);
	int status = maker_make(maker, places_workload(manifest, place), &place->pod, &made, err);
	places_say(place->label, &made.notes);
	if (status < 0)
		return err_wrap(err, "%s", place->label);
	struct published *item = append(list, place->label, buf_span(&made.document));
	item->images = json_incref(made.images);
	if (json_array_size(profile->kernel_params))
		item->kernel_params = join(profile->kernel_params);
	return 0;
}

static int make_file(const char *path, struct maker *maker, const struct profile *profile,
		struct class_table *table, struct published_list *list, struct err *err)
{
	auto_buf struct buf text = BUF_MAX(TEXT_FILE_MAX);
	auto_manifest struct manifest manifest = MANIFEST_NONE;

	if (text_load(path, &text, err) < 0 || manifest_read(buf_span(&text), &manifest, err) < 0)
		return -1;
	maker_know(maker, manifest.documents);
	for (size_t i = 0; i < manifest.count; i++) {
		const struct place *place = &manifest.places[i];
		if (!class_is_confidential(table, NULL, 0, place->pod.runtime_class))
			places_line("left alone: %s: its runtime class is not known to be confidential",
					place->label);
		else if (make_place(maker, profile, &manifest, place, list, err) < 0)
			return -1;
	}
	return 0;
}

/* A profile that generates: a document for each workload. */
static int from_manifests(const struct publish *settings, const struct profile *profile,
		struct published_list *list, struct err *err)
{
	struct maker *maker = NULL;
	struct class_table *table = NULL;
	int status = class_table_new(NULL, &table, err);

	if (status == 0)
		status = maker_open(&settings->maker, &maker, err);
	for (size_t i = 0; status == 0 && i < settings->files.count; i++)
		if ((status = make_file(settings->files.items[i], maker, profile, table, list, err)) < 0)
			err_wrap(err, "'%s'", settings->files.items[i]);
	if (status == 0)
		status = maker_save(maker, err);
	maker_free(maker);
	class_table_free(table);
	return status;
}

static int collect(const struct publish *settings, struct published_list *list, struct err *err)
{
	const char *path = settings->maker.profile;
	auto_profile struct profile *profile = NULL;

	if (!path)
		return from_sources(settings, list, err);
	if (profile_load_any(path, &settings->maker.config_files, &profile, err) < 0)
		return -1;
	if (profile->source == PROFILE_GENERATED)
		return from_manifests(settings, profile, list, err);
	if (settings->files.count)
		return err_set(err, ERR_USAGE,
				"profile '%s' has one document, whatever the workload: leave out the files, "
				"or the "
				"--profile for documents that they carry",
				profile->name);
	struct published *item = append(list, profile->name, buf_span(&profile->document));
	if (json_array_size(profile->kernel_params))
		item->kernel_params = join(profile->kernel_params);
	return 0;
}

/* ---- the bundle ---- */

/* "2027-01-31T00:00:00Z" or "2027-01-31" */
static int parse_time(const char *option, const char *text, int64_t *out, struct err *err)
{
	struct tm parts = { 0 };
	const char *end;

	if (!text)
		return 0;
	end = strptime(text, "%Y-%m-%dT%H:%M:%SZ", &parts);
	if (!end || *end)
		end = strptime(text, "%Y-%m-%d", &parts);
	const int day = parts.tm_mday;
	if (end && !*end && parts.tm_year >= 100)
		*out = timegm(&parts);
	/* a day that the month does not have becomes one of the next */
	if (!end || *end || parts.tm_year < 100 || parts.tm_mday != day)
		return err_set(err, ERR_USAGE, "--%s '%s': write 2027-01-31 or 2027-01-31T12:00:00Z", option,
				text);
	return 0;
}

static int describe(struct published *item, struct bundle_document *out, struct err *err)
{
	auto_initdata struct initdata doc;
	auto_json json_t *data = NULL;
	struct span rules;

	initdata_init(&doc);
	if (initdata_parse(buf_span(&item->text), &doc, err) < 0)
		return err_wrap(err, "%s", item->label);
	const char *policy = json_string_value(json_object_get(doc.data, INITDATA_POLICY));
	if (policy && agent_policy_split(span_of(policy), &rules, &data, NULL) == 0)
		agent_rules_hash(rules, item->rules_sha256);
	*out = (struct bundle_document){ .workload = item->label,
		.alg = doc.alg,
		.rules_sha256 = *item->rules_sha256 ? item->rules_sha256 : NULL,
		.images = item->images,
		.kernel_params = item->kernel_params };
	digest_bytes(doc.alg, buf_span(&doc.text), out->digest);
	return 0;
}

/* The manifest as the owner signs it. */
static int sign(const struct publish *settings, struct span manifest, struct buf *jws, struct err *err)
{
	auto_jwk struct jwk key = JWK_NONE;
	auto_secret struct secret bytes = SECRET_NONE;

	if (crypto_init(true, err) < 0 || secret_read_file(&bytes, settings->key, err) < 0)
		return err_wrap(err, "--key");
	int status = jwk_is(secret_span(&bytes)) ? jwk_parse(secret_span(&bytes), &key, err)
						 : pkey_parse(secret_span(&bytes), NULL, &key.key, err);
	if (status < 0)
		return err_wrap(err, "--key '%s'", settings->key);
	auto_json json_t *header = json_pack(
			"{s:s,s:s}", "alg", jws_alg_name(jws_alg_of(key.key)), "typ", "cocoon-bundle");
	const char *kid = settings->kid ? settings->kid : key.kid;
	if (*kid)
		json_object_set_new(header, "kid", json_string(kid));
	auto_free char *head = json_text(header, false);
	return jws_sign(key.key, span_of(head), manifest, jws, err) < 0
			? err_wrap(err, "--key '%s'", settings->key)
			: 0;
}

/* ---- files ---- */

static int save(const struct publish *settings, const char *name, struct span bytes, struct err *err)
{
	auto_free char *path = xasprintf("%s/%s", settings->to, name);

	return fs_write_atomic(path, bytes, 0666, err);
}

static int make_folder(const char *path, struct err *err)
{
	struct stat info;

	if (mkdir(path, 0777) == 0 || (stat(path, &info) == 0 && S_ISDIR(info.st_mode)))
		return 0;
	return err_errno(err, ERR_IO, "cannot make the folder '%s'", path);
}

static int save_documents(const struct publish *settings, const struct published_list *list,
		const struct bundle_document *documents, struct err *err)
{
	auto_free char *folder = xasprintf("%s/documents", settings->to);

	if (make_folder(settings->to, err) < 0 || make_folder(folder, err) < 0)
		return -1;
	for (size_t i = 0; i < list->count; i++) {
		auto_buf struct buf hex = BUF_MAX(DIGEST_HEX_MAX);
		hex_encode(&hex, span_new(documents[i].digest, digest_size(documents[i].alg)));
		auto_free char *name = xasprintf("documents/%s.toml", buf_text(&hex));
		if (save(settings, name, buf_span(&list->items[i].text), err) < 0)
			return -1;
	}
	return 0;
}

/* What an earlier bundle in the folder was signed with says nothing about this one. */
static int save_signature(const struct publish *settings, const struct buf *jws, struct err *err)
{
	auto_free char *path = xasprintf("%s/bundle.jws", settings->to);

	if (settings->key)
		return fs_write_atomic(path, buf_span(jws), 0666, err);
	if (unlink(path) < 0 && errno != ENOENT)
		return err_errno(err, ERR_IO, "removing '%s', the signature of another bundle", path);
	return 0;
}

/* All is made before the first file is written. */
static int save_all(const struct publish *settings, const struct published_list *list,
		const struct bundle *bundle, struct err *err)
{
	auto_json json_t *manifest = bundle_manifest(bundle), *values = bundle_reference_values(bundle);
	auto_free char *manifest_text = json_text(manifest, false), *values_text = json_text(values, false);
	auto_buf struct buf rego = BUF_MAX(SIZE_MAX / 2), jws = BUF_MAX(JWS_MAX);

	bundle_resource_policy(bundle, &rego);
	if (settings->key && sign(settings, span_of(manifest_text), &jws, err) < 0)
		return -1;
	if (save_documents(settings, list, bundle->documents, err) < 0 ||
			save(settings, "resource-policy.rego", buf_span(&rego), err) < 0 ||
			save(settings, "reference-values.json", span_of(values_text), err) < 0 ||
			save(settings, "bundle.json", span_of(manifest_text), err) < 0)
		return -1;
	return save_signature(settings, &jws, err);
}

static void print(const struct publish *settings, const struct bundle *bundle)
{
	auto_json json_t *manifest = bundle_manifest(bundle);

	for (size_t i = 0; i < bundle->document_count; i++) {
		const json_t *document = json_array_get(json_object_get(manifest, "documents"), i);
		printf("%s  %s:%s\n", json_text_at(document, "workload", NULL),
				json_text_at(document, "algorithm", NULL),
				json_text_at(document, "digest", NULL));
	}
	printf("%s/resource-policy.rego releases %zu resources to %zu documents; put it into the key broker "
	       "with the "
	       "owner's key\n",
			settings->to, bundle->resource_count, bundle->document_count);
}

static int publish(const struct publish *settings, struct published_list *list, struct err *err)
{
	auto_free struct bundle_document *documents = xcalloc(list->count + 1, sizeof(*documents));
	struct bundle bundle = { .name = settings->name,
		.tool = "initdata-gen " COCOON_VERSION,
		.documents = documents,
		.document_count = list->count,
		.resources = settings->resources.items,
		.resource_count = settings->resources.count,
		.values = settings->values.items,
		.value_count = settings->values.count,
		.trust = (enum bundle_trust)settings->trust,
		.allow_sample = settings->allow_sample };

	if (parse_time("not-before", settings->not_before, &bundle.not_before, err) < 0 ||
			parse_time("not-after", settings->not_after, &bundle.not_after, err) < 0)
		return -1;
	for (size_t i = 0; i < list->count; i++)
		if (describe(&list->items[i], &documents[i], err) < 0)
			return -1;
	if (bundle_check(&bundle, err) < 0 || save_all(settings, list, &bundle, err) < 0)
		return -1;
	print(settings, &bundle);
	return 0;
}

static int run(void *given, struct err *err)
{
	const struct publish *settings = given;
	__attribute__((cleanup(published_clear))) struct published_list list = { .items = NULL };

	if (!settings->maker.profile && !settings->files.count)
		return err_set(err, ERR_USAGE, "name documents, manifests that carry them, or a --profile");
	if (settings->allow_sample)
		fputs("warning: --allow-sample: evidence that anybody can make up is taken; for tests "
		      "alone\n",
				stderr);
	return collect(settings, &list, err) < 0 ? -1 : publish(settings, &list, err);
}

static const struct opt options[] = {
	OPT_TEXT(struct publish, name, "name", 0, "NAME", "of the bundle, for people", .required = true),
	OPT_TEXT(struct publish, to, "to", 0, "DIR", "the folder that it goes to", .required = true),
	OPT_TEXT(struct publish, key, "key", 0, "FILE", "private key to sign with, PEM or JWK"),
	OPT_TEXT(struct publish, kid, "kid", 0, "TEXT", "the signature's key id"),
	OPT_LIST(struct publish, resources, "resource", 'r', "PATH",
			"repository/type/tag that is released; repository/type/ for all tags; may be "
			"repeated"),
	OPT_ENUM(struct publish, trust, "trust", 0, "WORD",
			"affirming: the attestation service must have affirmed every device; any: the digest "
			"alone counts",
			trust_words),
	OPT_TEXT(struct publish, not_before, "not-before", 0, "TIME", "nothing is released before (UTC)"),
	OPT_TEXT(struct publish, not_after, "not-after", 0, "TIME", "nor from then on"),
	OPT_LIST(struct publish, values, "reference-value", 0, "NAME=VALUE",
			"a further reference value, such as snp_launch_measurement=…; may be repeated"),
	OPT_FLAG(struct publish, allow_sample, "allow-sample", 0,
			"take evidence without hardware; for tests alone"),
	MAKER_OPTIONS(struct publish, maker),
	OPT_END,
};

static const struct opt_arg args[] = {
	OPT_REST(struct publish, files, "FILE", 0, 1000,
			"documents, or manifests whose pods carry them; with a profile that generates "
			"policies, the "
			"workloads"),
	OPT_ARG_END,
};

static const struct opt_example examples[] = {
	{ "what the cluster injects for two workloads, and the key that they may have until the year's end",
			"initdata-gen publish --name shop --profile profile.yaml --resource default/key/shop "
			"\\\n"
			"    --not-after 2027-01-01 --key owner.pem --to bundle web.yaml db.yaml\n"
			"kbs-client --url https://kbs.example config --auth-private-key admin.key \\\n"
			"    set-resource-policy --policy-file bundle/resource-policy.rego" },
	{ "a document that is there",
			"initdata-gen publish --name shop --resource default/key/shop --to bundle "
			"initdata.toml" },
	OPT_EXAMPLE_END,
};

const struct opt_verb publish_verb = {
	.name = "publish",
	.summary = "writes what the key broker needs to release secrets to these documents alone",
	.description = "Makes the documents on this machine, or takes those given, and writes into a folder: "
		       "the documents; "
		       "bundle.json with their digests in each platform's form, images and rules; the same "
		       "signed, "
		       "bundle.jws; resource-policy.rego for the key broker, which releases the resources to "
		       "guests of these "
		       "documents and refuses everything else; reference-values.json for the attestation "
		       "service.\n\n"
		       "Whoever runs the cluster is not asked: the digests are computed from what the owner "
		       "has, and are those "
		       "of the bytes that an honest cluster injects. A guest with any other document gets "
		       "nothing.\n\n"
		       "A broker has one resource policy: it replaces the one before. To retire a document, "
		       "publish the others "
		       "again.",
	.options = options,
	.args = args,
	.examples = examples,
	.size = sizeof(struct publish),
	.defaults = &(struct publish){ .maker = { .platform = "linux/amd64" } },
	.run = run,
};
