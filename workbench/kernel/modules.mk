# SPDX-License-Identifier: GPL-2.0-only
#
# Build modules as the Makefile of the kernel builds single modules, without its checks of the
# compiler and of generated headers. The checks take longer than the build.

# Read after the Makefile of the kernel: save the variables that it exports.
save-environment:
	@env -0 >.environment

# Run with the saved variables. OBJECTS are the names in modules.order.
export KBUILD_MODULES := y
build-modules:
	@$(MAKE) -f $(srctree)/scripts/Makefile.build obj=. need-builtin=1 need-modorder=1 \
		$(foreach object,$(OBJECTS),./$(object) ./$(object:.o=.mod))
	@# modpost runs only if modules.order is newer than its output.
	@touch modules.order
	@$(MAKE) -f $(srctree)/scripts/Makefile.modpost
	@$(MAKE) -f $(srctree)/scripts/Makefile.modfinal
