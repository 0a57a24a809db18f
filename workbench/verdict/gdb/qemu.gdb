# A debugger on the x86_64 kernel, through QEMU, for a kernel without KGDB. Started
# in a directory in which "attach" connects to QEMU, "symbols" loads those of the
# module, and "go" lets the guest continue.

set pagination off
set confirm off
set print thread-events off

source attach
source symbols
shell touch go
