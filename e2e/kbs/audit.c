/* SPDX-License-Identifier: Apache-2.0 */
#include "e2e/kbs/audit.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/own.h"
#include "codec/json.h"

#include <fcntl.h>
#include <string.h>

#define SESSION_SHOWN 8
#define VALUE_MAX     2048

struct audit {
	const struct clock *clock;
	char *path;
	int fd; /* -1: nothing is written */
};

int audit_open(const char *path, const struct clock *clock, struct audit **out, struct err *err)
{
	int fd = -1;

	if (path && strcmp(path, "-") == 0)
		fd = dup(STDERR_FILENO);
	else if (path)
		fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	if (path && fd < 0)
		return err_errno(err, ERR_IO, "opening the audit log '%s'", path);
	struct audit *audit = xcalloc(1, sizeof(*audit));
	audit->clock = clock;
	audit->path = xstrdup(path ? path : "");
	audit->fd = fd;
	*out = audit;
	return 0;
}

void audit_free(struct audit *audit)
{
	if (!audit)
		return;
	own_close(&audit->fd);
	free(audit->path);
	free(audit);
}

/* Values may come from outside: they are cut, tidied and then escaped. */
static void put(json_t *line, const char *key, const char *value, size_t max)
{
	if (!value || !*value)
		return;
	size_t len = strnlen(value, max);
	auto_free char *text = xmemdup0(value, len);
	span_tidy(text, len);
	json_object_set_new(line, key, json_string(text));
}

int audit_write(struct audit *audit, const struct audit_entry *entry, struct err *err)
{
	char time[CLOCK_TEXT_MAX];

	if (audit->fd < 0)
		return 0;
	auto_json json_t *line = json_pack("{s:s, s:s, s:s}", "time",
			clock_format_micro(clock_wall(audit->clock), time), "event", entry->event, "verdict",
			entry->allowed ? "allowed" : "refused");
	put(line, "peer", entry->peer, VALUE_MAX);
	put(line, "session", entry->session, SESSION_SHOWN);
	put(line, "tee", entry->tee, VALUE_MAX);
	put(line, "resource", entry->resource, VALUE_MAX);
	put(line, "status", entry->status, VALUE_MAX);
	put(line, "role", entry->role, VALUE_MAX);
	put(line, "rule", entry->rule, VALUE_MAX);
	put(line, "cause", entry->cause, VALUE_MAX);
	put(line, "init_data", entry->initdata, VALUE_MAX);
	auto_free char *text = json_text(line, false);
	auto_free char *whole = xasprintf("%s\n", text);
	return fs_write_fd(audit->fd, audit->path, span_of(whole), err);
}
