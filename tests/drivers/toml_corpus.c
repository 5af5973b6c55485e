/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Judges codec/toml by the public TOML test corpus, as TAP: one test for each of its folders. Every document of
 * valid/ must read as the tagged JSON beside it says, and must survive toml_write(); every one of invalid/ must be
 * refused with its place. A valid document that holds U+0000 must be refused by name: codec/toml.h says why.
 *
 * Usage: toml_corpus FOLDER LIST, LIST being the corpus' own file of the names that make up TOML 1.0.0.
 */
#include "base/alloc.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/own.h"
#include "codec/json.h"
#include "codec/toml.h"

#include <string.h>

#define FILE_MAX         (1 << 20)
#define VALID_EXPECTED   200 /* of the corpus in use; fewer means a corpus that was not read */
#define INVALID_EXPECTED 450

/* ---- comparison ---------------------------------------------------------------------------------------- */

static bool same_float(const char *a, const char *b)
{
	double x = strtod(a, NULL), y = strtod(b, NULL);

	return (x != x && y != y) || (x <= y && x >= y);
}

/* A date or time without the zeros that end its fraction. */
static char *plain_time(const char *text)
{
	char *copy = xstrdup(text), *dot = strchr(copy, '.');

	if (!dot)
		return copy;
	size_t digits = strspn(dot + 1, "0123456789"), kept = digits;
	while (kept && dot[kept] == '0')
		kept--;
	char *tail = dot + 1 + digits;
	memmove(kept ? dot + 1 + kept : dot, tail, strlen(tail) + 1);
	return copy;
}

static bool same_leaf(const char *type, const char *a, const char *b)
{
	if (!strcmp(type, "float"))
		return same_float(a, b);
	if (!strncmp(type, "date", 4) || !strncmp(type, "time", 4)) {
		auto_free char *x = plain_time(a);
		auto_free char *y = plain_time(b);
		return !strcmp(x, y);
	}
	return !strcmp(a, b);
}

static bool is_leaf(const json_t *value)
{
	return json_object_size(value) == 2 && json_text_at(value, "type", NULL) &&
			json_text_at(value, "value", NULL);
}

/* NOLINTBEGIN(misc-no-recursion): as deep as the corpus */
static bool same(json_t *wanted, json_t *got)
{
	const char *key = NULL;
	json_t *member = NULL;
	size_t i = 0;

	if (json_typeof(wanted) != json_typeof(got))
		return false;
	if (json_is_array(wanted)) {
		json_array_foreach (wanted, i, member) {
			if (i >= json_array_size(got) || !same(member, json_array_get(got, i)))
				return false;
		}
		return json_array_size(wanted) == json_array_size(got);
	}
	if (is_leaf(wanted)) {
		const char *type = json_text_at(wanted, "type", NULL);
		return is_leaf(got) && !strcmp(type, json_text_at(got, "type", NULL)) &&
				same_leaf(type, json_text_at(wanted, "value", NULL),
						json_text_at(got, "value", NULL));
	}
	json_object_foreach (wanted, key, member) {
		json_t *twin = json_object_get(got, key);
		if (!twin || !same(member, twin))
			return false;
	}
	return json_object_size(wanted) == json_object_size(got);
}

/* NOLINTEND(misc-no-recursion) */

/* ---- documents ----------------------------------------------------------------------------------------- */

static int round_trip(struct span text, struct err *err)
{
	auto_json json_t *first = NULL;
	auto_json json_t *second = NULL;
	auto_buf struct buf written = BUF_MAX(FILE_MAX * 2);

	if (toml_parse(text, FILE_MAX, &first, err) < 0 || toml_write(&written, first, err) < 0 ||
			toml_parse(buf_span(&written), written.max, &second, err) < 0)
		return -1;
	if (!json_equal(first, second))
		return err_set(err, ERR_BUG, "does not survive toml_write");
	return 0;
}

static int judge_valid(const char *path, struct span text, struct err *err)
{
	auto_buf struct buf wanted_text = BUF_MAX(FILE_MAX);
	auto_json json_t *wanted = NULL;
	auto_json json_t *got = NULL;
	auto_free char *twin = xasprintf("%.*s.json", (int)(strlen(path) - strlen(".toml")), path);

	if (fs_read(twin, &wanted_text, err) < 0)
		return -1;
	int status = toml_parse_tagged(text, FILE_MAX, &got, err);
	if (strstr(buf_text(&wanted_text), "\\u0000"))
		return status < 0 && strstr(err->text, "U+0000") ? 0
								 : err_set(err, ERR_BUG, "accepts U+0000");
	if (status < 0 || json_read(buf_span(&wanted_text), FILE_MAX, &wanted, err) < 0)
		return -1;
	if (!same(wanted, got)) {
		auto_free char *shown = json_text(got, false);
		return err_set(err, ERR_BUG, "reads as %s", shown);
	}
	return round_trip(text, err);
}

static int judge_invalid(struct span text, struct err *err)
{
	auto_json json_t *got = NULL;

	if (toml_parse(text, FILE_MAX, &got, err) == 0)
		return err_set(err, ERR_BUG, "is accepted");
	return strncmp(err->text, "line ", 5) != 0 ? err_set(err, ERR_BUG, "is refused without a place") : 0;
}

static int judge(const char *folder, struct span name, struct err *err)
{
	auto_free char *path = xasprintf("%s/%.*s", folder, SPAN_ARG(name));
	auto_buf struct buf text = BUF_MAX(FILE_MAX);

	if (fs_read(path, &text, err) < 0)
		return -1;
	return span_starts(name, "valid/") ? judge_valid(path, buf_span(&text), err)
					   : judge_invalid(buf_span(&text), err);
}

/* ---- report -------------------------------------------------------------------------------------------- */

/* Adds one to the number of the group that the name belongs to: "valid/string", or "valid" for files in it. */
static void count(json_t *counts, struct span name)
{
	size_t len = name.len;

	while (len && name.ptr[len - 1] != '/')
		len--;
	auto_free char *group = xmemdup0(name.ptr, len ? len - 1 : 0);
	json_object_set_new(
			counts, group, json_integer(json_integer_value(json_object_get(counts, group)) + 1));
}

static int report(json_t *totals, const json_t *failures, int valid, int invalid)
{
	bool complete = valid >= VALID_EXPECTED && invalid >= INVALID_EXPECTED;
	bool good = complete && !json_object_size(failures);
	const char *group = NULL;
	json_t *total = NULL;
	int number = 1;

	printf("%s 1 - the corpus has %d valid and %d invalid documents\n", complete ? "ok" : "not ok", valid,
			invalid);
	json_object_foreach (totals, group, total) {
		bool failed = json_object_get(failures, group);
		printf("%s %d - %s: %" JSON_INTEGER_FORMAT " documents\n", failed ? "not ok" : "ok", ++number,
				group, json_integer_value(total));
	}
	printf("1..%d\n", number);
	return good ? 0 : 1;
}

int main(int argc, char **argv)
{
	auto_buf struct buf list = BUF_MAX(FILE_MAX);
	auto_json json_t *totals = json_object();
	auto_json json_t *failures = json_object();
	struct err err = ERR_NONE;
	struct span name = SPAN_NONE;
	int valid = 0, invalid = 0;

	if (argc != 3 || fs_read(argv[2], &list, &err) < 0) {
		fprintf(stderr, "usage: toml_corpus FOLDER LIST: %s\n", err.text);
		return 2;
	}
	for (struct span rest = buf_span(&list); span_next(&rest, '\n', &name);) {
		if (!span_ends(name, ".toml"))
			continue;
		bool is_valid = span_starts(name, "valid/");
		valid += is_valid;
		invalid += !is_valid;
		count(totals, name);
		err_clear(&err);
		if (judge(argv[1], name, &err) < 0) {
			printf("# %.*s: %s\n", SPAN_ARG(name), err.text);
			count(failures, name);
		}
	}
	return report(totals, failures, valid, invalid);
}
