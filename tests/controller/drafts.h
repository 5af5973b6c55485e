/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What tests of agent policies in the controller share: a catalog whose profile generates them, pods as the API server has
 * them, facts of images.
 */
#ifndef COCOON_TESTS_CONTROLLER_DRAFTS_H
#define COCOON_TESTS_CONTROLLER_DRAFTS_H

#include "controller/draft.h"
#include "policy/image.h"
#include "profile/prepared.h"
#include "tests/profile/scene.h"

#define DIGEST_A "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define DIGEST_B "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define DIGEST_C "sha256:cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"

#define GENERATES                                                                                        \
	"[{metadata: {name: team, generation: 3}, spec: {runtimeClasses: [snp], namespaceSelector: {}, " \
	"initData: {kbs: {url: 'https://kbs.example.com:8080'}, agentPolicy: {generated: {}}}}}]"

/* A gated pod of the Deployment web, as its ReplicaSet makes them; `more` are members of its container. */
static inline json_t *replica(const char *suffix, const char *more)
{
	return yamlf("{apiVersion: v1, kind: Pod, metadata: {name: web-5d4f8c7b9-%s, generateName: "
		     "web-5d4f8c7b9-, "
		     "namespace: shop, uid: uid-%s, labels: {app: web, pod-template-hash: 5d4f8c7b9}, "
		     "ownerReferences: "
		     "[{apiVersion: apps/v1, kind: ReplicaSet, name: web-5d4f8c7b9, uid: rs-1, controller: "
		     "true, "
		     "blockOwnerDeletion: true}]}, spec: {runtimeClassName: snp, schedulingGates: [{name: "
		     "cocoon.dev/init-data}], containers: [{name: app, image: "
		     "'registry.example/shop/app:1'%s%s}]}}",
			suffix, suffix, more[0] ? ", " : "", more);
}

/* Facts of an image whose config has this entry point. */
static inline struct image_facts *facts_with(const char *entrypoint, const char *config)
{
	const char *const words[] = { entrypoint, NULL }, *const none[] = { NULL };
	const struct image_config run = {
		.user = "", .cwd = "", .env = none, .entrypoint = words, .cmd = none, .volumes = none
	};
	const struct image_platform platform = {
		.digest = DIGEST_B, .name = "linux/amd64", .config = config, .run = &run
	};
	const struct image_facts draft = { .host = "registry.example",
		.repository = "shop/app",
		.digest = DIGEST_A,
		.platforms = &platform,
		.platform_count = 1,
		.looked = IMAGE_LOOKED_CONFIG | IMAGE_LOOKED_PLATFORM };

	return image_facts_new(&draft);
}

/* What the controller prepares for that pod. */
static inline struct prepared *prepared_for(const struct catalog *catalog, const char *more)
{
	struct draft draft;
	struct prepared *prepared = NULL;
	auto_json json_t *pod = replica("x2x9k", more);

	assert_int_equal(draft_open(&draft, catalog_profile(catalog, 0), pod, NULL), 0);
	assert_int_equal(draft_image(&draft, 0, facts_with("/app", DIGEST_C), NULL), 0);
	assert_int_equal(draft_finish(&draft, NULL), 0);
	assert_int_equal(prepared_read(draft.object, &prepared, NULL), 0);
	draft_clear(&draft);
	return prepared;
}

#endif
