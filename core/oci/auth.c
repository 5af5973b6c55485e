/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/auth.h"

#include "base/alloc.h"
#include "base/b64.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/own.h"
#include "codec/json.h"
#include "net/http.h"
#include "net/url.h"
#include "oci/challenge.h"
#include "oci/store.h"

#include <stdio.h>
#include <string.h>

#define ANSWER_MAX    ((size_t)64 * 1024)
#define TOKEN_MAX     ((size_t)16 * 1024)
#define EXPIRY        60    /* seconds, when the server does not say */
#define EXPIRY_MAX    86400 /* longer is not believed */
#define EXPIRY_MARGIN 5     /* a token this close to its end is none */
#define TOKEN_TIMEOUT 30000
#define ECHO_MIN      4
#define CLIENT_ID     "cocoon"
#define BEARER        "Authorization: Bearer "
#define BASIC         "Authorization: Basic "

void auth_init(struct auth *auth, const struct oci_access *access, const struct oci_place *place,
		const struct retry_sleep *sleep)
{
	*auth = (struct auth){ .access = access, .place = place, .sleep = sleep };
}

void auth_clear(struct auth *auth)
{
	oci_login_clear(&auth->login);
	secret_clear(&auth->basic);
	for (size_t i = 0; i < AUTH_TOKENS; i++)
		secret_clear(&auth->tokens[i].field);
}

/* Its place in the table; AUTH_TOKENS: none. */
static size_t token_of(const struct auth *auth, const char *scope)
{
	size_t i = 0;

	while (i < AUTH_TOKENS && (!auth->tokens[i].field.len || strcmp(auth->tokens[i].scope, scope) != 0))
		i++;
	return i;
}

const char *auth_field(const struct auth *auth, const char *scope)
{
	size_t i = token_of(auth, scope);

	if (i < AUTH_TOKENS && auth->tokens[i].expiry > clock_mono(&clock_real))
		return (const char *)auth->tokens[i].field.ptr;
	return auth->basic.len ? (const char *)auth->basic.ptr : NULL;
}

/* Shorter ones stand in any text by chance. */
static bool holds(const char *text, const struct secret *secret, size_t from)
{
	return secret->len >= from + ECHO_MIN && strstr(text, (const char *)secret->ptr + from);
}

bool auth_is_echoed(const struct auth *auth, const char *text)
{
	bool found = holds(text, &auth->login.password, 0) || holds(text, &auth->login.identity, 0) ||
			holds(text, &auth->basic, strlen(BASIC));

	for (size_t i = 0; !found && i < AUTH_TOKENS; i++)
		found = holds(text, &auth->tokens[i].field, strlen(BEARER));
	return found;
}

/* ---- what is sent ---- */

/* "Authorization: Basic " and base64 of user:password. */
static int basic_field(const struct oci_login *login, struct secret *out, struct err *err)
{
	auto_secret struct secret plain = SECRET_NONE;
	size_t user = strlen(login->user), head = strlen(BASIC);

	if (secret_alloc(&plain, user + 1 + login->password.len, err) < 0 ||
			secret_alloc(out, head + b64_encoded_len(plain.len), err) < 0)
		return -1;
	memcpy(plain.ptr, login->user, user);
	plain.ptr[user] = ':';
	if (login->password.len)
		memcpy(plain.ptr + user + 1, login->password.ptr, login->password.len);
	memcpy(out->ptr, BASIC, head);
	b64_encode_raw((char *)out->ptr + head, secret_span(&plain));
	return 0;
}

static void add_scopes(struct buf *url, const char *scopes)
{
	struct span rest = span_of(scopes), scope;

	while (span_next(&rest, ' ', &scope))
		if (scope.len)
			url_add_query(url, "scope", scope);
}

/* The body of an OAuth2 refresh (RFC 6749 section 6), which holds a secret. */
static int refresh_body(const struct auth *auth, const struct challenge *challenge, const char *scope,
		struct secret *out, struct err *err)
{
	struct buf body = BUF_MAX(SECRET_MAX - 1);

	(void)buf_room(&body, body.max);
	buf_puts(&body, "grant_type=refresh_token&client_id=" CLIENT_ID "&service=");
	url_encode(&body, span_of(challenge->service));
	buf_puts(&body, "&scope=");
	url_encode(&body, span_of(scope));
	buf_puts(&body, "&refresh_token=");
	url_encode(&body, secret_span(&auth->login.identity));
	int result = buf_check(&body, "the identity token", err);
	if (!result)
		result = secret_from_span(out, buf_span(&body), err);
	explicit_bzero(body.ptr, body.len);
	buf_clear(&body);
	return result;
}

/* ---- what comes ---- */

/* The scope's own place, else a free one, else that of the token which ends first. */
static size_t slot_for(const struct auth *auth, const char *scope)
{
	size_t slot = token_of(auth, scope);

	if (slot < AUTH_TOKENS)
		return slot;
	slot = 0;
	for (size_t i = 1; i < AUTH_TOKENS && auth->tokens[slot].field.len; i++)
		if (!auth->tokens[i].field.len || auth->tokens[i].expiry < auth->tokens[slot].expiry)
			slot = i;
	return slot;
}

static int keep_token(
		struct auth *auth, const char *scope, const char *text, int64_t seconds, struct err *err)
{
	size_t len = strlen(text), head = strlen(BEARER);

	if (len > TOKEN_MAX)
		return err_set(err, ERR_LIMIT, "the token exceeds %zu bytes", TOKEN_MAX);
	for (size_t i = 0; i < len; i++)
		if (text[i] <= ' ' || text[i] == 0x7f)
			return err_set(err, ERR_FORMAT, "the token holds a byte that a header field cannot");
	struct auth_token *token = &auth->tokens[slot_for(auth, scope)];
	if (secret_alloc(&token->field, head + len, err) < 0)
		return -1;
	memcpy(token->field.ptr, BEARER, head);
	memcpy(token->field.ptr + head, text, len);
	snprintf(token->scope, sizeof(token->scope), "%s", scope);
	token->expiry = clock_mono(&clock_real) + (seconds - EXPIRY_MARGIN) * CLOCK_SECOND;
	return 0;
}

static int read_answer(struct auth *auth, const char *scope, struct span body, struct err *err)
{
	auto_json json_t *answer = NULL;
	const char *token = NULL;
	int64_t seconds = EXPIRY;

	if (json_read(body, ANSWER_MAX, &answer, err) < 0 ||
			json_opt_text(answer, "", "access_token", &token, err) < 0 ||
			json_opt_text(answer, "", "token", &token, err) < 0 ||
			json_opt_int(answer, "", "expires_in", INT64_MIN, INT64_MAX, &seconds, err) < 0)
		return -1;
	if (!token || !*token)
		return err_set(err, ERR_FORMAT, "the answer has neither token nor access_token");
	/* the specification: less than a minute must not be given, and is read as one */
	seconds = seconds < EXPIRY ? EXPIRY : seconds > EXPIRY_MAX ? EXPIRY_MAX : seconds;
	return keep_token(auth, scope, token, seconds, err);
}

static int refused(const struct auth *auth, int status, struct err *err)
{
	bool known = auth->login.user || auth->login.identity.len;

	if (status == 401 || status == 403 || status == 400)
		return err_set(err, ERR_AUTH,
				known ? "HTTP %d: the credentials are refused, or not enough for this"
				      : "HTTP %d: no credentials were found, and without them it says no",
				status);
	return err_set(err, ERR_DENIED, "HTTP %d", status);
}

/* The outcome of one try: 0 when its answer counts, else -1, with a cause when another may do better. */
static int try_fetch(struct http *http, const struct http_request *request, struct http_response *response,
		bool *passing, struct err *err)
{
	*passing = false;
	if (http_fetch(http, request, response, err) < 0) {
		*passing = err->kind == ERR_IO || err->kind == ERR_RETRY;
		return -1;
	}
	if (!retry_status(response->status))
		return 0;
	*passing = true;
	return err_set(err, ERR_RETRY, "HTTP %d", response->status);
}

/* Asks the token server until it gives an answer that counts. */
static int fetch_token(struct auth *auth, struct http *http, const struct http_request *request,
		struct http_response *response, struct err *err)
{
	struct retry retry = { .sleep = auth->sleep, .until = auth->deadline };
	struct err failure = ERR_NONE;
	bool passing;

	while (try_fetch(http, request, response, &passing, &failure) < 0) {
		int after = retry_after_status(auth->sleep, response->status, response->retry_after);
		if (passing && retry_again(&retry, failure.text, after, err) == 0)
			continue;
		if (err && !passing)
			*err = failure;
		return -1;
	}
	return response->status == 200 ? 0 : refused(auth, response->status, err);
}

/* A token for what is wanted, to be kept for the requests of a scope. */
static int trade(struct auth *auth, struct http *http, const struct challenge *challenge, const char *wanted,
		const char *scope, struct err *err)
{
	auto_buf struct buf url = BUF_MAX(URL_MAX);
	auto_secret struct secret body = SECRET_NONE, basic = SECRET_NONE;
	auto_response struct http_response response = HTTP_RESPONSE_NONE;
	bool refresh = auth->login.identity.len > 0;
	const char *headers[2] = { NULL, NULL };
	int left;

	buf_puts(&url, challenge->realm);
	if (refresh) {
		headers[0] = "Content-Type: application/x-www-form-urlencoded";
		if (refresh_body(auth, challenge, wanted, &body, err) < 0)
			return -1;
	} else {
		if (challenge->service[0])
			url_add_query(&url, "service", span_of(challenge->service));
		add_scopes(&url, wanted);
		if (auth->login.user && basic_field(&auth->login, &basic, err) < 0)
			return -1;
		headers[0] = basic.len ? (const char *)basic.ptr : NULL;
	}
	if (buf_check(&url, "the token request", err) < 0 ||
			retry_left(auth->deadline, TOKEN_TIMEOUT, &left, err) < 0)
		return -1;
	struct http_request request = { .method = refresh ? "POST" : "GET",
		.url = buf_text(&url),
		.headers = headers,
		.body = secret_span(&body),
		.max_body = ANSWER_MAX,
		.total_timeout = left };
	if (fetch_token(auth, http, &request, &response, err) < 0)
		return -1;
	int result = read_answer(auth, scope, buf_span(&response.body), err);
	if (response.body.ptr)
		explicit_bzero(response.body.ptr, response.body.cap);
	return result;
}

/* The realm's address, without its path in what is said about it. */
static int bearer(struct auth *auth, struct http *http, const struct challenge *challenge, const char *wanted,
		const char *scope, bool registry_tls, struct err *err)
{
	struct url realm;

	if (url_parse(span_of(challenge->realm), &realm, err) < 0)
		return err_wrap(err, "the token server that the registry names");
	if (registry_tls && !realm.tls)
		return err_set(err, ERR_DENIED,
				"the registry speaks https and names a token server that does not: '%.*s'",
				SPAN_ARG(realm.host));
	if (trade(auth, http, challenge, wanted, scope, err) < 0)
		return err_wrap(err, "asking the token server '%.*s' for '%s'", SPAN_ARG(realm.host), wanted);
	return 0;
}

static int basic(struct auth *auth, bool second, struct err *err)
{
	if (!auth->login.user)
		return err_set(err, ERR_AUTH,
				auth->login.identity.len
						? "HTTP 401: it wants a user and a password, and there is an "
						  "identity token"
						: "HTTP 401: no credentials were found, and without them it "
						  "says no");
	if (second)
		return err_set(err, ERR_AUTH, "HTTP 401: the credentials are refused");
	return basic_field(&auth->login, &auth->basic, err);
}

/* Is each action ("pull,push") one of the others? */
static bool actions_are_among(struct span actions, struct span others)
{
	struct span action, other;

	while (span_next(&actions, ',', &action)) {
		bool found = false;
		for (struct span rest = others; !found && span_next(&rest, ',', &other);)
			found = span_eq(action, other);
		if (!found)
			return false;
	}
	return true;
}

/* Where the actions of a scope begin: behind its last colon. */
static size_t actions_at(struct span scope)
{
	size_t at = scope.len;

	while (at && scope.ptr[at - 1] != ':')
		at--;
	return at;
}

/* Do two scopes ask for the same? Registries name the actions in any order, another one each time. */
static bool same_scope(struct span a, struct span b)
{
	size_t at = actions_at(a), other = actions_at(b);

	return span_eq(span_new(a.ptr, at), span_new(b.ptr, other)) &&
			actions_are_among(span_from(a, at), span_from(b, other)) &&
			actions_are_among(span_from(b, other), span_from(a, at));
}

int auth_answer(struct auth *auth, struct http *http, const char *field, const char *scope, bool second,
		bool registry_tls, struct err *err)
{
	struct challenge challenge;

	if (challenge_parse(span_of(field), &challenge, err) < 0)
		return err_wrap(err, "HTTP 401");
	if (!auth->searched && oci_login_find(auth->access, auth->place, &auth->login, err) < 0)
		return err_wrap(err, "looking for credentials");
	auth->searched = true;
	auth->answers++;
	if (challenge.scheme == CHALLENGE_BASIC)
		return basic(auth, second && auth->basic.len, err);
	const char *wanted = second ? challenge.scope : scope;
	if (second && (!wanted[0] || same_scope(span_of(wanted), span_of(scope))))
		return refused(auth, 401, err);
	return bearer(auth, http, &challenge, wanted, scope, registry_tls, err);
}
