/* SPDX-License-Identifier: Apache-2.0 */
/* What walks over manifests do with what they find: tell it, a line each, so that tests compare texts; or seal it. */
#ifndef COCOON_TESTS_SEALED_SECRETS_WALK_H
#define COCOON_TESTS_SEALED_SECRETS_WALK_H

#include "base/buf.h"
#include "sealed-secrets/manifests.h"
#include "sealed-secrets/revise.h"
#include "sealed-secrets/uses.h"
#include "sealed/lint.h"
#include "sealed/token.h"

#include <string.h>

static inline int told_entry(void *ctx, const struct candidate *candidate, struct err *err)
{
	(void)err;
	buf_printf(ctx, "  %s%s%.*s\n", candidate->where, candidate->fault ? " !" : "=",
			SPAN_ARG(candidate->text));
	return 0;
}

static inline int told_object(void *ctx, const struct object *object, struct err *err)
{
	buf_printf(ctx, "%zu.%zu %s %s/%s\n", object->document, object->depth ? object->steps[1].index : 0,
			object->kind, object->namespace, object->name);
	return manifests_entries(object, told_entry, ctx, err);
}

static inline void told_use(void *ctx, const struct use *use)
{
	buf_printf(ctx, "  %s: %s/%s %s%s\n", use->where, use->namespace, use->secret,
			use->key ? use->key : "*", use->pull ? " pull" : "");
}

/* ---- sealing ---- */

#define WALK_CHANGES_MAX 8

struct walk {
	struct revision revision;
	json_t *findings;
	const struct object *object;
	size_t sealed; /* were so before */
	bool only_counts;
};

static inline int walk_text(void *ctx, const struct candidate *candidate, struct err *err)
{
	struct walk *walk = ctx;

	(void)err;
	sealed_lint(candidate->text, NULL, 0, walk->findings);
	return 0;
}

/* Takes the place of one entry, where the text can be edited. */
static inline int walk_entry(void *ctx, const struct candidate *candidate, struct err *err)
{
	struct walk *walk = ctx;
	struct revise_at at = { .document = walk->object->document };
	const char *key = strchr(candidate->where, '.') + 1;
	bool data = span_starts(span_of(candidate->where), "data.");

	(void)err;
	if (sealed_is(candidate->text)) {
		walk->sealed++;
		return walk_text(ctx, candidate, err);
	}
	if (walk->only_counts || walk->revision.count == WALK_CHANGES_MAX)
		return 0;
	revise_at_add(&at, walk->object->steps, walk->object->depth);
	revise_at_key(&at, data ? "data" : "stringData");
	revise_at_key(&at, key);
	revise(&walk->revision, &at, data ? "c2VhbGVkLng=" : "sealed.x");
	return 0;
}

static inline int walk_object(void *ctx, const struct object *object, struct err *err)
{
	struct walk *walk = ctx;

	walk->object = object;
	if (strcmp(object->kind, "Secret") != 0)
		return manifests_entries(object, walk_text, walk, err);
	return manifests_entries(object, walk_entry, walk, err);
}

#endif
