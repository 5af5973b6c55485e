/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What Kubernetes calls the pods of a workload, as a pattern: the rules of its controllers (pkg/controller, and the API
 * server's generator of names, which cuts a stem to 58 bytes and adds five random characters).
 */
#include "agentpolicy/workload_own.h"

#include "agentpolicy/pattern.h"
#include "base/alloc.h"
#include "base/buf.h"
#include "base/own.h"

#include <string.h>

#define SAFE         "[bcdfghjklmnpqrstvwxz2456789]" /* what names are made random of */
#define HASH_MAX     10                              /* of a template: 32 bits, in decimal digits */
#define INDEX_DIGITS 10
#define PATTERN_MAX  65536

/* The text literally; each #, which no name has, stands for a digit. */
static void put_stem(struct buf *out, const char *text, size_t len)
{
	auto_free char *stem = xmemdup0(text, len);
	size_t literal = strcspn(stem, "#"), digits = strspn(stem + literal, "#");
	auto_free char *after = pattern_escape(stem + literal + digits);

	stem[literal] = '\0';
	auto_free char *before = pattern_escape(stem);
	buf_puts(out, before);
	if (digits)
		buf_printf(out, "[0-9]{%zu}", digits);
	buf_puts(out, after);
}

/* The stem, cut, and the random end. */
static void put_generated(struct buf *out, const char *stem)
{
	put_stem(out, stem, strnlen(stem, SANDBOX_STEM_MAX));
	buf_printf(out, SAFE "{%d}", SANDBOX_RANDOM);
}

/* NAME-HASH-RANDOM, where the cut may fall into the hash. */
static void put_deployment(struct buf *out, const char *name)
{
	auto_free char *dashed = xasprintf("%s-", name);
	size_t len = strlen(dashed), room = len < SANDBOX_STEM_MAX ? SANDBOX_STEM_MAX - len : 0;

	if (!room) {
		put_generated(out, dashed);
		return;
	}
	put_stem(out, dashed, len);
	if (room > HASH_MAX)
		buf_printf(out, SAFE "{1,%d}-", HASH_MAX);
	else if (room > 1)
		buf_printf(out, "(" SAFE "{1,%zu}-|" SAFE "{%zu})", room - 1, room);
	else
		buf_puts(out, SAFE);
	buf_printf(out, SAFE "{%d}", SANDBOX_RANDOM);
}

/* NAME-INDEX-RANDOM: the more digits the index has, the less of a long name is left. */
static void put_indexed(struct buf *out, const char *name)
{
	size_t len = strlen(name), free_digits = len < SANDBOX_STEM_MAX - 2 ? SANDBOX_STEM_MAX - 2 - len : 0;

	if (free_digits > INDEX_DIGITS)
		free_digits = INDEX_DIGITS;
	buf_putc(out, '(');
	if (free_digits) {
		put_stem(out, name, len);
		buf_printf(out, "-[0-9]{1,%zu}", free_digits);
	}
	for (size_t digits = free_digits + 1; digits <= INDEX_DIGITS; digits++) {
		if (digits > 1)
			buf_putc(out, '|');
		put_stem(out, name, SANDBOX_STEM_MAX - 2 - digits);
		buf_printf(out, "-[0-9]{%zu}", digits);
	}
	buf_printf(out, ")-" SAFE "{%d}", SANDBOX_RANDOM);
}

static void put_job(struct buf *out, const struct sandbox_names *names)
{
	bool is_cron = !strcmp(names->kind, "CronJob");
	auto_free char *job = is_cron ? xasprintf("%s-########", names->name) : xstrdup(names->name);

	if (names->indexed) {
		put_indexed(out, job);
		return;
	}
	auto_free char *stem = xasprintf("%s-", job);
	put_generated(out, stem);
}

char *sandbox_pattern(const struct sandbox_names *names)
{
	const char *kind = names->kind;
	auto_buf struct buf out = BUF_MAX(PATTERN_MAX);

	buf_putc(&out, '^');
	if (!strcmp(kind, "Pod") && !names->generated) {
		put_stem(&out, names->name, strlen(names->name));
	} else if (!strcmp(kind, "Pod")) {
		put_generated(&out, names->name);
	} else if (!strcmp(kind, "Deployment")) {
		put_deployment(&out, names->name);
	} else if (!strcmp(kind, "StatefulSet")) {
		put_stem(&out, names->name, strlen(names->name));
		buf_printf(&out, "-[0-9]{1,%d}", INDEX_DIGITS);
	} else if (!strcmp(kind, "Job") || !strcmp(kind, "CronJob")) {
		put_job(&out, names);
	} else if (!strcmp(kind, "PodTemplate")) {
		buf_puts(&out, "[a-z0-9.-]{1,253}");
	} else {
		auto_free char *stem = xasprintf("%s-", names->name);
		put_generated(&out, stem);
	}
	buf_putc(&out, '$');
	return buf_take(&out);
}
