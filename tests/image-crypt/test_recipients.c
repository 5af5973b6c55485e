/* SPDX-License-Identifier: Apache-2.0 */
#include "base/err.h"
#include "base/own.h"
#include "codec/json.h"
#include "image-crypt/recipients.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define KEYS "org.opencontainers.image.enc.keys."
/* {"kid":"kbs:///default/key/1","wrapped_data":"AAAA","iv":"AAAAAAAAAAAAAAAA","wrap_type":"A256GCM"} */
#define PACKET                                                                                             \
	"eyJraWQiOiJrYnM6Ly8vZGVmYXVsdC9rZXkvMSIsIndyYXBwZWRfZGF0YSI6IkFBQUEiLCJpdiI6IkFBQUFBQUFBQUFBQUFB" \
	"QUEiLCJ3cmFwX3R5cGUiOiJBMjU2R0NNIn0="

/* The three members as one line: schemes, recipients, keys. */
static void shows(const char *annotations, const char *schemes, const char *recipients, const char *keys)
{
	auto_json json_t *document = json_loads(annotations, 0, NULL);
	auto_layer_recipients struct layer_recipients got = { NULL, NULL, NULL };
	struct err err = ERR_NONE;

	assert_non_null(document);
	assert_int_equal(layer_recipients_read(document, &got, &err), 0);
	auto_free char *first = json_text(got.schemes, true), *second = json_text(got.recipients, false),
		       *third = json_text(got.kbs_keys, false);
	assert_string_equal(first, schemes);
	assert_string_equal(second, recipients);
	assert_string_equal(third, keys);
}

static void names_what_can_be_told_without_a_key(void **state)
{
	(void)state;
	shows("{}", "{}", "[]", "[]");
	shows("{\"other\":\"x\"}", "{}", "[]", "[]");
	shows("{\"" KEYS "jwe\":\"YQ==,Yg==\"}", "{\"jwe\":2}", "[\"[jwe]\"]", "[]");
	shows("{\"" KEYS "provider.attestation-agent\":\"" PACKET "," PACKET "\"}",
			"{\"provider.attestation-agent\":2}", "[]", "[\"kbs:///default/key/1\"]");
	/* another provider's bytes are its own matter */
	shows("{\"" KEYS "provider.x\":\"YQ==\"}", "{\"provider.x\":1}", "[]", "[]");
	/* PKESK version 3 for key id bebc2c4b1c4ef646 and a sealed packet behind it */
	shows("{\"" KEYS "pgp\":\"wQwDvrwsSxxO9kYBAAHSAQE=\"}", "{\"pgp\":1}", "[\"0xbebc2c4b1c4ef646\"]",
			"[]");
}

static void unreadable_keys_are_told_as_such(void **state)
{
	(void)state;
	shows("{\"" KEYS "pgp\":\"YQ==\"}", "{\"pgp\":1}", "[\"[pgp, unreadable]\"]", "[]");
	shows("{\"" KEYS "jwe\":\"***\"}", "{\"jwe\":1}", "[\"[jwe]\"]", "[]");
	/* a scheme may not forge a line on a terminal */
	shows("{\"" KEYS "x\\u001b[2J\":\"YQ==\"}", "{\"x?[2J\":1}", "[\"[x?[2J]\"]", "[]");
}

static void refuses_what_is_no_text(void **state)
{
	auto_json json_t *document = json_loads("{\"" KEYS "jwe\":1}", 0, NULL);
	struct layer_recipients got;
	struct err err = ERR_NONE;

	(void)state;
	assert_int_equal(layer_recipients_read(document, &got, &err), -1);
	assert_int_equal(err.kind, ERR_FORMAT);
	assert_null(got.schemes);
	assert_int_equal(layer_recipients_read(NULL, &got, &err), 0);
	layer_recipients_clear(&got);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_what_can_be_told_without_a_key),
		cmocka_unit_test(unreadable_keys_are_told_as_such),
		cmocka_unit_test(refuses_what_is_no_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
