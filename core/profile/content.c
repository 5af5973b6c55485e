/* SPDX-License-Identifier: Apache-2.0 */
#include "profile/content.h"

#include "base/alloc.h"
#include "base/err.h"
#include "base/own.h"
#include "codec/json.h"
#include "codec/toml.h"
#include "initdata/carrier.h"
#include "initdata/configs.h"
#include "initdata/kparams.h"

#include <string.h>

#define BASE        "spec.initData"
#define DIGESTS_MAX 64
#define ENTRIES_MAX 32

/* A text at spec.initData.<group>.<key>. */
struct text_field {
	const char *group; /* NULL: directly below spec.initData */
	const char *key;
	const char *member; /* of struct initdata_config, as its errors name it */
	size_t offset;      /* of that const char * */
};

#define FIELD(group, key, member)                                             \
	{                                                                     \
		group, key, #member, offsetof(struct initdata_config, member) \
	}

static const struct text_field texts[] = {
	FIELD("kbs", "url", kbs_url),
	FIELD("kbs", "certificate", kbs_cert),
	FIELD("kbs", "teeKeyAlgorithm", tee_key_algorithm),
	FIELD("attestationService", "url", coco_as_url),
	FIELD("image", "securityPolicyURI", image_policy_uri),
	FIELD("image", "securityPolicy", image_policy),
	FIELD("image", "registryCredentialsURI", registry_credentials_uri),
	FIELD("image", "sigstoreConfigURI", sigstore_config_uri),
	FIELD("image", "sigstoreConfig", sigstore_config),
	FIELD("image", "registryConfigurationURI", registry_config_uri),
	FIELD("image", "workDir", work_dir),
	FIELD("cdh", "socket", cdh_socket),
	FIELD("cdh", "aaSocket", aa_socket),
	FIELD("cdh", "kbcName", kbc_name),
	FIELD("extra", "aaToml", aa_extra),
	FIELD("extra", "cdhToml", cdh_extra),
	FIELD(NULL, "logLevel", log_level),
};

static int read_texts(const json_t *init, struct initdata_config *config, struct err *err)
{
	char path[64];

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		json_t *group = NULL;
		const char *value = NULL;
		if (texts[i].group && json_opt_object(init, BASE, texts[i].group, &group, err) < 0)
			return -1;
		snprintf(path, sizeof(path), BASE "%s%s", texts[i].group ? "." : "",
				texts[i].group ? texts[i].group : "");
		if (json_opt_text(texts[i].group ? group : init, path, texts[i].key, &value, err) < 0)
			return -1;
		memcpy((char *)config + texts[i].offset, &value, sizeof(value));
	}
	return 0;
}

static int read_proxy(const json_t *image, struct initdata_config *config, struct err *err)
{
	static const char path[] = BASE ".image.proxy";
	json_t *proxy = NULL;

	if (json_opt_object(image, BASE ".image", "proxy", &proxy, err) < 0 ||
			json_opt_text(proxy, path, "https", &config->https_proxy, err) < 0 ||
			json_opt_text(proxy, path, "http", &config->http_proxy, err) < 0 ||
			json_opt_text(proxy, path, "noProxy", &config->no_proxy, err) < 0)
		return -1;
	return 0;
}

/* `registries` gets the parsed registry configuration, which the config borrows. */
static int read_image(
		const json_t *init, struct initdata_config *config, json_t **registries, struct err *err)
{
	json_t *image = NULL, *roots = NULL;
	const char *inline_registries = NULL;
	int64_t parallel = 0;

	if (json_opt_object(init, BASE, "image", &image, err) < 0 || read_proxy(image, config, err) < 0 ||
			json_opt_texts(image, BASE ".image", "extraRootCertificates", 16, &roots, err) < 0 ||
			json_opt_int(image, BASE ".image", "maxConcurrentLayerDownloads", 1, 64, &parallel,
					err) < 0 ||
			json_opt_text(image, BASE ".image", "registryConfiguration", &inline_registries,
					err) < 0)
		return -1;
	if (inline_registries) {
		if (toml_parse(span_of(inline_registries), INITDATA_TEXT_MAX, registries, err) < 0)
			return err_wrap(err, BASE ".image.registryConfiguration");
		config->registry_config = *registries;
	}
	config->extra_root_certificates = roots;
	config->max_concurrent_layer_downloads = (unsigned)parallel;
	return 0;
}

/* [{"path", "resourceURI"}] of the resource → [{"path", "resource_uri"}] of cdh.toml */
static int read_credentials(const json_t *cdh, json_t **out, struct err *err)
{
	json_t *list = NULL, *item;
	size_t i;
	char path[64];

	if (json_opt_array(cdh, BASE ".cdh", "credentials", 64, &list, err) < 0)
		return -1;
	if (!list)
		return 0;
	auto_json json_t *renamed = json_array();
	json_array_foreach (list, i, item) {
		const char *file = NULL, *uri = NULL;
		snprintf(path, sizeof(path), BASE ".cdh.credentials[%zu]", i);
		if (json_get_text(item, path, "path", &file, err) < 0 ||
				json_get_text(item, path, "resourceURI", &uri, err) < 0)
			return -1;
		json_array_append_new(renamed, json_pack("{s:s, s:s}", "path", file, "resource_uri", uri));
	}
	*out = take(&renamed);
	return 0;
}

static int read_daemons(
		const json_t *init, struct initdata_config *config, json_t **credentials, struct err *err)
{
	json_t *cdh = NULL, *log = NULL;
	int64_t pcr = -1;

	if (json_opt_object(init, BASE, "cdh", &cdh, err) < 0 ||
			json_opt_object(init, BASE, "eventLog", &log, err) < 0 ||
			json_opt_bool(cdh, BASE ".cdh", "skipSealedSecretVerification",
					&config->skip_sealed_secret_verification, err) < 0 ||
			json_opt_bool(log, BASE ".eventLog", "enabled", &config->eventlog, err) < 0 ||
			json_opt_int(log, BASE ".eventLog", "initPCR", 0, 23, &pcr, err) < 0 ||
			read_credentials(cdh, credentials, err) < 0)
		return -1;
	config->has_init_pcr = pcr >= 0;
	config->init_pcr = pcr >= 0 ? (unsigned)pcr : 0;
	config->credentials = *credentials;
	return 0;
}

static int policy_from_map(
		const json_t *ref, const struct profile_env *env, const char **policy, struct err *err)
{
	static const char path[] = BASE ".agentPolicy.configMapRef";
	const char *name = NULL, *key = "policy.rego", *want = NULL;
	char have[DIGEST_HEX_MAX];

	if (json_get_text(ref, path, "name", &name, err) < 0 ||
			json_opt_text(ref, path, "key", &key, err) < 0 ||
			json_get_text(ref, path, "sha256", &want, err) < 0)
		return -1;
	*policy = env->config_map ? env->config_map(env->ctx, name, key) : NULL;
	if (!*policy)
		return err_set(err, ERR_NOT_FOUND,
				"%s: there is no ConfigMap '%.80s' with key '%.80s' in the installation's "
				"namespace",
				path, name, key);
	digest_hex(DIGEST_SHA256, span_of(*policy), have);
	if (strcmp(have, want) != 0)
		return err_set(err, ERR_CONFLICT,
				"%s: ConfigMap '%.80s' key '%.80s' has sha256 %s, the profile wants %.64s: "
				"correct one of them",
				path, name, key, have, want);
	return 0;
}

/* In the place of the policy that each workload gets: what can be wrong with the rest is found without one. */
static const char no_policy[] = "package agent_policy\n";

static int read_generated(struct profile *p, const json_t *generated, struct err *err)
{
	p->generated = xcalloc(1, sizeof(*p->generated));
	if (agent_options_read(generated, p->generated, err) < 0)
		return err_wrap(err, BASE ".agentPolicy.generated");
	p->source = PROFILE_GENERATED;
	return 0;
}

static int read_policy(struct profile *p, const json_t *init, const struct profile_env *env,
		const char **policy, struct err *err)
{
	json_t *agent = NULL, *ref = NULL, *generated = NULL;

	if (json_opt_object(init, BASE, "agentPolicy", &agent, err) < 0 ||
			json_opt_text(agent, BASE ".agentPolicy", "inline", policy, err) < 0 ||
			json_opt_object(agent, BASE ".agentPolicy", "configMapRef", &ref, err) < 0 ||
			json_opt_object(agent, BASE ".agentPolicy", "generated", &generated, err) < 0)
		return -1;
	if ((*policy != NULL) + (ref != NULL) + (generated != NULL) > 1)
		return err_set(err, ERR_FORMAT,
				BASE
				".agentPolicy: give one of inline, configMapRef and generated, not more");
	if (generated)
		*policy = no_policy;
	if (generated && read_generated(p, generated, err) < 0)
		return -1;
	return ref ? policy_from_map(ref, env, policy, err) : 0;
}

/* Errors of init-data name the member of its own struct; whoever wrote the profile knows the field. */
static void name_the_field(struct err *err)
{
	static const char *const others[][2] = {
		{ "https_proxy", "image.proxy.https" },
		{ "http_proxy", "image.proxy.http" },
		{ "no_proxy", "image.proxy.noProxy" },
		{ "extra_root_certificates", "image.extraRootCertificates" },
		{ "credentials", "cdh.credentials" },
		{ "init_pcr", "eventLog.initPCR" },
		{ "max_concurrent_layer_downloads", "image.maxConcurrentLayerDownloads" },
	};
	char place[64];
	size_t len = strcspn(err->text, " [:");

	place[0] = '\0';
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (strlen(texts[i].member) == len && !strncmp(err->text, texts[i].member, len))
			snprintf(place, sizeof(place), "%s%s%s", texts[i].group ? texts[i].group : "",
					texts[i].group ? "." : "", texts[i].key);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (strlen(others[i][0]) == len && !strncmp(err->text, others[i][0], len))
			snprintf(place, sizeof(place), "%s", others[i][1]);
	if (!place[0]) {
		err_wrap(err, BASE);
		return;
	}
	auto_free char *rest = xstrdup(err->text + len);
	err_set(err, err->kind, BASE ".%s%s", place, rest);
}

static int render(struct profile *p, const json_t *init, const char *policy, struct err *err)
{
	struct initdata_config config = { 0 };
	auto_json json_t *registries = NULL;
	auto_json json_t *credentials = NULL;
	auto_json json_t *data = NULL;
	json_t *entries = NULL;

	if (read_texts(init, &config, err) < 0 || read_image(init, &config, &registries, err) < 0 ||
			read_daemons(init, &config, &credentials, err) < 0 ||
			json_opt_object(init, BASE, "entries", &entries, err) < 0)
		return -1;
	if (json_object_size(entries) > ENTRIES_MAX)
		return err_set(err, ERR_LIMIT, BASE ".entries: more than %d", ENTRIES_MAX);
	if (initdata_entries(&config, policy, entries, &data, err) < 0 ||
			initdata_render(p->alg, data, &p->document, err) < 0) {
		if (err)
			name_the_field(err);
		return -1;
	}
	return 0;
}

/* A document that the profile holds as it is: its own algorithm counts, whatever the resource's default says. */
static int adopt(struct profile *p, const char *text, struct err *err)
{
	auto_initdata struct initdata doc;

	initdata_init(&doc);
	if (initdata_parse(span_of(text), &doc, err) < 0)
		return err_wrap(err, BASE ".verbatim");
	p->alg = doc.alg;
	buf_puts(&p->document, text);
	return buf_check(&p->document, BASE ".verbatim", err);
}

static void set_fingerprint(struct profile *p)
{
	unsigned char sha256[DIGEST_MAX];

	digest_bytes(DIGEST_SHA256, buf_span(&p->document), sha256);
	memcpy(p->fingerprint, sha256, sizeof(p->fingerprint));
}

/* Digest and fingerprint of the finished document. */
static void set_digests(struct profile *p)
{
	char hex[DIGEST_HEX_MAX];
	struct span text = buf_span(&p->document);

	digest_bytes(p->alg, text, p->digest);
	digest_hex(p->alg, text, hex);
	snprintf(p->digest_text, sizeof(p->digest_text), "%s:%s", digest_name(p->alg), hex);
	set_fingerprint(p);
}

/* The same, and the annotation's value. */
static int finish(struct profile *p, struct err *err)
{
	struct buf value = BUF_MAX(PROFILE_ANNOTATIONS_MAX);

	if (initdata_annotation_format(buf_span(&p->document), &value, err) < 0) {
		buf_clear(&value);
		return err_wrap(err, BASE ": the document is too large to be carried by an annotation");
	}
	p->annotation = buf_take(&value);
	set_digests(p);
	return 0;
}

static int check_kernel_params(const struct profile *p, struct err *err)
{
	struct buf text = BUF_MAX(KPARAMS_TEXT_MAX);
	int done = kparams_combine(p->kernel_params, SPAN_NONE, NULL, &text, err);

	buf_clear(&text);
	return done < 0 ? err_wrap(err, "spec.kernelParams") : 0;
}

/* As people write it into a verifier's policy: lower-case hex of one of the three lengths. */
static bool is_digest(const char *text)
{
	size_t len = strlen(text);

	return (len == 64 || len == 96 || len == 128) && strspn(text, "0123456789abcdef") == len;
}

/* What a form of initData leaves to others may not be said beside it: nobody would read it. */
static int stands_alone(const json_t *init, const char *form, const char *const *with, struct err *err)
{
	const char *key;
	json_t *value;

	json_object_foreach ((json_t *)(uintptr_t)init, key, value) {
		const char *const *known = with;
		while (*known && strcmp(*known, key) != 0)
			known++;
		if (!*known && !json_is_null(value))
			return err_set(err, ERR_FORMAT, BASE ".%.80s: has no effect with %s: remove it", key,
					form);
	}
	return 0;
}

static int read_author(struct profile *p, const json_t *init, struct err *err)
{
	static const char *const with[] = { "source", "algorithm", "allowedDigests", NULL };
	json_t *digests = NULL, *digest;
	size_t i;

	if (stands_alone(init, "source: Author", with, err) < 0 ||
			json_opt_texts(init, BASE, "allowedDigests", DIGESTS_MAX, &digests, err) < 0)
		return -1;
	json_array_foreach (digests, i, digest) {
		if (!is_digest(json_string_value(digest)))
			return err_set(err, ERR_FORMAT,
					BASE ".allowedDigests[%zu]: not 64, 96 or 128 lower-case hexadecimal "
					     "digits",
					i);
	}
	p->allowed_digests = digests;
	p->source = PROFILE_AUTHOR;
	return 0;
}

int profile_content(struct profile *p, const struct profile_env *env, struct err *err)
{
	static const char *const with_verbatim[] = { "source", "algorithm", "verbatim", NULL };
	json_t *init = NULL;
	const char *alg = NULL, *source = "Profile", *verbatim = NULL, *policy = NULL;

	if (check_kernel_params(p, err) < 0 || json_opt_object(p->spec, "spec", "initData", &init, err) < 0)
		return -1;
	if (!init)
		return 0;
	if (json_opt_text(init, BASE, "algorithm", &alg, err) < 0 ||
			json_opt_text(init, BASE, "source", &source, err) < 0 ||
			json_opt_text(init, BASE, "verbatim", &verbatim, err) < 0)
		return -1;
	if (alg && digest_alg_parse(span_of(alg), &p->alg, err) < 0)
		return err_wrap(err, BASE ".algorithm");
	if (!strcmp(source, "Author"))
		return read_author(p, init, err);
	if (strcmp(source, "Profile") != 0)
		return err_set(err, ERR_FORMAT, BASE ".source: '%.40s' is neither Profile nor Author",
				source);
	p->source = PROFILE_RENDERED;
	if (json_is_array(json_object_get(init, "allowedDigests")))
		return err_set(err, ERR_FORMAT, BASE ".allowedDigests: goes with source: Author alone");
	if (verbatim && stands_alone(init, "verbatim", with_verbatim, err) < 0)
		return -1;
	if (verbatim)
		return adopt(p, verbatim, err) < 0 ? -1 : finish(p, err);
	if (read_policy(p, init, env, &policy, err) < 0 || render(p, init, policy, err) < 0)
		return -1;
	if (p->source != PROFILE_GENERATED)
		return finish(p, err);
	set_fingerprint(p);
	return 0;
}

static int render_with(struct profile *p, const char *policy, struct err *err)
{
	p->source = PROFILE_RENDERED;
	buf_init(&p->document, INITDATA_TEXT_MAX);
	return render(p, json_object_get(p->spec, "initData"), policy, err);
}

int profile_content_with(struct profile *p, const char *policy, struct err *err)
{
	return render_with(p, policy, err) < 0 ? -1 : finish(p, err);
}

int profile_content_digests(struct profile *p, const char *policy, struct err *err)
{
	if (render_with(p, policy, err) < 0)
		return -1;
	set_digests(p);
	return 0;
}
