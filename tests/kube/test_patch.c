/* SPDX-License-Identifier: Apache-2.0 */
#include "kube/patch.h"

#include "base/buf.h"
#include "base/own.h"
#include "codec/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
/* cmocka wants the three above */
#include <cmocka.h>

static void writes_operations_in_order_with_escaped_pointers(void **state)
{
	auto_json json_t *patch = json_array();

	(void)state;
	patch_test(patch, json_string("gate"), "spec", "schedulingGates", "0", "name", NULL);
	patch_remove(patch, "spec", "schedulingGates", "0", NULL);
	patch_add(patch, json_string("x"), "metadata", "annotations", "a.b/c~d", NULL);
	patch_replace(patch, json_object(), "", "~1", NULL);
	auto_free char *text = json_text(patch, false);
	assert_string_equal(text,
			"[{\"op\":\"test\",\"path\":\"/spec/schedulingGates/0/name\",\"value\":\"gate\"},"
			"{\"op\":\"remove\",\"path\":\"/spec/schedulingGates/0\"},"
			"{\"op\":\"add\",\"path\":\"/metadata/annotations/a.b~1c~0d\",\"value\":\"x\"},"
			"{\"op\":\"replace\",\"path\":\"//~01\",\"value\":{}}]");
}

static void escapes_segments(void **state)
{
	auto_buf struct buf out = BUF_MAX(64);

	(void)state;
	patch_pointer(&out, SPAN_LIT("~/~1"));
	assert_string_equal(buf_text(&out), "/~0~1~01");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writes_operations_in_order_with_escaped_pointers),
		cmocka_unit_test(escapes_segments),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
