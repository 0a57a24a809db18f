// SPDX-License-Identifier: GPL-2.0-only
#include <linux/module.h>

double demo(double a);
double demo(double a)
{
	return a * 2;
}
