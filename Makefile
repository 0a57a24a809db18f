# SPDX-License-Identifier: GPL-2.0-only
#
# Each target is a command of the workbench, and the variables on the command line are
# its options. The workbench checks both.

PYTHON := /usr/bin/python3

# The names of the variables on the command line. make would expand their values in the
# environment of a recipe, so the workbench reads them from the command line.
options := $(strip $(foreach v,$(.VARIABLES),$(if $(filter command,$(firstword $(origin $v))),$v)))
unexport $(options)

quote = '$(subst ','\'',$1)'

# The directory of this file may have any name, and may not be the current one.
start = @file=$(call quote,$(value MAKEFILE_LIST)) && \
	exec "$$(dirname -- "$${file\# }")"/workbench/start $(call quote,$(PYTHON))

commands := bench check check-conditions check-debian check-dkms check-farm check-kernels check-lab \
	    check-overlays check-release check-try clean coverage deb debug debug-session demo docs farm graft \
	    guest help job kernel kselftest kunit lab lab-results lint mistakes new oot pitfalls quick series \
	    setup shell soak test try ungraft watch

.DEFAULT_GOAL := help
.PHONY: $(commands)

# Each command uses all processors, and commands in the same clone wait for each other.
.NOTPARALLEL:

$(commands):
	$(start) $@ $(call quote,$(options))

.DEFAULT:
	$(start) $(call quote,$@) $(call quote,$(options))
