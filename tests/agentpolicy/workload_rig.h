/* SPDX-License-Identifier: Apache-2.0 */
/* Workloads written as YAML, what is read of them, and what is said about them. */
#ifndef COCOON_TESTS_AGENTPOLICY_WORKLOAD_RIG_H
#define COCOON_TESTS_AGENTPOLICY_WORKLOAD_RIG_H

#include "agentpolicy/workload.h"
#include "base/alloc.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/own.h"
#include "codec/json.h"
#include "codec/yaml.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))
#define TEXT_MAX    ((size_t)4 << 20)

/* What was read, with its notes as lines "error PATH: TEXT". */
struct seen {
	struct agent_workload workload;
	struct agent_options options;
	int status;
	struct err err;
	char *notes;
	char key[AGENT_KEY_LEN + 1];
};

static inline void seen_clear(struct seen *seen)
{
	agent_workload_clear(&seen->workload);
	agent_options_clear(&seen->options);
	free(seen->notes);
}
#define auto_seen __attribute__((cleanup(seen_clear)))

static inline json_t *yaml(const char *text)
{
	json_t *value = NULL;
	struct err err = ERR_NONE;

	if (yaml_read_one(span_of(text), TEXT_MAX, &value, &err) < 0)
		fail_msg("%s\n%s", err.text, text);
	return value;
}

static inline char *lines_of(const struct agent_notes *notes)
{
	auto_buf struct buf lines = BUF_MAX(TEXT_MAX);

	for (size_t i = 0; i < notes->count; i++)
		buf_printf(&lines, "%s %s: %s\n", agent_severity_name(notes->items[i].severity),
				notes->items[i].path, notes->items[i].text);
	return buf_take(&lines);
}

static inline struct seen look_at(const json_t *object, const char *options, bool lenient)
{
	struct seen seen = {
		.workload = AGENT_WORKLOAD_NONE, .options = AGENT_OPTIONS_NONE, .err = ERR_NONE
	};
	auto_agent_notes struct agent_notes notes = AGENT_NOTES_NONE;
	auto_json json_t *wanted = options ? yaml(options) : NULL;
	const struct agent_reading reading = { .options = &seen.options, .lenient = lenient };

	if (agent_options_read(wanted, &seen.options, &seen.err) < 0)
		fail_msg("%s", seen.err.text);
	seen.status = agent_workload_read(object, &reading, &seen.workload, &notes, &seen.err);
	seen.notes = lines_of(&notes);
	if (!seen.status)
		agent_key(&seen.workload, &seen.options, seen.key);
	return seen;
}

static inline struct seen look(const char *text)
{
	auto_json json_t *object = yaml(text);

	return look_at(object, NULL, false);
}

/* A Pod of this spec; the text is what stands within the braces of a flow mapping. */
static inline struct seen look_pod(const char *spec)
{
	auto_free char *text =
			xasprintf("{apiVersion: v1, kind: Pod, metadata: {name: p}, spec: {%s}}", spec);

	return look(text);
}

/* A Pod of one container with these members beside name and image. */
static inline struct seen look_container(const char *members)
{
	auto_free char *spec = xasprintf("containers: [{name: c, image: i%s%s}], volumes: [{name: v}]",
			members[0] ? ", " : "", members);

	return look_pod(spec);
}

/* What the tree has at the path of members, as sorted JSON; "-" where it has nothing. */
static inline void assert_has(const struct seen *seen, const json_t *at, const char *wanted)
{
	auto_free char *text = at ? json_text(at, true) : xstrdup("-");

	if (seen->status)
		fail_msg("%s", seen->err.text);
	assert_string_equal(text, wanted);
}

static inline void assert_noted(const struct seen *seen, const char *line)
{
	if (!strstr(seen->notes, line))
		fail_msg("wanted: %s\nnotes: %s", line, seen->notes);
}

#endif
