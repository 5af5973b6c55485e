/* SPDX-License-Identifier: Apache-2.0 */
/* Evidence of a real TPM in software: ours before the standard tools and our verifier, and the tools' before ours. */
#include "base/b64.h"
#include "base/fs.h"
#include "base/hex.h"
#include "base/own.h"
#include "codec/json.h"
#include "tee/attester.h"
#include "tee/verify.h"
#include "tests/tee/registers.h"
#include "tests/tee/swtpm.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <termios.h>
#include <tss2/tss2_esys.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
/* cmocka wants the three above */
#include <cmocka.h>

#define INITDATA "8042cc8a65ff2a61c55127924ce8bd58f7c44d6fce009fa81bf07ac067619290"
#define NONCE \
	"f3764e5383aaa68bebcedee375459db414232ea0f79f083adc40975b443e0e4ac8fa113bf56cd26ae87784870acc70b7"

static struct swtpm tpm;

/* ---- PCRs that change -------------------------------------------------------------------------------------- */

static int changes; /* so many quotes are followed at once by an extension of PCR 16 */

/* In the place of the library's: the attester calls this one. */
TSS2_RC Esys_Quote(ESYS_CONTEXT *esys, ESYS_TR key, ESYS_TR session, ESYS_TR second, ESYS_TR third,
		const TPM2B_DATA *nonce, const TPMT_SIG_SCHEME *scheme, const TPML_PCR_SELECTION *pcrs,
		TPM2B_ATTEST **quoted, TPMT_SIGNATURE **signature)
{
	__typeof__(&Esys_Quote) real = (__typeof__(&Esys_Quote))(uintptr_t)dlsym(RTLD_NEXT, "Esys_Quote");
	TPML_DIGEST_VALUES values = { .count = 1, .digests[0].hashAlg = TPM2_ALG_SHA256 };
	TSS2_RC rc = real(esys, key, session, second, third, nonce, scheme, pcrs, quoted, signature);

	if (changes && changes-- && rc == TSS2_RC_SUCCESS)
		rc = Esys_PCR_Extend(
				esys, ESYS_TR_PCR16, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &values);
	return rc;
}

static struct attester *attester_of(const char *where)
{
	struct attester_options options = { .kind = "tpm", .tpm = where };
	struct attester *attester = NULL;
	struct err err = ERR_NONE;

	if (attester_open(&options, &attester, &err) < 0)
		fail_msg("%s", err.text);
	return attester;
}

static struct span nonce(struct buf *buf)
{
	assert_int_equal(hex_decode(SPAN_LIT(NONCE), buf, NULL), 0);
	return buf_span(buf);
}

static json_t *evidence_of(const char *where, struct span report_data)
{
	auto_attester struct attester *attester = attester_of(where);
	struct err err = ERR_NONE;
	json_t *evidence = NULL;

	assert_int_equal(attester_kind(attester), TEE_KIND_TPM);
	if (attester_evidence(attester, report_data, &evidence, &err) < 0)
		fail_msg("%s", err.text);
	return evidence;
}

static json_t *claims_of(const json_t *evidence, struct span report_data, struct span initdata)
{
	struct err err = ERR_NONE;
	json_t *claims = NULL;

	if (evidence_verify(TEE_KIND_TPM, evidence, report_data, initdata, &claims, &err) < 0)
		fail_msg("%s", err.text);
	return claims;
}

static void write_b64(const char *name, const char *text)
{
	auto_buf struct buf bytes = BUF_MAX(4096);
	auto_free char *path = xasprintf("%s/%s", tpm.folder, name);

	assert_int_equal(b64_decode(span_of(text), &bytes, NULL), 0);
	assert_int_equal(fs_write_atomic(path, buf_span(&bytes), 0600, NULL), 0);
}

static void makes_evidence_that_our_verifier_and_the_standard_tool_take(void **state)
{
	auto_buf struct buf data = BUF_MAX(64), key = BUF_MAX(4096);
	auto_json json_t *evidence = evidence_of(tpm.tcti, nonce(&data));
	auto_json json_t *claims = claims_of(evidence, buf_span(&data), SPAN_NONE);
	auto_free char *path = xasprintf("%s/ak.b64", tpm.folder);

	(void)state;
	assert_int_equal(fs_read(path, &key, NULL), 0);
	assert_string_equal(json_text_at(evidence, "ak_public", NULL), buf_text(&key));
	assert_string_equal(json_text_at(claims, "ak_public", NULL), buf_text(&key));
	assert_int_equal(strlen(json_text_at(claims, "report_data", NULL)), 64);
	assert_memory_equal(json_text_at(claims, "report_data", NULL), NONCE, 64);
	assert_string_equal(json_text_at(claims, "init_data", NULL), json_text_at(claims, "pcr08", NULL));
	assert_int_equal(json_object_size(claims), 24 + 3);
	write_b64("message", json_text_at(evidence, "tpm_quote", "message", NULL));
	write_b64("signature", json_text_at(evidence, "tpm_quote", "signature", NULL));
	free(swtpm_shell(&tpm,
			"cd \"$1\"; tpm2_checkquote -Q -u ak.pem -m message -s signature -g sha256 "
			"-q f3764e5383aaa68bebcedee375459db414232ea0f79f083adc40975b443e0e4a; "
			"! tpm2_checkquote -Q -u ak.pem -m message -s signature -g sha256 -q 00 2>&1"));
}

static json_t *evidence_of_files(void)
{
	auto_free char *text = swtpm_shell(&tpm,
			"cd \"$1\"; export TPM2TOOLS_TCTI=$2; tpm2_quote -Q -c $swtpm_ak -g sha256 "
			"-l sha256:all -q \"$(printf '%064d' 7)\" -m m -s s >&2; tpm2_pcrread -Q -o p "
			"sha256:all; "
			"printf '{\"tpm_quote\":{\"message\":\"%s\",\"signature\":\"%s\",\"pcrs\":[' "
			"\"$(base64 -w0 m)\" \"$(base64 -w0 s)\"; "
			"od -An -v -tx1 -w32 p | tr -d ' ' | sed 's/.*/\"&\"/' | paste -sd,; "
			"printf ']},\"ak_public\":\"%s\"}' \"$(cat ak.b64)\"");
	json_t *evidence = json_loads(text, 0, NULL);

	assert_non_null(evidence);
	return evidence;
}

static void takes_a_quote_of_the_standard_tool(void **state)
{
	unsigned char expected[32] = { [31] = 7 };
	auto_json json_t *evidence = evidence_of_files();
	auto_json json_t *claims = claims_of(evidence, span_new(expected, sizeof(expected)), SPAN_NONE);
	assert_string_equal(json_text_at(claims, "report_data", NULL) + 62, "07");
	json_t *refused = NULL;
	struct err err = ERR_NONE;

	(void)state;
	expected[31] = 8;
	assert_int_equal(evidence_verify(TEE_KIND_TPM, evidence, span_new(expected, sizeof(expected)),
					 SPAN_NONE, &refused, &err),
			-1);
	assert_int_equal(err.kind, ERR_AUTH);
}

static void fits_report_data_of_any_length(void **state)
{
	static const char zeros[64] = { 0 };
	static const size_t lengths[] = { 0, 1, 31, 32, 33, 48, 64 };

	(void)state;
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		auto_json json_t *evidence = evidence_of(tpm.tcti, span_new(zeros, lengths[i]));
		auto_json json_t *claims = claims_of(evidence, span_new(zeros, 64), SPAN_NONE);
		assert_string_equal(json_text_at(claims, "report_data", NULL),
				"0000000000000000000000000000000000000000000000000000000000000000");
	}
}

static void compares_initdata_with_pcr_8(void **state)
{
	struct swtpm own;
	unsigned char digest[DIGEST_MAX] = { 0 };
	struct err err = ERR_NONE;
	bool bound = false;

	(void)state;
	swtpm_init(&own, "swtpm_start \"$1\"");
	assert_int_equal(hex_decode_raw(SPAN_LIT(INITDATA), digest, 32, NULL), 0);
	{
		auto_attester struct attester *attester = attester_of(own.tcti);
		assert_int_equal(attester_check_initdata(attester, DIGEST_SHA256, digest, &bound, &err), -1);
		assert_int_equal(err.kind, ERR_AUTH);
		assert_false(bound);
		assert_int_equal(register_extend(attester, 8, digest, &err), 0);
		assert_int_equal(attester_check_initdata(attester, DIGEST_SHA256, digest, &bound, &err), 0);
		assert_true(bound);
		assert_int_equal(attester_check_initdata(attester, DIGEST_SHA384, digest, &bound, &err), -1);
		assert_int_equal(err.kind, ERR_USAGE);
	}
	auto_json json_t *evidence = evidence_of(own.tcti, SPAN_LIT("x"));
	auto_json json_t *claims = claims_of(evidence, SPAN_LIT("x"), span_new(digest, 32));
	assert_string_equal(json_text_at(claims, "init_data", NULL),
			"37d7456df43f441ba82ad495d9ec19790eca31daea26b4fc2bc158565d9bbf99");
	for (size_t i = 0; i < 32; i++) {
		auto_attester struct attester *attester = attester_of(own.tcti);
		json_t *refused = NULL;
		digest[i] ^= 1;
		assert_int_equal(attester_check_initdata(attester, DIGEST_SHA256, digest, &bound, &err), -1);
		assert_int_equal(err.kind, ERR_AUTH);
		assert_int_equal(evidence_verify(TEE_KIND_TPM, evidence, SPAN_LIT("x"), span_new(digest, 32),
						 &refused, &err),
				-1);
		assert_int_equal(err.kind, ERR_AUTH);
		digest[i] ^= 1;
	}
	swtpm_clear(&own);
}

static void extends_and_reads_pcrs(void **state)
{
	auto_attester struct attester *attester = attester_of(tpm.tcti);
	unsigned char value[DIGEST_MAX], joined[64] = { 0 }, expected[DIGEST_MAX];
	enum digest_alg alg = DIGEST_SHA512;
	struct err err = ERR_NONE;

	(void)state;
	assert_true(attester_measures(attester, &alg));
	assert_int_equal(alg, DIGEST_SHA256);
	assert_int_equal(attester_register(attester, 17), 17);
	memset(joined + 32, 'd', 32);
	digest_bytes(DIGEST_SHA256, span_new(joined, 64), expected);
	assert_int_equal(register_extend(attester, 11, joined + 32, NULL), 0);
	assert_int_equal(register_read(attester, 11, value, NULL), 0);
	assert_memory_equal(value, expected, 32);
	assert_int_equal(register_extend(attester, 24, joined, &err), -1);
	assert_int_equal(err.kind, ERR_FORMAT);
	assert_int_equal(register_read(attester, 24, value, &err), -1);
	/* locality 0 may not extend PCR 17 */
	assert_int_equal(register_extend(attester, 17, joined, &err), -1);
	assert_int_equal(err.kind, ERR_DENIED);
	assert_non_null(strstr(err.text, "PCR 17 cannot be extended from here"));
	assert_non_null(strstr(err.text, "init_pcr"));
}

static void quotes_again_when_pcrs_changed_meanwhile(void **state)
{
	auto_attester struct attester *attester = attester_of(tpm.tcti);
	json_t *none = NULL;
	struct err err = ERR_NONE;

	(void)state;
	changes = 4;
	auto_json json_t *evidence = evidence_of(tpm.tcti, SPAN_LIT("x"));
	auto_json json_t *claims = claims_of(evidence, SPAN_LIT("x"), SPAN_NONE);
	assert_string_not_equal(json_text_at(claims, "pcr16", NULL), json_text_at(claims, "pcr23", NULL));
	changes = 5;
	assert_int_equal(attester_evidence(attester, SPAN_LIT("x"), &none, &err), -1);
	assert_int_equal(err.kind, ERR_RETRY);
	assert_null(none);
	assert_int_equal(changes, 0);
}

/* ---- threads and devices -------------------------------------------------------------------------------- */

static void *attest_often(void *ctx)
{
	unsigned char digest[DIGEST_MAX] = { 1 };

	for (int i = 0; i < 5; i++) {
		json_t *evidence = NULL, *claims = NULL;
		if (attester_evidence(ctx, SPAN_LIT("x"), &evidence, NULL) < 0 ||
				evidence_verify(TEE_KIND_TPM, evidence, SPAN_LIT("x"), SPAN_NONE, &claims,
						NULL) < 0 ||
				register_extend(ctx, 16, digest, NULL) < 0)
			abort();
		json_decref(evidence);
		json_decref(claims);
	}
	return NULL;
}

static void serves_several_threads(void **state)
{
	auto_attester struct attester *attester = attester_of(tpm.tcti);
	pthread_t threads[4];

	(void)state;
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, attest_often, attester), 0);
	for (size_t i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
}

/* A raw terminal carries a TPM's bytes as the kernel's device does. */
static int open_terminal(char *name, size_t cap, int *slave)
{
	struct termios raw;
	int master = posix_openpt(O_RDWR | O_NOCTTY);

	assert_true(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0);
	assert_int_equal(ptsname_r(master, name, cap), 0);
	*slave = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
	assert_int_equal(tcgetattr(*slave, &raw), 0);
	cfmakeraw(&raw);
	assert_int_equal(tcsetattr(*slave, TCSANOW, &raw), 0);
	return master;
}

static void speaks_to_a_device(void **state)
{
	struct swtpm own;
	char name[64], fd[16];
	int slave;

	(void)state;
	swtpm_init(&own, "swtpm_start \"$1\"; swtpm_stop \"$1\"");
	auto_free char *state_folder = xasprintf("dir=%s", own.folder);
	auto_fd int master = open_terminal(name, sizeof(name), &slave);
	snprintf(fd, sizeof(fd), "%d", master);
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		execlp("swtpm", "swtpm", "chardev", "--tpm2", "--fd", fd, "--tpmstate", state_folder,
				"--flags", "not-need-init,startup-clear", (char *)NULL);
		_exit(127);
	}
	auto_free char *device = xasprintf("device:%s", name);
	const char *const forms[] = { name, device };
	for (size_t i = 0; i < 2; i++) {
		auto_json json_t *evidence = evidence_of(forms[i], SPAN_LIT("x"));
		auto_json json_t *claims = claims_of(evidence, SPAN_LIT("x"), SPAN_NONE);
		assert_non_null(claims);
	}
	kill(child, SIGTERM);
	waitpid(child, NULL, 0);
	close(slave);
	swtpm_clear(&own);
}

/* ---- what is there -------------------------------------------------------------------------------------- */

static void says_what_is_missing(void **state)
{
	auto_free char *nothing = xasprintf("swtpm:path=%s/nothing", tpm.folder);
	const struct {
		struct attester_options options;
		enum err_kind kind;
	} cases[] = {
		{ { .kind = "tpm", .tpm = "/dev/there-is-none" }, ERR_NOT_FOUND },
		{ { .kind = "tpm", .tpm = "device:/dev/there-is-none" }, ERR_NOT_FOUND },
		{ { .kind = "tpm", .tpm = tpm.tcti, .ak_handle = 0x81010009 }, ERR_NOT_FOUND },
		{ { .kind = "tpm", .tpm = nothing }, ERR_IO },
		{ { .kind = "tpm", .tpm = "no-such-tcti:x" }, ERR_IO },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct attester *attester = NULL;
		struct err err = ERR_NONE;
		assert_int_equal(attester_open(&cases[i].options, &attester, &err), -1);
		if (err.kind != cases[i].kind)
			fail_msg("%zu: %s", i, err.text);
	}
}

static void detects_a_tpm_with_a_key_and_else_a_sample(void **state)
{
	const struct {
		struct attester_options options;
		enum tee_kind kind;
	} cases[] = {
		{ { .tpm = tpm.tcti, .tsm = "/nowhere" }, TEE_KIND_TPM },
		{ { .tpm = tpm.tcti, .tsm = "/nowhere", .ak_handle = 0x81010009 }, TEE_KIND_SAMPLE },
		{ { .tpm = "/dev/there-is-none", .tsm = "/nowhere" }, TEE_KIND_SAMPLE },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		auto_attester struct attester *attester = NULL;
		struct err err = ERR_NONE;
		if (attester_open(&cases[i].options, &attester, &err) < 0)
			fail_msg("%s", err.text);
		assert_int_equal(attester_kind(attester), cases[i].kind);
	}
}

static int start(void **state)
{
	(void)state;
	setenv("TSS2_LOG", "all+none", 1);
	swtpm_init(&tpm, "swtpm_start \"$1\"");
	return 0;
}

static int stop(void **state)
{
	(void)state;
	swtpm_clear(&tpm);
	return 0;
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(makes_evidence_that_our_verifier_and_the_standard_tool_take),
		cmocka_unit_test(takes_a_quote_of_the_standard_tool),
		cmocka_unit_test(fits_report_data_of_any_length),
		cmocka_unit_test(compares_initdata_with_pcr_8),
		cmocka_unit_test(extends_and_reads_pcrs),
		cmocka_unit_test(quotes_again_when_pcrs_changed_meanwhile),
		cmocka_unit_test(serves_several_threads),
		cmocka_unit_test(speaks_to_a_device),
		cmocka_unit_test(says_what_is_missing),
		cmocka_unit_test(detects_a_tpm_with_a_key_and_else_a_sample),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
