/* SPDX-License-Identifier: Apache-2.0 */
#include "image/p11_token.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/own.h"
#include "image/p11_key.h"

#include <errno.h>
#include <p11-kit/p11-kit.h>
#include <p11-kit/uri.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define RESULT_MAX 2048
#define NO_SLOT    ((CK_SLOT_ID)-1)

struct p11_token {
	const struct p11_key *key;
	CK_OBJECT_CLASS class;
	char *path; /* of the module */
	CK_FUNCTION_LIST *module;
	bool initialised;
	bool in_session;
	bool refused; /* the PIN: a second try may lock it */
	CK_SESSION_HANDLE session;
	CK_OBJECT_HANDLE object;
};

/* ---- life ---- */

void p11_token_free(struct p11_token *token)
{
	int saved = errno;

	if (!token)
		return;
	if (token->in_session)
		token->module->C_CloseSession(token->session);
	if (token->initialised)
		p11_kit_module_finalize(token->module);
	if (token->module)
		p11_kit_module_release(token->module);
	free(token->path);
	free(token);
	errno = saved;
}

static int set_environment(const struct p11_key *key, struct err *err)
{
	const char *name = NULL;
	json_t *value = NULL;

	json_object_foreach (key->env, name, value)
		if (setenv(name, json_string_value(value), 1) < 0)
			return err_errno(err, ERR_USAGE, "module.env.%.60s", name);
	return 0;
}

static int load(struct p11_token *token, struct err *err)
{
	if (set_environment(token->key, err) < 0)
		return -1;
	token->module = p11_kit_module_load(token->path, P11_KIT_MODULE_CRITICAL);
	if (!token->module) {
		const char *reason = p11_kit_message();
		return err_set(err, ERR_IO, "the PKCS#11 module '%s' cannot be loaded%s%s", token->path,
				reason ? ": " : "", reason ? reason : "");
	}
	CK_RV status = p11_kit_module_initialize(token->module);
	if (status != CKR_OK)
		return err_set(err, ERR_IO, "the PKCS#11 module '%s' does not start: %s", token->path,
				p11_kit_strerror(status));
	token->initialised = true;
	return 0;
}

int p11_token_open(const struct p11_key *key, const struct p11_policy *policy, bool private,
		struct p11_token **out, struct err *err)
{
	auto_p11_token struct p11_token *token = xcalloc(1, sizeof(*token));

	token->key = key;
	token->class = private ? CKO_PRIVATE_KEY : CKO_PUBLIC_KEY;
	if (p11_module_find(key, policy, &token->path, err) < 0 || load(token, err) < 0)
		return -1;
	*out = take(&token);
	return 0;
}

/* ---- the slot ---- */

/* Labels in a token are padded with spaces and have no NUL. */
static void add_label(struct buf *seen, const unsigned char *label, size_t len)
{
	while (len && label[len - 1] == ' ')
		len--;
	buf_printf(seen, "%s'%.*s'", seen->len ? ", " : "", (int)len, (const char *)label);
}

/* Of the slots one must fit; those that do not are named in `seen`. */
static int pick_slot(struct p11_token *token, const CK_SLOT_ID *slots, CK_ULONG count, CK_SLOT_ID *out,
		CK_TOKEN_INFO *info_out, struct buf *seen)
{
	CK_SLOT_ID wanted = p11_kit_uri_get_slot_id(token->key->uri);
	int found = 0;

	for (CK_ULONG i = 0; i < count; i++) {
		CK_TOKEN_INFO info = { .flags = 0 };
		if (token->module->C_GetTokenInfo(slots[i], &info) != CKR_OK)
			continue;
		if ((wanted != NO_SLOT && wanted != slots[i]) ||
				!p11_kit_uri_match_token_info(token->key->uri, &info)) {
			add_label(seen, info.label, sizeof(info.label));
			continue;
		}
		*out = slots[i];
		*info_out = info;
		found++;
	}
	return found;
}

static int find_slot(struct p11_token *token, CK_SLOT_ID *out, CK_TOKEN_INFO *info, struct err *err)
{
	CK_SLOT_ID slots[P11_SLOTS_MAX];
	CK_ULONG count = P11_SLOTS_MAX;
	auto_buf struct buf seen = BUF_MAX(400);
	CK_RV status = token->module->C_GetSlotList(CK_TRUE, slots, &count);

	if (status != CKR_OK)
		return err_set(err, status == CKR_BUFFER_TOO_SMALL ? ERR_LIMIT : ERR_IO,
				"listing the slots of '%s': %s", token->path, p11_kit_strerror(status));
	int found = pick_slot(token, slots, count, out, info, &seen);
	if (found == 1)
		return 0;
	if (found)
		return err_set(err, ERR_USAGE, "%d tokens fit '%s': add token, serial or slot-id", found,
				token->key->text);
	return err_set(err, ERR_NOT_FOUND, "no token fits '%s'; '%s' has %s", token->key->text, token->path,
			seen.len ? buf_text(&seen) : "none");
}

/* ---- the session ---- */

static int refuse(const struct p11_token *token, struct err *err)
{
	return err_set(err, ERR_DENIED, "the token of '%s' refused the PIN, and is not asked again",
			token->key->text);
}

static int log_in(struct p11_token *token, const CK_TOKEN_INFO *info, struct err *err)
{
	auto_secret struct secret pin = SECRET_NONE;
	bool own_path = info->flags & CKF_PROTECTED_AUTHENTICATION_PATH;

	if (p11_key_pin(token->key, &pin, err) < 0)
		return -1;
	if (!pin.len && token->class == CKO_PUBLIC_KEY)
		return 0;
	if (!pin.len && !(info->flags & CKF_LOGIN_REQUIRED))
		return 0;
	if (!pin.len && !own_path)
		return err_set(err, ERR_USAGE, "the token of '%s' wants a PIN: add pin-source or pin-value",
				token->key->text);
	CK_RV status = token->module->C_Login(token->session, CKU_USER, pin.len ? pin.ptr : NULL, pin.len);
	if (status == CKR_OK || status == CKR_USER_ALREADY_LOGGED_IN)
		return 0;
	if (status == CKR_PIN_LOCKED)
		return err_set(err, ERR_DENIED, "the PIN of the token of '%s' is locked", token->key->text);
	token->refused = status == CKR_PIN_INCORRECT || status == CKR_PIN_INVALID ||
			status == CKR_PIN_LEN_RANGE;
	if (token->refused)
		return refuse(token, err);
	return err_set(err, ERR_IO, "logging in to the token of '%s': %s", token->key->text,
			p11_kit_strerror(status));
}

static int find_object(struct p11_token *token, struct err *err)
{
	CK_OBJECT_HANDLE found[2] = { 0, 0 };
	CK_ATTRIBUTE wanted[3] = { { CKA_CLASS, &token->class, sizeof(token->class) } };
	CK_ATTRIBUTE *label = p11_kit_uri_get_attribute(token->key->uri, CKA_LABEL);
	CK_ATTRIBUTE *id = p11_kit_uri_get_attribute(token->key->uri, CKA_ID);
	CK_ULONG count = 1, hits = 0;
	const char *kind = token->class == CKO_PRIVATE_KEY ? "private" : "public";

	if (!label && !id)
		return err_set(err, ERR_USAGE, "'%s' does not say its key: add object or id",
				token->key->text);
	if (label)
		wanted[count++] = *label;
	if (id)
		wanted[count++] = *id;
	CK_RV status = token->module->C_FindObjectsInit(token->session, wanted, count);
	if (status == CKR_OK) {
		status = token->module->C_FindObjects(token->session, found, 2, &hits);
		token->module->C_FindObjectsFinal(token->session);
	}
	if (status != CKR_OK)
		return err_set(err, ERR_IO, "looking for the %s key of '%s': %s", kind, token->key->text,
				p11_kit_strerror(status));
	if (hits != 1)
		return err_set(err, hits ? ERR_USAGE : ERR_NOT_FOUND, "%s %s key fits '%s'",
				hits ? "more than one" : "no", kind, token->key->text);
	token->object = found[0];
	return 0;
}

/* Session, login and key, once. */
static int ready(struct p11_token *token, struct err *err)
{
	CK_SLOT_ID slot = NO_SLOT;
	CK_TOKEN_INFO info = { .flags = 0 };

	if (token->in_session)
		return 0;
	if (token->refused)
		return refuse(token, err);
	if (find_slot(token, &slot, &info, err) < 0)
		return -1;
	CK_RV status = token->module->C_OpenSession(slot, CKF_SERIAL_SESSION, NULL, NULL, &token->session);
	if (status != CKR_OK)
		return err_set(err, ERR_IO, "opening a session with the token of '%s': %s", token->key->text,
				p11_kit_strerror(status));
	if (log_in(token, &info, err) == 0 && find_object(token, err) == 0) {
		token->in_session = true;
		return 0;
	}
	token->module->C_CloseSession(token->session);
	return -1;
}

int p11_token_bits(struct p11_token *token, unsigned *out, struct err *err)
{
	CK_ULONG bits = 0;
	CK_ATTRIBUTE attribute = { CKA_MODULUS_BITS, &bits, sizeof(bits) };

	if (ready(token, err) < 0)
		return -1;
	if (token->module->C_GetAttributeValue(token->session, token->object, &attribute, 1) != CKR_OK)
		bits = 0;
	*out = bits > 8 * RESULT_MAX ? 8 * RESULT_MAX : (unsigned)bits;
	return 0;
}

/* ---- the key at work ---- */

static CK_RSA_PKCS_OAEP_PARAMS oaep(bool sha1)
{
	CK_RSA_PKCS_OAEP_PARAMS parameters = { .hashAlg = sha1 ? CKM_SHA_1 : CKM_SHA256,
		.mgf = sha1 ? CKG_MGF1_SHA1 : CKG_MGF1_SHA256,
		.source = CKZ_DATA_SPECIFIED };

	return parameters;
}

/* A module that knows OAEP with SHA-1 alone says so at the beginning of an operation. */
static int cannot(const struct p11_token *token, bool sha1, CK_RV status, struct err *err)
{
	return err_set(err, ERR_USAGE, "'%s' does not do RSA-OAEP with %s: %s%s", token->path,
			sha1 ? "SHA-1" : "SHA-256", p11_kit_strerror(status),
			sha1 ? ""
			     : "; SHA-1 may work (OCICRYPT_OAEP_HASHALG=sha1 when the image is encrypted)");
}

static CK_BYTE *bytes_of(struct span span)
{
	return (CK_BYTE *)(uintptr_t)span.ptr;
}

int p11_token_encrypt(struct p11_token *token, bool sha1, struct span plain, struct buf *out, struct err *err)
{
	CK_RSA_PKCS_OAEP_PARAMS parameters = oaep(sha1);
	CK_MECHANISM mechanism = { CKM_RSA_PKCS_OAEP, &parameters, sizeof(parameters) };
	CK_BYTE result[RESULT_MAX];
	CK_ULONG len = sizeof(result);

	if (ready(token, err) < 0)
		return -1;
	CK_RV status = token->module->C_EncryptInit(token->session, &mechanism, token->object);
	if (status != CKR_OK)
		return cannot(token, sha1, status, err);
	status = token->module->C_Encrypt(token->session, bytes_of(plain), plain.len, result, &len);
	if (status != CKR_OK)
		return err_set(err, ERR_IO, "encrypting with '%s': %s", token->key->text,
				p11_kit_strerror(status));
	buf_add(out, result, len);
	return buf_check(out, "the encrypted key", err);
}

/* Modules differ in the word for a padding that is wrong; to us it is one. */
static bool is_wrong_padding(CK_RV status)
{
	static const CK_RV words[] = { CKR_ENCRYPTED_DATA_INVALID, CKR_ENCRYPTED_DATA_LEN_RANGE,
		CKR_DATA_INVALID, CKR_FUNCTION_FAILED, CKR_GENERAL_ERROR };

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (status == words[i])
			return true;
	return false;
}

int p11_token_decrypt(
		struct p11_token *token, bool sha1, struct span cipher, struct secret *out, struct err *err)
{
	CK_RSA_PKCS_OAEP_PARAMS parameters = oaep(sha1);
	CK_MECHANISM mechanism = { CKM_RSA_PKCS_OAEP, &parameters, sizeof(parameters) };
	auto_secret struct secret result = SECRET_NONE;

	if (ready(token, err) < 0 || secret_alloc(&result, RESULT_MAX, err) < 0)
		return -1;
	CK_ULONG len = result.len;
	CK_RV status = token->module->C_DecryptInit(token->session, &mechanism, token->object);
	if (status != CKR_OK)
		return cannot(token, sha1, status, err);
	status = token->module->C_Decrypt(token->session, bytes_of(cipher), cipher.len, result.ptr, &len);
	if (is_wrong_padding(status))
		return err_set(err, ERR_AUTH, "decryption failed");
	if (status != CKR_OK)
		return err_set(err, ERR_IO, "decrypting with '%s': %s", token->key->text,
				p11_kit_strerror(status));
	return secret_from_span(out, span_new(result.ptr, len), err);
}
