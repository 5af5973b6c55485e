/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The data block beside the one that genpolicy 4.1.0 made of the same manifests and images (vectors/). Members of the
 * name "cocoon" are left out, and the environment is compared as a set, which rules do too. What else differs is listed
 * below, each with the reason why it must: nothing more, and nothing less, may differ.
 */
#include "agentpolicy/generate.h"
#include "base/alloc.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/own.h"
#include "codec/json.h"
#include "codec/yaml.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define FOLDER   "tests/agentpolicy/vectors/"
#define TEXT_MAX ((size_t)1 << 20)
#define LIST_MAX 8
#define REGISTRY "127.0.0.1:5055/"
/* the recording's own: the registry that it ran at */
#define PAUSE                                                                                           \
	"[{\"op\":\"replace\",\"path\":\"/cluster_config/pause_container_image\",\"value\":\"" REGISTRY \
	"pause:1.0\"}]"
/* what images.json says of the layer that all images have */
#define PASSWD "root:x:0:0:root:/root:/bin/sh\nweb:x:1000:1000:web:/:/bin/sh\n"
#define GROUP  "root:x:0:\nweb:x:1000:\nextra:x:2000:web\n"

struct difference {
	const char *path;
	const char *ours, *theirs; /* JSON; NULL: not there */
};

struct vector {
	const char *name;
	struct difference differences[LIST_MAX];
};

#define SUFFIX "[bcdfghjklmnpqrstvwxz2456789]"

/* containerd hands annotations of io.katacontainers to the guest, no others: no request can have it */
#define NOT_HANDED_ON(i)                                                                  \
	{                                                                                 \
		"containers[" i "].OCI.Annotations.example.org/owner", NULL, "\"team-a\"" \
	}
/* the recording's pause image has the layer with /etc/group; a real one has no files but its program */
#define PAUSE_GROUP                                                                      \
	{                                                                                \
		"containers[0].OCI.Process.User.AdditionalGids", "[1000]", "[1000,2000]" \
	}
/* a '.' of a name is a '.', and no other character */
#define ESCAPED(i, mount)                                                                            \
	{                                                                                            \
		"containers[" i "].OCI.Mounts[" mount "].source", "\"$(sfprefix)resolv\\\\.conf$\"", \
				"\"$(sfprefix)resolv.conf$\""                                        \
	}
/* what Kubernetes makes has a length */
#define SANDBOX(i, ours, theirs)                                                                    \
	{                                                                                           \
		"containers[" i "].OCI.Annotations.io.kubernetes.cri.sandbox-name", "\"" ours "\"", \
				"\"" theirs "\""                                                    \
	}
#define NUMBERED(i) SANDBOX(i, "^db-[0-9]{1,10}$", "^db-[0-9]+$")
/* a Job makes report-x2x9k; the number is that of a CronJob */
#define SUFFIXED(i) SANDBOX(i, "^report-" SUFFIX "{5}$", "^report(-[0-9]+)?-" SUFFIX "+$")
/* genpolicy has this one path in its program, where the runtime may also pass it through */
#define PLACE                                                                                               \
	{                                                                                                   \
		"containers[1].OCI.Mounts[13].source", "\"$(sfprefix)db$\"",                                \
				"\"^/run/kata-containers/shared/containers/$(bundle-id)-[a-z0-9]{16}-db$\"" \
	}

static const struct vector vectors[] = {
	{ "1-pod-env-command",
			{ PAUSE_GROUP, ESCAPED("0", "6"), NOT_HANDED_ON("0"), ESCAPED("1", "10"),
					NOT_HANDED_ON("1") } },
	{ "2-two-containers-init",
			{ ESCAPED("0", "6"), ESCAPED("1", "10"), ESCAPED("2", "10"), ESCAPED("3", "10") } },
	{ "3-configmap-env", { ESCAPED("0", "6"), ESCAPED("1", "10") } },
	{ "4-statefulset",
			{ PAUSE_GROUP, ESCAPED("0", "6"), NUMBERED("0"), ESCAPED("1", "10"), PLACE,
					NUMBERED("1") } },
	{ "5-job", { ESCAPED("0", "6"), SUFFIXED("0"), ESCAPED("1", "10"), SUFFIXED("1") } },
};

/* ---- inputs ---- */

struct texts {
	const char *items[LIST_MAX + 1];
};

struct image {
	json_t *config;
	struct texts env, entrypoint, cmd;
};

struct run {
	json_t *documents, *configs;
	struct agent_options options;
	struct agent_settings settings;
	struct agent_workload workload;
	struct agent_notes notes;
	struct image images[LIST_MAX];
	struct agent_image facts[LIST_MAX];
};

static void read_file(const char *name, const char *suffix, struct buf *out)
{
	auto_free char *path = xasprintf(FOLDER "%s%s", name, suffix);
	struct err err = ERR_NONE;

	if (fs_read(path, out, &err) < 0)
		fail_msg("%s", err.text);
}

static json_t *read_json(const char *name, const char *suffix)
{
	auto_buf struct buf text = BUF_MAX(TEXT_MAX);
	struct err err = ERR_NONE;
	json_t *tree = NULL;

	read_file(name, suffix, &text);
	if (json_read(buf_span(&text), TEXT_MAX, &tree, &err) < 0)
		fail_msg("%s: %s", name, err.text);
	return tree;
}

static void lend_texts(const json_t *list, struct texts *out)
{
	assert_true(json_array_size(list) <= LIST_MAX);
	for (size_t i = 0; i < json_array_size(list); i++)
		out->items[i] = json_string_value(json_array_get(list, i));
}

/* "127.0.0.1:5055/app:1.0" is "app" in images.json. */
static void lend_image(struct run *run, size_t i, const json_t *all)
{
	const char *name = run->workload.images[i] + strlen(REGISTRY);
	auto_free char *key = xmemdup0(name, strcspn(name, ":"));
	const char *text = json_text_at(all, "images", key, "config", NULL);
	struct image *image = &run->images[i];
	struct err err = ERR_NONE;

	assert_non_null(text);
	if (json_read(span_of(text), TEXT_MAX, &image->config, &err) < 0)
		fail_msg("%s", err.text);
	const json_t *config = json_object_get(image->config, "config");
	const char *user = json_text_at(config, "User", NULL),
		   *cwd = json_text_at(config, "WorkingDir", NULL);
	lend_texts(json_object_get(config, "Env"), &image->env);
	lend_texts(json_object_get(config, "Entrypoint"), &image->entrypoint);
	lend_texts(json_object_get(config, "Cmd"), &image->cmd);
	run->facts[i] = (struct agent_image){ .name = run->workload.images[i],
		.user = user ? user : "",
		.cwd = cwd ? cwd : "",
		.env = image->env.items,
		.entrypoint = image->entrypoint.items,
		.cmd = image->cmd.items,
		.passwd = PASSWD,
		.group = GROUP };
}

static void open_run(struct run *run, const char *name)
{
	auto_buf struct buf text = BUF_MAX(TEXT_MAX);
	const struct span patch = SPAN_LIT(PAUSE);
	struct agent_settings_source source = { .file = SPAN_NONE, .patches = &patch, .patch_count = 1 };
	struct agent_reading reading = { .options = &run->options };
	struct err err = ERR_NONE;

	*run = (struct run){ .options = AGENT_OPTIONS_NONE, .notes = AGENT_NOTES_NONE };
	read_file(name, ".yaml", &text);
	if (agent_options_read(NULL, &run->options, &err) < 0 ||
			yaml_read_all(buf_span(&text), TEXT_MAX, &run->documents, &err) < 0)
		fail_msg("%s: %s", name, err.text);
	/* the workload is the last document, ConfigMaps stand before it */
	const json_t *object = json_array_get(run->documents, json_array_size(run->documents) - 1);
	if (agent_workload_read(object, &reading, &run->workload, &run->notes, &err) < 0 ||
			agent_settings_read(&source, &run->options, run->workload.runtime_class,
					&run->settings, &run->notes, &err) < 0)
		fail_msg("%s: %s", name, err.text);
	run->configs = read_json("images", ".json");
	assert_true(run->workload.image_count <= LIST_MAX);
	for (size_t i = 0; i < run->workload.image_count; i++)
		lend_image(run, i, run->configs);
}

static void close_run(struct run *run)
{
	for (size_t i = 0; i < LIST_MAX; i++)
		json_decref(run->images[i].config);
	json_decref(run->documents);
	json_decref(run->configs);
	agent_notes_clear(&run->notes);
	agent_workload_clear(&run->workload);
	agent_settings_clear(&run->settings);
	agent_options_clear(&run->options);
}

static json_t *generate(struct run *run, const char *name)
{
	struct agent_inputs inputs = { .workload = &run->workload,
		.options = &run->options,
		.settings = &run->settings,
		.images = run->facts,
		.objects = run->documents };
	struct err err = ERR_NONE;
	json_t *data = NULL;

	if (agent_generate(&inputs, &data, &run->notes, &err) < 0)
		fail_msg("%s: %s", name, err.text);
	return data;
}

/* ---- comparison ---- */

static int by_text(const void *a, const void *b)
{
	return strcmp(json_string_value(*(json_t *const *)a), json_string_value(*(json_t *const *)b));
}

static void sort_texts(json_t *list)
{
	json_t *items[64];
	size_t count = json_array_size(list);

	assert_true(count <= COUNT(items));
	for (size_t i = 0; i < count; i++)
		items[i] = json_incref(json_array_get(list, i));
	qsort(items, count, sizeof(items[0]), by_text);
	json_array_clear(list);
	for (size_t i = 0; i < count; i++)
		json_array_append_new(list, items[i]);
}

/* In args rules read $$ as $ (specification, 2.7): "$$x" and "$x" are the same. */
static void undollar(json_t *args)
{
	size_t i;
	json_t *item;

	json_array_foreach (args, i, item) {
		auto_buf struct buf text = BUF_MAX(TEXT_MAX);

		for (const char *at = json_string_value(item); *at; at++) {
			buf_putc(&text, *at);
			if (at[0] == '$' && at[1] == '$')
				at++;
		}
		json_string_set(item, buf_text(&text));
	}
}

static void level(json_t *data)
{
	size_t i;
	json_t *container;

	json_object_del(data, "cocoon");
	json_array_foreach (json_object_get(data, "containers"), i, container) {
		json_t *process = json_object_get(json_object_get(container, "OCI"), "Process");

		json_object_del(container, "cocoon");
		sort_texts(json_object_get(process, "Env"));
		undollar(json_object_get(process, "Args"));
	}
}

static void add_difference(json_t *out, const char *path, const json_t *ours, const json_t *theirs)
{
	auto_free char *left = ours ? json_text(ours, true) : xstrdup("(absent)");
	auto_free char *right = theirs ? json_text(theirs, true) : xstrdup("(absent)");

	json_array_append_new(out, json_sprintf("%s: %s, recorded %s", path, left, right));
}

static void compare(json_t *out, const char *path, json_t *ours, json_t *theirs);

static void compare_members(json_t *out, const char *path, json_t *ours, json_t *theirs)
{
	const char *key;
	json_t *value;

	json_object_foreach (theirs, key, value) {
		auto_free char *below = xasprintf("%s%s%s", path, *path ? "." : "", key);

		compare(out, below, json_object_get(ours, key), value);
	}
	json_object_foreach (ours, key, value) {
		auto_free char *below = xasprintf("%s%s%s", path, *path ? "." : "", key);

		if (!json_object_get(theirs, key))
			add_difference(out, below, value, NULL);
	}
}

static bool is_list_of_objects(const json_t *value)
{
	return json_is_object(json_array_get(value, 0));
}

static void compare(json_t *out, const char *path, json_t *ours, json_t *theirs)
{
	if (json_equal(ours, theirs))
		return;
	if (json_is_object(ours) && json_is_object(theirs)) {
		compare_members(out, path, ours, theirs);
		return;
	}
	if (!is_list_of_objects(ours) || json_array_size(ours) != json_array_size(theirs)) {
		add_difference(out, path, ours, theirs);
		return;
	}
	for (size_t i = 0; i < json_array_size(ours); i++) {
		auto_free char *below = xasprintf("%s[%zu]", path, i);

		compare(out, below, json_array_get(ours, i), json_array_get(theirs, i));
	}
}

static void check(const struct vector *vector)
{
	struct run run;
	auto_json json_t *found = json_array();

	open_run(&run, vector->name);
	auto_json json_t *ours = generate(&run, vector->name),
			 *theirs = read_json(vector->name, ".policy-data.json");
	level(ours);
	level(theirs);
	compare(found, "", ours, theirs);
	close_run(&run);
	for (size_t i = 0; i < LIST_MAX; i++) {
		const struct difference *d = &vector->differences[i];
		const char *got = json_string_value(json_array_get(found, i));
		auto_free char *want = d->path
				? xasprintf("%s: %s, recorded %s", d->path, d->ours ? d->ours : "(absent)",
						  d->theirs ? d->theirs : "(absent)")
				: NULL;

		if ((got || want) && (!got || !want || strcmp(got, want) != 0))
			fail_msg("%s:\n  %s\n  but expected\n  %s", vector->name, got ? got : "(nothing)",
					want ? want : "(nothing)");
	}
	assert_true(json_array_size(found) <= LIST_MAX);
}

static void what_genpolicy_made_is_made_again(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(vectors); i++)
		check(&vectors[i]);
}

static void two_runs_give_the_same_bytes(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(vectors); i++) {
		struct run one, two;

		open_run(&one, vectors[i].name);
		open_run(&two, vectors[i].name);
		auto_json json_t *a = generate(&one, vectors[i].name), *b = generate(&two, vectors[i].name);
		auto_free char *first = json_text(a, false), *second = json_text(b, false);
		assert_string_equal(first, second);
		close_run(&one);
		close_run(&two);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_genpolicy_made_is_made_again),
		cmocka_unit_test(two_runs_give_the_same_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
