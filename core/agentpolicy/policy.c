/* SPDX-License-Identifier: Apache-2.0 */
#include "agentpolicy/policy.h"

#include "agentpolicy/embedded.h"
#include "agentpolicy/others.h"
#include "base/err.h"
#include "base/own.h"
#include "codec/json.h"
#include "crypto/digest.h"

#include <string.h>

/* where the attestation service looks for the data: spelled exactly so, once */
#define DATA_MARK "policy_data := {"
/* what the engine reads, Kata 4.1, beside AGENT_LINE_MAX */
#define LINES_MAX 200000

struct span agent_rules(void)
{
	return span_of(agent_rules_text);
}

/* ---- writing ------------------------------------------------------------------------------------------- */

/* A value behind `level` blanks; members and items stand in lines of their own, one blank deeper. */
static void write_value(struct buf *out, const json_t *value, int level)
{
	bool object = json_is_object(value), first = true;
	json_t *item;
	const char *key;
	size_t i;

	if (!json_object_size(value) && !json_array_size(value)) {
		auto_free char *text = json_text(value, false);
		buf_puts(out, text);
		return;
	}
	buf_putc(out, object ? '{' : '[');
	json_array_foreach (value, i, item) {
		buf_printf(out, "%s\n%*s", first ? "" : ",", level + 1, "");
		write_value(out, item, level + 1);
		first = false;
	}
	/* jansson's loop takes no const */
	json_object_foreach ((json_t *)(uintptr_t)value, key, item) {
		auto_json json_t *name = json_string(key);
		auto_free char *text = json_text(name, false);
		buf_printf(out, "%s\n%*s%s: ", first ? "" : ",", level + 1, "", text);
		write_value(out, item, level + 1);
		first = false;
	}
	buf_printf(out, "\n%*s%c", level, "", object ? '}' : ']');
}

/* Columns as the engine counts them: from 1, a tab as four. */
static size_t columns(struct span line)
{
	size_t count = 1 + line.len;

	for (size_t i = 0; i < line.len; i++)
		count += line.ptr[i] == '\t' ? 3 : 0;
	return count;
}

/* Lines that the engine would not read. */
static int check_lines(struct span text, struct err *err)
{
	struct span rest = text, line;

	for (size_t number = 1; span_next(&rest, '\n', &line); number++) {
		if (number > LINES_MAX)
			return err_set(err, ERR_LIMIT, "the policy has more than %d lines", LINES_MAX);
		if (columns(line) > AGENT_LINE_MAX)
			return err_set(err, ERR_LIMIT,
					"line %zu of the policy has %zu bytes: the agent reads fewer than "
					"%zu; shorten the longest text",
					number, line.len, AGENT_LINE_MAX);
	}
	return 0;
}

/* Whether a value has at most that many levels. */
static bool within(const json_t *value, int levels)
{
	json_t *item;
	const char *key;
	size_t i;

	if (levels < 0)
		return false;
	json_array_foreach (value, i, item)
		if (!within(item, levels - 1))
			return false;
	/* jansson's loop takes no const */
	json_object_foreach ((json_t *)(uintptr_t)value, key, item)
		if (!within(item, levels - 1))
			return false;
	return true;
}

/* Index of the mark, or the length. */
static size_t find_mark(struct span text)
{
	const char *at = text.len ? memmem(text.ptr, text.len, DATA_MARK, strlen(DATA_MARK)) : NULL;

	return at ? (size_t)(at - text.ptr) : text.len;
}

static int check_rules(struct span rules, struct err *err)
{
	if (memchr(rules.ptr, '\0', rules.len) || !span_is_utf8(rules))
		return err_set(err, ERR_FORMAT, "the rules are no text in UTF-8");
	if (find_mark(rules) < rules.len)
		return err_set(err, ERR_FORMAT,
				"the rules hold '" DATA_MARK "' already: they are a whole policy, or a "
				"comment that would be taken for its data");
	return 0;
}

int agent_policy_format(struct span rules, const json_t *data, struct buf *out, struct err *err)
{
	struct span used = rules.len ? rules : agent_rules();
	auto_buf struct buf text = BUF_MAX(AGENT_POLICY_MAX);

	if (json_typeof(data) != JSON_OBJECT || !json_object_size(data))
		return err_set(err, ERR_FORMAT, "the data of a policy is an object with members");
	if (!within(data, AGENT_DATA_DEPTH_MAX))
		return err_set(err, ERR_LIMIT,
				"the data of a policy is nested deeper than %d levels, which the agent would "
				"take too long to read",
				AGENT_DATA_DEPTH_MAX);
	if (check_rules(used, err) < 0)
		return -1;
	buf_add_span(&text, used);
	if (!span_ends(used, "\n"))
		buf_putc(&text, '\n');
	buf_puts(&text, "policy_data := ");
	auto_json json_t *known = span_eq(used, agent_rules()) ? json_incref((json_t *)(uintptr_t)data)
							       : data_for_others(data);
	write_value(&text, known, 0);
	buf_putc(&text, '\n');
	if (buf_check(&text, "the policy", err) < 0 || check_lines(buf_span(&text), err) < 0)
		return -1;
	struct span behind = span_from(buf_span(&text), used.len);
	behind = span_from(behind, find_mark(behind) + strlen(DATA_MARK));
	if (find_mark(behind) < behind.len)
		return err_set(err, ERR_FORMAT,
				"a text in the data holds '" DATA_MARK
				"', which the attestation service would take for the data's beginning");
	buf_add_span(out, buf_span(&text));
	return buf_check(out, "the policy", err);
}

/* ---- reading ------------------------------------------------------------------------------------------- */

int agent_policy_split(struct span text, struct span *rules, json_t **data, struct err *err)
{
	size_t at = find_mark(text);

	if (text.len > AGENT_POLICY_MAX)
		return err_set(err, ERR_LIMIT, "a policy of %zu bytes exceeds %zu bytes", text.len,
				AGENT_POLICY_MAX);
	if (at == text.len)
		return err_set(err, ERR_NOT_FOUND, "the policy has no data block ('" DATA_MARK "')");
	struct span block = span_from(text, at + strlen(DATA_MARK) - 1);
	if (json_read(block, AGENT_POLICY_MAX, data, err) < 0)
		return err_wrap(err,
				"the data block, which must be the last thing in a policy and JSON alone");
	*rules = (struct span){ text.ptr, at };
	return 0;
}

struct span agent_policy_rules(struct span text)
{
	return (struct span){ text.ptr, find_mark(text) };
}

void agent_rules_hash(struct span rules, char out[static 65])
{
	char hex[DIGEST_HEX_MAX];

	digest_hex(DIGEST_SHA256, rules, hex);
	memcpy(out, hex, 65);
}
