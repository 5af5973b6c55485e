/* SPDX-License-Identifier: Apache-2.0 */
#include "agentpolicy/generate_own.h"

#include "base/alloc.h"
#include "base/err.h"
#include "base/own.h"
#include "codec/json.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DATA_VERSION 1
#define TEXTS_MAX    ((size_t)800 * 1024) /* of all env and args: within agentpolicy/policy.h, beside the rest */
/* A container is started again while the one before is still there; who starts it endlessly is stopped. */
#define STARTS_MAX   4

/* The pod on its way. */
struct making {
	const struct agent_inputs *inputs;
	struct agent_notes *notes;
	json_t *containers;
	bool any_privileged;
	size_t room;
};

const json_t *part_settings(const struct part *part)
{
	const struct agent_settings *settings = part->inputs->settings;

	return part->kind == PART_SANDBOX ? settings->pause : settings->other;
}

void part_note(const struct part *part, enum agent_severity severity, const char *below, const char *fmt, ...)
{
	auto_free char *path = xasprintf("%s%s", part->path, below);
	char text[1024];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	agent_note(part->notes, severity, path, "%s", text);
}

static int by_key(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

json_t *sorted_object(json_t *object)
{
	auto_free const char **keys = xcalloc(json_object_size(object) + 1, sizeof(*keys));
	json_t *out = json_object(), *value;
	size_t count = 0;
	const char *key;

	json_object_foreach (object, key, value)
		keys[count++] = key;
	qsort(keys, count, sizeof(*keys), by_key);
	for (size_t i = 0; i < count; i++)
		json_object_set(out, keys[i], json_object_get(object, keys[i]));
	return out;
}

void add_all(json_t *list, const json_t *items)
{
	size_t i;
	json_t *item;

	json_array_foreach (items, i, item)
		json_array_append(list, item);
}

/* ---- one container ---- */

static json_t *make_root(const struct part *part)
{
	const char *path = json_text_at(part_settings(part), "Root", "Path", NULL);

	return json_pack(
			"{s:s, s:b}", "Path", path ? path : "$(root_path)", "Readonly", part->read_only_root);
}

static const char *kind_name(enum part_kind kind)
{
	static const char *const names[] = { "sandbox", "init", "sidecar", "container", "injected" };

	return names[kind];
}

/* What our rules need beside genpolicy's shape. */
static json_t *make_own(const struct part *part, json_t *any, json_t *regex)
{
	const char *name = json_text_at(part->container, "name", NULL);
	const char *image = json_text_at(part->container, "image", NULL);
	auto_free char *full = image ? image_full_name(image) : NULL;
	const char *config = part->image && part->image->config_digest ? part->image->config_digest : "";

	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:O, s:O}", "kind", kind_name(part->kind), "name",
			name ? name : "", "image", full ? full : "", "digest",
			image ? image_digest(image) : "", "config_digest", config, "any_env", any,
			"env_regex", regex);
}

static json_t *make_oci(const struct part *part, json_t *process, json_t *mounts, json_t *oci_devices)
{
	json_t *oci = json_pack("{s:s, s:O, s:o}", "Version", part->inputs->settings->oci_version, "Process",
			process, "Root", make_root(part));

	if (json_array_size(mounts))
		json_object_set(oci, "Mounts", mounts);
	json_object_set_new(oci, "Annotations", generate_annotations(part));
	json_object_set_new(oci, "Linux", generate_linux(part, oci_devices));
	return oci;
}

static json_t *make_entry(const struct part *part)
{
	auto_json json_t *list = json_array(), *any = json_array(), *regex = json_array();
	auto_json json_t *mounts = NULL, *storages = NULL, *devices = NULL, *oci_devices = NULL,
			 *patterns = NULL;
	auto_env struct env env = { NULL, NULL };
	const json_t *shared = json_object_get(part->inputs->workload->spec, "shareProcessNamespace");

	env_read(part, &env);
	env_write(part, &env, list, any, regex);
	auto_json json_t *process = generate_process(part, &env, list);
	generate_mounts(part, &mounts, &storages);
	generate_devices(part, &devices, &oci_devices, &patterns);
	return json_pack("{s:o, s:O, s:O, s:b, s:o, s:o, s:o}", "OCI",
			make_oci(part, process, mounts, oci_devices), "storages", storages, "devices",
			devices, "sandbox_pidns", part->kind != PART_SANDBOX && json_is_true(shared),
			"exec_commands", generate_exec(part), "runtime_anno_patterns",
			sorted_object(patterns), "cocoon", make_own(part, any, regex));
}

/* ---- all containers ---- */

static const struct agent_image *find_image(const struct agent_inputs *inputs, const char *name)
{
	for (size_t i = 0; i < inputs->workload->image_count; i++)
		if (strcmp(inputs->workload->images[i], name) == 0)
			return &inputs->images[i];
	return NULL;
}

static bool is_privileged(const json_t *container)
{
	return json_is_true(json_at(container, "securityContext", "privileged", NULL));
}

static void add_part(struct making *making, struct part *part, size_t at)
{
	part->inputs = making->inputs;
	part->notes = making->notes;
	part->any_privileged = making->any_privileged;
	part->room = &making->room;
	json_t *entry = make_entry(part);
	if (entry)
		json_array_insert_new(making->containers, at, entry);
	else
		part_note(part, AGENT_ERROR, "", "a text of the container or its image is no UTF-8");
}

static void warn_of_tag(const struct part *part, const char *image)
{
	const char *digest = part->image->digest;

	if (!*image_digest(image))
		part_note(part, AGENT_WARNING, ".image",
				"a tag is what the registry makes of it each time: pin the image by its "
				"digest%s%s",
				digest && *digest ? ", which was " : "", digest ? digest : "");
}

static void add_container(
		struct making *making, const json_t *container, enum part_kind kind, const char *path)
{
	const char *named = json_text_at(container, "image", NULL), *image = named ? named : "";
	struct part part = { .kind = kind,
		.container = container,
		.path = path,
		.image = find_image(making->inputs, image),
		.privileged = is_privileged(container),
		.read_only_root = json_is_true(
				json_at(container, "securityContext", "readOnlyRootFilesystem", NULL)) };

	if (kind == PART_INIT && json_object_get(container, "restartPolicy"))
		part.kind = PART_SIDECAR;
	if (!part.image) {
		agent_note(making->notes, AGENT_ERROR, path, "nothing is known of the image");
		return;
	}
	add_part(making, &part, kind == PART_INIT ? 1 : json_array_size(making->containers));
	warn_of_tag(&part, image);
}

/* In genpolicy's order: the sandbox, the init containers from the last to the first, the others. */
static void add_containers(struct making *making)
{
	static const char *const lists[] = { "initContainers", "containers", "injected" };
	static const enum part_kind kinds[] = { PART_INIT, PART_CONTAINER, PART_INJECTED };
	const struct agent_workload *workload = making->inputs->workload;
	size_t at;
	const json_t *container;

	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		json_array_foreach (json_object_get(workload->spec, lists[i]), at, container)
			making->any_privileged = making->any_privileged || is_privileged(container);
	struct part sandbox = { .kind = PART_SANDBOX,
		.path = workload->path,
		.read_only_root = !json_is_false(
				json_at(making->inputs->settings->pause, "Root", "Readonly", NULL)) };
	add_part(making, &sandbox, 0);
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		json_array_foreach (json_object_get(workload->spec, lists[i]), at, container) {
			auto_free char *path = kinds[i] == PART_INJECTED
					? xasprintf("injected[%zu]", at)
					: xasprintf("%s.%s[%zu]", workload->path, lists[i], at);

			add_container(making, container, kinds[i], path);
		}
}

/* ---- what is copied from the settings, and what options make of it ---- */

/* As they are, but for members that generators alone read. */
static json_t *copy_without(const json_t *object, const char *const *left_out)
{
	json_t *copy = object ? json_deep_copy(object) : json_object();

	for (size_t i = 0; left_out[i]; i++)
		json_object_del(copy, left_out[i]);
	return copy;
}

static json_t *copy_devices(const json_t *devices)
{
	static const char *const of_vfio[] = { "anno_key_regex", NULL };
	static const char *const of_nvidia[] = { "gpu_anno_value_regex", "gpu_gk_device_type",
		"pgpu_resource_keys", NULL };
	const json_t *vfio = json_object_get(devices, "vfio");
	json_t *copy = copy_without(vfio, of_vfio);

	json_object_set_new(copy, "nvidia", copy_without(json_object_get(vfio, "nvidia"), of_nvidia));
	return json_pack("{s:o}", "vfio", copy);
}

/* The list at `key` of the member `request`, made where there is none. */
static json_t *list_of(json_t *defaults, const char *request, const char *key)
{
	json_t *object = json_object_get(defaults, request);

	if (!object)
		json_object_set_new(defaults, request, object = json_object());
	if (!json_is_array(json_object_get(object, key)))
		json_object_set_new(object, key, json_array());
	return json_object_get(object, key);
}

static void allow(json_t *defaults, const char *request, bool allowed)
{
	if (allowed)
		json_object_set_new(defaults, request, json_true());
}

static json_t *make_defaults(const struct agent_inputs *inputs)
{
	const struct agent_options *options = inputs->options;
	bool debug = options->mode == AGENT_DEBUG;
	json_t *defaults = json_deep_copy(inputs->settings->request_defaults);
	json_t *exec = list_of(defaults, "ExecProcessRequest", "allowed_commands");

	add_all(exec, options->exec);
	add_all(list_of(defaults, "CreateContainerRequest", "allow_env_regex"), options->env);
	if (debug)
		json_array_append_new(
				list_of(defaults, "ExecProcessRequest", "regex"), json_string("^(?s:.*)$"));
	allow(defaults, "ReadStreamRequest", debug || options->logs);
	allow(defaults, "WriteStreamRequest", debug || options->stdin_);
	allow(defaults, "CloseStdinRequest", debug || options->stdin_);
	allow(defaults, "GetMetricsRequest", options->metrics);
	allow(defaults, "GetDiagnosticDataRequest", options->diagnostics);
	allow(defaults, "UpdateEphemeralMountsRequest", options->ephemeral_mounts);
	return defaults;
}

static json_t *copy_list(const json_t *list)
{
	return list ? json_deep_copy(list) : json_array();
}

static json_t *make_cocoon(const struct making *making)
{
	const struct agent_workload *workload = making->inputs->workload;
	const struct agent_options *options = making->inputs->options;
	bool debug = options->mode == AGENT_DEBUG;
	auto_free char *label = xasprintf("%s %s%s%s", workload->kind, workload->namespace,
			*workload->namespace ? "/" : "", workload->name);

	return json_pack("{s:i, s:s, s:s, s:s, s:o, s:b, s:b, s:o, s:i}", "data", DATA_VERSION, "mode",
			debug ? "debug" : "strict", "workload", label, "namespace", workload->namespace,
			"exec", copy_list(options->exec), "any_exec", debug, "stdin",
			debug || options->stdin_, "env_regex", copy_list(options->env), "containers_max",
			STARTS_MAX * (int)json_array_size(making->containers));
}

static json_t *make_data(const struct making *making)
{
	static const char *const of_common[] = { "image_layer_verification", NULL };
	static const char *const of_none[] = { NULL };
	const struct agent_settings *settings = making->inputs->settings;

	return json_pack("{s:O, s:o, s:o, s:o, s:o, s:o, s:o}", "containers", making->containers, "common",
			copy_without(settings->common, of_common), "sandbox",
			copy_without(settings->sandbox, of_none), "request_defaults",
			make_defaults(making->inputs), "devices", copy_devices(settings->devices),
			"cluster_config", copy_without(settings->cluster, of_none), "cocoon",
			make_cocoon(making));
}

int agent_generate(
		const struct agent_inputs *inputs, json_t **data, struct agent_notes *notes, struct err *err)
{
	auto_json json_t *containers = json_array();
	struct making making = {
		.inputs = inputs, .notes = notes, .containers = containers, .room = TEXTS_MAX
	};

	add_containers(&making);
	if (inputs->options->mode == AGENT_DEBUG)
		agent_note(notes, AGENT_WARNING, "",
				"DEBUG: the host may run any command in every container, read its output and "
				"write its input. "
				"Nothing is confidential with this policy: never give its digest secrets");
	if (agent_notes_check(notes, err) < 0)
		return -1;
	*data = make_data(&making);
	if (!*data)
		return err_set(err, ERR_FORMAT,
				"a text of the workload, the images or the settings is no UTF-8");
	return 0;
}
