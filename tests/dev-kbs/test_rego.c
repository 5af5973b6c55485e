/* SPDX-License-Identifier: Apache-2.0 */
/* Policies by the real opa; and our own attestation policy, which must say the same in Rego and in C. */
#include "codec/json.h"
#include "e2e/kbs/appraisal.h"
#include "e2e/kbs/appraisal_native.h"
#include "e2e/kbs/references.h"
#include "e2e/kbs/rego.h"
#include "e2e/kbs/store.h"
#include "tests/dev-kbs/stage.h"

#include <dirent.h>
#include <signal.h>

static json_t *json_of(const char *text)
{
	struct err err = ERR_NONE;
	json_t *value = NULL;

	if (json_read(span_of(text), 65536, &value, &err) < 0)
		fail_msg("%s: %s", text, err.text);
	return value;
}

static struct rego *open_policy(enum rego_kind kind, const char *text)
{
	struct err err = ERR_NONE;
	struct rego *rego = NULL;

	if (rego_open(stage_opa(), kind, span_of(text), &rego, &err) < 0)
		fail_msg("%s: %s", text, err.text);
	return rego;
}

static char *answer(struct rego *rego, const char *facts)
{
	auto_json json_t *question = json_of(facts), *answers = NULL;
	struct err err = ERR_NONE;

	if (rego_answer(rego, question, &answers, &err) < 0)
		return xstrdup(err.text);
	return json_text(answers, true);
}

static void answers_are(struct rego *rego, const char *facts, const char *expected)
{
	auto_free char *text = answer(rego, facts);

	assert_string_equal(text, expected);
}

#define FACTS(input, path) \
	"{\"input\":" input ",\"plugin\":\"resource\",\"path\":" path ",\"query\":{\"x\":\"1\"}}"

static void a_policy_sees_what_the_real_service_shows_it(void **state)
{
	static const char text[] =
			"package policy\nimport rego.v1\ndefault allow := false\nallow if {\n"
			"\tdata.plugin == \"resource\"\n\tdata[\"resource-path\"] == [\"a\", \"b\", \"c\"]\n"
			"\tdata.query.x == \"1\"\n\tinput.claim == 1\n}\n";
	struct rego *rego = open_policy(REGO_RESOURCES, text);

	(void)state;
	answers_are(rego, FACTS("{\"claim\":1}", "[\"a\",\"b\",\"c\"]"), "{\"allow\":true}");
	answers_are(rego, FACTS("{\"claim\":2}", "[\"a\",\"b\",\"c\"]"), "{\"allow\":false}");
	answers_are(rego, FACTS("{\"claim\":1}", "[\"a\",\"b\"]"), "{\"allow\":false}");
	/* nothing of a question is there in the next */
	answers_are(rego, "{\"input\":{},\"plugin\":\"x\",\"path\":[],\"query\":{}}", "{\"allow\":false}");
	rego_free(rego);
}

static void two_policies_know_nothing_of_each_other(void **state)
{
	struct rego *yes = open_policy(REGO_RESOURCES, "package policy\nallow := true\n");
	struct rego *no = open_policy(REGO_RESOURCES, "package policy\nx := 1\n");

	(void)state;
	answers_are(yes, FACTS("{}", "[]"), "{\"allow\":true}");
	answers_are(no, FACTS("{}", "[]"), "{}");
	rego_free(yes);
	rego_free(no);
}

static void reference_values_are_asked_for_by_name(void **state)
{
	static const char text[] =
			"package policy\ntrust_claims := {\"hardware\": 2} if input.svn in "
			"query_reference_value(\"svn\")\nextensions := [{\"name\": \"n\", \"key\": 1, "
			"\"value\": query_reference_value(\"none\")}]\n";
	struct rego *rego = open_policy(REGO_EVIDENCE, text);

	(void)state;
	answers_are(rego, "{\"input\":{\"svn\":\"1\"},\"references\":{\"svn\":[\"1\"]}}",
			"{\"extensions\":[{\"key\":1,\"name\":\"n\",\"value\":null}],\"trust_claims\":{"
			"\"hardware\":2}}");
	answers_are(rego, "{\"input\":{\"svn\":\"2\"},\"references\":{\"svn\":[\"1\"]}}",
			"{\"extensions\":[{\"key\":1,\"name\":\"n\",\"value\":null}]}");
	rego_free(rego);
}

static void refuses_what_does_not_compile_and_says_where(void **state)
{
	static const struct {
		const char *text, *why;
		enum err_kind kind;
	} table[] = {
		{ "package policy\nallow = {", "line 2", ERR_FORMAT },
		{ "package policy\nallow { input.x }", "line 2", ERR_FORMAT },
		{ "package policy\nallow := nosuch(1)\n", "nosuch", ERR_FORMAT },
		{ "", "", ERR_FORMAT },
		{ "package policy\nallow if http.send({\"method\":\"get\",\"url\":\"http://x\"}).status_code "
		  "== 200\n",
				"http.send", ERR_DENIED },
		{ "package policy\nallow if {\n\tx := [y | y := opa.runtime().env[_]]\n\tcount(x) > 0\n}\n",
				"opa.runtime", ERR_DENIED },
		{ "package policy\nallow if count(net.lookup_ip_addr(\"x\")) > 0\n", "net.lookup_ip_addr",
				ERR_DENIED },
		{ "package policy\nallow if { true } else := http.send({}) if { input.x }\n", "http.send",
				ERR_DENIED },
		{ "package policy\nallow := \"\xff\"\n", "no text", ERR_FORMAT },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct rego *rego = NULL;
		struct err err = ERR_NONE;
		if (rego_open(stage_opa(), REGO_RESOURCES, span_of(table[i].text), &rego, &err) == 0)
			fail_msg("taken: %s", table[i].text);
		if (err.kind != table[i].kind || !strstr(err.text, table[i].why))
			fail_msg("%s: %s", table[i].text, err.text);
	}
}

static void a_conflict_of_rules_is_no_verdict(void **state)
{
	struct rego *rego = open_policy(
			REGO_RESOURCES, "package policy\nallow := true\nallow := false if input.x\n");

	(void)state;
	answers_are(rego, FACTS("{}", "[]"), "{\"allow\":true}");
	auto_free char *text = answer(rego, FACTS("{\"x\":1}", "[]"));
	assert_non_null(strstr(text, "evaluating the policy"));
	rego_free(rego);
}

static void there_must_be_an_opa(void **state)
{
	static const char *const programs[] = { "/nonexistent/opa", "/bin/true", "/bin/false" };

	(void)state;
	for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++) {
		struct rego *rego = NULL;
		struct err err = ERR_NONE;
		assert_int_equal(rego_open(programs[i], REGO_RESOURCES, SPAN_LIT("package policy\n"), &rego,
						 &err),
				-1);
		assert_int_equal(err.kind, ERR_NOT_FOUND);
	}
}

/* The parent of a process that has not ended; 0: there is none. */
static long parent_of(long pid)
{
	auto_free char *path = xasprintf("/proc/%ld/stat", pid);
	auto_buf struct buf text = BUF_MAX(4096);

	if (fs_read(path, &text, NULL) < 0)
		return 0;
	/* "PID (NAME) STATE PARENT …", and a name may hold anything */
	const char *state = strrchr(buf_text(&text), ')');
	return state && state[2] != 'Z' ? strtol(state + 3, NULL, 10) : 0;
}

/* Sends the signal to the processes whose parent we are, and returns how many they are. */
static size_t kill_children(int signal)
{
	DIR *folder = opendir("/proc");
	const struct dirent *entry;
	size_t count = 0;

	while ((entry = readdir(folder))) {
		long pid = strtol(entry->d_name, NULL, 10);
		if (pid > 0 && parent_of(pid) == getpid())
			count += kill((pid_t)pid, signal) == 0;
	}
	closedir(folder);
	return count;
}

static void starts_opa_anew_where_it_has_ended(void **state)
{
	struct rego *rego = open_policy(REGO_RESOURCES, "package policy\nallow := true\n");

	(void)state;
	assert_int_equal(kill_children(SIGKILL), 1);
	/* until it has gone */
	while (kill_children(0))
		;
	answers_are(rego, FACTS("{}", "[]"), "{\"allow\":true}");
	rego_free(rego);
	assert_int_equal(kill_children(0), 0);
}

/* ---- our own policy, twice ---- */

#define SAMPLE                                                                                         \
	"{\"sample\":{\"svn\":\"1\",\"launch_digest\":\"abcde\",\"debug\":false,\"platform_version\":" \
	"{\"major\":1,\"minor\":4}}}"
#define TPM  "{\"tpm\":{\"pcr11\":\"00\",\"ak_public\":\"AK\"}}"
#define GOOD "{\"svn\":[\"1\"],\"launch_digest\":[\"abcde\"],\"major_version\":1,\"minimum_minor_version\":4}"
#define POLICY(containers)                                                            \
	"{\"sample\":{\"svn\":\"1\"},\"init_data_claims\":{\"agent_policy_claims\":{" \
	"\"containers\":" containers "}}}"

static void says_the_same(struct rego *rego, const char *class, const char *evidence, const char *references)
{
	auto_json json_t *one = json_of(evidence), *two = json_of(references);
	auto_json json_t *native = appraisal_native(class, one, two);
	auto_free char *ours = json_text(native, true);
	auto_free char *facts = xasprintf("{\"input\":%s,\"references\":%s}", evidence, references);
	auto_free char *theirs = answer(rego, facts);

	if (strcmp(ours, theirs) != 0)
		fail_msg("%s by %s: %s in C, %s in Rego", evidence, references, ours, theirs);
}

static void our_policy_says_the_same_in_rego_and_in_c(void **state)
{
	static const char *const evidence[] = { SAMPLE, TPM, "{}", "{\"sample\":{}}", "{\"tpm\":{}}",
		"{\"sample\":{\"debug\":true,\"svn\":\"2\"}}", "{\"snp\":{\"measurement\":\"x\"}}",
		"{\"sample\":{\"debug\":null,\"svn\":1,\"platform_version\":{\"major\":1,\"minor\":5}}}",
		"{\"sample\":{\"svn\":\"1\",\"platform_version\":{\"major\":1,\"minor\":3}}}",
		"{\"sample\":{\"svn\":\"1\",\"platform_version\":{\"major\":2,\"minor\":4}}}", POLICY("[]"),
		POLICY("[{\"OCI\":{\"Annotations\":{\"io.kubernetes.cri.image-name\":\"b\"},\"Process\":{"
		       "\"User\":"
		       "{\"UID\":7}}}},{\"OCI\":{\"Annotations\":{\"io.kubernetes.cri.image-name\":\"a\"}}},{"
		       "}]"),
		POLICY("[{\"OCI\":{\"Process\":{\"User\":{\"UID\":0}}}}]"),
		"{\"sampledevice\":{\"svn\":\"2\"}}",
		"{\"init_data_claims\":null,\"tpm\":{\"pcr11\":\"00\"}}" };
	static const char *const references[] = { "{}", GOOD,
		"{\"tpm_pcr11\":[\"00\"],\"trusted_aks\":[\"AK\"]}",
		"{\"tpm_pcr11\":[\"00\"],\"trusted_aks\":[\"BK\"]}", "{\"svn\":\"1\",\"major_version\":[1]}",
		"{\"svn\":[\"1\"],\"major_version\":1}",
		"{\"svn\":[\"1\",1],\"major_version\":1,\"minimum_minor_version\":\"4\"}",
		"{\"svn\":{\"a\":\"1\"},\"major_version\":1,\"minimum_minor_version\":5}" };
	static const char *const classes[] = { "cpu", "gpu" };

	(void)state;
	for (size_t c = 0; c < 2; c++) {
		struct rego *rego = open_policy(REGO_EVIDENCE, appraisal_text(classes[c]));
		for (size_t i = 0; i < sizeof(evidence) / sizeof(evidence[0]); i++)
			for (size_t k = 0; k < sizeof(references) / sizeof(references[0]); k++)
				says_the_same(rego, classes[c], evidence[i], references[k]);
		rego_free(rego);
	}
}

static void answers_that_no_token_can_carry_are_refused(void **state)
{
	static const struct {
		const char *rule, *status; /* NULL: refused */
	} table[] = {
		{ "trust_claims := {\"hardware\": 2}", "affirming" },
		{ "trust_claims := {\"hardware\": 31, \"executables\": -32}", "affirming" },
		{ "trust_claims := {\"hardware\": 32}", "warning" },
		{ "trust_claims := {\"hardware\": -33}", "warning" },
		{ "trust_claims := {\"hardware\": 95, \"configuration\": -96}", "warning" },
		{ "trust_claims := {\"hardware\": 96}", "contraindicated" },
		{ "trust_claims := {\"hardware\": -97}", "contraindicated" },
		{ "trust_claims := {\"hardware\": 1, \"executables\": -1, \"configuration\": 0}", "none" },
		{ "trust_claims := {}", "none" },
		{ "x := 1", "none" },
		{ "trust_claims := {\"hardware\": 128}", NULL },
		{ "trust_claims := {\"hardware\": \"2\"}", NULL },
		{ "trust_claims := {\"hardwear\": 2}", NULL },
		{ "trust_claims := [2]", NULL },
		{ "extensions := {}", NULL },
		{ "extensions := [{\"name\": \"a\"}]", NULL },
		{ "extensions := [{\"name\": \"ear.status\", \"key\": 1, \"value\": 1}]", NULL },
	};
	struct stage stage;
	struct store *store = NULL;
	struct references *references = NULL;
	struct appraiser *appraiser = NULL;

	(void)state;
	stage_init(&stage);
	assert_int_equal(store_open(NULL, &store, NULL), 0);
	assert_int_equal(references_open(store, &stage.clock, &references, NULL), 0);
	assert_int_equal(appraiser_open(stage_opa(), store, references, &appraiser, NULL), 0);
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		auto_free char *text = xasprintf("package policy\n%s\n", table[i].rule);
		auto_json json_t *evidence = json_of(SAMPLE), *submod = NULL;
		assert_int_equal(appraiser_set(appraiser, "default_cpu", span_of(text), NULL), 0);
		int status = appraise(appraiser, "cpu", evidence, &submod, NULL);
		if (status != (table[i].status ? 0 : -1))
			fail_msg("%s: %d", table[i].rule, status);
		if (!status)
			assert_string_equal(json_text_at(submod, "ear.status", NULL), table[i].status);
	}
	appraiser_free(appraiser);
	references_free(references);
	store_free(store);
	stage_close(&stage);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_policy_sees_what_the_real_service_shows_it),
		cmocka_unit_test(two_policies_know_nothing_of_each_other),
		cmocka_unit_test(reference_values_are_asked_for_by_name),
		cmocka_unit_test(refuses_what_does_not_compile_and_says_where),
		cmocka_unit_test(a_conflict_of_rules_is_no_verdict),
		cmocka_unit_test(there_must_be_an_opa),
		cmocka_unit_test(starts_opa_anew_where_it_has_ended),
		cmocka_unit_test(our_policy_says_the_same_in_rego_and_in_c),
		cmocka_unit_test(answers_that_no_token_can_carry_are_refused),
	};

	return cmocka_run_group_tests(tests, stage_prepare, NULL);
}
