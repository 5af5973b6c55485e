/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/agentpolicy/workload_rig.h"

static const char template[] = "{apiVersion: v1, kind: Pod, metadata: {name: p}, spec: {containers: [{name: "
			       "app, image: app, volumeMounts:"
			       " [{name: data, mountPath: /data}]}], volumes: [{name: data, emptyDir: {}}]}}";

/* What a mesh makes of it. */
static const char meshed[] = "{apiVersion: v1, kind: Pod, metadata: {name: p, annotations: "
			     "{sidecar.istio.io/status: x}}, spec:"
			     " {initContainers: [{name: istio-init, image: proxy, unheardOf: true}], "
			     "containers: [{name: istio-proxy,"
			     " image: proxy, hostThing: 1, volumeMounts: [{name: istio-envoy, mountPath: "
			     "/etc/istio/proxy}]}, {name: app,"
			     " image: app, volumeMounts: [{name: data, mountPath: /data}]}], volumes: "
			     "[{name: istio-envoy, emptyDir:"
			     " {medium: Memory}}, {name: data, emptyDir: {}}]}}";

static const char options[] = "{injected: [{name: istio-init, image: 'proxy@sha256:1'}, {name: istio-proxy, "
			      "image: 'proxy@sha256:1', args:"
			      " [proxy], env: [{name: A, valueFrom: {secretKeyRef: {name: mesh, key: k}}}], "
			      "volumeMounts: [{name: istio-envoy,"
			      " mountPath: /etc/istio/proxy}], volumes: [{name: istio-envoy, emptyDir: "
			      "{medium: Memory, sizeLimit: 1Gi}}]}]}";

static void what_is_declared_is_left_out_and_taken_as_declared(void **state)
{
	auto_json json_t *before = yaml(template), *after = yaml(meshed);
	auto_seen struct seen written = look_at(before, options, false),
			      made = look_at(after, options, false);

	(void)state;
	if (written.status || made.status)
		fail_msg("%s%s", written.err.text, made.err.text);
	assert_true(json_equal(written.workload.tree, made.workload.tree));
	assert_string_equal(written.key, made.key);
	assert_has(&made, json_object_get(made.workload.spec, "injected"),
			"[{\"image\":\"proxy@sha256:1\",\"name\":\"istio-init\"},{\"args\":[\"proxy\"],"
			"\"env\":[{\"name\":\"A\","
			"\"valueFrom\":{\"secretKeyRef\":{\"key\":\"k\",\"name\":\"mesh\"}}}],\"image\":"
			"\"proxy@sha256:1\","
			"\"name\":\"istio-proxy\",\"volumeMounts\":[{\"mountPath\":\"/etc/istio/"
			"proxy\",\"name\":\"istio-envoy\"}]}]");
	assert_has(&made, json_object_get(made.workload.spec, "volumes"),
			"[{\"emptyDir\":{},\"name\":\"data\"},{\"emptyDir\":{\"medium\":\"Memory\"},\"name\":"
			"\"istio-envoy\"}]");
	assert_null(json_object_get(made.workload.spec, "initContainers"));
}

static void without_a_declaration_the_key_is_another(void **state)
{
	auto_json json_t *before = yaml(template), *after = yaml(meshed);
	auto_seen struct seen written = look_at(before, NULL, false), made = look_at(after, NULL, true);

	(void)state;
	assert_int_equal(written.status, 0);
	assert_int_equal(made.status, 0);
	assert_string_not_equal(written.key, made.key);
}

static void an_injected_container_is_checked_as_any(void **state)
{
	static const struct {
		const char *injected, *note;
	} cases[] = {
		{ "{name: a, image: i, comand: [x]}",
				"error injected[0]: there is no field 'comand'; did you mean 'command'?" },
		{ "{name: a, image: i, volumeMounts: [{name: absent, mountPath: /a}]}",
				"error injected[0].volumeMounts[0]: there is no volume 'absent'" },
		{ "{name: a, image: i, volumeMounts: [{name: b, mountPath: /a}], volumes: [{name: b, image: "
		  "{}}]}",
				"error injected[0].volumes[0].image: the node would give" },
		{ "{name: a, image: i, volumeMounts: [{name: b, mountPath: /a}], volumes: [{name: b}]}", "" },
		{ "{name: a, image: i, volumeMounts: [{name: b, mountPath: /a}], volumes: [{name: b, image: "
		  "{reference: x}}]}",
				"error injected[0].volumes[0].image: the node would give" },
		{ "{name: a, image: i, volumes: [{name: data, configMap: {name: x}}]}",
				"error injected[0].volumes: the pod has another volume 'data'" },
		{ "{name: a, image: i, volumes: {}}", "error injected[0].volumes: is not a list" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		auto_json json_t *object = yaml(template);
		auto_free char *wanted = xasprintf("{injected: [%s]}", cases[i].injected);
		auto_seen struct seen seen = look_at(object, wanted, false);
		assert_noted(&seen, cases[i].note);
		assert_int_equal(seen.err.kind, cases[i].note[0] ? ERR_DENIED : ERR_OK);
	}
}

static void an_injected_container_may_share_a_volume(void **state)
{
	auto_json json_t *object = yaml(template);
	auto_seen struct seen seen = look_at(object,
			"{injected: [{name: a, image: i, volumeMounts: [{name: data, mountPath: /d}], "
			"volumes: [{name: data,"
			" emptyDir: {}}]}, {name: b, image: i, volumeMounts: [{name: data, mountPath: "
			"/d}]}]}",
			false);

	(void)state;
	assert_has(&seen, json_object_get(seen.workload.spec, "volumes"),
			"[{\"emptyDir\":{},\"name\":\"data\"}]");
}

static void names_each_image_and_object_once(void **state)
{
	auto_json json_t *object = yaml("{kind: Pod, metadata: {name: p}, spec: {containers: [{name: c, "
					"image: two, env: [{name: A, valueFrom:"
					" {configMapKeyRef: {name: m1, key: k}}}, {name: B, valueFrom: "
					"{secretKeyRef: {name: s1, key: k}}}],"
					" envFrom: [{configMapRef: {name: m2}}, {configMapRef: {name: m1}}, "
					"{secretRef: {name: s1}}]}, {name: d,"
					" image: one}], initContainers: [{name: i, image: one}], volumes: "
					"[{name: v, secret: {secretName: s9}}]}}");
	auto_seen struct seen seen = look_at(object,
			"{injected: [{name: x, image: three, envFrom: [{secretRef: {name: s0}}]}, {name: z, "
			"image: two}]}",
			false);
	const struct agent_workload *workload = &seen.workload;

	(void)state;
	assert_int_equal(seen.status, 0);
	assert_int_equal(workload->image_count, 3);
	assert_string_equal(workload->images[0], "one");
	assert_string_equal(workload->images[1], "two");
	assert_string_equal(workload->images[2], "three");
	assert_int_equal(workload->config_map_count, 2);
	assert_string_equal(workload->config_maps[0], "m1");
	assert_string_equal(workload->config_maps[1], "m2");
	assert_int_equal(workload->secret_count, 2);
	assert_string_equal(workload->secrets[0], "s1");
	assert_string_equal(workload->secrets[1], "s0");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_declared_is_left_out_and_taken_as_declared),
		cmocka_unit_test(without_a_declaration_the_key_is_another),
		cmocka_unit_test(an_injected_container_is_checked_as_any),
		cmocka_unit_test(an_injected_container_may_share_a_volume),
		cmocka_unit_test(names_each_image_and_object_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
