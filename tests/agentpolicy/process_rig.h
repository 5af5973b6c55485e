/* SPDX-License-Identifier: Apache-2.0 */
/* What a container runs, as what, and in which environment: part_rig.h with a workload, an image, and objects. */
#ifndef COCOON_TESTS_AGENTPOLICY_PROCESS_RIG_H
#define COCOON_TESTS_AGENTPOLICY_PROCESS_RIG_H

#include "base/alloc.h"

#include "tests/agentpolicy/part_rig.h"

#define RIG_TEXTS 8

/* What of a case is not in the container; all may be NULL or 0. */
struct rig_case {
	const char *spec, *container;    /* JSON; container "" for the sandbox */
	const char *tree;                /* JSON: {"labels", "annotations"} */
	const char *namespace, *objects; /* objects: JSON */
	const char *patch;               /* of the settings */
	const char *image_env[RIG_TEXTS], *entrypoint[RIG_TEXTS], *cmd[RIG_TEXTS];
	const char *user, *cwd, *passwd, *group;
	bool inline_secrets, privileged;
};

struct process_rig {
	struct part_rig rig;
	json_t *tree, *objects;
	size_t room;
};

static inline void process_rig_open(struct process_rig *p, const struct rig_case *c)
{
	rig_open(&p->rig, c->spec ? c->spec : "{}", c->container ? c->container : "{}", c->patch);
	p->tree = rig_json(c->tree ? c->tree : "{}");
	p->objects = c->objects ? rig_json(c->objects) : NULL;
	p->room = (size_t)1 << 20;
	p->rig.workload.tree = p->tree;
	p->rig.workload.kind = "Pod";
	p->rig.workload.name = "web";
	p->rig.workload.sandbox = "^web$";
	p->rig.workload.namespace = c->namespace ? c->namespace : "";
	p->rig.options.inline_secrets = c->inline_secrets;
	p->rig.inputs.objects = p->objects;
	p->rig.image = (struct agent_image){ .user = c->user ? c->user : "",
		.cwd = c->cwd ? c->cwd : "",
		.env = c->image_env,
		.entrypoint = c->entrypoint,
		.cmd = c->cmd,
		.passwd = c->passwd,
		.group = c->group };
	p->rig.part.room = &p->room;
	p->rig.part.privileged = c->privileged;
}

static inline void process_rig_close(struct process_rig *p)
{
	json_decref(p->tree);
	json_decref(p->objects);
	rig_close(&p->rig);
}
#define auto_process_rig __attribute__((cleanup(process_rig_close)))

/* JSON text of n items made by a printf format of one number, between `open` and `close`: the caller's. */
static inline char *rig_many(const char *open, const char *item, size_t n, const char *close)
{
	struct buf text = BUF_MAX(8 * RIG_MAX);

	buf_puts(&text, open);
	for (size_t i = 0; i < n; i++) {
		for (const char *at = item; *at; at++) {
			if (*at == '#')
				buf_printf(&text, "%zu", i);
			else
				buf_putc(&text, *at);
		}
		if (i + 1 < n)
			buf_putc(&text, ',');
	}
	buf_puts(&text, close);
	return buf_take(&text);
}

#endif
