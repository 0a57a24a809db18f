/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _LKMDEMO_TEST_NOTIFIER_H
#define _LKMDEMO_TEST_NOTIFIER_H

#include <linux/types.h>

void notifier_log(s64 value);

#endif /* _LKMDEMO_TEST_NOTIFIER_H */
