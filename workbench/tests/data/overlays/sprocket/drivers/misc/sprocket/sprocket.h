/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _SPROCKET_H
#define _SPROCKET_H

#include <linux/sprintf.h>

/* Print a number of teeth as the device shows it. */
static inline int sprocket_print(char *buf, size_t size, unsigned int teeth)
{
	return scnprintf(buf, size, "%u teeth\n", teeth);
}

#endif
