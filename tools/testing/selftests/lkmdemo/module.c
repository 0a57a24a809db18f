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

void module_path(const char *name, char path[PATH_MAX])
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

bool module_line_read(const char *name, struct module_line *line)
{
	bool found = false;
	char text[512];
	FILE *modules;
	char of[64];

	modules = fopen("/proc/modules", "re");
	if (!modules)
		return false;

	while (!found && fgets(text, sizeof(text), modules)) {
		memset(line, 0, sizeof(*line));
		found = sscanf(text, "%63s %u %d %255s %15s %llx %15s", of, &line->size,
			       &line->uses, line->users, line->state, &line->address,
			       line->taints) >= 6 && !strcmp(of, name);
	}
	fclose(modules);

	return found;
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

ssize_t file_read(const char *path, char *text, size_t size)
{
	ssize_t ret, length = 0;
	int fd;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;

	do {
		ret = RESULT(read(fd, text + length, size - 1 - length));
		if (ret > 0)
			length += ret;
	} while (ret > 0);
	close(fd);
	if (ret < 0)
		return ret;

	text[length] = '\0';

	return length;
}

ssize_t file_write(const char *path, const char *text)
{
	ssize_t ret;
	int fd;

	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;

	ret = RESULT(write(fd, text, strlen(text)));
	close(fd);

	return ret;
}

int file_mode(const char *path)
{
	struct stat st;

	return stat(path, &st) ? -errno : (int)(st.st_mode & 07777);
}

static void parameter_path(const char *module, const char *name, char path[PATH_MAX])
{
	snprintf(path, PATH_MAX, "/sys/module/%s/parameters/%s", module, name);
}

ssize_t parameter_read(const char *module, const char *name, char *value, size_t size)
{
	char path[PATH_MAX];
	ssize_t ret;

	parameter_path(module, name, path);
	ret = file_read(path, value, size);
	if (ret > 0 && value[ret - 1] == '\n')
		value[--ret] = '\0';

	return ret;
}

ssize_t parameter_write(const char *module, const char *name, const char *value)
{
	char path[PATH_MAX];

	parameter_path(module, name, path);
	return file_write(path, value);
}

int parameter_mode(const char *module, const char *name)
{
	char path[PATH_MAX];

	parameter_path(module, name, path);
	return file_mode(path);
}
