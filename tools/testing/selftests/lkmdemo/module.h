/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Loading and unloading the lkmdemo modules, and their parameters in sysfs.
 */
#ifndef _LKMDEMO_SELFTEST_MODULE_H
#define _LKMDEMO_SELFTEST_MODULE_H

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* What a system call returned, or its errno, negative. */
#define RESULT(call) ({					\
	ssize_t _result = (call);			\
	_result < 0 ? (ssize_t)-errno : _result;	\
})

/* Sets of modules. */
#define MODULE_COUNTER	0x1
#define MODULE_INC	0x2
#define MODULE_DEC	0x4
#define MODULE_DEVICE	0x8

/* Why the tests can't have the modules to themselves, NULL if they can. */
const char *modules_unusable(void);

/* Where modules_install has put a module of the driver. */
void module_path(const char *name, char path[PATH_MAX]);

/* These return 0 or a negative errno. */
int module_load(const char *name, const char *parameters);
int module_unload(const char *name);

bool module_loaded(const char *name);

/* What /proc/modules says of a module. */
struct module_line {
	unsigned int size;
	int uses;
	char users[256];	/* "-" or names, each with a comma behind it */
	char state[16];
	unsigned long long address;
	char taints[16];	/* empty or letters in parentheses */
};

/* False if the module is not there. */
bool module_line_read(const char *name, struct module_line *line);

/* The set of modules that are loaded. */
unsigned int modules_loaded(void);

/*
 * Unload all modules, then load those of the set, with default parameters.
 * Returns 0 or a negative errno.
 */
int modules_set(unsigned int set);

/*
 * A file that says something in a line or a few. These return the bytes moved or
 * a negative errno; what is read ends with a NUL that is not counted.
 */
ssize_t file_read(const char *path, char *text, size_t size);
ssize_t file_write(const char *path, const char *text);

/* The permission bits of a file, or a negative errno. */
int file_mode(const char *path);

/* As those of files, without the newline. */
ssize_t parameter_read(const char *module, const char *name, char *value, size_t size);
ssize_t parameter_write(const char *module, const char *name, const char *value);

int parameter_mode(const char *module, const char *name);

#endif /* _LKMDEMO_SELFTEST_MODULE_H */
