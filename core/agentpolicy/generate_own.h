/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The halves of the generator: private to this room. generate.c makes one entry of policy_data.containers for each
 * container, and asks generate_mounts.c and generate_devices.c for what hangs on volumes and devices; what is left is
 * split by subject: generate_process.c, _env.c with _values.c and _text.c, _user.c, _linux.c, _annotations.c.
 */
#ifndef COCOON_AGENTPOLICY_GENERATE_OWN_H
#define COCOON_AGENTPOLICY_GENERATE_OWN_H

#include "agentpolicy/generate.h"
#include "base/buf.h"

enum part_kind { PART_SANDBOX, PART_INIT, PART_SIDECAR, PART_CONTAINER, PART_INJECTED };

/* One container on its way. */
struct part {
	const struct agent_inputs *inputs;
	struct agent_notes *notes;
	enum part_kind kind;
	const json_t *container;         /* core/v1 Container, canonical; NULL for the sandbox */
	const struct agent_image *image; /* NULL for the sandbox */
	const char *path;                /* "spec.containers[0]", for notes */
	bool privileged;                 /* this one */
	bool any_privileged;             /* one of the pod: counts for the sandbox */
	bool read_only_root;
	size_t *room; /* bytes that the texts of env and args of all containers may still take */
};

/* OCI.Mounts and storages: new references, in genpolicy's order (specification 2.6, Mounts). */
void generate_mounts(const struct part *part, json_t **mounts, json_t **storages) __attribute__((nonnull));

/* devices[], OCI.Linux.Devices, runtime_anno_patterns: new references. */
void generate_devices(const struct part *part, json_t **devices, json_t **oci_devices, json_t **patterns)
		__attribute__((nonnull));

/* The settings' container of the part: pause_container or other_container. Borrowed. */
const json_t *part_settings(const struct part *part) __attribute__((nonnull, returns_nonnull));

/* A note whose place is part->path and, behind it, `below` (".env[2].valueFrom", or ""). */
void part_note(const struct part *part, enum agent_severity severity, const char *below, const char *fmt, ...)
		__attribute__((format(printf, 4, 5), nonnull(1, 3, 4)));

void add_all(json_t *list, const json_t *items) __attribute__((nonnull(1)));
/* The same members in the order of their names: a new reference. */
json_t *sorted_object(json_t *object) __attribute__((nonnull, returns_nonnull, warn_unused_result));

/*
 * Texts of env and args on their way: a placeholder that the rules fill in, such as $(pod-ip), is written with
 * TEXT_MARK for its '$' until text_finish(), so that nothing that a manifest or an image says is taken for one.
 */
#define TEXT_MARK    "\001"
#define TEXT_MARK_AT '\001'

/* Whether a text from outside has no mark in it; else it is noted. */
bool text_is_plain(const struct part *part, const char *below, const char *text)
		__attribute__((nonnull, warn_unused_result));

/*
 * Appends text with $(NAME) replaced and $$ as $, as the kubelet does: once, left to right; a name that is not in
 * `vars` stays as it stands. False when one was needed whose value is not a text, which nobody knows.
 */
bool text_expand(const char *text, const json_t *vars, struct buf *out) __attribute__((nonnull));

/*
 * Warns of references that look like the address of a Service, which the kubelet puts in where there is one: a policy
 * has them as they stand.
 */
void text_warn_of_services(const struct part *part, const char *below, const char *text, const json_t *vars)
		__attribute__((nonnull));

/*
 * As it stands in the data block: a new string, or NULL with a note where it cannot. In args the rules read $$ as $.
 */
json_t *text_finish(const struct part *part, const char *below, const char *text, bool is_arg)
		__attribute__((nonnull, warn_unused_result));

/*
 * The value of valueFrom as it is known: a new string (with marks), an array of one pattern, null when the host may
 * choose it, or NULL when it is an error that was noted.
 */
json_t *value_from(const struct part *part, const char *below, const json_t *from)
		__attribute__((nonnull(1, 2), warn_unused_result));
/* Sets all members of envFrom's source in `vars`, in the order of their names. */
void values_from(const struct part *part, const char *below, const json_t *source, json_t *vars)
		__attribute__((nonnull));

/* Variables by name: texts (with marks), arrays of one pattern, null where the host may choose. */
struct env {
	json_t *runtime; /* of image and runtime */
	json_t *kubelet; /* of the manifest: these win, and these alone are expanded */
};
void env_read(const struct part *part, struct env *env) __attribute__((nonnull));
void env_clear(struct env *env) __attribute__((nonnull));
#define auto_env __attribute__((cleanup(env_clear)))
/* Adds to OCI.Process.Env, any_env, and env_regex. */
void env_write(const struct part *part, const struct env *env, json_t *list, json_t *any, json_t *regex)
		__attribute__((nonnull));

#define ENV_VARS_MAX 1000

/* New references. */
json_t *generate_process(const struct part *part, const struct env *env, json_t *env_list)
		__attribute__((nonnull, returns_nonnull, warn_unused_result));
json_t *generate_exec(const struct part *part) __attribute__((nonnull, returns_nonnull, warn_unused_result));
json_t *generate_user(const struct part *part) __attribute__((nonnull, returns_nonnull, warn_unused_result));
json_t *generate_linux(const struct part *part, json_t *devices)
		__attribute__((nonnull, returns_nonnull, warn_unused_result));
json_t *generate_annotations(const struct part *part)
		__attribute__((nonnull, returns_nonnull, warn_unused_result));

/* The image as the runtime names it: "docker.io/library/nginx:latest"; without the tag where there is a digest. */
char *image_full_name(const char *image) __attribute__((nonnull, returns_nonnull, warn_unused_result));
/* "sha256:…" of the name, or "". Borrowed from it. */
const char *image_digest(const char *image) __attribute__((nonnull, returns_nonnull));

#endif
