/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/yaml_plain.h"

#include "base/buf.h"

#include <string.h>

#define DIGITS "0123456789"
#define HEX    DIGITS "abcdefABCDEF"

/* How many of the first bytes are in the set. */
static size_t run(struct span text, const char *set)
{
	size_t n = 0;

	while (n < text.len && text.ptr[n] && strchr(set, text.ptr[n]))
		n++;
	return n;
}

static bool all(struct span text, const char *set)
{
	return text.len && run(text, set) == text.len;
}

static struct span unsign(struct span text)
{
	bool sign = text.len && (text.ptr[0] == '-' || text.ptr[0] == '+');

	return span_from(text, sign);
}

static bool is_one_of(struct span text, const char *const *words)
{
	for (; *words; words++)
		if (span_is(text, *words))
			return true;
	return false;
}

/* ---- numbers ---- */

static bool is_decimal(struct span text)
{
	return all(unsign(text), DIGITS);
}

static bool is_core_int(struct span text)
{
	return is_decimal(text) || (span_starts(text, "0o") && all(span_from(text, 2), "01234567")) ||
			(span_starts(text, "0x") && all(span_from(text, 2), HEX));
}

/* [-+]? ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )? */
static bool is_core_real(struct span text)
{
	text = unsign(text);
	size_t whole = run(text, DIGITS);
	text = span_from(text, whole);
	if (text.len && text.ptr[0] == '.') {
		text = span_from(text, 1);
		size_t part = run(text, DIGITS);
		text = span_from(text, part);
		whole += part;
	}
	if (!whole)
		return false;
	if (text.len && (text.ptr[0] == 'e' || text.ptr[0] == 'E'))
		return all(unsign(span_from(text, 1)), DIGITS);
	return !text.len;
}

static bool has_leading_zero(struct span text)
{
	text = unsign(text);
	return text.len > 1 && text.ptr[0] == '0' && all(text, DIGITS);
}

/* "0644", as modes of files are written in manifests: every reader of Kubernetes takes it for octal. */
static bool is_old_octal(struct span text)
{
	return has_leading_zero(text) && all(unsign(text), "01234567");
}

/* Go's ParseInt with base 0, and yaml.v2's own "0b" */
static bool is_go_int(struct span text)
{
	struct span bare = unsign(text);

	if (span_starts(text, "0b") && all(unsign(span_from(text, 2)), "01"))
		return true;
	if (span_starts(bare, "0x") || span_starts(bare, "0X"))
		return all(span_from(bare, 2), HEX);
	if (span_starts(bare, "0o") || span_starts(bare, "0O"))
		return all(span_from(bare, 2), "01234567");
	if (span_starts(bare, "0b") || span_starts(bare, "0B"))
		return all(span_from(bare, 2), "01");
	return all(bare, DIGITS);
}

/* yaml.v2 removes underscores before it looks for a number in what begins with a digit or sign, however long. */
static bool is_go_number(struct span text)
{
	auto_buf struct buf stripped = BUF_MAX(text.len);
	struct span piece;

	if (!run(text, DIGITS "+-") || run(text, HEX "_+-.xXoO") < text.len)
		return false;
	while (span_next(&text, '_', &piece))
		buf_add_span(&stripped, piece);
	return is_go_int(buf_span(&stripped)) || is_core_real(buf_span(&stripped));
}

bool yaml_plain_int(struct span text, int64_t *out)
{
	bool minus = text.len && text.ptr[0] == '-';
	struct span digits = unsign(text);
	unsigned base = span_starts(digits, "0x")                         ? 16
			: span_starts(digits, "0o") || is_old_octal(text) ? 8
									  : 10;
	uint64_t max = minus ? (uint64_t)INT64_MAX + 1 : INT64_MAX;
	uint64_t value = 0;

	if (base != 10 && !is_old_octal(text))
		digits = span_from(digits, 2);
	for (size_t i = 0; i < digits.len; i++) {
		char c = digits.ptr[i];
		unsigned digit = c <= '9' ? (unsigned)c - '0' : ((unsigned)c | 0x20) - 'a' + 10;
		if (value > (max - digit) / base)
			return false;
		value = value * base + digit;
	}
	*out = minus ? (int64_t)(0 - value) : (int64_t)value;
	return true;
}

/* ---- all ---- */

enum yaml_plain yaml_plain_type(struct span text)
{
	static const char *const null[] = { "", "~", "null", "Null", "NULL", NULL };
	static const char *const yes[] = { "true", "True", "TRUE", NULL };
	static const char *const no[] = { "false", "False", "FALSE", NULL };
	static const char *const disputed[] = { "y", "Y", "yes", "Yes", "YES", "on", "On", "ON", "n", "N",
		"no", "No", "NO", "off", "Off", "OFF", NULL };
	static const char *const endless[] = { ".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF", "-.inf",
		"-.Inf", "-.INF", ".nan", ".NaN", ".NAN", NULL };

	if (is_one_of(text, null))
		return YAML_NULL;
	if (is_one_of(text, yes))
		return YAML_TRUE;
	if (is_one_of(text, no))
		return YAML_FALSE;
	if (is_old_octal(text))
		return YAML_INT;
	if (is_one_of(text, disputed) || has_leading_zero(text))
		return YAML_DISPUTED;
	if (is_one_of(text, endless))
		return YAML_NOT_JSON;
	if (is_core_int(text))
		return YAML_INT;
	if (is_core_real(text))
		return YAML_REAL;
	return is_go_number(text) ? YAML_DISPUTED : YAML_TEXT;
}

bool yaml_plain_numberish(struct span text)
{
	struct span bare = unsign(text);

	if (!run(text, DIGITS "+-."))
		return false;
	if (bare.len > 1 && bare.ptr[0] == '0' && strchr("xXoObB", bare.ptr[1]))
		return run(span_from(bare, 2), HEX "_+-") == bare.len - 2;
	/* dates and times among them; a separator of YAML 1.1 times may be any run of spaces */
	return run(text, DIGITS "_.,:+-eE") == text.len ||
			(run(text, DIGITS) == 4 && all(text, DIGITS "-+:.TtZz "));
}
