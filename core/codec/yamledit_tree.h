/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The documents of a YAML text as nodes with the bytes where they stand, for codec/yamledit alone. Aliases stay
 * aliases. The text has been read by codec/yaml before, so form and bounds are known to be right.
 *
 * Offsets count bytes of the text; libyaml's marks count characters.
 */
#ifndef COCOON_CODEC_YAMLEDIT_TREE_H
#define COCOON_CODEC_YAMLEDIT_TREE_H

#include "base/span.h"

struct err;

enum node_kind { NODE_SCALAR, NODE_MAPPING, NODE_SEQUENCE, NODE_ALIAS };

struct node {
	enum node_kind kind;
	bool flow;     /* a collection in brackets */
	bool anchored; /* carries an anchor itself */
	bool tagged;   /* carries a tag */
	bool plain;    /* a scalar without quotes and not a block */
	bool block_tail; /* is or ends in a literal or folded block: its end is the start of a line, or of nothing */
	size_t start; /* the first byte, also of anchor and tag */
	size_t end;   /* behind the last byte */
	char *text;   /* a scalar's value */
	size_t text_len;
	struct node **kids; /* a mapping's keys and values by turns, or a sequence's items */
	size_t count;
	size_t cap;
};

/* All documents of the text: a sequence of their roots. */
int node_stream(struct span text, struct node **out, struct err *err)
		__attribute__((nonnull(2), warn_unused_result));
void node_free(struct node *node);

static inline void node_release(struct node **slot)
{
	node_free(*slot);
}
#define auto_node __attribute__((cleanup(node_release)))

static inline struct span node_text(const struct node *node)
{
	return span_new(node->text, node->text_len);
}

/* An unquoted null, also one of no bytes at all. */
bool node_is_null(const struct node *node) __attribute__((nonnull));

/* The node or something in it carries an anchor. */
bool node_has_anchor(const struct node *node) __attribute__((nonnull));

#endif
