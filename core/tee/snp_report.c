/* SPDX-License-Identifier: Apache-2.0 */
#include "tee/snp_report.h"

#include "base/buf.h"
#include "base/err.h"
#include "codec/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VERSION_MIN  2
#define VERSION_MAX  5
#define FAMILY_AT    0x188
#define FAMILY_MILAN 0x19U /* and Genoa */
#define FAMILY_TURIN 0x1aU
#define CPUID_SINCE  3

enum form { NUMBER, BYTES, TCB, FIRMWARE, SIGNATURE };

static const struct field {
	const char *name;
	size_t at, size;
	enum form form;
	unsigned since; /* null in versions before */
} fields[] = {
	{ "version", 0x000, 4, NUMBER, 0 },
	{ "guest_svn", 0x004, 4, NUMBER, 0 },
	{ "policy", 0x008, 8, NUMBER, 0 },
	{ "family_id", 0x010, 16, BYTES, 0 },
	{ "image_id", 0x020, 16, BYTES, 0 },
	{ "vmpl", 0x030, 4, NUMBER, 0 },
	{ "sig_algo", 0x034, 4, NUMBER, 0 },
	{ "current_tcb", 0x038, 8, TCB, 0 },
	{ "plat_info", 0x040, 8, NUMBER, 0 },
	{ "key_info", 0x048, 4, NUMBER, 0 },
	{ "report_data", 0x050, 64, BYTES, 0 },
	{ "measurement", 0x090, 48, BYTES, 0 },
	{ "host_data", SNP_HOST_DATA, SNP_HOST_DATA_LEN, BYTES, 0 },
	{ "id_key_digest", 0x0e0, 48, BYTES, 0 },
	{ "author_key_digest", 0x110, 48, BYTES, 0 },
	{ "report_id", 0x140, 32, BYTES, 0 },
	{ "report_id_ma", 0x160, 32, BYTES, 0 },
	{ "reported_tcb", 0x180, 8, TCB, 0 },
	{ "cpuid_fam_id", FAMILY_AT, 1, NUMBER, CPUID_SINCE },
	{ "cpuid_mod_id", 0x189, 1, NUMBER, CPUID_SINCE },
	{ "cpuid_step", 0x18a, 1, NUMBER, CPUID_SINCE },
	{ "chip_id", 0x1a0, 64, BYTES, 0 },
	{ "committed_tcb", 0x1e0, 8, TCB, 0 },
	{ "current", 0x1e8, 3, FIRMWARE, 0 },
	{ "committed", 0x1ec, 3, FIRMWARE, 0 },
	{ "launch_tcb", 0x1f0, 8, TCB, 0 },
	{ "launch_mit_vector", 0x1f8, 8, NUMBER, 5 },
	{ "current_mit_vector", 0x200, 8, NUMBER, 5 },
	{ "signature", SNP_SIGNED_LEN, 144, SIGNATURE, 0 },
};
#define FIELDS (sizeof(fields) / sizeof(fields[0]))

/* a part of a field that is an object */
struct part {
	const char *name;
	int at; /* of its byte; -1: null */
};
#define TCB_PARTS 5
static const struct part tcb_milan[TCB_PARTS] = { { "fmc", -1 }, { "bootloader", 0 }, { "tee", 1 },
	{ "snp", 6 }, { "microcode", 7 } };
static const struct part tcb_turin[TCB_PARTS] = { { "fmc", 0 }, { "bootloader", 1 }, { "tee", 2 },
	{ "snp", 3 }, { "microcode", 7 } };
#define FIRMWARE_PARTS 3
static const struct part firmware_parts[FIRMWARE_PARTS] = { { "major", 2 }, { "minor", 1 }, { "build", 0 } };
#define SIGNATURE_PARTS 2
static const char *const signature_parts[SIGNATURE_PARTS] = { "r", "s" };
#define SIGNATURE_PART 72

/* What the rest of a report is read by. */
struct layout {
	unsigned version;
	const struct part *tcb;
};

static int layout_of(uint64_t version, uint64_t family, struct layout *out, struct err *err)
{
	if (version < VERSION_MIN || version > VERSION_MAX)
		return err_set(err, ERR_FORMAT, "a report of version %u: %d … %d are known",
				(unsigned)version, VERSION_MIN, VERSION_MAX);
	if (version >= CPUID_SINCE && family != FAMILY_MILAN && family != FAMILY_TURIN)
		return err_set(err, ERR_FORMAT, "a report of processor family 0x%x: 0x%x and 0x%x are known",
				(unsigned)family, FAMILY_MILAN, FAMILY_TURIN);
	out->version = (unsigned)version;
	out->tcb = version >= CPUID_SINCE && family == FAMILY_TURIN ? tcb_turin : tcb_milan;
	return 0;
}

/* ---- bytes to JSON -------------------------------------------------------------------------------------- */

static uint64_t little(const unsigned char *bytes, size_t size)
{
	uint64_t value = 0;

	while (size > 0)
		value = value << 8 | bytes[--size];
	return value;
}

static json_t *bytes_json(const unsigned char *bytes, size_t size)
{
	json_t *array = json_array();

	for (size_t i = 0; i < size; i++)
		json_array_append_new(array, json_integer(bytes[i]));
	if (!array)
		abort();
	return array;
}

static json_t *parts_json(const unsigned char *bytes, const struct part *parts, size_t count)
{
	json_t *object = json_object();

	for (size_t i = 0; i < count; i++)
		json_object_set_new(object, parts[i].name,
				parts[i].at < 0 ? json_null() : json_integer(bytes[parts[i].at]));
	return object;
}

static json_t *signature_json(const unsigned char *bytes)
{
	json_t *object = json_object();

	for (size_t i = 0; i < SIGNATURE_PARTS; i++)
		json_object_set_new(object, signature_parts[i],
				bytes_json(bytes + i * SIGNATURE_PART, SIGNATURE_PART));
	return object;
}

static json_t *field_json(const struct field *field, const struct layout *layout, const unsigned char *raw)
{
	const unsigned char *bytes = raw + field->at;

	if (layout->version < field->since)
		return json_null();
	switch (field->form) {
	case BYTES:
		return bytes_json(bytes, field->size);
	case TCB:
		return parts_json(bytes, layout->tcb, TCB_PARTS);
	case FIRMWARE:
		return parts_json(bytes, firmware_parts, FIRMWARE_PARTS);
	case SIGNATURE:
		return signature_json(bytes);
	case NUMBER:
		break;
	}
	return json_integer((json_int_t)little(bytes, field->size));
}

/* What the object does not carry would be missing under the signature. */
static int check_complete(const json_t *report, struct span raw, struct err *err)
{
	unsigned char again[SNP_REPORT_LEN];

	if (snp_report_raw(report, again, err) < 0)
		return -1;
	for (size_t i = 0; i < SNP_REPORT_LEN; i++) {
		if (again[i] != (unsigned char)raw.ptr[i])
			return err_set(err, ERR_FORMAT,
					"the report has a value at 0x%zx, where no field is known", i);
	}
	return 0;
}

int snp_report_json(struct span raw, json_t **out, struct err *err)
{
	const unsigned char *bytes = (const unsigned char *)raw.ptr;
	auto_json json_t *report = json_object();
	struct layout layout = { .tcb = tcb_milan };

	if (raw.len != SNP_REPORT_LEN)
		return err_set(err, ERR_FORMAT, "a report of %zu bytes instead of %d", raw.len,
				SNP_REPORT_LEN);
	if (layout_of(little(bytes, 4), bytes[FAMILY_AT], &layout, err) < 0)
		return -1;
	for (size_t i = 0; i < FIELDS; i++) {
		if (json_object_set_new(report, fields[i].name, field_json(&fields[i], &layout, bytes)) < 0)
			abort();
	}
	if (check_complete(report, raw, err) < 0)
		return -1;
	*out = json_incref(report);
	return 0;
}

/* ---- JSON to bytes -------------------------------------------------------------------------------------- */

static int get_number(const json_t *object, const char *path, const char *key, size_t size, uint64_t *out,
		struct err *err)
{
	int64_t value = -1, max = size == 8 ? INT64_MAX : ((int64_t)1 << (8 * size)) - 1;

	if (json_opt_int(object, path, key, 0, max, &value, err) < 0)
		return -1;
	if (value < 0)
		return err_set(err, ERR_FORMAT, "%s%s%s: missing", path, path[0] ? "." : "", key);
	*out = (uint64_t)value;
	return 0;
}

static void put_little(unsigned char *out, uint64_t value, size_t size)
{
	for (size_t i = 0; i < size; i++)
		out[i] = (unsigned char)(value >> (8 * i));
}

static int bytes_raw(const json_t *object, const char *path, const char *key, unsigned char *out, size_t size,
		struct err *err)
{
	json_t *array = NULL, *item;
	size_t i;

	if (json_opt_array(object, path, key, size, &array, err) < 0)
		return -1;
	if (json_array_size(array) != size)
		return err_set(err, ERR_FORMAT, "%s: %zu bytes instead of %zu", key, json_array_size(array),
				size);
	json_array_foreach (array, i, item) {
		json_int_t value = json_is_integer(item) ? json_integer_value(item) : -1;
		if (value < 0 || value > UINT8_MAX)
			return err_set(err, ERR_FORMAT, "%s[%zu]: not a byte", key, i);
		out[i] = (unsigned char)value;
	}
	return 0;
}

static int parts_raw(const json_t *report, const char *key, const struct part *parts, size_t count,
		unsigned char *out, struct err *err)
{
	json_t *object;

	if (json_get_object(report, "", key, &object, err) < 0)
		return -1;
	for (size_t i = 0; i < count; i++) {
		uint64_t value = 0;
		if (parts[i].at < 0)
			continue;
		if (get_number(object, key, parts[i].name, 1, &value, err) < 0)
			return -1;
		out[parts[i].at] = (unsigned char)value;
	}
	return 0;
}

static int signature_raw(const json_t *report, const char *key, unsigned char *out, struct err *err)
{
	json_t *object;

	if (json_get_object(report, "", key, &object, err) < 0)
		return -1;
	for (size_t i = 0; i < SIGNATURE_PARTS; i++) {
		if (bytes_raw(object, key, signature_parts[i], out + i * SIGNATURE_PART, SIGNATURE_PART,
				    err) < 0)
			return -1;
	}
	return 0;
}

static int number_raw(const json_t *report, const struct field *field, unsigned char *out, struct err *err)
{
	uint64_t value = 0;

	if (get_number(report, "", field->name, field->size, &value, err) < 0)
		return -1;
	put_little(out, value, field->size);
	return 0;
}

static int field_raw(const json_t *report, const struct field *field, const struct layout *layout,
		unsigned char *raw, struct err *err)
{
	unsigned char *out = raw + field->at;

	if (layout->version < field->since)
		return 0;
	switch (field->form) {
	case BYTES:
		return bytes_raw(report, "", field->name, out, field->size, err);
	case TCB:
		return parts_raw(report, field->name, layout->tcb, TCB_PARTS, out, err);
	case FIRMWARE:
		return parts_raw(report, field->name, firmware_parts, FIRMWARE_PARTS, out, err);
	case SIGNATURE:
		return signature_raw(report, field->name, out, err);
	case NUMBER:
		break;
	}
	return number_raw(report, field, out, err);
}

int snp_report_raw(const json_t *report, unsigned char out[static SNP_REPORT_LEN], struct err *err)
{
	unsigned char raw[SNP_REPORT_LEN] = { 0 };
	uint64_t version = 0, family = 0;
	struct layout layout = { .tcb = tcb_milan };

	if (get_number(report, "", "version", 4, &version, err) < 0 ||
			(version >= CPUID_SINCE &&
					get_number(report, "", "cpuid_fam_id", 1, &family, err) < 0) ||
			layout_of(version, family, &layout, err) < 0)
		return -1;
	for (size_t i = 0; i < FIELDS; i++) {
		if (field_raw(report, &fields[i], &layout, raw, err) < 0)
			return -1;
	}
	memcpy(out, raw, sizeof(raw));
	return 0;
}
