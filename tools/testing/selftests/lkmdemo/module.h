/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The lkmdemo modules: how to load and unload them, their parameters in sysfs,
 * and what the machine must provide for that.
 */
#ifndef _LKMDEMO_SELFTEST_MODULE_H
#define _LKMDEMO_SELFTEST_MODULE_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* The result of a system call, or its errno, negative. */
#define RESULT(call) ({					\
	ssize_t _result = (call);			\
	_result < 0 ? (ssize_t)-errno : _result;	\
})

/* Sets of modules. */
#define MODULE_COUNTER	0x01
#define MODULE_INC	0x02
#define MODULE_DEC	0x04
#define MODULE_DEVICE	0x08
#define MODULE_HELLO	0x10
#define MODULE_POOL	0x20

/* The exporter and its clients, which are unloaded together. */
#define MODULE_STACK	(MODULE_COUNTER | MODULE_INC | MODULE_DEC | MODULE_DEVICE)

/*
 * Finds the files of the modules, and records which modules are loaded, for
 * modules_restore(). harness.h calls this before the first case.
 */
void modules_init(void);

/*
 * Preconditions. Each of these returns the reason why a case cannot run here, or
 * NULL if it can. skip_if() in harness.h takes the reason.
 */
const char *root_missing(void);
const char *debugfs_unusable(void);
const char *tracefs_unusable(void);
const char *kmsg_unusable(void);
const char *dynamic_debug_unusable(void);
const char *devtmpfs_missing(void);
const char *kallsyms_missing(void);
const char *net_namespaces_missing(void);
const char *io_uring_unusable(void);
const char *userfaultfd_unusable(void);
const char *failslab_unusable(void);

/*
 * For a fact of the kernel itself, which releases before VERSION.PATCHLEVEL lack. The
 * reason names the fact, such as "RWF_NOAPPEND". All comparisons of releases are here.
 */
const char *release_before(unsigned int version, unsigned int patchlevel, const char *fact);

/* For a module of the kernel tree, not one that was built out of tree. */
const char *in_tree_missing(const char *name);

/* For addresses in the kernel: root cannot see them, or everyone can. */
const char *addresses_hidden(void);
const char *addresses_public(void);

/* For the modules of @needs, and for those of @set that are not built in. */
const char *modules_unusable(unsigned int needs, unsigned int set);

/* For one module that the case loads and unloads, and its dependencies. */
const char *module_fixed(const char *name);

/*
 * For one module that must be resident with these parameters. If it cannot be
 * loaded afresh, a resident one is usable whose parameters are these or can be
 * written.
 */
const char *module_unusable(const char *name, const char *parameters);

/* These return 0 or a negative errno. */
int module_load(const char *name, const char *parameters);
int module_unload(const char *name);

/* Provides a module with these parameters, once module_unusable() returned NULL. */
int module_set(const char *name, const char *parameters);

/*
 * Unloads the modules of @needs, all of MODULE_STACK if one belongs to it, and loads
 * those of @set, with default parameters. What is built in stays.
 */
int modules_set(unsigned int needs, unsigned int set);

/* Restores the state that modules_init() recorded, as far as a case changed it. */
int modules_restore(void);

bool module_loaded(const char *name);

/* The modules of MODULE_STACK that are loaded or built in. */
unsigned int modules_loaded(void);

/* Reads the file of a module, decompressed. Returns its size or a negative errno. */
ssize_t module_read(const char *name, void *bytes, size_t size);

/* A line of /proc/modules. */
struct module_line {
	unsigned int size;
	int uses;
	char users[256];	/* "-", or names, each followed by a comma */
	char state[16];
	unsigned long long address;
	char taints[16];	/* empty, or letters in parentheses */
};

/* False if the module is not loaded. */
bool module_line_read(const char *name, struct module_line *line);

/*
 * For small text files. These return the number of bytes, or a negative errno. The
 * text that is read ends with a NUL, which is not counted.
 */
ssize_t file_read(const char *path, char *text, size_t size);
ssize_t file_write(const char *path, const char *text);

/* The permission bits of a file, or a negative errno. */
int file_mode(const char *path);

/* The same for parameters. A value is read without its newline. */
ssize_t parameter_read(const char *module, const char *name, char *value, size_t size);
ssize_t parameter_write(const char *module, const char *name, const char *value);
int parameter_mode(const char *module, const char *name);

#endif /* _LKMDEMO_SELFTEST_MODULE_H */
