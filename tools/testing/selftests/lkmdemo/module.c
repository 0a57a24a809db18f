// SPDX-License-Identifier: GPL-2.0-only
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "kselftest.h"
#include "module.h"

#define NAME_SIZE	64
#define VALUE_SIZE	4096
#define IMAGE_SIZE	(4 * 1024 * 1024)

struct module {
	const char *name;
	unsigned int bit;
	/* Parameters that the cases expect unless they give others. */
	const char *defaults;
	bool built_in;
	/* The file that modprobe would load, empty without one. */
	char path[PATH_MAX];
	/* Its content, if it had to be decompressed, and why that failed. */
	char *bytes;
	ssize_t size;
	/* Whether it was loaded before the first case, and with which parameters. */
	bool found;
	char *parameters;
	/* A user of the module that the cases do not unload, or NULL. */
	char *holder;
};

/* The exporter comes first: this is an order in which they can be loaded. */
static struct module modules[] = {
	{ "lkmdemo_counter", MODULE_COUNTER, "" },
	{ "lkmdemo_inc", MODULE_INC, "" },
	{ "lkmdemo_dec", MODULE_DEC, "" },
	{ "lkmdemo", MODULE_DEVICE, "capacity=1024 exclusive=Y" },
	{ "lkmdemo_hello", MODULE_HELLO, "" },
	{ "lkmdemo_pool", MODULE_POOL, "nr_items=1000" },
};

/* The modules that a case has changed. Shared with the processes of the cases. */
static unsigned int *touched;

/*
 * The policy of the machine, which stays the same for all cases: whether modules can be
 * loaded, and the error with which the kernel refuses any of those of the driver, or 0.
 */
static bool disabled;
static int refused;

/* Whether devtmpfs is mounted on /dev. */
static bool devtmpfs;

static struct module *module_find(const char *name)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(modules); i++)
		if (!strcmp(name, modules[i].name))
			return &modules[i];

	return NULL;
}

static void touch(const char *name)
{
	struct module *module = module_find(name);

	if (module && touched)
		*touched |= module->bit;
}

static __printf(1, 2) const char *reason(const char *format, ...)
{
	static char text[VALUE_SIZE];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);

	return text;
}

/* Text files and parameters. */

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

static ssize_t file_write_bytes(const char *path, const char *bytes, size_t count)
{
	ssize_t ret;
	int fd;

	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;

	ret = RESULT(write(fd, bytes, count));
	close(fd);

	return ret;
}

ssize_t file_write(const char *path, const char *text)
{
	return file_write_bytes(path, text, strlen(text));
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

	touch(module);
	parameter_path(module, name, path);
	/* A write of no bytes would not reach the parameter. */
	return file_write_bytes(path, value, strlen(value) ?: 1);
}

int parameter_mode(const char *module, const char *name)
{
	char path[PATH_MAX];

	parameter_path(module, name, path);
	return file_mode(path);
}

/*
 * Parses the next of the parameters of a load, where a value may be in quotation
 * marks. False at the end.
 */
static bool parameter_next(const char **text, char name[NAME_SIZE], char value[VALUE_SIZE])
{
	const char *next = *text + strspn(*text, " ");
	size_t length = strcspn(next, "= ");
	bool quoted;

	if (!length)
		return false;

	snprintf(name, NAME_SIZE, "%.*s", (int)length, next);
	next += length;
	value[0] = '\0';
	if (*next == '=') {
		quoted = *++next == '"';
		next += quoted;
		length = strcspn(next, quoted ? "\"" : " ");
		snprintf(value, VALUE_SIZE, "%.*s", (int)length, next);
		next += length;
		next += quoted && *next;
	}
	*text = next;

	return true;
}

/* The parameters that a module has, in the format of a load. */
static char *parameters_read(const char *module)
{
	char path[PATH_MAX], value[VALUE_SIZE];
	struct dirent *entry;
	char *text = NULL;
	DIR *directory;
	size_t size;
	FILE *list;

	list = open_memstream(&text, &size);
	if (!list)
		return NULL;

	parameter_path(module, "", path);
	directory = opendir(path);
	while (directory && (entry = readdir(directory))) {
		if (entry->d_name[0] == '.' ||
		    parameter_read(module, entry->d_name, value, sizeof(value)) < 0 ||
		    !strcmp(value, "(null)"))
			continue;
		/* This one is an output. */
		if (!strcmp(module, "lkmdemo_counter") && !strcmp(entry->d_name, "shared"))
			continue;
		fprintf(list, "%s=\"%s\" ", entry->d_name, value);
	}
	if (directory)
		closedir(directory);
	fclose(list);

	return text;
}

/* Writes those parameters that differ. Returns 0 or a negative errno. */
static int parameters_write(const char *module, const char *parameters)
{
	char name[NAME_SIZE], value[VALUE_SIZE], now[VALUE_SIZE];
	ssize_t ret;

	while (parameter_next(&parameters, name, value)) {
		if (parameter_read(module, name, now, sizeof(now)) >= 0 && !strcmp(value, now))
			continue;
		ret = parameter_write(module, name, value);
		if (ret < 0)
			return ret;
	}

	return 0;
}

/* Whether a parameter is given in a list of them. */
static bool parameter_given(const char *parameters, const char *wanted)
{
	char name[NAME_SIZE], value[VALUE_SIZE];

	while (parameter_next(&parameters, name, value))
		if (!strcmp(name, wanted))
			return true;

	return false;
}

/* The parameters of a case, with the default for each that it does not give. */
static void parameters_complete(const struct module *module, const char *parameters,
				char *text, size_t size)
{
	char name[NAME_SIZE], value[VALUE_SIZE];
	const char *defaults = module->defaults;
	size_t length;

	length = snprintf(text, size, "%s", parameters);
	while (parameter_next(&defaults, name, value) && length < size)
		if (!parameter_given(parameters, name))
			length += snprintf(text + length, size - length, " %s=%s", name, value);
}

/* The files of the modules. */

/* The module that a line of modules.dep or modules.builtin is about, or NULL. */
static struct module *module_of_line(char *line)
{
	const char *name;
	unsigned int i;
	size_t length;

	line[strcspn(line, ":\n")] = '\0';
	name = strrchr(line, '/');
	name = name ? name + 1 : line;
	for (i = 0; i < ARRAY_SIZE(modules); i++) {
		length = strlen(modules[i].name);
		if (!strncmp(name, modules[i].name, length) &&
		    !strncmp(name + length, ".ko", 3) &&
		    (!name[length + 3] || name[length + 3] == '.'))
			return &modules[i];
	}

	return NULL;
}

static const char *modules_directory(void)
{
	static char path[sizeof("/lib/modules/") + sizeof(struct utsname)];
	struct utsname uts;

	uname(&uts);
	snprintf(path, sizeof(path), "/lib/modules/%s", uts.release);

	return path;
}

/* As modprobe, which looks in these indexes alone. */
static void modules_index(const char *index, bool built_in)
{
	struct module *module;
	char path[PATH_MAX];
	char *line = NULL;
	size_t size = 0;
	FILE *lines;

	snprintf(path, sizeof(path), "%s/%s", modules_directory(), index);
	lines = fopen(path, "re");
	if (!lines)
		return;

	while (getline(&line, &size, lines) > 0) {
		module = module_of_line(line);
		if (!module)
			continue;
		module->built_in |= built_in;
		if (!built_in)
			snprintf(module->path, sizeof(module->path), "%s%s%s",
				 line[0] == '/' ? "" : modules_directory(),
				 line[0] == '/' ? "" : "/", line);
	}
	free(line);
	fclose(lines);
}

/* The command that decompresses a file, or NULL if the file is not compressed. */
static const char *decompressor(const char *path)
{
	static const char * const commands[][2] = {
		{ ".gz", "gzip" }, { ".xz", "xz" }, { ".zst", "zstd" },
	};
	const char *suffix = strrchr(path, '.');
	unsigned int i;

	for (i = 0; suffix && i < ARRAY_SIZE(commands); i++)
		if (!strcmp(suffix, commands[i][0]))
			return commands[i][1];

	return NULL;
}

/* Decompresses a file once, for all cases to load it from memory. */
static void module_decompress(struct module *module)
{
	char command[PATH_MAX + 32];
	FILE *output;
	size_t size;

	module->size = -EIO;
	module->bytes = malloc(IMAGE_SIZE);
	if (!module->bytes)
		ksft_exit_fail_perror("malloc");

	snprintf(command, sizeof(command), "%s -dc '%s' 2>/dev/null",
		 decompressor(module->path), module->path);
	output = popen(command, "re");
	if (!output)
		return;

	size = fread(module->bytes, 1, IMAGE_SIZE, output);
	/* This includes the exit status of the shell if there is no such command. */
	if (!pclose(output) && size < IMAGE_SIZE)
		module->size = size;
}

ssize_t module_read(const char *name, void *bytes, size_t size)
{
	const struct module *module = module_find(name);
	ssize_t length;
	int fd;

	if (module->bytes) {
		if (module->size > (ssize_t)size)
			return -EFBIG;
		if (module->size > 0)
			memcpy(bytes, module->bytes, module->size);
		return module->size;
	}

	fd = open(module->path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;

	length = RESULT(read(fd, bytes, size));
	close(fd);

	return length;
}

int module_load(const char *name, const char *parameters)
{
	const struct module *module = module_find(name);
	int fd, ret;

	touch(name);
	if (module->bytes && module->size < 0)
		return module->size;
	if (module->bytes)
		return RESULT(syscall(SYS_init_module, module->bytes, module->size, parameters));

	fd = open(module->path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;

	ret = RESULT(syscall(SYS_finit_module, fd, parameters, 0));
	close(fd);

	return ret;
}

int module_unload(const char *name)
{
	touch(name);
	return RESULT(syscall(SYS_delete_module, name, O_NONBLOCK));
}

/* The modules that are loaded. */

static bool module_resident(const char *name)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "/sys/module/%s", name);
	return !access(path, F_OK);
}

bool module_loaded(const char *name)
{
	char path[PATH_MAX];

	/* A module that is built in lacks this file. */
	snprintf(path, sizeof(path), "/sys/module/%s/initstate", name);
	return !access(path, F_OK);
}

bool module_line_read(const char *name, struct module_line *line)
{
	bool found = false;
	FILE *lines;
	char text[512];
	char of[NAME_SIZE];

	lines = fopen("/proc/modules", "re");
	if (!lines)
		return false;

	while (!found && fgets(text, sizeof(text), lines)) {
		memset(line, 0, sizeof(*line));
		found = sscanf(text, "%63s %u %d %255s %15s %llx %15s", of, &line->size,
			       &line->uses, line->users, line->state, &line->address,
			       line->taints) >= 6 && !strcmp(of, name);
	}
	fclose(lines);

	return found;
}

unsigned int modules_loaded(void)
{
	unsigned int i, set = 0;

	for (i = 0; i < ARRAY_SIZE(modules); i++)
		if ((modules[i].bit & MODULE_STACK) && module_resident(modules[i].name))
			set |= modules[i].bit;

	return set;
}

/* Preconditions. */

const char *root_missing(void)
{
	return geteuid() ? "requires root" : NULL;
}

const char *debugfs_unusable(void)
{
	struct statfs fs;

	if (statfs("/sys/kernel/debug", &fs) || fs.f_type != DEBUGFS_MAGIC)
		return "requires debugfs on /sys/kernel/debug";

	return NULL;
}

/* A policy such as the lockdown of the kernel may refuse an open that root may do. */
static const char *file_unusable(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC);

	if (fd < 0)
		return reason("cannot open %s: %s", path, strerror(errno));
	close(fd);

	return NULL;
}

const char *tracefs_unusable(void)
{
	struct statfs fs;

	if (statfs("/sys/kernel/tracing", &fs) || fs.f_type != TRACEFS_MAGIC)
		return "requires tracefs on /sys/kernel/tracing";

	return file_unusable("/sys/kernel/tracing/tracing_on", O_RDONLY);
}

const char *kmsg_unusable(void)
{
	return file_unusable("/dev/kmsg", O_RDONLY | O_NONBLOCK);
}

const char *dynamic_debug_unusable(void)
{
	return access("/proc/dynamic_debug/control", F_OK) ? "requires CONFIG_DYNAMIC_DEBUG" : NULL;
}

static bool devtmpfs_mounted(void)
{
	char line[PATH_MAX], on[PATH_MAX], type[NAME_SIZE];
	bool found = false;
	FILE *mounts;

	mounts = fopen("/proc/mounts", "re");
	while (mounts && fgets(line, sizeof(line), mounts))
		if (sscanf(line, "%*s %4095s %63s", on, type) == 2 && !strcmp(on, "/dev"))
			found = !strcmp(type, "devtmpfs");
	if (mounts)
		fclose(mounts);

	return found;
}

/* Only devtmpfs makes the node of a device before the load returns. */
const char *devtmpfs_missing(void)
{
	return devtmpfs ? NULL : "requires devtmpfs on /dev";
}

const char *kallsyms_missing(void)
{
	return access("/proc/kallsyms", F_OK) ? "requires CONFIG_KALLSYMS" : NULL;
}

const char *net_namespaces_missing(void)
{
	return access("/proc/self/ns/net", F_OK) ? "requires CONFIG_NET_NS" : NULL;
}

/*
 * The result of a system call with invalid arguments shows whether the kernel has the
 * call and the machine allows it.
 */
static const char *call_unusable(const char *name, long result, int expected)
{
	return result == expected ? NULL : reason("cannot use %s: %s", name, strerror(-result));
}

const char *io_uring_unusable(void)
{
	return call_unusable("io_uring", RESULT(syscall(SYS_io_uring_setup, 1, NULL)), -EFAULT);
}

const char *userfaultfd_unusable(void)
{
	return call_unusable("userfaultfd", RESULT(syscall(SYS_userfaultfd, -1)), -EINVAL);
}

const char *failslab_unusable(void)
{
	if (debugfs_unusable())
		return debugfs_unusable();
	if (access("/proc/self/fail-nth", F_OK) || access("/sys/kernel/debug/failslab", F_OK))
		return "requires CONFIG_FAILSLAB and CONFIG_FAULT_INJECTION_DEBUG_FS";

	return file_unusable("/sys/kernel/debug/failslab/verbose", O_RDWR);
}

const char *release_before(unsigned int version, unsigned int patchlevel, const char *fact)
{
	unsigned int of_kernel, level_of_kernel;
	struct utsname uts;

	uname(&uts);
	if (sscanf(uts.release, "%u.%u", &of_kernel, &level_of_kernel) != 2 ||
	    of_kernel > version || (of_kernel == version && level_of_kernel >= patchlevel))
		return NULL;

	return reason("Linux %u.%u lacks %s", of_kernel, level_of_kernel, fact);
}

/* The taint of a module that was built out of tree. */
const char *in_tree_missing(const char *name)
{
	char path[PATH_MAX], taints[NAME_SIZE];

	snprintf(path, sizeof(path), "/sys/module/%s/taint", name);
	if (file_read(path, taints, sizeof(taints)) <= 0 || !strchr(taints, 'O'))
		return NULL;

	return reason("%s was built out of tree", name);
}

/* A number in /proc/sys/kernel, or -1 without such a file. */
static long kernel_sysctl(const char *name)
{
	char path[PATH_MAX], text[32];

	snprintf(path, sizeof(path), "/proc/sys/kernel/%s", name);

	return file_read(path, text, sizeof(text)) > 0 ? strtol(text, NULL, 10) : -1;
}

const char *addresses_hidden(void)
{
	return kernel_sysctl("kptr_restrict") > 1 ? "kernel.kptr_restrict is 2" : NULL;
}

const char *addresses_public(void)
{
	/* Without CONFIG_PERF_EVENTS there is no such file. */
	if (kernel_sysctl("kptr_restrict") || kernel_sysctl("perf_event_paranoid") > 1 ||
	    access("/proc/sys/kernel/perf_event_paranoid", F_OK))
		return NULL;

	return "kernel.kptr_restrict and kernel.perf_event_paranoid show addresses to everyone";
}

/* A user of a module that the cases do not unload, or NULL. */
static char *module_holder(const char *name)
{
	struct dirent *entry;
	char path[PATH_MAX];
	char *holder = NULL;
	DIR *directory;

	snprintf(path, sizeof(path), "/sys/module/%s/holders", name);
	directory = opendir(path);
	while (directory && !holder && (entry = readdir(directory)))
		if (entry->d_name[0] != '.' && !module_find(entry->d_name) &&
		    strncmp(entry->d_name, "lkmdemo_test_", strlen("lkmdemo_test_")))
			holder = strdup(entry->d_name);
	if (directory)
		closedir(directory);

	return holder;
}

static unsigned int dependencies(unsigned int bit)
{
	return bit & MODULE_STACK & ~MODULE_COUNTER ? MODULE_COUNTER : 0;
}

/* The modules that are unloaded before those of a set are loaded. */
static unsigned int unloaded_for(unsigned int set)
{
	return set & MODULE_STACK ? set | MODULE_STACK : set;
}

const char *modules_unusable(unsigned int needs, unsigned int set)
{
	const struct module *module;
	unsigned int i;

	if (root_missing())
		return root_missing();

	for (i = 0; i < ARRAY_SIZE(modules); i++) {
		module = &modules[i];
		if (!(unloaded_for(needs | set) & module->bit))
			continue;
		if (module->holder)
			return reason("%s is in use by %s", module->name, module->holder);
		if (!((needs | set) & module->bit) ||
		    (module->built_in && !(needs & module->bit)))
			continue;
		if (module->built_in)
			return reason("%s is built in", module->name);
		if (!module->path[0])
			return reason("modprobe finds no %s in %s", module->name,
				      modules_directory());
		if (module->bytes && module->size < 0)
			return reason("%s cannot decompress %s", decompressor(module->path),
				      module->path);
	}
	if (disabled)
		return "kernel.modules_disabled is 1";
	if (refused)
		return reason("the kernel refuses the modules: %s", strerror(refused));

	return NULL;
}

const char *module_fixed(const char *name)
{
	unsigned int bit = module_find(name)->bit;

	return modules_unusable(bit, dependencies(bit));
}

const char *module_unusable(const char *name, const char *parameters)
{
	char parameter[NAME_SIZE], value[VALUE_SIZE], now[VALUE_SIZE], all[VALUE_SIZE];
	const struct module *module = module_find(name);
	const char *why = module_fixed(name);
	const char *rest = all;

	if (!why || root_missing() || !module_resident(name))
		return why;

	parameters_complete(module, parameters, all, sizeof(all));
	while (parameter_next(&rest, parameter, value)) {
		if (parameter_read(name, parameter, now, sizeof(now)) >= 0 &&
		    (!strcmp(value, now) || parameter_mode(name, parameter) & 0222))
			continue;
		snprintf(now, sizeof(now), "%s", why);
		return reason("%s, and %s lacks %s=%s", now, name, parameter, value);
	}

	return NULL;
}

int modules_set(unsigned int needs, unsigned int set)
{
	unsigned int i, group = unloaded_for(needs | set);
	int ret;

	for (i = ARRAY_SIZE(modules); i--;) {
		if (!(group & modules[i].bit) || !module_loaded(modules[i].name))
			continue;
		ret = module_unload(modules[i].name);
		if (ret)
			return ret;
	}

	for (i = 0; i < ARRAY_SIZE(modules); i++) {
		if (!(set & modules[i].bit) || modules[i].built_in)
			continue;
		ret = module_load(modules[i].name, "");
		if (ret)
			return ret;
	}

	return 0;
}

int module_set(const char *name, const char *parameters)
{
	const struct module *module = module_find(name);
	char all[VALUE_SIZE];
	int ret;

	if (module_fixed(name)) {
		parameters_complete(module, parameters, all, sizeof(all));
		return parameters_write(name, all);
	}

	ret = modules_set(module->bit, dependencies(module->bit));

	return ret ?: module_load(name, parameters);
}

/* Loads a module with the parameters that it had. */
static int module_load_again(const struct module *module)
{
	char name[NAME_SIZE], value[VALUE_SIZE], text[2 * VALUE_SIZE] = "";
	const char *parameters = module->parameters;
	size_t length = 0;

	while (parameter_next(&parameters, name, value) && length < sizeof(text))
		/* An array takes no empty value. */
		if (value[0])
			length += snprintf(text + length, sizeof(text) - length, "%s=\"%s\" ",
					   name, value);

	return module_load(module->name, text);
}

int modules_restore(void)
{
	unsigned int i, changed = *touched;
	const struct module *module;
	int ret;

	for (i = ARRAY_SIZE(modules); i--;) {
		module = &modules[i];
		if (!(changed & module->bit) || !module_loaded(module->name) ||
		    (module->found && module_fixed(module->name)))
			continue;
		ret = module_unload(module->name);
		if (ret)
			return ret;
	}

	for (i = 0; i < ARRAY_SIZE(modules); i++) {
		module = &modules[i];
		if (!(changed & module->bit) || !module->parameters)
			continue;
		if (module_loaded(module->name) || module->built_in)
			ret = parameters_write(module->name, module->parameters);
		else if (module->found)
			ret = module_load_again(module);
		else
			ret = 0;
		if (ret)
			return ret;
	}
	*touched = 0;

	return 0;
}

static void restore_at_exit(void)
{
	int ret = modules_restore();

	if (ret)
		fprintf(stderr, "# cannot restore the modules: %s\n", strerror(-ret));
}

/*
 * Returns the error of a machine policy that refuses the modules, or 0. This load
 * runs no code of the module: it fails at the missing parameters, which the kernel
 * copies after it has checked the signature.
 */
static int modules_probe(void)
{
	unsigned int i;
	int ret;

	for (i = 0; i < ARRAY_SIZE(modules); i++) {
		/* One without dependencies, the lack of which would be logged. */
		if (!modules[i].path[0] ||
		    !(modules[i].bit & (MODULE_COUNTER | MODULE_HELLO | MODULE_POOL)))
			continue;
		ret = module_load(modules[i].name, NULL);
		return ret == -EPERM || ret == -EACCES || ret == -EKEYREJECTED ? -ret : 0;
	}

	return 0;
}

void modules_init(void)
{
	struct module *module;
	unsigned int i;

	touched = mmap(NULL, sizeof(*touched), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (touched == MAP_FAILED)
		ksft_exit_fail_perror("mmap");

	modules_index("modules.builtin", true);
	modules_index("modules.dep", false);
	for (i = 0; i < ARRAY_SIZE(modules); i++) {
		module = &modules[i];
		module->found = module_loaded(module->name);
		module->built_in |= !module->found && module_resident(module->name);
		if (module_resident(module->name))
			module->parameters = parameters_read(module->name);
		module->holder = module_holder(module->name);
		if (!root_missing() && decompressor(module->path))
			module_decompress(module);
	}
	devtmpfs = devtmpfs_mounted();
	disabled = kernel_sysctl("modules_disabled") > 0;
	if (!root_missing())
		refused = modules_probe();
	*touched = 0;
	atexit(restore_at_exit);
}
