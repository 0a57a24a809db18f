# Attach gdb to the x86_64 kernel through QEMU, for a kernel without KGDB. In the current
# directory, the script "attach" connects to QEMU, "symbols" loads the symbols of the
# module, and the file "go" lets the guest continue.

set pagination off
set confirm off
set print thread-events off

source attach
source symbols
shell touch go
