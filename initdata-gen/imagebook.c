/* SPDX-License-Identifier: Apache-2.0 */
#include "initdata-gen/imagebook.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/own.h"
#include "codec/json.h"
#include "crypto/init.h"
#include "facts/facts.h"
#include "initdata-gen/imagebook_own.h"
#include "initdata-gen/maker.h"
#include "net/http.h"
#include "policy/registry.h"

#include <assert.h>
#include <string.h>
#include <unistd.h>

#define FACTS_MEMORY  ((size_t)256 << 20)
#define FACTS_THREADS 8

/* ---- opening ---- */

static int read_insecure(struct imagebook *images, const struct opt_list *hosts, struct err *err)
{
	auto_json json_t *entries = json_array();

	for (size_t i = 0; i < hosts->count; i++)
		json_array_append_new(
				entries, json_pack("{s:s,s:b}", "host", hosts->items[i], "plainHTTP", true));
	return registry_list_parse(entries, "--insecure-registry", &images->registries, err);
}

static int open_facts(struct imagebook *images, struct err *err)
{
	const struct maker_options *options = images->options;
	const struct facts_options facts = {
		.clock = &clock_real,
		.user_agent = "initdata-gen/" COCOON_VERSION,
		.max_bytes = FACTS_MEMORY,
		.threads = FACTS_THREADS,
		.per_host = FACTS_THREADS,
		.auth_file = options->auth_file,
		.auth_files = images->files.paths,
		.proxy = images->files.proxy,
		.no_proxy = images->files.no_proxy,
		.layouts = options->layouts.items,
		.layout_count = options->layouts.count,
		.offline = options->offline,
	};

	if (images->facts)
		return 0;
	if (crypto_init(true, err) < 0 || http_global_init(err) < 0)
		return -1;
	return facts_new(&facts, &images->facts, err);
}

int imagebook_open(const struct maker_options *options, struct imagebook **out, struct err *err)
{
	struct imagebook *images = xcalloc(1, sizeof(*images));

	*images = (struct imagebook){ .options = options,
		.entries = json_object(),
		.registries = REGISTRY_LIST_NONE,
		.terminal = isatty(STDERR_FILENO) };
	*out = images;
	authfiles_find((const char *const *)environ, &images->files);
	if (read_insecure(images, &options->insecure, err) < 0)
		return -1;
	return imagebook_lock_read(images, err);
}

void imagebook_free(struct imagebook *images)
{
	if (!images)
		return;
	while (images->lent) {
		struct lent *lent = images->lent;

		images->lent = lent->next;
		free(lent->list);
		free(lent);
	}
	facts_free(images->facts);
	registry_list_clear(&images->registries);
	authfiles_clear(&images->files);
	json_decref(images->entries);
	free(images);
}

/* ---- reading ---- */

static void noop(void *ctx)
{
	(void)ctx;
}

static int want_of(const struct imagebook *images, const char *name, struct image_want *out, struct err *err)
{
	*out = (struct image_want){
		.looks = IMAGE_LOOKED_CONFIG | IMAGE_LOOKED_PLATFORM, .namespace = "", .service_account = ""
	};
	if (oci_name_parse(name, &out->name, err) < 0)
		return -1;
	out->registry = registry_list_find(&images->registries, out->name.host);
	return 0;
}

static json_t *texts_of(const char *const *list)
{
	json_t *out = json_array();

	for (; list && *list; list++)
		json_array_append_new(out, json_string(*list));
	return out;
}

static json_t *entry_of(const struct imagebook *images, const struct image_facts *facts,
		const struct image_platform *platform)
{
	const struct image_config *run = platform->run;

	return json_pack("{s:s,s:s,s:s,s:s,s:{s:s,s:s,s:o,s:o,s:o,s:o}}", "platform",
			images->options->platform, "digest", facts->digest, "manifest", platform->digest,
			"config_digest", platform->config, "config", "User", run->user, "WorkingDir",
			run->cwd, "Env", texts_of(run->env), "Entrypoint", texts_of(run->entrypoint), "Cmd",
			texts_of(run->cmd), "Volumes", texts_of(run->volumes));
}

static int read_one(struct imagebook *images, const char *name, struct err *err)
{
	struct image_want want;
	auto_image_facts struct image_facts *facts = NULL;

	if (want_of(images, name, &want, err) < 0 || facts_get(images->facts, &want, &facts, err) < 0)
		return -1;
	const struct image_platform *platform = image_facts_platform(facts, images->options->platform);
	if (!platform)
		return err_set(err, ERR_NOT_FOUND, "it has no platform %s: name another by --platform",
				images->options->platform);
	if (!platform->run)
		return err_set(err, ERR_FORMAT, "what the image starts is not known: %s",
				platform->run_problem);
	json_t *entry = entry_of(images, facts, platform);
	if (!entry)
		return err_set(err, ERR_FORMAT, "its config holds text that is no UTF-8");
	json_object_set_new(images->entries, name, entry);
	images->changed = true;
	return 0;
}

/* Lets all of them begin, so that they are read side by side. */
static void begin(struct imagebook *images, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct image_want want;
		struct err ignored = ERR_NONE;

		if (!json_object_get(images->entries, names[i]) &&
				want_of(images, names[i], &want, &ignored) == 0)
			facts_fetch(images->facts, &want, 0, noop, NULL);
	}
}

int imagebook_read(struct imagebook *images, const char *const *names, size_t count, struct err *err)
{
	bool begun = false;

	for (size_t i = 0; i < count; i++) {
		if (json_object_get(images->entries, names[i]))
			continue;
		if (images->options->offline && !images->options->layouts.count)
			return err_set(err, ERR_NOT_FOUND,
					"image '%s' is not in the file of what was read before, and "
					"--offline "
					"asks no registry",
					names[i]);
		if (!begun && open_facts(images, err) < 0)
			return -1;
		if (!begun)
			begin(images, names, count);
		begun = true;
		if (images->terminal)
			fprintf(stderr, "\r\033[Kreading image %zu of %zu", i + 1, count);
		int got = read_one(images, names[i], err);
		if (images->terminal)
			fputs("\r\033[K", stderr);
		if (got < 0)
			return err_wrap(err, "image '%s'", names[i]);
	}
	return 0;
}

/* ---- lending ---- */

static const char *const *list_of(struct imagebook *images, const json_t *texts)
{
	size_t count = json_array_size(texts);
	struct lent *lent = xmalloc(sizeof(*lent));

	lent->list = xcalloc(count + 1, sizeof(*lent->list));
	lent->next = images->lent;
	images->lent = lent;
	for (size_t i = 0; i < count; i++)
		lent->list[i] = json_string_value(json_array_get(texts, i));
	return lent->list;
}

void imagebook_lend(struct imagebook *images, const char *name, struct agent_image *out)
{
	const json_t *entry = json_object_get(images->entries, name);
	const json_t *config = json_object_get(entry, "config");
	bool resolved = images->options->resolve_users; /* what is in the file from another run is not asked for */

	*out = (struct agent_image){
		.name = name,
		.digest = json_text_at(entry, "digest", NULL),
		.config_digest = json_text_at(entry, "config_digest", NULL),
		.user = json_text_at(config, "User", NULL),
		.cwd = json_text_at(config, "WorkingDir", NULL),
		.env = list_of(images, json_object_get(config, "Env")),
		.entrypoint = list_of(images, json_object_get(config, "Entrypoint")),
		.cmd = list_of(images, json_object_get(config, "Cmd")),
		.volumes = list_of(images, json_object_get(config, "Volumes")),
		.passwd = resolved ? json_text_at(entry, "passwd", NULL) : NULL,
		.group = resolved ? json_text_at(entry, "group", NULL) : NULL,
	};
}

/* ---- users ---- */

static int take_text(json_t *entry, const char *key, const struct oci_file *file, struct err *err)
{
	json_t *text = json_stringn(buf_text(&file->text), file->text.len);

	if (!text || memchr(buf_text(&file->text), 0, file->text.len)) {
		json_decref(text);
		return err_set(err, ERR_FORMAT, "its /%s is no text in UTF-8", file->path);
	}
	json_object_set_new(entry, key, text);
	return 0;
}

/* The manifest that was read, where it is: in a layout, else in the registry. */
static int open_manifest(struct imagebook *images, const struct image_want *want,
		const struct oci_access *access, struct oci_source **source, struct oci_manifest_bytes *bytes,
		struct err *err)
{
	const struct opt_list *layouts = &images->options->layouts;
	struct oci_place place;

	for (size_t i = 0; i < layouts->count; i++) {
		struct err why = ERR_NONE;
		if (oci_place_parse(layouts->items[i], &place, err) < 0 ||
				oci_source_open(&place, access, source, err) < 0)
			return -1;
		if (oci_source_manifest(*source, want->name.digest, bytes, &why) == 0)
			return 0;
		oci_source_free(*source);
		*source = NULL;
		if (why.kind != ERR_NOT_FOUND)
			return err_set(err, why.kind, "%s", why.text);
	}
	if (images->options->offline)
		return err_set(err, ERR_NOT_FOUND,
				"no layout has it, and --offline asks no registry for its /etc/passwd");
	if (oci_name_place(&want->name, &place, err) < 0 || oci_source_open(&place, access, source, err) < 0)
		return -1;
	return oci_source_manifest(*source, NULL, bytes, err);
}

static int read_files(struct imagebook *images, const struct image_want *want, json_t *entry,
		struct oci_file *files, struct err *err)
{
	const struct registry_settings *registry = want->registry;
	const struct oci_access access = { .auth_file = images->options->auth_file,
		.auth_files = images->files.paths,
		.plain_http = registry && registry->plain_http,
		.proxy = images->files.proxy,
		.no_proxy = images->files.no_proxy,
		.user_agent = "initdata-gen/" COCOON_VERSION };
	auto_oci_source struct oci_source *source = NULL;
	struct oci_manifest_bytes bytes = OCI_MANIFEST_NONE;
	auto_oci_manifest struct oci_manifest manifest = OCI_MANIFEST_EMPTY;

	int status = open_manifest(images, want, &access, &source, &bytes, err);
	if (status == 0)
		status = oci_manifest_parse(buf_span(&bytes.bytes), bytes.media_type, &manifest, err);
	assert(status < 0 || source);
	if (status == 0)
		status = oci_files_find(source, &manifest, files, 2, NULL, err);
	if (status == 0 &&
			(take_text(entry, "passwd", &files[0], err) < 0 ||
					take_text(entry, "group", &files[1], err) < 0))
		status = -1;
	buf_clear(&bytes.bytes);
	return status;
}

static int read_users(struct imagebook *images, const char *name, json_t *entry, struct err *err)
{
	struct oci_file files[] = { { .path = "etc/passwd", .text = BUF_MAX(OCI_FILE_MAX) },
		{ .path = "etc/group", .text = BUF_MAX(OCI_FILE_MAX) } };
	struct image_want want;

	if (want_of(images, name, &want, err) < 0)
		return -1;
	/* the digest that was read, whatever the tag is by now */
	*want.name.tag = '\0';
	snprintf(want.name.digest, sizeof(want.name.digest), "%s", json_text_at(entry, "manifest", NULL));
	int status = read_files(images, &want, entry, files, err);
	buf_clear(&files[0].text);
	buf_clear(&files[1].text);
	return status;
}

int imagebook_read_users(struct imagebook *images, const char *name, struct err *err)
{
	json_t *entry = json_object_get(images->entries, name);

	if (json_object_get(entry, "passwd"))
		return 0;
	if (images->options->offline && !images->options->layouts.count)
		return err_set(err, ERR_NOT_FOUND,
				"image '%s': its /etc/passwd was not read before, and --offline asks no "
				"registry",
				name);
	if (open_facts(images, err) < 0 || read_users(images, name, entry, err) < 0)
		return err_wrap(err, "image '%s'", name);
	images->changed = true;
	return 0;
}
