/* SPDX-License-Identifier: Apache-2.0 */
/* Which modules may be loaded, and where they are. */
#include "base/alloc.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/own.h"
#include "codec/json.h"
#include "codec/yaml.h"
#include "image/p11_key.h"

#include <ctype.h>
#include <dirent.h>
#include <p11-kit/uri.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>

void p11_policy_clear(struct p11_policy *policy)
{
	json_decref(policy->directories);
	json_decref(policy->allowed);
	*policy = (struct p11_policy)P11_POLICY_NONE;
}

/* ---- the policy ---- */

/* ocicrypt's list, which is that of the distributions. */
static void built_in(struct p11_policy *out)
{
	static const char *const usual[] = { "/usr/lib64/pkcs11/", "/usr/lib/pkcs11/",
		"/usr/local/lib/pkcs11/", "/usr/lib/softhsm/" };
	struct utsname system = { .machine = "" };

	out->directories = json_array();
	for (size_t i = 0; i < sizeof(usual) / sizeof(*usual); i++)
		json_array_append_new(out->directories, json_string(usual[i]));
	if (uname(&system) == 0)
		json_array_append_new(
				out->directories, json_sprintf("/usr/lib/%s-linux-gnu/", system.machine));
	out->allowed = json_incref(out->directories);
}

static int read_policy(struct span text, struct p11_policy *out, struct err *err)
{
	auto_json json_t *doc = NULL;
	json_t *pkcs11 = NULL, *directories = NULL, *allowed = NULL;

	if (yaml_read_one(text, P11_TEXT_MAX, &doc, err) < 0 ||
			json_get_object(doc, "", "pkcs11", &pkcs11, err) < 0 ||
			json_opt_texts(pkcs11, "pkcs11", "module-directories", P11_LIST_MAX, &directories,
					err) < 0 ||
			json_opt_texts(pkcs11, "pkcs11", "allowed-module-paths", P11_LIST_MAX, &allowed,
					err) < 0)
		return -1;
	out->directories = directories ? json_incref(directories) : json_array();
	out->allowed = allowed ? json_incref(allowed) : json_array();
	return 0;
}

int p11_policy_load(const char *config, struct p11_policy *out, struct err *err)
{
	auto_buf struct buf text = BUF_MAX(P11_TEXT_MAX);

	p11_policy_clear(out);
	if (!config || strcmp(config, "internal") == 0) {
		built_in(out);
		return 0;
	}
	if (fs_read(config, &text, err) < 0)
		return -1;
	if (read_policy(buf_span(&text), out, err) < 0)
		return err_wrap(err, "reading the PKCS#11 policy '%s'", config);
	return 0;
}

/* An entry that ends in '/' allows the files of that folder, not those of folders in it. */
static bool is_allowed(const json_t *allowed, const char *path)
{
	size_t i = 0;
	const json_t *entry = NULL;

	json_array_foreach (allowed, i, entry) {
		struct span text = span_new(json_string_value(entry), json_string_length(entry));
		if (span_is(text, path))
			return true;
		if (span_ends(text, "/") && strncmp(path, text.ptr, text.len) == 0 &&
				!strchr(path + text.len, '/'))
			return true;
	}
	return false;
}

/* ---- finding ---- */

/* Case does not count; the name ends the file's name, or a '.' follows: "softhsm2" is in "libsofthsm2.so". */
static bool has_name(const char *file, const char *name)
{
	const char *at = strcasestr(file, name);

	return at && (at[strlen(name)] == '\0' || at[strlen(name)] == '.');
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

/* The path when it is a file, or a link to one; folders may have a module's name too. */
static char *file_at(const char *directory, const char *name)
{
	struct stat status = { .st_mode = 0 };
	char *path = xasprintf("%s%s%s", directory, span_ends(span_of(directory), "/") ? "" : "/", name);

	if (stat(path, &status) == 0 && S_ISREG(status.st_mode))
		return path;
	free(path);
	return NULL;
}

/* The first of the folder's files, in the order of their names; NULL when there is none. */
static char *find_in(const char *directory, const char *name)
{
	struct dirent **files = NULL;
	int count = scandir(directory, &files, NULL, by_bytes);
	char *found = NULL;

	for (int i = 0; i < count; i++) {
		if (!found && has_name(files[i]->d_name, name))
			found = file_at(directory, files[i]->d_name);
		free(files[i]);
	}
	free(files);
	return found;
}

static char *find_named(const json_t *directories, const char *name)
{
	size_t i = 0;
	const json_t *entry = NULL;

	json_array_foreach (directories, i, entry) {
		char *found = find_in(json_string_value(entry), name);
		if (found)
			return found;
	}
	return NULL;
}

/* A module-path is the module, or a folder where module-name is looked for. */
static int find_path(const char *path, const char *name, char **out, struct err *err)
{
	struct stat status = { .st_mode = 0 };

	if (*path != '/')
		return err_set(err, ERR_USAGE, "module-path '%.200s' is not absolute", path);
	if (stat(path, &status) < 0)
		return err_errno(err, ERR_NOT_FOUND, "module-path '%.200s'", path);
	if (S_ISREG(status.st_mode)) {
		*out = xstrdup(path);
		return 0;
	}
	if (!S_ISDIR(status.st_mode) || !name)
		return err_set(err, ERR_USAGE, "module-path '%.200s' is no file, and there is no module-name",
				path);
	*out = find_in(path, name);
	if (!*out)
		return err_set(err, ERR_NOT_FOUND, "no module '%.60s' in '%.200s'", name, path);
	return 0;
}

int p11_module_find(const struct p11_key *key, const struct p11_policy *policy, char **out, struct err *err)
{
	const char *path = p11_kit_uri_get_module_path(key->uri);
	const char *name = p11_kit_uri_get_module_name(key->uri);
	auto_free char *found = NULL;

	if (!path && !name)
		return err_set(err, ERR_USAGE, "'%s' does not say its module: add module-name or module-path",
				key->text);
	if (path && find_path(path, name, &found, err) < 0)
		return -1;
	if (!path)
		found = find_named(policy->directories, name);
	if (!found)
		return err_set(err, ERR_NOT_FOUND,
				"no PKCS#11 module '%.60s' in the policy's module-directories", name);
	if (!is_allowed(policy->allowed, found))
		return err_set(err, ERR_DENIED,
				"the policy's allowed-module-paths do not allow the PKCS#11 module '%s'",
				found);
	*out = take(&found);
	return 0;
}
