# SPDX-License-Identifier: GPL-2.0-only
#
# The front door. Each target is a command of the workbench; the variables
# below, given on make's command line, are its options.

PYTHON ?= /usr/bin/python3
TARGET ?= um

export CMD DEBUG KDIR KERNEL QUICK TARGET TEST V

commands := bench debug debug-session demo docs graft guest kernel kselftest kunit lint \
	    series shell test ungraft

.PHONY: help setup setup-lint setup-test setup-x86_64 check clean $(commands)

help:
	@cat workbench/help

setup:
	@workbench/setup.sh $(TARGET)

setup-test:
	@workbench/setup.sh test $(TARGET)

setup-lint:
	@workbench/setup.sh lint $(if $(filter 1,$(QUICK)),,analysis)

docs lint: setup-lint

bench debug debug-session guest kselftest shell test: setup-test

setup-x86_64:
	@workbench/setup.sh x86_64

bench: setup-x86_64

$(commands): setup
	@exec $(PYTHON) -B workbench $@

check: kernel
	@PYTHONPATH=workbench $(PYTHON) -B -m unittest discover -s workbench/tests

clean:
	rm -rf "$$(readlink -f build)" build
