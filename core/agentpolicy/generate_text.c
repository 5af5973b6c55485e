/* SPDX-License-Identifier: Apache-2.0 */
#include "agentpolicy/generate_own.h"

#include "base/own.h"

#include <string.h>

/* What stands between "$(" and ")" and means something to rules, ours or others'. */
static const char *const reserved[] = { "b64_device_id", "bundle-id", "cpath", "default_caps", "dns_label",
	"host-ip", "host-ips", "host-name", "ip_p", "ipv4_a", "node-name", "pod-ip", "pod-ips", "pod-uid",
	"privileged_caps", "resource-field", "root_path", "sandbox-id", "sandbox-name", "sandbox-namespace",
	"sfprefix", "spath", "svc_name_downward_env", "todo-annotation", NULL };

/* The reserved name that the text begins with, behind "$(", or NULL. */
static const char *find_reserved(const char *text)
{
	for (size_t i = 0; reserved[i]; i++) {
		size_t len = strlen(reserved[i]);

		if (strncmp(text, reserved[i], len) == 0 && text[len] == ')')
			return reserved[i];
	}
	return NULL;
}

bool text_is_plain(const struct part *part, const char *below, const char *text)
{
	if (!strchr(text, TEXT_MARK_AT))
		return true;
	part_note(part, AGENT_ERROR, below, "the text has a control character, U+0001");
	return false;
}

/* `at` is behind "$(", `end` at its ")". */
static bool expand_one(const char *at, const char *end, const json_t *vars, struct buf *out)
{
	const json_t *value = json_object_getn(vars, at, (size_t)(end - at));

	if (!value) {
		buf_add(out, at - 2, (size_t)(end - at) + 3);
		return true;
	}
	if (!json_is_string(value))
		return false;
	buf_puts(out, json_string_value(value));
	return true;
}

bool text_expand(const char *text, const json_t *vars, struct buf *out)
{
	bool known = true;

	for (const char *at = text; *at; at++) {
		const char *end = at[0] == '$' && at[1] == '(' ? strchr(at + 2, ')') : NULL;

		if (end) {
			known = expand_one(at + 2, end, vars, out) && known;
			at = end;
			continue;
		}
		buf_putc(out, *at);
		if (at[0] == '$' && at[1] == '$')
			at++;
	}
	return known;
}

/* "DB_SERVICE_HOST", "DB_SERVICE_PORT_HTTP", "DB_PORT_80_TCP_ADDR" */
static bool is_of_service(struct span name)
{
	static const char *const marks[] = { "_SERVICE_HOST", "_SERVICE_PORT", "_PORT" };

	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
		const char *mark = memmem(name.ptr, name.len, marks[i], strlen(marks[i]));
		const char *end = mark ? mark + strlen(marks[i]) : NULL;

		if (mark && mark > name.ptr && (end == name.ptr + name.len || *end == '_'))
			return true;
	}
	return false;
}

void text_warn_of_services(const struct part *part, const char *below, const char *text, const json_t *vars)
{
	for (const char *at = strchr(text, '$'); at; at = strchr(at, '$')) {
		const char *end = at[1] == '(' ? strchr(at + 2, ')') : NULL;
		struct span name = end ? span_new(at + 2, (size_t)(end - at - 2)) : SPAN_NONE;

		if (name.len && !json_object_getn(vars, name.ptr, name.len) && is_of_service(name))
			part_note(part, AGENT_WARNING, below,
					"$(%.*s) is left as it stands: where there is such a Service the "
					"kubelet puts its own "
					"in, and the container is refused; have the program read its "
					"environment",
					(int)(name.len < 100 ? name.len : 100), name.ptr);
		at = end ? end : at + 1 + (at[1] == '$');
	}
}

/*
 * In args rules read $$ as $. So a run of several is doubled, and so is one before a placeholder; a lone one, as in
 * "echo $HOME", stays as it is.
 */
static const char *write_run(const char *at, bool is_arg, struct buf *out)
{
	size_t len = strspn(at, "$");
	size_t written = is_arg && (len > 1 || at[len] == TEXT_MARK_AT) ? 2 * len : len;

	for (size_t i = 0; i < written; i++)
		buf_putc(out, '$');
	return at + len - 1;
}

json_t *text_finish(const struct part *part, const char *below, const char *text, bool is_arg)
{
	size_t len = strlen(text);
	auto_buf struct buf out = BUF_MAX(2 * AGENT_WORD_MAX);

	if (len > AGENT_WORD_MAX || len > *part->room) {
		part_note(part, AGENT_ERROR, below, "the text is too long: a policy takes %d bytes%s",
				AGENT_WORD_MAX, len > AGENT_WORD_MAX ? "" : ", and less when there are many");
		return NULL;
	}
	*part->room -= len;
	for (const char *at = text; *at; at++) {
		if (*at == TEXT_MARK_AT) {
			buf_putc(&out, '$');
			continue;
		}
		if (*at != '$') {
			buf_putc(&out, *at);
			continue;
		}
		at = write_run(at, is_arg, &out);
		const char *name = at[1] == '(' ? find_reserved(at + 2) : NULL;
		if (name) {
			part_note(part, AGENT_ERROR, below,
					"the text has \"$(%s)\", which means something else in a policy: "
					"write it another way",
					name);
			return NULL;
		}
	}
	json_t *value = json_string(buf_text(&out));
	if (!value)
		part_note(part, AGENT_ERROR, below, "the text is no UTF-8");
	return value;
}
