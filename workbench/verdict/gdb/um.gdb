# A debugger on the um kernel, which is a process: its threads are the processors.
# Started in a directory in which "attach" attaches to it, "symbols" loads those of
# the module, and "go" lets the guest go on.

set pagination off
set confirm off
set print thread-events off

# Signals are how this kernel gets its interrupts and its page faults.
handle SIGSEGV SIGUSR1 SIGUSR2 SIGALRM SIGIO SIGCHLD SIGWINCH SIG34 SIG35 nostop noprint pass

source attach
source symbols
shell touch go
