/* SPDX-License-Identifier: Apache-2.0 */
/* What was explained, for people. Texts come from manifests and images: what would not show as what it is, is replaced. */
#include "agentpolicy/explain.h"
#include "base/alloc.h"
#include "base/own.h"
#include "codec/json.h"

#include <string.h>

/* One line's worth of a text from outside. */
static void add_clean(struct buf *out, const char *text)
{
	auto_free char *copy = xstrdup(text);

	span_tidy(copy, strlen(copy));
	buf_puts(out, copy);
}

/* Words of a command, so that one with a blank is not taken for two. */
static void add_command(struct buf *out, const json_t *words)
{
	const json_t *word;
	size_t i;

	json_array_foreach (words, i, word) {
		const char *text = json_string_value(word) ? json_string_value(word) : "?";
		const char *quote = !*text || strpbrk(text, " '\"\n") ? "'" : "";

		buf_puts(out, i ? " " : "");
		buf_puts(out, quote);
		add_clean(out, text);
		buf_puts(out, quote);
	}
}

static void add_words(struct buf *out, const json_t *words, const char *between)
{
	const json_t *word;
	size_t i;

	json_array_foreach (words, i, word) {
		buf_puts(out, i ? between : "");
		add_clean(out, json_string_value(word) ? json_string_value(word) : "?");
	}
}

/* What the generator writes for a value that is known later. */
static const char *placeholder(const char *value)
{
	static const struct {
		const char *text, *words;
	} known[] = { { "$(sandbox-name)", "(name of the pod)" },
		{ "$(host-name)", "(host name of the pod)" },
		{ "$(node-name)", "(name of the node, as the host says)" },
		{ "$(pod-uid)", "(UID of the pod)" }, { "$(pod-ip)", "(address of the pod)" },
		{ "$(host-ip)", "(address of the node)" },
		{ "$(sandbox-namespace)", "(namespace of the pod)" },
		{ "$(resource-field)", "(a number, as the host says)" },
		{ "$(todo-annotation)", "(whatever the host says)" } };

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (!strcmp(value, known[i].text))
			return known[i].words;
	return NULL;
}

static void add_env(struct buf *out, const json_t *env, const json_t *any)
{
	const json_t *item;
	size_t i;

	json_array_foreach (env, i, item) {
		const char *text = json_string_value(item), *value = text ? strchr(text, '=') : NULL;
		const char *words = value ? placeholder(value + 1) : NULL;

		buf_puts(out, i ? ", " : "    env      ");
		if (words) {
			auto_free char *name = xmemdup0(text, (size_t)(value - text));

			add_clean(out, name);
			buf_printf(out, "=%s", words);
			continue;
		}
		add_clean(out, text ? text : "?");
	}
	json_array_foreach (any, i, item) {
		buf_puts(out, json_array_size(env) || i ? ", " : "    env      ");
		add_clean(out, json_string_value(item) ? json_string_value(item) : "?");
		buf_puts(out, "=(whatever the host says)");
	}
	if (json_array_size(env) || json_array_size(any))
		buf_putc(out, '\n');
}

static void add_mounts(struct buf *out, const json_t *mounts)
{
	const json_t *mount;
	size_t i;

	json_array_foreach (mounts, i, mount) {
		buf_puts(out, i ? ", " : "    mounts   ");
		add_clean(out,
				json_text_at(mount, "destination", NULL)
						? json_text_at(mount, "destination", NULL)
						: "?");
		buf_printf(out, " %s", json_text_at(mount, "mode", NULL));
	}
	if (json_array_size(mounts))
		buf_putc(out, '\n');
}

static void add_container(struct buf *out, const json_t *container)
{
	const json_t *command;
	size_t i;

	buf_puts(out, "  ");
	add_clean(out, json_text_at(container, "name", NULL));
	if (strcmp(json_text_at(container, "kind", NULL), "sandbox") != 0)
		buf_printf(out, " (%s)", json_text_at(container, "kind", NULL));
	if (*json_text_at(container, "image", NULL)) {
		buf_puts(out, "  ");
		add_clean(out, json_text_at(container, "image", NULL));
		if (!*json_text_at(container, "digest", NULL))
			buf_puts(out, "  (no digest: whatever the tag points at)");
	}
	buf_printf(out, "\n    user     %s\n    command  ", json_text_at(container, "user", NULL));
	add_command(out, json_object_get(container, "args"));
	buf_puts(out, "\n    folder   ");
	add_clean(out, json_text_at(container, "cwd", NULL));
	buf_putc(out, '\n');
	add_env(out, json_object_get(container, "env"), json_object_get(container, "anyEnv"));
	add_mounts(out, json_object_get(container, "mounts"));
	json_array_foreach (json_object_get(container, "exec"), i, command) {
		buf_puts(out, "    exec     ");
		add_command(out, command);
		buf_putc(out, '\n');
	}
}

static void add_requests(struct buf *out, const json_t *requests, const char *stance, const char *title)
{
	const json_t *request;
	const char *kind;
	size_t count = 0;

	json_object_foreach ((json_t *)(uintptr_t)requests, kind, request) {
		const json_t *words = json_object_get(request, "words");

		if (strcmp(json_text_at(request, "allowed", NULL), stance) != 0)
			continue;
		buf_printf(out, "%s  %s", count++ ? "" : title, kind);
		if (json_array_size(words)) {
			buf_puts(out, ": ");
			add_words(out, words, "; ");
		}
		buf_putc(out, '\n');
	}
}

void agent_explain_text(const json_t *explained, struct buf *out)
{
	const char *rules = json_text_at(explained, "rules", NULL);
	const json_t *container;
	size_t i;

	if (*json_text_at(explained, "workload", NULL)) {
		add_clean(out, json_text_at(explained, "workload", NULL));
		buf_printf(out, ", mode %s\n", json_text_at(explained, "mode", NULL));
	}
	if (strcmp(rules, "ours") != 0)
		buf_printf(out,
				"The rules are not Cocoon's (sha256 %s): what follows is what the data says; "
				"they may allow "
				"more, or less.\n",
				rules);
	buf_puts(out, "Containers that the guest starts:\n");
	json_array_foreach (json_object_get(explained, "containers"), i, container)
		add_container(out, container);
	add_requests(out, json_object_get(explained, "requests"), "when",
			"Requests that are obeyed under conditions:\n");
	add_requests(out, json_object_get(explained, "requests"), "always",
			"Requests that are always obeyed:\n");
	add_requests(out, json_object_get(explained, "requests"), "never", "Requests that are refused:\n");
}
