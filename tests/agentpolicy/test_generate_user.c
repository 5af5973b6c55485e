/* SPDX-License-Identifier: Apache-2.0 */
#include "agentpolicy/generate_own.h"

#include "tests/agentpolicy/process_rig.h"

#define AT        "spec.containers[0].securityContext"
#define PASSWD    "root:x:0:0:root:/root:/bin/sh\nweb:x:1000:100:web:/:/bin/sh\nodd:x:2:1:::\n"
#define GROUP     "root:x:0:\nweb:x:100:web\nextra:x:2000:other,web\nwheel:x:10:root\n"
#define POD(text) "{\"securityContext\":{" text "}}"
#define USER(uid, gid, groups) \
	"{\"UID\":" uid ",\"GID\":" gid ",\"AdditionalGids\":[" groups "],\"Username\":\"\"}"
#define LAYERS "[{\"op\":\"replace\",\"path\":\"/cluster_config/guest_pull\",\"value\":false}]"

struct user_case {
	const char *name;
	struct rig_case rig;
	const char *user, *note;
};

static void run(const struct user_case *c)
{
	auto_process_rig struct process_rig p;

	process_rig_open(&p, &c->rig);
	auto_json json_t *user = generate_user(&p.rig.part);
	if (c->user)
		rig_assert_json(c->name, user, c->user);
	rig_assert_note(&p.rig, c->name, c->note ? c->note : "");
}

static void run_all(const struct user_case *cases, size_t count)
{
	for (size_t i = 0; i < count; i++)
		run(&cases[i]);
}

static void the_manifest_is_enough(void **state)
{
	(void)state;
	static const struct user_case cases[] = {
		{ "nobody says anything", { 0 }, USER("0", "0", "0"), NULL },
		{ "the pod", { .spec = POD("\"runAsUser\":1,\"runAsGroup\":2") }, USER("1", "2", "2"), NULL },
		{ "the container", { .container = POD("\"runAsUser\":1,\"runAsGroup\":2") },
				USER("1", "2", "2"), NULL },
		{ "the container before the pod",
				{ .spec = POD("\"runAsUser\":1,\"runAsGroup\":2"),
						.container = POD("\"runAsUser\":3,\"runAsGroup\":4") },
				USER("3", "4", "4"), NULL },
		{ "each on its own", { .spec = POD("\"runAsGroup\":2"), .container = POD("\"runAsUser\":3") },
				USER("3", "2", "2"), NULL },
		{ "root again",
				{ .spec = POD("\"runAsUser\":1,\"runAsGroup\":2"),
						.container = POD("\"runAsUser\":0,\"runAsGroup\":0"),
						.user = "web" },
				USER("0", "0", "0"), NULL },
		{ "before the image", { .spec = POD("\"runAsUser\":1,\"runAsGroup\":2"), .user = "web" },
				USER("1", "2", "2"), NULL },
		{ "groups, sorted, each once",
				{ .spec = POD("\"runAsUser\":1,\"runAsGroup\":2,\"fsGroup\":9,"
					      "\"supplementalGroups\":[5,2,4294967295]") },
				USER("1", "2", "2,5,9,4294967295"), NULL },
		{ "root in groups", { .spec = POD("\"supplementalGroups\":[5]") }, USER("0", "0", "0,5"),
				NULL },
		{ "an image's user of 0", { .user = "0:0" }, USER("0", "0", "0"), NULL },
		{ "an image's group alone", { .user = ":5" }, USER("0", "0", "0"), NULL },
	};

	run_all(cases, COUNT(cases));
}

static void what_the_image_alone_knows_is_asked_for(void **state)
{
	(void)state;
	static const struct user_case cases[] = {
		{ "a name", { .user = "web" }, NULL, "error " AT ": names its user 'web': write runAsUser" },
		{ "a name and a group", { .user = "web:web" }, NULL, "error " AT ": names its user" },
		{ "a number", { .user = "1000" }, NULL,
				"error " AT ": not read: write runAsUser and runAsGroup" },
		{ "runAsUser alone", { .spec = POD("\"runAsUser\":1000") }, NULL,
				"error " AT ": not read: write runAsGroup" },
		{ "a number too large is a name", { .user = "4294967296" }, NULL,
				"error " AT ": names its user" },
		{ "of layers", { .user = "web", .patch = LAYERS, .group = GROUP }, NULL,
				"error " AT ": names its user" },
		{ "groups of layers", { .patch = LAYERS }, USER("0", "0", "0"),
				"warning " AT ": /etc/group was not read" },
	};

	run_all(cases, COUNT(cases));
}

/* images.json of the recording: genpolicy stops, too */
static void with_guest_pull_the_manifest_must_say_it(void **state)
{
	(void)state;
	static const struct user_case cases[] = {
		{ "a name", { .user = "web", .passwd = PASSWD, .group = "" }, USER("1000", "100", "100"),
				"warning " AT ": write runAsUser: 1000 and runAsGroup: 100" },
		{ "a number", { .user = "2", .passwd = PASSWD, .group = "" }, USER("2", "1", "1"),
				"warning " AT ": runAsUser: 2 and runAsGroup: 1" },
		{ "the group", { .spec = POD("\"runAsUser\":2"), .passwd = PASSWD, .group = "" },
				USER("2", "1", "1"), "warning " AT ": runAsGroup: 1" },
		{ "the user", { .spec = POD("\"runAsGroup\":1"), .user = "2" }, USER("2", "1", "1"),
				"error " AT ": runAsUser: 2" },
		{ "a user whom the image does not know",
				{ .spec = POD("\"runAsUser\":7"), .passwd = PASSWD, .group = "" },
				USER("7", "0", "0"), NULL },
		{ "a group of /etc/group",
				{ .spec = POD("\"runAsUser\":1000,\"runAsGroup\":100"),
						.passwd = PASSWD,
						.group = GROUP },
				USER("1000", "100", "100,2000"), "warning " AT ": group 2000 comes from" },
		{ "a group that is written, too",
				{ .spec = POD("\"runAsUser\":1000,\"runAsGroup\":100,\"supplementalGroups\":["
					      "2000]"),
						.passwd = PASSWD,
						.group = GROUP },
				USER("1000", "100", "100,2000"), NULL },
		{ "root's", { .passwd = PASSWD, .group = GROUP }, USER("0", "0", "0,10"),
				"warning " AT ": group 10" },
		{ "none by the pod's word",
				{ .spec = POD("\"supplementalGroupsPolicy\":\"Strict\""),
						.passwd = PASSWD,
						.group = GROUP },
				USER("0", "0", "0"), NULL },
		{ "a name that nobody has", { .user = "no", .passwd = PASSWD, .group = GROUP }, NULL,
				"error " AT ": who is not in its /etc/passwd" },
	};

	run_all(cases, COUNT(cases));
}

static void layers_on_the_node_say_who(void **state)
{
	(void)state;
	static const struct user_case cases[] = {
		{ "a name", { .user = "web", .passwd = PASSWD, .group = GROUP, .patch = LAYERS },
				USER("1000", "100", "100,2000"), NULL },
		{ "a group of its own name is passed over",
				{ .user = "web",
						.passwd = PASSWD,
						.group = "web:x:555:web\nmore:x:556:web\n",
						.patch = LAYERS },
				USER("1000", "100", "100,556"), NULL },
		{ "its group is dropped by the kubelet",
				{ .user = "web:wheel", .passwd = PASSWD, .group = "", .patch = LAYERS },
				USER("1000", "100", "100"), NULL },
		{ "a number", { .user = "2", .passwd = PASSWD, .group = GROUP, .patch = LAYERS },
				USER("2", "1", "1"), NULL },
		{ "no files", { .user = "5", .passwd = "", .group = "", .patch = LAYERS },
				USER("5", "0", "0"), NULL },
		{ "odd lines",
				{ .user = "web",
						.passwd = "\n  \n:\nnobody\nweb\nweb:x:7:8\n",
						.group = "web:x:5:\n:::web,,\n\n",
						.patch = LAYERS },
				USER("0", "0", "0"), NULL },
		{ "zeros in front",
				{ .user = "web", .passwd = "web:x:0007:08:::", .group = "", .patch = LAYERS },
				USER("7", "8", "8"), NULL },
		{ "numbers that are none",
				{ .user = "web",
						.passwd = "web:x:-1:99999999999:::",
						.group = "",
						.patch = LAYERS },
				USER("0", "0", "0"), NULL },
	};

	run_all(cases, COUNT(cases));
}

static void the_sandbox_runs_as_the_settings_say(void **state)
{
	(void)state;
	static const struct user_case cases[] = {
		{ "theirs", { .container = "" }, USER("65535", "65535", "65535"), NULL },
		{ "the pod's",
				{ .container = "",
						.spec = POD("\"runAsUser\":1000,\"runAsGroup\":2000,"
							    "\"supplementalGroups\":[3000]") },
				USER("1000", "2000", "2000"), NULL },
		{ "the pod's user", { .container = "", .spec = POD("\"runAsUser\":1000") },
				USER("1000", "0", "0"), NULL },
		{ "the pod's group", { .container = "", .spec = POD("\"runAsGroup\":2000") },
				USER("65535", "2000", "2000"), NULL },
		{ "groups without a user",
				{ .container = "",
						.spec = POD("\"fsGroup\":5,\"supplementalGroups\":[6]"),
						.patch = "[{\"op\":\"remove\",\"path\":\"/pause_container/"
							 "Process/User\"}]" },
				USER("0", "0", "5,6"), NULL },
		{ "groups with a user",
				{ .container = "", .spec = POD("\"fsGroup\":5,\"supplementalGroups\":[6]") },
				USER("65535", "65535", "65535"), NULL },
	};

	run_all(cases, COUNT(cases));
}

static void groups_have_a_ceiling(void **state)
{
	(void)state;
	auto_free char *spec = rig_many("{\"securityContext\":{\"supplementalGroups\":[", "#", 1002, "]}}");
	const struct user_case c = { "groups", { .spec = spec }, NULL, "" };
	auto_process_rig struct process_rig p;

	process_rig_open(&p, &c.rig);
	auto_json json_t *user = generate_user(&p.rig.part);
	assert_int_equal(json_array_size(json_object_get(user, "AdditionalGids")), 1000);
	assert_true(agent_notes_of(&p.rig.notes, AGENT_ERROR) > 0);
}

/* /etc/passwd cut at every byte: whatever it says, nothing is read beyond it. */
static void cut_files_are_read(void **state)
{
	(void)state;
	for (size_t len = 0; len < sizeof(PASSWD); len++) {
		auto_free char *passwd = xmemdup0(PASSWD, len),
			       *group = xmemdup0(GROUP, len < sizeof(GROUP) ? len : 0);
		struct rig_case c = { .user = "web", .passwd = passwd, .group = group, .patch = LAYERS };
		auto_process_rig struct process_rig p;

		process_rig_open(&p, &c);
		auto_json json_t *user = generate_user(&p.rig.part);
		assert_true(json_is_object(user));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(groups_have_a_ceiling),
		cmocka_unit_test(cut_files_are_read),
		cmocka_unit_test(the_manifest_is_enough),
		cmocka_unit_test(what_the_image_alone_knows_is_asked_for),
		cmocka_unit_test(with_guest_pull_the_manifest_must_say_it),
		cmocka_unit_test(layers_on_the_node_say_who),
		cmocka_unit_test(the_sandbox_runs_as_the_settings_say),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
