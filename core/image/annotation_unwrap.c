/* SPDX-License-Identifier: Apache-2.0 */
/* Which opener opens which element: annotation_unwrap() and the reasons that it gives. */
#include "base/buf.h"
#include "base/err.h"
#include "image/annotation.h"
#include "image/wrap.h"

#include <string.h>

/* Room for one list of reasons or names; two of them and a sentence fit into ERR_TEXT_MAX. */
#define LIST_BYTES ((size_t)420)

/* Texts with "; " or ", " between them, and how many found no room. */
struct list {
	struct buf text;
	size_t left_out;
};

struct attempt {
	const struct opener_list *openers;
	struct private_options *out;
	bool remote; /* which openers are tried in this walk */
	bool opened;
	size_t elements, tried;
	struct list schemes; /* of the elements */
	struct list refused; /* "not for this key" */
	struct list failed;  /* all other reasons */
};

static void list_add(struct list *list, const char *separator, const char *text)
{
	size_t len = strlen(text) + (list->text.len ? strlen(separator) : 0);

	if (list->left_out || list->text.len + len > LIST_BYTES) {
		list->left_out++;
		return;
	}
	if (list->text.len)
		buf_puts(&list->text, separator);
	buf_puts(&list->text, text);
}

static void list_close(struct list *list)
{
	if (list->left_out)
		buf_printf(&list->text, "%sand %zu more", list->text.len ? "; " : "", list->left_out);
}

/* Is the name among those of the list? */
static bool list_has(const struct list *list, const char *name)
{
	struct span rest = buf_span(&list->text), piece;

	while (span_next(&rest, ',', &piece))
		if (span_is(span_trim(piece), name))
			return true;
	return false;
}

/* A scheme that ends in a dot stands for all that begin so. */
static bool opens(const struct opener *opener, const char *scheme)
{
	size_t len = strlen(opener->scheme);

	if (len && opener->scheme[len - 1] == '.')
		return strncmp(opener->scheme, scheme, len) == 0;
	return strcmp(opener->scheme, scheme) == 0;
}

static int try_one(struct opener *opener, struct span element, struct private_options *out, struct err *err)
{
	auto_secret struct secret text = SECRET_NONE;

	if (!element.len)
		return err_set(err, ERR_FORMAT, "the annotation holds no base64 here");
	if (opener->unwrap(opener, element, &text, err) < 0)
		return -1;
	return private_options_parse(secret_span(&text), out, err);
}

/* Adds the text; of one that is longer than half a list the middle is left out: causes stand at the end. */
static void add_reason(struct list *list, const char *text)
{
	char line[LIST_BYTES / 2];
	size_t len = strlen(text), head = sizeof line / 4, tail = sizeof line - head - sizeof "...";

	if (len < sizeof line) {
		list_add(list, "; ", text);
		return;
	}
	snprintf(line, sizeof line, "%.*s...%s", (int)head, text, text + len - tail);
	list_add(list, "; ", line);
}

static void remember(struct attempt *attempt, const char *scheme, size_t index, const char *name,
		const struct err *why)
{
	char line[2 * ERR_TEXT_MAX];
	/* some reasons begin with the name themselves; each must leave room for others */
	bool named = span_starts(span_of(why->text), name);

	snprintf(line, sizeof line, "%s #%zu: %s%s%s", scheme, index + 1, named ? "" : name,
			named ? "" : ": ", why->text);
	add_reason(why->kind == ERR_AUTH ? &attempt->refused : &attempt->failed, line);
}

static int try_element(void *ctx, const char *scheme, size_t index, struct span element, struct err *err)
{
	struct attempt *attempt = ctx;

	if (!attempt->remote) {
		attempt->elements++;
		if (!list_has(&attempt->schemes, scheme))
			list_add(&attempt->schemes, ", ", scheme);
	}
	for (size_t i = 0; i < attempt->openers->count; i++) {
		struct opener *opener = attempt->openers->items[i];
		struct err why = ERR_NONE;
		if (opener->remote != attempt->remote || !opens(opener, scheme))
			continue;
		if (++attempt->tried > ANNOTATION_TRIES_MAX)
			return err_set(err, ERR_LIMIT, "none of %d attempts to open a wrapped key succeeded",
					ANNOTATION_TRIES_MAX);
		if (try_one(opener, element, attempt->out, &why) == 0) {
			attempt->opened = true;
			/* ends the walk */
			return -1;
		}
		remember(attempt, scheme, index, opener->name, &why);
	}
	return 0;
}

static int explain(struct attempt *attempt, struct err *err)
{
	list_close(&attempt->schemes);
	list_close(&attempt->failed);
	list_close(&attempt->refused);
	const char *schemes = buf_text(&attempt->schemes.text), *failed = buf_text(&attempt->failed.text),
		   *refused = buf_text(&attempt->refused.text);

	if (!attempt->elements)
		return err_set(err, ERR_FORMAT,
				"the layer has no wrapped keys (annotations " ANNOTATION_KEYS
				"*): nobody can open it");
	if (!attempt->openers->count)
		return err_set(err, ERR_USAGE,
				"missing private key needed for decryption: the layer is for "
				"%s, and no keys were given",
				schemes);
	if (!attempt->tried)
		return err_set(err, ERR_AUTH,
				"missing private key needed for decryption: the layer is for "
				"%s, and none of the keys given is of that kind",
				schemes);
	return err_set(err, ERR_AUTH, "none of the private keys could be used for decryption: %s%s%s", failed,
			*failed && *refused ? "; " : "", refused);
}

static int unwrap(const json_t *annotations, struct attempt *attempt, struct err *err)
{
	for (int pass = 0; pass < 2; pass++) {
		attempt->remote = pass == 1;
		int result = annotation_walk(annotations, try_element, attempt, err);
		if (attempt->opened)
			return 0;
		if (result < 0)
			return -1;
	}
	return explain(attempt, err);
}

int annotation_unwrap(const json_t *annotations, const struct opener_list *openers,
		struct private_options *out, struct err *err)
{
	/* a reason is cut to half a list, and the sentence of list_close() comes on top */
	struct attempt attempt = {
		.openers = openers,
		.out = out,
		.schemes.text = BUF_MAX(2 * LIST_BYTES),
		.refused.text = BUF_MAX(2 * LIST_BYTES),
		.failed.text = BUF_MAX(2 * LIST_BYTES),
	};
	int result = unwrap(annotations, &attempt, err);

	buf_clear(&attempt.schemes.text);
	buf_clear(&attempt.refused.text);
	buf_clear(&attempt.failed.text);
	return result;
}
