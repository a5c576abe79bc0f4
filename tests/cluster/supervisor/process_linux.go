// What the kernel is told about a child on Linux.
package supervisor

import "syscall"

// childAttributes kills the child when its parent dies, and keeps a
// terminal's Ctrl-C from it: the supervisor decides when children end.
func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
}
