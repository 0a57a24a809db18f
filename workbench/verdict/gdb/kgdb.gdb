# Attach gdb to the x86_64 kernel, through KGDB on its second serial line. The kernel waits
# for gdb while it boots (kgdbwait), and stops again, by sysrq, after the module is loaded.
# In the current directory, the script "attach" connects to the line, and "symbols" loads
# the symbols of the module.

set pagination off
set confirm off
set print thread-events off
set remotetimeout 10

source attach
continue
source symbols
