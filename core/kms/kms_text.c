/* SPDX-License-Identifier: Apache-2.0 */
#include "base/alloc.h"
#include "base/b64.h"
#include "base/clock.h"
#include "base/own.h"
#include "codec/json.h"
#include "kms/kms_own.h"

#include <string.h>

/* A label of a host name takes 63, a name of a file 255 with what stands around it. */
#define IDENTIFIER_MAX 128
#define REGION_MAX     63

/* ---- checks ---- */

static bool is_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

int kms_check_identifier(const char *value, struct err *err)
{
	size_t len = strlen(value);
	bool good = len > 0 && len <= IDENTIFIER_MAX && strcmp(value, ".") != 0 && strcmp(value, "..") != 0;

	for (size_t i = 0; good && i < len; i++)
		good = is_alnum(value[i]) || strchr("._-", value[i]);
	if (good)
		return 0;
	return err_set(err, ERR_FORMAT,
			"is no identifier of 1 to %d letters, digits, '.', '_' and '-'; '.' and '..' are "
			"none",
			IDENTIFIER_MAX);
}

int kms_check_field(const char *value, struct err *err)
{
	bool good = *value != '\0';

	for (; good && *value; value++)
		good = *value > ' ' && *value <= '~';
	return good ? 0 : err_set(err, ERR_FORMAT, "is empty or holds other than visible ASCII characters");
}

int kms_check_region(const char *value, struct err *err)
{
	size_t len = strlen(value);
	bool good = len > 0 && len <= REGION_MAX;

	for (size_t i = 0; good && i < len; i++)
		good = is_alnum(value[i]) || value[i] == '-';
	return good ? 0 : err_set(err, ERR_FORMAT, "is no name of a region (letters, digits and '-')");
}

int kms_check_nothing(const char *value, struct err *err)
{
	(void)value;
	(void)err;
	return 0;
}

/* ---- members ---- */

int kms_opt_text(const json_t *object, const char *place, const char *name, const char **out, struct err *err)
{
	const json_t *value = json_object_get(object, name);

	if (!value)
		return 0;
	/* a NUL in it is a number in disguise (sealed/tree.h) */
	if (!json_is_string(value) || strlen(json_string_value(value)) != json_string_length(value))
		return err_set(err, ERR_FORMAT, "%s.%s is not a text", place, name);
	*out = json_string_value(value);
	return 0;
}

int kms_get_text(const json_t *object, const char *place, const char *name, const char **out, struct err *err)
{
	if (!json_object_get(object, name))
		return err_set(err, ERR_FORMAT, "%s.%s is missing", place, name);
	return kms_opt_text(object, place, name, out, err);
}

int kms_blame_caller(struct err *err)
{
	if (err)
		err->kind = ERR_USAGE;
	return -1;
}

int kms_versions(const json_t *annotations, const char **stage, const char **version, struct err *err)
{
	*stage = *version = "";
	if (kms_opt_text(annotations, "annotations", "version_stage", stage, err) < 0 ||
			kms_opt_text(annotations, "annotations", "version_id", version, err) < 0)
		return kms_blame_caller(err);
	return 0;
}

int kms_secret_of_b64(const char *text, const char *what, struct secret *out, struct err *err)
{
	auto_secret struct secret room = SECRET_NONE;
	size_t len = strlen(text);

	if (!len)
		return err_set(err, ERR_FORMAT, "%s is empty", what);
	if (secret_alloc(&room, b64_decoded_max(len), err) < 0 ||
			b64_decode_raw(span_of(text), room.ptr, &len, err) < 0)
		return err_wrap(err, "%s", what);
	return secret_from_span(out, span_new(room.ptr, len), err);
}

void kms_put_text(struct buf *out, const char *name, const char *text)
{
	auto_json json_t *value = json_string(text);

	/* texts of ours are UTF-8: they came out of JSON or were checked */
	if (!value)
		abort();
	auto_free char *escaped = json_text(value, false);
	buf_printf(out, "\"%s\":", name);
	buf_puts(out, escaped);
}

void kms_put_b64(struct buf *out, const char *name, struct span bytes)
{
	buf_printf(out, "\"%s\":\"", name);
	b64_encode(out, bytes);
	buf_putc(out, '"');
}

/* ---- times ---- */

static unsigned two_digits(const char *at)
{
	return (unsigned)(at[0] - '0') * 10 + (unsigned)(at[1] - '0');
}

const char *kms_date(int64_t wall, char out[static KMS_DATE_MAX])
{
	static const char days[] = "SunMonTueWedThuFriSat";
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	const int64_t day = 86400 * CLOCK_SECOND;
	char text[CLOCK_TEXT_MAX];

	clock_format(wall, text);
	/* the epoch was a Thursday */
	int64_t weekday = ((wall / day - (wall % day < 0) + 4) % 7 + 7) % 7;
	snprintf(out, KMS_DATE_MAX, "%.3s, %.2s %.3s %.4s %.8s GMT", days + 3 * weekday, text + 8,
			months + (size_t)3 * (two_digits(text + 5) - 1), text, text + 11);
	return out;
}

const char *kms_date_basic(int64_t wall, char out[static KMS_DATE_MAX])
{
	char text[CLOCK_TEXT_MAX];
	size_t len = 0;

	clock_format(wall, text);
	for (const char *at = text; *at; at++)
		if (is_alnum(*at))
			out[len++] = *at;
	out[len] = '\0';
	return out;
}
