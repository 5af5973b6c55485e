/* SPDX-License-Identifier: Apache-2.0 */
#include "base/alloc.h"
#include "base/buf.h"
#include "base/own.h"
#include "codec/json.h"
#include "codec/toml_priv.h"

#include <inttypes.h>
#include <string.h>

/* ---- leaves -------------------------------------------------------------------------------------------- */

static json_t *must(json_t *made)
{
	/* no memory: the texts are well-formed and the numbers finite */
	if (!made)
		abort();
	return made;
}

json_t *toml_leaf(const struct toml *t, const char *type, struct span text)
{
	json_t *value = must(json_stringn(text.len ? text.ptr : "", text.len));

	if (!t->tagged)
		return value;
	json_t *leaf = must(json_object());
	if (json_object_set_new(leaf, "type", must(json_string(type))) < 0 ||
			json_object_set_new(leaf, "value", value) < 0)
		abort();
	return leaf;
}

/* A leaf that is no JSON string unless it is tagged; takes `plain`. */
static json_t *leaf_of(const struct toml *t, const char *type, json_t *plain, const char *text)
{
	if (!t->tagged)
		return must(plain);
	json_decref(plain);
	return toml_leaf(t, type, span_of(text));
}

/* ---- numbers ------------------------------------------------------------------------------------------- */

static bool is_digit(int c)
{
	return c >= '0' && c <= '9';
}

static int digit_of(int c)
{
	if (is_digit(c))
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : 99;
}

/* Length of the digits at the start of s, with single '_' between digits alone; 0 when they are not so. */
static size_t digits_of(struct span s, int base)
{
	size_t i = 0;

	while (i < s.len && (digit_of(s.ptr[i]) < base || s.ptr[i] == '_')) {
		bool first = i == 0, last = i + 1 == s.len || digit_of(s.ptr[i + 1]) >= base;
		if (s.ptr[i] == '_' && (first || last))
			return 0;
		i++;
	}
	return i;
}

static int integer(struct toml *t, size_t at, struct span digits, int base, bool negative, json_t **out)
{
	const uint64_t top = (uint64_t)INT64_MAX + (negative ? 1 : 0);
	uint64_t value = 0;
	char text[24];

	for (size_t i = 0; i < digits.len; i++) {
		if (digits.ptr[i] == '_')
			continue;
		uint64_t digit = (uint64_t)digit_of(digits.ptr[i]);
		if (value > (top - digit) / (uint64_t)base)
			return toml_fail(
					t, ERR_FORMAT, at, "the integer does not fit in 64 bits with a sign");
		value = value * (uint64_t)base + digit;
	}
	int64_t number = negative ? (int64_t)(0 - value) : (int64_t)value;
	snprintf(text, sizeof(text), "%" PRId64, number);
	*out = leaf_of(t, "integer", json_integer(number), text);
	return 0;
}

/* The digits are checked: what is left is to take out the '_' and to convert. */
static int real(struct toml *t, size_t at, struct span word, json_t **out)
{
	auto_free char *clean = xmalloc(word.len + 1);
	char text[40], *end = clean;

	for (size_t i = 0; i < word.len; i++)
		if (word.ptr[i] != '_')
			*end++ = word.ptr[i];
	*end = '\0';
	double value = strtod(clean, NULL);
	json_t *plain = json_real(value);
	if (!plain)
		return toml_fail(t, ERR_FORMAT, at,
				"the number is too large for a float; the largest is 1.79e308");
	snprintf(text, sizeof(text), "%.17g", value);
	*out = leaf_of(t, "float", plain, text);
	return 0;
}

static int not_a_number(struct toml *t, size_t at)
{
	return toml_fail(t, ERR_FORMAT, at,
			"this is no number; single '_' may stand between digits alone, "
			"a '.' needs digits on both sides");
}

/* A fraction, an exponent, or both, behind the whole part; false when it is not well-formed. */
static bool is_float_tail(struct span tail)
{
	if (tail.len && tail.ptr[0] == '.') {
		size_t n = digits_of(span_from(tail, 1), 10);
		if (!n)
			return false;
		tail = span_from(tail, 1 + n);
	}
	if (!tail.len)
		return true;
	if (tail.ptr[0] != 'e' && tail.ptr[0] != 'E')
		return false;
	tail = span_from(tail, 1);
	if (tail.len && (tail.ptr[0] == '+' || tail.ptr[0] == '-'))
		tail = span_from(tail, 1);
	return tail.len && digits_of(tail, 10) == tail.len;
}

static int number(struct toml *t, size_t at, struct span word, json_t **out)
{
	bool is_signed = word.len && (word.ptr[0] == '+' || word.ptr[0] == '-');
	struct span body = span_from(word, is_signed);

	if (span_is(body, "inf") || span_is(body, "nan")) {
		/* nan has no sign, as far as a reader can tell; +inf is inf */
		bool minus = word.ptr[0] == '-' && body.ptr[0] == 'i';
		*out = toml_leaf(t, "float", !t->tagged ? word : minus ? SPAN_LIT("-inf") : body);
		return 0;
	}
	if (!body.len || !is_digit(body.ptr[0]))
		return toml_fail(t, ERR_FORMAT, at,
				"this is no value; a text needs quotes, true and false are lower case");
	int base = span_starts(body, "0x")        ? 16
			: span_starts(body, "0o") ? 8
			: span_starts(body, "0b") ? 2
						  : 10;
	struct span digits = base == 10 ? body : span_from(body, 2);
	size_t n = digits_of(digits, base);
	if (base != 10 && is_signed)
		return toml_fail(t, ERR_FORMAT, at, "a number in base %d has no sign", base);
	if (!n)
		return not_a_number(t, at);
	if (base == 10 && n > 1 && body.ptr[0] == '0')
		return toml_fail(t, ERR_FORMAT, at, "a number has no leading zeros; 0o opens an octal one");
	if (n == digits.len)
		return integer(t, at, digits, base, word.ptr[0] == '-', out);
	if (base != 10 || !is_float_tail(span_from(body, n)))
		return not_a_number(t, at);
	return real(t, at, word, out);
}

/* ---- dates and times (RFC 3339) ------------------------------------------------------------------------ */

/* Takes exactly `count` digits off *rest. */
static bool take_digits(struct span *rest, size_t count, int *out)
{
	*out = 0;
	for (size_t i = 0; i < count; i++) {
		if (i >= rest->len || !is_digit(rest->ptr[i]))
			return false;
		*out = *out * 10 + (rest->ptr[i] - '0');
	}
	*rest = span_from(*rest, count);
	return true;
}

static bool take_one_of(struct span *rest, const char *set)
{
	if (!rest->len || !strchr(set, rest->ptr[0]) || !rest->ptr[0])
		return false;
	*rest = span_from(*rest, 1);
	return true;
}

static int bad_date(struct toml *t, size_t at)
{
	return toml_fail(t, ERR_FORMAT, at,
			"a date and time looks like 1979-05-27T07:32:00Z, "
			"with all its digits; it may lack the date, the time or the zone");
}

static int take_date(struct toml *t, size_t at, struct span *rest)
{
	static const int days_of[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	int year = 0, month = 0, day = 0;

	if (!take_digits(rest, 4, &year) || !take_one_of(rest, "-") || !take_digits(rest, 2, &month) ||
			!take_one_of(rest, "-") || !take_digits(rest, 2, &day))
		return bad_date(t, at);
	if (month < 1 || month > 12)
		return toml_fail(t, ERR_FORMAT, at, "there is no month %02d", month);
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
	int days = days_of[month - 1] + (month == 2 && leap ? 1 : 0);
	if (day < 1 || day > days)
		return toml_fail(t, ERR_FORMAT, at, "there is no day %02d in %04d-%02d; it has %d days", day,
				year, month, days);
	return 0;
}

static int take_time(struct toml *t, size_t at, struct span *rest)
{
	int hour = 0, minute = 0, second = 0, ignored = 0;

	if (!take_digits(rest, 2, &hour) || !take_one_of(rest, ":") || !take_digits(rest, 2, &minute) ||
			!take_one_of(rest, ":") || !take_digits(rest, 2, &second))
		return bad_date(t, at);
	/* RFC 3339 allows second 60, for leap seconds */
	if (hour > 23 || minute > 59 || second > 60)
		return toml_fail(t, ERR_FORMAT, at, "there is no time %02d:%02d:%02d", hour, minute, second);
	if (!take_one_of(rest, "."))
		return 0;
	if (!take_digits(rest, 1, &ignored))
		return bad_date(t, at);
	while (take_digits(rest, 1, &ignored))
		;
	return 0;
}

static int take_zone(struct toml *t, size_t at, struct span *rest)
{
	int hour = 0, minute = 0;

	if (take_one_of(rest, "zZ"))
		return 0;
	if (!take_one_of(rest, "+-") || !take_digits(rest, 2, &hour) || !take_one_of(rest, ":") ||
			!take_digits(rest, 2, &minute))
		return bad_date(t, at);
	if (hour > 23 || minute > 59)
		return toml_fail(t, ERR_FORMAT, at, "there is no time zone at %02d:%02d", hour, minute);
	return 0;
}

static int date_time(struct toml *t, size_t at, struct span word, json_t **out)
{
	struct span rest = word;
	bool has_date = word.len > 4 && word.ptr[4] == '-';
	const char *type = has_date ? "date-local" : "time-local";
	auto_free char *text = xmemdup0(word.ptr, word.len);

	if (has_date && take_date(t, at, &rest) < 0)
		return -1;
	if (has_date && take_one_of(&rest, "Tt ")) {
		type = "datetime-local";
		/* one spelling for those who compare: T and Z */
		text[10] = 'T';
	}
	if (strcmp(type, "date-local") != 0 && take_time(t, at, &rest) < 0)
		return -1;
	if (rest.len && !strcmp(type, "datetime-local")) {
		type = "datetime";
		if (take_zone(t, at, &rest) < 0)
			return -1;
	}
	if (rest.len)
		return bad_date(t, at);
	if (text[word.len - 1] == 'z')
		text[word.len - 1] = 'Z';
	*out = toml_leaf(t, type, t->tagged ? span_of(text) : word);
	return 0;
}

/* ---- all ----------------------------------------------------------------------------------------------- */

static bool in_word(int c)
{
	return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			(c > 0 && strchr("+-_.:", c));
}

static size_t word_from(const struct toml *t, size_t ahead)
{
	while (in_word(toml_peek(t, ahead)))
		ahead++;
	return ahead;
}

static bool all_digits(struct span s, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!is_digit(s.ptr[i]))
			return false;
	return true;
}

int toml_scalar(struct toml *t, json_t **out)
{
	size_t at = t->at, len = word_from(t, 0);
	struct span word = span_new(t->text.ptr + at, len);

	if (!len)
		return toml_expected(t, "a value");
	bool date = len > 4 && word.ptr[4] == '-' && all_digits(word, 4);
	bool time = len > 2 && word.ptr[2] == ':' && all_digits(word, 2);
	/* the one word with a space in it: a date, a space, a time */
	if (date && len == 10 && toml_peek(t, 10) == ' ' && is_digit(toml_peek(t, 11)))
		word.len = len = word_from(t, 11);
	t->at += len;
	if (date || time)
		return date_time(t, at, word, out);
	if (!span_is(word, "true") && !span_is(word, "false"))
		return number(t, at, word, out);
	bool yes = word.ptr[0] == 't';
	*out = leaf_of(t, "bool", json_boolean(yes), yes ? "true" : "false");
	return 0;
}
