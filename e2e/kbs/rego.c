/* SPDX-License-Identifier: Apache-2.0 */
#include "e2e/kbs/rego.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/own.h"
#include "codec/json.h"
#include "e2e/kbs/rego_own.h"

#include <string.h>

/* What a policy sees is put beside it by `with`, so that opa keeps nothing between two questions. */
#define ASK_RESOURCES                                                                                \
	"package dev_kbs\n"                                                                          \
	"answers[\"allow\"] := value if value := data.policy.allow with input as input.input with "  \
	"data.plugin as input.plugin with data[\"resource-path\"] as input.path with data.query as " \
	"input.query\n"

#define ASK_EVIDENCE                                                                                     \
	"package dev_kbs\n"                                                                              \
	"answers[\"trust_claims\"] := value if value := data.policy.trust_claims with input as "         \
	"input.input with data.dev_kbs_references as input.references\n"                                 \
	"answers[\"extensions\"] := value if value := data.policy.extensions with input as input.input " \
	"with data.dev_kbs_references as input.references\n"

#define FUNCTIONS          \
	"package policy\n" \
	"query_reference_value(name) := object.get(data.dev_kbs_references, name, null)\n"

#define SAID_MAX 600

struct rego {
	struct opa opa;
	enum rego_kind kind;
	char *text;
};

void rego_free(struct rego *rego)
{
	if (!rego)
		return;
	opa_stop(&rego->opa);
	free(rego->text);
	free(rego);
}

/* ---- loading ------------------------------------------------------------------------------------------------ */

/* The errors of opa's compiler: "line 2: unexpected eof token; …". */
static void put_errors(struct buf *out, const json_t *answer)
{
	const json_t *errors = json_object_get(answer, "errors"), *item;
	size_t i;

	json_array_foreach (errors, i, item) {
		const char *message = json_text_at(item, "message", NULL);
		json_int_t row = json_integer_value(json_at(item, "location", "row", NULL));
		buf_puts(out, i ? "; " : "");
		if (row > 0)
			buf_printf(out, "line %" JSON_INTEGER_FORMAT ": ", row);
		buf_puts(out, message ? message : "?");
	}
	const char *message = json_text_at(answer, "message", NULL);
	if (!out->len)
		buf_puts(out, message ? message : "opa gives no reason");
}

static int refuse(const json_t *answer, enum err_kind kind, struct err *err)
{
	auto_buf struct buf said = BUF_MAX(65536);

	put_errors(&said, answer);
	span_tidy(said.ptr, said.len);
	return err_set(err, kind, "%.*s", said.len < SAID_MAX ? (int)said.len : SAID_MAX, said.ptr);
}

static int put(struct rego *rego, const char *name, const char *text, struct err *err)
{
	auto_free char *path = xasprintf("/v1/policies/%s", name);
	auto_json json_t *answer = NULL;
	int status = 0;

	if (opa_ask(&rego->opa, "PUT", path, span_of(text), &status, &answer, err) < 0)
		return -1;
	if (status == 200)
		return 0;
	return refuse(answer, status == 400 ? ERR_FORMAT : ERR_IO, err);
}

/* A reference to a function whose path begins with these two parts: http.send. */
static bool reaches_out(const json_t *first, const json_t *second)
{
	static const char *const outside[][2] = { { "http", "send" }, { "net", "lookup_ip_addr" },
		{ "opa", "runtime" } };
	const char *root = json_text_at(first, "value", NULL), *name = json_text_at(second, "value", NULL);

	for (size_t i = 0; root && name && i < sizeof(outside) / sizeof(outside[0]); i++)
		if (strcmp(root, outside[i][0]) == 0 && strcmp(name, outside[i][1]) == 0)
			return true;
	return false;
}

/* Looks through a policy's syntax tree, whose depth json_read() bounds. */
static int check_tree(const json_t *tree, struct err *err)
{
	json_t *item;
	const char *key;
	size_t i;

	if (json_is_array(tree) && reaches_out(json_array_get(tree, 0), json_array_get(tree, 1)))
		return err_set(err, ERR_DENIED,
				"the policy uses %s.%s, which reaches out of it and is not for policies",
				json_text_at(json_array_get(tree, 0), "value", NULL),
				json_text_at(json_array_get(tree, 1), "value", NULL));
	json_array_foreach (tree, i, item)
		if (check_tree(item, err) < 0)
			return -1;
	json_object_foreach ((json_t *)(uintptr_t)tree, key, item)
		if (check_tree(item, err) < 0)
			return -1;
	return 0;
}

static int check_policy(struct rego *rego, struct err *err)
{
	auto_json json_t *answer = NULL;
	int status = 0;

	if (opa_ask(&rego->opa, "GET", "/v1/policies/posted", SPAN_NONE, &status, &answer, err) < 0)
		return -1;
	const json_t *tree = json_at(answer, "result", "ast", NULL);
	if (status != 200 || !tree)
		return err_set(err, ERR_IO, "opa does not show what it has read");
	return check_tree(tree, err);
}

static int start(struct rego *rego, struct err *err)
{
	bool evidence = rego->kind == REGO_EVIDENCE;

	if (opa_start(&rego->opa, err) < 0)
		return -1;
	if (evidence && put(rego, "functions", FUNCTIONS, err) < 0)
		return -1;
	if (put(rego, "posted", rego->text, err) < 0 || check_policy(rego, err) < 0)
		return -1;
	return put(rego, "ask", evidence ? ASK_EVIDENCE : ASK_RESOURCES, err);
}

int rego_open(const char *opa, enum rego_kind kind, struct span text, struct rego **out, struct err *err)
{
	if (text.len > REGO_TEXT_MAX)
		return err_set(err, ERR_LIMIT, "a policy of more than %zu bytes", REGO_TEXT_MAX);
	if (memchr(text.ptr ? text.ptr : "", '\0', text.len) || !span_is_utf8(text))
		return err_set(err, ERR_FORMAT, "the policy is no text");
	struct rego *rego = xcalloc(1, sizeof(*rego));
	rego->kind = kind;
	rego->text = xmemdup0(text.ptr ? text.ptr : "", text.len);
	rego->opa.program = xstrdup(opa);
	if (start(rego, err) < 0) {
		rego_free(rego);
		return -1;
	}
	*out = rego;
	return 0;
}

/* ---- asking ------------------------------------------------------------------------------------------------- */

/* Of a process that ends just now the connection breaks: the next is asked, once. */
static int ask(struct rego *rego, struct span question, int *status, json_t **answer, struct err *err)
{
	static const char path[] = "/v1/data/dev_kbs/answers";
	struct err broken = ERR_NONE;

	if (opa_lives(&rego->opa)) {
		if (opa_ask(&rego->opa, "POST", path, question, status, answer, &broken) == 0)
			return 0;
		if (broken.kind != ERR_IO)
			return err_set(err, broken.kind, "%s", broken.text);
	}
	if (start(rego, err) < 0)
		return err_wrap(err, "starting opa anew");
	return opa_ask(&rego->opa, "POST", path, question, status, answer, err);
}

int rego_answer(struct rego *rego, const json_t *facts, json_t **answers, struct err *err)
{
	auto_json json_t *question = json_pack("{s:O}", "input", facts), *answer = NULL;
	auto_free char *body = json_text(question, false);
	int status = 0;

	if (ask(rego, span_of(body), &status, &answer, err) < 0)
		return err_wrap(err, "evaluating the policy");
	if (status != 200) {
		refuse(answer, ERR_DENIED, err);
		return err_wrap(err, "evaluating the policy");
	}
	json_t *result = json_object_get(answer, "result");
	*answers = result ? json_incref(result) : json_object();
	return 0;
}
