/* SPDX-License-Identifier: Apache-2.0 */
#include "image-crypt/params.h"

#include "base/alloc.h"
#include "base/err.h"
#include "base/own.h"
#include "image/packet.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
/* cmocka wants the three above */
#include <cmocka.h>

static void reads_parameters_as_the_ecosystem_writes_them(void **state)
{
	static const struct {
		const char *text, *id, *path;
		bool sample;
		enum packet_cipher cipher;
	} cases[] = {
		{ "", NULL, "", false, PACKET_A256GCM },
		{ "Enabled", NULL, "", false, PACKET_A256GCM },
		{ "sample=true", NULL, "", true, PACKET_A256GCM },
		{ "sample=True::sample=", NULL, "", false, PACKET_A256GCM },
		{ "keyid=kbs:///a/b/c::keypath=/k=1", "a/b/c", "/k=1", false, PACKET_A256GCM },
		{ "keypath=/k::keyid=/a/b/c::algorithm=A256CTR::", "a/b/c", "/k", false, PACKET_A256CTR },
		{ "keyid=kbs://[::1]:8080/a/b/c::keypath=/k", "a/b/c", "/k", false, PACKET_A256GCM },
		{ "keyid=h/a/b/c::keyid=h/a/b/d", "a/b/d", "", false, PACKET_A256GCM },
		{ "x=y::::keypath=a:b::z", NULL, "a:b", false, PACKET_A256GCM },
		{ "keypath=://[::keyid=/a/b/c", "a/b/c", "://[", false, PACKET_A256GCM },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct params params;
		struct err err = ERR_NONE;
		if (params_parse(span_of(cases[i].text), &params, &err) < 0)
			fail_msg("%s: %s", cases[i].text, err.text);
		assert_int_equal(params.has_id, cases[i].id != NULL);
		if (cases[i].id)
			assert_string_equal(params.id.path, cases[i].id);
		assert_string_equal(params.path, cases[i].path);
		assert_int_equal(params.sample, cases[i].sample);
		assert_int_equal(params.cipher, cases[i].cipher);
	}
}

static void refuses_parameters_that_make_no_packet(void **state)
{
	static const struct span cases[] = {
		SPAN_LIT("keyid="),
		SPAN_LIT("keyid=plain"),
		SPAN_LIT("keyid=a/b/c"),
		SPAN_LIT("keyid=kbs:///a/b"),
		SPAN_LIT("keyid=kbs:///a/b/../c"),
		SPAN_LIT("algorithm="),
		SPAN_LIT("algorithm=a256gcm"),
		SPAN_LIT("keypath=/a\0b"),
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct params params;
		struct err err = ERR_NONE;
		if (params_parse(cases[i], &params, &err) == 0)
			fail_msg("%.*s was taken", SPAN_ARG(cases[i]));
		assert_int_equal(err.kind, ERR_USAGE);
	}
	auto_free char *large = xcalloc(1, PARAMS_MAX);
	struct params params;
	assert_int_equal(params_parse(span_new(large, PARAMS_MAX), &params, NULL), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_parameters_as_the_ecosystem_writes_them),
		cmocka_unit_test(refuses_parameters_that_make_no_packet),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
