/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/initdata/vectors.h"

#include "initdata/value.h"

#include <string.h>

/* kind ERR_OK: taken; ERR_FORMAT: the guest refuses it; ERR_DENIED: it takes it, we do not write it */
struct value_case {
	const char *value;
	enum err_kind kind;
};

static void judge(value_check check, const struct value_case *cases, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct err err = ERR_NONE;
		int status = check(span_of(cases[i].value), &err);

		assert_int_equal(status, cases[i].kind == ERR_OK ? 0 : -1);
		if (err.kind != cases[i].kind)
			fail_msg("'%s': kind %s (%s)", cases[i].value, err_kind_name(err.kind), err.text);
	}
}
#define JUDGE(check, cases) judge((check), (cases), sizeof(cases) / sizeof((cases)[0]))

static void urls_are_scheme_host_port_and_path(void **state)
{
	static const struct value_case cases[] = {
		{ "http://127.0.0.1:8080", ERR_OK },
		{ "https://kbs.example.com", ERR_OK },
		{ "https://kbs_internal:1/", ERR_OK },
		{ "https://kbs:65535/base/path", ERR_OK },
		{ "http://[fe80::1]:8080", ERR_OK },
		{ "http://[fe80::1]", ERR_OK },
		{ "", ERR_FORMAT },
		{ "kbs:8080", ERR_FORMAT },
		{ "HTTP://kbs", ERR_FORMAT },
		{ "ftp://kbs", ERR_FORMAT },
		{ "http://", ERR_FORMAT },
		{ "http:///path", ERR_FORMAT },
		{ "http://:80", ERR_FORMAT },
		{ "http://kbs:", ERR_FORMAT },
		{ "http://kbs:0", ERR_FORMAT },
		{ "http://kbs:65536", ERR_FORMAT },
		{ "http://kbs:80a", ERR_FORMAT },
		{ "http://kbs:080", ERR_FORMAT },
		{ "http://[fe80::1", ERR_FORMAT },
		{ "http://[]:80", ERR_FORMAT },
		{ "http://[x]:80", ERR_FORMAT },
		{ "http://[::1]80", ERR_FORMAT },
		{ "http://kb s", ERR_FORMAT },
		{ "http://kbs/a b", ERR_FORMAT },
		{ "http://kbs?x=1", ERR_FORMAT },
		{ "http://kbs/#x", ERR_FORMAT },
		{ "http://kbs\n", ERR_FORMAT },
		{ "http://user:secret@kbs", ERR_DENIED },
	};

	(void)state;
	JUDGE(value_url, cases);
}

static void a_broker_url_has_no_double_colon(void **state)
{
	static const struct value_case cases[] = {
		{ "http://127.0.0.1:8080", ERR_OK },
		{ "http://[fe80:0:0:0:0:0:0:1]:8080", ERR_OK },
		{ "http://[fe80::1]:8080", ERR_FORMAT },
		{ "http://kbs/a::b", ERR_FORMAT },
	};

	(void)state;
	JUDGE(value_kbs_url, cases);
}

static void kbs_uris_are_those_read_alike_by_all(void **state)
{
	static const struct value_case cases[] = {
		{ "kbs:///default/key/1", ERR_OK },
		{ "kbs://host:8080/default/key/a-b_c.d", ERR_OK },
		{ "kbs+pkcs11:///a", ERR_OK },
		{ "kbs+pkcs11:///a/b%20c?x=1", ERR_OK },
		{ "kbs:///a/b", ERR_DENIED },
		{ "kbs:///a/b/c/d", ERR_DENIED },
		{ "kbs:///a//c", ERR_DENIED },
		{ "kbs:///a/../b/c", ERR_DENIED },
		{ "kbs:///a/./b", ERR_DENIED },
		{ "kbs:///a/b/.c", ERR_DENIED },
		{ "kbs:///a b/c/d", ERR_DENIED },
		{ "kbs:///a/b/c%2fd", ERR_DENIED },
		{ "kbs:///a/b/c?x", ERR_DENIED },
		{ "kbs:///a/b/c#x", ERR_DENIED },
		{ "kbs:///", ERR_DENIED },
		{ "kbs://host/", ERR_DENIED },
		{ "kbs://host", ERR_FORMAT },
		{ "kbs://", ERR_FORMAT },
		{ "kbs+:///a/b", ERR_FORMAT },
		{ "kbs+My_Plug:///a", ERR_FORMAT },
		{ "kbs://h:99999/a/b/c", ERR_FORMAT },
		{ "kbs:///a/b/c\n", ERR_FORMAT },
		{ "http:///a/b/c", ERR_FORMAT },
		{ "/a/b/c", ERR_FORMAT },
		{ "", ERR_FORMAT },
	};

	(void)state;
	JUDGE(value_kbs_uri, cases);
}

static void locations_are_broker_or_file(void **state)
{
	static const struct value_case cases[] = {
		{ "kbs:///default/security-policy/test", ERR_OK },
		{ "kbs+plug:///x", ERR_OK },
		{ "file:///etc/policy.json", ERR_OK },
		{ "/etc/policy.json", ERR_OK },
		{ "file://etc/policy.json", ERR_FORMAT },
		{ "etc/policy.json", ERR_FORMAT },
		{ "http://x/policy.json", ERR_FORMAT },
		{ "/etc/../policy.json", ERR_FORMAT },
		{ "", ERR_FORMAT },
	};

	(void)state;
	JUDGE(value_location, cases);
}

static void sockets_and_paths_are_absolute(void **state)
{
	static const struct value_case sockets[] = {
		{ "unix:///run/confidential-containers/cdh.sock", ERR_OK },
		{ "unix://run/x", ERR_FORMAT },
		{ "/run/x.sock", ERR_FORMAT },
		{ "127.0.0.1:50000", ERR_FORMAT },
		{ "", ERR_FORMAT },
	};
	static const struct value_case credentials[] = {
		{ "/run/confidential-containers/cdh/kbs/a", ERR_OK },
		{ "/run/confidential-containers/cdh/kbs-x/a", ERR_DENIED },
		{ "/run/confidential-containers/cdh/kbs/", ERR_DENIED },
		{ "/run/confidential-containers/cdh/kbs/../x", ERR_FORMAT },
		{ "/etc/passwd", ERR_FORMAT },
		{ "a", ERR_FORMAT },
	};

	(void)state;
	JUDGE(value_socket, sockets);
	JUDGE(value_credential_path, credentials);
}

static void words_are_those_the_guest_knows(void **state)
{
	static const struct value_case names[] = {
		{ "cc_kbc", ERR_OK },
		{ "offline_fs_kbc", ERR_OK },
		{ "CC_KBC", ERR_FORMAT },
		{ "", ERR_FORMAT },
	};
	static const struct value_case algorithms[] = {
		{ "ECDH-ES+A256KW-P256", ERR_OK },
		{ "ECDH-ES+A256KW-P521", ERR_OK },
		{ "RSA-OAEP-256", ERR_OK },
		{ "ML-KEM-768+A192KW", ERR_DENIED },
		{ "RSA1_5", ERR_FORMAT },
	};
	static const struct value_case levels[] = {
		{ "info", ERR_OK },
		{ "warn,kbs_protocol=debug", ERR_OK },
		{ "loud", ERR_DENIED },
		{ "info,", ERR_DENIED },
		{ "", ERR_FORMAT },
	};

	(void)state;
	JUDGE(value_kbc_name, names);
	JUDGE(value_key_algorithm, algorithms);
	JUDGE(value_log_level, levels);
}

static void image_policies_are_judged_as_a_whole(void **state)
{
	static const struct value_case cases[] = {
		{ "{\"default\": [{\"type\": \"reject\"}], \"transports\": {}}", ERR_OK },
		{ "{\"default\": [], \"transports\": {\"docker\": {\"a\": [{\"type\": \"signedBy\"}]}}, "
		  "\"x\": 1}",
				ERR_OK },
		{ "{\"default\": [{\"type\": \"reject\"}]}", ERR_FORMAT },
		{ "{\"transports\": {}}", ERR_FORMAT },
		{ "{\"default\": {}, \"transports\": {}}", ERR_FORMAT },
		{ "{\"default\": [{\"type\": \"signedBaseLayer\"}], \"transports\": {}}", ERR_FORMAT },
		{ "{\"default\": [{}], \"transports\": {}}", ERR_FORMAT },
		{ "{\"default\": [1], \"transports\": {}}", ERR_FORMAT },
		{ "{\"default\": [], \"transports\": {\"docker\": []}}", ERR_FORMAT },
		{ "{\"default\": [], \"transports\": {\"docker\": {\"a\": 1}}}", ERR_FORMAT },
		{ "{\"default\": [], \"transports\": {\"docker\": {\"a\": [{\"type\": \"x\"}]}}}",
				ERR_FORMAT },
		{ "[]", ERR_FORMAT },
		{ "{", ERR_FORMAT },
		{ "", ERR_FORMAT },
	};

	(void)state;
	JUDGE(value_image_policy, cases);
}

static void certificates_are_pem_and_nothing_else(void **state)
{
	static const struct value_case cases[] = {
		{ "", ERR_FORMAT },
		{ "no PEM", ERR_FORMAT },
		{ "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n", ERR_FORMAT },
		{ "-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----\n", ERR_FORMAT },
	};

	(void)state;
	JUDGE(value_certificates, cases);
}

static void policies_keep_the_engines_limits(void **state)
{
	auto_buf struct buf text = BUF_MAX(1 << 20);
	struct err err = ERR_NONE;

	(void)state;
	assert_int_equal(value_policy(SPAN_LIT(" \n"), NULL), -1);
	buf_puts(&text, "package agent_policy\n");
	assert_int_equal(value_policy(buf_span(&text), NULL), 0);
	while (text.len < 65536 + 21)
		buf_putc(&text, 'x');
	assert_int_equal(value_policy(buf_span(&text), NULL), 0);
	buf_putc(&text, 'x');
	assert_int_equal(value_policy(buf_span(&text), &err), -1);
	assert_non_null(strstr(err.text, "line 2 has 65537 bytes"));
	buf_reset(&text);
	for (int i = 0; i < 200001; i++)
		buf_puts(&text, "#\n");
	assert_int_equal(value_policy(buf_span(&text), &err), -1);
	assert_non_null(strstr(err.text, "200001 lines"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(urls_are_scheme_host_port_and_path),
		cmocka_unit_test(a_broker_url_has_no_double_colon),
		cmocka_unit_test(kbs_uris_are_those_read_alike_by_all),
		cmocka_unit_test(locations_are_broker_or_file),
		cmocka_unit_test(sockets_and_paths_are_absolute),
		cmocka_unit_test(words_are_those_the_guest_knows),
		cmocka_unit_test(image_policies_are_judged_as_a_whole),
		cmocka_unit_test(certificates_are_pem_and_nothing_else),
		cmocka_unit_test(policies_keep_the_engines_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
