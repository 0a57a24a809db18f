# A debugger on the x86_64 kernel, through KGDB on its second serial line. The
# kernel waits for it as it boots (kgdbwait), and stops a second time, by sysrq,
# when the module is loaded. Started in a directory in which "attach" connects to
# the line, and "symbols" loads those of the module.

set pagination off
set confirm off
set print thread-events off
set remotetimeout 10

source attach
continue
source symbols
