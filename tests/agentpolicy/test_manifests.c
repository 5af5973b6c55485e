/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Manifests as people write them (manifests/): each workload of them has a policy, of the images that images.json knows
 * (the form of initdata-gen's --layers-cache-file-path). Those of manifests/refused have none, for the reason that their
 * second line gives: "# refused: PLACE: WORDS".
 */
#include "agentpolicy/generate.h"
#include "base/alloc.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/own.h"
#include "codec/json.h"
#include "codec/yaml.h"

#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define FOLDER     "tests/agentpolicy/manifests/"
#define TEXT_MAX   ((size_t)1 << 20)
#define IMAGES_MAX 8
#define TEXTS_MAX  8
#define REFUSED    "# refused: "

struct image {
	const char *env[TEXTS_MAX + 1], *entrypoint[TEXTS_MAX + 1], *cmd[TEXTS_MAX + 1],
			*volumes[TEXTS_MAX + 1];
};

/* One workload on its way. */
struct run {
	struct agent_options options;
	struct agent_settings settings;
	struct agent_workload workload;
	struct agent_notes notes;
	struct image images[IMAGES_MAX];
	struct agent_image facts[IMAGES_MAX];
	json_t *data;
};

static void close_run(struct run *run)
{
	json_decref(run->data);
	agent_notes_clear(&run->notes);
	agent_workload_clear(&run->workload);
	agent_settings_clear(&run->settings);
	agent_options_clear(&run->options);
}
#define auto_run __attribute__((cleanup(close_run)))

static void lend_texts(const json_t *list, const char *out[static TEXTS_MAX + 1])
{
	assert_true(json_array_size(list) <= TEXTS_MAX);
	for (size_t i = 0; i < json_array_size(list); i++)
		out[i] = json_string_value(json_array_get(list, i));
}

static void lend_image(const json_t *known, const char *name, struct image *image, struct agent_image *out)
{
	const json_t *entry = json_at(known, "images", name, NULL);
	const json_t *config = json_object_get(entry, "config");

	if (!entry)
		fail_msg("images.json has no '%s'", name);
	lend_texts(json_object_get(config, "Env"), image->env);
	lend_texts(json_object_get(config, "Entrypoint"), image->entrypoint);
	lend_texts(json_object_get(config, "Cmd"), image->cmd);
	lend_texts(json_object_get(config, "Volumes"), image->volumes);
	*out = (struct agent_image){
		.name = name,
		.digest = json_text_at(entry, "digest", NULL),
		.config_digest = json_text_at(entry, "config_digest", NULL),
		.user = json_text_at(config, "User", NULL),
		.cwd = json_text_at(config, "WorkingDir", NULL),
		.env = image->env,
		.entrypoint = image->entrypoint,
		.cmd = image->cmd,
		.volumes = image->volumes,
	};
}

/* Makes the data block, or notes why there is none. ERR_NOT_FOUND: the object has no pods. */
static int make(struct run *run, const json_t *known, const json_t *documents, const json_t *object,
		struct err *err)
{
	struct agent_settings_source source = { .file = SPAN_NONE };
	struct agent_reading reading = { .options = &run->options };
	struct agent_inputs inputs = { .workload = &run->workload,
		.options = &run->options,
		.settings = &run->settings,
		.images = run->facts,
		.objects = documents };

	*run = (struct run){ .options = AGENT_OPTIONS_NONE, .notes = AGENT_NOTES_NONE };
	if (agent_options_read(NULL, &run->options, err) < 0 ||
			agent_workload_read(object, &reading, &run->workload, &run->notes, err) < 0 ||
			agent_settings_read(&source, &run->options, run->workload.runtime_class,
					&run->settings, &run->notes, err) < 0)
		return -1;
	assert_true(run->workload.image_count <= IMAGES_MAX);
	for (size_t i = 0; i < run->workload.image_count; i++)
		lend_image(known, run->workload.images[i], &run->images[i], &run->facts[i]);
	return agent_generate(&inputs, &run->data, &run->notes, err);
}

static void read_text(const char *path, struct buf *out)
{
	struct err err = ERR_NONE;

	if (fs_read(path, out, &err) < 0)
		fail_msg("%s", err.text);
}

static json_t *read_images(void)
{
	struct err err = ERR_NONE;
	json_t *tree = NULL;

	if (json_read_file(FOLDER "images.json", TEXT_MAX, &tree, &err) < 0)
		fail_msg("%s", err.text);
	return tree;
}

/* The objects of a manifest, with those of its lists. */
static json_t *read_objects(const char *path, struct span text)
{
	auto_json json_t *documents = NULL;
	json_t *objects = json_array();
	struct err err = ERR_NONE;

	if (yaml_read_all(text, TEXT_MAX, &documents, &err) < 0)
		fail_msg("%s: %s", path, err.text);
	for (size_t i = 0; i < json_array_size(documents); i++) {
		json_t *document = json_array_get(documents, i);
		json_t *items = json_object_get(document, "items");

		if (items)
			json_array_extend(objects, items);
		else
			json_array_append(objects, document);
	}
	return objects;
}

static size_t make_all(const char *path, const json_t *known)
{
	auto_buf struct buf text = BUF_MAX(TEXT_MAX);
	size_t made = 0;

	read_text(path, &text);
	auto_json json_t *objects = read_objects(path, buf_span(&text));
	for (size_t i = 0; i < json_array_size(objects); i++) {
		auto_run struct run run;
		struct err err = ERR_NONE;

		if (make(&run, known, objects, json_array_get(objects, i), &err) == 0)
			made++;
		else if (err.kind != ERR_NOT_FOUND)
			fail_msg("%s: %s", path, err.text);
	}
	return made;
}

static void every_manifest_has_its_policies(void **state)
{
	(void)state;
	auto_json json_t *known = read_images();
	glob_t found;

	assert_int_equal(glob(FOLDER "*.yaml", 0, NULL, &found), 0);
	for (size_t i = 0; i < found.gl_pathc; i++)
		if (make_all(found.gl_pathv[i], known) == 0)
			fail_msg("%s: has no workload", found.gl_pathv[i]);
	assert_true(found.gl_pathc >= 28);
	globfree(&found);
}

/* "PLACE: WORDS" is of one of the errors. */
static bool is_noted(const struct agent_notes *notes, const char *wanted)
{
	for (size_t i = 0; i < notes->count; i++) {
		const struct agent_note *note = &notes->items[i];
		size_t len = strlen(note->path);

		if (note->severity == AGENT_ERROR && strncmp(wanted, note->path, len) == 0 &&
				strncmp(wanted + len, ": ", 2) == 0 && strstr(note->text, wanted + len + 2))
			return true;
	}
	return false;
}

static void refuse(const char *path, const json_t *known)
{
	auto_buf struct buf text = BUF_MAX(TEXT_MAX);
	struct err err = ERR_NONE;
	auto_run struct run run;

	read_text(path, &text);
	const char *line = strstr(buf_text(&text), REFUSED);
	auto_json json_t *objects = read_objects(path, buf_span(&text));
	assert_non_null(line);
	line += strlen(REFUSED);
	auto_free char *wanted = xmemdup0(line, strcspn(line, "\n"));
	/* the pod is the first document */
	if (make(&run, known, objects, json_array_get(objects, 0), &err) == 0)
		fail_msg("%s: has a policy", path);
	if (err.kind != ERR_DENIED || run.data || !is_noted(&run.notes, wanted))
		fail_msg("%s: %s", path, err.text);
}

static void no_refused_manifest_has_a_policy(void **state)
{
	(void)state;
	auto_json json_t *known = read_images();
	glob_t found;

	assert_int_equal(glob(FOLDER "refused/*.yaml", 0, NULL, &found), 0);
	for (size_t i = 0; i < found.gl_pathc; i++)
		refuse(found.gl_pathv[i], known);
	globfree(&found);
}

static void make_first(struct run *run, const char *path, const json_t *known)
{
	auto_buf struct buf text = BUF_MAX(TEXT_MAX);
	struct err err = ERR_NONE;

	read_text(path, &text);
	auto_json json_t *objects = read_objects(path, buf_span(&text));
	if (make(run, known, objects, json_array_get(objects, 0), &err) < 0)
		fail_msg("%s: %s", path, err.text);
}

/* What admission sees has the key, and the policy, of what its owner wrote. */
static void a_pod_of_the_cluster_is_its_deployment(void **state)
{
	(void)state;
	auto_json json_t *known = read_images();
	auto_run struct run written, admitted;
	char keys[2][AGENT_KEY_LEN + 1];

	make_first(&written, FOLDER "deployment-web.yaml", known);
	make_first(&admitted, FOLDER "pod-of-deployment-web.yaml", known);
	agent_key(&written.workload, &written.options, keys[0]);
	agent_key(&admitted.workload, &admitted.options, keys[1]);
	assert_string_equal(keys[0], keys[1]);
	assert_true(json_equal(written.data, admitted.data));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_manifest_has_its_policies),
		cmocka_unit_test(no_refused_manifest_has_a_policy),
		cmocka_unit_test(a_pod_of_the_cluster_is_its_deployment),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
