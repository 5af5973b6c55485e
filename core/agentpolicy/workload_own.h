/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a workload's canonical form is made: private to the workload_….c of this room. Every object of core/v1 has a table
 * of its fields, which says for each whether it is taken, passed over because it changes no request to the guest, or
 * refused with the remedy; what no table names is unknown. What is taken is then projected by a function of its own.
 *
 *     workload.c ┬ workload_owner.c → workload_sandbox.c          kind, name, sandbox
 *                ├ workload_meta.c                                annotations, labels
 *                └ workload_spec.c ┬ workload_container.c ┬ workload_env.c
 *                                  └ workload_volumes.c   └ workload_mounts.c
 *
 * Nothing fails here: what is wrong becomes a note, and the result is whatever could be made of the rest.
 */
#ifndef COCOON_AGENTPOLICY_WORKLOAD_OWN_H
#define COCOON_AGENTPOLICY_WORKLOAD_OWN_H

#include "agentpolicy/workload.h"

#include <stdint.h>

/* ---- fields ---- */

enum field_how { FIELD_TAKEN, FIELD_PASSED, FIELD_REFUSED };

struct field {
	const char *name;
	enum field_how how;
	const char *instead; /* of what is refused: why, and what to write; NULL else */
};

/* Tables of core/v1, each ending with a field without a name (workload_fields.c). */
extern const struct field fields_template[], fields_pod[], fields_pod_security[], fields_container[],
		fields_security[], fields_capabilities[], fields_resources[], fields_sysctl[], fields_env[],
		fields_value_from[], fields_env_from[], fields_reference[], fields_key_reference[],
		fields_field_reference[], fields_resource_reference[], fields_mount[], fields_device[],
		fields_probe[], fields_lifecycle[], fields_handler[], fields_exec[], fields_volume[];

/* The workload on its way. */
struct projection {
	const struct agent_reading *reading;
	struct agent_notes *notes;
	/* of the template or pod, as read; NULL without */
	const json_t *labels_read, *annotations_read;
	/* of the result; borrowed from its tree */
	json_t *labels, *annotations;
	const char *stateful_set; /* its name, when one makes the pods; NULL else */
	bool of_job;              /* a Job makes the pods */
	bool generated;           /* the pod's own name is by generateName */
	bool indexed;             /* of a Job with completionMode: Indexed */
	/* of the pod spec */
	json_t *volumes_read; /* by name: see volumes_collect() */
	json_t *volumes;      /* those mounted so far, canonical, by name */
	json_t *containers;   /* names so far */
};

/* The member, or NULL also where it is null. */
json_t *field_get(const json_t *object, const char *name) __attribute__((nonnull(2), warn_unused_result));

/* "path.name": heap. */
char *field_path(const char *path, const char *name)
		__attribute__((nonnull, returns_nonnull, warn_unused_result));

/* Notes for the members that the table refuses or does not know. */
void fields_check(const struct projection *projection, const json_t *object, const char *path,
		const struct field *table) __attribute__((nonnull(1, 3, 4)));

/* A member of this type; without one NULL, false or `preset`. Another type is an error note. Empty texts are none. */
const json_t *field_object(const struct projection *projection, const json_t *object, const char *path,
		const char *name) __attribute__((nonnull(1, 3, 4), warn_unused_result));
const json_t *field_list(const struct projection *projection, const json_t *object, const char *path,
		const char *name) __attribute__((nonnull(1, 3, 4), warn_unused_result));
const char *field_text(const struct projection *projection, const json_t *object, const char *path,
		const char *name) __attribute__((nonnull(1, 3, 4), warn_unused_result));
bool field_flag(const struct projection *projection, const json_t *object, const char *path, const char *name,
		bool preset) __attribute__((nonnull(1, 3, 4), warn_unused_result));
/* As field_text, and an error note where there is none. */
const char *field_needed(const struct projection *projection, const json_t *object, const char *path,
		const char *name) __attribute__((nonnull(1, 3, 4), warn_unused_result));

/* These copy a member into the result, where it has one of worth. */
void take_text(const struct projection *projection, const json_t *object, const char *path, const char *name,
		json_t *out) __attribute__((nonnull(1, 3, 4, 5)));
void take_texts(const struct projection *projection, const json_t *object, const char *path, const char *name,
		json_t *out) __attribute__((nonnull(1, 3, 4, 5)));
/* integers of 0 … 2^31 - 1, which all of core/v1 that is taken are */
void take_number(const struct projection *projection, const json_t *object, const char *path,
		const char *name, json_t *out) __attribute__((nonnull(1, 3, 4, 5)));
void take_numbers(const struct projection *projection, const json_t *object, const char *path,
		const char *name, json_t *out) __attribute__((nonnull(1, 3, 4, 5)));
/* where it is `worth` */
void take_flag(const struct projection *projection, const json_t *object, const char *path, const char *name,
		bool worth, json_t *out) __attribute__((nonnull(1, 3, 4, 6)));

/* Takes the value, and puts it in unless it is an empty object or array. */
void put_unless_empty(json_t *out, const char *name, json_t *value) __attribute__((nonnull(1, 2)));

/* ---- the parts ---- */

/* {"kind", "name", "sandbox"} of the result, from a Pod or another workload; fills in what projection says of it. */
void owner_find(struct projection *projection, const json_t *object, json_t *out) __attribute__((nonnull));

/* Label and annotation of an Indexed Job's pods. */
#define JOB_COMPLETION_INDEX "batch.kubernetes.io/job-completion-index"

#define SANDBOX_STEM_MAX     58 /* bytes of a generateName that the API server uses, */
#define SANDBOX_RANDOM       5  /* and characters that it adds */
#define SANDBOX_MINUTES \
	8 /* digits of the minutes since 1970 in the name of a CronJob's Job, until the year 2160 */

struct sandbox_names {
	const char *kind,
			*name; /* of the workload; "Pod": of the pod, or with `generated` its generateName */
	bool generated, indexed;
};
/* What its pods are called: heap. At most NAME_BYTES_MAX of name. */
char *sandbox_pattern(const struct sandbox_names *names)
		__attribute__((nonnull, returns_nonnull, warn_unused_result));

/* Annotations of the template that the runtime hands to the guest, into projection->annotations. */
void annotations_take(const struct projection *projection, const char *path) __attribute__((nonnull));
/* Puts the label or annotation that a fieldPath reads into the result, where it has it and knows the value; false when it
 * reads neither. */
bool field_path_take(const struct projection *projection, const char *path, const char *field_path)
		__attribute__((nonnull));

/* The canonical spec: a new reference. `path` is its place. */
json_t *spec_project(struct projection *projection, const json_t *spec, const char *path)
		__attribute__((nonnull, returns_nonnull, warn_unused_result));

/* One container: a new reference. */
json_t *container_project(struct projection *projection, const json_t *container, const char *path)
		__attribute__((nonnull, returns_nonnull, warn_unused_result));

/* Profiles that are files of the node. */
#define NODE_PROFILE "a file of the node is not in the guest: use RuntimeDefault"
void host_profiles_check(const struct projection *projection, const json_t *security, const char *path)
		__attribute__((nonnull(1, 3)));

/* env and envFrom, into the container. */
void env_project(const struct projection *projection, const json_t *container, const char *path, json_t *out)
		__attribute__((nonnull));

/* volumeMounts and volumeDevices, into the container; what they name goes into projection->volumes. */
void mounts_project(struct projection *projection, const json_t *container, const char *path, json_t *out)
		__attribute__((nonnull));

/* Adds to {name: {"path", "volume"}} the volumes of a list. */
void volumes_collect(const struct projection *projection, const json_t *list, const char *path, json_t *out)
		__attribute__((nonnull(1, 3, 4)));
/* Whether it is the one that admission adds for the account's token, and this mount that one's. */
bool volume_is_token(const json_t *volume);
bool mount_is_token(const struct projection *projection, const json_t *mount) __attribute__((nonnull(1)));
/* The canonical volume: a new reference. What cannot be expressed is an error note. */
json_t *volume_project(const struct projection *projection, const char *name)
		__attribute__((nonnull, returns_nonnull, warn_unused_result));

/* Fills in images, config_maps and secrets from the tree. */
void names_collect(struct agent_workload *workload) __attribute__((nonnull));

#endif
