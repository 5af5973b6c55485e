/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a maker or reader of agent policies has to say beside its result: one line each, with the place in the
 * manifest, so that a person sees all of it at once and a program can sort it.
 *
 *     error    spec.containers[0].securityContext: the image names its user "web": write runAsUser and runAsGroup
 *     warning  spec.containers[1].env[2]: the value comes from a Secret: the host may choose it
 *
 * An error means that there is no policy; a warning that there is one, which allows more, or less, than it looks; a
 * remark is for who wants to know.
 *
 * Ownership: a list owns its texts, which are made fit to be shown. Bounds: AGENT_NOTES_MAX, AGENT_NOTE_TEXT_MAX bytes a
 * text; the last note then says that there were more, and is as severe as the most severe of them.
 */
#ifndef COCOON_AGENTPOLICY_NOTES_H
#define COCOON_AGENTPOLICY_NOTES_H

#include <stdbool.h>
#include <stddef.h>

struct err;

#define AGENT_NOTES_MAX     1000
#define AGENT_NOTE_TEXT_MAX 600

enum agent_severity { AGENT_REMARK, AGENT_WARNING, AGENT_ERROR };
/* "remark", "warning", "error". Static. */
const char *agent_severity_name(enum agent_severity severity);

struct agent_note {
	enum agent_severity severity;
	char *path; /* "spec.containers[0].env[2]"; "" where it concerns the whole */
	char *text;
};

struct agent_notes {
	struct agent_note *items;
	size_t count;
	bool cut;
};

#define AGENT_NOTES_NONE                                \
	{                                               \
		.items = NULL, .count = 0, .cut = false \
	}

void agent_notes_clear(struct agent_notes *notes) __attribute__((nonnull));
#define auto_agent_notes __attribute__((cleanup(agent_notes_clear)))

void agent_note(struct agent_notes *notes, enum agent_severity severity, const char *path, const char *fmt,
		...) __attribute__((format(printf, 4, 5), nonnull(1, 3, 4)));

size_t agent_notes_of(const struct agent_notes *notes, enum agent_severity severity) __attribute__((nonnull));

/* ERR_DENIED with the errors, as many as the text holds, when there are any. */
int agent_notes_check(const struct agent_notes *notes, struct err *err)
		__attribute__((nonnull(1), warn_unused_result));

#endif
