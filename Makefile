# SPDX-License-Identifier: GPL-2.0-only
#
# Each target is a command of the workbench; the variables on make's command line
# are its options. The workbench checks both.

PYTHON := /usr/bin/python3

# The variables from a command line. make would expand their values in the
# environment of a recipe; the workbench reads them where they were typed.
options := $(strip $(foreach v,$(.VARIABLES),$(if $(filter command,$(firstword $(origin $v))),$v)))
unexport $(options)

quote = '$(subst ','\'',$1)'

# This file's directory may have any name, and need not be the current one.
start = @file=$(call quote,$(value MAKEFILE_LIST)) && \
	exec "$$(dirname -- "$${file\# }")"/workbench/start $(call quote,$(PYTHON))

commands := bench check check-conditions check-debian check-overlays check-release check-try clean debug debug-session \
	    demo docs graft guest help kernel kselftest kunit lint series setup shell test try ungraft

.DEFAULT_GOAL := help
.PHONY: $(commands)

# Set-up and builds use all processors by themselves, and runs in one clone wait for
# each other.
.NOTPARALLEL:

$(commands):
	$(start) $@ $(call quote,$(options))

.DEFAULT:
	$(start) $(call quote,$@) $(call quote,$(options))
