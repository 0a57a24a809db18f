// SPDX-License-Identifier: GPL-2.0-only
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "kselftest.h"
#include "module.h"

/* The exporter comes first: this is an order in which they can be loaded. */
static const struct {
	unsigned int bit;
	const char *name;
} modules[] = {
	{ MODULE_COUNTER, "lkmdemo_counter" },
	{ MODULE_INC, "lkmdemo_inc" },
	{ MODULE_DEC, "lkmdemo_dec" },
	{ MODULE_DEVICE, "lkmdemo" },
};

static void module_path(const char *name, char path[PATH_MAX])
{
	struct utsname uts;

	uname(&uts);
	snprintf(path, PATH_MAX, "/lib/modules/%s/kernel/drivers/misc/lkmdemo/%s.ko",
		 uts.release, name);
}

static bool module_built_in(const char *name)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "/sys/module/%s", name);
	return !access(path, F_OK) && !module_loaded(name);
}

const char *modules_unusable(void)
{
	static char reason[PATH_MAX + 32];
	char path[PATH_MAX];
	unsigned int i;

	if (geteuid())
		return "needs root";

	for (i = 0; i < ARRAY_SIZE(modules); i++) {
		if (module_built_in(modules[i].name)) {
			snprintf(reason, sizeof(reason), "%s is built in, needs it as a module",
				 modules[i].name);
			return reason;
		}

		module_path(modules[i].name, path);
		if (access(path, R_OK)) {
			snprintf(reason, sizeof(reason), "no module %s", path);
			return reason;
		}
	}

	return NULL;
}

int module_load(const char *name, const char *parameters)
{
	char path[PATH_MAX];
	int fd, ret;

	module_path(name, path);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;

	ret = RESULT(syscall(SYS_finit_module, fd, parameters, 0));
	close(fd);

	return ret;
}

int module_unload(const char *name)
{
	return RESULT(syscall(SYS_delete_module, name, O_NONBLOCK));
}

bool module_loaded(const char *name)
{
	char path[PATH_MAX];

	/* What is built in has a directory, but not this in it. */
	snprintf(path, sizeof(path), "/sys/module/%s/initstate", name);
	return !access(path, F_OK);
}

unsigned int modules_loaded(void)
{
	unsigned int i, set = 0;

	for (i = 0; i < ARRAY_SIZE(modules); i++)
		if (module_loaded(modules[i].name))
			set |= modules[i].bit;

	return set;
}

int modules_set(unsigned int set)
{
	unsigned int i;
	int ret;

	for (i = ARRAY_SIZE(modules); i--;) {
		ret = module_unload(modules[i].name);
		if (ret && ret != -ENOENT)
			return ret;
	}

	for (i = 0; i < ARRAY_SIZE(modules); i++) {
		if (!(set & modules[i].bit))
			continue;
		ret = module_load(modules[i].name, "");
		if (ret)
			return ret;
	}

	return 0;
}

static void parameter_path(const char *module, const char *name, char path[PATH_MAX])
{
	snprintf(path, PATH_MAX, "/sys/module/%s/parameters/%s", module, name);
}

static int parameter_open(const char *module, const char *name, int flags)
{
	char path[PATH_MAX];

	parameter_path(module, name, path);
	return RESULT(open(path, flags | O_CLOEXEC));
}

ssize_t parameter_read(const char *module, const char *name, char *value, size_t size)
{
	ssize_t ret;
	int fd;

	fd = parameter_open(module, name, O_RDONLY);
	if (fd < 0)
		return fd;

	ret = RESULT(read(fd, value, size - 1));
	close(fd);
	if (ret < 0)
		return ret;

	if (ret && value[ret - 1] == '\n')
		ret--;
	value[ret] = '\0';

	return ret;
}

ssize_t parameter_write(const char *module, const char *name, const char *value)
{
	ssize_t ret;
	int fd;

	fd = parameter_open(module, name, O_WRONLY);
	if (fd < 0)
		return fd;

	ret = RESULT(write(fd, value, strlen(value)));
	close(fd);

	return ret;
}

int parameter_mode(const char *module, const char *name)
{
	char path[PATH_MAX];
	struct stat st;

	parameter_path(module, name, path);
	if (stat(path, &st))
		return -errno;

	return st.st_mode & 07777;
}
