# SPDX-License-Identifier: GPL-2.0-only
#
# Build modules as the Makefile of the kernel builds single ones. Its checks of the compiler
# and of generated headers are left out: they take longer than the modules.

# With the Makefile of the kernel: save the environment that it has for a recipe.
save-environment:
	@env -0 >.environment

# In the saved environment. OBJECTS are the names in modules.order.
export KBUILD_MODULES := y
build-modules:
	@$(MAKE) -f $(srctree)/scripts/Makefile.build obj=. need-builtin=1 need-modorder=1 \
		$(foreach object,$(OBJECTS),./$(object) ./$(object:.o=.mod))
	@# modpost runs after a change of the list.
	@touch modules.order
	@$(MAKE) -f $(srctree)/scripts/Makefile.modpost
	@$(MAKE) -f $(srctree)/scripts/Makefile.modfinal
