# Attach gdb to the um kernel, which is a process; its threads are the processors. In the
# current directory, the script "attach" attaches to the process, "symbols" loads the
# symbols of the module, and the file "go" lets the guest continue.

set pagination off
set confirm off
set print thread-events off

# The um kernel gets its interrupts and page faults as signals.
handle SIGSEGV SIGUSR1 SIGUSR2 SIGALRM SIGIO SIGCHLD SIGWINCH SIG34 SIG35 nostop noprint pass

source attach
source symbols
shell touch go
