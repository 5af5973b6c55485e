/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the commands that judge share: the options by which registries are reached, the engine, and the report.
 *
 *     engine_open()  →  engine_judge() for each pod  →  engine_report()
 *
 * The engine is the webhook's (policy/gate.h over facts/facts.h); facts are waited for. One thread.
 */
#ifndef COCOON_POLICY_CHECK_JUDGE_H
#define COCOON_POLICY_CHECK_JUDGE_H

#include "base/opt.h"
#include "base/span.h"
#include "oci/authfiles.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

struct err;
struct facts;
struct pod_view;
struct policy_set;

/* The first fields of a judging command's settings. */
struct judge_options {
	struct opt_list policies;
	struct opt_list layouts;
	const char *document;
	const char *auth_file;
	int unmatched;
	bool strict;
	int form;
};

#define JUDGE_OPTIONS(structure)                                                                            \
	OPT_LIST(structure, judge.policies, "policy", 'p', "FILE",                                          \
			"ImagePolicies, YAML or JSON; may be repeated", .required = true),                  \
			OPT_LIST(structure, judge.layouts, "layout", 0, "oci:DIR",                          \
					"an OCI layout that is looked into before registries; may be "      \
					"repeated"),                                                        \
			OPT_TEXT(structure, judge.document, "document", 0, "FILE",                          \
					"the init-data that pods without that annotation will get (TOML)"), \
			OPT_TEXT(structure, judge.auth_file, "auth-file", 0, "FILE",                        \
					"credentials of registries, as docker and podman keep them"),       \
			OPT_ENUM(structure, judge.unmatched, "unmatched", 0, "EFFECT",                      \
					"what happens to an image that no policy takes", check_unmatched),  \
			OPT_FLAG(structure, judge.strict, "strict", 0, "warnings fail, too"),               \
			OPT_ENUM(structure, judge.form, "output", 'o', "FORM", "what to write", check_forms)

struct engine {
	const struct judge_options *options;
	struct policy_set *set;
	struct facts *facts;
	struct authfiles files;
	struct span document; /* of --document */
	char *document_text;
	json_t *images; /* of the report: {"file","object","path","image","digest","policy","verdict","reason"} */
	json_t *ends;  /* of each of the pods: how many images there were by then */
	json_t *pods;  /* {"file","object","allowed","reasons":[…],"warnings":[…]} */
	bool terminal; /* of standard error: progress is shown */
	FILE *nowhere; /* where libraries write while they work */
};

/* `files`: what else the command reads; NULL: nothing. */
int engine_open(const struct judge_options *options, const struct opt_rest *files, struct engine *out,
		struct err *err) __attribute__((nonnull(1, 3), warn_unused_result));
void engine_close(struct engine *engine) __attribute__((nonnull));
#define auto_engine __attribute__((cleanup(engine_close)))

/* `path` is the place of a template, "" of a pod; labels are the namespace's. */
void engine_judge(struct engine *engine, const char *file, const char *object, const struct pod_view *pod,
		const char *path, const json_t *labels) __attribute__((nonnull(1, 2, 3, 4, 5)));

/* Prints, and returns the exit code: 1 when a pod would be refused, or warned of with --strict. */
int engine_report(struct engine *engine, struct err *err) __attribute__((nonnull(1), warn_unused_result));

#endif
