/* SPDX-License-Identifier: Apache-2.0 */
#include "guest/mount.h"

#include "tests/guest/mount_rig.h"

/* ---- requests and options -------------------------------------------------------------------------------- */

static void reads_the_request_of_the_tools(void **state)
{
	static const char text[] =
			"{\"volume_type\":\"block-device\",\"options\":{\"a\":\"b\"},\"flags\":[\"x\"],"
			"\"mount_point\":\"/mnt/x\"}";
	auto_json json_t *json = NULL;
	struct mount_request request;

	(void)state;
	assert_int_equal(json_read(span_of(text), 1024, &json, NULL), 0);
	assert_int_equal(mount_request_parse(json, &request, NULL), 0);
	assert_string_equal(request.volume_type, "block-device");
	assert_string_equal(request.mount_point, "/mnt/x");
	assert_string_equal(json_string_value(json_object_get(request.options, "a")), "b");
}

static void refuses_requests_with_missing_wrong_or_unknown_members(void **state)
{
	static const char *const texts[] = {
		"{}",
		"[]",
		"{\"options\":{},\"flags\":[],\"mount_point\":\"/a\"}",
		"{\"volume_type\":\"block-device\",\"flags\":[],\"mount_point\":\"/a\"}",
		"{\"volume_type\":\"block-device\",\"options\":{},\"mount_point\":\"/a\"}",
		"{\"volume_type\":\"block-device\",\"options\":{},\"flags\":[]}",
		"{\"volume_type\":1,\"options\":{},\"flags\":[],\"mount_point\":\"/a\"}",
		"{\"volume_type\":\"block-device\",\"options\":[],\"flags\":[],\"mount_point\":\"/a\"}",
		"{\"volume_type\":\"block-device\",\"options\":{},\"flags\":{},\"mount_point\":\"/a\"}",
		"{\"volume_type\":\"block-device\",\"options\":{},\"flags\":[1],\"mount_point\":\"/a\"}",
		"{\"volume_type\":\"block-device\",\"options\":{},\"flags\":[],\"mount_point\":null}",
		"{\"x\":1,\"volume_type\":\"a\",\"options\":{},\"flags\":[],\"mount_point\":\"/a\"}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		auto_json json_t *json = NULL;
		struct mount_request request = { .volume_type = "untouched" };
		struct err err = ERR_NONE;
		assert_int_equal(json_read(span_of(texts[i]), 1024, &json, NULL), 0);
		if (!mount_request_parse(json, &request, &err))
			fail_msg("accepted: %s", texts[i]);
		assert_int_equal(err.kind, ERR_FORMAT);
		assert_string_equal(request.volume_type, "untouched");
	}
}

static void refuses_wrong_options_and_says_the_right_ones(void **state)
{
	static const struct {
		const char *more, *part;
	} cases[] = {
		{ "\"devicePath\":null", "deviceId and devicePath" },
		{ "\"deviceId\":\"254\"", "MAJOR:MINOR" },
		{ "\"deviceId\":\"\"", "MAJOR:MINOR" },
		{ "\"deviceId\":\":\"", "MAJOR:MINOR" },
		{ "\"deviceId\":\"254:\"", "MAJOR:MINOR" },
		{ "\"deviceId\":\"254:1:2\"", "MAJOR:MINOR" },
		{ "\"deviceId\":\"fe:10\"", "MAJOR:MINOR" },
		{ "\"deviceId\":\"../..:1\"", "MAJOR:MINOR" },
		{ "\"deviceId\":\"-1:1\"", "MAJOR:MINOR" },
		{ "\"deviceId\":\"99999:1\"", "MAJOR:MINOR" },
		{ "\"devicePath\":\"disk\"", "absolute path" },
		{ "\"devicePath\":\"\"", "absolute path" },
		{ "\"devicePath\":\"/tmp\"", "no block device" },
		{ "\"devicePath\":\"/dev/null\"", "no block device" },
		{ "\"sourceType\":null", "\"encrypted\" or \"empty\"" },
		{ "\"sourceType\":\"Empty\"", "\"encrypted\" or \"empty\"" },
		{ "\"encryptionType\":null", "give \"luks2\"" },
		{ "\"encryptionType\":\"luks\"", "must be \"luks2\"" },
		{ "\"encryptionType\":\"zfs\",\"pool\":\"p\"", "\"zfs\" is not supported" },
		{ "\"targetType\":null", "\"fileSystem\" or \"device\"" },
		{ "\"targetType\":\"filesystem\"", "\"fileSystem\" or \"device\"" },
		{ "\"filesystemType\":\"xfs\"", "must be \"ext4\"" },
		{ "\"dataIntegrity\":\"True\"", "\"true\" or \"false\"" },
		{ "\"dataIntegrity\":\"\"", "\"true\" or \"false\"" },
		{ "\"dataIntegrity\":true", "dataIntegrity must be a text" },
		{ "\"key\":\"\"", "option key must begin" },
		{ "\"key\":\"/etc/key\"", "option key must begin" },
		{ "\"key\":\"file://relative\"", "option key must begin" },
		{ "\"key\":\"https://a/b\"", "option key must begin" },
		{ "\"key\":\"Sealed.x\"", "option key must begin" },
		{ "\"sourceType\":\"encrypted\"", "option key is missing" },
		{ "\"mapperName\":\"\"", "mapperName must be" },
		{ "\"mapperName\":\"a/b\"", "mapperName must be" },
		{ "\"mapperName\":\"..\"", "mapperName must be" },
		{ "\"mapperName\":\"-x\"", "mapperName must be" },
		{ "\"mapperName\":\"a b\"", "mapperName must be" },
		{ "\"mapperName\":\"control\"", "mapperName must be" },
		{ "\"mkfsOpts\":\"-F /dev/vda\"", "no path may stand there" },
		{ "\"mkfsOpts\":\"-- x\"", "no path may stand there" },
		{ "\"mkfsOpts\":\"-z/etc/passwd\"", "no path may stand there" },
		{ "\"mkfsOpts\":\"-z x/../../etc/passwd\"", "no path may stand there" },
		{ "\"mkfsOpts\":\"-J device=/dev/vda\"", "no path may stand there" },
		{ "\"mkfsOpts\":\"vda\"", "must begin with an option" },
		{ "\"datIntegrity\":\"true\"", "dataIntegrity" },
		{ "\"pool\":\"p\"", "pool" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct rig *rig = *state;
		rig_refused(rig, cases[i].more, ERR_USAGE, cases[i].part);
		rig_is_clean(rig);
	}
}

static void refuses_options_beyond_the_bounds(void **state)
{
	auto_buf struct buf more = BUF_MAX(65536);

	buf_puts(&more, "\"key\":\"kbs:///");
	for (int i = 0; i < MOUNT_TEXT_MAX; i++)
		buf_putc(&more, 'a');
	buf_puts(&more, "\"");
	rig_refused(*state, buf_text(&more), ERR_USAGE, "option key is longer than");

	buf_reset(&more);
	buf_puts(&more, "\"mkfsOpts\":\"");
	for (int i = 0; i < MOUNT_MKFS_MAX; i++)
		buf_puts(&more, "-F ");
	buf_puts(&more, "-F\"");
	rig_refused(*state, buf_text(&more), ERR_USAGE, "more than 64 arguments");

	buf_reset(&more);
	buf_puts(&more, "\"mkfsOpts\":\"-F");
	for (int i = 0; i < 1100; i++)
		buf_putc(&more, ' ');
	buf_puts(&more, "\"");
	rig_refused(*state, buf_text(&more), ERR_USAGE, "mkfsOpts is longer than");

	buf_reset(&more);
	buf_puts(&more, "\"mapperName\":\"");
	for (int i = 0; i < 128; i++)
		buf_putc(&more, 'a');
	buf_puts(&more, "\"");
	rig_refused(*state, buf_text(&more), ERR_USAGE, "mapperName must be");
}

static void refuses_other_volume_types_by_name(void **state)
{
	struct rig *rig = *state;
	auto_json json_t *options = rig_options(rig, "");
	struct mount_request request = {
		.volume_type = "alibaba-cloud-oss", .options = options, .mount_point = rig->point
	};

	assert_int_equal(mount_secure(rig->hub, &request, &rig->places, &rig->err), -1);
	assert_int_equal(rig->err.kind, ERR_USAGE);
	assert_non_null(strstr(rig->err.text, "\"alibaba-cloud-oss\" is not supported"));
	request.volume_type = "Block-Device";
	assert_int_equal(mount_secure(rig->hub, &request, &rig->places, &rig->err), -1);
	assert_non_null(strstr(rig->err.text, "must be \"block-device\""));
}

static void refuses_mount_points_that_are_not_plain_paths(void **state)
{
	static const char *const points[] = { "", "/", "relative", "/a/../b", "/a/./b", "/a//b", "/a/",
		"/.." };
	struct rig *rig = *state;
	auto_json json_t *options = rig_options(rig, "");

	for (size_t i = 0; i < sizeof(points) / sizeof(points[0]); i++) {
		struct mount_request request = {
			.volume_type = "block-device", .options = options, .mount_point = points[i]
		};
		if (!mount_secure(rig->hub, &request, &rig->places, &rig->err))
			fail_msg("mounted at '%s'", points[i]);
		assert_int_equal(rig->err.kind, ERR_USAGE);
		assert_non_null(strstr(rig->err.text, "mount point must"));
	}
}

/* ---- devices --------------------------------------------------------------------------------------------- */

static void finds_a_device_by_its_number(void **state)
{
	struct rig *rig = *state;
	char path[RIG_PATH];

	rig_path(rig, "sys/254:16", path);
	assert_int_equal(mkdir(path, 0700), 0);
	rig_write(rig, "sys/254:16/uevent", "MAJOR=254\nMINOR=16\nDEVNAME=disk\nDEVTYPE=disk\n", 0600);
	assert_int_equal(rig_mount(rig, "\"devicePath\":null,\"deviceId\":\"254:16\""), 0);
}

static void the_number_wins_over_the_path(void **state)
{
	rig_refused(*state, "\"deviceId\":\"7:7\"", ERR_NOT_FOUND, "no device has the number 7:7");
}

static void says_which_device_is_not_there(void **state)
{
	struct rig *rig = *state;
	char path[RIG_PATH];

	rig_refused(rig, "\"devicePath\":\"/dev/not-there\"", ERR_NOT_FOUND, "/dev/not-there");
	rig_path(rig, "sys/254:16", path);
	assert_int_equal(mkdir(path, 0700), 0);
	rig_write(rig, "sys/254:16/uevent", "MAJOR=254\n", 0600);
	rig_refused(rig, "\"deviceId\":\"254:16\"", ERR_NOT_FOUND, "has no name");
	rig_write(rig, "sys/254:16/uevent", "DEVNAME=gone\n", 0600);
	rig_refused(rig, "\"deviceId\":\"254:16\"", ERR_NOT_FOUND, "gone");
	rig_is_clean(rig);
}

static void one_device_has_one_header_whatever_it_is_called(void **state)
{
	struct rig *rig = *state;
	char other[RIG_PATH], more[RIG_PATH + 64];

	rig_path(rig, "alias", other);
	assert_int_equal(symlink("disk", other), 0);
	assert_int_equal(rig_mount(rig, ""), 0);
	snprintf(more, sizeof(more), "\"devicePath\":\"%s\",\"mapperName\":\"other\"", other);
	rig_refused(rig, more, ERR_CONFLICT, "was formatted before");
	assert_true(rig_has(rig, "mapper/vol"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_the_request_of_the_tools),
		cmocka_unit_test(refuses_requests_with_missing_wrong_or_unknown_members),
		cmocka_unit_test_setup_teardown(
				refuses_wrong_options_and_says_the_right_ones, rig_open, rig_close),
		cmocka_unit_test_setup_teardown(refuses_options_beyond_the_bounds, rig_open, rig_close),
		cmocka_unit_test_setup_teardown(refuses_other_volume_types_by_name, rig_open, rig_close),
		cmocka_unit_test_setup_teardown(
				refuses_mount_points_that_are_not_plain_paths, rig_open, rig_close),
		cmocka_unit_test_setup_teardown(finds_a_device_by_its_number, rig_open, rig_close),
		cmocka_unit_test_setup_teardown(the_number_wins_over_the_path, rig_open, rig_close),
		cmocka_unit_test_setup_teardown(says_which_device_is_not_there, rig_open, rig_close),
		cmocka_unit_test_setup_teardown(
				one_device_has_one_header_whatever_it_is_called, rig_open, rig_close),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
