/* SPDX-License-Identifier: Apache-2.0 */
#include "agentpolicy/generate_own.h"

#include "tests/agentpolicy/process_rig.h"

#define PATH "\"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\""
#define HOST "\"HOSTNAME=$(host-name)\""
#define BASE PATH "," HOST
#define AT   "spec.containers[0]"
#define MAP \
	"{\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"m\"},\"data\":{\"B\":\"$(A)\",\"A\":\"a=1\\n\"}}"
#define ENV(...)          "{\"env\": [" __VA_ARGS__ "]}"
#define IS(name, value)   "{\"name\":\"" name "\",\"value\":\"" value "\"}"
#define FIELD(name, path) "{\"name\":\"" name "\",\"valueFrom\":{\"fieldRef\":{\"fieldPath\":\"" path "\"}}}"
#define KEY(name, kind, source, key, more)                                                                 \
	"{\"name\":\"" name "\",\"valueFrom\":{\"" kind "KeyRef\":{\"name\":\"" source "\",\"key\":\"" key \
	"\"" more "}}}"
#define FROM(kind, source, more) "{\"envFrom\":[{\"" kind "Ref\":{\"name\":\"" source "\"" more "}}]}"
#define OPTIONAL                 ",\"optional\":true"
#define SECRET(data)             "[{\"kind\":\"Secret\",\"metadata\":{\"name\":\"s\"}," data "}]"

struct env_case {
	const char *name;
	struct rig_case rig;
	const char *list, *any, *regex, *note;
};

static void run(const struct env_case *c)
{
	auto_process_rig struct process_rig p;
	auto_env struct env env = { NULL, NULL };
	auto_json json_t *list = json_array(), *any = json_array(), *regex = json_array();

	process_rig_open(&p, &c->rig);
	env_read(&p.rig.part, &env);
	env_write(&p.rig.part, &env, list, any, regex);
	rig_assert_json(c->name, list, c->list);
	rig_assert_json(c->name, any, c->any ? c->any : "[]");
	rig_assert_json(c->name, regex, c->regex ? c->regex : "[]");
	rig_assert_note(&p.rig, c->name, c->note ? c->note : "");
}

static void the_image_gives_variables(void **state)
{
	(void)state;
	static const struct env_case cases[] = {
		{ "none", { 0 }, "[" BASE "]", NULL, NULL, NULL },
		{ "the sandbox has a PATH alone", { .container = "" }, "[" PATH "]", NULL, NULL, NULL },
		{ "a PATH of its own", { .image_env = { "PATH=/bin", "A=1" } },
				"[\"PATH=/bin\"," HOST ",\"A=1\"]", NULL, NULL, NULL },
		{ "no PATH", { .image_env = { "A=1" } }, "[" BASE ",\"A=1\"]", NULL, NULL, NULL },
		{ "a value with =", { .image_env = { "OPTS=-Da=b" } }, "[" BASE ",\"OPTS=-Da=b\"]", NULL,
				NULL, NULL },
		{ "a name twice", { .image_env = { "A=1", "A=2" } }, "[" BASE ",\"A=2\"]", NULL, NULL, NULL },
		{ "a name alone takes it away", { .image_env = { "A=1", "A" } }, "[" BASE "]", NULL, NULL,
				NULL },
		{ "its references stay", { .image_env = { "A=1", "B=$(A)" } },
				"[" BASE ",\"A=1\",\"B=$(A)\"]", NULL, NULL, NULL },
		{ "overridden by the manifest",
				{ .image_env = { "A=1", "B=2" }, .container = ENV(IS("A", "3")) },
				"[" BASE ",\"B=2\",\"A=3\"]", NULL, NULL, NULL },
		{ "its HOSTNAME is kept", { .image_env = { "HOSTNAME=x" } }, "[" PATH ",\"HOSTNAME=x\"]",
				NULL, NULL, NULL },
		{ "a control character", { .image_env = { "A=\001(pod-ip)" } }, "[" BASE "]", NULL, NULL,
				"error " AT ".image: U+0001" },
		{ "a placeholder", { .image_env = { "A=$(pod-ip)" } }, "[" BASE "]", NULL, NULL,
				"error " AT ".env 'A': $(pod-ip)" },
	};

	for (size_t i = 0; i < COUNT(cases); i++)
		run(&cases[i]);
}

static void the_runtime_gives_variables(void **state)
{
	(void)state;
	static const struct env_case cases[] = {
		{ "a terminal", { .container = "{\"tty\":true}" }, "[" PATH ",\"TERM=xterm\"," HOST "]", NULL,
				NULL, NULL },
		{ "a host name that is written", { .spec = "{\"hostname\":\"db\"}" },
				"[" PATH ",\"HOSTNAME=db\"]", NULL, NULL, NULL },
		{ "the node's", { .spec = "{\"hostname\":\"db\",\"hostNetwork\":true}" }, "[" BASE "]", NULL,
				NULL, NULL },
		{ "a long one", { .spec = "{\"hostname\":\"db\",\"setHostnameAsFQDN\":true}" }, "[" BASE "]",
				NULL, NULL, NULL },
		{ "of the settings",
				{ .patch = "[{\"op\":\"add\",\"path\":\"/other_container/Process\",\"value\":"
					   "{\"Env\":[\"PATH=/x\",\"PROXY=p\"]}}]" },
				"[" BASE ",\"PROXY=p\"]", NULL, NULL, NULL },
	};

	for (size_t i = 0; i < COUNT(cases); i++)
		run(&cases[i]);
}

static void references_are_replaced_as_the_kubelet_does(void **state)
{
	(void)state;
	static const struct {
		const char *name, *env, *list;
	} more[] = {
		{ "one before", IS("A", "1") "," IS("B", "<$(A)>"), "\"A=1\",\"B=<1>\"" },
		{ "one behind", IS("B", "$(A)") "," IS("A", "1"), "\"B=$(A)\",\"A=1\"" },
		{ "itself", IS("A", "$(A)"), "\"A=$(A)\"" },
		{ "once, not again", IS("A", "$$(C)") "," IS("C", "x") "," IS("B", "$(A)"),
				"\"A=$(C)\",\"C=x\",\"B=$(C)\"" },
		{ "a value with =", IS("A", "k=v") "," IS("B", "$(A)"), "\"A=k=v\",\"B=k=v\"" },
		{ "dollars", IS("A", "$$ $$$$ $ $x $( $"), "\"A=$ $$ $ $x $( $\"" },
		{ "an unclosed one", IS("A", "1") "," IS("B", "$(A"), "\"A=1\",\"B=$(A\"" },
		{ "an empty name", IS("B", "$()"), "\"B=$()\"" },
		{ "unknown", IS("B", "$(NO)"), "\"B=$(NO)\"" },
		{ "of the image", IS("B", "$(IMG)"), "\"B=$(IMG)\"" },
		{ "twice the same name", IS("A", "1") "," IS("B", "$(A)") "," IS("A", "2"),
				"\"A=2\",\"B=1\"" },
		{ "empty", IS("A", ""), "\"A=\"" },
		{ "a field", FIELD("IP", "status.podIP") "," IS("U", "http://$(IP):80/$$"),
				"\"IP=$(pod-ip)\",\"U=http://$(pod-ip):80/$\"" },
		{ "neither value nor source", "{\"name\":\"A\"}", "\"A=\"" },
	};

	for (size_t i = 0; i < COUNT(more); i++) {
		auto_free char *container = xasprintf("{\"env\":[%s]}", more[i].env);
		auto_free char *list = xasprintf("[" BASE ",\"IMG=i\",%s]", more[i].list);
		struct env_case c = { more[i].name, { .container = container, .image_env = { "IMG=i" } },
			list, NULL, NULL, NULL };

		run(&c);
	}
}

static void fields_are_known_or_patterns(void **state)
{
	(void)state;
	static const struct {
		const char *path, *entry, *any, *regex, *note;
	} cases[] = {
		{ "metadata.name", "X=$(sandbox-name)", NULL, NULL, NULL },
		{ "metadata.namespace", "X=shop", NULL, NULL, NULL },
		{ "metadata.uid", "X=$(pod-uid)", NULL, NULL, NULL },
		{ "spec.nodeName", "X=$(node-name)", NULL, NULL, NULL },
		{ "spec.serviceAccountName", "X=robot", NULL, NULL, NULL },
		{ "status.hostIP", "X=$(host-ip)", NULL, NULL, NULL },
		{ "status.hostIPs", "X=$(host-ips)", NULL, NULL, NULL },
		{ "status.podIP", "X=$(pod-ip)", NULL, NULL, NULL },
		{ "status.podIPs", "X=$(pod-ips)", NULL, NULL, NULL },
		{ "metadata.labels['tier']", "X=back=end", NULL, NULL, NULL },
		{ "metadata.annotations['example.org/a']", "X=one", NULL, NULL, NULL },
		{ "metadata.labels['apps.kubernetes.io/pod-index']", NULL, NULL, "^X=[0-9]+$", NULL },
		{ "metadata.annotations['batch.kubernetes.io/job-completion-index']", NULL, NULL,
				"^X=[0-9]+$", NULL },
		{ "metadata.labels['statefulset.kubernetes.io/pod-name']", "X=$(sandbox-name)", NULL, NULL,
				NULL },
		{ "metadata.labels['other']", NULL, "X", NULL, "warning " AT ".env[0]: 'other'" },
		{ "metadata.annotations['other']", NULL, "X", NULL, "warning " AT ".env[0]: 'other'" },
		{ "metadata.labels", NULL, NULL, NULL, "error " AT ".env[0]: 'metadata.labels'" },
		{ "metadata.labels['']x", NULL, NULL, NULL, "error " AT ".env[0]: nothing is known" },
		{ "status.phase", NULL, NULL, NULL, "error " AT ".env[0]: 'status.phase'" },
		{ "", NULL, NULL, NULL, "error " AT ".env[0]: nothing is known" },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		auto_free char *container = xasprintf(ENV(FIELD("X", "%s")), cases[i].path);
		auto_free char *list = xasprintf("[" BASE "%s%s%s]", cases[i].entry ? ",\"" : "",
				cases[i].entry ? cases[i].entry : "", cases[i].entry ? "\"" : "");
		auto_free char *any = cases[i].any ? xasprintf("[\"%s\"]", cases[i].any) : NULL;
		auto_free char *regex = cases[i].regex ? xasprintf("[\"%s\"]", cases[i].regex) : NULL;
		struct env_case c = { cases[i].path,
			{ .spec = "{\"serviceAccountName\":\"robot\"}",
					.container = container,
					.namespace = "shop",
					.tree = "{\"labels\":{\"tier\":\"back=end\"},\"annotations\":{"
						"\"example.org/a\":\"one\"}}" },
			list, any, regex, cases[i].note };

		run(&c);
	}
}

static void fields_have_defaults(void **state)
{
	(void)state;
	static const struct env_case cases[] = {
		{ "any namespace", { .container = ENV(FIELD("X", "metadata.namespace")) },
				"[" BASE ",\"X=$(sandbox-namespace)\"]", NULL, NULL, NULL },
		{ "the default account", { .container = ENV(FIELD("X", "spec.serviceAccountName")) },
				"[" BASE ",\"X=default\"]", NULL, NULL, NULL },
		{ "a resource",
				{ .container = ENV("{\"name\":\"X\",\"valueFrom\":{\"resourceFieldRef\":"
						   "{\"resource\":\"limits.cpu\"}}}") },
				"[" BASE ",\"X=$(resource-field)\"]", NULL, NULL, NULL },
		{ "a name for a pattern",
				{ .container = ENV(FIELD("X.1",
						  "metadata.labels['apps.kubernetes.io/pod-index']")) },
				"[" BASE "]", NULL, "[\"^X\\\\.1=[0-9]+$\"]", NULL },
		{ "no source that is known",
				{ .container = ENV("{\"name\":\"X\",\"valueFrom\":{\"fileKeyRef\":{}}}") },
				"[" BASE "]", NULL, NULL, "error " AT ".env[0]: nothing is known" },
	};

	for (size_t i = 0; i < COUNT(cases); i++)
		run(&cases[i]);
}

static void config_maps_are_pinned(void **state)
{
	(void)state;
	static const struct env_case cases[] = {
		{ "a key", { .container = ENV(KEY("X", "configMap", "m", "A", "")), .objects = "[" MAP "]" },
				"[" BASE ",\"X=a=1\\n\"]", NULL, NULL, NULL },
		{ "all, not expanded", { .container = FROM("configMap", "m", ""), .objects = "[" MAP "]" },
				"[" BASE ",\"A=a=1\\n\",\"B=$(A)\"]", NULL, NULL, NULL },
		{ "with a prefix",
				{ .container = "{\"envFrom\":[{\"prefix\":\"P_\",\"configMapRef\":{\"name\":"
					       "\"m\"}}]}",
						.objects = "[" MAP "]" },
				"[" BASE ",\"P_A=a=1\\n\",\"P_B=$(A)\"]", NULL, NULL, NULL },
		{ "env wins over envFrom",
				{ .container = "{\"env\":[" IS(
						  "A", "<$(A)>") "],\"envFrom\":[{\"configMapRef\":{\"name\":"
								 "\"m\"}}]}",
						.objects = "[" MAP "]" },
				"[" BASE ",\"A=<a=1\\n>\",\"B=$(A)\"]", NULL, NULL, NULL },
		{ "its own namespace",
				{ .container = ENV(KEY("X", "configMap", "m", "A", "")),
						.namespace = "shop",
						.objects = "[{\"kind\":\"ConfigMap\",\"metadata\":{\"name\":"
							   "\"m\",\"namespace\":\"shop\"},"
							   "\"data\":{\"A\":\"right\"}},{\"kind\":"
							   "\"ConfigMap\",\"metadata\":{\"name\":\"m\","
							   "\"namespace\":\"other\"},\"data\":{\"A\":"
							   "\"wrong\"}}]" },
				"[" BASE ",\"X=right\"]", NULL, NULL, NULL },
		{ "of another namespace",
				{ .container = ENV(KEY("X", "configMap", "m", "A", "")),
						.namespace = "shop",
						.objects = "[{\"kind\":\"ConfigMap\",\"metadata\":{\"name\":"
							   "\"m\",\"namespace\":\"other\"},"
							   "\"data\":{\"A\":\"wrong\"}}]" },
				"[" BASE "]", NULL, NULL,
				"error " AT ".env[0]: nobody gave the ConfigMap 'm'" },
	};

	for (size_t i = 0; i < COUNT(cases); i++)
		run(&cases[i]);
}

static void a_config_map_that_is_missing(void **state)
{
	(void)state;
	static const struct env_case cases[] = {
		{ "missing", { .container = ENV(KEY("X", "configMap", "m", "A", "")) }, "[" BASE "]", NULL,
				NULL, "error " AT ".env[0]: nobody gave the ConfigMap 'm'" },
		{ "a key that is missing",
				{ .container = ENV(KEY("X", "configMap", "m", "Z", "")),
						.objects = "[" MAP "]" },
				"[" BASE "]", NULL, NULL,
				"error " AT ".env[0]: in the ConfigMap 'm' there is no 'Z'" },
		{ "missing, optional", { .container = ENV(KEY("X", "configMap", "m", "A", OPTIONAL)) },
				"[" BASE "]", "[\"X\"]", NULL, "warning " AT ".env[0]: or leave it out" },
		{ "there, optional",
				{ .container = ENV(KEY("X", "configMap", "m", "A", OPTIONAL)),
						.objects = "[" MAP "]" },
				"[" BASE ",\"X=a=1\\n\"]", NULL, NULL, NULL },
		{ "all of a missing one", { .container = FROM("configMap", "m", "") }, "[" BASE "]", NULL,
				NULL, "error " AT ".envFrom[0]: nobody gave the ConfigMap 'm'" },
		{ "all of a missing one, optional", { .container = FROM("configMap", "m", OPTIONAL) },
				"[" BASE "]", NULL, NULL,
				"warning " AT ".envFrom[0]: the optional ConfigMap 'm'" },
		{ "a key that is no variable",
				{ .container = FROM("configMap", "m", ""),
						.objects = "[{\"kind\":\"ConfigMap\",\"metadata\":{\"name\":"
							   "\"m\"},\"data\":{\"1a\":\"x\"}}]" },
				"[" BASE "]", NULL, NULL, "error " AT ".envFrom[0]: '1a'" },
		{ "a placeholder",
				{ .container = ENV(KEY("X", "configMap", "m", "A", "")),
						.objects = "[{\"kind\":\"ConfigMap\",\"metadata\":{\"name\":"
							   "\"m\"},\"data\":{\"A\":\"$(pod-ip)\"}}]" },
				"[" BASE "]", NULL, NULL, "error " AT ".env 'X': $(pod-ip)" },
		{ "a control character",
				{ .container = ENV(KEY("X", "configMap", "m", "A", "")),
						.objects = "[{\"kind\":\"ConfigMap\",\"metadata\":{\"name\":"
							   "\"m\"},\"data\":{\"A\":\"\\u0001(pod-ip)\"}}]" },
				"[" BASE "]", NULL, NULL, "error " AT ".env[0]: U+0001" },
	};

	for (size_t i = 0; i < COUNT(cases); i++)
		run(&cases[i]);
}

static void secrets_are_not_written_into_policies(void **state)
{
	(void)state;
	static const struct env_case cases[] = {
		{ "a key",
				{ .container = ENV(KEY("X", "secret", "s", "A", "")),
						.objects = SECRET("\"data\":{\"A\":\"cGFzcw==\"}") },
				"[" BASE "]", "[\"X\"]", NULL, "warning " AT ".env[0]: the Secret 's' (A)" },
		{ "a sealed one",
				{ .container = ENV(KEY("X", "secret", "s", "A", "")),
						.objects = SECRET("\"data\":{\"A\":\"c2VhbGVkLmEuYi5j\"}") },
				"[" BASE ",\"X=sealed.a.b.c\"]", NULL, NULL, NULL },
		{ "a sealed one, plainly",
				{ .container = ENV(KEY("X", "secret", "s", "A", "")),
						.objects = SECRET(
								"\"stringData\":{\"A\":\"sealed.a.b.c\"}") },
				"[" BASE ",\"X=sealed.a.b.c\"]", NULL, NULL, NULL },
		{ "not given", { .container = ENV(KEY("X", "secret", "s", "A", "")) }, "[" BASE "]",
				"[\"X\"]", NULL, "warning " AT ".env[0]: the host may choose it" },
		{ "not given, optional", { .container = ENV(KEY("X", "secret", "s", "A", OPTIONAL)) },
				"[" BASE "]", "[\"X\"]", NULL, "warning " AT ".env[0]: or leave it out" },
		{ "a key that is missing",
				{ .container = ENV(KEY("X", "secret", "s", "Z", "")),
						.objects = SECRET("\"data\":{}") },
				"[" BASE "]", NULL, NULL,
				"error " AT ".env[0]: in the Secret 's' there is no 'Z'" },
		{ "all",
				{ .container = FROM("secret", "s", ""),
						.objects = SECRET("\"data\":{\"A\":\"c2VhbGVkLmEuYi5j\","
								  "\"B\":\"cGFzcw==\"}") },
				"[" BASE ",\"A=sealed.a.b.c\"]", "[\"B\"]", NULL,
				"warning " AT ".envFrom[0]: the Secret 's' (B)" },
		{ "all of one that is not given", { .container = FROM("secret", "s", "") }, "[" BASE "]",
				NULL, NULL, "error " AT ".envFrom[0]: nobody gave the Secret 's'" },
	};

	for (size_t i = 0; i < COUNT(cases); i++)
		run(&cases[i]);
}

static void secrets_are_written_when_asked_for(void **state)
{
	(void)state;
	static const struct env_case cases[] = {
		{ "pinned when asked",
				{ .container = ENV(KEY("X", "secret", "s", "A", "")),
						.inline_secrets = true,
						.objects = SECRET("\"data\":{\"A\":\"cGFzcw==\"}") },
				"[" BASE ",\"X=pass\"]", NULL, NULL, NULL },
		{ "written twice",
				{ .container = ENV(KEY("X", "secret", "s", "A", "")),
						.inline_secrets = true,
						.objects = SECRET("\"data\":{\"A\":\"cGFzcw==\"},"
								  "\"stringData\":{\"A\":\"new\"}") },
				"[" BASE ",\"X=new\"]", NULL, NULL, NULL },
		{ "asked, but not given",
				{ .container = ENV(KEY("X", "secret", "s", "A", "")),
						.inline_secrets = true },
				"[" BASE "]", NULL, NULL, "error " AT ".env[0]: nobody gave the Secret 's'" },
		{ "asked, but no base64",
				{ .container = ENV(KEY("X", "secret", "s", "A", "")),
						.inline_secrets = true,
						.objects = SECRET("\"data\":{\"A\":\"%%\"}") },
				"[" BASE "]", NULL, NULL, "error " AT ".env[0]: no text" },
		{ "asked, but no text",
				{ .container = ENV(KEY("X", "secret", "s", "A", "")),
						.inline_secrets = true,
						.objects = SECRET("\"data\":{\"A\":\"/w==\"}") },
				"[" BASE "]", NULL, NULL, "error " AT ".env[0]: no text" },
		{ "asked, but a NUL",
				{ .container = ENV(KEY("X", "secret", "s", "A", "")),
						.inline_secrets = true,
						.objects = SECRET("\"data\":{\"A\":\"YQBi\"}") },
				"[" BASE "]", NULL, NULL, "error " AT ".env[0]: no text" },
		{ "no text, not asked",
				{ .container = ENV(KEY("X", "secret", "s", "A", "")),
						.objects = SECRET("\"data\":{\"A\":\"/w==\"}") },
				"[" BASE "]", "[\"X\"]", NULL, "warning " AT ".env[0]: the Secret 's' (A)" },
	};

	for (size_t i = 0; i < COUNT(cases); i++)
		run(&cases[i]);
}

static void what_is_made_of_an_open_value_is_open(void **state)
{
	(void)state;
	auto_process_rig struct process_rig p;
	auto_env struct env env = { NULL, NULL };
	auto_json json_t *list = json_array(), *any = json_array(), *regex = json_array();
	static const struct rig_case c = {
		.container = ENV(KEY("PW", "secret", "s", "A", "") "," IS("URL", "db:$(PW)@h") "," IS(
				"OWN", "1") "," IS("PW", "$(URL)"))
	};

	process_rig_open(&p, &c);
	env_read(&p.rig.part, &env);
	env_write(&p.rig.part, &env, list, any, regex);
	rig_assert_json("list", list, "[" BASE ",\"OWN=1\"]");
	rig_assert_json("any", any, "[\"PW\",\"URL\"]");
	assert_int_equal(agent_notes_of(&p.rig.notes, AGENT_WARNING), 3);
	assert_int_equal(p.rig.notes.count, 3);
}

/* The same objects in another order, which is how a cluster may have them. */
static void keys_are_sorted(void **state)
{
	(void)state;
	static const struct env_case c = { "other order",
		{ .container = FROM("configMap", "m", ""),
				.objects = "[{\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"m\"},\"data\":{"
					   "\"C\":\"3\",\"A\":\"1\",\"B\":\"2\"}}]" },
		"[" BASE ",\"A=1\",\"B=2\",\"C=3\"]", NULL, NULL, NULL };

	run(&c);
}

static void refuse(const char *name, const char *container, const char *objects, const char *words)
{
	auto_process_rig struct process_rig p;
	auto_env struct env env = { NULL, NULL };
	auto_json json_t *list = json_array(), *any = json_array(), *regex = json_array();
	struct rig_case c = { .container = container, .objects = objects };

	process_rig_open(&p, &c);
	p.room = 40000;
	env_read(&p.rig.part, &env);
	env_write(&p.rig.part, &env, list, any, regex);
	if (p.rig.notes.count == 0 || p.rig.notes.items[0].severity != AGENT_ERROR ||
			!strstr(p.rig.notes.items[0].text, words))
		fail_msg("%s: %s", name, p.rig.notes.count ? p.rig.notes.items[0].text : "nothing");
}

static void sizes_have_ceilings(void **state)
{
	(void)state;
	auto_free char *many = rig_many("{\"env\":[", IS("A#", ""), ENV_VARS_MAX + 2, "]}");
	auto_free char *keys = rig_many("[{\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"m\"},\"data\":{",
			"\"A#\":\"\"", ENV_VARS_MAX + 1, "}}]");
	auto_free char *doubling =
			rig_many("{\"env\":[" IS("A", "0123456789abcdef") ",", IS("A", "$(A)$(A)"), 20, "]}");
	auto_free char *wide =
			rig_many("{\"env\":[" IS("L", "0123456789abcdef") "," IS("L", "$(L)$(L)") "," IS(
						 "L", "$(L)$(L)") "," IS("L", "$(L)$(L)") "," IS("L",
						 "$(L)$(L)") "," IS("L", "$(L)$(L)") ",",
					IS("B#", "$(L)"), 100, "]}");

	refuse("variables", many, NULL, "more than 1000 variables");
	refuse("keys", FROM("configMap", "m", ""), keys, "more than 1000 values");
	refuse("a value that doubles", doubling, NULL, "longer than");
	refuse("many long values", wide, NULL, "less when there are many");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes_have_ceilings),
		cmocka_unit_test(the_image_gives_variables),
		cmocka_unit_test(the_runtime_gives_variables),
		cmocka_unit_test(references_are_replaced_as_the_kubelet_does),
		cmocka_unit_test(fields_are_known_or_patterns),
		cmocka_unit_test(fields_have_defaults),
		cmocka_unit_test(config_maps_are_pinned),
		cmocka_unit_test(a_config_map_that_is_missing),
		cmocka_unit_test(secrets_are_not_written_into_policies),
		cmocka_unit_test(secrets_are_written_when_asked_for),
		cmocka_unit_test(what_is_made_of_an_open_value_is_open),
		cmocka_unit_test(keys_are_sorted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
