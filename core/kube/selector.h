/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Label selectors (metav1.LabelSelector): read and checked once, matched often.
 *
 *     {"matchLabels":{"app":"web"},
 *      "matchExpressions":[{"key":"tier","operator":"In","values":["front","back"]},
 *                          {"key":"legacy","operator":"DoesNotExist"}]}
 *
 * All requirements must hold. In needs the label with one of the values; NotIn holds without the label too; Exists
 * and DoesNotExist take no values. The empty selector {} matches everything; what an absent one means is the field's
 * own affair, so that is asked before: selector_parse() is given an object.
 *
 * Bounds: SELECTOR_REQUIREMENTS_MAX requirements, SELECTOR_VALUES_MAX values in each.
 * Ownership: the struct holds a reference to the object it was read from.
 * Errors: ERR_FORMAT with the path of the part that is wrong, ERR_LIMIT.
 */
#ifndef COCOON_KUBE_SELECTOR_H
#define COCOON_KUBE_SELECTOR_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct err;

#define SELECTOR_REQUIREMENTS_MAX 128
#define SELECTOR_VALUES_MAX       1024

struct selector {
	json_t *source; /* the object; NULL: cleared */
};

#define SELECTOR_NONE          \
	{                      \
		.source = NULL \
	}

/* `path` is the place of the object, for messages. *out is SELECTOR_NONE before. */
int selector_parse(json_t *object, const char *path, struct selector *out, struct err *err)
		__attribute__((nonnull(2, 3), warn_unused_result));
void selector_clear(struct selector *selector) __attribute__((nonnull));
#define auto_selector __attribute__((cleanup(selector_clear)))

/* labels: an object of texts; NULL or null: no labels. False for a cleared selector. */
bool selector_matches(const struct selector *selector, const json_t *labels) __attribute__((nonnull(1)));

#endif
