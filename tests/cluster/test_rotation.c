/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/rotation.h"

#include "base/b64.h"
#include "crypto/cert.h"
#include "crypto/init.h"
#include "tests/profile/scene.h"

#define DNS  "cocoon-webhook.cocoon-system.svc"
#define T0   INT64_C(1767323045)
#define DAY  INT64_C(86400)
#define LEAF "leaf"

/* The cluster as rotation sees it: a Secret, replicas, and when the bundle was published. */
struct world {
	json_t *secret;
	json_t *replicas;
	int64_t now, published;
};

static void world_clear(struct world *world)
{
	json_decref(world->secret);
	json_decref(world->replicas);
}
#define auto_world __attribute__((cleanup(world_clear)))

static struct rotation_facts facts_of(const struct world *world)
{
	return (struct rotation_facts){ .secret = world->secret,
		.replicas = world->replicas,
		.dns_name = DNS,
		.now = world->now,
		.published_since = world->published };
}

static enum rotation_step next_of(const struct world *world)
{
	struct rotation_facts facts = facts_of(world);
	auto_buf struct buf why = BUF_MAX(256);
	enum rotation_step step = rotation_next(&facts, &why);

	assert_true(step == ROTATION_KEEP ? !why.len : why.len > 0);
	return step;
}

/* Carries a step out, as the keeper does with a merge patch, which also takes the request away. */
static void carry_out(struct world *world, enum rotation_step step)
{
	struct rotation_facts facts = facts_of(world);
	auto_json json_t *data = NULL;
	struct err err = ERR_NONE;
	const char *key;
	json_t *value;

	if (rotation_apply(&facts, step, &data, &err) < 0)
		fail_msg("%s", err.text);
	if (!world->secret)
		world->secret = yaml("{metadata: {}, data: {}}");
	json_object_del(json_object_get(world->secret, "metadata"), "annotations");
	json_t *all = json_object_get(world->secret, "data");
	json_object_foreach (data, key, value) {
		if (json_is_null(value))
			json_object_del(all, key);
		else
			json_object_set(all, key, value);
	}
}

static void member(const struct world *world, const char *key, struct buf *out)
{
	buf_reset(out);
	assert_int_equal(b64_decode(span_of(json_text_at(world->secret, "data", key, NULL)), out, NULL), 0);
}

static struct cert_list *list_of(struct span pem)
{
	struct cert_list *list = NULL;

	assert_int_equal(cert_list_parse(pem, &list, NULL), 0);
	return list;
}

/* The leaf that is in the Secret now. */
static struct cert_list *leaf_of(const struct world *world)
{
	auto_buf struct buf pem = BUF_MAX(ROTATION_PEM_MAX);

	member(world, "tls.crt", &pem);
	return list_of(buf_span(&pem));
}

static struct cert_list *bundle_of(const struct world *world)
{
	auto_buf struct buf pem = BUF_MAX(2 * ROTATION_PEM_MAX);

	assert_true(rotation_bundle(world->secret, &pem));
	return list_of(buf_span(&pem));
}

static bool accepts(const struct cert_list *bundle, const struct cert_list *leaf, int64_t now)
{
	return cert_verify_leaf(leaf, bundle, DNS, now, NULL) == 0;
}

/* A replica that serves the Secret's leaf and knows its bundle. */
static json_t *current(const struct world *world)
{
	auto_cert_list struct cert_list *leaf = leaf_of(world);
	char print[CERT_FINGERPRINT_MAX], trust[65];

	cert_fingerprint(leaf, 0, print);
	rotation_trust(world->secret, trust);
	return json_pack("{s:s, s:s}", LEAF, print, "trust", trust);
}

static void set_replicas(struct world *world, json_t *one, json_t *two)
{
	json_decref(world->replicas);
	world->replicas = json_array();
	if (one)
		json_array_append_new(world->replicas, one);
	if (two)
		json_array_append_new(world->replicas, two);
}

static struct world fresh(void)
{
	struct world world = { .now = T0, .published = 1000 };

	assert_int_equal(next_of(&world), ROTATION_CREATE);
	carry_out(&world, ROTATION_CREATE);
	set_replicas(&world, current(&world), current(&world));
	assert_int_equal(next_of(&world), ROTATION_KEEP);
	return world;
}

static void ask(struct world *world)
{
	json_object_set_new(json_object_get(world->secret, "metadata"), "annotations",
			json_pack("{s:s}", ROTATION_ASK_ANNOTATION, "now"));
}

static void clients_accept_what_is_served_at_every_step(void **state)
{
	auto_world struct world world = fresh();
	auto_cert_list struct cert_list *old_leaf = leaf_of(&world), *old_bundle = bundle_of(&world);

	(void)state;
	assert_true(accepts(old_bundle, old_leaf, world.now));
	ask(&world);
	assert_int_equal(next_of(&world), ROTATION_ADD_CA);
	carry_out(&world, ROTATION_ADD_CA);
	auto_cert_list struct cert_list *both = bundle_of(&world);
	assert_int_equal(cert_list_count(both), 2);
	assert_true(accepts(both, old_leaf, world.now));
	/* replicas still say the old trust; then one of them lags; then the API servers have not settled */
	assert_int_equal(next_of(&world), ROTATION_WAIT);
	json_t *lagging = json_incref(json_array_get(world.replicas, 0));
	set_replicas(&world, current(&world), lagging);
	assert_int_equal(next_of(&world), ROTATION_WAIT);
	set_replicas(&world, current(&world), current(&world));
	for (int64_t since = -1; since < ROTATION_SETTLE; since++) {
		world.published = since;
		assert_int_equal(next_of(&world), ROTATION_WAIT);
	}
	world.published = ROTATION_SETTLE;
	assert_int_equal(next_of(&world), ROTATION_SWITCH);
	carry_out(&world, ROTATION_SWITCH);
	auto_cert_list struct cert_list *new_leaf = leaf_of(&world), *still = bundle_of(&world);
	assert_true(accepts(still, old_leaf, world.now));
	assert_true(accepts(still, new_leaf, world.now));
	assert_true(accepts(both, new_leaf, world.now));
	assert_false(accepts(old_bundle, new_leaf, world.now));
	assert_int_equal(next_of(&world), ROTATION_WAIT);
	json_t *serving_old = json_incref(json_array_get(world.replicas, 0));
	set_replicas(&world, current(&world), serving_old);
	assert_int_equal(next_of(&world), ROTATION_WAIT);
	/* its Lease expires */
	set_replicas(&world, current(&world), NULL);
	assert_int_equal(next_of(&world), ROTATION_FINISH);
	carry_out(&world, ROTATION_FINISH);
	auto_cert_list struct cert_list *last = bundle_of(&world);
	assert_int_equal(cert_list_count(last), 1);
	assert_true(accepts(last, new_leaf, world.now));
	assert_false(accepts(last, old_leaf, world.now));
	assert_null(json_text_at(world.secret, "data", "ca-next.crt", NULL));
	assert_null(json_text_at(world.secret, "data", "ca-next.key", NULL));
	assert_int_equal(next_of(&world), ROTATION_KEEP);
}

static void replicas_that_are_not_known_yet_block(void **state)
{
	auto_world struct world world = fresh();

	(void)state;
	carry_out(&world, ROTATION_ADD_CA);
	json_decref(world.replicas);
	world.replicas = NULL;
	assert_int_equal(next_of(&world), ROTATION_WAIT);
	/* none at all, and known to be none, do not */
	world.replicas = json_array();
	assert_int_equal(next_of(&world), ROTATION_SWITCH);
	carry_out(&world, ROTATION_SWITCH);
	json_decref(world.replicas);
	world.replicas = NULL;
	assert_int_equal(next_of(&world), ROTATION_WAIT);
	/* a replica that says nothing, or nonsense, has acknowledged nothing */
	static const char *const said[] = { "{}", "{leaf: '', trust: ''}", "{leaf: 7}", "x" };
	for (size_t i = 0; i < COUNT(said); i++) {
		set_replicas(&world, yaml(said[i]), NULL);
		assert_int_equal(next_of(&world), ROTATION_WAIT);
	}
}

static void a_leaf_is_renewed_by_the_same_ca(void **state)
{
	auto_world struct world world = fresh();
	auto_cert_list struct cert_list *bundle = bundle_of(&world), *old_leaf = leaf_of(&world);
	static const int64_t days[] = { 59, 61, ROTATION_LEAF_DAYS + 1 };
	static const enum rotation_step steps[] = { ROTATION_KEEP, ROTATION_RENEW, ROTATION_RENEW };

	(void)state;
	for (size_t i = 0; i < COUNT(days); i++) {
		world.now = T0 + days[i] * DAY;
		assert_int_equal(next_of(&world), steps[i]);
	}
	/* expired: the bundle that API servers trust stays right all the same */
	assert_false(accepts(bundle, old_leaf, world.now));
	carry_out(&world, ROTATION_RENEW);
	auto_cert_list struct cert_list *leaf = leaf_of(&world);
	assert_true(accepts(bundle, leaf, world.now));
	assert_int_equal(next_of(&world), ROTATION_KEEP);
	/* made for another name, garbage, or gone */
	static const char *const leaves[] = { "Z2FyYmFnZQ==", "", "no base64" };
	for (size_t i = 0; i < COUNT(leaves); i++) {
		json_object_set_new(json_object_get(world.secret, "data"), "tls.crt", json_string(leaves[i]));
		assert_int_equal(next_of(&world), ROTATION_RENEW);
	}
	carry_out(&world, ROTATION_RENEW);
	struct rotation_facts facts = facts_of(&world);
	auto_buf struct buf why = BUF_MAX(256);
	facts.dns_name = "other.cocoon-system.svc";
	assert_int_equal(rotation_next(&facts, &why), ROTATION_RENEW);
}

static void a_ca_past_half_of_its_life_is_followed_by_another(void **state)
{
	auto_world struct world world = fresh();

	(void)state;
	world.now = T0 + (ROTATION_CA_DAYS / 2 + 1) * DAY;
	assert_int_equal(next_of(&world), ROTATION_RENEW);
	carry_out(&world, ROTATION_RENEW);
	assert_int_equal(next_of(&world), ROTATION_ADD_CA);
	carry_out(&world, ROTATION_ADD_CA);
	set_replicas(&world, current(&world), NULL);
	assert_int_equal(next_of(&world), ROTATION_SWITCH);
	carry_out(&world, ROTATION_SWITCH);
	set_replicas(&world, current(&world), NULL);
	assert_int_equal(next_of(&world), ROTATION_FINISH);
	carry_out(&world, ROTATION_FINISH);
	assert_int_equal(next_of(&world), ROTATION_KEEP);
}

static void a_leaf_that_ages_while_a_rotation_waits_is_renewed(void **state)
{
	auto_world struct world world = fresh();

	(void)state;
	carry_out(&world, ROTATION_ADD_CA);
	auto_cert_list struct cert_list *both = bundle_of(&world);
	world.now = T0 + 61 * DAY;
	assert_int_equal(next_of(&world), ROTATION_RENEW);
	world.now = T0 + 200 * DAY;
	assert_int_equal(next_of(&world), ROTATION_RENEW);
	carry_out(&world, ROTATION_RENEW);
	auto_cert_list struct cert_list *renewed = leaf_of(&world);
	assert_true(accepts(both, renewed, world.now));
	assert_int_equal(next_of(&world), ROTATION_WAIT);
	set_replicas(&world, current(&world), NULL);
	carry_out(&world, ROTATION_SWITCH);
	world.now += 61 * DAY;
	assert_int_equal(next_of(&world), ROTATION_SWITCH);
	carry_out(&world, ROTATION_SWITCH);
	auto_cert_list struct cert_list *again = leaf_of(&world);
	assert_true(accepts(both, again, world.now));
	assert_int_equal(next_of(&world), ROTATION_WAIT);
}

static void a_secret_without_a_ca_that_can_sign_is_made_anew(void **state)
{
	static const char *const secrets[] = { "{}", "{data: null}", "{data: {}}", "{data: x}",
		"{data: {ca.crt: Z2FyYmFnZQ==, ca.key: Z2FyYmFnZQ==}}", "{data: {ca.crt: 7}}",
		"{data: {ca.crt: '****'}}" };

	(void)state;
	for (size_t i = 0; i < COUNT(secrets); i++) {
		auto_world struct world world = { .secret = yaml(secrets[i]), .now = T0, .published = -1 };
		char trust[65];
		auto_buf struct buf pem = BUF_MAX(ROTATION_PEM_MAX);
		assert_int_equal(next_of(&world), ROTATION_CREATE);
		assert_false(rotation_bundle(world.secret, &pem));
		rotation_trust(world.secret, trust);
		assert_string_equal(trust, "");
	}
	/* a CA whose key is another's, and one that has ended */
	auto_world struct world one = fresh(), two = fresh();
	json_object_set(json_object_get(one.secret, "data"), "ca.key",
			(json_t *)(uintptr_t)json_at(two.secret, "data", "ca.key", NULL));
	assert_int_equal(next_of(&one), ROTATION_CREATE);
	two.now = T0 + (ROTATION_CA_DAYS + 1) * DAY;
	assert_int_equal(next_of(&two), ROTATION_CREATE);
	carry_out(&two, ROTATION_CREATE);
	assert_int_equal(next_of(&two), ROTATION_KEEP);
}

static void junk_beside_the_ca_stays_out_of_the_bundle(void **state)
{
	auto_world struct world world = fresh();
	char before[65], after[65];

	(void)state;
	rotation_trust(world.secret, before);
	json_object_set_new(
			json_object_get(world.secret, "data"), "ca-next.crt", json_string("Z2FyYmFnZQ=="));
	json_object_set_new(
			json_object_get(world.secret, "data"), "ca-next.key", json_string("Z2FyYmFnZQ=="));
	rotation_trust(world.secret, after);
	assert_string_equal(before, after);
	assert_int_equal(next_of(&world), ROTATION_KEEP);
	ask(&world);
	assert_int_equal(next_of(&world), ROTATION_ADD_CA);
	carry_out(&world, ROTATION_ADD_CA);
	auto_cert_list struct cert_list *both = bundle_of(&world);
	assert_int_equal(cert_list_count(both), 2);
}

static void there_is_nothing_to_carry_out_for_keep_and_wait(void **state)
{
	auto_world struct world world = fresh();
	struct rotation_facts facts = facts_of(&world);
	json_t *data = NULL;
	struct err err = ERR_NONE;

	(void)state;
	assert_int_equal(rotation_apply(&facts, ROTATION_KEEP, &data, &err), -1);
	assert_int_equal(rotation_apply(&facts, ROTATION_WAIT, &data, &err), -1);
	/* nor without the CA that the step needs */
	assert_int_equal(rotation_apply(&facts, ROTATION_SWITCH, &data, &err), -1);
	assert_int_equal(rotation_apply(&facts, ROTATION_FINISH, &data, &err), -1);
	assert_null(data);
	for (int step = ROTATION_KEEP; step <= ROTATION_FINISH; step++)
		assert_true(strlen(rotation_step_name((enum rotation_step)step)) > 3);
}

static int setup(void **state)
{
	(void)state;
	return crypto_init(false, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(clients_accept_what_is_served_at_every_step),
		cmocka_unit_test(replicas_that_are_not_known_yet_block),
		cmocka_unit_test(a_leaf_is_renewed_by_the_same_ca),
		cmocka_unit_test(a_ca_past_half_of_its_life_is_followed_by_another),
		cmocka_unit_test(a_leaf_that_ages_while_a_rotation_waits_is_renewed),
		cmocka_unit_test(a_secret_without_a_ca_that_can_sign_is_made_anew),
		cmocka_unit_test(junk_beside_the_ca_stays_out_of_the_bundle),
		cmocka_unit_test(there_is_nothing_to_carry_out_for_keep_and_wait),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
